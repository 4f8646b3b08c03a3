//! What would be lost with a key: found by search and by listing, and told.

use std::collections::{BTreeMap, BTreeSet};

use cmek_plan::{Copies, Image, Impact, OtherBucket, StoredObject, impact};
use gcp_client::Error;
use gcp_names::registry::{blob_object, repository_prefix};
use gcp_names::{KeyName, RegistryHost};
use serde_json::Value;

use crate::cloud::{Cloud, Container};
use crate::failure::{Failure, Outcome};
use crate::observe::{spread, unless_hidden};
use crate::ui::{Ui, size, table};

const BUCKET: &str = "storage.googleapis.com/Bucket";
const TOPIC: &str = "pubsub.googleapis.com/Topic";

/// Where to look.
#[derive(Clone, Debug)]
pub struct Range {
    /// Whose registry hosts are meant.
    pub project: String,
    /// A folder or organization to search besides.
    pub wide: Option<Container>,
    pub all_buckets: bool,
}

pub fn text(found: &Impact) -> String {
    if found.is_empty() {
        let what = if found.copies.objects == 0 { "stored" } else { "live" };
        // The whole truth about a bucket is in its objects, and only these buckets were read.
        let place = if !found.unread.is_empty() {
            ", as far as it could be looked at"
        } else if found.looked_everywhere {
            ", in whichever bucket of the project"
        } else {
            ", as far as the project's registries and the buckets with this default key go; --all-buckets looks into the others"
        };
        return format!("Nothing that is {what} needs it{place}.\n{}", rest(found));
    }
    let dash = || "–".to_owned();
    let mut rows: Vec<Vec<String>> = found
        .hosts
        .iter()
        .map(|host| {
            let tags = if host.tags.is_empty() { dash() } else { host.tags.join(", ") };
            vec![host.place.clone(), host.images.to_string(), tags, host.objects.to_string(), size(host.bytes)]
        })
        .collect();
    rows.extend(found.others.iter().map(|bucket| {
        vec![format!("gs://{}", bucket.bucket), dash(), dash(), bucket.objects.to_string(), size(bucket.bytes)]
    }));
    rows.extend(found.topics.iter().map(|topic| vec![format!("topic {topic}"), dash(), dash(), dash(), dash()]));
    let mut text = table(&["WHERE", "IMAGES", "TAGS", "OBJECTS", "SIZE"], &rows);
    for host in &found.hosts {
        for tag in &host.shared {
            text.push_str(&format!("{tag} lies under another version and shares a layer that would be lost.\n"));
        }
    }
    text + &rest(found)
}

/// What does not make a key one that is in use, and is lost with it all the same.
fn rest(found: &Impact) -> String {
    let mut text = String::new();
    let Copies { objects, bytes } = found.copies;
    if objects > 0 {
        text.push_str(&format!(
            "{objects} noncurrent or soft-deleted copies ({}) could not be brought back any more.\n",
            size(bytes)
        ));
    }
    for place in &found.unread {
        text.push_str(&format!("{place} could not be looked at.\n"));
    }
    for topic in &found.older_topics {
        text.push_str(&format!(
            "topic {topic} has the key: messages that were published while this version was primary could not be read any more.\n"
        ));
    }
    text
}

pub fn show(ui: &mut Ui, found: &Impact) {
    if found.is_empty() {
        text(found).lines().for_each(|line| ui.say(line));
        return;
    }
    ui.say("It alone can read:");
    ui.say("");
    for line in text(found).lines() {
        ui.say(&format!("  {line}"));
    }
    ui.say("");
}

