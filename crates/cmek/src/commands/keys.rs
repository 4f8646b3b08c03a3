//! `cmek keys`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use cmek_plan::{Impact, key_words, version_words};
use gcp_names::{KeyName, KeyRingName, KeyVersionName};
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{CryptoKey, CryptoKeyVersion};
use serde_json::{Value, json};

use crate::cli::{KeyArgs, KeyOrVersionArgs, KeyPlace, ListFlags, Scope, VersionArgs};
use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::impact::{self, Range};
use crate::observe::state_name;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Create a key, and its ring if needed
    #[command(after_help = "\
$ cmek keys create images --keyring=registry --location=us
$ cmek keys create images --keyring=registry --location=us --rotation-period=90d --destroy-scheduled-duration=60d")]
    Create(Create),
    /// List the keys of a ring
    #[command(after_help = "$ cmek keys list --keyring=registry --location=us --filter='primaryState!=ENABLED'")]
    List(List),
    /// Describe a key with its versions
    #[command(after_help = "$ cmek keys describe images --keyring=registry --location=us")]
    Describe(KeyArgs),
    /// Make a new version and use it from now on
    #[command(after_help = "\
$ cmek keys rotate images --keyring=registry --location=us
$ cmek rewrite gcr.io
    what is stored keeps its version until it is rewritten")]
    Rotate(KeyArgs),
    /// Disable a version; what it protects cannot be read until it is enabled again
    #[command(after_help = "$ cmek keys disable images/1 --keyring=registry --location=us")]
    Disable(Destroying),
    /// Enable a version
    #[command(after_help = "$ cmek keys enable images/1 --keyring=registry --location=us")]
    Enable(VersionArgs),
    /// Schedule a version's destruction; after its time nobody can bring it back
    #[command(after_help = "\
$ cmek keys destroy images/1 --keyring=registry --location=us
$ cmek keys destroy images/1 --keyring=registry --location=us --fail-if-in-use --yes
    for scripts: refused while anything needs it")]
    Destroy(Destroying),
    /// Take a scheduled destruction back
    #[command(after_help = "$ cmek keys restore images/1 --keyring=registry --location=us")]
    Restore(VersionArgs),
    /// Show what would become unreadable without a key or version
    #[command(after_help = "\
$ cmek keys impact images/1 --keyring=registry --location=us
$ cmek keys impact images --keyring=registry --location=us --organization=123456789012
    every bucket and topic of the organization that uses the key
$ cmek keys impact images/1 --keyring=registry --location=us --fail-if-in-use
    exit code 3 when anything needs it")]
    Impact(ImpactArgs),
}

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    pub key: KeyArgs,
    /// Rotate by itself every so often: 90d
    #[arg(long, value_name = "DURATION", value_parser = at_least_a_day)]
    pub rotation_period: Option<u64>,
    /// The first rotation, RFC 3339; one --rotation-period from now if it is not given
    #[arg(long, value_name = "TIME")]
    pub next_rotation_time: Option<String>,
    /// How long a destroyed version can be restored: 30d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub destroy_scheduled_duration: Option<u64>,
    /// Labels of the key
    #[arg(long, value_name = "KEY=VALUE[,KEY=VALUE…]", value_delimiter = ',', value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Where the key is held: software or hsm
    #[arg(long, value_name = "LEVEL", default_value = "software", value_parser = ["software", "hsm"], hide_possible_values = true)]
    pub protection_level: String,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub place: KeyPlace,
    #[command(flatten)]
    pub list: ListFlags,
}

