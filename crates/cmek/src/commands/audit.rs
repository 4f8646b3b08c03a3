//! `cmek audit`: every registry bucket and topic of a project, folder or organization, held against the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use cmek_plan::{Issue, KeyFacts, PolicyFacts, Rank, Subject, audit};
use gcp_client::Error;
use gcp_names::{KeyName, KeyVersionName, RegistryHost, ServiceAgent};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::baseline::Baseline;
use crate::cli::{ListFlags, Scope};
use crate::cloud::{Cloud, Container};
use crate::failure::{Failure, Outcome};
use crate::observe::{self, unless_hidden};
use crate::sarif;
use crate::session::Session;
use crate::ui::Ui;

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek audit --project=my-project
$ cmek audit --organization=123456789012 --format=sarif > cmek.sarif
    exit code 3 when there are findings
$ cmek audit --organization=123456789012 --write-baseline=accepted.json
$ cmek audit --organization=123456789012 --baseline=accepted.json
    what is accepted is not told again")]
pub struct Audit {
    #[command(flatten)]
    pub scope: Scope,
    /// Findings of this file are accepted
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<String>,
    /// Write what was found to this file, to be accepted from now on
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<String>,
    /// The least severity that makes the exit code 3: error, warning or note
    #[arg(long, value_name = "SEVERITY", default_value = "warning", value_parser = ["error", "warning", "note"], hide_possible_values = true)]
    pub fail_on: String,
    #[command(flatten)]
    pub list: ListFlags,
}

pub const PERMISSIONS: &[&str] = &[
    "cloudasset.assets.searchAllResources",
    "resourcemanager.projects.get",
    "resourcemanager.projects.list",
    "resourcemanager.folders.list",
    "orgpolicy.policy.get",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeyVersions.list",
    "storage.buckets.get",
    "storage.objects.list",
    "pubsub.topics.get",
];

/// How many resources are looked at at a time.
const AT_ONCE: usize = 32;

/// A bucket or topic to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    project: String,
    number: u64,
    /// None: the topic gcr.
    host: Option<RegistryHost>,
}

pub async fn run(session: &mut Session, args: Audit) -> Outcome<()> {
    if session.explains(PERMISSIONS)? {
        return Ok(());
    }
    let container = session.container(&args.scope)?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let cloud = session.cloud().await?;
    let places = discover(&cloud, &container).await?;
    let (subjects, keys) = gather(&cloud, &mut session.ui, places).await?;
    let mut issues: Vec<Issue> = subjects.iter().flat_map(|subject| audit(subject, &keys)).collect();
    issues.sort();
    if let Some(path) = &args.write_baseline {
        Baseline::of(&issues).write(path)?;
        session
            .ui
            .say(&format!("Wrote {} findings to [{path}]. They are accepted with --baseline={path}.", issues.len()));
    }
    let found = issues.len();
    issues.retain(|issue| !baseline.accepts(issue));
    let accepted = found - issues.len();
    print(session, &issues, &args.list)?;
    let count = |rank: Rank| issues.iter().filter(|issue| issue.severity == rank).count();
    let (errors, warnings, notes) = (count(Rank::Error), count(Rank::Warning), count(Rank::Note));
    let more = if accepted > 0 { format!(", {accepted} accepted") } else { String::new() };
    session.ui.say(&format!(
        "Looked at {} buckets and topics of {}: {errors} errors, {warnings} warnings, {notes} notes{more}.",
        subjects.len(),
        container.0
    ));
    let counted = match args.fail_on.as_str() {
        "error" => errors,
        "note" => errors + warnings + notes,
        _ => errors + warnings,
    };
    if counted == 0 || args.write_baseline.is_some() {
        return Ok(());
    }
    Err(Failure { code: 3, ..Failure::new(format!("{counted} findings.")) })
}

fn print(session: &mut Session, issues: &[Issue], flags: &ListFlags) -> Outcome<()> {
    let format = session.format_text()?;
    if format.as_deref() == Some("sarif") {
        return session.ui.data(&sarif::render(issues)?);
    }
    let rows: Result<Vec<Value>, _> = issues.iter().map(serde_json::to_value).collect();
    let rows = rows.map_err(|error| Failure::new(error.to_string()))?;
    if format.as_deref() == Some("csv") {
        return session.print_as(&rows, "csv(severity,rule,project,resource,message,mend)", flags);
    }
    // That nothing was found is said in the sentence that follows.
    if rows.is_empty() && format.is_none() {
        return Ok(());
    }
    session.print_list(&rows, "table(severity, rule, project, message)", flags)
}

/// Every registry bucket and `gcr` topic: by one search where that is allowed, else project by project.
async fn discover(cloud: &Cloud, container: &Container) -> Outcome<Vec<Place>> {
    let kinds = ["storage.googleapis.com/Bucket", "pubsub.googleapis.com/Topic"];
    // As gcloud looks for registries: words of the names, and then the names themselves.
    let buckets = unless_hidden(cloud.search(container, "name:artifacts", &kinds[..1]).await)?;
    let topics = unless_hidden(cloud.search(container, "name:gcr", &kinds[1..]).await)?;
    let mut places = Vec::new();
    if let (Some(buckets), Some(topics)) = (buckets, topics) {
        let number = |project: &str| project.trim_start_matches("projects/").parse().unwrap_or_default();
        for found in buckets {
            let bucket = found.name.trim_start_matches("//storage.googleapis.com/");
            if let Some((host, project)) = RegistryHost::from_bucket(bucket) {
                places.push(Place { project, number: number(&found.project), host: Some(host) });
            }
        }
        for found in topics {
            let name = found.name.trim_start_matches("//pubsub.googleapis.com/");
            if let ["projects", project, "topics", "gcr"] = name.split('/').collect::<Vec<_>>().as_slice() {
                places.push(Place { project: (*project).to_owned(), number: number(&found.project), host: None });
            }
        }
    } else {
        for project in cloud.projects_in(container).await? {
            let number = project.name.trim_start_matches("projects/").parse().unwrap_or_default();
            for host in RegistryHost::ALL.into_iter().map(Some).chain([None]) {
                places.push(Place { project: project.project_id.clone(), number, host });
            }
        }
    }
    places.sort();
    places.dedup();
    Ok(places)
}

