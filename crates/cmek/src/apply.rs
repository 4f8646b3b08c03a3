//! Doing what a plan says, step by step, each said when it is done.

use std::time::Duration;

use cmek_plan::{Plan, Step};
use gcp_client::{Code, Error};
use gcp_names::{KeyName, KeyRingName, ServiceAgent};
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::ui::{Ui, size};

/// How many objects are re-encrypted at a time.
const AT_ONCE: usize = 8;
/// A grant needs its time to spread in the real cloud.
const SPREAD: [u64; 7] = [1, 2, 4, 8, 15, 15, 15];

/// What a step will do, in one line.
pub fn intent(step: &Step) -> (&'static str, String) {
    match step {
        Step::CreateKeyRing { ring } => ("create", format!("key ring {}", short(ring))),
        Step::CreateKey { key } => ("create", format!("key {}", short(key))),
        Step::Grant { who, .. } => {
            ("grant", format!("{who}'s agent the role cloudkms.cryptoKeyEncrypterDecrypter on the key"))
        }
        Step::SetDefaultKey { bucket, .. } => ("set", format!("the default key of gs://{bucket}")),
        Step::CreateTopic { .. } => ("create", "topic gcr with the key".to_owned()),
        Step::UpdateTopic { .. } => ("update", "topic gcr: the key".to_owned()),
        Step::Rewrite { host, objects, bytes, .. } => {
            ("rewrite", format!("{objects} objects of {host} ({})", size(*bytes)))
        }
    }
}

/// `sec/us/registry/images` of a full name.
pub fn short(name: &str) -> String {
    KeyName::parse(name)
        .map(|key| key.short())
        .or_else(|_| KeyRingName::parse(name).map(|ring| format!("{}/{}/{}", ring.project, ring.location, ring.ring)))
        .unwrap_or_else(|_| name.to_owned())
}

fn key(name: &str) -> Outcome<KeyName> {
    KeyName::parse(name).map_err(|error| Failure::new(error.to_string()))
}

pub async fn apply(cloud: &Cloud, ui: &mut Ui, project: &str, plan: &Plan) -> Outcome<()> {
    for (index, step) in plan.steps.iter().enumerate() {
        let done = match one(cloud, project, step).await {
            Ok(done) => done,
            Err(error) => {
                let (verb, what) = intent(step);
                let failure = Failure::from(error);
                let rest = if index == 0 {
                    "Nothing was changed.".to_owned()
                } else {
                    format!("Steps 1 to {index} are done; the same command goes on from here.")
                };
                return Err(Failure {
                    message: format!("Step {}, {verb} {what}: {} {rest}", index + 1, failure.message),
                    ..failure
                });
            }
        };
        ui.say(&format!("  {}  {done}", index + 1));
    }
    Ok(())
}

async fn one(cloud: &Cloud, project: &str, step: &Step) -> Result<String, Error> {
    let named = |text: &str| key(text).map_err(|failure| Error::internal(failure.message));
    match step {
        Step::CreateKeyRing { ring } => {
            let name = KeyRingName::parse(ring).map_err(|error| Error::internal(error.to_string()))?;
            match cloud.create_ring(&name).await {
                Err(error) if error.code() != Code::AlreadyExists => Err(error),
                _ => Ok(format!("created   {}", short(ring))),
            }
        }
        Step::CreateKey { key } => {
            cloud.create_key(&named(key)?).await?;
            Ok(format!("created   {}", short(key)))
        }
        Step::Grant { member, key, service, .. } => {
            if let Some(agent) = ServiceAgent::of_service(service) {
                cloud.make_agent(project, agent).await?;
            }
            cloud.grant(&named(key)?, member).await?;
            Ok(format!("granted   {}", member.trim_start_matches("serviceAccount:")))
        }
        Step::SetDefaultKey { bucket, key, metageneration } => {
            patiently(|| cloud.set_default_key(bucket, key, metageneration)).await?;
            Ok(format!("set       gs://{bucket}"))
        }
        Step::CreateTopic { topic, key } => {
            patiently(|| cloud.create_topic(topic, key)).await?;
            Ok(format!("created   {topic}"))
        }
        Step::UpdateTopic { topic, key } => {
            patiently(|| cloud.set_topic_key(topic, key)).await?;
            Ok(format!("updated   {topic}"))
        }
        Step::Rewrite { bucket, key, objects, .. } => {
            let rewritten = rewrite(cloud, bucket, &named(key)?).await?;
            Ok(format!("rewritten {rewritten} of {objects}"))
        }
    }
}

/// Again, while the service has not heard of the grant yet.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(mut attempt: impl FnMut() -> F) -> Result<T, Error> {
    for pause in SPREAD {
        match attempt().await {
            Err(error) if not_heard(&error) => tokio::time::sleep(Duration::from_secs(pause)).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

fn not_heard(error: &Error) -> bool {
    error.message().starts_with("Permission denied on Cloud KMS key.")
        || error.message().starts_with("Cloud Pub/Sub did not have the necessary permissions")
}

/// Everything in the bucket that is not under the key's primary version.
pub async fn rewrite(cloud: &Cloud, bucket: &str, key: &KeyName) -> Result<u64, Error> {
    let primary = cloud.key(key).await?.and_then(|key| key.primary).map(|version| version.name).unwrap_or_default();
    let mut waiting = cloud.objects(bucket).await?.into_iter().filter(|object| object.key_version != primary);
    let mut running = JoinSet::new();
    let mut done = 0;
    loop {
        while running.len() < AT_ONCE {
            let Some(object) = waiting.next() else { break };
            let (cloud, bucket, key) = (cloud.clone(), bucket.to_owned(), key.to_string());
            running.spawn(async move { cloud.rewrite(&bucket, &object.name, &key).await });
        }
        match running.join_next().await {
            None => return Ok(done),
            Some(Ok(outcome)) => {
                outcome?;
                done += 1;
            }
            Some(Err(error)) => return Err(Error::internal(format!("a rewrite ended early: {error}"))),
        }
    }
}
