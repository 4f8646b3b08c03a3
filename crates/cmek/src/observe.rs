//! Looking at the world: everything that the planner needs to know, and nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use cmek_plan::{Desired, HostFacts, KeyFacts, Observed, PolicyFacts, TopicFacts, VersionFacts};
use gcp_client::{Code, Error};
use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, KeyVersionName, RegistryHost};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState;
use gcp_schema::orgpolicy::policy_spec::policy_rule::Kind;
use serde_json::Value;

use crate::cloud::{Cloud, ROLE};

pub async fn world(cloud: &Cloud, desired: &Desired) -> Result<Observed, Error> {
    let project = cloud.project(&desired.project).await?;
    let project_number = project.name.trim_start_matches("projects/").parse().unwrap_or_default();
    let mut hosts = Vec::new();
    for host in &desired.hosts {
        hosts.push(self::host(cloud, *host, &desired.project).await?);
    }
    let topic = if desired.topic { Some(topic(cloud, &desired.project).await?) } else { None };
    Ok(Observed {
        project_number,
        key: key(cloud, &desired.key).await?,
        hosts,
        topic,
        policy: policy(cloud, &desired.project, &desired.key).await?,
    })
}

pub fn state_name(state: i32) -> String {
    CryptoKeyVersionState::try_from(state).unwrap_or_default().as_str_name().to_owned()
}

pub async fn key(cloud: &Cloud, name: &KeyName) -> Result<KeyFacts, Error> {
    let Some(found) = cloud.key(name).await? else {
        return Ok(KeyFacts { ring_exists: cloud.ring(&name.ring_name()).await?.is_some(), ..KeyFacts::default() });
    };
    let purpose = CryptoKeyPurpose::try_from(found.purpose).unwrap_or_default().as_str_name().to_owned();
    let primary = found.primary.and_then(|version| {
        let number = KeyVersionName::parse(&version.name).ok()?.version;
        Some(VersionFacts { number, state: state_name(version.state) })
    });
    let mut users = BTreeSet::new();
    for binding in cloud.policy(&name.to_string()).await?.bindings {
        if binding.role == ROLE && binding.condition.is_none() {
            users.extend(binding.members);
        }
    }
    Ok(KeyFacts { ring_exists: true, exists: true, purpose, primary, users })
}

pub async fn host(cloud: &Cloud, host: RegistryHost, project: &str) -> Result<HostFacts, Error> {
    let bucket = host.bucket(project);
    let mut facts = HostFacts {
        host,
        bucket: bucket.clone(),
        exists: false,
        location: host.location().to_owned(),
        default_key: String::new(),
        metageneration: String::new(),
        objects: BTreeMap::new(),
    };
    let Some(found) = cloud.bucket(&bucket).await? else { return Ok(facts) };
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    facts.exists = true;
    facts.location = text("/location");
    facts.default_key = text("/encryption/defaultKmsKeyName");
    facts.metageneration = text("/metageneration");
    for object in cloud.objects(&bucket).await? {
        let entry = facts.objects.entry(object.key_version).or_default();
        entry.0 += 1;
        entry.1 += object.size;
    }
    Ok(facts)
}

pub async fn topic(cloud: &Cloud, project: &str) -> Result<TopicFacts, Error> {
    let found = cloud.topic(&format!("projects/{project}/topics/gcr")).await?;
    Ok(found.map_or_else(TopicFacts::default, |topic| TopicFacts { exists: true, key: topic.kms_key_name }))
}

/// What policy says. Who may not read it is told nothing, and the services themselves will refuse.
pub async fn policy(cloud: &Cloud, project: &str, key: &KeyName) -> Result<PolicyFacts, Error> {
    let mut facts = PolicyFacts::default();
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for (constraint, allows, denies) in
        [(RESTRICT_NON_CMEK, &mut Vec::new(), &mut denied), (RESTRICT_KEY_PROJECTS, &mut allowed, &mut Vec::new())]
    {
        let found = match cloud.effective_policy(project, constraint).await {
            Ok(found) => found,
            Err(error) if matches!(error.code(), Code::PermissionDenied | Code::NotFound) => continue,
            Err(error) => return Err(error),
        };
        for rule in found.spec.unwrap_or_default().rules {
            if let Some(Kind::Values(values)) = rule.kind {
                allows.extend(values.allowed_values);
                denies.extend(values.denied_values);
            }
        }
    }
    facts.denied_services = denied;
    if !allowed.is_empty() {
        facts.key_ancestry = cloud.ancestry(&key.project).await.unwrap_or_default();
    }
    facts.allowed_keys = allowed;
    Ok(facts)
}
