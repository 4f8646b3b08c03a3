//! Doing what a plan says, step by step, each said when it is done.

use std::time::Duration;

use cmek_plan::{Plan, Step};
use gcp_client::{Code, Error};
use gcp_names::{KeyName, KeyRingName, ServiceAgent};
use gcp_schema::kms::CryptoKey;

use crate::cloud::{Cloud, text_of};
use crate::failure::{Failure, Outcome};
use crate::rewrite::{Options, Work};
use crate::ui::{Ui, size};

/// A grant needs its time to spread in the real cloud.
const SPREAD: [u64; 7] = [1, 2, 4, 8, 15, 15, 15];

/// What a step will do, in one line.
pub fn intent(step: &Step) -> (&'static str, String) {
    match step {
        Step::EnableApi { project, service } => ("enable", format!("{service} in {project}")),
        Step::CreateKeyRing { ring } => ("create", format!("key ring {}", short(ring))),
        Step::CreateKey { key } => ("create", format!("key {}", short(key))),
        Step::CreateAgent { who, .. } => ("create", format!("{who}'s agent, if it is not there")),
        Step::Grant { who, .. } => {
            ("grant", format!("{who}'s agent the role cloudkms.cryptoKeyEncrypterDecrypter on the key"))
        }
        Step::SetDefaultKey { bucket, .. } => ("set", format!("the default key of gs://{bucket}")),
        Step::CreateTopic { topic, .. } => ("create", format!("topic {} with the key", last(topic))),
        Step::UpdateTopic { topic, .. } => ("update", format!("topic {}: the key", last(topic))),
        Step::Rewrite { host, objects, bytes, .. } => {
            ("rewrite", format!("{objects} objects of {host} ({})", size(*bytes)))
        }
    }
}

pub fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `sec/us/registry/images` of a full name.
pub fn short(name: &str) -> String {
    KeyName::parse(name)
        .map(|key| key.short())
        .or_else(|_| KeyRingName::parse(name).map(|ring| format!("{}/{}/{}", ring.project, ring.location, ring.ring)))
        .unwrap_or_else(|_| name.to_owned())
}

fn named(text: &str) -> Result<KeyName, Error> {
    KeyName::parse(text).map_err(|error| Error::internal(error.to_string()))
}

pub async fn apply(cloud: &Cloud, ui: &mut Ui, plan: &Plan, options: &Options) -> Outcome<()> {
    // Policies of keys change under our own grants; the next grant must know the newest etag.
    let mut etags = std::collections::BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let done = match one(cloud, ui, step, options, &mut etags).await {
            Ok(done) => done,
            Err(failure) => {
                let (verb, what) = intent(step);
                let before = match index {
                    0 => String::new(),
                    1 => "Step 1 is done; ".to_owned(),
                    _ => format!("Steps 1 to {index} are done; "),
                };
                // A call whose answer was lost may have been carried out, and a rewrite stops in the middle.
                let rest = if failure.is_open || matches!(step, Step::Rewrite { .. }) {
                    format!("{before}this step may be done, in whole or in part. The same command goes on from here.")
                } else if index == 0 {
                    "Nothing was changed.".to_owned()
                } else {
                    format!("{before}the same command goes on from here.")
                };
                let rest = rest.strip_prefix("this").map_or_else(|| rest.clone(), |rest| format!("This{rest}"));
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

async fn one(
    cloud: &Cloud,
    ui: &mut Ui,
    step: &Step,
    options: &Options,
    etags: &mut std::collections::BTreeMap<String, String>,
) -> Outcome<String> {
    Ok(match step {
        Step::EnableApi { project, service } => {
            cloud.enable_service(project, service).await?;
            format!("enabled   {service}")
        }
        Step::CreateKeyRing { ring } => {
            let name = KeyRingName::parse(ring).map_err(|error| Failure::new(error.to_string()))?;
            already(cloud.create_ring(&name).await)?;
            format!("created   {}", short(ring))
        }
        Step::CreateKey { key } => {
            already(cloud.create_key(&named(key)?, CryptoKey::default()).await)?;
            format!("created   {}", short(key))
        }
        Step::CreateAgent { project, service, member, .. } => {
            if let Some(agent) = ServiceAgent::of_service(service) {
                cloud.make_agent(project, agent).await?;
            }
            format!("there is  {}", member.trim_start_matches("serviceAccount:"))
        }
        Step::Grant { member, key, etag, .. } => {
            let etag = etags.get(key).unwrap_or(etag).clone();
            let policy = cloud.grant_on(&named(key)?, member, &etag).await?;
            etags.insert(key.clone(), text_of(&policy.etag));
            format!("granted   {}", member.trim_start_matches("serviceAccount:"))
        }
        Step::SetDefaultKey { bucket, key, metageneration } => {
            patiently(cloud, || cloud.set_default_key(bucket, key, metageneration)).await?;
            format!("set       gs://{bucket}")
        }
        Step::CreateTopic { topic, key } => {
            patiently(cloud, || cloud.create_topic(topic, key)).await?;
            format!("created   {topic}")
        }
        Step::UpdateTopic { topic, key, .. } => {
            patiently(cloud, || cloud.set_topic_key(topic, key)).await?;
            format!("updated   {topic}")
        }
        Step::Rewrite { bucket, key, objects, .. } => {
            let work = Work { bucket: bucket.clone(), key: named(key)?, from: None, prefix: String::new() };
            let done = crate::rewrite::run(cloud, ui, &work, options, *objects).await?;
            format!("rewritten {} of {objects}", done.rewritten)
        }
    })
}

/// Made meanwhile, or by the first try whose answer was lost: it is there.
fn already<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    match outcome {
        Err(error) if error.code() != Code::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Again, while the service has not heard of the grant yet.
pub async fn patiently<T, F: Future<Output = Result<T, Error>>>(
    cloud: &Cloud,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    for pause in SPREAD {
        match attempt().await {
            Err(error) if not_heard(&error) => cloud.client.timer().sleep(Duration::from_secs(pause)).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

fn not_heard(error: &Error) -> bool {
    error.message().starts_with("Permission denied on Cloud KMS key.")
        || error.message().starts_with("Cloud Pub/Sub did not have the necessary permissions")
}
