//! `cmek configure`: observe, plan, show, ask, apply, look again.

use cmek_plan::{Desired, Observed, Plan, plan};
use gcp_names::RegistryHost;

use crate::apply::{apply, intent};
use crate::cli::Configure;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::ui::{Ui, size};
use crate::{observe, print};

pub async fn run(session: &mut Session, args: Configure) -> Outcome<()> {
    let project = session.project()?;
    let hosts = if args.all_hosts { RegistryHost::ALL.to_vec() } else { Session::hosts(&args.hosts)? };
    if hosts.is_empty() && !args.topic {
        return Err(Failure {
            code: 2,
            ..Failure::new("Nothing to configure: name hosts, or --all-hosts, or --topic.")
        });
    }
    let key = session.key(&args.kms_key, &args.place)?;
    let desired = Desired {
        project: project.clone(),
        hosts,
        key,
        create_key: args.create_key,
        rewrite_existing: args.rewrite_existing,
        topic: args.topic,
    };
    let cloud = session.cloud().await?;
    let observed = observe::world(&cloud, &desired).await?;
    let made = plan(&desired, &observed);
    show_world(&mut session.ui, &desired, &observed);
    if session.global.format.is_some() {
        let value = serde_json::to_value(&made).map_err(|error| Failure::new(error.to_string()))?;
        print(session, &value, |_| Ok(String::new()))?;
    }
    refuse(&desired, &made)?;
    warn(&mut session.ui, &made);
    if made.is_empty() {
        session.ui.say(&nothing_to_do(&desired, &observed));
        return Ok(());
    }
    show_plan(&mut session.ui, &made);
    if session.global.dry_run {
        session.ui.say("");
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(());
    }
    session.ui.confirm(true)?;
    session.ui.say("");
    apply(&cloud, &mut session.ui, &project, &made).await?;
    let again = plan(&desired, &observe::world(&cloud, &desired).await?);
    if let Some(step) = again.steps.first() {
        let (verb, what) = intent(step);
        return Err(Failure::new(format!("Looked again: there is still something to do ({verb} {what})."))
            .hint("somebody may have changed it meanwhile; run the command again"));
    }
    session.ui.say("");
    session.ui.say("Looked again: everything is as planned.");
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
            let key = if host.default_key.is_empty() {
                "Google-managed".to_owned()
            } else {
                crate::apply::short(&host.default_key)
            };
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
            (true, false) => format!("gcr, {}", crate::apply::short(&topic.key)),
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
        ui.say(&format!("WARNING: {}", finding.what));
        ui.say(&format!("hint: {}", finding.mend));
    }
}

fn show_plan(ui: &mut Ui, made: &Plan) {
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
