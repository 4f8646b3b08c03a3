//! What other services ask of Cloud KMS, as their agents.

use std::collections::BTreeSet;

use envelope::Key;
use gcp_names::{KeyName, KeyVersionName};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;

use super::model::{self, DESTROY, KEYS, ROTATE, VERSIONS};
use super::crypto;
use crate::doors;
use crate::kernel::body::DataKey;
use crate::kernel::due::{self, Due};
use crate::kernel::vault::Vault;
use crate::kernel::{Call, Error, Result, Time};

const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";
const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";

/// Why a key could not be used; each service says it in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// The agent has no grant that covers the key, which may not even exist.
    Denied { key: String },
    /// Only an agent with a grant above the key learns this.
    NotFound { key: String },
    WrongPurpose { key: String, purpose: String },
    /// `state` is the version's state name (`DISABLED`, `DESTROY_SCHEDULED`, `DESTROYED`).
    NotEnabled { version: String, state: String },
    NoPrimary { key: String },
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

pub fn wrap(call: &mut Call, key: &KeyName, agent: &str) -> std::result::Result<DataKey, KeyRefusal> {
    let name = key.to_string();
    if !doors::allowed(call, agent, ENCRYPT, &name)? {
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
    if model::state(&version) != State::Enabled {
        return Err(not_enabled(version.name.clone(), model::state(&version)));
    }
    let data_key = Key::generate().map_err(|error| Error::internal(error.to_string()))?;
    let wrapped = envelope::seal(&crypto::symmetric(call, &version.name)?, version.name.as_bytes(), data_key.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(DataKey { key: data_key, wrapped: wrapped.into(), version: version.name })
}

pub fn unwrap(call: &mut Call, version: &str, wrapped: &[u8], agent: &str) -> std::result::Result<Key, KeyRefusal> {
    let name = KeyVersionName::parse(version).map_err(|error| Error::internal(error.to_string()))?;
    let key = name.key.to_string();
    if !doors::allowed(call, agent, DECRYPT, &key)? {
        return Err(KeyRefusal::Denied { key });
    }
    let Some(row) = call.txn.get(&VERSIONS, &model::version_key(&name))? else {
        return Err(KeyRefusal::NotFound { key });
    };
    if model::state(&row) != State::Enabled {
        return Err(not_enabled(row.name.clone(), model::state(&row)));
    }
    let opened = envelope::open(&crypto::symmetric(call, version)?, version.as_bytes(), wrapped)
        .map_err(|error| Error::internal(format!("a data key does not open: {error}")))?;
    Key::from_slice(&opened).map_err(|error| KeyRefusal::Fault(Error::internal(error.to_string())))
}

/// Destruction and rotation by the clock.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    match due.kind.as_str() {
        DESTROY => destroy(call, due),
        ROTATE => rotate(call, due),
        other => Err(Error::internal(format!("Cloud KMS knows nothing of {other}"))),
    }
}

fn destroy(call: &mut Call, due: &Due) -> Result<()> {
    let name = KeyVersionName::parse(&due.name).map_err(|error| Error::internal(error.to_string()))?;
    let mut row = model::version(call, &name)?;
    // The material first: a crash between the two leaves a version that is due again, and shredding again is no error.
    call.kernel.vault.shred(&row.name)?;
    row.state = State::Destroyed as i32;
    row.destroy_time = None;
    row.destroy_event_time = Some(due.at.to_proto());
    call.notes.push(format!("{} is destroyed", row.name));
    model::put_version(call, &name, &row)
}

fn rotate(call: &mut Call, due: &Due) -> Result<()> {
    let name = KeyName::parse(&due.name).map_err(|error| Error::internal(error.to_string()))?;
    let mut row = model::key(call, &name)?;
    let made = model::add_version(call, &name, &mut row)?;
    row.primary = row.last;
    call.notes.push(format!("{} is the new primary", made.name));
    let mut key = row.key.clone().unwrap_or_default();
    key.next_rotation_time = model::rotation_period(&key).map(|period| due.at.plus(&period).to_proto());
    if let Some(next) = &key.next_rotation_time {
        due::schedule(call, Time::from_proto(next), ROTATE, &due.name)?;
    }
    row.key = Some(key);
    call.txn.put(&KEYS, &due.name, &row)
}

/// Every version that should have material has it; what nobody knows is swept.
pub fn check_at_start(call: &mut Call) -> Result<()> {
    let mut known = BTreeSet::new();
    for (_, row) in call.txn.list(&VERSIONS, "")? {
        let state = model::state(&row);
        known.insert(Vault::file_name(&row.name));
        if state == State::Destroyed {
            call.kernel.vault.shred(&row.name)?;
            continue;
        }
        let overdue = row.destroy_time.as_ref().is_some_and(|at| Time::from_proto(at) <= call.now);
        if !overdue && !call.kernel.vault.holds(&row.name) {
            return Err(Error::failed_precondition(format!(
                "The data directory lacks vault/{}, the key material of {}. Nothing was changed.",
                Vault::file_name(&row.name),
                row.name
            )));
        }
    }
    call.kernel
        .vault
        .sweep(|file| known.contains(file))
        .map_err(|error| Error::internal(format!("vault: {error}")))
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
