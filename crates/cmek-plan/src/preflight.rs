//! Every check that a key must pass, said also where it passes.

use gcp_names::ServiceAgent;
use serde::Serialize;

use crate::facts::{Desired, Observed};
use crate::finding::{Finding, Severity};
use crate::planner::Plan;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    Ok,
    /// `configure` would see to it.
    Todo,
    Warning,
    Blocker,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub check: String,
    pub subject: String,
    pub verdict: Verdict,
    pub detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub constraint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub permission: String,
}

fn row(check: &str, subject: &str, verdict: Verdict, detail: &str) -> Check {
    Check {
        check: check.to_owned(),
        subject: subject.to_owned(),
        verdict,
        detail: detail.to_owned(),
        mend: String::new(),
        constraint: String::new(),
        permission: String::new(),
    }
}

fn of_finding(check: &str, finding: &Finding) -> Check {
    Check {
        mend: finding.mend.clone(),
        constraint: finding.constraint.clone(),
        permission: finding.permission.clone(),
        ..row(
            check,
            &finding.subject,
            if finding.severity == Severity::Blocker { Verdict::Blocker } else { Verdict::Warning },
            &finding.what,
        )
    }
}

/// `plan` is the plan from the same observation.
pub fn preflight(desired: &Desired, observed: &Observed, plan: &Plan) -> Vec<Check> {
    let key = desired.key.to_string();
    let short = desired.key.short();
    let finding = |codes: &[&str], subject: &str| {
        plan.findings.iter().find(|finding| codes.contains(&finding.code.as_str()) && finding.subject == subject)
    };
    // A check passes with these words unless a finding of one of the codes is about its subject.
    let judge = |check: &str, codes: &[&str], subject: &str, passes: Check| {
        finding(codes, subject).map_or(passes, |finding| of_finding(check, finding))
    };
    let mut rows = Vec::new();
    for (project, services) in &observed.disabled_apis {
        for service in services {
            rows.push(row(
                "api",
                &format!("{project}/{service}"),
                Verdict::Todo,
                "is not enabled; configure enables it",
            ));
        }
    }
    if observed.disabled_apis.is_empty() {
        rows.push(row("api", &desired.project, Verdict::Ok, "the APIs are enabled"));
    }
    let exists = if observed.key.exists {
        row("key", &key, Verdict::Ok, &format!("{short} exists"))
    } else {
        row("key", &key, Verdict::Todo, &format!("{short} does not exist; configure --create-key makes it"))
    };
    rows.push(judge("key", &["KEY_MISSING", "KEY_PURPOSE"], &key, exists));
    if let Some(primary) = &observed.key.primary {
        let words = format!("version {}, the primary, is {}", primary.number, primary.state);
        rows.push(judge("key-state", &["KEY_NOT_ENABLED"], &key, row("key-state", &key, Verdict::Ok, &words)));
    } else if let Some(finding) = finding(&["KEY_NO_PRIMARY"], &key) {
        rows.push(of_finding("key-state", finding));
    }
    rows.push(judge(
        "policy-key-project",
        &["POLICY_KEY_PROJECT"],
        &key,
        row("policy-key-project", &key, Verdict::Ok, &format!("keys of {} may be used", desired.key.project)),
    ));
    for host in &observed.hosts {
        let name = host.host.host();
        let there = format!("gs://{} ({})", host.bucket, host.location);
        rows.push(judge("bucket", &["NO_BUCKET"], name, row("bucket", name, Verdict::Ok, &there)));
        let fits = format!("a key in {} fits", desired.key.location);
        rows.push(judge("location", &["LOCATION"], name, row("location", name, Verdict::Ok, &fits)));
        if let Some(finding) = finding(&["OLD_ENCRYPTION"], name) {
            rows.push(of_finding("objects", finding));
        }
    }
    let mut agents = Vec::new();
    if observed.hosts.iter().any(|host| host.exists) {
        agents.push((ServiceAgent::Storage, "Storage"));
    }
    if observed.topic.is_some() {
        agents.push((ServiceAgent::PubSub, "Pub/Sub"));
    }
    for (agent, who) in agents {
        let member = agent.member(observed.project_number);
        rows.push(if observed.key.users.contains_key(&member) {
            row("grant", &member, Verdict::Ok, &format!("{who}'s agent may use the key"))
        } else {
            row("grant", &member, Verdict::Todo, &format!("{who}'s agent may not use the key yet; configure grants it"))
        });
    }
    let lacking: Vec<_> = plan.findings.iter().filter(|finding| finding.code == "PERMISSION").collect();
    if lacking.is_empty() {
        rows.push(row("permissions", &desired.project, Verdict::Ok, "you may do what has to be done"));
    }
    rows.extend(lacking.into_iter().map(|finding| of_finding("permissions", finding)));
    rows
}
