//! Cloud KMS.
//!
//! Faithful: rings, keys, versions and their states; scheduled destruction and rotation by the clock; deletion of what is
//! spent and the names that stay taken; Encrypt and Decrypt with checksums and limits; HMAC keys; P-256 signing keys;
//! list order and filters; refusals with Google's texts and details. Material of a destroyed version is shredded before
//! its state changes.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`; keys of other purposes and algorithms; external protection levels.
//! Missing without a word: the constraints `cloudkms.minimumDestroyScheduledDuration`,
//! `cloudkms.allowedProtectionLevels` and `gcp.resourceLocations`; attestations; `versionView`.
//!
//! Our choices: HSM keys are kept in software. Changes take effect at once, and asymmetric versions are ENABLED when they
//! are first answered. Nobody but the texts of the reference has said how wrong purpose, no primary and the rules of
//! rotation read. A failed decryption has one text. A ciphertext has a form of our own: a byte, the key's tag, the
//! version's number, and what AES-256-GCM made under a random nonce, bound to the key's name.

mod api;
mod crypto;
mod deletion;
pub mod door;
mod listing;
mod mac;
mod material;
mod model;
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
