//! The predefined roles against the reference.

use crate::services::iam::roles::grants;

/// The reference's table of roles, section 4.2, row by row: what it has, what it has not.
#[test]
fn the_role_table() {
    const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";
    const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";
    const SIGN: &str = "cloudkms.cryptoKeyVersions.useToSign";
    const PUBLIC: &str = "cloudkms.cryptoKeyVersions.viewPublicKey";
    const DESTROY: &str = "cloudkms.cryptoKeyVersions.destroy";
    const READ: &str = "storage.objects.get";
    const BUCKET: &str = "storage.buckets.get";
    const UPLOAD: &str = "artifactregistry.repositories.uploadArtifacts";
    const ON_PUSH: &str = "artifactregistry.repositories.createOnPush";
    let rows: &[(&str, &[&str], &[&str])] = &[
        (
            "cloudkms.admin",
            &[
                "cloudkms.keyRings.create",
                "cloudkms.cryptoKeys.setIamPolicy",
                DESTROY,
                "cloudkms.cryptoKeyVersions.restore",
                "cloudkms.importJobs.create",
                "cloudkms.retiredResources.list",
                "cloudkms.cryptoKeyVersions.useToEncryptViaDelegation",
            ],
            &[ENCRYPT, DECRYPT, SIGN, PUBLIC],
        ),
        ("cloudasset.viewer", &["cloudasset.assets.searchAllResources"], &["cloudasset.feeds.create"]),
        ("cloudkms.protectedResourcesViewer", &["cloudkms.protectedResources.search"], &[]),
        ("storagebatchoperations.admin", &["storagebatchoperations.jobs.create"], &["storage.objects.update"]),
        ("storagebatchoperations.viewer", &[], &["storagebatchoperations.jobs.cancel"]),
        (
            "cloudkms.viewer",
            &["cloudkms.cryptoKeys.get", "cloudkms.keyRings.list", "cloudkms.locations.list"],
            &["cloudkms.cryptoKeys.getIamPolicy", ENCRYPT, "cloudkms.locations.generateRandomBytes"],
        ),
        (
            "cloudkms.cryptoKeyEncrypterDecrypter",
            &[ENCRYPT, DECRYPT, "cloudkms.locations.get", "resourcemanager.projects.get"],
            &["cloudkms.cryptoKeys.get"],
        ),
        ("cloudkms.cryptoKeyEncrypter", &[ENCRYPT], &[DECRYPT]),
        ("cloudkms.cryptoKeyDecrypter", &[DECRYPT], &[ENCRYPT]),
        (
            "cloudkms.cryptoOperator",
            &[ENCRYPT, DECRYPT, SIGN, PUBLIC, "cloudkms.locations.generateRandomBytes"],
            &[DESTROY],
        ),
        ("cloudkms.signerVerifier", &[SIGN, "cloudkms.cryptoKeyVersions.useToVerify"], &[ENCRYPT]),
        ("cloudkms.publicKeyViewer", &[PUBLIC], &[SIGN]),
        ("cloudkms.importer", &["cloudkms.importJobs.create"], &[ENCRYPT]),
        (
            "cloudkms.serviceAgent",
            &["cloudkms.keyRings.create", "cloudkms.cryptoKeys.setIamPolicy"],
            &[ENCRYPT, DESTROY],
        ),
        (
            "pubsub.admin",
            &["pubsub.topics.setIamPolicy", "pubsub.topics.publish", "pubsub.topics.detachSubscription"],
            &[ENCRYPT],
        ),
        (
            "pubsub.editor",
            &["pubsub.topics.create", "pubsub.topics.publish", "pubsub.subscriptions.update", "pubsub.schemas.create"],
            &["pubsub.topics.setIamPolicy", "pubsub.subscriptions.getIamPolicy", "pubsub.snapshots.setIamPolicy"],
        ),
        ("pubsub.publisher", &["pubsub.topics.publish"], &["pubsub.topics.get"]),
        (
            "pubsub.subscriber",
            &["pubsub.subscriptions.consume", "pubsub.topics.attachSubscription", "pubsub.snapshots.seek"],
            &["pubsub.subscriptions.get"],
        ),
        (
            "pubsub.viewer",
            &["pubsub.topics.get", "pubsub.subscriptions.list", "pubsub.snapshots.get"],
            &["pubsub.topics.publish"],
        ),
        ("pubsub.serviceAgent", &["serviceusage.services.use"], &[ENCRYPT, DECRYPT]),
        ("storage.admin", &["storage.buckets.setIamPolicy", READ, "orgpolicy.policy.get"], &[ENCRYPT]),
        ("storage.objectViewer", &[READ, "storage.objects.list"], &[BUCKET, "storage.objects.create"]),
        ("storage.objectCreator", &["storage.objects.create"], &[READ, BUCKET]),
        (
            "storage.objectUser",
            &[READ, "storage.objects.create", "storage.objects.update", "storage.objects.delete"],
            &[BUCKET, "storage.objects.setIamPolicy"],
        ),
        ("storage.objectAdmin", &["storage.objects.getIamPolicy", "storage.objects.setIamPolicy"], &[BUCKET]),
        ("storage.legacyBucketReader", &[BUCKET, "storage.objects.list"], &[READ]),
        ("storage.legacyBucketWriter", &["storage.objects.create", "storage.objects.delete"], &[READ]),
        (
            "storage.legacyBucketOwner",
            &["storage.buckets.update", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"],
            &[READ],
        ),
        ("artifactregistry.reader", &["artifactregistry.repositories.downloadArtifacts"], &[UPLOAD]),
        (
            "artifactregistry.writer",
            &[UPLOAD, "artifactregistry.tags.create"],
            &["artifactregistry.repositories.deleteArtifacts", ON_PUSH],
        ),
        (
            "artifactregistry.repoAdmin",
            &[UPLOAD, "artifactregistry.repositories.deleteArtifacts"],
            &["artifactregistry.repositories.setIamPolicy"],
        ),
        (
            "artifactregistry.admin",
            &[
                "artifactregistry.repositories.create",
                "artifactregistry.repositories.setIamPolicy",
                "cloudkms.keyHandles.create",
            ],
            &[ENCRYPT],
        ),
        ("artifactregistry.createOnPushWriter", &[UPLOAD, ON_PUSH], &["artifactregistry.repositories.deleteArtifacts"]),
        ("artifactregistry.createOnPushRepoAdmin", &["artifactregistry.repositories.deleteArtifacts", ON_PUSH], &[]),
        (
            "containerregistry.ServiceAgent",
            &["pubsub.topics.publish", READ, "storage.objects.list", "storage.objects.getIamPolicy"],
            &["storage.objects.create"],
        ),
        (
            "orgpolicy.policyAdmin",
            &[
                "orgpolicy.constraints.list",
                "orgpolicy.policies.create",
                "orgpolicy.policy.set",
                "orgpolicy.customConstraints.create",
            ],
            &[],
        ),
        (
            "orgpolicy.policyViewer",
            &["orgpolicy.constraints.list", "orgpolicy.policies.list", "orgpolicy.policy.get"],
            &["orgpolicy.policies.create"],
        ),
        ("owner", &[ENCRYPT, DECRYPT, DESTROY, "orgpolicy.policy.get"], &["orgpolicy.policies.create", BUCKET]),
        (
            "editor",
            &[
                "cloudkms.keyRings.create",
                "cloudkms.cryptoKeys.create",
                "cloudkms.cryptoKeyVersions.create",
                "pubsub.topics.publish",
            ],
            &[DESTROY, ENCRYPT, "cloudkms.cryptoKeys.setIamPolicy", "pubsub.topics.setIamPolicy"],
        ),
        ("serviceusage.serviceUsageAdmin", &["serviceusage.services.enable", "serviceusage.services.disable"], &[]),
        ("serviceusage.serviceUsageConsumer", &["serviceusage.services.use"], &["serviceusage.services.enable"]),
        ("unheard.of", &[], &[ENCRYPT]),
    ];
    for (role, has, has_not) in rows {
        let role = format!("roles/{role}");
        for permission in *has {
            assert!(grants(&role, permission), "4.2 {role} has {permission}");
        }
        for permission in *has_not {
            assert!(!grants(&role, permission), "4.2 {role} has not {permission}");
        }
    }
}
