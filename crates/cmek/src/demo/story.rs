//! The chapters.

use cmek_plan::{Desired, plan};
use gcp_client::Error;
use gcp_names::{KeyName, RegistryHost};
use gcp_schema::kms::CryptoKey;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use serde_json::{Value, json};

use super::image::Image;
use super::{PROJECT, Teller};
use crate::apply::intent;
use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::observe;
use crate::rewrite::{Engine, Options, Work};
use crate::ui::{Ui, size};

const ORG_POLICY: &str = "orgpolicy.googleapis.com";
const BUCKET: &str = "artifacts.demo-project.appspot.com";
const DISABLED: &str = "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.";

pub async fn tell(teller: &mut Teller<'_>) -> Outcome<()> {
    let key = KeyName {
        project: PROJECT.to_owned(),
        location: "us".to_owned(),
        ring: "registry".to_owned(),
        key: "images".to_owned(),
    };
    let first = Image::new("web", "v1", &[1, 2, 3]);
    let second = Image::new("web", "v2", &[1, 2, 4]);

    teller.chapter("The first push makes the bucket, and nobody asks about keys");
    push(teller, &first).await;
    let bucket = teller.cloud.bucket(BUCKET).await?.unwrap_or_default();
    teller.say(&format!("bucket gs://{BUCKET}   {}", bucket["location"].as_str().unwrap_or("?")));
    teller.claim(
        bucket.get("encryption").is_none(),
        "the bucket has no key: Google-managed encryption",
        &bucket.to_string(),
    );
    pull(teller, &first).await;

    policy_stops_a_push(teller, &first).await?;
    topic(teller, &key).await?;
    configured(teller, &key, &first, &second).await?;
    rotated(teller, &key).await?;
    disabled(teller, &key, &first).await?;
    restored(teller, &key, &first).await?;
    destroyed(teller, &key, &first).await
}

async fn push(teller: &mut Teller<'_>, image: &Image) {
    teller.say(&format!(
        "push gcr.io/{PROJECT}/{}:{}   {} layers, {}",
        image.name,
        image.tag,
        image.layers.len(),
        size(image.size())
    ));
    let pushed = image.push(&teller.cloud, "gcr.io").await;
    teller.works(&pushed, "the push is taken");
}

async fn pull(teller: &mut Teller<'_>, image: &Image) {
    let pulled = image.pull(&teller.cloud, "gcr.io").await;
    teller.works(&pulled, &format!("{}:{} can be pulled, bit by bit as it was pushed", image.name, image.tag));
}

async fn set_policy(cloud: &Cloud, services: &[&str]) -> Result<Value, Error> {
    let path = format!("/v2/projects/{PROJECT}/policies/gcp.restrictNonCmekServices");
    let policy = json!({"name": &path[4..], "spec": {"rules": [{"values": {"deniedValues": services}}]}});
    match cloud.client.json(ORG_POLICY, "PATCH", &path, Some(&policy)).await {
        Err(error) if error.is_not_found() => {
            cloud.client.json(ORG_POLICY, "POST", &format!("/v2/projects/{PROJECT}/policies"), Some(&policy)).await
        }
        outcome => outcome,
    }
}

async fn policy_stops_a_push(teller: &mut Teller<'_>, image: &Image) -> Outcome<()> {
    teller.chapter("A policy that asks for CMEK stops the first push of the next host");
    set_policy(&teller.cloud, &["storage.googleapis.com", "pubsub.googleapis.com"]).await?;
    teller.say("set  constraints/gcp.restrictNonCmekServices  deny storage, pubsub   on projects/demo-project");
    teller.say("push eu.gcr.io/demo-project/web:v1");
    let pushed = image.push(&teller.cloud, "eu.gcr.io").await;
    teller.refused(pushed, 412, "Request violates constraint 'constraints/gcp.restrictNonCmekServices'");
    let bucket = teller.cloud.bucket("eu.artifacts.demo-project.appspot.com").await?;
    teller.claim(bucket.is_none(), "no bucket was made", "there is one");
    let body = json!({"name": "eu.artifacts.demo-project.appspot.com", "location": "EU"});
    let by_hand = teller
        .cloud
        .client
        .json("storage.googleapis.com", "POST", &format!("/storage/v1/b?project={PROJECT}"), Some(&body))
        .await;
    teller.say("make that bucket by hand");
    teller.refused(by_hand, 403, "domain name owned by another user");
    let pulled = image.pull(&teller.cloud, "gcr.io").await;
    teller.works(&pulled, "what was there before the policy is still readable");
    Ok(())
}

