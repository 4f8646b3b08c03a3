//! Objects: putting a body in place, changing metadata, deleting.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_names::storage;
use serde_json::Value;

use super::preconditions::Preconditions;
use super::rows::{ARCHIVE, BucketRow, OBJECTS, ObjectRow, archive_key, bucket, no_such_object, object, object_key};
use crate::kernel::body::{self, BodyRow, DataKey, Finished};
use crate::kernel::{Call, Error, Result};

/// What an upload says of the object beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub name: String,
    pub content_type: String,
    pub content_encoding: String,
    pub cache_control: String,
    pub content_disposition: String,
    pub content_language: String,
    pub storage_class: String,
    pub custom_time: String,
    pub metadata: BTreeMap<String, String>,
    pub temporary_hold: bool,
    pub event_based_hold: bool,
    /// The client's word for what the bytes are.
    pub md5: Option<String>,
    pub crc32c: Option<String>,
    /// The key that the body names; the query's wins.
    pub key: Option<String>,
    /// Of the key that the customer supplied; empty without one.
    pub customer_key_sha256: String,
}

impl Metadata {
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let given =
            |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            name: text("name"),
            content_type: text("contentType"),
            content_encoding: text("contentEncoding"),
            cache_control: text("cacheControl"),
            content_disposition: text("contentDisposition"),
            content_language: text("contentLanguage"),
            storage_class: text("storageClass"),
            custom_time: text("customTime"),
            metadata: value
                .get("metadata")
                .and_then(Value::as_object)
                .map(|map| {
                    map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
                })
                .unwrap_or_default(),
            temporary_hold: value.get("temporaryHold").and_then(Value::as_bool).unwrap_or_default(),
            event_based_hold: value.get("eventBasedHold").and_then(Value::as_bool).unwrap_or_default(),
            md5: given("md5Hash"),
            crc32c: given("crc32c"),
            key: given("kmsKeyName"),
            customer_key_sha256: String::new(),
        }
    }

    /// As an existing object has it; a copy keeps it.
    pub fn of(row: &ObjectRow) -> Self {
        Self {
            name: row.name.clone(),
            content_type: row.content_type.clone(),
            content_encoding: row.content_encoding.clone(),
            cache_control: row.cache_control.clone(),
            content_disposition: row.content_disposition.clone(),
            content_language: row.content_language.clone(),
            storage_class: row.storage_class.clone(),
            custom_time: row.custom_time.clone(),
            metadata: row.metadata.clone(),
            ..Self::default()
        }
    }
}

pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid_argument("Required").with_reason("required"));
    }
    storage::check_object(name)
        .map_err(|what| Error::invalid_argument(format!("Invalid object name: {what}.")).with_reason("invalid"))
}

fn check_hashes(metadata: &Metadata, finished: &Finished) -> Result<()> {
    let differs = |what: &str, given: &str, computed: &str| {
        Err(Error::invalid_argument(format!(
            "Provided {what} hash \"{given}\" doesn't match calculated {what} hash \"{computed}\"."
        ))
        .with_reason("invalid"))
    };
    if let Some(given) = &metadata.crc32c {
        let computed = STANDARD.encode(finished.crc32c.to_be_bytes());
        if *given != computed {
            return differs("CRC32C", given, &computed);
        }
    }
    if let (Some(given), Some(md5)) = (&metadata.md5, &finished.md5) {
        let computed = STANDARD.encode(md5);
        if *given != computed {
            return differs("MD5", given, &computed);
        }
    }
    Ok(())
}

/// Puts a finished body in place: the write half of every upload, copy and composition.
pub fn place(
    call: &mut Call,
    bucket_row: &BucketRow,
    metadata: Metadata,
    finished: Finished,
    data_key: &DataKey,
    conditions: Preconditions,
    components: u32,
) -> Result<ObjectRow> {
    check_hashes(&metadata, &finished)?;
    let key = object_key(&bucket_row.name, &metadata.name);
    let before = call.txn.get(&OBJECTS, &key)?;
    conditions.check(before.as_ref(), false)?;
    if let Some(before) = before {
        retire(call, bucket_row, before)?;
    }
    let body: BodyRow = finished.keep(call, data_key)?;
    let row = ObjectRow {
        bucket: bucket_row.name.clone(),
        generation: call.generation()?,
        metageneration: 1,
        created: call.now.0,
        updated: call.now.0,
        name: metadata.name,
        content_type: metadata.content_type,
        content_encoding: metadata.content_encoding,
        cache_control: metadata.cache_control,
        content_disposition: metadata.content_disposition,
        content_language: metadata.content_language,
        storage_class: if metadata.storage_class.is_empty() {
            bucket_row.storage_class.clone()
        } else {
            metadata.storage_class
        },
        custom_time: metadata.custom_time,
        metadata: metadata.metadata,
        temporary_hold: metadata.temporary_hold,
        event_based_hold: metadata.event_based_hold,
        body,
        components,
        deleted: 0,
        customer_key_sha256: metadata.customer_key_sha256,
    };
    call.txn.put(&OBJECTS, &key, &row)?;
    Ok(row)
}

