//! Looking at the world: everything that the planner needs to know, and nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use cmek_plan::{
    Desired, Grant, HostFacts, KeyFacts, Need, Observed, Plan, PolicyFacts, Rule, TopicFacts, VersionFacts,
};
use gcp_client::{Code, Error};
use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, KeyVersionName, RegistryHost};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState;
use gcp_schema::orgpolicy::policy_spec::policy_rule::Kind;
use serde_json::Value;

use crate::cloud::{Cloud, ROLE, text_of};

/// Roles that hold both permissions to use a key.
const USING: [&str; 3] = [ROLE, "roles/cloudkms.cryptoOperator", "roles/owner"];

pub async fn world(cloud: &Cloud, desired: &Desired) -> Result<Observed, Error> {
    let mut disabled_apis = BTreeMap::new();
    let mut here = vec!["cloudkms.googleapis.com", "storage.googleapis.com"];
    if desired.topic {
        here.push("pubsub.googleapis.com");
    }
    let mut wanted = vec![(desired.project.as_str(), here)];
    if desired.key.project != desired.project {
        wanted[0].1.retain(|service| *service != "cloudkms.googleapis.com");
        wanted.push((desired.key.project.as_str(), vec!["cloudkms.googleapis.com"]));
    }
    for (project, services) in wanted {
        let disabled = unless_hidden(cloud.disabled_services(project, &services).await)?.unwrap_or_default();
        if !disabled.is_empty() {
            disabled_apis.insert(project.to_owned(), disabled);
        }
    }
    let off = |project: &str, service: &str| {
        disabled_apis.get(project).is_some_and(|services: &BTreeSet<String>| services.contains(service))
    };
    let mut hosts = Vec::new();
    for host in &desired.hosts {
        hosts.push(if off(&desired.project, "storage.googleapis.com") {
            no_bucket(*host, &desired.project)
        } else {
            self::host(cloud, *host, &desired.project).await?
        });
    }
    let topic = match desired.topic {
        false => None,
        true if off(&desired.project, "pubsub.googleapis.com") => Some(TopicFacts::default()),
        true => Some(topic(cloud, &desired.project).await?),
    };
    let key = if off(&desired.key.project, "cloudkms.googleapis.com") {
        KeyFacts::default()
    } else {
        key(cloud, &desired.key).await?
    };
    let policy = policy(cloud, &desired.project, &desired.key).await?;
    let project_number = number(cloud, &desired.project).await?;
    Ok(Observed { project_number, disabled_apis, key, hosts, topic, policy, missing: BTreeSet::new() })
}

pub async fn number(cloud: &Cloud, project: &str) -> Result<u64, Error> {
    Ok(cloud.project(project).await?.name.trim_start_matches("projects/").parse().unwrap_or_default())
}

/// Which of a plan's needs the caller lacks. What cannot be asked is left to the service to refuse.
pub async fn missing(cloud: &Cloud, plan: &Plan) -> Result<BTreeSet<Need>, Error> {
    let mut by_resource: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for need in plan.needs() {
        by_resource.entry(need.resource).or_default().push(need.permission);
    }
    let mut missing = BTreeSet::new();
    for (resource, permissions) in by_resource {
        let Some(held) = unless_hidden(cloud.allowed(&resource, &permissions).await)? else { continue };
        missing.extend(
            permissions
                .into_iter()
                .filter(|permission| !held.contains(permission))
                .map(|permission| Need { resource: resource.clone(), permission }),
        );
    }
    Ok(missing)
}

/// What we may not look at, or what is not there to be looked at, is unknown rather than an error.
pub fn unless_hidden<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.code(), Code::PermissionDenied | Code::NotFound | Code::Unimplemented) => Ok(None),
        Err(error) => Err(error),
    }
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
    let versions = cloud
        .versions(name)
        .await?
        .into_iter()
        .filter_map(|version| Some((KeyVersionName::parse(&version.name).ok()?.version, state_name(version.state))))
        .collect();
    let (users, etag) = users(cloud, name).await?;
    Ok(KeyFacts { ring_exists: true, exists: true, purpose, primary, versions, users, etag })
}

/// Who may use a key: by its own policy and by those above it, as far as we may look; and the etag of its own.
async fn users(cloud: &Cloud, name: &KeyName) -> Result<(BTreeMap<String, Vec<Grant>>, String), Error> {
    let mut users: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    let mut etag = String::new();
    let mut levels = vec![name.to_string(), name.ring_name().to_string()];
    levels.extend(unless_hidden(cloud.ancestry(&name.project).await)?.unwrap_or_default());
    for (index, resource) in levels.into_iter().enumerate() {
        let Some(policy) = unless_hidden(cloud.policy(&resource).await)? else { continue };
        if index == 0 {
            etag = text_of(&policy.etag);
        }
        for binding in policy.bindings {
            if !USING.contains(&binding.role.as_str()) || binding.condition.is_some() {
                continue;
            }
            for member in binding.members {
                users.entry(member).or_default().push(Grant { role: binding.role.clone(), resource: resource.clone() });
            }
        }
    }
    Ok((users, etag))
}

