//! Signing keys: a signature over a digest or over data, and the public key that checks it.

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::public_key::PublicKeyFormat;
use gcp_schema::kms::{
    AsymmetricSignRequest, AsymmetricSignResponse, ChecksummedData, CryptoKeyVersion, GetPublicKeyRequest, PublicKey,
    digest,
};

use super::crypto::{check_crc, check_size, crc};
use super::model;
use crate::kernel::{Call, Error, Result};

fn key_pair(call: &mut Call, name: &str) -> Result<(CryptoKeyVersion, EcdsaKeyPair)> {
    let name = model::version_name(call, name)?;
    let version = model::usable(call, &name, CryptoKeyPurpose::AsymmetricSign)?;
    let material = call.kernel.vault.get(&version.name)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &material)
        .map_err(|_| Error::internal(format!("the material of {} is no P-256 key", version.name)))?;
    Ok((version, pair))
}

pub fn sign(call: &mut Call, request: AsymmetricSignRequest) -> Result<AsymmetricSignResponse> {
    let given = match request.digest.and_then(|digest| digest.digest) {
        Some(digest::Digest::Sha256(bytes)) => Some(bytes),
        Some(_) => return Err(Error::invalid_argument("The digest must be the one of the key's algorithm: SHA-256.")),
        None => None,
    };
    if given.is_some() && !request.data.is_empty() {
        return Err(Error::invalid_argument("Only one of digest and data can be given."));
    }
    if given.is_none() && request.data.is_empty() && request.data_crc32c.is_none() {
        return Err(Error::invalid_argument("One of digest and data must be given."));
    }
    check_size("data", &request.data)?;
    let digest_checked = check_crc("digest", given.as_deref().unwrap_or_default(), request.digest_crc32c)?;
    let data_checked = check_crc("data", &request.data, request.data_crc32c)?;
    let (version, pair) = key_pair(call, &request.name)?;
    let signature = match &given {
        Some(bytes) => {
            let digest = Digest::import_less_safe(bytes, &SHA256)
                .map_err(|_| Error::invalid_argument(format!("A SHA-256 digest has 32 bytes, not {}.", bytes.len())))?;
            pair.sign_digest(&digest)
        }
        None => pair.sign(&SystemRandom::new(), &request.data),
    }
    .map_err(|_| Error::internal("signing failed"))?;
    Ok(AsymmetricSignResponse {
        signature_crc32c: crc(signature.as_ref()),
        signature: signature.as_ref().to_vec().into(),
        verified_digest_crc32c: digest_checked,
        verified_data_crc32c: data_checked,
        name: version.name,
        protection_level: version.protection_level,
    })
}

pub fn public_key(call: &mut Call, request: GetPublicKeyRequest) -> Result<PublicKey> {
    let format = request.public_key_format();
    let (version, pair) = key_pair(call, &request.name)?;
    let der = pair.public_key().as_der().map_err(|_| Error::internal("the public key cannot be encoded"))?;
    let mut answer = PublicKey {
        algorithm: version.algorithm,
        name: version.name,
        protection_level: version.protection_level,
        public_key_format: format as i32,
        ..PublicKey::default()
    };
    let asked = match format {
        PublicKeyFormat::Unspecified => None,
        PublicKeyFormat::Pem => Some(pem(der.as_ref()).into_bytes()),
        PublicKeyFormat::Der => Some(der.as_ref().to_vec()),
        other => {
            return Err(Error::invalid_argument(format!("The public key has no form {}.", other.as_str_name())));
        }
    };
    match asked {
        Some(data) => {
            answer.public_key = Some(ChecksummedData { crc32c_checksum: crc(&data), data: data.into() });
        }
        None => {
            answer.set_public_key_format(PublicKeyFormat::Pem);
            answer.pem = pem(der.as_ref());
            answer.pem_crc32c = crc(answer.pem.as_bytes());
        }
    }
    Ok(answer)
}

/// RFC 7468: lines of 64 between the banners.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}
