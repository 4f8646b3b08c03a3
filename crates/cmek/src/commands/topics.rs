//! `cmek topics`.

use clap::{Args, Subcommand};
use cmek_plan::{Desired, Plan, Step, key_words};
use gcp_names::KeyName;
use serde_json::{Value, json};

use super::configure::show_plan;
use crate::apply::{apply, last, patiently, short};
use crate::cli::{KeyPlace, ListFlags};
use crate::failure::{Failure, Outcome};
use crate::observe;
use crate::rewrite::Options;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Topics {
    /// List the topics of the project and their keys
    #[command(after_help = "$ cmek topics list --filter='-kmsKeyName:*'")]
    List(ListFlags),
    /// Describe a topic
    Describe {
        /// Topic: its id or its full name
        #[arg(value_name = "TOPIC", default_value = "gcr")]
        topic: String,
    },
    /// Create a topic with a key, or give a topic another key
    #[command(after_help = "\
$ cmek topics configure gcr --kms-key=images --keyring=registry --location=us
$ cmek topics configure gcr --clear-kms-key")]
    Configure(Configure),
}

#[derive(Debug, Args)]
pub struct Configure {
    /// Topic: its id or its full name
    #[arg(value_name = "TOPIC", default_value = "gcr")]
    pub topic: String,
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY", required_unless_present = "clear_kms_key")]
    pub kms_key: Option<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Take the topic's key away; messages are then under a Google-managed key
    #[arg(long, conflicts_with = "kms_key")]
    pub clear_kms_key: bool,
}

const READ: &[&str] = &["pubsub.topics.get", "pubsub.topics.list"];
const CHANGE: &[&str] = &[
    "pubsub.topics.get",
    "pubsub.topics.create",
    "pubsub.topics.update",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
    "orgpolicy.policy.get",
    "serviceusage.services.enable",
];

pub async fn run(session: &mut Session, command: Topics) -> Outcome<()> {
    match command {
        Topics::List(flags) => list(session, &flags).await,
        Topics::Describe { topic } => describe(session, &topic).await,
        Topics::Configure(args) => configure(session, args).await,
    }
}

fn named(session: &Session, topic: &str) -> Outcome<String> {
    if topic.contains('/') {
        return match topic.split('/').collect::<Vec<_>>().as_slice() {
            ["projects", _, "topics", _] => Ok(topic.to_owned()),
            _ => Err(Failure::new(format!("'{topic}' is not the name of a topic.")).hint("projects/P/topics/T")),
        };
    }
    Ok(format!("projects/{}/topics/{topic}", session.project()?))
}

fn row(topic: &gcp_schema::pubsub::Topic) -> Value {
    let encryption = if topic.kms_key_name.is_empty() { "GOOGLE_MANAGED" } else { "CUSTOMER" };
    let mut value = json!({"name": topic.name, "encryption": encryption});
    if !topic.kms_key_name.is_empty() {
        value["kmsKeyName"] = json!(topic.kms_key_name);
    }
    if !topic.labels.is_empty() {
        value["labels"] = json!(topic.labels);
    }
    value
}

async fn list(session: &mut Session, flags: &ListFlags) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let project = session.project()?;
    let cloud = session.cloud().await?.paged(flags.page_size);
    let rows: Vec<_> = cloud.topics(&project).await?.iter().map(row).collect();
    session.print_list(&rows, "table(name.basename():label=TOPIC, encryption, kmsKeyName:label=KEY)", flags)
}

async fn describe(session: &mut Session, topic: &str) -> Outcome<()> {
    if session.explains(READ)? {
        return Ok(());
    }
    let name = named(session, topic)?;
    let cloud = session.cloud().await?;
    let found = cloud
        .topic(&name)
        .await?
        .ok_or_else(|| Failure::new(format!("NOT_FOUND: Resource not found (resource={}).", last(&name))))?;
    let mut value = row(&found);
    if let Ok(key) = KeyName::parse(&found.kms_key_name) {
        let facts = observe::key(&cloud, &key).await?;
        value["keyState"] = json!(match facts.primary {
            Some(version) => format!("{} (primary version {})", version.state, version.number),
            None if facts.exists => "no primary version".to_owned(),
            None => "NOT_FOUND".to_owned(),
        });
    }
    session.print_one(&value, "yaml")
}

