//! Rings, keys and versions: rows and the rules between them.

use gcp_names::{KeyName, KeyRingName, KeyVersionName, location};
use gcp_schema::kms::crypto_key::{CryptoKeyPurpose, RotationSchedule};
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{CryptoKey, CryptoKeyVersion, KeyRing};
use gcp_schema::{Detail, Violation};
use prost::Message;

use crate::doors;
use crate::kernel::table::{NumberRow, ids};
use crate::kernel::{Call, Error, Result, Table, Time, due};

pub static RINGS: Table<KeyRing> = Table::new(ids::KMS);
pub static KEYS: Table<KeyRow> = Table::new(ids::KMS + 1);
pub static VERSIONS: Table<CryptoKeyVersion> = Table::new(ids::KMS + 2);
/// Versions whose shredding has begun, by name, and the moment of their destruction in microseconds. On disk before the
/// first byte is overwritten, so that material lost to an interrupted shredding is told from material lost otherwise.
pub static DOOMED: Table<NumberRow> = Table::new(ids::KMS + 3);

/// The time to destroy a version has come: from now on it is doomed.
pub const DESTROY: &str = "kms.destroy";
/// A doomed version is to be shredded.
pub const SHRED: &str = "kms.shred";
pub const ROTATE: &str = "kms.rotate";
/// A version that was made PENDING_GENERATION is ready.
pub const GENERATE: &str = "kms.generate";

/// A key as stored: the message without its primary, which is a live copy of a version.
#[derive(Clone, PartialEq, Message)]
pub struct KeyRow {
    #[prost(message, optional, tag = "1")]
    pub key: Option<CryptoKey>,
    /// Zero: none.
    #[prost(uint64, tag = "2")]
    pub primary: u64,
    /// The number that the last version got; numbers are never used again.
    #[prost(uint64, tag = "3")]
    pub last: u64,
}

/// Rows of versions sort by number.
pub fn version_key(name: &KeyVersionName) -> String {
    format!("{}/cryptoKeyVersions/{:010}", name.key, name.version)
}

fn malformed(name: &str) -> Error {
    Error::invalid_argument(format!("Resource name [{name}] is malformed."))
}

pub fn ring_name(call: &mut Call, name: &str) -> Result<KeyRingName> {
    let name = doors::canonical(call, name)?;
    let ring = KeyRingName::parse(&name).map_err(|_| malformed(&name))?;
    check_location(&ring.location)?;
    Ok(ring)
}

pub fn key_name(call: &mut Call, name: &str) -> Result<KeyName> {
    let name = doors::canonical(call, name)?;
    let key = KeyName::parse(&name).map_err(|_| malformed(&name))?;
    check_location(&key.location)?;
    Ok(key)
}

pub fn version_name(call: &mut Call, name: &str) -> Result<KeyVersionName> {
    let name = doors::canonical(call, name)?;
    let version = KeyVersionName::parse(&name).map_err(|_| malformed(&name))?;
    check_location(&version.key.location)?;
    Ok(version)
}

/// `projects/p/locations/l`, of a location that there is.
pub fn location_parent(call: &mut Call, parent: &str) -> Result<String> {
    let parent = doors::canonical(call, parent)?;
    match parent.split('/').collect::<Vec<_>>()[..] {
        ["projects", project, "locations", location] if !project.is_empty() => {
            check_location(location)?;
            Ok(parent)
        }
        _ => Err(malformed(&parent)),
    }
}

fn check_location(location: &str) -> Result<()> {
    if location::is_key_location(location) {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "The request concerns location '{location}' but was sent to location 'global'. Cloud KMS resources are not available in '{location}'."
    )))
}

pub fn ring(call: &Call, name: &KeyRingName) -> Result<KeyRing> {
    call.txn.get(&RINGS, &name.to_string())?.ok_or_else(|| Error::not_found(format!("KeyRing {name} not found.")))
}

pub fn key(call: &Call, name: &KeyName) -> Result<KeyRow> {
    call.txn.get(&KEYS, &name.to_string())?.ok_or_else(|| Error::not_found(format!("CryptoKey {name} not found.")))
}

pub fn version(call: &Call, name: &KeyVersionName) -> Result<CryptoKeyVersion> {
    call.txn
        .get(&VERSIONS, &version_key(name))?
        .ok_or_else(|| Error::not_found(format!("CryptoKeyVersion {name} not found.")))
}

