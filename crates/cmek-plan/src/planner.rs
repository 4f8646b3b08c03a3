//! From what is to what is wanted: steps in an order that works, or findings that say why not.

use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{RegistryHost, ServiceAgent, location};
use serde::{Deserialize, Serialize};

use crate::facts::{Desired, HostFacts, Observed, place};
use crate::finding::{Finding, Severity};
use crate::step::{Need, Step};
use crate::words::{key_words, renew};

/// The form of a plan's document.
pub const SCHEMA: &str = "cmek.plan/v1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
}

impl Plan {
    pub fn blockers(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Blocker)
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the caller must be allowed to carry it out, on what is there already.
    pub fn needs(&self) -> Vec<Need> {
        let made: Vec<_> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::CreateKeyRing { ring } => Some(ring.clone()),
                Step::CreateKey { key } => Some(key.clone()),
                _ => None,
            })
            .collect();
        // What the plan makes cannot be asked about yet; who makes it in a project asks there.
        let mut needs: Vec<_> = self
            .steps
            .iter()
            .flat_map(Step::needs)
            .map(|need| {
                if made.contains(&need.resource) {
                    Need { resource: crate::step::project_of(&need.resource), ..need }
                } else {
                    need
                }
            })
            .collect();
        needs.sort();
        needs.dedup();
        needs
    }
}

pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut steps = Vec::new();
    let mut findings = Vec::new();
    let key = desired.key.to_string();
    key_findings(desired, observed, &mut findings);
    for host in &observed.hosts {
        host_findings(desired, host, observed, &mut findings);
    }
    for (project, services) in &observed.disabled_apis {
        for service in services {
            steps.push(Step::EnableApi { project: project.clone(), service: service.clone() });
        }
    }
    if !observed.key.exists && desired.create_key {
        if !observed.key.ring_exists {
            steps.push(Step::CreateKeyRing { ring: desired.key.ring_name().to_string() });
        }
        steps.push(Step::CreateKey { key: key.clone() });
    }
    let primary = observed.key.primary.as_ref().map(|version| desired.key.version(version.number).to_string());
    let hosts: Vec<_> = observed.hosts.iter().filter(|host| host.exists).collect();
    if !hosts.is_empty() {
        grant(ServiceAgent::Storage, "Storage", desired, observed, &mut steps);
    }
    if observed.topic.is_some() {
        grant(ServiceAgent::PubSub, "Pub/Sub", desired, observed, &mut steps);
    }
    for host in &hosts {
        if host.default_key != key {
            steps.push(Step::SetDefaultKey {
                bucket: host.bucket.clone(),
                key: key.clone(),
                metageneration: host.metageneration.clone(),
            });
        }
    }
    if let Some(topic) = &observed.topic {
        let name = format!("projects/{}/topics/gcr", desired.project);
        if !topic.exists {
            steps.push(Step::CreateTopic { topic: name, key: key.clone() });
        } else if topic.key != key {
            steps.push(Step::UpdateTopic { topic: name, key: key.clone(), from: topic.key.clone() });
        }
    }
    for host in &hosts {
        let (objects, bytes) = host.outside(primary.as_deref().unwrap_or("not created yet"));
        if objects == 0 {
            continue;
        }
        if desired.rewrite_existing {
            steps.push(Step::Rewrite {
                host: host.host.to_string(),
                bucket: host.bucket.clone(),
                key: key.clone(),
                objects,
                bytes,
            });
        } else {
            findings.push(Finding::warning(
                "OLD_ENCRYPTION",
                host.host.host(),
                format!("{objects} of {} objects of {} keep their old encryption.", host.total().0, host.host),
                "add --rewrite-existing".to_owned(),
            ));
        }
    }
    permission_findings(observed, &mut findings);
    findings.sort_by_key(|finding| finding.severity);
    if findings.iter().any(|finding| finding.severity == Severity::Blocker) {
        steps.clear();
    }
    Plan { steps, findings }
}

fn grant(agent: ServiceAgent, who: &str, desired: &Desired, observed: &Observed, steps: &mut Vec<Step>) {
    let member = agent.member(observed.project_number);
    if observed.key.users.contains_key(&member) {
        return;
    }
    let (who, service) = (who.to_owned(), agent.service().to_owned());
    steps.push(Step::CreateAgent {
        project: desired.project.clone(),
        service: service.clone(),
        who: who.clone(),
        member: member.clone(),
    });
    steps.push(Step::Grant { who, service, member, key: desired.key.to_string(), etag: observed.key.etag.clone() });
}

