//! What a new or changed key may ask for: purpose and algorithm, protection, durations, rotation, labels.

use gcp_schema::Code;
use gcp_schema::kms::crypto_key::CryptoKeyPurpose as Purpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionAlgorithm as Algorithm;
use gcp_schema::kms::{CryptoKey, ProtectionLevel};

use super::{mac, model};
use crate::kernel::{Call, Error, Result, Time, time};

const DAY: i64 = 86_400;
const DEFAULT_DESTROY_SCHEDULED: i64 = 30 * DAY;

fn unimplemented(what: impl std::fmt::Display) -> Error {
    Error::new(Code::Unimplemented, format!("{what} not implemented by this emulator."))
}

/// The value of an enum's number. One that only the descriptors know is newer than the emulator; any other is none.
fn value<E: TryFrom<i32>>(number: i32, kind: &str, field: &str, what: &str) -> Result<E> {
    E::try_from(number).map_err(|_| {
        let known = gcp_schema::enumeration(&format!("google.cloud.kms.v1.{kind}"));
        match known.and_then(|known| known.get_value(number)) {
            Some(newer) => unimplemented(format_args!("{what} {} are", newer.name())),
            None => Error::invalid_argument(format!("Invalid value at '{field}': {number} is no {kind}.")),
        }
    })
}

fn purpose(number: i32) -> Result<Purpose> {
    value(number, "CryptoKey.CryptoKeyPurpose", "crypto_key.purpose", "Keys of purpose")
}

pub fn algorithm(number: i32) -> Result<Algorithm> {
    let field = "crypto_key.version_template.algorithm";
    value(number, "CryptoKeyVersion.CryptoKeyVersionAlgorithm", field, "Keys with the algorithm")
}

fn protection_level(number: i32) -> Result<ProtectionLevel> {
    let field = "crypto_key.version_template.protection_level";
    value(number, "ProtectionLevel", field, "Keys of protection level")
}

pub fn check_justifications(key: &CryptoKey) -> Result<()> {
    match key.key_access_justifications_policy {
        Some(_) => Err(unimplemented("Key access justifications are")),
        None => Ok(()),
    }
}

/// The purpose that an algorithm serves, told by its name as Google's are formed.
fn purpose_of(algorithm: Algorithm) -> Purpose {
    let name = algorithm.as_str_name();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&["GOOGLE_SYMMETRIC_", "EXTERNAL_SYMMETRIC_"]) {
        Purpose::EncryptDecrypt
    } else if starts(&["EC_SIGN_", "RSA_SIGN_", "PQ_SIGN_"]) {
        Purpose::AsymmetricSign
    } else if starts(&["RSA_DECRYPT_"]) {
        Purpose::AsymmetricDecrypt
    } else if starts(&["HMAC_"]) {
        Purpose::Mac
    } else if starts(&["AES_128_", "AES_256_"]) && !name.ends_with("_KWP") {
        Purpose::RawEncryptDecrypt
    } else {
        Purpose::Unspecified
    }
}

/// INVALID_ARGUMENT when the algorithm belongs to another purpose, UNIMPLEMENTED when only the emulator lacks it.
pub fn check_algorithm(purpose: Purpose, algorithm: Algorithm) -> Result<()> {
    if purpose_of(algorithm) != purpose {
        return Err(Error::invalid_argument(format!(
            "The algorithm {} cannot be used with the purpose {}.",
            algorithm.as_str_name(),
            purpose.as_str_name()
        )));
    }
    match algorithm {
        Algorithm::GoogleSymmetricEncryption | Algorithm::EcSignP256Sha256 => Ok(()),
        _ if mac::algorithm(algorithm).is_some() => Ok(()),
        _ => Err(unimplemented(format_args!("Keys with the algorithm {} are", algorithm.as_str_name()))),
    }
}

