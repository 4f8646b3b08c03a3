//! `cmek status` and `cmek hosts describe`.

use gcp_names::{KeyName, KeyVersionName, RegistryHost, ServiceAgent};
use serde_json::{Map, Value, json};

use crate::cloud::Cloud;
use crate::failure::Outcome;
use crate::session::Session;
use crate::{observe, print, yaml};

pub async fn describe(session: &mut Session, names: &[String]) -> Outcome<()> {
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
    let value = if found.len() == 1 { found.remove(0) } else { Value::Array(found) };
    print(session, &value, yaml)
}

async fn status(cloud: &Cloud, project: &str, host: RegistryHost) -> Outcome<Value> {
    let facts = observe::host(cloud, host, project).await?;
    let topic = observe::topic(cloud, project).await?;
    let mut findings: Vec<String> = Vec::new();
    let mut value = json!({"host": host.host(), "bucket": Value::Null, "location": facts.location});
    let number = cloud.project(project).await?.name.trim_start_matches("projects/").parse().unwrap_or_default();
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
            findings.push(format!("{google_managed} of {total} objects are still under the Google-managed key.  cmek configure {host} --kms-key={} --rewrite-existing", facts.default_key));
        }
    } else if policy.denies("storage.googleapis.com") {
        findings.push("The first push will be refused: constraints/gcp.restrictNonCmekServices denies storage.googleapis.com, and the push makes a bucket without a key.".to_owned());
    }
    value["topic"] = match (topic.exists, topic.key.is_empty()) {
        (false, _) => json!("none"),
        (true, true) => json!({"name": "gcr", "key": "none"}),
        (true, false) => json!({"name": "gcr", "key": topic.key}),
    };
    if topic.exists && topic.key.is_empty() && policy.denies("pubsub.googleapis.com") {
        findings.push("Topic gcr has no key and policy asks for one.  cmek configure --topic --kms-key=KEY".to_owned());
    }
    if !policy.denied_services.is_empty() {
        value["policy"] =
            json!([format!("constraints/gcp.restrictNonCmekServices denies {}", policy.denied_services.join(", "))]);
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
    value["agentMayUseKey"] = json!(known.users.contains(&agent));
    if !known.users.contains(&agent) {
        findings.push(
            "Storage's agent has no role on the key itself; unless it has one above, nothing can be read or written."
                .to_owned(),
        );
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