fn permission_findings(observed: &Observed, findings: &mut Vec<Finding>) {
    for need in &observed.missing {
        findings.push(
            Finding::blocker(
                "PERMISSION",
                &need.resource,
                format!("You lack {need}."),
                "ask an administrator for a role that holds it".to_owned(),
            )
            .by_permission(&need.permission),
        );
    }
}

fn key_findings(desired: &Desired, observed: &Observed, findings: &mut Vec<Finding>) {
    let key = &desired.key;
    let name = key.to_string();
    if !observed.key.exists {
        if !desired.create_key {
            findings.push(Finding::blocker(
                "KEY_MISSING",
                &name,
                format!("The key {} does not exist.", key.short()),
                format!("add --create-key, or: cmek keys create {}", key_words(key)),
            ));
        }
    } else if observed.key.purpose != "ENCRYPT_DECRYPT" {
        findings.push(Finding::blocker(
            "KEY_PURPOSE",
            &name,
            format!(
                "The key {} is for {}; buckets and topics take keys for ENCRYPT_DECRYPT.",
                key.short(),
                observed.key.purpose
            ),
            "name another key".to_owned(),
        ));
    } else {
        match &observed.key.primary {
            None => findings.push(Finding::blocker(
                "KEY_NO_PRIMARY",
                &name,
                format!("The key {} has no primary version.", key.short()),
                format!("cmek keys rotate {}", key_words(key)),
            )),
            Some(version) if version.state != "ENABLED" => findings.push(Finding::blocker(
                "KEY_NOT_ENABLED",
                &name,
                format!("Version {} of {}, its primary, is {}.", version.number, key.short(), version.state),
                renew(&key.version(version.number), &version.state),
            )),
            Some(_) => {}
        }
    }
    if !observed.policy.allows_key_of(&key.project) {
        let set_at = observed.policy.allowed_keys.first().map_or("", |rule| rule.set_at.as_str());
        let allowed: Vec<_> = observed.policy.allowed_keys.iter().map(|rule| rule.value.as_str()).collect();
        findings.push(
            Finding::blocker(
                "POLICY_KEY_PROJECT",
                &name,
                format!(
                    "constraints/{RESTRICT_KEY_PROJECTS}{} allows keys of {} only; {} is not among them.",
                    place(set_at),
                    allowed.join(", "),
                    key.project
                ),
                if set_at.is_empty() {
                    "take a key of an allowed project, or ask the policy's administrator".to_owned()
                } else {
                    format!("take a key of an allowed project, or ask an administrator of {set_at}")
                },
            )
            .by_rule(RESTRICT_KEY_PROJECTS, set_at),
        );
    }
}

