//! Cloud KMS v1: rings, keys, versions.

use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{
    AsymmetricSignRequest, AsymmetricSignResponse, CreateCryptoKeyRequest, CreateCryptoKeyVersionRequest,
    CreateKeyRingRequest, CryptoKey, CryptoKeyVersion, DecryptRequest, DecryptResponse, DeleteCryptoKeyRequest,
    DeleteCryptoKeyVersionRequest, DestroyCryptoKeyVersionRequest, EncryptRequest, EncryptResponse,
    GenerateRandomBytesRequest, GenerateRandomBytesResponse, GetCryptoKeyRequest, GetCryptoKeyVersionRequest,
    GetKeyRingRequest, GetPublicKeyRequest, GetRetiredResourceRequest, KeyRing, ListCryptoKeyVersionsRequest,
    ListCryptoKeyVersionsResponse, ListCryptoKeysRequest, ListCryptoKeysResponse, ListKeyRingsRequest,
    ListKeyRingsResponse, ListRetiredResourcesRequest, ListRetiredResourcesResponse, MacSignRequest, MacSignResponse,
    MacVerifyRequest, MacVerifyResponse, PublicKey, RestoreCryptoKeyVersionRequest, RetiredResource,
    UpdateCryptoKeyPrimaryVersionRequest, UpdateCryptoKeyRequest, UpdateCryptoKeyVersionRequest,
};
use gcp_schema::longrunning::Operation;
use gcp_schema::services::kms::KeyManagementService;

use super::listing::{Query, list};
use super::model::{self, DESTROY, KEYS, KeyRow, RINGS, VERSIONS};
use super::{Kms, crypto, deletion, mac, material, policy, rules, sign};
use crate::kernel::{Call, Error, Result, Time, due, mask};

fn check_id(id: &str, what: &str) -> Result<()> {
    if gcp_names::key::is_id(id) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Invalid {what} '{id}': it must match [a-zA-Z0-9_-]{{1,63}}.")))
}

const RING_KIND: &str = "google.cloud.kms.v1.KeyRing";
const KEY_KIND: &str = "google.cloud.kms.v1.CryptoKey";
const VERSION_KIND: &str = "google.cloud.kms.v1.CryptoKeyVersion";

/// The fields that all list requests share by name, but by no trait.
macro_rules! query {
    ($request:expr) => {
        Query {
            size: $request.page_size,
            token: &$request.page_token,
            filter: &$request.filter,
            order: &$request.order_by,
        }
    };
}

impl KeyManagementService<Call> for Kms {
    fn create_key_ring(&self, call: &mut Call, request: CreateKeyRingRequest) -> Result<KeyRing> {
        let parent = model::location_parent(call, &request.parent)?;
        check_id(&request.key_ring_id, "key_ring_id")?;
        let name = format!("{parent}/keyRings/{}", request.key_ring_id);
        if call.txn.has(&RINGS, &name)? {
            return Err(Error::already_exists(format!("KeyRing {name} already exists.")));
        }
        policy::ring(call, &parent)?;
        let ring = KeyRing { name: name.clone(), create_time: Some(call.now.to_proto()) };
        call.txn.put(&RINGS, &name, &ring)?;
        Ok(ring)
    }

    fn get_key_ring(&self, call: &mut Call, request: GetKeyRingRequest) -> Result<KeyRing> {
        let name = model::ring_name(call, &request.name)?;
        model::ring(call, &name)
    }

    fn list_key_rings(&self, call: &mut Call, request: ListKeyRingsRequest) -> Result<ListKeyRingsResponse> {
        let parent = model::location_parent(call, &request.parent)?;
        let found =
            list(call, &RINGS, &format!("{parent}/keyRings/"), &query!(request), RING_KIND, |_, ring| Ok(ring))?;
        Ok(ListKeyRingsResponse { key_rings: found.items, next_page_token: found.next, total_size: found.total as i32 })
    }

    fn create_crypto_key(&self, call: &mut Call, request: CreateCryptoKeyRequest) -> Result<CryptoKey> {
        let ring = model::ring_name(call, &request.parent)?;
        model::ring(call, &ring)?;
        check_id(&request.crypto_key_id, "crypto_key_id")?;
        let name = ring.key(&request.crypto_key_id);
        if call.txn.has(&KEYS, &name.to_string())? {
            return Err(Error::already_exists(format!("CryptoKey {name} already exists.")));
        }
        deletion::check_unspent(call, &name)?;
        let mut key = rules::complete(call, request.crypto_key.unwrap_or_default())?;
        if key.import_only && !request.skip_initial_version_creation {
            return Err(Error::invalid_argument(
                "An import_only key must be created with skip_initial_version_creation.",
            ));
        }
        policy::key(call, &name, &key)?;
        key.name = name.to_string();
        model::reschedule(call, &name, None, &key)?;
        let symmetric = key.purpose() == CryptoKeyPurpose::EncryptDecrypt;
        let mut row = KeyRow { key: Some(key), primary: 0, last: 0 };
        let mut first = None;
        if !request.skip_initial_version_creation {
            first = Some(model::add_version(call, &name, &mut row)?);
            row.primary = u64::from(symmetric);
        }
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        let shown = model::render(call, &name, row)?;
        if let Some(version) = first {
            material::create(call, &version)?;
        }
        Ok(shown)
    }

