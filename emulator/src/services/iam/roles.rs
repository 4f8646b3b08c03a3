//! Predefined roles, as far as the emulator's services ask for their permissions. `x.*` stands for all of `x`.

/// Role -> permissions it has and permissions it has not though a pattern covers them.
const ROLES: &[(&str, &[&str], &[&str])] = &[
    (
        "roles/owner",
        &[
            "cloudkms.*",
            "pubsub.*",
            "resourcemanager.projects.*",
            "serviceusage.*",
            "orgpolicy.policy.get",
            "orgpolicy.policies.list",
            "orgpolicy.constraints.list",
            "storage.buckets.create",
            "storage.buckets.list",
            "storage.buckets.delete",
            "artifactregistry.*",
            "iam.*",
        ],
        &[],
    ),
    (
        "roles/editor",
        &[
            "cloudkms.keyRings.create",
            "cloudkms.keyRings.get",
            "cloudkms.keyRings.list",
            "cloudkms.cryptoKeys.create",
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeys.list",
            "cloudkms.cryptoKeys.update",
            "cloudkms.cryptoKeyVersions.create",
            "cloudkms.cryptoKeyVersions.get",
            "cloudkms.cryptoKeyVersions.list",
            "cloudkms.cryptoKeyVersions.update",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "pubsub.*",
            "resourcemanager.projects.get",
            "serviceusage.*",
            "storage.buckets.create",
            "storage.buckets.list",
            "storage.buckets.delete",
            "artifactregistry.*",
        ],
        &[
            "pubsub.topics.setIamPolicy",
            "pubsub.topics.getIamPolicy",
            "pubsub.subscriptions.setIamPolicy",
            "pubsub.subscriptions.getIamPolicy",
        ],
    ),
    (
        "roles/viewer",
        &[
            "cloudkms.keyRings.get",
            "cloudkms.keyRings.list",
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeys.list",
            "cloudkms.cryptoKeyVersions.get",
            "cloudkms.cryptoKeyVersions.list",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "pubsub.topics.get",
            "pubsub.topics.list",
            "pubsub.subscriptions.get",
            "pubsub.subscriptions.list",
            "resourcemanager.projects.get",
            "serviceusage.services.get",
            "serviceusage.services.list",
            "storage.buckets.list",
        ],
        &[],
    ),
    (
        "roles/cloudkms.admin",
        &["cloudkms.*", "resourcemanager.projects.get"],
        &[
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.cryptoKeyVersions.useToSign",
            "cloudkms.cryptoKeyVersions.useToVerify",
            "cloudkms.cryptoKeyVersions.useToDecapsulate",
            "cloudkms.cryptoKeyVersions.viewPublicKey",
        ],
    ),
    (
        "roles/cloudkms.viewer",
        &[
            "cloudkms.keyRings.get",
            "cloudkms.keyRings.list",
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeys.list",
            "cloudkms.cryptoKeyVersions.get",
            "cloudkms.cryptoKeyVersions.list",
            "cloudkms.importJobs.get",
            "cloudkms.importJobs.list",
            "cloudkms.retiredResources.get",
            "cloudkms.retiredResources.list",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "resourcemanager.projects.get",
        ],
        &[],
    ),
    (
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        &[
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "resourcemanager.projects.get",
        ],
        &[],
    ),
    (
        "roles/cloudkms.cryptoKeyEncrypter",
        &[
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "resourcemanager.projects.get",
        ],
        &[],
    ),
    (
        "roles/cloudkms.cryptoKeyDecrypter",
        &[
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.locations.get",
            "cloudkms.locations.list",
            "resourcemanager.projects.get",
        ],
        &[],
    ),
    (
        "roles/cloudkms.cryptoOperator",
        &[
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.cryptoKeyVersions.useToSign",
            "cloudkms.cryptoKeyVersions.useToVerify",
            "cloudkms.cryptoKeyVersions.useToDecapsulate",
            "cloudkms.cryptoKeyVersions.viewPublicKey",
            "cloudkms.locations.*",
        ],
        &[],
    ),
    (
        "roles/cloudkms.signerVerifier",
        &[
            "cloudkms.cryptoKeyVersions.useToSign",
            "cloudkms.cryptoKeyVersions.useToVerify",
            "cloudkms.cryptoKeyVersions.viewPublicKey",
        ],
        &[],
    ),
    (
        "roles/cloudkms.publicKeyViewer",
        &["cloudkms.cryptoKeyVersions.viewPublicKey", "cloudkms.locations.get", "cloudkms.locations.list"],
        &[],
    ),
    (
        "roles/cloudkms.serviceAgent",
        &[
            "cloudkms.keyRings.create",
            "cloudkms.keyRings.get",
            "cloudkms.cryptoKeys.create",
            "cloudkms.cryptoKeys.getIamPolicy",
            "cloudkms.cryptoKeys.setIamPolicy",
        ],
        &[],
    ),
    ("roles/cloudkms.importer", &["cloudkms.importJobs.*"], &[]),
    ("roles/pubsub.admin", &["pubsub.*", "serviceusage.services.use"], &[]),
    (
        "roles/pubsub.editor",
        &["pubsub.*", "serviceusage.services.use"],
        &[
            "pubsub.topics.setIamPolicy",
            "pubsub.topics.getIamPolicy",
            "pubsub.subscriptions.setIamPolicy",
            "pubsub.subscriptions.getIamPolicy",
        ],
    ),
    ("roles/pubsub.publisher", &["pubsub.topics.publish"], &[]),
    (
        "roles/pubsub.subscriber",
        &["pubsub.subscriptions.consume", "pubsub.topics.attachSubscription", "pubsub.snapshots.seek"],
        &[],
    ),
    (
        "roles/pubsub.viewer",
        &[
            "pubsub.topics.get",
            "pubsub.topics.list",
            "pubsub.subscriptions.get",
            "pubsub.subscriptions.list",
            "pubsub.schemas.get",
            "pubsub.schemas.list",
        ],
        &[],
    ),
    ("roles/pubsub.serviceAgent", &["iam.serviceAccounts.getAccessToken", "serviceusage.services.use"], &[]),
    ("roles/storage.admin", &["storage.*", "orgpolicy.policy.get", "resourcemanager.projects.get"], &[]),
    (
        "roles/storage.objectViewer",
        &["storage.objects.get", "storage.objects.list", "resourcemanager.projects.get"],
        &[],
    ),
    ("roles/storage.objectCreator", &["storage.objects.create", "resourcemanager.projects.get"], &[]),
    (
        "roles/storage.objectUser",
        &[
            "storage.objects.get",
            "storage.objects.list",
            "storage.objects.create",
            "storage.objects.update",
            "storage.objects.delete",
            "storage.objects.restore",
        ],
        &[],
    ),
    ("roles/storage.objectAdmin", &["storage.objects.*", "resourcemanager.projects.get"], &[]),
    ("roles/storage.legacyBucketReader", &["storage.buckets.get", "storage.objects.list"], &[]),
    (
        "roles/storage.legacyBucketWriter",
        &["storage.buckets.get", "storage.objects.list", "storage.objects.create", "storage.objects.delete"],
        &[],
    ),
    (
        "roles/storage.legacyBucketOwner",
        &[
            "storage.buckets.get",
            "storage.buckets.update",
            "storage.buckets.getIamPolicy",
            "storage.buckets.setIamPolicy",
            "storage.objects.list",
            "storage.objects.create",
            "storage.objects.delete",
        ],
        &[],
    ),
    ("roles/storage.legacyObjectReader", &["storage.objects.get"], &[]),
    (
        "roles/storage.legacyObjectOwner",
        &[
            "storage.objects.get",
            "storage.objects.update",
            "storage.objects.getIamPolicy",
            "storage.objects.setIamPolicy",
        ],
        &[],
    ),
    (
        "roles/artifactregistry.reader",
        &[
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
            "artifactregistry.repositories.downloadArtifacts",
        ],
        &[],
    ),
    (
        "roles/artifactregistry.writer",
        &[
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.uploadArtifacts",
            "artifactregistry.tags.create",
            "artifactregistry.tags.get",
            "artifactregistry.tags.list",
            "artifactregistry.tags.update",
        ],
        &[],
    ),
    (
        "roles/artifactregistry.repoAdmin",
        &[
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.uploadArtifacts",
            "artifactregistry.tags.create",
            "artifactregistry.tags.get",
            "artifactregistry.tags.list",
            "artifactregistry.tags.update",
            "artifactregistry.repositories.deleteArtifacts",
            "artifactregistry.packages.delete",
            "artifactregistry.versions.delete",
            "artifactregistry.tags.delete",
        ],
        &[],
    ),
    (
        "roles/artifactregistry.createOnPushWriter",
        &[
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.uploadArtifacts",
            "artifactregistry.tags.create",
            "artifactregistry.tags.get",
            "artifactregistry.tags.list",
            "artifactregistry.tags.update",
            "artifactregistry.repositories.createOnPush",
        ],
        &[],
    ),
    (
        "roles/artifactregistry.createOnPushRepoAdmin",
        &[
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.uploadArtifacts",
            "artifactregistry.tags.create",
            "artifactregistry.tags.get",
            "artifactregistry.tags.list",
            "artifactregistry.tags.update",
            "artifactregistry.repositories.deleteArtifacts",
            "artifactregistry.packages.delete",
            "artifactregistry.versions.delete",
            "artifactregistry.tags.delete",
            "artifactregistry.repositories.createOnPush",
        ],
        &[],
    ),
    ("roles/artifactregistry.admin", &["artifactregistry.*", "cloudkms.keyHandles.*"], &[]),
    (
        "roles/containerregistry.ServiceAgent",
        &["pubsub.topics.publish", "storage.objects.get", "storage.objects.list", "storage.buckets.getIamPolicy"],
        &[],
    ),
    ("roles/orgpolicy.policyAdmin", &["orgpolicy.*"], &[]),
    (
        "roles/orgpolicy.policyViewer",
        &["orgpolicy.constraints.list", "orgpolicy.policies.list", "orgpolicy.policy.get"],
        &[],
    ),
    (
        "roles/resourcemanager.projectCreator",
        &["resourcemanager.projects.create", "resourcemanager.organizations.get"],
        &[],
    ),
    (
        "roles/resourcemanager.projectIamAdmin",
        &[
            "resourcemanager.projects.get",
            "resourcemanager.projects.getIamPolicy",
            "resourcemanager.projects.setIamPolicy",
        ],
        &[],
    ),
    ("roles/resourcemanager.organizationAdmin", &["resourcemanager.*", "orgpolicy.policy.get"], &[]),
    (
        "roles/browser",
        &[
            "resourcemanager.projects.get",
            "resourcemanager.projects.list",
            "resourcemanager.folders.get",
            "resourcemanager.folders.list",
            "resourcemanager.organizations.get",
        ],
        &[],
    ),
    ("roles/serviceusage.serviceUsageAdmin", &["serviceusage.*"], &[]),
    (
        "roles/serviceusage.serviceUsageConsumer",
        &["serviceusage.services.use", "serviceusage.services.get", "serviceusage.services.list"],
        &[],
    ),
];

