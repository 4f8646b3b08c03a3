//! Deleting what is spent: versions whose material is gone, then their key. A deleted key's name is never free again.

use std::ops::ControlFlow;

use gcp_names::KeyName;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use gcp_schema::kms::{
    DeleteCryptoKeyMetadata, DeleteCryptoKeyRequest, DeleteCryptoKeyVersionMetadata, DeleteCryptoKeyVersionRequest,
    GetRetiredResourceRequest, ListRetiredResourcesRequest, ListRetiredResourcesResponse, RetiredResource,
};
use gcp_schema::longrunning::Operation;
use prost::Message;

use super::listing::{Query, list};
use super::model::{self, KEYS, VERSIONS};
use crate::doors;
use crate::kernel::operations::{self, any};
use crate::kernel::table::{TextRow, ids};
use crate::kernel::{Call, Error, Result, Table};

static RETIRED: Table<RetiredResource> = Table::new(ids::KMS + 4);
/// By the deleted key's name: the record's name.
static SPENT_NAMES: Table<TextRow> = Table::new(ids::KMS + 5);

const RETIRED_KIND: &str = "google.cloud.kms.v1.RetiredResource";

/// ALREADY_EXISTS for a name that a deleted key had.
pub fn check_unspent(call: &Call, name: &KeyName) -> Result<()> {
    match call.txn.get(&SPENT_NAMES, &name.to_string())? {
        None => Ok(()),
        Some(record) => Err(Error::already_exists(format!(
            "CryptoKey {name} was deleted, see {}; its name cannot be used again.",
            record.text
        ))),
    }
}

fn done<M: Message>(call: &mut Call, key: &KeyName, metadata: (&str, &M)) -> Result<Operation> {
    let parent = format!("projects/{}/locations/{}", key.project, key.location);
    operations::finish(call, &parent, Some(any(metadata.0, metadata.1)), Ok(any("google.protobuf.Empty", &())))
}

pub fn delete_version(call: &mut Call, request: DeleteCryptoKeyVersionRequest) -> Result<Operation> {
    let name = model::version_name(call, &request.name)?;
    let version = model::version(call, &name)?;
    if !matches!(version.state(), State::Destroyed | State::ImportFailed | State::GenerationFailed) {
        return Err(model::wrong_state(&name, version.state()));
    }
    let mut row = model::key(call, &name.key)?;
    if row.primary == name.version {
        row.primary = 0;
        call.txn.put(&KEYS, &name.key.to_string(), &row)?;
    }
    call.txn.delete(&VERSIONS, &model::version_key(&name))?;
    done(call, &name.key, ("google.cloud.kms.v1.DeleteCryptoKeyVersionMetadata", &DeleteCryptoKeyVersionMetadata {}))
}

pub fn delete_key(call: &mut Call, request: DeleteCryptoKeyRequest) -> Result<Operation> {
    let name = model::key_name(call, &request.name)?;
    let key = model::key(call, &name)?.key.unwrap_or_default();
    let mut left = None;
    call.txn.each(&VERSIONS, &format!("{name}/cryptoKeyVersions/"), "", |_, version| {
        left = Some(version.name);
        Ok(ControlFlow::Break(()))
    })?;
    if let Some(version) = left {
        return Err(Error::failed_precondition(format!(
            "CryptoKey {name} cannot be deleted: its version {version} has not been deleted."
        )));
    }
    if key.next_rotation_time.is_some() {
        return Err(Error::failed_precondition(format!(
            "CryptoKey {name} cannot be deleted: it has a rotation schedule."
        )));
    }
    let number = call.count("kms-retired")?;
    let id = call.kernel.entropy.uuid(&format!("kms-retired:{number}"));
    let record = RetiredResource {
        name: format!("projects/{}/locations/{}/retiredResources/{id}", name.project, name.location),
        original_resource: name.to_string(),
        resource_type: "cloudkms.googleapis.com/CryptoKey".to_owned(),
        delete_time: Some(call.now.to_proto()),
    };
    call.txn.put(&RETIRED, &record.name, &record)?;
    call.txn.put(&SPENT_NAMES, &name.to_string(), &TextRow { text: record.name.clone() })?;
    call.txn.delete(&KEYS, &name.to_string())?;
    doors::forget_policy(call, &name.to_string())?;
    let metadata = DeleteCryptoKeyMetadata { retired_resource: record.name };
    done(call, &name, ("google.cloud.kms.v1.DeleteCryptoKeyMetadata", &metadata))
}

pub fn get_retired(call: &mut Call, request: GetRetiredResourceRequest) -> Result<RetiredResource> {
    let name = doors::canonical(call, &request.name)?;
    call.txn.get(&RETIRED, &name)?.ok_or_else(|| Error::not_found(format!("RetiredResource {name} not found.")))
}

pub fn list_retired(call: &mut Call, request: ListRetiredResourcesRequest) -> Result<ListRetiredResourcesResponse> {
    let parent = model::location_parent(call, &request.parent)?;
    let query = Query { size: request.page_size, token: &request.page_token, filter: "", order: "" };
    let found = list(call, &RETIRED, &format!("{parent}/retiredResources/"), &query, RETIRED_KIND, |_, row| Ok(row))?;
    Ok(ListRetiredResourcesResponse {
        retired_resources: found.items,
        next_page_token: found.next,
        total_size: found.total as i64,
    })
}
