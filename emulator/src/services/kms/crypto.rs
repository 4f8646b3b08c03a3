//! Encrypt and Decrypt, and what they check on the way.

use envelope::crc32c;
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, GenerateRandomBytesRequest,
    GenerateRandomBytesResponse, ProtectionLevel,
};

use super::material::{self, symmetric};
use super::model;
use crate::kernel::{Call, Error, Result};

const LIMIT: usize = 65_536;
const HSM_LIMIT: usize = 8_192;
/// What our ciphertexts begin with; the key's tag follows in four bytes, the version's number in eight.
const MAGIC: u8 = 0xc5;
const HEADER: usize = 13;

/// A checksum as Cloud KMS writes it.
pub fn crc(data: &[u8]) -> Option<i64> {
    Some(i64::from(crc32c(data)))
}

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

pub fn check_size(field: &str, data: &[u8]) -> Result<()> {
    if data.len() <= LIMIT {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("The field {field} is {} bytes long; the maximum is {LIMIT}.", data.len())))
}

/// The limits of what a version takes: each field for itself in software, both together in an HSM.
fn check_hsm(level: ProtectionLevel, plaintext: &[u8], additional: &[u8]) -> Result<()> {
    let length = plaintext.len() + additional.len();
    if level != ProtectionLevel::Hsm || length <= HSM_LIMIT {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "The fields plaintext and additional_authenticated_data are {length} bytes long together; the maximum with the protection level HSM is {HSM_LIMIT}."
    )))
}

/// Tells ciphertexts of other keys, so that the state of a namesake version is not blamed for them.
fn tag(key: &str) -> [u8; 4] {
    crc32c(key.as_bytes()).to_be_bytes()
}

/// Binds a ciphertext to its key as well as to the caller's data.
fn bound(key: &str, additional: &[u8]) -> Vec<u8> {
    [key.as_bytes(), &[0], additional].concat()
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
    let name = key.to_string();
    let version = model::enabled(model::version(call, &key.version(number))?)?;
    check_hsm(version.protection_level(), &request.plaintext, &request.additional_authenticated_data)?;
    let sealed = envelope::seal(
        &symmetric(call, &version.name)?,
        &bound(&name, &request.additional_authenticated_data),
        &request.plaintext,
    )
    .map_err(|error| Error::internal(error.to_string()))?;
    let mut ciphertext = Vec::with_capacity(HEADER + sealed.len());
    ciphertext.push(MAGIC);
    ciphertext.extend_from_slice(&tag(&name));
    ciphertext.extend_from_slice(&number.to_be_bytes());
    ciphertext.extend_from_slice(&sealed);
    Ok(EncryptResponse {
        ciphertext_crc32c: crc(&ciphertext),
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

/// The version's number and what it sealed, of a ciphertext of this key.
fn parse<'a>(ciphertext: &'a [u8], key: &str) -> Option<(u64, &'a [u8])> {
    let (magic, rest) = ciphertext.split_first()?;
    let (found, rest) = rest.split_first_chunk()?;
    let (number, sealed) = rest.split_first_chunk()?;
    (*magic == MAGIC && *found == tag(key)).then(|| (u64::from_be_bytes(*number), sealed))
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
    let name = key.to_string();
    let (number, sealed) = parse(&request.ciphertext, &name).ok_or_else(undecipherable)?;
    let version =
        call.txn.get(&model::VERSIONS, &model::version_key(&key.version(number)))?.ok_or_else(undecipherable)?;
    let version = model::enabled(version)?;
    let plaintext =
        envelope::open(&symmetric(call, &version.name)?, &bound(&name, &request.additional_authenticated_data), sealed)
            .map_err(|_| undecipherable())?;
    Ok(DecryptResponse {
        plaintext_crc32c: crc(&plaintext),
        plaintext: plaintext.into(),
        used_primary: number == row.primary,
        protection_level: version.protection_level,
    })
}

pub fn random_bytes(call: &mut Call, request: GenerateRandomBytesRequest) -> Result<GenerateRandomBytesResponse> {
    model::location_parent(call, &request.location)?;
    if request.protection_level() != ProtectionLevel::Hsm {
        return Err(Error::invalid_argument("Random bytes are only generated with the protection level HSM."));
    }
    let length = usize::try_from(request.length_bytes).ok().filter(|length| (8..=1024).contains(length));
    let length = length.ok_or_else(|| Error::invalid_argument("length_bytes must be at least 8 and at most 1024."))?;
    let data = material::random(length)?.to_vec();
    Ok(GenerateRandomBytesResponse { data_crc32c: crc(&data), data: data.into() })
}
