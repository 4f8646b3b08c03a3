//! Cloud KMS v1: rings, keys, versions.

use gcp_names::constraint::DISABLE_BEFORE_DESTROY;
use gcp_schema::kms::crypto_key::CryptoKeyPurpose;
use gcp_schema::kms::crypto_key_version::{CryptoKeyVersionAlgorithm, CryptoKeyVersionState as State};
use gcp_schema::kms::{
    CreateCryptoKeyRequest, CreateCryptoKeyVersionRequest, CreateKeyRingRequest, CryptoKey, CryptoKeyVersion,
    DecryptRequest, DecryptResponse, DestroyCryptoKeyVersionRequest, EncryptRequest, EncryptResponse,
    GetCryptoKeyRequest, GetCryptoKeyVersionRequest, GetKeyRingRequest, KeyRing, ListCryptoKeyVersionsRequest,
    ListCryptoKeyVersionsResponse, ListCryptoKeysRequest, ListCryptoKeysResponse, ListKeyRingsRequest,
    ListKeyRingsResponse, MacSignRequest, MacSignResponse, MacVerifyRequest, MacVerifyResponse,
    RestoreCryptoKeyVersionRequest, UpdateCryptoKeyPrimaryVersionRequest, UpdateCryptoKeyRequest,
    UpdateCryptoKeyVersionRequest,
};
use gcp_schema::services::kms::KeyManagementService;
use prost::Message;

use super::model::{self, DESTROY, KEYS, KeyRow, RINGS, VERSIONS};
use super::{Kms, crypto, mac};
use crate::doors;
use crate::kernel::{Call, Error, Result, Table, Time, due, mask, paging};

fn check_id(id: &str, what: &str) -> Result<()> {
    if gcp_names::key::is_id(id) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Invalid {what} '{id}': it must match [a-zA-Z0-9_-]{{1,63}}.")))
}

struct Listing<T> {
    items: Vec<T>,
    next: String,
    total: i32,
}

/// One page of what lies directly under a parent. Lists are by name; `name desc` turns them round.
fn listing<M: Message + Default, T>(
    call: &Call,
    table: &Table<M>,
    prefix: &str,
    (size, token): (i32, &str),
    (filter, order): (&str, &str),
    pick: impl Fn(&str, M) -> Result<T>,
) -> Result<Listing<T>> {
    if !filter.is_empty() {
        return Err(Error::new(gcp_schema::Code::Unimplemented, "List filters are not implemented by this emulator; filter on the client's side."));
    }
    let size = paging::size(size, 100, 1000)?;
    let mut all = call.txn.list(table, prefix)?;
    match order.trim() {
        "" | "name" | "name asc" => {}
        "name desc" => all.reverse(),
        other => return Err(Error::invalid_argument(format!("Invalid order_by '{other}': only name and name desc are supported."))),
    }
    let total = all.len() as i32;
    let from = paging::parse_token(token)?;
    let start = if from.is_empty() { 0 } else { all.iter().position(|(name, _)| *name == from).unwrap_or(all.len()) };
    let next = all.get(start + size).map(|(name, _)| paging::token(name)).unwrap_or_default();
    let items: Result<Vec<_>> = all.into_iter().skip(start).take(size).map(|(name, row)| pick(&name, row)).collect();
    Ok(Listing { items: items?, next, total })
}

fn location_parent(call: &mut Call, parent: &str) -> Result<String> {
    let parent = doors::canonical(call, parent)?;
    match parent.split('/').collect::<Vec<_>>()[..] {
        ["projects", project, "locations", location] if !project.is_empty() => {
            model::check_location(location)?;
            Ok(parent)
        }
        _ => Err(Error::invalid_argument(format!("Resource name [{parent}] is malformed."))),
    }
}

impl KeyManagementService<Call> for Kms {
    fn create_key_ring(&self, call: &mut Call, request: CreateKeyRingRequest) -> Result<KeyRing> {
        let parent = location_parent(call, &request.parent)?;
        check_id(&request.key_ring_id, "key_ring_id")?;
        let name = format!("{parent}/keyRings/{}", request.key_ring_id);
        if call.txn.has(&RINGS, &name)? {
            return Err(Error::already_exists(format!("KeyRing {name} already exists.")));
        }
        let ring = KeyRing { name: name.clone(), create_time: Some(call.now.to_proto()) };
        call.txn.put(&RINGS, &name, &ring)?;
        Ok(ring)
    }

    fn get_key_ring(&self, call: &mut Call, request: GetKeyRingRequest) -> Result<KeyRing> {
        let name = model::ring_name(call, &request.name)?;
        model::ring(call, &name)
    }

    fn list_key_rings(&self, call: &mut Call, request: ListKeyRingsRequest) -> Result<ListKeyRingsResponse> {
        let parent = location_parent(call, &request.parent)?;
        let found = listing(
            call,
            &RINGS,
            &format!("{parent}/keyRings/"),
            (request.page_size, &request.page_token),
            (&request.filter, &request.order_by),
            |_, ring| Ok(ring),
        )?;
        Ok(ListKeyRingsResponse { key_rings: found.items, next_page_token: found.next, total_size: found.total })
    }

