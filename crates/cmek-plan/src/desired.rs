//! What the user wants.

use gcp_names::{KeyName, RegistryHost};
use serde::{Deserialize, Serialize};

use crate::text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// The project of the registry, by id.
    pub project: String,
    /// May be empty: then only the topic is meant.
    #[serde(with = "text::hosts")]
    pub hosts: Vec<RegistryHost>,
    #[serde(with = "text::key")]
    pub key: KeyName,
    /// Create the ring and the key where they are missing, instead of refusing.
    pub create_key: bool,
    /// Bring objects that lie under another encryption to the key's primary version.
    pub rewrite_existing: bool,
    /// Topic `gcr` gets the key too.
    pub topic: bool,
}
