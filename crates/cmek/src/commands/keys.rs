//! `cmek keys`.

use std::collections::{BTreeMap, BTreeSet};

use cmek_plan::{Image, Impact, impact};
use gcp_names::registry::{blob_object, repository_prefix};
use gcp_names::{KeyName, KeyRingName, KeyVersionName, RegistryHost};
use gcp_schema::kms::CryptoKeyVersion;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use serde_json::{Value, json};

use crate::cli::{Destroying, KeyArgs, KeyPlace, Keys};
use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::observe::state_name;
use crate::session::Session;
use crate::ui::{Ui, size, table};
use crate::{print, yaml};

pub async fn run(session: &mut Session, command: Keys) -> Outcome<()> {
    match command {
        Keys::Create(args) => create(session, args).await,
        Keys::List(place) => list(session, place).await,
        Keys::Describe(args) => describe(session, args).await,
        Keys::Rotate(args) => rotate(session, args).await,
        Keys::Disable(args) => disable(session, args).await,
        Keys::Enable(args) => enable(session, args).await,
        Keys::Destroy(args) => destroy(session, args).await,
        Keys::Restore(args) => restore(session, args).await,
        Keys::Impact(args) => show_impact(session, args).await,
    }
}

async fn create(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.key(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    if cloud.key(&name).await?.is_some() {
        session.ui.say(&format!("Nothing to do: key {} exists.", name.short()));
        return Ok(());
    }
    if session.global.dry_run {
        session.ui.say(&format!("Would create key {}. Nothing was changed (--dry-run).", name.short()));
        return Ok(());
    }
    if cloud.ring(&name.ring_name()).await?.is_none() {
        cloud.create_ring(&name.ring_name()).await?;
        session.ui.say(&format!("Created key ring [{}].", name.ring_name()));
    }
    cloud.create_key(&name).await?;
    session.ui.say(&format!("Created key [{name}]."));
    Ok(())
}

async fn list(session: &mut Session, place: KeyPlace) -> Outcome<()> {
    let any = session.key("any", &place)?;
    let ring = KeyRingName { project: any.project, location: any.location, ring: any.ring };
    let cloud = session.cloud().await?;
    let rows: Vec<Value> = cloud
        .keys(&ring)
        .await?
        .into_iter()
        .map(|key| {
            let primary = key.primary.unwrap_or_default();
            json!({"name": key.name, "primaryId": primary.name.rsplit('/').next().unwrap_or_default(),
                "primaryState": if primary.name.is_empty() { String::new() } else { state_name(primary.state) }})
        })
        .collect();
    if rows.is_empty() {
        session.ui.say("Listed 0 items.");
    }
    print(session, &Value::Array(rows), |rows| {
        crate::format::render(&crate::format::parse("table(name,primaryId,primaryState)")?, rows)
    })
}

async fn describe(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.key(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    let key = cloud.key(&name).await?.ok_or_else(|| Failure::new(format!("NOT_FOUND: CryptoKey {name} not found.")))?;
    let versions: Vec<Value> = cloud.versions(&name).await?.iter().map(version_json).collect();
    let primary = key.primary.map(|version| version.name.rsplit('/').next().unwrap_or_default().to_owned());
    let mut value = json!({"name": key.name, "primary": primary, "versions": versions});
    if let Some(next) = key.next_rotation_time {
        value["nextRotationTime"] = json!(next.to_string());
    }
    print(session, &value, yaml)
}

fn version_json(version: &CryptoKeyVersion) -> Value {
    let number = version.name.rsplit('/').next().unwrap_or_default();
    let mut value = json!({"version": number, "state": state_name(version.state)});
    if let Some(at) = &version.destroy_time {
        value["destroyTime"] = json!(at.to_string());
    }
    if let Some(at) = &version.destroy_event_time {
        value["destroyEventTime"] = json!(at.to_string());
    }
    value
}

async fn rotate(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.key(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    if session.global.dry_run {
        session
            .ui
            .say(&format!("Would make a new primary version of {}. Nothing was changed (--dry-run).", name.short()));
        return Ok(());
    }
    let key = cloud.rotate(&name).await?;
    let version =
        key.primary.map(|version| version.name.rsplit('/').next().unwrap_or_default().to_owned()).unwrap_or_default();
    session.ui.say(&format!(
        "Version {version} of {} is primary. What is stored keeps its version until it is rewritten.",
        name.short()
    ));
    Ok(())
}

async fn current(cloud: &Cloud, name: &KeyVersionName) -> Outcome<(CryptoKeyVersion, bool)> {
    let versions = cloud.versions(&name.key).await?;
    let found = versions.into_iter().find(|version| version.name == name.to_string());
    let found = found.ok_or_else(|| Failure::new(format!("NOT_FOUND: CryptoKeyVersion {name} not found.")))?;
    let primary =
        cloud.key(&name.key).await?.and_then(|key| key.primary).is_some_and(|primary| primary.name == found.name);
    Ok((found, primary))
}

/// Shows what a version's loss means, and asks. `false`: there is nothing to do, or it was only a rehearsal.
async fn consider(session: &mut Session, name: &KeyVersionName, yes: bool, aftermath: &str) -> Outcome<bool> {
    let cloud = session.cloud().await?;
    let (version, primary) = current(&cloud, name).await?;
    let role = if primary { "primary" } else { "not primary" };
    session.ui.say(&format!("Version {} of {} is {}, {role}.", name.version, name.key.key, state_name(version.state)));
    let project = session.project().unwrap_or_else(|_| name.key.project.clone());
    let found = impact_of(&cloud, &project, &name.key, Some(name.version)).await?;
    show(&mut session.ui, &found);
    session.ui.say(aftermath);
    if session.global.dry_run {
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(false);
    }
    if !yes {
        session.ui.confirm(false)?;
    }
    Ok(true)
}

async fn disable(session: &mut Session, args: Destroying) -> Outcome<()> {
    let name = session.version(&args.key.key, &args.key.place)?;
    let again = format!("From then on they cannot be read, until: cmek keys enable {}/{}", name.key.key, name.version);
    if consider(session, &name, args.yes, &again).await? {
        session.cloud().await?.set_state(&name, State::Disabled).await?;
        session.ui.say(&format!("Disabled version [{}] of {}.", name.version, name.key.short()));
    }
    Ok(())
}

async fn enable(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.version(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    let (version, _) = current(&cloud, &name).await?;
    if version.state == State::Enabled as i32 {
        session.ui.say(&format!("Nothing to do: version {} of {} is ENABLED.", name.version, name.key.short()));
        return Ok(());
    }
    if session.global.dry_run {
        session.ui.say(&format!(
            "Would enable version {} of {}. Nothing was changed (--dry-run).",
            name.version,
            name.key.short()
        ));
        return Ok(());
    }
    cloud.set_state(&name, State::Enabled).await?;
    session.ui.say(&format!("Enabled version [{}] of {}.", name.version, name.key.short()));
    Ok(())
}

async fn destroy(session: &mut Session, args: Destroying) -> Outcome<()> {
    let name = session.version(&args.key.key, &args.key.place)?;
    let aftermath = format!(
        "From then on they cannot be read. Until the time of destruction `cmek keys restore {}/{}` brings them back; after it nobody can, Google included.",
        name.key.key, name.version
    );
    if consider(session, &name, args.yes, &aftermath).await? {
        let version = session.cloud().await?.destroy(&name).await?;
        let at = version.destroy_time.map(|at| at.to_string()).unwrap_or_default();
        session.ui.say(&format!(
            "Scheduled destruction of version [{}] of {} for {at}.",
            name.version,
            name.key.short()
        ));
    }
    Ok(())
}

async fn restore(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.version(&args.key, &args.place)?;
    if session.global.dry_run {
        session.ui.say(&format!(
            "Would restore version {} of {}. Nothing was changed (--dry-run).",
            name.version,
            name.key.short()
        ));
        return Ok(());
    }
    session.cloud().await?.restore(&name).await?;
    session.ui.say(&format!("Restored version [{}] of {}; it is DISABLED.", name.version, name.key.short()));
    session.ui.say(&format!(
        "hint: cmek keys enable {}/{} makes what it protects readable again",
        name.key.key, name.version
    ));
    Ok(())
}

async fn show_impact(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let (key, version) = match session.version(&args.key, &args.place) {
        Ok(name) => (name.key, Some(name.version)),
        Err(_) => (session.key(&args.key, &args.place)?, None),
    };
    let cloud = session.cloud().await?;
    let project = session.project().unwrap_or_else(|_| key.project.clone());
    let found = impact_of(&cloud, &project, &key, version).await?;
    let value = serde_json::to_value(&found).map_err(|error| Failure::new(error.to_string()))?;
    if session.global.format.is_some() {
        return print(session, &value, |_| Ok(String::new()));
    }
    let text = impact_text(&found);
    session.ui.data(&text)
}

fn impact_text(found: &Impact) -> String {
    if found.is_empty() {
        return "Nothing that is stored needs it.\n".to_owned();
    }
    let mut rows: Vec<Vec<String>> = found
        .hosts
        .iter()
        .map(|host| {
            vec![
                host.place.clone(),
                host.images.to_string(),
                host.tags.join(", "),
                host.objects.to_string(),
                size(host.bytes),
            ]
        })
        .collect();
    rows.extend(
        found
            .topics
            .iter()
            .map(|topic| vec![format!("topic {topic}"), String::new(), String::new(), String::new(), String::new()]),
    );
    let mut text = table(&["WHERE", "IMAGES", "TAGS", "OBJECTS", "SIZE"], &rows);
    for host in &found.hosts {
        for tag in &host.shared {
            text.push_str(&format!("{tag} lies under another version and shares a layer that would be lost.\n"));
        }
    }
    text
}

fn show(ui: &mut Ui, found: &Impact) {
    if found.is_empty() {
        ui.say("Nothing that is stored needs it.");
        return;
    }
    ui.say("It alone can read:");
    ui.say("");
    for line in impact_text(found).lines() {
        ui.say(&format!("  {line}"));
    }
    ui.say("");
}

/// What the project's registries and topic would lose with a version, or with all versions of a key.
async fn impact_of(cloud: &Cloud, project: &str, key: &KeyName, version: Option<u64>) -> Outcome<Impact> {
    let versions: BTreeSet<String> = match version {
        Some(number) => [key.version(number).to_string()].into(),
        None => cloud.versions(key).await?.into_iter().map(|version| version.name).collect(),
    };
    let mut found = Impact { versions: versions.iter().cloned().collect(), ..Impact::default() };
    for host in RegistryHost::ALL {
        let bucket = host.bucket(project);
        let Some(about) = cloud.bucket(&bucket).await? else { continue };
        if about.pointer("/encryption/defaultKmsKeyName").and_then(Value::as_str) == Some(key.to_string().as_str()) {
            found.buckets.push(bucket.clone());
        }
        let objects = cloud.objects(&bucket).await?;
        if !objects.iter().any(|object| versions.contains(&object.key_version)) {
            continue;
        }
        let images = images(cloud, host, project, &bucket, &objects).await?;
        found.hosts.extend(impact(&format!("{host}/{project}"), &versions, &objects, &images));
    }
    if let Some(topic) = cloud.topic(&format!("projects/{project}/topics/gcr")).await?
        && topic.kms_key_name == key.to_string()
    {
        found.topics.push("gcr".to_owned());
    }
    Ok(found)
}

/// The images of a bucket: what each manifest needs, and the tags that name it.
async fn images(
    cloud: &Cloud,
    host: RegistryHost,
    project: &str,
    bucket: &str,
    objects: &[cmek_plan::StoredObject],
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