    fn create_crypto_key(&self, call: &mut Call, request: CreateCryptoKeyRequest) -> Result<CryptoKey> {
        let ring = model::ring_name(call, &request.parent)?;
        model::ring(call, &ring)?;
        check_id(&request.crypto_key_id, "crypto_key_id")?;
        let name = ring.key(&request.crypto_key_id);
        if call.txn.has(&KEYS, &name.to_string())? {
            return Err(Error::already_exists(format!("CryptoKey {name} already exists.")));
        }
        let mut key = model::complete(call, request.crypto_key.unwrap_or_default())?;
        key.name = name.to_string();
        model::reschedule(call, &name, None, Some(&key))?;
        let symmetric = key.purpose == CryptoKeyPurpose::EncryptDecrypt as i32;
        let mut row = KeyRow { key: Some(key), primary: 0, last: 0 };
        if !request.skip_initial_version_creation {
            model::add_version(call, &name, &mut row)?;
            row.primary = u64::from(symmetric);
        }
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        model::render(call, &name, row)
    }

    fn get_crypto_key(&self, call: &mut Call, request: GetCryptoKeyRequest) -> Result<CryptoKey> {
        let name = model::key_name(call, &request.name)?;
        let row = model::key(call, &name)?;
        model::render(call, &name, row)
    }

    fn list_crypto_keys(&self, call: &mut Call, request: ListCryptoKeysRequest) -> Result<ListCryptoKeysResponse> {
        let ring = model::ring_name(call, &request.parent)?;
        model::ring(call, &ring)?;
        let found = listing(
            call,
            &KEYS,
            &format!("{ring}/cryptoKeys/"),
            (request.page_size, &request.page_token),
            (&request.filter, &request.order_by),
            |id, row| model::render(call, &ring.key(id.rsplit('/').next().unwrap_or_default()), row),
        )?;
        Ok(ListCryptoKeysResponse { crypto_keys: found.items, next_page_token: found.next, total_size: found.total })
    }

    fn update_crypto_key(&self, call: &mut Call, request: UpdateCryptoKeyRequest) -> Result<CryptoKey> {
        let wanted = request.crypto_key.unwrap_or_default();
        let name = model::key_name(call, &wanted.name)?;
        let mut row = model::key(call, &name)?;
        let paths = mask::require(
            request.update_mask.as_ref(),
            &["labels", "rotation_period", "next_rotation_time", "version_template.algorithm"],
        )?;
        let before = row.key.clone().unwrap_or_default();
        let mut key = before.clone();
        for path in &paths {
            match path.as_str() {
                "rotation_period" => key.rotation_schedule = wanted.rotation_schedule,
                "next_rotation_time" => key.next_rotation_time = wanted.next_rotation_time,
                "version_template.algorithm" => {
                    let algorithm = wanted.version_template.as_ref().map(|template| template.algorithm).unwrap_or_default();
                    let mut template = key.version_template.clone().unwrap_or_default();
                    let known = CryptoKeyVersionAlgorithm::try_from(algorithm).unwrap_or_default();
                    let is_mac = key.purpose == CryptoKeyPurpose::Mac as i32;
                    if is_mac != mac::hmac(known).is_some() || (!is_mac && known != CryptoKeyVersionAlgorithm::GoogleSymmetricEncryption) {
                        return Err(Error::invalid_argument(format!("The algorithm {} does not fit the key's purpose.", known.as_str_name())));
                    }
                    template.algorithm = algorithm;
                    key.version_template = Some(template);
                }
                _ => key.labels.clone_from(&wanted.labels),
            }
        }
        model::check_labels(&key)?;
        if paths.iter().any(|path| path.contains("rotation")) {
            model::check_rotation(call, &key, model::purpose(&row))?;
        }
        model::reschedule(call, &name, Some(&before), Some(&key))?;
        row.key = Some(key);
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        model::render(call, &name, row)
    }

    fn update_crypto_key_primary_version(&self, call: &mut Call, request: UpdateCryptoKeyPrimaryVersionRequest) -> Result<CryptoKey> {
        let name = model::key_name(call, &request.name)?;
        let mut row = model::key(call, &name)?;
        let purpose = model::purpose(&row);
        if purpose != CryptoKeyPurpose::EncryptDecrypt {
            return Err(model::wrong_purpose(&name, purpose));
        }
        let version = model::version_name(call, &format!("{name}/cryptoKeyVersions/{}", request.crypto_key_version_id))?;
        model::version(call, &version)?;
        row.primary = version.version;
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        model::render(call, &name, row)
    }

    fn create_crypto_key_version(&self, call: &mut Call, request: CreateCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let name = model::key_name(call, &request.parent)?;
        let mut row = model::key(call, &name)?;
        let made = model::add_version(call, &name, &mut row)?;
        call.txn.put(&KEYS, &name.to_string(), &row)?;
        Ok(made)
    }