    fn get_crypto_key(&self, call: &mut Call, request: GetCryptoKeyRequest) -> Result<CryptoKey> {
        let name = model::key_name(call, &request.name)?;
        let row = model::key(call, &name)?;
        model::render(call, &name, row)
    }

    fn list_crypto_keys(&self, call: &mut Call, request: ListCryptoKeysRequest) -> Result<ListCryptoKeysResponse> {
        let ring = model::ring_name(call, &request.parent)?;
        model::ring(call, &ring)?;
        let found = list(call, &KEYS, &format!("{ring}/cryptoKeys/"), &query!(request), KEY_KIND, |id, row| {
            model::render(call, &ring.key(id.rsplit('/').next().unwrap_or_default()), row)
        })?;
        Ok(ListCryptoKeysResponse {
            crypto_keys: found.items,
            next_page_token: found.next,
            total_size: found.total as i32,
        })
    }

    fn update_crypto_key(&self, call: &mut Call, request: UpdateCryptoKeyRequest) -> Result<CryptoKey> {
        let wanted = request.crypto_key.unwrap_or_default();
        let name = model::key_name(call, &wanted.name)?;
        let mut row = model::key(call, &name)?;
        let paths = mask::require(
            request.update_mask.as_ref(),
            &[
                "labels",
                "labels.*",
                "rotation_period",
                "next_rotation_time",
                "version_template.algorithm",
                "key_access_justifications_policy",
            ],
        )?;
        let before = row.key.clone().unwrap_or_default();
        let mut key = before.clone();
        for path in &paths {
            match path.as_str() {
                "rotation_period" => key.rotation_schedule = wanted.rotation_schedule,
                "next_rotation_time" => key.next_rotation_time = wanted.next_rotation_time,
                "version_template.algorithm" => {
                    let template = wanted.version_template.unwrap_or_default();
                    let algorithm = rules::algorithm(template.algorithm)?;
                    rules::check_algorithm(key.purpose(), algorithm)?;
                    key.version_template.get_or_insert_default().set_algorithm(algorithm);
                }
                // None is set here, so there is none to clear.
                "key_access_justifications_policy" => rules::check_justifications(&wanted)?,
                "labels" => key.labels.clone_from(&wanted.labels),
                other => {
                    let label = other.strip_prefix("labels.").unwrap_or_default();
                    match wanted.labels.get(label) {
                        Some(value) => key.labels.insert(label.to_owned(), value.clone()),
                        None => key.labels.remove(label),
                    };
                }
            }
        }
        rules::check_labels(&key)?;
        if paths.iter().any(|path| path.contains("rotation")) {
            rules::check_rotation(call, &key)?;
        }
        model::reschedule(call, &name, Some(&before), &key)?;
        row.key = Some(key);
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        model::render(call, &name, row)
    }

    fn update_crypto_key_primary_version(
        &self,
        call: &mut Call,
        request: UpdateCryptoKeyPrimaryVersionRequest,
    ) -> Result<CryptoKey> {
        let name = model::key_name(call, &request.name)?;
        let mut row = model::key(call, &name)?;
        let purpose = model::purpose(&row);
        if purpose != CryptoKeyPurpose::EncryptDecrypt {
            return Err(model::wrong_purpose(&name, purpose));
        }
        let version =
            model::version_name(call, &format!("{name}/cryptoKeyVersions/{}", request.crypto_key_version_id))?;
        model::version(call, &version)?;
        row.primary = version.version;
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        model::render(call, &name, row)
    }

    fn create_crypto_key_version(
        &self,
        call: &mut Call,
        request: CreateCryptoKeyVersionRequest,
    ) -> Result<CryptoKeyVersion> {
        let name = model::key_name(call, &request.parent)?;
        let mut row = model::key(call, &name)?;
        if row.key.as_ref().is_some_and(|key| key.import_only) {
            return Err(Error::failed_precondition(format!(
                "CryptoKey {name} is import_only: it takes imported versions."
            )));
        }
        policy::version(call, &name, row.key.as_ref().unwrap_or(&CryptoKey::default()))?;
        let made = model::add_version(call, &name, &mut row)?;
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        material::create(call, &made)?;
        Ok(made)
    }

    fn get_crypto_key_version(&self, call: &mut Call, request: GetCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        model::version(call, &name)
    }

