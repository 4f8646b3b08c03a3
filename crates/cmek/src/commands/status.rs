//! `cmek status` and `cmek hosts describe`.

use clap::Args;
use gcp_names::{KeyName, KeyVersionName, RegistryHost, ServiceAgent};
use serde_json::{Map, Value, json};

use cmek_plan::place;

use crate::cloud::Cloud;
use crate::failure::Outcome;
use crate::observe;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek status
    all hosts that have a bucket
$ cmek status gcr.io --format='value(findings)'")]
pub struct Status {
    /// Hosts; all that have a bucket when none is named
    #[arg(value_name = "HOST")]
    pub hosts: Vec<String>,
}

pub const PERMISSIONS: &[&str] = &[
    "resourcemanager.projects.get",
    "orgpolicy.policy.get",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeyVersions.list",
    "storage.buckets.get",
    "storage.objects.list",
    "pubsub.topics.get",
];

pub async fn run(session: &mut Session, args: Status) -> Outcome<()> {
    describe(session, &args.hosts).await
}

pub async fn describe(session: &mut Session, names: &[String]) -> Outcome<()> {
    if session.explains(PERMISSIONS)? {
        return Ok(());
    }
    let project = session.project()?;
    let named = Session::hosts(names)?;
    let cloud = session.cloud().await?;
    let all = named.is_empty();
    let hosts = if all { RegistryHost::ALL.to_vec() } else { named };
    let mut found = Vec::new();
    for host in hosts {
        let one = status(&cloud, &project, host).await?;
        if !all || one["bucket"] != Value::Null {
            found.push(one);
        }
    }
    if found.is_empty() {
        session.ui.say(&format!("No registry host of {project} has a bucket yet: the first push makes it."));
    }
    if found.len() == 1 {
        return session.print_one(&found.remove(0), "yaml");
    }
    session.print_records(&found, "yaml")
}

async fn status(cloud: &Cloud, project: &str, host: RegistryHost) -> Outcome<Value> {
    let facts = observe::host(cloud, host, project).await?;
    let topic = observe::topic(cloud, project).await?;
    let mut findings: Vec<String> = Vec::new();
    let mut value = json!({"host": host.host(), "bucket": Value::Null, "location": facts.location});
    let number = observe::number(cloud, project).await?;
    let key = KeyName::parse(&facts.default_key).ok();
    let policy_key = key.clone().unwrap_or_else(|| KeyName {
        project: project.to_owned(),
        location: host.key_location().to_owned(),
        ring: "none".to_owned(),
        key: "none".to_owned(),
    });
    let policy = observe::policy(cloud, project, &policy_key).await?;
    if facts.exists {
        value["bucket"] = json!(format!("gs://{}", facts.bucket));
        let (total, _) = facts.total();
        let mut objects = Map::new();
        for (version, (count, _)) in &facts.objects {
            let name = KeyVersionName::parse(version).map_or_else(
                |_| "googleManaged".to_owned(),
                |version| {
                    if Some(&version.key) == key.as_ref() {
                        format!("version{}", version.version)
                    } else {
                        version.to_string()
                    }
                },
            );
            objects.insert(name, json!(count));
        }
        value["objects"] = Value::Object(objects);
        if let Some(key) = &key {
            key_status(cloud, key, number, &facts, &mut value, &mut findings).await?;
        } else if total > 0 {
            findings.push(format!("The bucket has no default key.  cmek configure {host} --kms-key=KEY"));
        }
        let google_managed = facts.objects.get("").map_or(0, |(count, _)| *count);
        if google_managed > 0 && key.is_some() {
            findings.push(format!(
                "{google_managed} of {total} objects are still under the Google-managed key.  cmek rewrite {host}"
            ));
        }
        let elsewhere = total - google_managed - facts.under(&facts.default_key);
        if elsewhere > 0 && key.is_some() {
            findings.push(format!("{elsewhere} of {total} objects are under another key.  cmek rewrite {host}"));
        }
    } else if let Some(rule) = policy.denies("storage.googleapis.com") {
        findings.push(format!("The first push will be refused: constraints/gcp.restrictNonCmekServices{} denies storage.googleapis.com, and the push makes a bucket without a key.", place(&rule.set_at)));
    }
    value["topic"] = match (topic.exists, topic.key.is_empty()) {
        (false, _) => json!("none"),
        (true, true) => json!({"name": "gcr", "key": "none"}),
        (true, false) => json!({"name": "gcr", "key": topic.key}),
    };
    if topic.exists && topic.key.is_empty() && policy.denies("pubsub.googleapis.com").is_some() {
        findings
            .push("Topic gcr has no key and policy asks for one.  cmek topics configure gcr --kms-key=KEY".to_owned());
    }
    if !policy.denied_services.is_empty() {
        let rules = policy.denied_services.iter().map(|rule| {
            format!("constraints/gcp.restrictNonCmekServices denies {}{}", rule.value, place(&rule.set_at))
        });
        value["policy"] = rules.collect();
    }
    if !findings.is_empty() {
        value["findings"] = json!(findings);
    }
    Ok(value)
}

async fn key_status(
    cloud: &Cloud,
    key: &KeyName,
    number: u64,
    facts: &cmek_plan::HostFacts,
    value: &mut Value,
    findings: &mut Vec<String>,
) -> Outcome<()> {
    value["defaultKey"] = json!(key.to_string());
    let known = observe::key(cloud, key).await?;
    let state = match &known.primary {
        Some(version) => format!("{} (primary version {})", version.state, version.number),
        None if known.exists => "no primary version".to_owned(),
        None => "NOT_FOUND".to_owned(),
    };
    if known.primary.as_ref().is_none_or(|version| version.state != "ENABLED") {
        findings.push(format!("Pushes fail: the key's state is {state}."));
    }
    value["keyState"] = json!(state);
    let agent = ServiceAgent::Storage.member(number);
    value["agent"] = json!(agent.trim_start_matches("serviceAccount:"));
    value["agentMayUseKey"] = json!(known.users.contains_key(&agent));
    if !known.users.contains_key(&agent) {
        findings.push(format!(
            "Storage's agent may not use the key: nothing can be read or written.  cmek service-agents authorize --kms-key={key}"
        ));
    }
    for (version, (count, _)) in &facts.objects {
        let Ok(name) = KeyVersionName::parse(version) else { continue };
        let versions = cloud.versions(&name.key).await.unwrap_or_default();
        let state = versions.iter().find(|known| known.name == *version).map(|known| observe::state_name(known.state));
        if let Some(state) = state.filter(|state| state != "ENABLED") {
            findings.push(format!("{count} objects cannot be read: version {} is {state}.", name.version));
        }
    }
    Ok(())
}