/// A new key with its defaults filled in.
pub fn complete(call: &Call, mut key: CryptoKey) -> Result<CryptoKey> {
    let purpose = purpose(key.purpose)?;
    match purpose {
        Purpose::EncryptDecrypt | Purpose::Mac | Purpose::AsymmetricSign => {}
        Purpose::Unspecified => return Err(Error::invalid_argument("CryptoKey.purpose is required.")),
        other => return Err(unimplemented(format_args!("Keys of purpose {} are", other.as_str_name()))),
    }
    let mut template = key.version_template.take().unwrap_or_default();
    match algorithm(template.algorithm)? {
        Algorithm::Unspecified if purpose == Purpose::EncryptDecrypt => {
            template.set_algorithm(Algorithm::GoogleSymmetricEncryption);
        }
        Algorithm::Unspecified => {
            return Err(Error::invalid_argument(format!(
                "CryptoKey.version_template.algorithm is required with the purpose {}.",
                purpose.as_str_name()
            )));
        }
        given => check_algorithm(purpose, given)?,
    }
    match protection_level(template.protection_level)? {
        ProtectionLevel::Unspecified => template.set_protection_level(ProtectionLevel::Software),
        ProtectionLevel::Software | ProtectionLevel::Hsm => {}
        other => return Err(unimplemented(format_args!("Keys of protection level {} are", other.as_str_name()))),
    }
    key.version_template = Some(template);
    check_justifications(&key)?;
    if !key.crypto_key_backend.is_empty() {
        return Err(Error::invalid_argument(
            "CryptoKey.crypto_key_backend is for keys of protection level EXTERNAL_VPC or HSM_SINGLE_TENANT.",
        ));
    }
    let least = if key.import_only { 0 } else { DAY };
    let duration = key
        .destroy_scheduled_duration
        .get_or_insert(prost_types::Duration { seconds: DEFAULT_DESTROY_SCHEDULED, nanos: 0 });
    if !within(duration, least, 120 * DAY) {
        return Err(Error::invalid_argument(
            "CryptoKey.destroy_scheduled_duration must be at least 24 hours and at most 120 days.",
        ));
    }
    check_rotation(call, &key)?;
    check_labels(&key)?;
    key.primary = None;
    key.create_time = Some(call.now.to_proto());
    Ok(key)
}

fn within(duration: &prost_types::Duration, least: i64, most: i64) -> bool {
    time::is_duration(duration) && duration.seconds >= least && (duration.seconds, duration.nanos) <= (most, 0)
}

pub fn check_rotation(call: &Call, key: &CryptoKey) -> Result<()> {
    let next = key.next_rotation_time.as_ref().map(Time::from_proto);
    let period = model::rotation_period(key);
    if (period.is_some() || next.is_some()) && key.purpose() != Purpose::EncryptDecrypt {
        return Err(Error::invalid_argument("Only keys of purpose ENCRYPT_DECRYPT can rotate."));
    }
    if let Some(period) = period {
        if !within(&period, DAY, 876_000 * 3600) {
            return Err(Error::invalid_argument(
                "CryptoKey.rotation_period must be at least 24 hours and at most 876,000 hours.",
            ));
        }
        if next.is_none() {
            return Err(Error::invalid_argument(
                "CryptoKey.next_rotation_time must be set when CryptoKey.rotation_period is.",
            ));
        }
    }
    if key.next_rotation_time.as_ref().is_some_and(|next| !time::is_timestamp(next)) {
        return Err(Error::invalid_argument("CryptoKey.next_rotation_time is no time between the years 1 and 9999."));
    }
    if next.is_some_and(|next| next <= call.now) {
        return Err(Error::invalid_argument("CryptoKey.next_rotation_time must be in the future."));
    }
    Ok(())
}

pub fn check_labels(key: &CryptoKey) -> Result<()> {
    let fits = |text: &str| {
        text.chars().count() <= 63
            && text.chars().all(|c| matches!(c, '_' | '-') || c.is_alphanumeric() && !c.is_uppercase())
    };
    if key.labels.len() > 64 || key.labels.iter().any(|(name, value)| name.is_empty() || !fits(name) || !fits(value)) {
        return Err(Error::invalid_argument(
            "Invalid labels: at most 64, with keys and values of at most 63 lower-case letters, digits, dashes and underscores.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_of_another_purpose_is_told_from_one_that_we_lack() {
        let code = |purpose, algorithm| check_algorithm(purpose, algorithm).map_err(|error| error.code());
        assert_eq!(code(Purpose::EncryptDecrypt, Algorithm::GoogleSymmetricEncryption), Ok(()));
        assert_eq!(code(Purpose::AsymmetricSign, Algorithm::EcSignP256Sha256), Ok(()));
        assert_eq!(code(Purpose::Mac, Algorithm::HmacSha512), Ok(()));
        assert_eq!(code(Purpose::Mac, Algorithm::EcSignP256Sha256), Err(Code::InvalidArgument));
        assert_eq!(code(Purpose::EncryptDecrypt, Algorithm::Aes256Gcm), Err(Code::InvalidArgument));
        assert_eq!(code(Purpose::AsymmetricSign, Algorithm::RsaSignPss2048Sha256), Err(Code::Unimplemented));
        assert_eq!(code(Purpose::EncryptDecrypt, Algorithm::ExternalSymmetricEncryption), Err(Code::Unimplemented));
    }
}