    fn list_crypto_key_versions(
        &self,
        call: &mut Call,
        request: ListCryptoKeyVersionsRequest,
    ) -> Result<ListCryptoKeyVersionsResponse> {
        let name = model::key_name(call, &request.parent)?;
        model::key(call, &name)?;
        let prefix = format!("{name}/cryptoKeyVersions/");
        let found = list(call, &VERSIONS, &prefix, &query!(request), VERSION_KIND, |_, version| Ok(version))?;
        Ok(ListCryptoKeyVersionsResponse {
            crypto_key_versions: found.items,
            next_page_token: found.next,
            total_size: found.total as i32,
        })
    }

    fn update_crypto_key_version(
        &self,
        call: &mut Call,
        request: UpdateCryptoKeyVersionRequest,
    ) -> Result<CryptoKeyVersion> {
        let wanted = request.crypto_key_version.unwrap_or_default();
        mask::require(request.update_mask.as_ref(), &["state"])?;
        let name = model::version_name(call, &wanted.name)?;
        let mut row = model::version(call, &name)?;
        let target = wanted.state();
        if !matches!(target, State::Enabled | State::Disabled) {
            return Err(Error::invalid_argument(format!(
                "A version's state can be set to ENABLED or DISABLED, not to {}.",
                target.as_str_name()
            )));
        }
        let state = row.state();
        if !matches!(state, State::Enabled | State::Disabled) {
            return Err(model::wrong_state(&name, state));
        }
        row.state = target as i32;
        model::put_version(call, &name, &row)?;
        Ok(row)
    }

    fn destroy_crypto_key_version(
        &self,
        call: &mut Call,
        request: DestroyCryptoKeyVersionRequest,
    ) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        let mut row = model::version(call, &name)?;
        let state = row.state();
        if !matches!(state, State::Enabled | State::Disabled) {
            return Err(model::wrong_state(&name, state));
        }
        if state == State::Enabled {
            policy::destruction(call, &name.key.project)?;
        }
        let key = model::key(call, &name.key)?.key.unwrap_or_default();
        let at = call.now.plus(&key.destroy_scheduled_duration.unwrap_or_default());
        row.state = State::DestroyScheduled as i32;
        row.destroy_time = Some(at.to_proto());
        model::put_version(call, &name, &row)?;
        due::schedule(call, at, DESTROY, &name.to_string())?;
        Ok(row)
    }

    fn restore_crypto_key_version(
        &self,
        call: &mut Call,
        request: RestoreCryptoKeyVersionRequest,
    ) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        let mut row = model::version(call, &name)?;
        let state = row.state();
        if state != State::DestroyScheduled {
            return Err(model::wrong_state(&name, state));
        }
        if let Some(at) = row.destroy_time.take() {
            due::cancel(call, Time::from_proto(&at), DESTROY, &name.to_string())?;
        }
        row.state = State::Disabled as i32;
        model::put_version(call, &name, &row)?;
        Ok(row)
    }

    fn encrypt(&self, call: &mut Call, request: EncryptRequest) -> Result<EncryptResponse> {
        crypto::encrypt(call, request)
    }

    fn decrypt(&self, call: &mut Call, request: DecryptRequest) -> Result<DecryptResponse> {
        crypto::decrypt(call, request)
    }

    fn mac_sign(&self, call: &mut Call, request: MacSignRequest) -> Result<MacSignResponse> {
        mac::sign(call, request)
    }

    fn mac_verify(&self, call: &mut Call, request: MacVerifyRequest) -> Result<MacVerifyResponse> {
        mac::verify(call, request)
    }

    fn asymmetric_sign(&self, call: &mut Call, request: AsymmetricSignRequest) -> Result<AsymmetricSignResponse> {
        sign::sign(call, request)
    }

    fn get_public_key(&self, call: &mut Call, request: GetPublicKeyRequest) -> Result<PublicKey> {
        sign::public_key(call, request)
    }

    fn generate_random_bytes(
        &self,
        call: &mut Call,
        request: GenerateRandomBytesRequest,
    ) -> Result<GenerateRandomBytesResponse> {
        crypto::random_bytes(call, request)
    }

    fn delete_crypto_key(&self, call: &mut Call, request: DeleteCryptoKeyRequest) -> Result<Operation> {
        deletion::delete_key(call, request)
    }

    fn delete_crypto_key_version(&self, call: &mut Call, request: DeleteCryptoKeyVersionRequest) -> Result<Operation> {
        deletion::delete_version(call, request)
    }

    fn get_retired_resource(&self, call: &mut Call, request: GetRetiredResourceRequest) -> Result<RetiredResource> {
        deletion::get_retired(call, request)
    }

    fn list_retired_resources(
        &self,
        call: &mut Call,
        request: ListRetiredResourcesRequest,
    ) -> Result<ListRetiredResourcesResponse> {
        deletion::list_retired(call, request)
    }
}
