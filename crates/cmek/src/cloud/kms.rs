//! Cloud KMS: rings, keys, versions.

use gcp_client::Error;
use gcp_names::{KeyName, KeyRingName, KeyVersionName};
use gcp_schema::kms::{
    CreateCryptoKeyRequest, CreateCryptoKeyVersionRequest, CreateKeyRingRequest, CryptoKey, CryptoKeyVersion,
    DestroyCryptoKeyVersionRequest, GetCryptoKeyRequest, GetKeyRingRequest, KeyRing, ListCryptoKeyVersionsRequest,
    ListCryptoKeysRequest, RestoreCryptoKeyVersionRequest, UpdateCryptoKeyPrimaryVersionRequest,
    UpdateCryptoKeyVersionRequest, crypto_key::CryptoKeyPurpose,
};
use prost_types::FieldMask;

use super::{Cloud, present};

macro_rules! kms {
    ($method:literal) => {
        concat!("/google.cloud.kms.v1.KeyManagementService/", $method)
    };
}

impl Cloud {
    pub async fn ring(&self, name: &KeyRingName) -> Result<Option<KeyRing>, Error> {
        present(self.client.call(kms!("GetKeyRing"), &GetKeyRingRequest { name: name.to_string() }).await)
    }

    pub async fn create_ring(&self, name: &KeyRingName) -> Result<KeyRing, Error> {
        let request = CreateKeyRingRequest {
            parent: format!("projects/{}/locations/{}", name.project, name.location),
            key_ring_id: name.ring.clone(),
            key_ring: Some(KeyRing::default()),
        };
        self.client.call(kms!("CreateKeyRing"), &request).await
    }

    pub async fn key(&self, name: &KeyName) -> Result<Option<CryptoKey>, Error> {
        present(self.client.call(kms!("GetCryptoKey"), &GetCryptoKeyRequest { name: name.to_string() }).await)
    }

    pub async fn keys(&self, ring: &KeyRingName) -> Result<Vec<CryptoKey>, Error> {
        let page_size = self.page_of(100);
        let request = ListCryptoKeysRequest { parent: ring.to_string(), page_size, ..Default::default() };
        self.client.pages(request).all().await
    }

    pub async fn versions(&self, key: &KeyName) -> Result<Vec<CryptoKeyVersion>, Error> {
        let request = ListCryptoKeyVersionsRequest { parent: key.to_string(), page_size: 100, ..Default::default() };
        self.client.pages(request).all().await
    }

    /// A key as the caller describes it; its purpose is encryption.
    pub async fn create_key(&self, name: &KeyName, key: CryptoKey) -> Result<CryptoKey, Error> {
        let request = CreateCryptoKeyRequest {
            parent: name.ring_name().to_string(),
            crypto_key_id: name.key.clone(),
            crypto_key: Some(CryptoKey { purpose: CryptoKeyPurpose::EncryptDecrypt as i32, ..key }),
            skip_initial_version_creation: false,
        };
        self.client.call(kms!("CreateCryptoKey"), &request).await
    }

    /// A new version, made primary.
    pub async fn rotate(&self, name: &KeyName) -> Result<CryptoKey, Error> {
        let request = CreateCryptoKeyVersionRequest {
            parent: name.to_string(),
            crypto_key_version: Some(CryptoKeyVersion::default()),
        };
        let made: CryptoKeyVersion = self.client.call(kms!("CreateCryptoKeyVersion"), &request).await?;
        let id = made.name.rsplit('/').next().unwrap_or_default().to_owned();
        let request = UpdateCryptoKeyPrimaryVersionRequest { name: name.to_string(), crypto_key_version_id: id };
        self.client.call(kms!("UpdateCryptoKeyPrimaryVersion"), &request).await
    }

    pub async fn set_state(
        &self,
        name: &KeyVersionName,
        state: gcp_schema::kms::crypto_key_version::CryptoKeyVersionState,
    ) -> Result<CryptoKeyVersion, Error> {
        let request = UpdateCryptoKeyVersionRequest {
            crypto_key_version: Some(CryptoKeyVersion {
                name: name.to_string(),
                state: state as i32,
                ..Default::default()
            }),
            update_mask: Some(FieldMask { paths: vec!["state".to_owned()] }),
        };
        self.client.call(kms!("UpdateCryptoKeyVersion"), &request).await
    }

    pub async fn destroy(&self, name: &KeyVersionName) -> Result<CryptoKeyVersion, Error> {
        self.client
            .call(kms!("DestroyCryptoKeyVersion"), &DestroyCryptoKeyVersionRequest { name: name.to_string() })
            .await
    }

    pub async fn restore(&self, name: &KeyVersionName) -> Result<CryptoKeyVersion, Error> {
        self.client
            .call(kms!("RestoreCryptoKeyVersion"), &RestoreCryptoKeyVersionRequest { name: name.to_string() })
            .await
    }
}
