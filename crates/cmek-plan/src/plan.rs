//! From what is to what is wanted, step by step.

use gcp_names::ServiceAgent;
use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::finding::{Finding, Severity};
use crate::judge;
use crate::observed::{AgentFact, Found, Observed};
use crate::step::{ENCRYPTER_DECRYPTER, Step};

pub const SCHEMA: &str = "cmek.plan/v1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub schema: String,
    /// In the order in which they must be done. None at all while anything blocks.
    pub steps: Vec<Step>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Nothing is left to do, and nothing stands in the way.
    pub fn is_done(&self) -> bool {
        self.steps.is_empty() && !self.is_blocked()
    }

    pub fn is_blocked(&self) -> bool {
        self.blockers().next().is_some()
    }

    pub fn blockers(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Blocker)
    }
}

pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut findings = judge::findings(desired, observed);
    findings.sort_by_key(|finding| finding.severity);
    let blocked = findings.first().is_some_and(|finding| finding.severity == Severity::Blocker);
    // All or nothing: a project with half its hosts configured is harder to explain than one that was left alone.
    let steps = if blocked { Vec::new() } else { steps(desired, observed) };
    Plan { schema: SCHEMA.to_owned(), steps, findings }
}

/// A service cannot use the key before its agent may, and objects cannot move to a key that is not there: hence the order.
fn steps(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    if desired.hosts.is_empty() && !desired.topic {
        return steps;
    }
    let key = &desired.key;
    match &observed.key.found {
        Found::NoRing => {
            steps.push(Step::CreateKeyRing { ring: key.ring_name() });
            steps.push(Step::CreateKey { key: key.clone() });
        }
        Found::NoKey => steps.push(Step::CreateKey { key: key.clone() }),
        Found::Key(_) => {}
    }
    let users = users(desired, observed);
    for (agent, fact) in &users {
        if !fact.exists {
            steps.push(Step::CreateAgent {
                project: desired.project.clone(),
                service: agent.service().to_owned(),
                email: fact.email.clone(),
            });
        }
    }
    steps.extend(grants(desired, observed, &users));
    let wanted = key.to_string();
    let hosts = || observed.hosts.iter().filter(|facts| facts.exists && desired.hosts.contains(&facts.host));
    for facts in hosts().filter(|facts| facts.default_key.as_deref() != Some(&wanted)) {
        steps.push(Step::SetDefaultKey {
            bucket: facts.bucket.clone(),
            key: key.clone(),
            metageneration: facts.metageneration,
        });
    }
    if let Some(topic) = observed.topic.as_ref().filter(|_| desired.topic) {
        let (topic, key) = (topic, key.clone());
        if !topic.exists {
            steps.push(Step::CreateTopic { topic: topic.name.clone(), key });
        } else if topic.kms_key.as_deref() != Some(&wanted) {
            steps.push(Step::UpdateTopic { topic: topic.name.clone(), key });
        }
    }
    if desired.rewrite_existing {
        for facts in hosts() {
            let todo = judge::sort_objects(key, &observed.key.found, &facts.objects).to_rewrite();
            if !todo.is_empty() {
                let (objects, bytes) = (todo.objects, todo.bytes);
                steps.push(Step::Rewrite { bucket: facts.bucket.clone(), key: key.clone(), objects, bytes });
            }
        }
    }
    steps
}

/// The agents that will use the key.
fn users<'a>(desired: &Desired, observed: &'a Observed) -> Vec<(ServiceAgent, &'a AgentFact)> {
    let mut users = Vec::new();
    if !desired.hosts.is_empty() {
        users.push((ServiceAgent::Storage, &observed.agents.storage));
    }
    if desired.topic {
        users.push((ServiceAgent::PubSub, &observed.agents.pubsub));
    }
    users
}

fn grants(desired: &Desired, observed: &Observed, users: &[(ServiceAgent, &AgentFact)]) -> Vec<Step> {
    let policy = match &observed.key.found {
        // A policy that the caller may not read, it may not change either: `judge` has said so.
        Found::Key(details) if details.policy.is_none() => return Vec::new(),
        Found::Key(details) => details.policy.as_ref(),
        Found::NoRing | Found::NoKey => None,
    };
    let mut etag = policy.map(|policy| policy.etag.clone());
    users
        .iter()
        .map(|(_, fact)| fact.member())
        .filter(|member| policy.is_none_or(|policy| !policy.users.contains(member)))
        .map(|member| Step::Grant {
            member,
            role: ENCRYPTER_DECRYPTER.to_owned(),
            key: desired.key.clone(),
            // The first grant changes the policy, so only it can rely on what was seen.
            etag: etag.take(),
        })
        .collect()
}
