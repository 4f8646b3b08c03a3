//! Key material: made from the system's random source, whatever the seed.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use envelope::Key;
use gcp_schema::kms::CryptoKeyVersion;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionAlgorithm as Algorithm;
use zeroize::Zeroizing;

use super::mac;
use crate::kernel::{Call, Error, Result};

fn failed<E>(_: E) -> Error {
    Error::internal("key material could not be made")
}

pub fn random(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    aws_lc_rs::rand::fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Makes and keeps the material of a new version. The last thing that a handler does: a file cannot be rolled back.
pub fn create(call: &Call, version: &CryptoKeyVersion) -> Result<()> {
    let material = match version.algorithm() {
        Algorithm::EcSignP256Sha256 => {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
            Zeroizing::new(document.map_err(failed)?.as_ref().to_vec())
        }
        other => match mac::algorithm(other) {
            Some(hmac) => random(hmac.digest_algorithm().output_len())?,
            None => random(32)?,
        },
    };
    call.kernel.vault.create(&version.name, material)
}

/// The material of a version as a symmetric key.
pub fn symmetric(call: &Call, version: &str) -> Result<Key> {
    Key::from_slice(&call.kernel.vault.get(version)?).map_err(|error| Error::internal(format!("{version}: {error}")))
}