async fn configure(session: &mut Session, args: Configure) -> Outcome<()> {
    if session.explains(CHANGE)? {
        return Ok(());
    }
    let name = named(session, &args.topic)?;
    let cloud = session.cloud().await?;
    let Some(key) = args.kms_key.as_deref() else { return clear(session, &name).await };
    let key = session.key(key, &args.place)?;
    let project = name.split('/').nth(1).unwrap_or_default().to_owned();
    let desired = Desired { project, hosts: Vec::new(), key, create_key: false, rewrite_existing: false, topic: true };
    // Planned as the topic gcr is, with this topic in its place.
    let (mut observed, _) = super::configure::look(&cloud, &desired).await?;
    let found = cloud.topic(&name).await?;
    observed.topic = Some(found.map_or_else(cmek_plan::TopicFacts::default, |topic| cmek_plan::TopicFacts {
        exists: true,
        key: topic.kms_key_name,
    }));
    let made = renamed(cmek_plan::plan(&desired, &observed), &name);
    if let Some(finding) = made.blockers().next() {
        // This command makes no keys.
        let mend = match finding.code.as_str() {
            "KEY_MISSING" => format!("cmek keys create {}", key_words(&desired.key)),
            _ => finding.mend.clone(),
        };
        return Err(Failure::new(format!("{} Nothing was changed.", finding.what)).hint(mend));
    }
    if made.is_empty() {
        session.ui.say(&format!("Nothing to do: topic {} is under {}.", last(&name), desired.key.short()));
        return show_changed(session, &name).await;
    }
    show_plan(&mut session.ui, &made);
    if session.global.dry_run {
        session.ui.say("");
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(());
    }
    session.ui.confirm(true)?;
    session.ui.say("");
    apply(&cloud, &mut session.ui, &made, &Options::default()).await?;
    let now = cloud.topic(&name).await?.map(|topic| topic.kms_key_name).unwrap_or_default();
    if now != desired.key.to_string() {
        return Err(Failure::new(format!("Looked again: topic {} is not under the key.", last(&name))));
    }
    session.ui.say("");
    session.ui.say("Looked again: everything is as planned.");
    show_changed(session, &name).await
}

async fn show_changed(session: &mut Session, name: &str) -> Outcome<()> {
    if !session.has_format()? {
        return Ok(());
    }
    match session.cloud().await?.topic(name).await? {
        Some(topic) => session.print_changed(&row(&topic)),
        None => Ok(()),
    }
}

fn renamed(mut plan: Plan, name: &str) -> Plan {
    for step in &mut plan.steps {
        if let Step::CreateTopic { topic, .. } | Step::UpdateTopic { topic, .. } = step {
            name.clone_into(topic);
        }
    }
    plan
}

async fn clear(session: &mut Session, name: &str) -> Outcome<()> {
    let cloud = session.cloud().await?;
    let found = cloud
        .topic(name)
        .await?
        .ok_or_else(|| Failure::new(format!("NOT_FOUND: Resource not found (resource={}).", last(name))))?;
    if found.kms_key_name.is_empty() {
        session.ui.say(&format!("Nothing to do: topic {} has no key.", last(name)));
        return session.print_changed(&row(&found));
    }
    if session.global.dry_run {
        session.ui.say(&format!("Would take the key off topic {}. Nothing was changed (--dry-run).", last(name)));
        return Ok(());
    }
    session.ui.say(&format!(
        "Topic {} loses its key, {}: what is published from then on is under a Google-managed key.",
        last(name),
        short(&found.kms_key_name)
    ));
    session.ui.confirm(true)?;
    patiently(&cloud, || cloud.set_topic_key(name, "")).await?;
    session.ui.say(&format!("Updated topic [{name}]. New messages are under a Google-managed key."));
    show_changed(session, name).await
}