async fn topic(teller: &mut Teller<'_>, key: &KeyName) -> Outcome<()> {
    teller.chapter("The topic gcr needs a key too, and its agent needs the key");
    let name = format!("projects/{PROJECT}/topics/gcr");
    // The first push created it before the policy: take it away to see what policy says of a new one.
    teller.cloud.client.json("pubsub.googleapis.com", "DELETE", &format!("/v1/{name}"), None).await?;
    teller.say("create topic gcr without a key");
    let bare = teller.cloud.create_topic(&name, "").await;
    teller.refused(bare, 400, "Constraint 'constraints/gcp.restrictNonCmekServices' violated");
    teller.cloud.create_ring(&key.ring_name()).await?;
    teller.cloud.create_key(key, CryptoKey::default()).await?;
    teller.say(&format!("create key {}, then the topic with it", key.short()));
    let ungranted = teller.cloud.create_topic(&name, &key.to_string()).await;
    teller.refused(ungranted, 400, "Cloud Pub/Sub did not have the necessary permissions");
    Ok(())
}

async fn configured(teller: &mut Teller<'_>, key: &KeyName, first: &Image, second: &Image) -> Outcome<()> {
    teller.chapter("cmek configure: grants, default key, topic, in one plan");
    let mut desired = Desired {
        project: PROJECT.to_owned(),
        hosts: vec![RegistryHost::Gcr],
        key: key.clone(),
        create_key: false,
        rewrite_existing: false,
        topic: true,
    };
    apply(teller, &desired).await?;
    let empty = plan(&desired, &observe::world(&teller.cloud, &desired).await?).is_empty();
    teller.claim(empty, "a second run has nothing to do", "there is more to do");
    let topic = teller.cloud.topic(&format!("projects/{PROJECT}/topics/gcr")).await?.unwrap_or_default();
    teller.claim(topic.kms_key_name == key.to_string(), "topic gcr has the key", &topic.kms_key_name);

    teller.chapter("What was pushed before keeps its old encryption, and a new image may share it");
    push(teller, second).await;
    let facts = observe::host(&teller.cloud, RegistryHost::Gcr, PROJECT).await?;
    let old = facts.objects.get("").map_or(0, |(count, _)| *count);
    let (total, _) = facts.total();
    teller.say(&format!("{old} of {total} objects are still under the Google-managed key"));
    teller.claim(
        old > 0 && old < total,
        "the shared layers were not sent again: web:v2 lies partly under no key of ours",
        &format!("{old} of {total}"),
    );
    desired.rewrite_existing = true;
    apply(teller, &desired).await?;
    let facts = observe::host(&teller.cloud, RegistryHost::Gcr, PROJECT).await?;
    let outside = facts.outside(&key.version(1).to_string()).0;
    teller.claim(outside == 0, "after the rewrite every object is under version 1", &format!("{outside} are not"));
    pull(teller, first).await;
    pull(teller, second).await;
    Ok(())
}

async fn apply(teller: &mut Teller<'_>, desired: &Desired) -> Outcome<()> {
    let made = plan(desired, &observe::world(&teller.cloud, desired).await?);
    if let Some(finding) = made.blockers().next() {
        return Err(Failure::new(finding.what.clone()));
    }
    for (index, step) in made.steps.iter().enumerate() {
        let (verb, what) = intent(step);
        teller.say(&format!("{}  {verb:<8} {what}", index + 1));
    }
    crate::apply::apply(&teller.cloud, &mut Ui::nowhere(), &made, &Options::default()).await
}

async fn rotated(teller: &mut Teller<'_>, key: &KeyName) -> Outcome<()> {
    teller.chapter("Rotation re-encrypts nothing by itself");
    teller.cloud.rotate(key).await?;
    let third = Image::new("web", "v3", &[5]);
    push(teller, &third).await;
    let facts = observe::host(&teller.cloud, RegistryHost::Gcr, PROJECT).await?;
    let count = |number: u64| facts.objects.get(&key.version(number).to_string()).map_or(0, |(count, _)| *count);
    let (one, two) = (count(1), count(2));
    teller.claim(
        one > 0 && two > 0,
        &format!("old objects stay on version 1 ({one}), new ones are on version 2 ({two})"),
        &format!("{one} and {two}"),
    );
    pull(teller, &third).await;
    Ok(())
}

