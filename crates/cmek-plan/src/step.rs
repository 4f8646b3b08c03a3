//! What a plan does, one change of the cloud each, and what it takes to be allowed to.

use std::fmt;

use gcp_names::KeyName;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Step {
    EnableApi {
        project: String,
        service: String,
    },
    CreateKeyRing {
        ring: String,
    },
    CreateKey {
        key: String,
    },
    /// A service makes its agent when it is asked for it.
    CreateAgent {
        project: String,
        service: String,
        who: String,
        member: String,
    },
    /// `who` is for people: `Storage`, `Pub/Sub`. `etag` is that of the key's policy; empty where the key is not there.
    Grant {
        who: String,
        service: String,
        member: String,
        key: String,
        etag: String,
    },
    SetDefaultKey {
        bucket: String,
        key: String,
        metageneration: String,
    },
    CreateTopic {
        topic: String,
        key: String,
    },
    UpdateTopic {
        topic: String,
        key: String,
        /// The key it has now; empty: none.
        from: String,
    },
    Rewrite {
        host: String,
        bucket: String,
        key: String,
        objects: u64,
        bytes: u64,
    },
}

/// A permission on a resource, as `testIamPermissions` takes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    pub resource: String,
    pub permission: String,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.permission, self.resource)
    }
}

/// `projects/P` of any name below it.
pub fn project_of(name: &str) -> String {
    name.splitn(3, '/').take(2).collect::<Vec<_>>().join("/")
}

impl Step {
    /// The same change, whatever state it was planned from: for telling a stale plan from another plan.
    pub fn subject(&self) -> (&'static str, String) {
        match self {
            Self::EnableApi { project, service } => ("enable", format!("{project}/{service}")),
            Self::CreateKeyRing { ring } => ("ring", ring.clone()),
            Self::CreateKey { key } => ("key", key.clone()),
            Self::CreateAgent { member, .. } => ("agent", member.clone()),
            Self::Grant { member, key, .. } => ("grant", format!("{member} {key}")),
            Self::SetDefaultKey { bucket, .. } => ("default key", bucket.clone()),
            Self::CreateTopic { topic, .. } | Self::UpdateTopic { topic, .. } => ("topic", topic.clone()),
            Self::Rewrite { bucket, .. } => ("rewrite", bucket.clone()),
        }
    }

    /// The least that the caller must be allowed.
    pub fn needs(&self) -> Vec<Need> {
        let need = |resource: &str, permissions: &[&str]| {
            permissions
                .iter()
                .map(|permission| Need { resource: resource.to_owned(), permission: (*permission).to_owned() })
                .collect()
        };
        match self {
            Self::EnableApi { project, .. } | Self::CreateAgent { project, .. } => {
                need(&format!("projects/{project}"), &["serviceusage.services.enable"])
            }
            Self::CreateKeyRing { ring } => need(&project_of(ring), &["cloudkms.keyRings.create"]),
            Self::CreateKey { key } => {
                let ring = KeyName::parse(key).map_or_else(|_| project_of(key), |key| key.ring_name().to_string());
                need(&ring, &["cloudkms.cryptoKeys.create"])
            }
            Self::Grant { key, .. } => {
                need(key, &["cloudkms.cryptoKeys.getIamPolicy", "cloudkms.cryptoKeys.setIamPolicy"])
            }
            Self::SetDefaultKey { bucket, .. } => need(&format!("buckets/{bucket}"), &["storage.buckets.update"]),
            Self::CreateTopic { topic, .. } => need(&project_of(topic), &["pubsub.topics.create"]),
            Self::UpdateTopic { topic, .. } => need(topic, &["pubsub.topics.update"]),
            Self::Rewrite { bucket, .. } => need(
                &format!("buckets/{bucket}"),
                &["storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"],
            ),
        }
    }
}
