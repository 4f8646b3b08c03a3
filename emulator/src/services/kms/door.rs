//! What other services ask of Cloud KMS, as their agents.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use envelope::Key;
use gcp_names::{KeyName, KeyVersionName};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{CryptoKey, CryptoKeyVersion};

use super::material::{self, symmetric};
use super::model::{self, DESTROY, DOOMED, GENERATE, KEYS, RINGS, ROTATE, SHRED, VERSIONS};
use super::policy;
use crate::doors;
use crate::kernel::assets::{self, Asset};
use crate::kernel::body::DataKey;
use crate::kernel::due::{self, Due};
use crate::kernel::faults::USE_KEY;
use crate::kernel::paging::{self, Page};
use crate::kernel::table::NumberRow;
use crate::kernel::vault::Vault;
use crate::kernel::{Call, Code, Error, Result, Time};

const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";
const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";

/// Why a key could not be used; each service says it in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// The agent has no grant that covers the key, which may not even exist.
    Denied {
        key: String,
    },
    /// Only an agent with a grant above the key learns this.
    NotFound {
        key: String,
    },
    WrongPurpose {
        key: String,
        purpose: String,
    },
    /// `state` is the version's state name (`DISABLED`, `DESTROY_SCHEDULED`, `DESTROYED`).
    NotEnabled {
        version: String,
        state: String,
    },
    NoPrimary {
        key: String,
    },
    /// The emulator itself failed.
    Fault(Error),
}

impl From<Error> for KeyRefusal {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

fn not_enabled(version: String, state: State) -> KeyRefusal {
    KeyRefusal::NotEnabled { version, state: state.as_str_name().to_owned() }
}

/// A project that is not there grants nothing; it is not for an agent to tell it from one that does not grant.
fn grants(call: &mut Call, agent: &str, permission: &str, key: &str) -> Result<bool> {
    match doors::allowed(call, agent, permission, key) {
        Err(error) if error.code() == Code::PermissionDenied => Ok(false),
        other => other,
    }
}

pub fn wrap(call: &mut Call, key: &KeyName, agent: &str, data_key: Key) -> std::result::Result<DataKey, KeyRefusal> {
    let name = key.to_string();
    // A grant that has not spread yet, where a test wants one.
    if call.kernel.faults.strike(USE_KEY).is_err() || !grants(call, agent, ENCRYPT, &name)? {
        return Err(KeyRefusal::Denied { key: name });
    }
    let Some(row) = call.txn.get(&KEYS, &name)? else { return Err(KeyRefusal::NotFound { key: name }) };
    let purpose = model::purpose(&row);
    if purpose != CryptoKeyPurpose::EncryptDecrypt {
        return Err(KeyRefusal::WrongPurpose { key: name, purpose: purpose.as_str_name().to_owned() });
    }
    if row.primary == 0 {
        return Err(KeyRefusal::NoPrimary { key: name });
    }
    let version = model::version(call, &key.version(row.primary))?;
    if version.state() != State::Enabled {
        return Err(not_enabled(version.name.clone(), version.state()));
    }
    let wrapped = envelope::seal(&symmetric(call, &version.name)?, version.name.as_bytes(), data_key.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(DataKey { key: data_key, wrapped: wrapped.into(), version: version.name })
}

pub fn unwrap(call: &mut Call, version: &str, wrapped: &[u8], agent: &str) -> std::result::Result<Key, KeyRefusal> {
    let name = KeyVersionName::parse(version).map_err(|error| Error::internal(error.to_string()))?;
    let key = name.key.to_string();
    if !grants(call, agent, DECRYPT, &key)? {
        return Err(KeyRefusal::Denied { key });
    }
    let Some(row) = call.txn.get(&VERSIONS, &model::version_key(&name))? else {
        return Err(KeyRefusal::NotFound { key });
    };
    if row.state() != State::Enabled {
        return Err(not_enabled(row.name.clone(), row.state()));
    }
    let opened = envelope::open(&symmetric(call, version)?, version.as_bytes(), wrapped)
        .map_err(|error| Error::internal(format!("a data key does not open: {error}")))?;
    Key::from_slice(&opened).map_err(|error| KeyRefusal::Fault(Error::internal(error.to_string())))
}

/// Generation, destruction and rotation by the clock. What is due of a resource that has changed since is dropped: every
/// call waits for what is due, so a refusal here would be one to all.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    match due.kind.as_str() {
        DESTROY => doom(call, due),
        SHRED => {
            destroy(call, &due.name, due.at)?;
            call.txn.delete(&DOOMED, &due.name)
        }
        ROTATE => rotate(call, due),
        GENERATE => generate(call, due),
        other => Err(Error::internal(format!("Cloud KMS knows nothing of {other}"))),
    }
}