pub fn exists(role: &str) -> bool {
    ROLES.iter().any(|(name, ..)| *name == role) || role.starts_with("projects/") || role.starts_with("organizations/")
}

pub fn grants(role: &str, permission: &str) -> bool {
    ROLES.iter().find(|(name, ..)| *name == role).is_some_and(|(_, has, has_not)| {
        !has_not.contains(&permission)
            && has.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => permission.starts_with(prefix),
                None => *pattern == permission,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference's table of roles, section 4.2: what has, what has not.
    #[test]
    fn the_role_table() {
        const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";
        const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";
        let rows = [
            ("roles/cloudkms.admin", "cloudkms.cryptoKeyVersions.destroy", true),
            ("roles/cloudkms.admin", ENCRYPT, false),
            ("roles/cloudkms.cryptoKeyEncrypterDecrypter", DECRYPT, true),
            ("roles/cloudkms.cryptoKeyEncrypterDecrypter", "cloudkms.cryptoKeys.get", false),
            ("roles/cloudkms.cryptoKeyEncrypter", DECRYPT, false),
            ("roles/owner", ENCRYPT, true),
            ("roles/owner", "orgpolicy.policies.create", false),
            ("roles/owner", "storage.buckets.get", false),
            ("roles/editor", "cloudkms.cryptoKeyVersions.destroy", false),
            ("roles/editor", "cloudkms.keyRings.create", true),
            ("roles/pubsub.editor", "pubsub.topics.setIamPolicy", false),
            ("roles/pubsub.publisher", "pubsub.topics.get", false),
            ("roles/storage.objectCreator", "storage.objects.get", false),
            ("roles/storage.legacyBucketReader", "storage.objects.get", false),
            ("roles/cloudkms.viewer", "cloudkms.cryptoKeys.getIamPolicy", false),
            ("roles/cloudkms.viewer", "cloudkms.locations.generateRandomBytes", false),
            ("roles/cloudkms.cryptoOperator", "cloudkms.locations.generateRandomBytes", true),
            ("roles/cloudkms.serviceAgent", "cloudkms.cryptoKeys.setIamPolicy", true),
            ("roles/pubsub.serviceAgent", ENCRYPT, false),
            ("roles/containerregistry.ServiceAgent", "pubsub.topics.publish", true),
            ("roles/artifactregistry.writer", "artifactregistry.repositories.deleteArtifacts", false),
            ("roles/artifactregistry.repoAdmin", "artifactregistry.repositories.deleteArtifacts", true),
            ("roles/artifactregistry.repoAdmin", "artifactregistry.repositories.setIamPolicy", false),
            ("roles/artifactregistry.createOnPushWriter", "artifactregistry.repositories.createOnPush", true),
            ("roles/orgpolicy.policyViewer", "orgpolicy.policies.create", false),
            ("roles/unheard.of", ENCRYPT, false),
        ];
        for (role, permission, has) in rows {
            assert_eq!(grants(role, permission), has, "{role} {permission}");
        }
    }
}
