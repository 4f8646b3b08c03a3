//! HMAC keys: which algorithm is which.

use aws_lc_rs::hmac::{self, Algorithm as Hmac};
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionAlgorithm as Algorithm;

pub fn hmac(algorithm: Algorithm) -> Option<Hmac> {
    Some(match algorithm {
        Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::HmacSha224 => hmac::HMAC_SHA224,
        Algorithm::HmacSha256 => hmac::HMAC_SHA256,
        Algorithm::HmacSha384 => hmac::HMAC_SHA384,
        Algorithm::HmacSha512 => hmac::HMAC_SHA512,
        _ => return None,
    })
}

pub fn sign(algorithm: Hmac, material: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, material), data).as_ref().to_vec()
}

pub fn verify(algorithm: Hmac, material: &[u8], data: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(algorithm, material), data, tag).is_ok()
}