/// The version that is due, if it is still in the state that it was in.
fn version_due(call: &Call, name: &str, state: State) -> Result<Option<(KeyVersionName, CryptoKeyVersion)>> {
    let name = KeyVersionName::parse(name).map_err(|error| Error::internal(error.to_string()))?;
    let row = call.txn.get(&VERSIONS, &model::version_key(&name))?;
    Ok(row.filter(|row| row.state() == state).map(|row| (name, row)))
}

fn generate(call: &mut Call, due: &Due) -> Result<()> {
    let Some((name, mut row)) = version_due(call, &due.name, State::PendingGeneration)? else { return Ok(()) };
    row.set_state(State::Enabled);
    row.generate_time = Some(due.at.to_proto());
    model::put_version(call, &name, &row)
}

/// Says on disk what will be shredded; the shredding follows when this is committed.
fn doom(call: &mut Call, due: &Due) -> Result<()> {
    let Some((_, row)) = version_due(call, &due.name, State::DestroyScheduled)? else { return Ok(()) };
    // A time that was taken back and set again has an entry of its own.
    if row.destroy_time.as_ref().map(Time::from_proto) != Some(due.at) {
        return Ok(());
    }
    call.txn.put(&DOOMED, &due.name, &NumberRow { number: due.at.0 as u64 })?;
    due::schedule(call, due.at, SHRED, &due.name)
}

/// The material first, then the state. Doing it again is no error: a crash between the two leaves the version doomed.
fn destroy(call: &mut Call, name: &str, at: Time) -> Result<()> {
    let Some((name, mut row)) = version_due(call, name, State::DestroyScheduled)? else { return Ok(()) };
    call.kernel.vault.shred(&row.name)?;
    row.set_state(State::Destroyed);
    row.destroy_time = None;
    row.destroy_event_time = Some(at.to_proto());
    call.notes.push(format!("{} is destroyed", row.name));
    model::put_version(call, &name, &row)
}

/// What policy refuses is not made; the next try comes with the next period.
fn rotate(call: &mut Call, due: &Due) -> Result<()> {
    let name = KeyName::parse(&due.name).map_err(|error| Error::internal(error.to_string()))?;
    let Some(mut row) = call.txn.get(&KEYS, &due.name)? else { return Ok(()) };
    let mut key = row.key.clone().unwrap_or_default();
    let made = match policy::version(call, &name, &key) {
        Ok(()) => {
            let made = model::add_version(call, &name, &mut row)?;
            row.primary = row.last;
            call.notes.push(format!("{} is the new primary", made.name));
            Some(made)
        }
        Err(fault) if fault.code() == Code::Internal => return Err(fault),
        Err(refusal) => {
            call.notes.push(format!("{name} was not rotated: {}", refusal.message()));
            None
        }
    };
    key.next_rotation_time = model::rotation_period(&key).map(|period| due.at.plus(&period).to_proto());
    if let Some(next) = &key.next_rotation_time {
        due::schedule(call, Time::from_proto(next), ROTATE, &due.name)?;
    }
    row.key = Some(key);
    call.txn.put(&KEYS, &due.name, &row)?;
    match made {
        Some(made) => material::create(call, &made),
        None => Ok(()),
    }
}

