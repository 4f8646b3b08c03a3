//! Keys that customers supply with each request: never kept, only what tells a right one from a wrong one.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envelope::{Key, Sha256};

use super::rows::ObjectRow;
use crate::kernel::body::DataKey;
use crate::kernel::{Error, Result};
use crate::rest::{self, Request};

/// What a data key that such a key wraps is for.
const PURPOSE: &[u8] = b"customer-supplied";

#[derive(Clone, Debug)]
pub struct SuppliedKey {
    key: Key,
    /// Base64, as answers show it.
    pub sha256: String,
}

fn refused(reason: &str, message: &str) -> Error {
    Error::invalid_argument(message).with_reason(reason)
}

/// The three headers' names: of the object itself, and of a copy's source.
const OWN: [&str; 3] = ["x-goog-encryption-algorithm", "x-goog-encryption-key", "x-goog-encryption-key-sha256"];
const SOURCE: [&str; 3] = [
    "x-goog-copy-source-encryption-algorithm",
    "x-goog-copy-source-encryption-key",
    "x-goog-copy-source-encryption-key-sha256",
];

impl SuppliedKey {
    /// The key of a request, if it has one. Some of the three headers without the others are refused.
    pub fn of(request: &Request) -> Result<Option<Self>> {
        Self::from_headers(request, OWN)
    }

    /// The key of a copy's source.
    pub fn of_source(request: &Request) -> Result<Option<Self>> {
        Self::from_headers(request, SOURCE)
    }

    fn from_headers(request: &Request, names: [&str; 3]) -> Result<Option<Self>> {
        let [algorithm, key, hash] = names.map(|name| rest::header(request, name));
        if algorithm.is_none() && key.is_none() && hash.is_none() {
            return Ok(None);
        }
        if algorithm != Some("AES256") {
            return Err(refused(
                "customerEncryptionAlgorithmIsInvalid",
                "Missing an encryption algorithm, or the provided algorithm is not \"AES256.\"",
            ));
        }
        let key = key
            .and_then(|key| STANDARD.decode(key).ok())
            .and_then(|bytes| Key::from_slice(&bytes).ok())
            .ok_or_else(|| {
                refused(
                    "customerEncryptionKeyFormatIsInvalid",
                    "Missing an encryption key, or it is not base64 encoded, or it does not meet the required length of the encryption algorithm.",
                )
            })?;
        let mut sha256 = Sha256::new();
        sha256.update(key.as_bytes());
        let sha256 = sha256.finish();
        let given = hash.and_then(|hash| STANDARD.decode(hash).ok());
        if given.is_none_or(|given| verify_slices_are_equal(&given, &sha256).is_err()) {
            return Err(refused(
                "customerEncryptionKeySha256IsInvalid",
                "Missing a SHA256 hash of the encryption key, or it is not base64 encoded, or it does not match the encryption key.",
            ));
        }
        Ok(Some(Self { key, sha256: STANDARD.encode(sha256) }))
    }

    /// A data key under this key.
    pub fn wrap(&self, key: Key) -> Result<DataKey> {
        let wrapped =
            envelope::seal(&self.key, PURPOSE, key.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
        Ok(DataKey { key, wrapped: wrapped.into(), version: String::new() })
    }
}

/// The data key of an object that such a key protects.
pub fn unwrap(object: &ObjectRow, given: Option<&SuppliedKey>) -> Result<Key> {
    let Some(given) = given else {
        return Err(refused(
            "resourceIsEncryptedWithCustomerEncryptionKey",
            "The target object is encrypted by a customer-supplied encryption key.",
        ));
    };
    if given.sha256 != object.customer_key_sha256 {
        return Err(refused("customerEncryptionKeyIsIncorrect", "The provided encryption key is incorrect."));
    }
    envelope::open(&given.key, PURPOSE, &object.body.wrapped_key)
        .and_then(|bytes| Key::from_slice(&bytes))
        .map_err(|error| Error::internal(format!("a data key does not open: {error}")))
}

/// A key for an object that has none.
pub fn not_needed() -> Error {
    refused(
        "resourceNotEncryptedWithCustomerEncryptionKey",
        "The target object is not encrypted by a customer-supplied encryption key.",
    )
}