pub fn put_version(call: &mut Call, name: &KeyVersionName, row: &CryptoKeyVersion) -> Result<()> {
    call.txn.put(&VERSIONS, &version_key(name), row)
}

/// A version that may be used now for what its key is for.
pub fn usable(call: &Call, name: &KeyVersionName, wanted: CryptoKeyPurpose) -> Result<CryptoKeyVersion> {
    let purpose = purpose(&key(call, &name.key)?);
    if purpose != wanted {
        return Err(wrong_purpose(&name.key, purpose));
    }
    enabled(version(call, name)?)
}

pub fn enabled(version: CryptoKeyVersion) -> Result<CryptoKeyVersion> {
    match version.state() {
        State::Enabled => Ok(version),
        state => Err(not_enabled(&version.name, state)),
    }
}

pub fn purpose(row: &KeyRow) -> CryptoKeyPurpose {
    row.key.as_ref().map(CryptoKey::purpose).unwrap_or_default()
}

/// The key as callers see it, with the primary as it is now.
pub fn render(call: &Call, name: &KeyName, row: KeyRow) -> Result<CryptoKey> {
    let mut key = row.key.unwrap_or_default();
    if row.primary > 0 {
        key.primary = Some(version(call, &name.version(row.primary))?);
    }
    Ok(key)
}

/// The refusal of a version that cannot be used.
pub fn not_enabled(name: &str, state: State) -> Error {
    let state = state.as_str_name();
    Error::failed_precondition(format!("{name} is not enabled, current state is: {state}.")).with_detail(
        Detail::PreconditionFailure(vec![Violation {
            kind: format!("KEY_{state}"),
            subject: name.to_owned(),
            description: String::new(),
        }]),
    )
}

/// The refusal of a move that the state does not allow.
pub fn wrong_state(name: &KeyVersionName, state: State) -> Error {
    Error::failed_precondition(format!(
        "The request cannot be fulfilled. Resource {name} has value {} in field crypto_key_version.state.",
        state.as_str_name()
    ))
}

pub fn wrong_purpose(name: &KeyName, purpose: CryptoKeyPurpose) -> Error {
    Error::failed_precondition(format!(
        "The request cannot be fulfilled. Resource {name} has value {} in field crypto_key.purpose.",
        purpose.as_str_name()
    ))
}

/// Makes the next version of a key. The caller stores `row` and, last of all, has the material made. What is asymmetric
/// is pending until the next call, as production takes its time to generate it.
pub fn add_version(call: &mut Call, name: &KeyName, row: &mut KeyRow) -> Result<CryptoKeyVersion> {
    row.last += 1;
    let version = name.version(row.last);
    let template = row.key.as_ref().and_then(|key| key.version_template).unwrap_or_default();
    let now = call.now.to_proto();
    let pending = purpose(row) == CryptoKeyPurpose::AsymmetricSign;
    let made = CryptoKeyVersion {
        name: version.to_string(),
        state: if pending { State::PendingGeneration } else { State::Enabled } as i32,
        protection_level: template.protection_level,
        algorithm: template.algorithm,
        create_time: Some(now),
        generate_time: (!pending).then_some(now),
        ..CryptoKeyVersion::default()
    };
    put_version(call, &version, &made)?;
    if pending {
        due::schedule(call, call.now, GENERATE, &version.to_string())?;
    }
    Ok(made)
}

/// Puts the key's rotation on the clock, or takes it off. Without a period it rotates once.
pub fn reschedule(call: &mut Call, name: &KeyName, before: Option<&CryptoKey>, after: &CryptoKey) -> Result<()> {
    let at = |key: &CryptoKey| key.next_rotation_time.as_ref().map(Time::from_proto);
    let (before, after) = (before.and_then(at), at(after));
    if before == after {
        return Ok(());
    }
    if let Some(time) = before {
        due::cancel(call, time, ROTATE, &name.to_string())?;
    }
    if let Some(time) = after {
        due::schedule(call, time, ROTATE, &name.to_string())?;
    }
    Ok(())
}

pub fn rotation_period(key: &CryptoKey) -> Option<prost_types::Duration> {
    key.rotation_schedule.map(|RotationSchedule::RotationPeriod(period)| period)
}
