//! Organization policy constraints around keys.

pub const RESTRICT_NON_CMEK: &str = "gcp.restrictNonCmekServices";
pub const RESTRICT_KEY_PROJECTS: &str = "gcp.restrictCmekCryptoKeyProjects";
pub const RESOURCE_LOCATIONS: &str = "gcp.resourceLocations";
pub const ALLOWED_PROTECTION_LEVELS: &str = "cloudkms.allowedProtectionLevels";
pub const DISABLE_BEFORE_DESTROY: &str = "cloudkms.disableBeforeDestroy";
pub const MINIMUM_DESTROY_DURATION: &str = "cloudkms.minimumDestroyScheduledDuration";
pub const UNIFORM_BUCKET_ACCESS: &str = "storage.uniformBucketLevelAccess";

/// A constraint of the catalogue. Every default here is to allow.
#[derive(Debug)]
pub struct Constraint {
    /// Without `constraints/`.
    pub name: &'static str,
    pub display_name: &'static str,
    pub description: &'static str,
    pub is_list: bool,
    pub supports_under: bool,
}

pub const ALL: &[Constraint] = &[
    Constraint {
        name: ALLOWED_PROTECTION_LEVELS,
        display_name: "Restrict which KMS CryptoKey types may be created",
        description: "The protection levels that new keys and key versions may have.",
        is_list: true,
        supports_under: false,
    },
    Constraint {
        name: DISABLE_BEFORE_DESTROY,
        display_name: "Restrict key destruction to disabled keys",
        description: "When enforced, only key versions that are disabled can be scheduled for destruction.",
        is_list: false,
        supports_under: false,
    },
    Constraint {
        name: MINIMUM_DESTROY_DURATION,
        display_name: "Minimum destroy scheduled duration per key",
        description: "The least time that a new key's versions stay scheduled for destruction.",
        is_list: true,
        supports_under: false,
    },
    Constraint {
        name: RESOURCE_LOCATIONS,
        display_name: "Google Cloud Platform - Resource Location Restriction",
        description: "The locations in which resources can be created.",
        is_list: true,
        supports_under: false,
    },
    Constraint {
        name: RESTRICT_KEY_PROJECTS,
        display_name: "Restrict which projects may supply KMS CryptoKeys for CMEK",
        description: "The projects whose keys may protect newly created resources.",
        is_list: true,
        supports_under: true,
    },
    Constraint {
        name: RESTRICT_NON_CMEK,
        display_name: "Restrict which services may create resources without CMEK",
        description: "The services that may not create resources without a customer-managed key.",
        is_list: true,
        supports_under: false,
    },
    Constraint {
        name: UNIFORM_BUCKET_ACCESS,
        display_name: "Enforce uniform bucket-level access",
        description: "When enforced, new buckets must use uniform bucket-level access.",
        is_list: false,
        supports_under: false,
    },
];

/// By name, with or without `constraints/`.
pub fn find(name: &str) -> Option<&'static Constraint> {
    let name = name.strip_prefix("constraints/").unwrap_or(name);
    ALL.iter().find(|constraint| constraint.name == name)
}

/// The services that `gcp.restrictNonCmekServices` can name. Container Registry and Cloud KMS are not among them.
const NON_CMEK_SERVICES: &[&str] = &[
    "aiplatform",
    "alloydb",
    "apigee",
    "artifactregistry",
    "backupdr",
    "bigquery",
    "bigquerydatatransfer",
    "bigtable",
    "cloudfunctions",
    "cloudtasks",
    "composer",
    "compute",
    "contactcenterinsights",
    "container",
    "dataflow",
    "dataform",
    "datafusion",
    "dataplex",
    "dataproc",
    "dialogflow",
    "discoveryengine",
    "documentai",
    "eventarc",
    "file",
    "firestore",
    "gkebackup",
    "integrations",
    "logging",
    "looker",
    "lustre",
    "memorystore",
    "netapp",
    "notebooks",
    "pubsub",
    "redis",
    "run",
    "secretmanager",
    "securesourcemanager",
    "securitycenter",
    "spanner",
    "speech",
    "sqladmin",
    "storage",
    "storagetransfer",
    "tpu",
    "workstations",
];

pub fn is_non_cmek_service(service: &str) -> bool {
    service.strip_suffix(".googleapis.com").is_some_and(|name| NON_CMEK_SERVICES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_governed_only_through_storage_and_pubsub() {
        assert!(is_non_cmek_service("storage.googleapis.com"));
        assert!(is_non_cmek_service("pubsub.googleapis.com"));
        assert!(!is_non_cmek_service("containerregistry.googleapis.com"));
        assert!(!is_non_cmek_service("cloudkms.googleapis.com"));
        assert!(find("constraints/gcp.restrictNonCmekServices").is_some_and(|found| found.is_list));
        assert!(find("gcp.unheardOf").is_none());
        assert!(ALL.is_sorted_by_key(|constraint| constraint.name));
    }
}
