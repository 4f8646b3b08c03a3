//! `cmek configure`: observe, plan, show, ask, apply, look again.

use clap::Args;
use cmek_plan::{Desired, Document, Observed, Plan, plan};
use gcp_names::RegistryHost;

use super::rewrite::RewriteFlags;
use crate::apply::{apply, intent, short};
use crate::cli::{HostArgs, KeyPlace};
use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::observe;
use crate::session::Session;
use crate::ui::{Ui, size};

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek configure gcr.io --kms-key=images --keyring=registry --location=us --topic --rewrite-existing
    one host and the topic gcr under a key, and what is stored already too
$ cmek configure --all-hosts --kms-key=projects/sec/locations/us/keyRings/registry/cryptoKeys/images --dry-run
    see what would be done, and what stands in the way
$ cmek configure gcr.io --kms-key=images --keyring=registry --location=us --plan-out=plan.json
$ cmek configure --plan-in=plan.json
    have the plan reviewed, then apply exactly that plan")]
pub struct Configure {
    #[command(flatten)]
    pub hosts: HostArgs,
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY", required_unless_present = "plan_in")]
    pub kms_key: Option<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Create the key, and its ring, if they do not exist
    #[arg(long)]
    pub create_key: bool,
    /// Re-encrypt what is stored already
    #[arg(long)]
    pub rewrite_existing: bool,
    /// Also create or change the topic gcr
    #[arg(long)]
    pub topic: bool,
    /// Write the plan to this file (- for the output) and apply nothing
    #[arg(long, value_name = "FILE", conflicts_with = "plan_in")]
    pub plan_out: Option<String>,
    /// Apply the plan of this file (- for the input), if the world is still the one it was made from
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hosts", "kms_key", "all_hosts", "create_key", "rewrite_existing", "topic"])]
    pub plan_in: Option<String>,
    #[command(flatten)]
    pub rewrite: RewriteFlags,
}

/// What looking takes.
pub const LOOK: &[&str] = &[
    "resourcemanager.projects.get",
    "serviceusage.services.get",
    "cloudkms.keyRings.get",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeyVersions.list",
    "cloudkms.cryptoKeys.getIamPolicy",
    "orgpolicy.policy.get",
    "storage.buckets.get",
    "storage.objects.list",
];

/// What the command may need for what is asked of it, whatever it finds.
fn permissions(args: &Configure) -> Vec<&'static str> {
    // What a plan holds is not read for this.
    let any = args.plan_in.is_some();
    let mut needed = LOOK.to_vec();
    needed.extend(["serviceusage.services.enable", "cloudkms.cryptoKeys.setIamPolicy", "storage.buckets.update"]);
    if args.create_key || any {
        needed.extend(["cloudkms.keyRings.create", "cloudkms.cryptoKeys.create"]);
    }
    if args.rewrite_existing || any {
        needed.extend(super::rewrite::permissions(args.rewrite.engine));
    }
    if args.topic || any {
        needed.extend(["pubsub.topics.get", "pubsub.topics.create", "pubsub.topics.update"]);
    }
    needed
}

pub async fn run(session: &mut Session, args: Configure) -> Outcome<()> {
    if session.explains(&permissions(&args))? {
        return Ok(());
    }
    let given = match args.plan_in.as_deref() {
        Some(path) => Some(read(session, path)?),
        None => None,
    };
    let desired = match &given {
        Some(document) => of_this_project(session, document.desired().map_err(Failure::new)?)?,
        None => desired(session, &args)?,
    };
    let cloud = session.cloud().await?;
    let (observed, made) = look(&cloud, &desired).await?;
    show_world(&mut session.ui, &desired, &observed);
    if session.has_format()? {
        let document = Document::new(&desired, &made);
        let value = serde_json::to_value(&document).map_err(|error| Failure::new(error.to_string()))?;
        session.print_one(&value, "json")?;
    }
    refuse(&desired, &made)?;
    if let Some(document) = &given {
        document.still_holds(&made).map_err(|what| {
            Failure::new(format!("The plan is stale: {what}. Nothing was changed."))
                .hint("make a new plan with --plan-out and have it reviewed")
        })?;
    }
    warn(&mut session.ui, &made);
    if made.is_empty() {
        session.ui.say(&nothing_to_do(&desired, &observed));
        return args.plan_out.as_deref().map_or(Ok(()), |path| write(session, path, &desired, &made));
    }
    show_plan(&mut session.ui, &made);
    if let Some(path) = &args.plan_out {
        return write(session, path, &desired, &made);
    }
    if session.global.dry_run {
        session.ui.say("");
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(());
    }
    session.ui.confirm(true)?;
    session.ui.say("");
    apply(&cloud, &mut session.ui, &made, &args.rewrite.options()?).await?;
    let (_, again) = look(&cloud, &desired).await?;
    refuse(&desired, &again)?;
    if let Some(step) = again.steps.first() {
        let (verb, what) = intent(step);
        return Err(Failure::new(format!("Looked again: there is still something to do ({verb} {what})."))
            .hint("somebody may have changed it meanwhile; run the command again"));
    }
    session.ui.say("");
    session.ui.say("Looked again: everything is as planned.");
    Ok(())
}

/// A plan names its project; one that is named beside it must be the same.
fn of_this_project(session: &Session, desired: Desired) -> Outcome<Desired> {
    match session.global.project.as_deref() {
        Some(project) if project != desired.project => {
            Err(Failure::new(format!("The plan is for {}, not for {project}. Nothing was changed.", desired.project)))
        }
        _ => Ok(desired),
    }
}