/// What a place holds: nothing, where there is no bucket or topic after all.
async fn look(cloud: Cloud, place: Place, policy: Arc<PolicyFacts>) -> Result<Option<Subject>, Error> {
    let mut subject = Subject {
        resource: String::new(),
        project: place.project.clone(),
        host: place.host,
        location: String::new(),
        key: String::new(),
        agent: String::new(),
        objects: BTreeMap::new(),
        policy,
        is_served: None,
    };
    let Some(host) = place.host else {
        let name = format!("projects/{}/topics/gcr", place.project);
        let Some(topic) = unless_hidden(cloud.topic(&name).await)?.flatten() else { return Ok(None) };
        subject.resource = format!("//pubsub.googleapis.com/{name}");
        subject.key = topic.kms_key_name;
        subject.agent = ServiceAgent::PubSub.member(place.number);
        return Ok(Some(subject));
    };
    let bucket = host.bucket(&place.project);
    let Some(found) = unless_hidden(cloud.bucket(&bucket).await)?.flatten() else { return Ok(None) };
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    subject.resource = format!("//storage.googleapis.com/{bucket}");
    subject.location = text("/location");
    subject.key = text("/encryption/defaultKmsKeyName");
    subject.agent = ServiceAgent::Storage.member(place.number);
    subject.objects = unless_hidden(observe::spread(&cloud, &bucket, "").await)?.unwrap_or_default();
    if !subject.objects.is_empty() {
        subject.is_served = cloud.is_served(host, &place.project).await;
    }
    Ok(Some(subject))
}

async fn gather(
    cloud: &Cloud,
    ui: &mut Ui,
    places: Vec<Place>,
) -> Outcome<(Vec<Subject>, BTreeMap<String, Arc<KeyFacts>>)> {
    let mut progress = ui.progress("looking at buckets and topics", places.len() as u64);
    let mut policies: BTreeMap<String, Arc<PolicyFacts>> = BTreeMap::new();
    let mut projects: Vec<String> = places.iter().map(|place| place.project.clone()).collect();
    projects.dedup();
    for (project, facts) in each(
        cloud,
        projects,
        |cloud, project| async move {
            let any =
                KeyName { project: project.clone(), location: String::new(), ring: String::new(), key: String::new() };
            Ok((project, observe::policy(&cloud, &any.project, &any).await?))
        },
        || {},
    )
    .await?
    {
        policies.insert(project, Arc::new(facts));
    }
    let with_policy: Vec<_> = places
        .into_iter()
        .map(|place| {
            let policy = policies.get(&place.project).cloned().unwrap_or_default();
            (place, policy)
        })
        .collect();
    let seen =
        each(cloud, with_policy, |cloud, (place, policy)| look(cloud, place, policy), || progress.advance(ui, 1))
            .await?;
    let mut subjects: Vec<Subject> = seen.into_iter().flatten().collect();
    progress.end(ui);
    subjects.sort_by(|one, other| one.resource.cmp(&other.resource));
    let mut names: Vec<String> = subjects
        .iter()
        .flat_map(|subject| {
            let stored = subject.objects.keys().filter_map(|version| KeyVersionName::parse(version).ok());
            stored.map(|version| version.key.to_string()).chain([subject.key.clone()])
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    let found = each(
        cloud,
        names,
        |cloud, name| async move {
            let Ok(key) = KeyName::parse(&name) else { return Ok(None) };
            let Some(facts) = unless_hidden(observe::key(&cloud, &key).await)? else { return Ok(None) };
            let above = unless_hidden(cloud.ancestry(&key.project).await)?.unwrap_or_default();
            Ok(Some((name, facts, above)))
        },
        || {},
    )
    .await?;
    let mut keys = BTreeMap::new();
    let mut ancestry: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, facts, above) in found.into_iter().flatten() {
        keys.insert(name.clone(), Arc::new(facts));
        ancestry.insert(name, above);
    }
    // Which keys policy allows depends on where each key's project lies.
    for subject in subjects.iter_mut().filter(|subject| !subject.policy.allowed_keys.is_empty()) {
        let above = ancestry.get(&subject.key).cloned().unwrap_or_default();
        subject.policy = Arc::new(PolicyFacts { key_ancestry: above, ..PolicyFacts::clone(&subject.policy) });
    }
    Ok((subjects, keys))
}

/// The same question about many things, so many at a time; answers come in any order.
async fn each<T, R, F>(
    cloud: &Cloud,
    things: Vec<T>,
    ask: impl Fn(Cloud, T) -> F,
    mut answered: impl FnMut(),
) -> Outcome<Vec<R>>
where
    R: Send + 'static,
    F: Future<Output = Result<R, Error>> + Send + 'static,
{
    let mut waiting = things.into_iter();
    let mut running = JoinSet::new();
    let mut found = Vec::new();
    loop {
        while running.len() < AT_ONCE {
            let Some(thing) = waiting.next() else { break };
            running.spawn(ask(cloud.clone(), thing));
        }
        match running.join_next().await {
            None => return Ok(found),
            Some(Ok(answer)) => {
                found.push(answer?);
                answered();
            }
            Some(Err(error)) => return Err(Failure::new(format!("a look ended early: {error}"))),
        }
    }
}