fn refuse_if_held(row: &ObjectRow) -> Result<()> {
    if !row.temporary_hold && !row.event_based_hold {
        return Ok(());
    }
    Err(Error::permission_denied(format!(
        "Object '{}/{}' is under active hold and cannot be deleted, overwritten or archived until the hold is removed.",
        row.bucket, row.name
    ))
    .with_reason("forbidden"))
}

/// Takes a live object's row away: for good, or to the archive of a versioned bucket.
fn retire(call: &mut Call, bucket_row: &BucketRow, mut row: ObjectRow) -> Result<()> {
    refuse_if_held(&row)?;
    call.txn.delete(&OBJECTS, &object_key(&row.bucket, &row.name))?;
    if bucket_row.versioning {
        row.deleted = call.now.0;
        let key = archive_key(&row.bucket, &row.name, row.generation);
        return call.txn.put(&ARCHIVE, &key, &row);
    }
    body::discard(call, &row.body)
}

pub fn delete(
    call: &mut Call,
    bucket_name: &str,
    name: &str,
    generation: Option<i64>,
    conditions: Preconditions,
) -> Result<()> {
    let bucket_row = bucket(call, bucket_name)?;
    let row = object(call, bucket_name, name, generation)?;
    conditions.check(Some(&row), false)?;
    if row.deleted > 0 {
        call.txn.delete(&ARCHIVE, &archive_key(bucket_name, name, row.generation))?;
        return body::discard(call, &row.body);
    }
    if generation.is_some() {
        // A generation that was named is gone for good, in a versioned bucket too.
        let plain = BucketRow { versioning: false, ..bucket_row };
        return retire(call, &plain, row);
    }
    retire(call, &bucket_row, row)
}

/// Renames in place: the body and its key stay as they are.
pub fn rename(
    call: &mut Call,
    bucket_name: &str,
    from: &str,
    to: &str,
    source_conditions: Preconditions,
    conditions: Preconditions,
) -> Result<ObjectRow> {
    check_name(to)?;
    let bucket_row = bucket(call, bucket_name)?;
    let mut row =
        call.txn.get(&OBJECTS, &object_key(bucket_name, from))?.ok_or_else(|| no_such_object(bucket_name, from))?;
    source_conditions.check(Some(&row), false)?;
    refuse_if_held(&row)?;
    let target = call.txn.get(&OBJECTS, &object_key(bucket_name, to))?;
    conditions.check(target.as_ref(), false)?;
    if from != to {
        if let Some(target) = target {
            retire(call, &bucket_row, target)?;
        }
        call.txn.delete(&OBJECTS, &object_key(bucket_name, from))?;
    }
    to.clone_into(&mut row.name);
    row.generation = call.generation()?;
    row.metageneration = 1;
    row.created = call.now.0;
    row.updated = call.now.0;
    call.txn.put(&OBJECTS, &object_key(bucket_name, to), &row)?;
    Ok(row)
}

/// PATCH and PUT of metadata. A key that the body repeats must be the object's own.
pub fn update(
    call: &mut Call,
    bucket_name: &str,
    name: &str,
    generation: Option<i64>,
    patch: &Value,
    conditions: Preconditions,
    replace: bool,
) -> Result<ObjectRow> {
    let mut row = object(call, bucket_name, name, generation)?;
    conditions.check(Some(&row), false)?;
    if let Some(given) = patch.get("kmsKeyName").and_then(Value::as_str)
        && given != row.body.key_version
        && row.body.key_version.split("/cryptoKeyVersions/").next() != Some(given)
    {
        return Err(
            Error::invalid_argument("Cloud KMS key name cannot be changed.").with_reason("cloudKmsCannotChangeKeyName")
        );
    }
    let given = Metadata::from_json(patch);
    let set = |field: &mut String, name: &str, value: String| match patch.get(name) {
        Some(_) => *field = value,
        None if replace => field.clear(),
        None => {}
    };
    set(&mut row.content_type, "contentType", given.content_type);
    set(&mut row.content_encoding, "contentEncoding", given.content_encoding);
    set(&mut row.cache_control, "cacheControl", given.cache_control);
    set(&mut row.content_disposition, "contentDisposition", given.content_disposition);
    set(&mut row.content_language, "contentLanguage", given.content_language);
    set(&mut row.custom_time, "customTime", given.custom_time);
    match patch.get("metadata") {
        Some(Value::Object(map)) => {
            if replace {
                row.metadata.clear();
            }
            for (key, value) in map {
                match value.as_str() {
                    Some(text) => row.metadata.insert(key.clone(), text.to_owned()),
                    None => row.metadata.remove(key),
                };
            }
        }
        Some(Value::Null) => row.metadata.clear(),
        None if replace => row.metadata.clear(),
        _ => {}
    }
    for (field, name) in [(&mut row.temporary_hold, "temporaryHold"), (&mut row.event_based_hold, "eventBasedHold")] {
        if let Some(value) = patch.get(name) {
            *field = value.as_bool().unwrap_or_default();
        }
    }
    row.metageneration += 1;
    row.updated = call.now.0;
    if row.deleted > 0 {
        call.txn.put(&ARCHIVE, &archive_key(bucket_name, name, row.generation), &row)?;
    } else {
        call.txn.put(&OBJECTS, &object_key(bucket_name, name), &row)?;
    }
    Ok(row)
}
