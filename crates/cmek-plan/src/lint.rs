//! What every plan must keep to, whatever the world: read by tests and before a plan is applied.

use std::collections::BTreeSet;

use crate::observed::{Found, Observed};
use crate::plan::Plan;
use crate::step::Step;

/// Sentences about what is wrong with a plan; none for a sound one.
pub fn lint(plan: &Plan, observed: &Observed) -> Vec<String> {
    let mut wrong = Vec::new();
    if plan.is_blocked() && !plan.steps.is_empty() {
        wrong.push("a blocked plan has steps".to_owned());
    }
    let mut world = World::of(observed);
    let mut seen = BTreeSet::new();
    for step in &plan.steps {
        let subject = match step {
            Step::Grant { member, .. } => member.clone(),
            other => other.resource(),
        };
        if !seen.insert((step.kind(), subject)) {
            wrong.push(format!("{} {} stands twice", step.kind(), step.resource()));
        }
        wrong.extend(world.take(step, observed).map(|why| format!("{} {}: {why}", step.kind(), step.resource())));
    }
    wrong
}

/// What is there when a step's turn comes.
struct World {
    ring: bool,
    key: bool,
    agents: BTreeSet<String>,
    users: BTreeSet<String>,
    /// An etag that still holds.
    etag: Option<String>,
    /// Nobody can check grants in a policy that could not be read.
    policy_known: bool,
    keyed: BTreeSet<String>,
}

impl World {
    fn of(observed: &Observed) -> Self {
        let details = match &observed.key.found {
            Found::Key(details) => Some(details),
            _ => None,
        };
        let policy = details.and_then(|details| details.policy.as_ref());
        let key = observed.key.name.to_string();
        Self {
            ring: !matches!(observed.key.found, Found::NoRing),
            key: details.is_some(),
            agents: [&observed.agents.storage, &observed.agents.pubsub]
                .into_iter()
                .filter(|fact| fact.exists)
                .map(|fact| fact.email.clone())
                .collect(),
            users: policy.map(|policy| policy.users.iter().cloned().collect()).unwrap_or_default(),
            etag: policy.map(|policy| policy.etag.clone()),
            policy_known: details.is_none() || policy.is_some(),
            keyed: observed
                .hosts
                .iter()
                .filter(|facts| facts.default_key.as_ref() == Some(&key))
                .map(|facts| facts.bucket.clone())
                .collect(),
        }
    }

    fn take(&mut self, step: &Step, observed: &Observed) -> Option<String> {
        match step {
            Step::CreateKeyRing { .. } => {
                if std::mem::replace(&mut self.ring, true) {
                    return Some("the ring exists".to_owned());
                }
            }
            Step::CreateKey { .. } => {
                if !self.ring {
                    return Some("before its ring".to_owned());
                }
                if std::mem::replace(&mut self.key, true) {
                    return Some("the key exists".to_owned());
                }
            }
            Step::CreateAgent { email, .. } => {
                if !self.agents.insert(email.clone()) {
                    return Some("the agent exists".to_owned());
                }
            }
            Step::Grant { member, etag, .. } => {
                if !self.key {
                    return Some("before its key".to_owned());
                }
                if !member.strip_prefix("serviceAccount:").is_some_and(|email| self.agents.contains(email)) {
                    return Some("before its agent exists".to_owned());
                }
                if *etag != self.etag.take() {
                    return Some("relies on a policy that is not the one it meets".to_owned());
                }
                if !self.users.insert(member.clone()) {
                    return Some("is granted already".to_owned());
                }
            }
            Step::SetDefaultKey { bucket, metageneration, .. } => {
                let Some(facts) = observed.hosts.iter().find(|facts| facts.bucket == *bucket && facts.exists) else {
                    return Some("on a bucket that does not exist".to_owned());
                };
                if facts.metageneration != *metageneration {
                    return Some("relies on a bucket that is not the one seen".to_owned());
                }
                if !self.keyed.insert(bucket.clone()) {
                    return Some("the bucket has the key".to_owned());
                }
                return self.missing_grant(&observed.agents.storage.member());
            }
            Step::CreateTopic { .. } | Step::UpdateTopic { .. } => {
                let exists = observed.topic.as_ref().is_some_and(|topic| topic.exists);
                if exists != matches!(step, Step::UpdateTopic { .. }) {
                    return Some(format!("though the topic {}", if exists { "exists" } else { "does not exist" }));
                }
                return self.missing_grant(&observed.agents.pubsub.member());
            }
            Step::Rewrite { bucket, objects, .. } => {
                if *objects == 0 {
                    return Some("of nothing".to_owned());
                }
                if !self.keyed.contains(bucket) {
                    return Some("before the bucket has the key".to_owned());
                }
                return self.missing_grant(&observed.agents.storage.member());
            }
        }
        None
    }

    fn missing_grant(&self, member: &str) -> Option<String> {
        if !self.key {
            return Some("before the key exists".to_owned());
        }
        (self.policy_known && !self.users.contains(member)).then(|| format!("before {member} may use the key"))
    }
}
