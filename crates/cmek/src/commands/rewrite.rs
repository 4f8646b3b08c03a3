//! `cmek rewrite`.

use clap::Args;
use gcp_names::KeyName;
use serde_json::{Value, json};

use crate::cli::{HostArgs, KeyPlace};
use crate::failure::{Failure, Outcome};
use crate::observe;
use crate::rewrite::{Engine, Options, Work, primary};
use crate::session::Session;
use crate::ui::size;

#[derive(Clone, Debug, Args)]
pub struct RewriteFlags {
    /// Who re-encrypts: auto, client (this process) or batch (a job of Storage Batch Operations)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub engine: Engine,
    /// With --engine=auto: above so many objects a batch job is started
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub batch_threshold: u64,
    /// How many objects are re-encrypted at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Re-encrypt no more than so many objects a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_rate: Option<u32>,
    /// Keep in this file how far it came; a run that finds it goes on from there
    #[arg(long, value_name = "FILE")]
    pub resume_file: Option<String>,
}

impl RewriteFlags {
    pub fn options(&self) -> Outcome<Options> {
        if self.engine == Engine::Batch && (self.max_rate.is_some() || self.resume_file.is_some()) {
            return Err(Failure::new("--max-rate and --resume-file are of the client's engine.")
                .hint("a batch job keeps its own place; leave them away"));
        }
        Ok(Options {
            engine: self.engine,
            threshold: self.batch_threshold,
            at_once: usize::from(self.concurrency),
            rate: self.max_rate,
            resume: self.resume_file.as_ref().map(Into::into),
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek rewrite gcr.io
    everything that is not under the primary version of the bucket's default key
$ cmek rewrite gcr.io --from-version=1
    only what lies under version 1, so that it can be destroyed
$ cmek rewrite --all-hosts --max-rate=500 --resume-file=rewrite.json
    gently, and able to go on where it was cut off
$ cmek rewrite gcr.io --engine=batch
    by a job of Storage Batch Operations")]
pub struct Rewrite {
    #[command(flatten)]
    pub hosts: HostArgs,
    /// The key; the bucket's default key if it is not given
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Only objects under this version of the key
    #[arg(long, value_name = "N")]
    pub from_version: Option<u64>,
    /// Only objects whose names begin so
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    pub prefix: String,
    #[command(flatten)]
    pub flags: RewriteFlags,
}

/// What re-encrypting takes, by whoever does it.
pub fn permissions(engine: Engine) -> Vec<&'static str> {
    let mut needed = vec![
        "cloudkms.cryptoKeys.get",
        "storage.buckets.get",
        "storage.objects.list",
        "storage.objects.get",
        "storage.objects.create",
        "storage.objects.delete",
    ];
    if engine != Engine::Client {
        needed.extend(["storagebatchoperations.jobs.create", "storagebatchoperations.jobs.get"]);
    }
    needed
}

pub async fn run(session: &mut Session, args: Rewrite) -> Outcome<()> {
    if session.explains(&permissions(args.flags.engine))? {
        return Ok(());
    }
    let project = session.project()?;
    let hosts = session.named_hosts(&args.hosts)?;
    let options = args.flags.options()?;
    if options.resume.is_some() && hosts.len() > 1 {
        return Err(Failure::new("--resume-file keeps the place of one host.").hint("name one host"));
    }
    let given = args.kms_key.as_deref().map(|key| session.key(key, &args.place)).transpose()?;
    let cloud = session.cloud().await?;
    let mut planned = Vec::new();
    for host in hosts {
        let mut facts = observe::host(&cloud, host, &project).await?;
        if facts.exists && !args.prefix.is_empty() {
            facts.objects = observe::spread(&cloud, &facts.bucket, &args.prefix).await?;
        }
        if !facts.exists {
            if !args.hosts.all_hosts {
                session.ui.say(&format!("{host} has no bucket yet: the first push makes it."));
            }
            continue;
        }
        let key = match &given {
            Some(key) => key.clone(),
            None => match KeyName::parse(&facts.default_key) {
                Ok(key) => key,
                Err(_) if args.hosts.all_hosts => {
                    session.ui.say(&format!("{host} is left as it is: its bucket has no default key."));
                    continue;
                }
                Err(_) => {
                    return Err(Failure::new(format!("gs://{} has no default key to rewrite with.", facts.bucket))
                        .hint(format!("cmek configure {host} --kms-key=KEY, or name a key with --kms-key")));
                }
            },
        };
        let current = primary(&cloud, &key).await?;
        let from = args.from_version.map(|number| key.version(number).to_string());
        let (mut objects, mut bytes) = facts
            .objects
            .iter()
            .filter(|(version, _)| **version != current && from.as_ref().is_none_or(|from| from == *version))
            .fold((0, 0), |(count, sum), (_, (more, size))| (count + more, sum + size));
        let number = current.rsplit('/').next().unwrap_or_default().to_owned();
        if objects == 0 {
            let what = from.as_ref().map_or_else(
                || {
                    let which = if args.prefix.is_empty() { "" } else { " with that prefix" };
                    format!("every object of {host}{which} is under version {number} of {}", key.short())
                },
                |_| {
                    format!(
                        "no object of {host} is under version {} of {}",
                        args.from_version.unwrap_or_default(),
                        key.short()
                    )
                },
            );
            session.ui.say(&format!("Nothing to do: {what}."));
            continue;
        }
        let (total, size_of_all) = facts.total();
        let work = Work { bucket: facts.bucket, key, from, prefix: args.prefix.clone() };
        if options.by_batch(&work, objects) {
            // A job chooses by name only.
            (objects, bytes) = (total, size_of_all);
        }
        session.ui.say(&format!(
            "{objects} of {total} objects of {host} ({}) go under version {number} of {}.",
            size(bytes),
            work.key.short()
        ));
        planned.push((host, work, objects));
    }
    if planned.is_empty() {
        return show(session, &[]);
    }
    if session.global.dry_run {
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(());
    }
    session.ui.confirm(true)?;
    let mut rows = Vec::new();
    for (host, work, objects) in planned {
        let done = crate::rewrite::run(&cloud, &mut session.ui, &work, &options, objects).await?;
        let gone =
            if done.gone > 0 { format!("; {} were replaced or deleted meanwhile", done.gone) } else { String::new() };
        session.ui.say(&format!("Rewrote {} objects of {host}{gone}. Looked again: none is left.", done.rewritten));
        rows.push(json!({"host": host.host(), "bucket": work.bucket, "kmsKeyName": work.key.to_string(),
            "rewritten": done.rewritten, "gone": done.gone}));
    }
    show(session, &rows)
}

/// What was done, for programs that ask.
fn show(session: &mut Session, rows: &[Value]) -> Outcome<()> {
    if session.has_format()? { session.print_records(rows, "yaml") } else { Ok(()) }
}
