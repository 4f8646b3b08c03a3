//! Re-encrypting what is stored: by this process, many objects at a time, or by Google's own engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use cmek_plan::{StoredObject, key_words, renew};
use gcp_client::Error;
use gcp_names::{KeyName, KeyVersionName, RegistryHost};
use tokio::task::JoinSet;

use crate::cloud::{Cloud, Stored};
use crate::failure::{Failure, Outcome};
use crate::observe::state_name;
use crate::resume::Resume;
use crate::ui::{Ui, size};

/// After so many failures the rest is not tried.
const GIVE_UP: u64 = 100;
/// How many examples of failures are told.
const TOLD: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Engine {
    /// Google's own above the threshold, else this process
    #[default]
    Auto,
    /// This process
    Client,
    /// A job of Storage Batch Operations
    Batch,
}

/// How it is done.
#[derive(Clone, Debug)]
pub struct Options {
    pub engine: Engine,
    /// Above so many objects `auto` hands the work over.
    pub threshold: u64,
    /// How many objects are re-encrypted at a time.
    pub at_once: usize,
    /// Objects a second; none: as fast as it goes.
    pub rate: Option<u32>,
    pub resume: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { engine: Engine::Auto, threshold: 50_000, at_once: 32, rate: None, resume: None }
    }
}