fn desired(session: &Session, args: &Configure) -> Outcome<Desired> {
    let project = session.project()?;
    let hosts = if args.hosts.all_hosts { RegistryHost::ALL.to_vec() } else { Session::hosts(&args.hosts.hosts)? };
    if hosts.is_empty() && !args.topic {
        return Err(Failure {
            code: 2,
            ..Failure::new("Nothing to configure: name hosts, or --all-hosts, or --topic.")
        });
    }
    Ok(Desired {
        project,
        hosts,
        key: session.key(args.kms_key.as_deref().unwrap_or_default(), &args.place)?,
        create_key: args.create_key,
        rewrite_existing: args.rewrite_existing,
        topic: args.topic,
    })
}

/// The world and the plan from it, with what the caller may not do among the findings.
pub async fn look(cloud: &Cloud, desired: &Desired) -> Outcome<(Observed, Plan)> {
    let mut observed = observe::world(cloud, desired).await?;
    let made = plan(desired, &observed);
    observed.missing = observe::missing(cloud, &made).await?;
    let made = if observed.missing.is_empty() { made } else { plan(desired, &observed) };
    Ok((observed, made))
}

fn read(session: &mut Session, path: &str) -> Outcome<Document> {
    let mut text = String::new();
    let taken = if path == "-" {
        std::io::Read::read_to_string(&mut session.ui.input, &mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = taken.map_err(|error| Failure::new(format!("Failed to read plan file [{path}]: {error}")))?;
    let wrong = |what: String| {
        Failure::new(format!("[{path}] is no plan: {what}")).hint("cmek configure … --plan-out=FILE writes one")
    };
    let document: Document = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    document.check().map_err(wrong)?;
    Ok(document)
}

fn write(session: &mut Session, path: &str, desired: &Desired, made: &Plan) -> Outcome<()> {
    let text =
        serde_json::to_string_pretty(&Document::new(desired, made)).map_err(|error| Failure::new(error.to_string()))?;
    if path == "-" {
        return session.ui.data(&(text + "\n"));
    }
    std::fs::write(path, text + "\n")
        .map_err(|error| Failure::new(format!("Unable to write file [{path}]: {error}")))?;
    session.ui.say("");
    session
        .ui
        .say(&format!("Wrote the plan to [{path}]. Nothing was changed. Apply it: cmek configure --plan-in={path}"));
    Ok(())
}

fn names(desired: &Desired) -> String {
    let mut names: Vec<String> = desired.hosts.iter().map(ToString::to_string).collect();
    if desired.topic {
        names.push("topic gcr".to_owned());
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn show_world(ui: &mut Ui, desired: &Desired, observed: &Observed) {
    ui.say(&format!("{} of {}", names(desired), desired.project));
    for host in &observed.hosts {
        let what = if host.exists {
            let (count, bytes) = host.total();
            let key = if host.default_key.is_empty() { "Google-managed".to_owned() } else { short(&host.default_key) };
            format!("gs://{} ({}), {key}, {count} objects, {}", host.bucket, host.location, size(bytes))
        } else {
            format!("gs://{} does not exist", host.bucket)
        };
        ui.say(&format!("  bucket  {what}"));
    }
    if let Some(topic) = &observed.topic {
        let what = match (topic.exists, topic.key.is_empty()) {
            (false, _) => "gcr does not exist".to_owned(),
            (true, true) => "gcr, Google-managed".to_owned(),
            (true, false) => format!("gcr, {}", short(&topic.key)),
        };
        ui.say(&format!("  topic   {what}"));
    }
    let key = match (&observed.key.primary, observed.key.exists) {
        (Some(version), _) => {
            format!("{}, version {} {}", desired.key.short(), version.number, version.state.to_lowercase())
        }
        (None, true) => format!("{}, no primary version", desired.key.short()),
        (None, false) => format!("{} does not exist", desired.key.short()),
    };
    ui.say(&format!("  key     {key}"));
}

/// Everything that stands in the way, at once, and nothing was touched.
fn refuse(desired: &Desired, made: &Plan) -> Outcome<()> {
    let blockers: Vec<_> = made.blockers().collect();
    if blockers.is_empty() {
        return Ok(());
    }
    let mut message = format!("{} cannot take this key. Nothing was changed.", names(desired));
    for (index, finding) in blockers.iter().enumerate() {
        message.push_str(&format!("\n  {}  {}\n     Mend: {}", index + 1, finding.what, finding.mend));
    }
    Err(Failure::new(message))
}

fn warn(ui: &mut Ui, made: &Plan) {
    for finding in made.findings.iter().filter(|finding| finding.severity == cmek_plan::Severity::Warning) {
        ui.warn(&finding.what);
        ui.hint(&finding.mend);
    }
}

pub fn show_plan(ui: &mut Ui, made: &Plan) {
    ui.say("");
    ui.say("Plan");
    for (index, step) in made.steps.iter().enumerate() {
        let (verb, what) = intent(step);
        ui.say(&format!("  {}  {verb:<8} {what}", index + 1));
    }
}

fn nothing_to_do(desired: &Desired, observed: &Observed) -> String {
    let existing: Vec<_> = observed.hosts.iter().filter(|host| host.exists).collect();
    if existing.is_empty() && observed.topic.is_none() {
        return "Nothing to do.".to_owned();
    }
    let version = observed.key.primary.as_ref().map_or(0, |version| version.number);
    let name = desired.key.version(version).to_string();
    let total: u64 = existing.iter().map(|host| host.total().0).sum();
    let under: u64 = existing.iter().map(|host| host.total().0 - host.outside(&name).0).sum();
    let mut text = format!("Nothing to do: {} under {}", names(desired), desired.key.short());
    if !existing.is_empty() {
        text.push_str(&format!(", {under} of {total} objects on version {version}"));
    }
    text + "."
}