/// Every version that should have material has it, or nothing is changed. Then interrupted destructions are completed,
/// and files that nobody knows are swept.
pub fn check_at_start(call: &mut Call) -> Result<()> {
    let mut known = BTreeSet::new();
    for (_, row) in call.txn.list(&VERSIONS, "")? {
        if row.state() == State::Destroyed {
            continue;
        }
        let file = Vault::file_name(&row.name);
        if !call.kernel.vault.holds(&row.name) && !call.txn.has(&DOOMED, &row.name)? {
            return Err(Error::failed_precondition(format!(
                "The data directory lacks vault/{file}, the key material of {} ({}). Nothing was changed.",
                row.name,
                row.state().as_str_name()
            )));
        }
        known.insert(file);
    }
    for (name, row) in call.txn.list(&DOOMED, "")? {
        let at = Time(row.number as i64);
        destroy(call, &name, at)?;
        call.txn.delete(&DOOMED, &name)?;
        due::cancel(call, at, SHRED, &name)?;
    }
    call.kernel.vault.sweep(|file| known.contains(file)).map_err(|error| Error::internal(format!("vault: {error}")))
}

/// 404 unless the ring or key of a policy is there.
pub fn require_exists(call: &mut Call, resource: &str) -> Result<()> {
    if resource.contains("/cryptoKeys/") {
        let name = model::key_name(call, resource)?;
        model::key(call, &name).map(|_| ())
    } else {
        let name = model::ring_name(call, resource)?;
        model::ring(call, &name).map(|_| ())
    }
}

/// A page of a project's keys, of all locations, in order of name.
pub fn keys_of(call: &Call, project: &str, size: usize, token: &str) -> Result<Page<CryptoKey>> {
    paging::page(&call.txn, &KEYS, &format!("projects/{project}/"), size, token, |name, row| {
        let name = KeyName::parse(name).map_err(|error| Error::internal(error.to_string()))?;
        model::render(call, &name, row).map(Some)
    })
}

/// Up to `limit` rings, keys or versions, of one project or of all, from a place on.
pub fn assets(call: &Call, kind: &'static str, project: Option<&str>, from: &str, limit: usize) -> Result<Vec<Asset>> {
    let prefix = project.map_or_else(|| "projects/".to_owned(), |project| format!("projects/{project}/"));
    let mut found: Vec<Asset> = Vec::new();
    let mut take = |asset| {
        found.push(asset);
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    };
    let micros = |time: Option<&prost_types::Timestamp>| time.map_or(0, |time| Time::from_proto(time).0);
    match kind {
        assets::KEY_RING => call.txn.each(&RINGS, &prefix, from, |place, row| {
            take(Asset { created: micros(row.create_time.as_ref()), ..asset(kind, place, place) })
        })?,
        assets::CRYPTO_KEY => call.txn.each(&KEYS, &prefix, from, |place, row| {
            let primary = KeyName::parse(place).ok().filter(|_| row.primary > 0).map(|key| key.version(row.primary));
            let primary = match primary {
                Some(version) => call.txn.get(&VERSIONS, &model::version_key(&version))?,
                None => None,
            };
            let key = row.key.unwrap_or_default();
            take(Asset {
                created: micros(key.create_time.as_ref()),
                state: primary.map(|version| version.state().as_str_name().to_owned()).unwrap_or_default(),
                attributes: [("purpose".to_owned(), key.purpose().as_str_name().to_owned())].into(),
                labels: key.labels,
                ..asset(kind, place, place)
            })
        })?,
        assets::CRYPTO_KEY_VERSION => call.txn.each(&VERSIONS, &prefix, from, |place, row| {
            take(Asset {
                created: micros(row.create_time.as_ref()),
                state: row.state().as_str_name().to_owned(),
                ..asset(kind, place, &row.name)
            })
        })?,
        _ => {}
    }
    Ok(found)
}

/// What a ring, key or version says by its name.
fn asset(kind: &'static str, place: &str, name: &str) -> Asset {
    let words: Vec<&str> = name.split('/').collect();
    let at = |index: usize| words.get(index).copied().unwrap_or_default().to_owned();
    let (parent, parent_kind) = match words.len() {
        8 => (format!("//cloudkms.googleapis.com/{}", words[..6].join("/")), assets::KEY_RING),
        10 => (format!("//cloudkms.googleapis.com/{}", words[..8].join("/")), assets::CRYPTO_KEY),
        _ => (format!("//cloudresourcemanager.googleapis.com/projects/{}", at(1)), assets::PROJECT),
    };
    Asset {
        place: place.to_owned(),
        kind,
        name: format!("//cloudkms.googleapis.com/{name}"),
        project: at(1),
        display_name: at(words.len() - 1),
        location: at(3),
        parent,
        parent_kind,
        ..Asset::default()
    }
}
