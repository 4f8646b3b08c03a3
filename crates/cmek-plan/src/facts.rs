//! What is observed and what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use gcp_names::{KeyName, RegistryHost};

use crate::step::Need;

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// APIs that are not enabled, by project. What we may not look at counts as enabled: the service will say so.
    pub disabled_apis: BTreeMap<String, BTreeSet<String>>,
    pub key: KeyFacts,
    pub hosts: Vec<HostFacts>,
    /// Only when the topic matters.
    pub topic: Option<TopicFacts>,
    pub policy: PolicyFacts,
    /// What the caller was found not to be allowed.
    pub missing: BTreeSet<Need>,
}

#[derive(Clone, Debug, Default)]
pub struct KeyFacts {
    pub ring_exists: bool,
    pub exists: bool,
    pub purpose: String,
    pub primary: Option<VersionFacts>,
    /// State by version number.
    pub versions: BTreeMap<u64, String>,
    /// Who may encrypt and decrypt with it, and by which grant.
    pub users: BTreeMap<String, Vec<Grant>>,
    /// Of the key's own policy.
    pub etag: String,
}

/// A role by which a member may use a key, and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: String,
    /// The key, its ring, its project, or a folder or organization above.
    pub resource: String,
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

/// A value of a list constraint, and the resource that sets it (empty where we may not look).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub value: String,
    pub set_at: String,
}

/// The two constraints, as they are in force.
#[derive(Clone, Debug, Default)]
pub struct PolicyFacts {
    /// Services that may not go without a key.
    pub denied_services: Vec<Rule>,
    /// Projects or subtrees whose keys are allowed; empty: all.
    pub allowed_keys: Vec<Rule>,
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

    /// Objects under any version of this key.
    pub fn under(&self, key: &str) -> u64 {
        let is_of = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with("/cryptoKeyVersions/"));
        self.objects.iter().filter(|(name, _)| is_of(name)).map(|(_, (count, _))| count).sum()
    }

    pub fn under_customer_keys(&self) -> u64 {
        self.objects.iter().filter(|(name, _)| !name.is_empty()).map(|(_, (count, _))| count).sum()
    }
}

impl PolicyFacts {
    pub fn allows_key_of(&self, project: &str) -> bool {
        self.allowed_keys.is_empty()
            || self.allowed_keys.iter().any(|rule| match rule.value.strip_prefix("under:") {
                Some(root) => self.key_ancestry.iter().any(|level| level == root),
                None => rule.value.strip_prefix("is:").unwrap_or(&rule.value) == format!("projects/{project}"),
            })
    }

    /// The rule that denies a service, if one does.
    pub fn denies(&self, service: &str) -> Option<&Rule> {
        self.denied_services.iter().find(|rule| rule.value.strip_prefix("is:").unwrap_or(&rule.value) == service)
    }
}

/// ` (folders/77)`, or nothing where nobody knows.
pub fn place(set_at: &str) -> String {
    if set_at.is_empty() { String::new() } else { format!(" ({set_at})") }
}