#[derive(Debug, Args)]
pub struct Destroying {
    #[command(flatten)]
    pub key: VersionArgs,
    #[command(flatten)]
    pub range: ScopeArgs,
    /// Refuse, with exit code 3, while anything that is stored needs it, in whichever bucket of the project
    #[arg(long)]
    pub fail_if_in_use: bool,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ImpactArgs {
    #[command(flatten)]
    pub key: KeyOrVersionArgs,
    #[command(flatten)]
    pub range: ScopeArgs,
    /// Exit with code 3 when anything that is stored needs it, in whichever bucket of the project
    #[arg(long)]
    pub fail_if_in_use: bool,
}

/// Where to look for what needs a key.
#[derive(Clone, Debug, Default, Args)]
pub struct ScopeArgs {
    #[command(flatten)]
    pub scope: Scope,
    /// Look through the objects of every bucket of the project, also of those that have another default key
    #[arg(long)]
    pub all_buckets: bool,
}

const READ: &[&str] = &["cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.list", "cloudkms.cryptoKeyVersions.list"];
const CREATE: &[&str] =
    &["cloudkms.keyRings.get", "cloudkms.keyRings.create", "cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.create"];
const ROTATE: &[&str] = &["cloudkms.cryptoKeyVersions.create", "cloudkms.cryptoKeys.update"];
const ENABLE: &[&str] =
    &["cloudkms.cryptoKeys.get", "cloudkms.cryptoKeyVersions.list", "cloudkms.cryptoKeyVersions.update"];
const DISABLE: &[&str] = &[
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeyVersions.list",
    "cloudkms.cryptoKeyVersions.update",
    "cloudasset.assets.searchAllResources",
    "storage.buckets.get",
    "storage.objects.list",
    "storage.objects.get",
    "pubsub.topics.get",
];
const DESTROY: &[&str] = &[
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeyVersions.list",
    "cloudkms.cryptoKeyVersions.destroy",
    "cloudasset.assets.searchAllResources",
    "storage.buckets.get",
    "storage.objects.list",
    "storage.objects.get",
    "pubsub.topics.get",
];
const RESTORE: &[&str] = &["cloudkms.cryptoKeyVersions.restore"];

pub async fn run(session: &mut Session, command: Keys) -> Outcome<()> {
    let permissions = match &command {
        Keys::Create(_) => CREATE,
        Keys::List(_) | Keys::Describe(_) => READ,
        Keys::Rotate(_) => ROTATE,
        Keys::Enable(_) => ENABLE,
        Keys::Disable(_) => DISABLE,
        Keys::Destroy(_) => DESTROY,
        Keys::Restore(_) => RESTORE,
        Keys::Impact(_) => &DISABLE[3..],
    };
    if session.explains(permissions)? {
        return Ok(());
    }
    match command {
        Keys::Create(args) => create(session, args).await,
        Keys::List(args) => list(session, args).await,
        Keys::Describe(args) => describe(session, args).await,
        Keys::Rotate(args) => rotate(session, args).await,
        Keys::Disable(args) => disable(session, args).await,
        Keys::Enable(args) => enable(session, args).await,
        Keys::Destroy(args) => destroy(session, args).await,
        Keys::Restore(args) => restore(session, args).await,
        Keys::Impact(args) => show_impact(session, args).await,
    }
}

fn duration(text: &str) -> Result<u64, String> {
    super::emulator::parse_duration(text).map_err(|failure| failure.message)
}

fn at_least_a_day(text: &str) -> Result<u64, String> {
    match duration(text)? {
        seconds if seconds < 86_400 => Err(format!("value must be greater than or equal to 1d; received: {text}")),
        seconds => Ok(seconds),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("Bad syntax for dict arg: [{text}]. Write KEY=VALUE."))
}

async fn create(session: &mut Session, args: Create) -> Outcome<()> {
    let name = session.key(&args.key.key, &args.key.place)?;
    let mut key = CryptoKey { labels: args.labels.iter().cloned().collect::<BTreeMap<_, _>>(), ..CryptoKey::default() };
    let seconds = |seconds: u64| prost_types::Duration { seconds: seconds as i64, nanos: 0 };
    if let Some(period) = args.rotation_period {
        use gcp_schema::kms::crypto_key::RotationSchedule;
        let now = (session.now)().timestamp().as_second();
        key.next_rotation_time = Some(match &args.next_rotation_time {
            Some(next) => time(next)?,
            None => prost_types::Timestamp { seconds: now.saturating_add(period as i64), nanos: 0 },
        });
        key.rotation_schedule = Some(RotationSchedule::RotationPeriod(seconds(period)));
    }
    key.destroy_scheduled_duration = args.destroy_scheduled_duration.map(seconds);
    if args.protection_level == "hsm" {
        use gcp_schema::kms::crypto_key_version::CryptoKeyVersionAlgorithm as Algorithm;
        key.version_template = Some(gcp_schema::kms::CryptoKeyVersionTemplate {
            protection_level: gcp_schema::kms::ProtectionLevel::Hsm as i32,
            algorithm: Algorithm::GoogleSymmetricEncryption as i32,
        });
    }
    let cloud = session.cloud().await?;
    if let Some(found) = cloud.key(&name).await? {
        session.ui.say(&format!("Nothing to do: key {} exists.", name.short()));
        return session.print_changed(&row(found));
    }
    if session.global.dry_run {
        session.ui.say(&format!("Would create key {}. Nothing was changed (--dry-run).", name.short()));
        return Ok(());
    }
    if cloud.ring(&name.ring_name()).await?.is_none() {
        cloud.create_ring(&name.ring_name()).await?;
        session.ui.say(&format!("Created key ring [{}].", name.ring_name()));
    }
    let made = cloud.create_key(&name, key).await?;
    session.ui.say(&format!("Created key [{name}]."));
    session.print_changed(&row(made))
}

fn time(text: &str) -> Outcome<prost_types::Timestamp> {
    text.parse().map_err(|_| Failure::new(format!("'{text}' is no time; write it as 2030-01-01T00:00:00Z")))
}

fn row(key: CryptoKey) -> Value {
    let primary = key.primary.unwrap_or_default();
    json!({"name": key.name, "primaryId": primary.name.rsplit('/').next().unwrap_or_default(),
        "primaryState": if primary.name.is_empty() { String::new() } else { state_name(primary.state) }})
}

async fn list(session: &mut Session, args: List) -> Outcome<()> {
    let any = session.key("any", &args.place)?;
    let ring = KeyRingName { project: any.project, location: any.location, ring: any.ring };
    let cloud = session.cloud().await?.paged(args.list.page_size);
    let rows: Vec<Value> = cloud.keys(&ring).await?.into_iter().map(row).collect();
    session.print_list(&rows, "table(name, primaryId, primaryState)", &args.list)
}

async fn describe(session: &mut Session, args: KeyArgs) -> Outcome<()> {
    let name = session.key(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    let key = cloud.key(&name).await?.ok_or_else(|| Failure::new(format!("NOT_FOUND: CryptoKey {name} not found.")))?;
    let versions: Vec<Value> = cloud.versions(&name).await?.iter().map(version_json).collect();
    let primary = key.primary.map(|version| version.name.rsplit('/').next().unwrap_or_default().to_owned());
    let mut value = json!({"name": key.name, "primary": primary, "versions": versions});
    if let Some(gcp_schema::kms::crypto_key::RotationSchedule::RotationPeriod(period)) = &key.rotation_schedule {
        value["rotationPeriod"] = json!(format!("{}s", period.seconds));
    }
    if let Some(duration) = &key.destroy_scheduled_duration {
        value["destroyScheduledDuration"] = json!(format!("{}s", duration.seconds));
    }
    if let Some(template) = &key.version_template {
        value["protectionLevel"] = json!(template.protection_level().as_str_name());
    }
    if !key.labels.is_empty() {
        value["labels"] = json!(key.labels);
    }
    if let Some(next) = key.next_rotation_time {
        value["nextRotationTime"] = json!(next.to_string());
    }
    session.print_one(&value, "yaml")
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

/// A version by itself.
fn named_version(version: &CryptoKeyVersion) -> Value {
    let mut value = json!({"name": version.name});
    if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), version_json(version)) {
        value.extend(rest);
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
    let now = row(key);
    session.ui.say(&format!(
        "Version {} of {} is primary. What is stored keeps its version until it is rewritten.",
        now["primaryId"].as_str().unwrap_or_default(),
        name.short()
    ));
    session.print_changed(&now)
}

async fn current(cloud: &Cloud, name: &KeyVersionName) -> Outcome<(CryptoKeyVersion, bool)> {
    let versions = cloud.versions(&name.key).await?;
    let found = versions.into_iter().find(|version| version.name == name.to_string());
    let found = found.ok_or_else(|| Failure::new(format!("NOT_FOUND: CryptoKeyVersion {name} not found.")))?;
    let primary =
        cloud.key(&name.key).await?.and_then(|key| key.primary).is_some_and(|primary| primary.name == found.name);
    Ok((found, primary))
}

/// Shows what a version's loss means, and asks. `false`: it was only a rehearsal. `idle` is the aftermath where nothing
/// that is stored needs it.
async fn consider(
    session: &mut Session,
    name: &KeyVersionName,
    args: &Destroying,
    aftermath: &str,
    idle: &str,
) -> Outcome<bool> {
    let cloud = session.cloud().await?;
    let (version, primary) = current(&cloud, name).await?;
    let role = if primary { "primary" } else { "not primary" };
    session.ui.say(&format!("Version {} of {} is {}, {role}.", name.version, name.key.key, state_name(version.state)));
    let range = range(session, &name.key, &args.range, args.fail_if_in_use)?;
    let found = impact::of(&cloud, &range, &name.key, Some(name.version)).await?;
    impact::show(&mut session.ui, &found);
    session.ui.say(if found.is_empty() { idle } else { aftermath });
    if args.fail_if_in_use {
        unless_unread(&found)?;
        if !found.is_empty() {
            return Err(in_use(name, primary, &found));
        }
    }
    if session.global.dry_run {
        session.ui.say("Nothing was changed (--dry-run).");
        return Ok(false);
    }
    if !args.yes {
        session.ui.confirm(false)?;
    }
    Ok(true)
}

fn in_use(name: &KeyVersionName, primary: bool, found: &Impact) -> Failure {
    let rewrite = format!("cmek rewrite HOST --from-version={}", name.version);
    let hint = match (primary, found.hosts.is_empty()) {
        (true, _) => format!("cmek keys rotate {}, then {rewrite}", key_words(&name.key)),
        (false, false) => format!("{rewrite} brings objects under the primary version"),
        (false, true) => "rewrite what is told above under another key".to_owned(),
    };
    Failure { code: 3, ..Failure::new("It is in use (--fail-if-in-use). Nothing was changed.") }.hint(hint)
}

/// A guard that could not look everywhere does not say that nothing is there.
fn unless_unread(found: &Impact) -> Outcome<()> {
    if found.unread.is_empty() {
        return Ok(());
    }
    let what = "Not everything could be looked at, so it may be in use (--fail-if-in-use). Nothing was changed.";
    Err(Failure { code: 3, ..Failure::new(what) }
        .hint("ask for leave to list what is named above: buckets, objects, topics"))
}

/// Whoever relies on the answer has every bucket looked at.
fn range(session: &Session, key: &KeyName, args: &ScopeArgs, relied_on: bool) -> Outcome<Range> {
    let wide = args.scope.folder.is_some() || args.scope.organization.is_some();
    Ok(Range {
        project: session.project().unwrap_or_else(|_| key.project.clone()),
        wide: if wide { Some(session.container(&args.scope)?) } else { None },
        all_buckets: args.all_buckets || relied_on,
    })
}

async fn disable(session: &mut Session, args: Destroying) -> Outcome<()> {
    let name = session.version(&args.key.key, &args.key.place)?;
    let back = version_words(&name);
    let again = format!("From then on they cannot be read, until: cmek keys enable {back}");
    let idle = format!("What it once sealed stays closed until: cmek keys enable {back}");
    if consider(session, &name, &args, &again, &idle).await? {
        let version = session.cloud().await?.set_state(&name, State::Disabled).await?;
        session.ui.say(&format!("Disabled version [{}] of {}.", name.version, name.key.short()));
        session.print_changed(&named_version(&version))?;
    }
    Ok(())
}

async fn enable(session: &mut Session, args: VersionArgs) -> Outcome<()> {
    let name = session.version(&args.key, &args.place)?;
    let cloud = session.cloud().await?;
    let (version, _) = current(&cloud, &name).await?;
    if version.state == State::Enabled as i32 {
        session.ui.say(&format!("Nothing to do: version {} of {} is ENABLED.", name.version, name.key.short()));
        return session.print_changed(&named_version(&version));
    }
    if session.global.dry_run {
        session.ui.say(&format!(
            "Would enable version {} of {}. Nothing was changed (--dry-run).",
            name.version,
            name.key.short()
        ));
        return Ok(());
    }
    let version = cloud.set_state(&name, State::Enabled).await?;
    session.ui.say(&format!("Enabled version [{}] of {}.", name.version, name.key.short()));
    session.print_changed(&named_version(&version))
}

async fn destroy(session: &mut Session, args: Destroying) -> Outcome<()> {
    let name = session.version(&args.key.key, &args.key.place)?;
    let cloud = session.cloud().await?;
    let (version, _) = current(&cloud, &name).await?;
    if ["DESTROY_SCHEDULED", "DESTROYED"].contains(&state_name(version.state).as_str()) {
        let at = version.destroy_time.or(version.destroy_event_time).map(|at| at.to_string()).unwrap_or_default();
        session.ui.say(&format!(
            "Nothing to do: version {} of {} is {} ({at}).",
            name.version,
            name.key.short(),
            state_name(version.state)
        ));
        return session.print_changed(&named_version(&version));
    }
    let back = version_words(&name);
    let aftermath = format!(
        "From then on they cannot be read. Until the time of destruction `cmek keys restore {back}` brings them back; after it nobody can, Google included."
    );
    let idle = format!(
        "Until the time of destruction `cmek keys restore {back}` brings it back; after it nobody can, Google included."
    );
    if consider(session, &name, &args, &aftermath, &idle).await? {
        let version = session.cloud().await?.destroy(&name).await?;
        let at = version.destroy_time.map(|at| at.to_string()).unwrap_or_default();
        session.ui.say(&format!(
            "Scheduled destruction of version [{}] of {} for {at}.",
            name.version,
            name.key.short()
        ));
        session.print_changed(&named_version(&version))?;
    }
    Ok(())
}

async fn restore(session: &mut Session, args: VersionArgs) -> Outcome<()> {
    let name = session.version(&args.key, &args.place)?;
    if session.global.dry_run {
        session.ui.say(&format!(
            "Would restore version {} of {}. Nothing was changed (--dry-run).",
            name.version,
            name.key.short()
        ));
        return Ok(());
    }
    let version = session.cloud().await?.restore(&name).await?;
    session.ui.say(&format!("Restored version [{}] of {}; it is DISABLED.", name.version, name.key.short()));
    session.ui.hint(&format!("cmek keys enable {} makes what it protects readable again", version_words(&name)));
    session.print_changed(&named_version(&version))
}

async fn show_impact(session: &mut Session, args: ImpactArgs) -> Outcome<()> {
    let (key, version) = match session.version(&args.key.key, &args.key.place) {
        Ok(name) => (name.key, Some(name.version)),
        Err(_) => (session.key(&args.key.key, &args.key.place)?, None),
    };
    let range = range(session, &key, &args.range, args.fail_if_in_use)?;
    let cloud = session.cloud().await?;
    let found = impact::of(&cloud, &range, &key, version).await?;
    if session.has_format()? {
        let value = serde_json::to_value(&found).map_err(|error| Failure::new(error.to_string()))?;
        session.print_one(&value, "yaml")?;
    } else {
        let text = impact::text(&found);
        session.ui.data(&text)?;
    }
    if args.fail_if_in_use {
        unless_unread(&found)?;
    }
    if args.fail_if_in_use && !found.is_empty() {
        return Err(Failure { code: 3, ..Failure::new("It is in use (--fail-if-in-use).") });
    }
    Ok(())
}