fn host_findings(desired: &Desired, host: &HostFacts, observed: &Observed, findings: &mut Vec<Finding>) {
    let name: RegistryHost = host.host;
    let place = if host.exists { host.location.as_str() } else { name.location() };
    let wanted = location::key_location_for_bucket(place);
    if desired.key.location != wanted {
        findings.push(Finding::blocker(
            "LOCATION",
            name.host(),
            format!(
                "The key is in {}; the bucket {} is in {place} and takes keys in {wanted}.",
                desired.key.location, host.bucket
            ),
            format!(
                "cmek keys create {} --keyring={} --location={wanted} --key-project={}",
                desired.key.key, desired.key.ring, desired.key.project
            ),
        ));
    }
    if host.exists {
        return;
    }
    findings.push(match observed.policy.denies("storage.googleapis.com") {
        Some(rule) => Finding::warning(
            "NO_BUCKET",
            name.host(),
            format!(
                "{name} has no bucket, and constraints/{RESTRICT_NON_CMEK}{} refuses the first push, which would make it without a key.",
                crate::facts::place(&rule.set_at)
            ),
            format!("lift the rule for this project, push once, cmek configure {name} again, put the rule back"),
        )
        .by_rule(RESTRICT_NON_CMEK, &rule.set_at),
        None => Finding::warning(
            "NO_BUCKET",
            name.host(),
            format!("{name} has no bucket yet: the first push makes it, without a key."),
            format!("push once, then cmek configure {name} again with --rewrite-existing"),
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grant, HostFacts, KeyFacts, PolicyFacts, Rule, TopicFacts, VersionFacts};
    use gcp_names::KeyName;

    fn desired() -> Desired {
        Desired {
            project: "my-project".into(),
            hosts: vec![RegistryHost::Gcr],
            key: KeyName::parse("projects/sec/locations/us/keyRings/r/cryptoKeys/k").unwrap(),
            create_key: true,
            rewrite_existing: true,
            topic: true,
        }
    }

    fn empty_world() -> Observed {
        Observed {
            project_number: 7,
            hosts: vec![HostFacts {
                host: RegistryHost::Gcr,
                bucket: "artifacts.my-project.appspot.com".into(),
                exists: true,
                location: "US".into(),
                default_key: String::new(),
                metageneration: "1".into(),
                objects: [(String::new(), (3, 300))].into(),
            }],
            topic: Some(TopicFacts::default()),
            ..Observed::default()
        }
    }

    /// What each step does, in a world small enough to be read.
    fn apply(world: &mut Observed, plan: &Plan, desired: &Desired) {
        for step in &plan.steps {
            match step {
                Step::CreateKeyRing { .. } => world.key.ring_exists = true,
                Step::CreateKey { .. } => {
                    assert!(world.key.ring_exists, "a key needs its ring");
                    world.key.exists = true;
                    world.key.purpose = "ENCRYPT_DECRYPT".into();
                    world.key.primary = Some(VersionFacts { number: 1, state: "ENABLED".into() });
                }
                Step::Grant { member, .. } => {
                    assert!(world.key.exists, "a grant needs its key");
                    world.key.users.entry(member.clone()).or_default();
                }
                Step::SetDefaultKey { key, .. } => {
                    assert!(!world.key.users.is_empty(), "the agent needs the key before the bucket takes it");
                    world.hosts[0].default_key.clone_from(key);
                }
                Step::CreateTopic { key, .. } | Step::UpdateTopic { key, .. } => {
                    world.topic = Some(TopicFacts { exists: true, key: key.clone() });
                }
                Step::EnableApi { project, service } => {
                    if let Some(known) = world.disabled_apis.get_mut(project) {
                        known.remove(service);
                    }
                }
                Step::CreateAgent { .. } => {}
                Step::Rewrite { .. } => {
                    let number = world.key.primary.as_ref().unwrap().number;
                    let all = world.hosts[0].total();
                    world.hosts[0].objects = [(desired.key.version(number).to_string(), all)].into();
                }
            }
        }
    }

    #[test]
    fn from_every_starting_point_one_round_leaves_nothing_to_do() {
        let desired = desired();
        let key = desired.key.to_string();
        for bits in 0..64_u32 {
            let on = |bit: u32| bits & (1 << bit) != 0;
            let mut world = empty_world();
            world.key.ring_exists = on(0) || on(1);
            if on(1) {
                world.key.exists = true;
                world.key.purpose = "ENCRYPT_DECRYPT".into();
                world.key.primary = Some(VersionFacts { number: 2, state: "ENABLED".into() });
                if on(2) {
                    world.key.users.insert(
                        ServiceAgent::Storage.member(7),
                        vec![Grant { role: "roles/owner".into(), resource: "projects/sec".into() }],
                    );
                }
                if on(3) {
                    world.hosts[0].default_key.clone_from(&key);
                }
                if on(4) {
                    world.topic =
                        Some(TopicFacts { exists: true, key: if on(5) { key.clone() } else { String::new() } });
                }
            }
            let first = plan(&desired, &world);
            assert_eq!(first.blockers().count(), 0, "{bits}: {:?}", first.findings);
            apply(&mut world, &first, &desired);
            let second = plan(&desired, &world);
            assert!(second.is_empty(), "{bits}: {:?}", second.steps);
        }
    }

    #[test]
    fn all_that_stands_in_the_way_is_said_at_once_and_nothing_is_planned() {
        let mut wanted = desired();
        wanted.key = KeyName::parse("projects/sec/locations/europe/keyRings/r/cryptoKeys/k").unwrap();
        let mut world = empty_world();
        world.key = KeyFacts {
            ring_exists: true,
            exists: true,
            purpose: "ENCRYPT_DECRYPT".into(),
            primary: Some(VersionFacts { number: 1, state: "DISABLED".into() }),
            ..KeyFacts::default()
        };
        world.policy = PolicyFacts {
            allowed_keys: vec![Rule { value: "under:folders/42".into(), set_at: "folders/77".into() }],
            ..PolicyFacts::default()
        };
        let made = plan(&wanted, &world);
        let codes: Vec<_> = made.blockers().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["KEY_NOT_ENABLED", "POLICY_KEY_PROJECT", "LOCATION"]);
        assert!(made.is_empty());
    }

    #[test]
    fn a_host_without_a_bucket_is_no_blocker_but_is_said() {
        let mut world = empty_world();
        world.hosts[0].exists = false;
        world.policy.denied_services =
            vec![Rule { value: "storage.googleapis.com".into(), set_at: "organizations/1".into() }];
        let made = plan(&desired(), &world);
        assert_eq!(made.blockers().count(), 0);
        assert!(made.findings[0].what.contains("refuses the first push"));
        assert!(made.steps.iter().all(|step| !matches!(step, Step::SetDefaultKey { .. } | Step::Rewrite { .. })));
    }
}
