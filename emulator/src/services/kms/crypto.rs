//! Encrypt and Decrypt, and what they check on the way.

use envelope::{Key, crc32c};
use gcp_names::{KeyName, KeyVersionName};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse};

use super::model;
use crate::kernel::{Call, Error, Result};

const LIMIT: usize = 65_536;
/// What our ciphertexts begin with; the version's number follows in eight bytes.
const MAGIC: u8 = 0xc5;
const HEADER: usize = 9;

/// A field's checksum, if it came, must be that of the data.
pub fn check_crc(field: &str, data: &[u8], given: Option<i64>) -> Result<bool> {
    match given {
        None => Ok(false),
        Some(given) if given == i64::from(crc32c(data)) => Ok(true),
        Some(_) => Err(Error::invalid_argument(format!(
            "The checksum in field {field}_crc32c did not match the data in field {field}."
        ))),
    }
}

fn check_size(field: &str, data: &[u8]) -> Result<()> {
    if data.len() <= LIMIT {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("The field {field} is {} bytes long; the maximum is {LIMIT}.", data.len())))
}

/// The material of a version as a symmetric key.
pub fn symmetric(call: &Call, version: &str) -> Result<Key> {
    let material = call.kernel.vault.get(version)?;
    Key::from_slice(&material[..32]).map_err(|error| Error::internal(error.to_string()))
}

/// Binds a ciphertext to its key as well as to the caller's data.
fn bound(key: &KeyName, additional: &[u8]) -> Vec<u8> {
    let mut aad = key.to_string().into_bytes();
    aad.push(0);
    aad.extend_from_slice(additional);
    aad
}

pub fn encrypt(call: &mut Call, request: EncryptRequest) -> Result<EncryptResponse> {
    check_size("plaintext", &request.plaintext)?;
    check_size("additional_authenticated_data", &request.additional_authenticated_data)?;
    let plaintext_checked = check_crc("plaintext", &request.plaintext, request.plaintext_crc32c)?;
    let additional_checked = check_crc(
        "additional_authenticated_data",
        &request.additional_authenticated_data,
        request.additional_authenticated_data_crc32c,
    )?;
    let (key, asked) = if request.name.contains("/cryptoKeyVersions/") {
        let version = model::version_name(call, &request.name)?;
        (version.key, Some(version.version))
    } else {
        (model::key_name(call, &request.name)?, None)
    };
    let row = model::key(call, &key)?;
    let purpose = model::purpose(&row);
    if purpose != CryptoKeyPurpose::EncryptDecrypt {
        return Err(model::wrong_purpose(&key, purpose));
    }
    let number = match asked {
        Some(number) => number,
        None if row.primary == 0 => {
            return Err(Error::failed_precondition(format!("{key} does not have a primary version.")));
        }
        None => row.primary,
    };
    let name = key.version(number);
    let version = model::version(call, &name)?;
    if model::state(&version) != State::Enabled {
        return Err(model::not_enabled(&version.name, model::state(&version)));
    }
    let sealed = envelope::seal(
        &symmetric(call, &version.name)?,
        &bound(&key, &request.additional_authenticated_data),
        &request.plaintext,
    )
    .map_err(|error| Error::internal(error.to_string()))?;
    let mut ciphertext = Vec::with_capacity(HEADER + sealed.len());
    ciphertext.push(MAGIC);
    ciphertext.extend_from_slice(&number.to_be_bytes());
    ciphertext.extend_from_slice(&sealed);
    Ok(EncryptResponse {
        ciphertext_crc32c: Some(i64::from(crc32c(&ciphertext))),
        ciphertext: ciphertext.into(),
        name: version.name,
        verified_plaintext_crc32c: plaintext_checked,
        verified_additional_authenticated_data_crc32c: additional_checked,
        protection_level: version.protection_level,
    })
}

fn undecipherable() -> Error {
    Error::invalid_argument("Decryption failed: verify that 'name' refers to the correct CryptoKey.")
}

pub fn decrypt(call: &mut Call, request: DecryptRequest) -> Result<DecryptResponse> {
    check_size("additional_authenticated_data", &request.additional_authenticated_data)?;
    check_crc("ciphertext", &request.ciphertext, request.ciphertext_crc32c)?;
    check_crc(
        "additional_authenticated_data",
        &request.additional_authenticated_data,
        request.additional_authenticated_data_crc32c,
    )?;
    let key = model::key_name(call, &request.name)?;
    let row = model::key(call, &key)?;
    let purpose = model::purpose(&row);
    if purpose != CryptoKeyPurpose::EncryptDecrypt {
        return Err(model::wrong_purpose(&key, purpose));
    }
    let (header, sealed) = request.ciphertext.split_at_checked(HEADER).ok_or_else(undecipherable)?;
    let number = match header.split_first() {
        Some((&MAGIC, number)) => u64::from_be_bytes(number.try_into().map_err(|_| undecipherable())?),
        _ => return Err(undecipherable()),
    };
    let name: KeyVersionName = key.version(number);
    let version = call.txn.get(&model::VERSIONS, &model::version_key(&name))?.ok_or_else(undecipherable)?;
    if model::state(&version) != State::Enabled {
        return Err(model::not_enabled(&version.name, model::state(&version)));
    }
    let plaintext = envelope::open(
        &symmetric(call, &version.name)?,
        &bound(&key, &request.additional_authenticated_data),
        sealed,
    )
    .map_err(|_| undecipherable())?;
    Ok(DecryptResponse {
        plaintext_crc32c: Some(i64::from(crc32c(&plaintext))),
        plaintext: plaintext.into(),
        used_primary: number == row.primary,
        protection_level: version.protection_level,
    })
}
