//! What is: everything the planner may know, as data.

use std::collections::BTreeMap;

use gcp_names::{KeyName, RegistryHost};
use serde::{Deserialize, Serialize};

use crate::text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    pub project: ProjectFacts,
    pub key: KeyFacts,
    pub hosts: Vec<HostFacts>,
    /// `None`: nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicFacts>,
    pub agents: AgentFacts,
    pub constraints: ConstraintFacts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectFacts {
    pub id: String,
    pub number: u64,
    /// `folders/77`, `organizations/123456`: upwards, without the project itself.
    pub ancestors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFacts {
    #[serde(with = "text::key")]
    pub name: KeyName,
    /// What is above the key's project, upwards, without the project itself.
    pub project_ancestors: Vec<String>,
    #[serde(flatten)]
    pub found: Found,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Found {
    NoRing,
    NoKey,
    Key(KeyDetails),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDetails {
    /// As the API names it: `ENCRYPT_DECRYPT`.
    pub purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<VersionFacts>,
    pub versions: Vec<VersionFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_seconds: Option<i64>,
    /// `None`: the caller may not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<KeyPolicy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionFacts {
    pub number: u64,
    /// As the API names it: `ENABLED`.
    pub state: String,
}

impl VersionFacts {
    pub fn is_enabled(&self) -> bool {
        self.state == "ENABLED"
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPolicy {
    pub etag: String,
    /// Members that hold `roles/cloudkms.cryptoKeyEncrypterDecrypter` on the key itself, without a condition.
    pub users: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    #[serde(with = "text::host")]
    pub host: RegistryHost,
    pub bucket: String,
    pub exists: bool,
    /// As Storage writes it: `US`. Empty when the bucket does not exist.
    #[serde(default)]
    pub location: String,
    /// Key name without a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_key: Option<String>,
    #[serde(default)]
    pub metageneration: u64,
    #[serde(default)]
    pub objects: ObjectCounts,
}

impl HostFacts {
    /// The host's bucket before the first push.
    pub fn absent(host: RegistryHost, project: &str) -> Self {
        Self {
            host,
            bucket: host.bucket(project),
            exists: false,
            location: String::new(),
            default_key: None,
            metageneration: 0,
            objects: ObjectCounts::default(),
        }
    }
}

/// Objects of a bucket by what encrypts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectCounts {
    pub google_managed: Tally,
    /// Under keys that callers bring along with each request.
    pub customer_supplied: Tally,
    /// By full name of the key version.
    pub by_version: BTreeMap<String, Tally>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    pub objects: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn add(&mut self, bytes: u64) {
        *self += Self { objects: 1, bytes };
    }

    pub fn is_empty(self) -> bool {
        self.objects == 0
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}

impl ObjectCounts {
    pub fn total(&self) -> Tally {
        let mut total = self.google_managed;
        total += self.customer_supplied;
        total += self.customer();
        total
    }

    /// Under a customer's key, whichever.
    pub fn customer(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.by_version.values() {
            total += *tally;
        }
        total
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicFacts {
    /// `projects/my-project/topics/gcr`
    pub name: String,
    pub exists: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentFacts {
    pub storage: AgentFact,
    pub pubsub: AgentFact,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentFact {
    pub email: String,
    pub exists: bool,
}

impl AgentFact {
    /// As IAM writes it.
    pub fn member(&self) -> String {
        format!("serviceAccount:{}", self.email)
    }
}

/// The two constraints around keys as they take effect on the registry's project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConstraintFacts {
    /// What `gcp.restrictNonCmekServices` denies.
    pub non_cmek_denied: Vec<DeniedService>,
    /// What `gcp.restrictCmekCryptoKeyProjects` allows; `None`: any project.
    pub key_projects: Option<KeyProjects>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeniedService {
    /// `storage.googleapis.com`
    pub service: String,
    /// `organizations/123456`
    pub where_set: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyProjects {
    /// `projects/ID`, `under:folders/N`, `under:organizations/N`, as the policy has them.
    pub allowed: Vec<String>,
    pub where_set: String,
}

impl ConstraintFacts {
    /// The rule that denies resources of this service without a key.
    pub fn denies(&self, service: &str) -> Option<&DeniedService> {
        self.non_cmek_denied.iter().find(|denied| denied.service == service)
    }
}

impl KeyProjects {
    pub fn allows(&self, project: &str, ancestors: &[String]) -> bool {
        let own = format!("projects/{project}");
        self.allowed.iter().any(|value| match value.strip_prefix("under:") {
            Some(node) => node == own || ancestors.iter().any(|ancestor| ancestor == node),
            None => value.strip_prefix("is:").unwrap_or(value) == own,
        })
    }

    /// `folders/42 or projects/sec`, as people read it.
    pub fn spoken(&self) -> String {
        let plain = |value: &String| {
            let value = value.strip_prefix("under:").or_else(|| value.strip_prefix("is:")).unwrap_or(value);
            value.to_owned()
        };
        self.allowed.iter().map(plain).collect::<Vec<_>>().join(" or ")
    }
}
