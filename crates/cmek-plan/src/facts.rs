//! What is observed and what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use gcp_names::{KeyName, RegistryHost};

/// What the user asks for.
#[derive(Clone, Debug)]
pub struct Desired {
    pub project: String,
    pub hosts: Vec<RegistryHost>,
    pub key: KeyName,
    pub create_key: bool,
    pub rewrite_existing: bool,
    pub topic: bool,
}

/// The world as it was looked at.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub project_number: u64,
    pub key: KeyFacts,
    pub hosts: Vec<HostFacts>,
    /// Only when the topic matters.
    pub topic: Option<TopicFacts>,
    pub policy: PolicyFacts,
}

#[derive(Clone, Debug, Default)]
pub struct KeyFacts {
    pub ring_exists: bool,
    pub exists: bool,
    pub purpose: String,
    pub primary: Option<VersionFacts>,
    /// Members with the role that encrypts and decrypts, on the key itself or above it as far as we may look.
    pub users: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFacts {
    pub number: u64,
    /// `ENABLED`, `DISABLED`, …
    pub state: String,
}

#[derive(Clone, Debug)]
pub struct HostFacts {
    pub host: RegistryHost,
    pub bucket: String,
    pub exists: bool,
    pub location: String,
    /// Empty: Google-managed.
    pub default_key: String,
    pub metageneration: String,
    /// Objects and bytes by key version; the empty name is Google-managed.
    pub objects: BTreeMap<String, (u64, u64)>,
}

#[derive(Clone, Debug, Default)]
pub struct TopicFacts {
    pub exists: bool,
    /// Empty: none.
    pub key: String,
}

/// The two constraints, as they are in force.
#[derive(Clone, Debug, Default)]
pub struct PolicyFacts {
    /// Services that may not go without a key.
    pub denied_services: Vec<String>,
    /// Projects or subtrees whose keys are allowed; empty: all.
    pub allowed_keys: Vec<String>,
    /// The key's project and all above it, for `under:`.
    pub key_ancestry: Vec<String>,
}

impl HostFacts {
    pub fn total(&self) -> (u64, u64) {
        self.objects.values().fold((0, 0), |(count, bytes), (more, size)| (count + more, bytes + size))
    }

    /// Objects that are not under this version.
    pub fn outside(&self, version: &str) -> (u64, u64) {
        self.objects
            .iter()
            .filter(|(name, _)| name.as_str() != version)
            .fold((0, 0), |(count, bytes), (_, (more, size))| (count + more, bytes + size))
    }

    pub fn under_customer_keys(&self) -> u64 {
        self.objects.iter().filter(|(name, _)| !name.is_empty()).map(|(_, (count, _))| count).sum()
    }
}

impl PolicyFacts {
    pub fn allows_key_of(&self, project: &str) -> bool {
        self.allowed_keys.is_empty()
            || self.allowed_keys.iter().any(|value| match value.strip_prefix("under:") {
                Some(root) => self.key_ancestry.iter().any(|level| level == root),
                None => value.strip_prefix("is:").unwrap_or(value) == format!("projects/{project}"),
            })
    }

    pub fn denies(&self, service: &str) -> bool {
        self.denied_services.iter().any(|denied| denied.strip_prefix("is:").unwrap_or(denied) == service)
    }
}