    fn get_crypto_key_version(&self, call: &mut Call, request: GetCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        model::version(call, &name)
    }

    fn list_crypto_key_versions(&self, call: &mut Call, request: ListCryptoKeyVersionsRequest) -> Result<ListCryptoKeyVersionsResponse> {
        let name = model::key_name(call, &request.parent)?;
        model::key(call, &name)?;
        let found = listing(
            call,
            &VERSIONS,
            &format!("{name}/cryptoKeyVersions/"),
            (request.page_size, &request.page_token),
            (&request.filter, &request.order_by),
            |_, version| Ok(version),
        )?;
        Ok(ListCryptoKeyVersionsResponse { crypto_key_versions: found.items, next_page_token: found.next, total_size: found.total })
    }

    fn update_crypto_key_version(&self, call: &mut Call, request: UpdateCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let wanted = request.crypto_key_version.unwrap_or_default();
        mask::require(request.update_mask.as_ref(), &["state"])?;
        let name = model::version_name(call, &wanted.name)?;
        let mut row = model::version(call, &name)?;
        let target = model::state(&wanted);
        if !matches!(target, State::Enabled | State::Disabled) {
            return Err(Error::invalid_argument(format!(
                "A version's state can be set to ENABLED or DISABLED, not to {}.",
                target.as_str_name()
            )));
        }
        let state = model::state(&row);
        if !matches!(state, State::Enabled | State::Disabled) {
            return Err(model::wrong_state(&name, state));
        }
        row.state = target as i32;
        model::put_version(call, &name, &row)?;
        Ok(row)
    }

    fn destroy_crypto_key_version(&self, call: &mut Call, request: DestroyCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        let mut row = model::version(call, &name)?;
        let state = model::state(&row);
        if !matches!(state, State::Enabled | State::Disabled) {
            return Err(model::wrong_state(&name, state));
        }
        if state == State::Enabled && doors::constraint_enforced(call, &name.key.project, DISABLE_BEFORE_DESTROY)? {
            return Err(doors::policy_violation(
                DISABLE_BEFORE_DESTROY,
                &name.key.project,
                "google.cloud.kms.v1.KeyManagementService.DestroyCryptoKeyVersion",
                "ENABLED",
            ));
        }
        let key = model::key(call, &name.key)?.key.unwrap_or_default();
        let at = call.now.plus(&key.destroy_scheduled_duration.unwrap_or_default());
        row.state = State::DestroyScheduled as i32;
        row.destroy_time = Some(at.to_proto());
        model::put_version(call, &name, &row)?;
        due::schedule(call, at, DESTROY, &name.to_string())?;
        Ok(row)
    }

    fn restore_crypto_key_version(&self, call: &mut Call, request: RestoreCryptoKeyVersionRequest) -> Result<CryptoKeyVersion> {
        let name = model::version_name(call, &request.name)?;
        let mut row = model::version(call, &name)?;
        let state = model::state(&row);
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
        let checked = crypto::check_crc("data", &request.data, request.data_crc32c)?;
        let (version, algorithm) = mac_version(call, &request.name)?;
        let material = call.kernel.vault.get(&version.name)?;
        let tag = mac::sign(algorithm, &material, &request.data);
        Ok(MacSignResponse {
            mac_crc32c: Some(i64::from(envelope::crc32c(&tag))),
            mac: tag.into(),
            name: version.name,
            verified_data_crc32c: checked,
            protection_level: version.protection_level,
        })
    }

    fn mac_verify(&self, call: &mut Call, request: MacVerifyRequest) -> Result<MacVerifyResponse> {
        let data_checked = crypto::check_crc("data", &request.data, request.data_crc32c)?;
        let mac_checked = crypto::check_crc("mac", &request.mac, request.mac_crc32c)?;
        let (version, algorithm) = mac_version(call, &request.name)?;
        let material = call.kernel.vault.get(&version.name)?;
        let success = mac::verify(algorithm, &material, &request.data, &request.mac);
        Ok(MacVerifyResponse {
            name: version.name,
            success,
            verified_data_crc32c: data_checked,
            verified_mac_crc32c: mac_checked,
            verified_success_integrity: success,
            protection_level: version.protection_level,
        })
    }
}

fn mac_version(call: &mut Call, name: &str) -> Result<(CryptoKeyVersion, aws_lc_rs::hmac::Algorithm)> {
    let name = model::version_name(call, name)?;
    let row = model::key(call, &name.key)?;
    let version = model::version(call, &name)?;
    let algorithm = CryptoKeyVersionAlgorithm::try_from(version.algorithm).ok().and_then(mac::hmac);
    let Some(algorithm) = algorithm else { return Err(model::wrong_purpose(&name.key, model::purpose(&row))) };
    if model::state(&version) != State::Enabled {
        return Err(model::not_enabled(&version.name, model::state(&version)));
    }
    Ok((version, algorithm))
}