fn no_bucket(host: RegistryHost, project: &str) -> HostFacts {
    HostFacts {
        host,
        bucket: host.bucket(project),
        exists: false,
        location: host.location().to_owned(),
        default_key: String::new(),
        metageneration: String::new(),
        objects: BTreeMap::new(),
    }
}

pub async fn host(cloud: &Cloud, host: RegistryHost, project: &str) -> Result<HostFacts, Error> {
    let mut facts = no_bucket(host, project);
    let Some(found) = cloud.bucket(&facts.bucket).await? else { return Ok(facts) };
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    facts.exists = true;
    facts.location = text("/location");
    facts.default_key = text("/encryption/defaultKmsKeyName");
    facts.metageneration = text("/metageneration");
    facts.objects = spread(cloud, &facts.bucket, "").await?;
    Ok(facts)
}

/// Objects and bytes under a prefix by key version, page by page, so that a large bucket costs no memory.
pub async fn spread(cloud: &Cloud, bucket: &str, prefix: &str) -> Result<BTreeMap<String, (u64, u64)>, Error> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut token = String::new();
    loop {
        let (items, next) = cloud.objects_page(bucket, prefix, &token).await?;
        for stored in items {
            let entry = counts.entry(stored.object.key_version).or_default();
            entry.0 += 1;
            entry.1 += stored.object.size;
        }
        if next.is_empty() {
            return Ok(counts);
        }
        token = next;
    }
}

pub async fn topic(cloud: &Cloud, project: &str) -> Result<TopicFacts, Error> {
    let found = cloud.topic(&format!("projects/{project}/topics/gcr")).await?;
    Ok(found.map_or_else(TopicFacts::default, |topic| TopicFacts { exists: true, key: topic.kms_key_name }))
}

/// What policy says. Who may not read it is told nothing, and the services themselves will refuse.
pub async fn policy(cloud: &Cloud, project: &str, key: &KeyName) -> Result<PolicyFacts, Error> {
    let (_, denied) = values(cloud, project, RESTRICT_NON_CMEK).await?;
    let (allowed, _) = values(cloud, project, RESTRICT_KEY_PROJECTS).await?;
    if denied.is_empty() && allowed.is_empty() {
        return Ok(PolicyFacts::default());
    }
    let levels = unless_hidden(cloud.ancestry(project).await)?.unwrap_or_default();
    let key_ancestry = if allowed.is_empty() {
        Vec::new()
    } else {
        unless_hidden(cloud.ancestry(&key.project).await)?.unwrap_or_default()
    };
    Ok(PolicyFacts {
        denied_services: attributed(cloud, &levels, RESTRICT_NON_CMEK, denied).await?,
        allowed_keys: attributed(cloud, &levels, RESTRICT_KEY_PROJECTS, allowed).await?,
        key_ancestry,
    })
}

/// The values that a list constraint allows and denies in a project, all levels merged.
pub async fn values(cloud: &Cloud, project: &str, constraint: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    let found = cloud.effective_policy(&format!("projects/{project}"), constraint).await;
    Ok(unless_hidden(found)?.map(|policy| listed(&policy)).unwrap_or_default())
}

/// Allowed and denied values of a policy's own rules.
pub fn listed(policy: &gcp_schema::orgpolicy::Policy) -> (Vec<String>, Vec<String>) {
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for rule in policy.spec.iter().flat_map(|spec| &spec.rules) {
        if let Some(Kind::Values(values)) = &rule.kind {
            allowed.extend(values.allowed_values.iter().cloned());
            denied.extend(values.denied_values.iter().cloned());
        }
    }
    (allowed, denied)
}

/// The nearest level that sets each value.
async fn attributed(
    cloud: &Cloud,
    levels: &[String],
    constraint: &str,
    values: Vec<String>,
) -> Result<Vec<Rule>, Error> {
    let mut rules: Vec<Rule> = values.into_iter().map(|value| Rule { value, set_at: String::new() }).collect();
    for level in levels {
        if rules.iter().all(|rule| !rule.set_at.is_empty()) {
            break;
        }
        let Some(Some(policy)) = unless_hidden(cloud.org_policy(level, constraint).await)? else { continue };
        let (allowed, denied) = listed(&policy);
        for rule in rules.iter_mut().filter(|rule| rule.set_at.is_empty()) {
            if allowed.contains(&rule.value) || denied.contains(&rule.value) {
                rule.set_at.clone_from(level);
            }
        }
    }
    Ok(rules)
}
