//! Rings, keys and versions: rows and the rules between them.

use gcp_names::{KeyName, KeyRingName, KeyVersionName, location};
use gcp_schema::kms::crypto_key::{CryptoKeyPurpose, RotationSchedule};
use gcp_schema::kms::crypto_key_version::{CryptoKeyVersionAlgorithm as Algorithm, CryptoKeyVersionState as State};
use gcp_schema::kms::{CryptoKey, CryptoKeyVersion, KeyRing, ProtectionLevel};
use gcp_schema::{Detail, Violation};
use prost::Message;
use zeroize::Zeroizing;

use crate::doors;
use crate::kernel::table::ids;
use crate::kernel::{Call, Error, Result, Table, due};

pub static RINGS: Table<KeyRing> = Table::new(ids::KMS);
pub static KEYS: Table<KeyRow> = Table::new(ids::KMS + 1);
pub static VERSIONS: Table<CryptoKeyVersion> = Table::new(ids::KMS + 2);

pub const DESTROY: &str = "kms.destroy";
pub const ROTATE: &str = "kms.rotate";

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

pub fn check_location(location: &str) -> Result<()> {
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

pub fn state(row: &CryptoKeyVersion) -> State {
    State::try_from(row.state).unwrap_or(State::Unspecified)
}

pub fn purpose(row: &KeyRow) -> CryptoKeyPurpose {
    row.key.as_ref().and_then(|key| CryptoKeyPurpose::try_from(key.purpose).ok()).unwrap_or_default()
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

/// Makes the next version of a key with fresh material; the caller stores `row`.
pub fn add_version(call: &mut Call, name: &KeyName, row: &mut KeyRow) -> Result<CryptoKeyVersion> {
    row.last += 1;
    let version = name.version(row.last);
    let template = row.key.as_ref().and_then(|key| key.version_template.clone()).unwrap_or_default();
    let now = call.now.to_proto();
    let made = CryptoKeyVersion {
        name: version.to_string(),
        state: State::Enabled as i32,
        protection_level: template.protection_level,
        algorithm: template.algorithm,
        create_time: Some(now),
        generate_time: Some(now),
        ..CryptoKeyVersion::default()
    };
    put_version(call, &version, &made)?;
    // 64 bytes serve the longest HMAC key; symmetric keys take the first 32.
    let mut material = Zeroizing::new(vec![0; 64]);
    aws_lc_rs::rand::fill(&mut material).map_err(|_| Error::internal("the system's random source failed"))?;
    call.kernel.vault.create(&made.name, material)?;
    Ok(made)
}

/// Puts the key's rotation on the clock, or takes it off.
pub fn reschedule(call: &mut Call, name: &KeyName, before: Option<&CryptoKey>, after: Option<&CryptoKey>) -> Result<()> {
    use crate::kernel::Time;
    let at = |key: Option<&CryptoKey>| {
        key.filter(|key| key.rotation_schedule.is_some()).and_then(|key| key.next_rotation_time.as_ref()).map(Time::from_proto)
    };
    let (before, after) = (at(before), at(after));
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
    match key.rotation_schedule {
        Some(RotationSchedule::RotationPeriod(period)) => Some(period),
        None => None,
    }
}

/// What a new key may ask for, with its defaults filled in.
pub fn complete(call: &Call, mut key: CryptoKey) -> Result<CryptoKey> {
    let purpose = CryptoKeyPurpose::try_from(key.purpose).unwrap_or_default();
    let mut template = key.version_template.clone().unwrap_or_default();
    let default_algorithm = match purpose {
        CryptoKeyPurpose::EncryptDecrypt => Algorithm::GoogleSymmetricEncryption,
        CryptoKeyPurpose::Mac => Algorithm::Unspecified,
        CryptoKeyPurpose::Unspecified => return Err(Error::invalid_argument("CryptoKey.purpose is required.")),
        other => {
            return Err(Error::new(
                gcp_schema::Code::Unimplemented,
                format!("Keys of purpose {} are not implemented by this emulator; ENCRYPT_DECRYPT and MAC are.", other.as_str_name()),
            ));
        }
    };
    if template.algorithm == Algorithm::Unspecified as i32 {
        template.algorithm = default_algorithm as i32;
    }
    let algorithm = Algorithm::try_from(template.algorithm).unwrap_or_default();
    let fits = match purpose {
        CryptoKeyPurpose::Mac => super::mac::hmac(algorithm).is_some(),
        _ => algorithm == Algorithm::GoogleSymmetricEncryption,
    };
    if !fits {
        return Err(Error::invalid_argument(format!(
            "The algorithm {} does not fit the purpose {}.",
            algorithm.as_str_name(),
            purpose.as_str_name()
        )));
    }
    match ProtectionLevel::try_from(template.protection_level) {
        Ok(ProtectionLevel::Unspecified) => template.protection_level = ProtectionLevel::Software as i32,
        Ok(ProtectionLevel::Software | ProtectionLevel::Hsm) => {}
        _ => {
            return Err(Error::new(
                gcp_schema::Code::Unimplemented,
                "External protection levels are not implemented by this emulator; SOFTWARE and HSM are.",
            ));
        }
    }
    key.version_template = Some(template);
    let duration = key.destroy_scheduled_duration.get_or_insert(prost_types::Duration { seconds: 2_592_000, nanos: 0 });
    if !(86_400..=10_368_000).contains(&duration.seconds) {
        return Err(Error::invalid_argument(
            "destroy_scheduled_duration must be at least 24 hours and at most 120 days.",
        ));
    }
    check_rotation(call, &key, purpose)?;
    check_labels(&key)?;
    key.primary = None;
    key.create_time = Some(call.now.to_proto());
    Ok(key)
}

pub fn check_rotation(call: &Call, key: &CryptoKey, purpose: CryptoKeyPurpose) -> Result<()> {
    let next = key.next_rotation_time.as_ref().map(crate::kernel::Time::from_proto);
    let period = rotation_period(key);
    if (period.is_some() || next.is_some()) && purpose != CryptoKeyPurpose::EncryptDecrypt {
        return Err(Error::invalid_argument("Only keys of purpose ENCRYPT_DECRYPT can rotate."));
    }
    if let Some(period) = period {
        if !(86_400..=3_153_600_000).contains(&period.seconds) {
            return Err(Error::invalid_argument("rotation_period must be at least 24 hours and at most 876,000 hours."));
        }
        if next.is_none() {
            return Err(Error::invalid_argument("next_rotation_time must be set when rotation_period is."));
        }
    }
    if next.is_some_and(|next| next <= call.now) {
        return Err(Error::invalid_argument("next_rotation_time must be in the future."));
    }
    Ok(())
}

pub fn check_labels(key: &CryptoKey) -> Result<()> {
    let fits = |text: &str| {
        text.len() <= 63 && text.chars().all(|c| c.is_lowercase() || c.is_numeric() || matches!(c, '_' | '-') || (c.is_alphabetic() && !c.is_uppercase()))
    };
    if key.labels.len() > 64 || key.labels.iter().any(|(name, value)| name.is_empty() || !fits(name) || !fits(value)) {
        return Err(Error::invalid_argument(
            "Invalid labels: at most 64, with keys and values of at most 63 lower-case letters, digits, dashes and underscores.",
        ));
    }
    Ok(())
}