async fn disabled(teller: &mut Teller<'_>, key: &KeyName, image: &Image) -> Outcome<()> {
    teller.chapter("Disabled: the image is gone while the version is");
    teller.cloud.set_state(&key.version(1), State::Disabled).await?;
    teller.say("disable version 1, pull web:v1");
    let pulled = image.pull(&teller.cloud, "gcr.io").await;
    teller.refused(pulled, 400, DISABLED);
    let listed = teller.cloud.objects(BUCKET).await;
    teller.works(&listed, "the objects can still be listed");
    let third = Image::new("web", "v3", &[5]);
    let pulled = third.pull(&teller.cloud, "gcr.io").await;
    teller.works(&pulled, "web:v3, under version 2, can be pulled");
    teller.cloud.set_state(&key.version(1), State::Enabled).await?;
    teller.say("enable version 1");
    pull(teller, image).await;
    Ok(())
}

async fn restored(teller: &mut Teller<'_>, key: &KeyName, image: &Image) -> Outcome<()> {
    teller.chapter("Destroyed on a schedule, and taken back in time");
    let version = teller.cloud.destroy(&key.version(1)).await?;
    let at = version.destroy_time.map(|at| at.to_string()).unwrap_or_default();
    teller.say(&format!("destroy version 1: DESTROY_SCHEDULED for {at}"));
    let pulled = image.pull(&teller.cloud, "gcr.io").await;
    teller.refused(pulled, 400, DISABLED);
    teller.days_pass(29).await?;
    let version = teller.cloud.restore(&key.version(1)).await?;
    let state = observe::state_name(version.state);
    teller.claim(state == "DISABLED", "restored on day 29, it is DISABLED", &state);
    teller.cloud.set_state(&key.version(1), State::Enabled).await?;
    teller.say("enable version 1");
    pull(teller, image).await;
    Ok(())
}

async fn destroyed(teller: &mut Teller<'_>, key: &KeyName, image: &Image) -> Outcome<()> {
    teller.chapter("Destroyed, and 30 days pass");
    let needles: Vec<_> = image.layers.iter().map(|layer| layer.slice(1000..1032)).collect();
    let before = teller.emulator.files_with(&needles)?;
    teller.claim(before.is_empty(), "no layer lies in clear in any file, even before", &before.join(", "));
    let files = teller.emulator.key_files()?;
    teller.cloud.destroy(&key.version(1)).await?;
    teller.days_pass(30).await?;
    let versions = teller.cloud.versions(key).await?;
    let state = versions.first().map(|version| observe::state_name(version.state)).unwrap_or_default();
    teller.claim(state == "DESTROYED", "version 1 is DESTROYED", &state);
    let left = teller.emulator.key_files()?;
    teller.claim(
        left + 1 == files,
        "its material is shredded: one key file less",
        &format!("{files} before, {left} now"),
    );
    let pulled = image.pull(&teller.cloud, "gcr.io").await;
    teller.refused(pulled, 400, DISABLED);
    let restored = teller.cloud.restore(&key.version(1)).await;
    teller.refused(restored, 400, "has value DESTROYED in field crypto_key_version.state.");
    let work = Work { bucket: BUCKET.to_owned(), key: key.clone(), from: None, prefix: String::new() };
    let options = Options { engine: Engine::Client, ..Options::default() };
    let rewritten = crate::rewrite::run(&teller.cloud, &mut Ui::nowhere(), &work, &options, 0).await;
    let answer = rewritten.err().map_or_else(|| "it was allowed".to_owned(), |failure| failure.message);
    teller.claim(answer.contains(DISABLED), &format!("no rewrite saves what is lost: {DISABLED}"), &answer);
    let after = teller.emulator.files_with(&needles)?;
    teller.claim(
        after.is_empty(),
        &format!("none of the {} in clear, in any file of the emulator", size(image.size())),
        &after.join(", "),
    );
    Ok(())
}
