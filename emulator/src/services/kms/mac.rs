//! MAC keys: HMAC over data, made and checked.

use aws_lc_rs::hmac::{self, Algorithm as Hmac};
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionAlgorithm as Algorithm;
use gcp_schema::kms::{CryptoKeyVersion, MacSignRequest, MacSignResponse, MacVerifyRequest, MacVerifyResponse};

use super::crypto::{check_crc, check_size, crc};
use super::model;
use crate::kernel::{Call, Error, Result};

pub fn algorithm(algorithm: Algorithm) -> Option<Hmac> {
    Some(match algorithm {
        Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::HmacSha224 => hmac::HMAC_SHA224,
        Algorithm::HmacSha256 => hmac::HMAC_SHA256,
        Algorithm::HmacSha384 => hmac::HMAC_SHA384,
        Algorithm::HmacSha512 => hmac::HMAC_SHA512,
        _ => return None,
    })
}

fn key(call: &mut Call, name: &str) -> Result<(CryptoKeyVersion, hmac::Key)> {
    let name = model::version_name(call, name)?;
    let version = model::usable(call, &name, CryptoKeyPurpose::Mac)?;
    let algorithm = algorithm(version.algorithm())
        .ok_or_else(|| Error::internal(format!("{name} has the algorithm {}", version.algorithm().as_str_name())))?;
    let material = call.kernel.vault.get(&version.name)?;
    Ok((version, hmac::Key::new(algorithm, &material)))
}

pub fn sign(call: &mut Call, request: MacSignRequest) -> Result<MacSignResponse> {
    check_size("data", &request.data)?;
    let checked = check_crc("data", &request.data, request.data_crc32c)?;
    let (version, key) = key(call, &request.name)?;
    let tag = hmac::sign(&key, &request.data);
    Ok(MacSignResponse {
        mac_crc32c: crc(tag.as_ref()),
        mac: tag.as_ref().to_vec().into(),
        name: version.name,
        verified_data_crc32c: checked,
        protection_level: version.protection_level,
    })
}

pub fn verify(call: &mut Call, request: MacVerifyRequest) -> Result<MacVerifyResponse> {
    check_size("data", &request.data)?;
    let data_checked = check_crc("data", &request.data, request.data_crc32c)?;
    let mac_checked = check_crc("mac", &request.mac, request.mac_crc32c)?;
    let (version, key) = key(call, &request.name)?;
    let success = hmac::verify(&key, &request.data, &request.mac).is_ok();
    Ok(MacVerifyResponse {
        name: version.name,
        success,
        verified_data_crc32c: data_checked,
        verified_mac_crc32c: mac_checked,
        verified_success_integrity: success,
        protection_level: version.protection_level,
    })
}
