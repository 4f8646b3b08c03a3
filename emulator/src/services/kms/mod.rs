//! Cloud KMS.
//!
//! Faithful: rings, keys, versions and their states; scheduled destruction and rotation by the clock; deletion of what is
//! spent and the names that stay taken; Encrypt and Decrypt with checksums and limits; HMAC keys; P-256 signing keys;
//! lists in order of name, filters; random bytes; the constraints on locations, protection levels, the time until
//! destruction and disabling before it; refusals with Google's texts and details. Material of a destroyed version is shredded before its state
//! changes.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`; keys of other purposes and algorithms; external protection levels; key
//! access justifications. Missing without a word: attestations; `versionView`; trusted wrapping.
//!
//! Our choices: HSM keys are kept in software. Changes take effect at once; an asymmetric version is PENDING_GENERATION
//! in the answer that makes it and ENABLED from the next call on. A version can be made primary in any state. An
//! import-only key never gets a version. A rotation that policy refuses is noted in the audit
//! trail and tried again after the next period. Nobody but the texts of the reference has said how wrong purpose, no
//! primary, the rules of rotation and the refusals of policy read. A failed decryption has one text. A ciphertext has a
//! form of our own: a byte, the key's tag, the version's number, and what AES-256-GCM made under a random nonce, bound to
//! the key's name.

mod api;
mod crypto;
mod deletion;
pub mod door;
mod listing;
mod mac;
mod material;
mod model;
mod policy;
mod rules;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct Kms;

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[
    "/google.cloud.kms.v1.Autokey/",
    "/google.cloud.kms.v1.AutokeyAdmin/",
    "/google.cloud.kms.v1.EkmService/",
    "/google.cloud.kms.v1.HsmManagement/",
    "/google.cloud.kms.v1.KeyManagementService/AsymmetricDecrypt",
    "/google.cloud.kms.v1.KeyManagementService/CreateImportJob",
    "/google.cloud.kms.v1.KeyManagementService/Decapsulate",
    "/google.cloud.kms.v1.KeyManagementService/GetImportJob",
    "/google.cloud.kms.v1.KeyManagementService/ImportCryptoKeyVersion",
    "/google.cloud.kms.v1.KeyManagementService/ListImportJobs",
    "/google.cloud.kms.v1.KeyManagementService/RawDecrypt",
    "/google.cloud.kms.v1.KeyManagementService/RawEncrypt",
];

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::kms::register_key_management_service(registry, &Arc::new(Kms));
}
