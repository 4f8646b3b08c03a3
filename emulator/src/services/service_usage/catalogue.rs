//! The services that can be enabled: the emulator's own and the usual ones around them.

use gcp_names::constraint::is_non_cmek_service;

#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    pub title: &'static str,
    pub enabled: Enabled,
}

/// Where a service is enabled though nobody enabled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    Nowhere,
    /// In projects that the default mode made up: the emulator serves it.
    Automatic,
    /// In every new project, as production does.
    Everywhere,
}

use Enabled::{Automatic, Everywhere, Nowhere};

const fn entry(name: &'static str, title: &'static str, enabled: Enabled) -> Entry {
    Entry { name, title, enabled }
}

/// Sorted by name.
pub const ALL: &[Entry] = &[
    entry("artifactregistry.googleapis.com", "Artifact Registry API", Nowhere),
    entry("bigquery.googleapis.com", "BigQuery API", Everywhere),
    entry("bigquerymigration.googleapis.com", "BigQuery Migration API", Everywhere),
    entry("bigquerystorage.googleapis.com", "BigQuery Storage API", Everywhere),
    entry("cloudapis.googleapis.com", "Google Cloud APIs", Everywhere),
    entry("cloudasset.googleapis.com", "Cloud Asset API", Automatic),
    entry("cloudbuild.googleapis.com", "Cloud Build API", Nowhere),
    entry("cloudkms.googleapis.com", "Cloud Key Management Service (KMS) API", Automatic),
    entry("cloudresourcemanager.googleapis.com", "Cloud Resource Manager API", Automatic),
    entry("cloudtrace.googleapis.com", "Cloud Trace API", Everywhere),
    entry("compute.googleapis.com", "Compute Engine API", Nowhere),
    entry("container.googleapis.com", "Kubernetes Engine API", Nowhere),
    entry("containeranalysis.googleapis.com", "Container Analysis API", Nowhere),
    entry("containerregistry.googleapis.com", "Container Registry API", Nowhere),
    entry("datastore.googleapis.com", "Cloud Datastore API", Everywhere),
    entry("iam.googleapis.com", "Identity and Access Management (IAM) API", Automatic),
    entry("iamcredentials.googleapis.com", "IAM Service Account Credentials API", Automatic),
    entry("kmsinventory.googleapis.com", "KMS Inventory API", Automatic),
    entry("logging.googleapis.com", "Cloud Logging API", Everywhere),
    entry("monitoring.googleapis.com", "Cloud Monitoring API", Everywhere),
    entry("orgpolicy.googleapis.com", "Organization Policy API", Automatic),
    entry("pubsub.googleapis.com", "Cloud Pub/Sub API", Automatic),
    entry("run.googleapis.com", "Cloud Run Admin API", Nowhere),
    entry("secretmanager.googleapis.com", "Secret Manager API", Nowhere),
    entry("servicemanagement.googleapis.com", "Service Management API", Everywhere),
    entry("serviceusage.googleapis.com", "Service Usage API", Everywhere),
    entry("sql-component.googleapis.com", "Cloud SQL", Everywhere),
    entry("storage-api.googleapis.com", "Google Cloud Storage JSON API", Everywhere),
    entry("storage-component.googleapis.com", "Cloud Storage", Everywhere),
    entry("storage.googleapis.com", "Cloud Storage API", Everywhere),
    entry("storagebatchoperations.googleapis.com", "Storage Batch Operations API", Automatic),
];

pub fn find(service: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == service)
}

/// Whether there is such a service: one of the catalogue, or one that takes customer-managed keys.
pub fn is_known(service: &str) -> bool {
    find(service).is_some() || is_non_cmek_service(service)
}

pub fn title(service: &str) -> String {
    match find(service) {
        Some(entry) => entry.title.to_owned(),
        None => format!("{} API", service.trim_end_matches(".googleapis.com")),
    }
}

pub fn is_registry(service: &str) -> bool {
    matches!(service, "containerregistry.googleapis.com" | "artifactregistry.googleapis.com")
}

/// What a service needs, and what is therefore enabled with it.
pub fn dependencies(service: &str) -> &'static [&'static str] {
    match service {
        "containerregistry.googleapis.com" => &["pubsub.googleapis.com", "storage-api.googleapis.com"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_starts_with_neither_registry() {
        assert!(ALL.is_sorted_by_key(|entry| entry.name));
        assert!(ALL.iter().filter(|entry| is_registry(entry.name)).all(|entry| entry.enabled == Nowhere));
        assert_eq!(ALL.iter().filter(|entry| is_registry(entry.name)).count(), 2);
        assert!(is_known("spanner.googleapis.com") && !is_known("storag.googleapis.com"));
        assert!(dependencies("containerregistry.googleapis.com").iter().all(|name| find(name).is_some()));
    }
}
