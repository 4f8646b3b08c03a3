//! One change of the cloud.

use gcp_names::{KeyName, KeyRingName};
use serde::{Deserialize, Serialize};

use crate::text;

pub const ENCRYPTER_DECRYPTER: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Step {
    CreateKeyRing {
        #[serde(with = "text::ring")]
        ring: KeyRingName,
    },
    CreateKey {
        #[serde(with = "text::key")]
        key: KeyName,
    },
    /// Brings a service's agent into being.
    CreateAgent { project: String, service: String, email: String },
    Grant {
        member: String,
        role: String,
        #[serde(with = "text::key")]
        key: KeyName,
        /// The policy as it was seen. `None` where an earlier step makes or changes that policy: read it again.
        etag: Option<String>,
    },
    SetDefaultKey {
        bucket: String,
        #[serde(with = "text::key")]
        key: KeyName,
        /// The bucket as it was seen.
        metageneration: u64,
    },
    CreateTopic {
        topic: String,
        #[serde(with = "text::key")]
        key: KeyName,
    },
    UpdateTopic {
        topic: String,
        #[serde(with = "text::key")]
        key: KeyName,
    },
    /// Every readable object that is not under the primary version of the key.
    Rewrite {
        bucket: String,
        #[serde(with = "text::key")]
        key: KeyName,
        objects: u64,
        bytes: u64,
    },
}

impl Step {
    /// As in the JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CreateKeyRing { .. } => "CREATE_KEY_RING",
            Self::CreateKey { .. } => "CREATE_KEY",
            Self::CreateAgent { .. } => "CREATE_AGENT",
            Self::Grant { .. } => "GRANT",
            Self::SetDefaultKey { .. } => "SET_DEFAULT_KEY",
            Self::CreateTopic { .. } => "CREATE_TOPIC",
            Self::UpdateTopic { .. } => "UPDATE_TOPIC",
            Self::Rewrite { .. } => "REWRITE",
        }
    }

    /// What it changes.
    pub fn resource(&self) -> String {
        match self {
            Self::CreateKeyRing { ring } => ring.to_string(),
            Self::CreateKey { key } | Self::Grant { key, .. } => key.to_string(),
            Self::CreateAgent { email, .. } => email.clone(),
            Self::SetDefaultKey { bucket, .. } | Self::Rewrite { bucket, .. } => format!("gs://{bucket}"),
            Self::CreateTopic { topic, .. } | Self::UpdateTopic { topic, .. } => topic.clone(),
        }
    }
}