impl Options {
    /// Whether so many objects are handed over.
    pub fn by_batch(&self, work: &Work, objects: u64) -> bool {
        match self.engine {
            Engine::Batch => true,
            Engine::Client => false,
            Engine::Auto => objects > self.threshold && work.from.is_none(),
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Work {
    pub bucket: String,
    pub key: KeyName,
    /// Only what lies under this version; none: all that is not under the primary.
    pub from: Option<String>,
    pub prefix: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub rewritten: u64,
    pub bytes: u64,
    /// Replaced or deleted by somebody while we were at it.
    pub gone: u64,
}

impl Work {
    fn is_due(&self, object: &StoredObject, primary: &str) -> bool {
        object.key_version != primary && self.from.as_ref().is_none_or(|from| *from == object.key_version)
    }
}

/// The full name of the key's primary version, which can be written under.
pub async fn primary(cloud: &Cloud, key: &KeyName) -> Outcome<String> {
    let found = cloud.key(key).await?.ok_or_else(|| Failure::new(format!("NOT_FOUND: CryptoKey {key} not found.")))?;
    let Some(primary) = found.primary else {
        return Err(Failure::new(format!("The key {} has no primary version.", key.short()))
            .hint(format!("cmek keys rotate {}", key_words(key))));
    };
    let state = state_name(primary.state);
    match KeyVersionName::parse(&primary.name) {
        Ok(name) if state != "ENABLED" => Err(Failure::new(format!(
            "Version {} of {}, its primary, is {state}: nothing can be written under it.",
            name.version,
            key.short()
        ))
        .hint(renew(&name, &state))),
        _ => Ok(primary.name),
    }
}

/// `expected`: how many objects a look before has counted.
pub async fn run(cloud: &Cloud, ui: &mut Ui, work: &Work, options: &Options, expected: u64) -> Outcome<Done> {
    let primary = primary(cloud, &work.key).await?;
    let done = if options.by_batch(work, expected) {
        batch(cloud, ui, work, expected).await?
    } else {
        client(cloud, ui, work, options, &primary, expected).await?
    };
    let left = outside(cloud, work, &primary).await?;
    if left > 0 {
        return Err(Failure::new(format!(
            "Looked again: {left} objects of gs://{} are still not under {primary}; {} were rewritten.",
            work.bucket, done.rewritten
        ))
        .hint("somebody may be writing with another key, or the key was rotated meanwhile; run the command again"));
    }
    Ok(done)
}

/// How many objects are still to be rewritten.
async fn outside(cloud: &Cloud, work: &Work, primary: &str) -> Outcome<u64> {
    let mut left = 0;
    let mut token = String::new();
    loop {
        let (items, next) = cloud.objects_page(&work.bucket, &work.prefix, &token).await?;
        left += items.iter().filter(|stored| work.is_due(&stored.object, primary)).count() as u64;
        if next.is_empty() {
            return Ok(left);
        }
        token = next;
    }
}

struct Ended {
    name: String,
    size: u64,
    outcome: Result<bool, Error>,
}

/// A page is listed while the objects of the one before are on their way; no more than two pages are in memory.
async fn client(
    cloud: &Cloud,
    ui: &mut Ui,
    work: &Work,
    options: &Options,
    primary: &str,
    expected: u64,
) -> Outcome<Done> {
    let mut resume = Resume::open(options.resume.as_deref(), &work.bucket, primary)?;
    let mut progress = ui.progress(&format!("rewriting gs://{}", work.bucket), expected);
    let mut running: JoinSet<Ended> = JoinSet::new();
    let mut done = Done::default();
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    let mut examples = BTreeSet::new();
    let mut token = resume.token().to_owned();
    let mut seen_last = false;
    let mut waiting: std::collections::VecDeque<Stored> = std::collections::VecDeque::new();
    loop {
        // A place to go on from may be written only when all before it is done.
        if waiting.is_empty() && !seen_last && (running.is_empty() || !resume.is_kept()) {
            // What failed lies before the next page: the place stays where it is.
            if failures.is_empty() {
                resume.save(&token, done.rewritten)?;
            }
            let (items, next) = match cloud.objects_page(&work.bucket, &work.prefix, &token).await {
                // A token of long ago: all begins anew, and what is done is passed over.
                Err(error) if error.http_status() == 400 && !token.is_empty() && done == Done::default() => {
                    token = String::new();
                    cloud.objects_page(&work.bucket, &work.prefix, &token).await?
                }
                page => page?,
            };
            waiting.extend(items.into_iter().filter(|stored| work.is_due(&stored.object, primary)));
            seen_last = next.is_empty();
            token = next;
            if waiting.is_empty() && !seen_last {
                continue;
            }
        }
        while running.len() < options.at_once {
            let Some(stored) = waiting.pop_front() else { break };
            if let Some(rate) = options.rate {
                cloud.client.timer().sleep(pause_of(rate)).await;
            }
            let (cloud, bucket, key) = (cloud.clone(), work.bucket.clone(), work.key.to_string());
            running.spawn(async move {
                let StoredObject { name, size, .. } = stored.object;
                let outcome = cloud.rewrite(&bucket, &name, &stored.generation, &key).await;
                Ended { name, size, outcome }
            });
        }
        match running.join_next().await {
            None if seen_last && waiting.is_empty() => break,
            None => {}
            Some(Err(error)) => return Err(Failure::new(format!("a rewrite ended early: {error}"))),
            Some(Ok(Ended { name, size, outcome })) => match outcome {
                Ok(true) => {
                    done.rewritten += 1;
                    done.bytes += size;
                    progress.advance(ui, 1);
                }
                Ok(false) => done.gone += 1,
                Err(error) => {
                    *failures.entry(format!("{}: {}", error.code().name(), error.message())).or_default() += 1;
                    if examples.len() < TOLD {
                        examples.insert(name);
                    }
                    if failures.values().sum::<u64>() >= GIVE_UP {
                        break;
                    }
                }
            },
        }
    }
    progress.end(ui);
    if failures.is_empty() {
        resume.finish()?;
        return Ok(done);
    }
    Err(refused(&done, &failures, &examples))
}

fn refused(done: &Done, failures: &BTreeMap<String, u64>, examples: &BTreeSet<String>) -> Failure {
    let total: u64 = failures.values().sum();
    let rest = if total >= GIVE_UP { "; the rest was not tried" } else { "" };
    let mut message =
        format!("{total} objects could not be rewritten; {} were ({}){rest}.", done.rewritten, size(done.bytes));
    for (cause, count) in failures {
        message.push_str(&format!("\n  {count}  {cause}"));
    }
    for name in examples {
        message.push_str(&format!("\n     {name}"));
    }
    Failure::new(message).hint("what was rewritten stays so; mend the cause and run the command again")
}

fn pause_of(rate: u32) -> Duration {
    Duration::from_secs(1) / rate.max(1)
}

/// Hands the work over and follows the job.
async fn batch(cloud: &Cloud, ui: &mut Ui, work: &Work, expected: u64) -> Outcome<Done> {
    if work.from.is_some() {
        return Err(Failure::new("A batch job takes whole prefixes; it cannot choose by key version.")
            .hint("--engine=client, or leave --from-version away"));
    }
    let project = RegistryHost::from_bucket(&work.bucket)
        .map(|(_, project)| project)
        .ok_or_else(|| Failure::new(format!("gs://{} is no registry's bucket.", work.bucket)))?;
    let primary = primary(cloud, &work.key).await?;
    // The same work has the same id, so a run that was cut off finds its job again.
    let id = job_id(&work.bucket, &work.prefix, &primary);
    cloud.start_batch(&project, &id, &work.bucket, std::slice::from_ref(&work.prefix), &work.key.to_string()).await?;
    ui.say(&format!("     job projects/{project}/locations/global/jobs/{id}"));
    let mut progress = ui.progress(&format!("rewriting gs://{}", work.bucket), expected);
    let mut pause = Duration::from_millis(50);
    loop {
        let job = cloud.batch(&project, &id).await?;
        progress.reach(ui, job.succeeded);
        if job.is_over() {
            progress.end(ui);
            if job.state == "SUCCEEDED" && job.failed == 0 {
                return Ok(Done { rewritten: job.succeeded, ..Done::default() });
            }
            let mut message = format!(
                "The job ended {}: {} of {} objects were rewritten, {} failed.",
                job.state, job.succeeded, job.total, job.failed
            );
            for (code, count, example) in &job.errors {
                message.push_str(&format!("\n  {count}  {code}  {example}"));
            }
            return Err(Failure::new(message).hint(format!("gcloud storage batch-operations jobs describe {id}")));
        }
        cloud.client.timer().sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Letters, digits and dashes, at most 63: what a job's id may hold.
fn job_id(bucket: &str, prefix: &str, primary: &str) -> String {
    let text = format!("{bucket}\n{prefix}\n{primary}");
    // FNV-1a: no secret, only a name that is the same the next time.
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("cmek-rewrite-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_found_again_by_its_work() {
        let one = job_id("b", "", "k/1");
        assert_eq!(one, job_id("b", "", "k/1"));
        assert_ne!(one, job_id("b", "", "k/2"));
        assert!(one.len() <= 63);
    }

    #[test]
    fn a_rate_is_a_pause() {
        assert_eq!(pause_of(50), Duration::from_millis(20));
        assert_eq!(pause_of(0), Duration::from_secs(1));
    }
}
