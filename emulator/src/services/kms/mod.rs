//! Cloud KMS.
//!
//! Faithful: rings, keys, versions and their states; scheduled destruction and rotation by the clock; Encrypt and Decrypt
//! with checksums and limits; HMAC keys; refusals with Google's texts and details. Material of a destroyed version is
//! shredded before its state changes.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`; keys of purposes other than ENCRYPT_DECRYPT and MAC; external protection
//! levels; list filters.
//!
//! Our choices: HSM keys are kept in software. Changes take effect at once. A version's ciphertext has a form of our own.

mod api;
mod crypto;
pub mod door;
mod mac;
mod model;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct Kms;

pub const GAPS: &[&str] = &[
    "/google.cloud.kms.v1.Autokey/",
    "/google.cloud.kms.v1.AutokeyAdmin/",
    "/google.cloud.kms.v1.EkmService/",
    "/google.cloud.kms.v1.HsmManagement/",
    "/google.cloud.kms.v1.KeyManagementService/AsymmetricDecrypt",
    "/google.cloud.kms.v1.KeyManagementService/AsymmetricSign",
    "/google.cloud.kms.v1.KeyManagementService/CreateImportJob",
    "/google.cloud.kms.v1.KeyManagementService/Decapsulate",
    "/google.cloud.kms.v1.KeyManagementService/DeleteCryptoKey",
    "/google.cloud.kms.v1.KeyManagementService/DeleteCryptoKeyVersion",
    "/google.cloud.kms.v1.KeyManagementService/GenerateRandomBytes",
    "/google.cloud.kms.v1.KeyManagementService/GetImportJob",
    "/google.cloud.kms.v1.KeyManagementService/GetPublicKey",
    "/google.cloud.kms.v1.KeyManagementService/GetRetiredResource",
    "/google.cloud.kms.v1.KeyManagementService/ImportCryptoKeyVersion",
    "/google.cloud.kms.v1.KeyManagementService/ListImportJobs",
    "/google.cloud.kms.v1.KeyManagementService/ListRetiredResources",
    "/google.cloud.kms.v1.KeyManagementService/RawDecrypt",
    "/google.cloud.kms.v1.KeyManagementService/RawEncrypt",
];

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::kms::register_key_management_service(registry, &Arc::new(Kms));
}
