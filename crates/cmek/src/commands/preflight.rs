//! `cmek preflight`: everything that could stop a key, asked and told, and nothing changed.

use clap::Args;
use cmek_plan::{Desired, Verdict, preflight};
use gcp_names::RegistryHost;
use serde_json::Value;

use super::configure::look;
use crate::cli::{HostArgs, KeyPlace, ListFlags};
use crate::failure::{Failure, Outcome};
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek preflight gcr.io --kms-key=images --keyring=registry --location=us --topic
$ cmek preflight --all-hosts --kms-key=KEY --filter='verdict=BLOCKER' --format=json
    exit code 3 when something blocks")]
pub struct Preflight {
    #[command(flatten)]
    pub hosts: HostArgs,
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY")]
    pub kms_key: String,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Also check the topic gcr
    #[arg(long)]
    pub topic: bool,
    /// Also check what re-encrypting the stored objects takes
    #[arg(long)]
    pub rewrite_existing: bool,
    #[command(flatten)]
    pub list: ListFlags,
}

pub async fn run(session: &mut Session, args: Preflight) -> Outcome<()> {
    let mut permissions = super::configure::LOOK.to_vec();
    if args.topic {
        permissions.push("pubsub.topics.get");
    }
    if session.explains(&permissions)? {
        return Ok(());
    }
    let project = session.project()?;
    let named = !args.hosts.hosts.is_empty();
    let hosts = if named { Session::hosts(&args.hosts.hosts)? } else { RegistryHost::ALL.to_vec() };
    let key = session.key(&args.kms_key, &args.place)?;
    // Hosts that nobody named and whose buckets take keys elsewhere are not what this key is for.
    let hosts: Vec<_> =
        hosts.into_iter().filter(|host| named || args.hosts.all_hosts || host.key_location() == key.location).collect();
    let desired =
        Desired { project, hosts, key, create_key: true, rewrite_existing: args.rewrite_existing, topic: args.topic };
    let cloud = session.cloud().await?;
    let (observed, made) = look(&cloud, &desired).await?;
    let checks = preflight(&desired, &observed, &made);
    let blocked = checks.iter().filter(|check| check.verdict == Verdict::Blocker).count();
    let rows: Result<Vec<Value>, _> = checks.iter().map(serde_json::to_value).collect();
    let rows = rows.map_err(|error| Failure::new(error.to_string()))?;
    session.print_list(&rows, "table(check, verdict, detail)", &args.list)?;
    for (index, check) in checks.iter().filter(|check| !check.mend.is_empty()).enumerate() {
        session.ui.say(&format!("{}  {}", index + 1, check.detail));
        session.ui.say(&format!("   Mend: {}", check.mend));
    }
    if blocked == 0 {
        session.ui.say("Nothing stands in the way.");
        return Ok(());
    }
    Err(Failure { code: 3, ..Failure::new(format!("{blocked} of {} checks block.", checks.len())) })
}