/// What would be lost with a version, or with all versions of a key.
pub async fn of(cloud: &Cloud, range: &Range, key: &KeyName, version: Option<u64>) -> Outcome<Impact> {
    let missing = |what: String| Failure::new(format!("NOT_FOUND: {what} not found."));
    let Some(about) = cloud.key(key).await? else { return Err(missing(format!("CryptoKey {key}"))) };
    let all: BTreeSet<String> = cloud.versions(key).await?.into_iter().map(|version| version.name).collect();
    let versions = match version.map(|number| key.version(number).to_string()) {
        Some(one) if !all.contains(&one) => return Err(missing(format!("CryptoKeyVersion {one}"))),
        Some(one) => [one].into(),
        None => all,
    };
    let mut found = Impact { versions: versions.iter().cloned().collect(), ..Impact::default() };
    let project = &range.project;
    for host in RegistryHost::ALL {
        let bucket = host.bucket(project);
        let Some(about) = cloud.bucket(&bucket).await? else { continue };
        if about.pointer("/encryption/defaultKmsKeyName").and_then(Value::as_str) == Some(key.to_string().as_str()) {
            found.buckets.push(bucket.clone());
        }
        for copy in unless_hidden(cloud.copies(&bucket).await)?.unwrap_or_default() {
            if versions.contains(&copy.key_version) {
                found.copies.objects += 1;
                found.copies.bytes += copy.size;
            }
        }
        let objects = cloud.objects(&bucket).await?;
        if !objects.iter().any(|object| versions.contains(&object.key_version)) {
            continue;
        }
        let images = images(cloud, host, project, &bucket, &objects).await?;
        found.hosts.extend(impact(&format!("{host}/{project}"), &versions, &objects, &images));
    }
    let Users { buckets, topics, hidden } = users(cloud, range, key).await?;
    found.unread = hidden;
    for bucket in buckets {
        if RegistryHost::from_bucket(&bucket).is_some_and(|(_, owner)| owner == *project) {
            continue;
        }
        let Some(counts) = unless_hidden(spread(cloud, &bucket, "").await)? else {
            found.unread.push(format!("gs://{bucket}"));
            continue;
        };
        let (objects, bytes) = counts
            .iter()
            .filter(|(version, _)| versions.contains(*version))
            .fold((0, 0), |(count, sum), (_, (more, size))| (count + more, sum + size));
        if objects > 0 {
            found.others.push(OtherBucket { bucket: bucket.clone(), objects, bytes });
        }
        if cloud.bucket(&bucket).await?.is_some_and(|about| {
            about.pointer("/encryption/defaultKmsKeyName").and_then(Value::as_str) == Some(key.to_string().as_str())
        }) {
            found.buckets.push(bucket);
        }
    }
    // New messages lie under the primary version.
    let is_current = version.is_none() || about.primary.is_some_and(|primary| versions.contains(&primary.name));
    let topics: Vec<String> = topics.into_iter().collect();
    if is_current {
        found.topics = topics;
    } else {
        found.older_topics = topics;
    }
    found.looked_everywhere = range.all_buckets;
    found.buckets.sort();
    Ok(found)
}

/// As `unless_hidden`; where Pub/Sub is not enabled there is nothing of it, which most projects with registries never had.
fn unless_off<T: Default>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Err(error) if error.info().is_some_and(|(reason, _)| reason == "SERVICE_DISABLED") => Ok(Some(T::default())),
        outcome => unless_hidden(outcome),
    }
}

/// What uses a key, and where nobody would let us look.
#[derive(Default)]
struct Users {
    buckets: BTreeSet<String>,
    topics: BTreeSet<String>,
    hidden: Vec<String>,
}

/// Buckets and topics that use a key: by search where that is allowed, else by the project's own lists.
async fn users(cloud: &Cloud, range: &Range, key: &KeyName) -> Outcome<Users> {
    let mut users = Users::default();
    let own = Container(format!("projects/{}", range.project));
    let name = key.to_string();
    let topic_name = |full: &str| {
        let inner = format!("projects/{}/topics/", range.project);
        full.strip_prefix(&inner).unwrap_or(full).to_owned()
    };
    for container in [Some(own), range.wide.clone()].into_iter().flatten() {
        match unless_hidden(cloud.search(&container, &format!("kmsKeys:\"{name}\""), &[BUCKET, TOPIC]).await)? {
            Some(found) => {
                for one in found.into_iter().filter(|one| one.keys.iter().any(|used| under(used, &name))) {
                    if let Some(bucket) = one.name.strip_prefix("//storage.googleapis.com/") {
                        users.buckets.insert(bucket.to_owned());
                    } else if let Some(topic) = one.name.strip_prefix("//pubsub.googleapis.com/") {
                        users.topics.insert(topic_name(topic));
                    }
                }
            }
            None => {
                let projects = unless_hidden(cloud.projects_in(&container).await)?;
                if projects.is_none() {
                    users.hidden.push(container.0.clone());
                }
                for project in projects.unwrap_or_default() {
                    list_users(cloud, &project.project_id, &name, &mut users, &topic_name).await?;
                }
            }
        }
        if let Some(organization) = container.0.strip_prefix("organizations/") {
            let known = cloud.protected(&format!("organizations/{organization}"), &name).await;
            for (resource, kind) in unless_hidden(known)?.unwrap_or_default() {
                match kind.as_str() {
                    BUCKET => {
                        users.buckets.insert(resource.trim_start_matches("//storage.googleapis.com/").to_owned());
                    }
                    TOPIC => {
                        users.topics.insert(topic_name(resource.trim_start_matches("//pubsub.googleapis.com/")));
                    }
                    _ => {}
                }
            }
        }
    }
    // A search may lag behind; the topic that the registries use is looked at itself.
    let gcr = format!("projects/{}/topics/gcr", range.project);
    match unless_off(cloud.topic(&gcr).await)? {
        Some(Some(topic)) if topic.kms_key_name == name => _ = users.topics.insert("gcr".to_owned()),
        Some(_) => _ = users.topics.remove("gcr"),
        // What a search has said of it stands.
        None => users.hidden.push("topic gcr".to_owned()),
    }
    if range.all_buckets {
        for bucket in cloud.buckets(&range.project).await? {
            users.buckets.extend(bucket.get("name").and_then(Value::as_str).map(str::to_owned));
        }
    }
    users.hidden.dedup();
    Ok(users)
}

fn under(used: &str, key: &str) -> bool {
    used == key || used.strip_prefix(key).is_some_and(|rest| rest.starts_with("/cryptoKeyVersions/"))
}

async fn list_users(
    cloud: &Cloud,
    project: &str,
    key: &str,
    users: &mut Users,
    topic_name: &impl Fn(&str) -> String,
) -> Outcome<()> {
    match unless_hidden(cloud.buckets(project).await)? {
        Some(buckets) => {
            let has_key =
                |bucket: &&Value| bucket.pointer("/encryption/defaultKmsKeyName").and_then(Value::as_str) == Some(key);
            let names = buckets.iter().filter(has_key).filter_map(|bucket| bucket.get("name")?.as_str());
            users.buckets.extend(names.map(str::to_owned));
        }
        None => users.hidden.push(format!("the buckets of {project}")),
    }
    match unless_off(cloud.topics(project).await)? {
        Some(topics) => {
            let topics = topics.iter().filter(|topic| topic.kms_key_name == key);
            users.topics.extend(topics.map(|topic| topic_name(&topic.name)));
        }
        None => users.hidden.push(format!("the topics of {project}")),
    }
    Ok(())
}

/// The images of a bucket: what each manifest needs, and the tags that name it.
async fn images(
    cloud: &Cloud,
    host: RegistryHost,
    project: &str,
    bucket: &str,
    objects: &[StoredObject],
) -> Outcome<Vec<Image>> {
    let root = repository_prefix("");
    let mut found = Vec::new();
    let mut tags: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for object in objects {
        let Some((image, digest)) = object.name.strip_prefix(&root).and_then(|rest| rest.split_once("/manifest_"))
        else {
            continue;
        };
        if !tags.contains_key(image) {
            tags.insert(image.to_owned(), tags_of(cloud, host, project, image).await);
        }
        // A manifest that cannot be read any more names nothing; its own object counts all the same.
        let manifest = cloud.read_object(bucket, &object.name).await.unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        let mut needs: Vec<String> = manifest
            .get("layers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .chain(manifest.get("config"))
            .filter_map(|layer| layer.get("digest").and_then(Value::as_str))
            .map(blob_object)
            .collect();
        needs.sort();
        let names = tags.get(image).and_then(|tags| tags.get(digest)).cloned().unwrap_or_default();
        found.push(Image { name: image.to_owned(), digest: digest.to_owned(), tags: names, needs });
    }
    Ok(found)
}

async fn tags_of(cloud: &Cloud, host: RegistryHost, project: &str, image: &str) -> BTreeMap<String, Vec<String>> {
    let path = format!("{}/{image}/tags/list", RegistryHost::image_path(project));
    let Ok((_, body)) = cloud.registry(host.host(), "GET", &path, "", bytes::Bytes::new()).await else {
        return BTreeMap::new();
    };
    let listing: Value = serde_json::from_slice(&body).unwrap_or_default();
    listing
        .get("manifest")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(digest, about)| {
            let tags = about
                .get("tag")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned);
            (digest.clone(), tags.collect())
        })
        .collect()
}
