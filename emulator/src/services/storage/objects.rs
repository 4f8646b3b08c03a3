//! Objects: putting a body in place, changing metadata, deleting.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_names::storage;
use serde_json::Value;

use super::preconditions::Preconditions;
use super::rows::{ARCHIVE, BucketRow, OBJECTS, ObjectRow, archive_key, bucket, no_such_object, object, object_key};
use super::soft_delete::bury;
use crate::kernel::body::{BodyRow, DataKey, Finished};
use crate::kernel::{Call, Error, Result, Time};

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

/// A field that is not of its type.
pub fn invalid_value(name: &str) -> Error {
    Error::invalid_argument(format!("Invalid value for: {name}")).with_reason("invalid")
}

/// A text that may be absent or null.
fn text(value: &Value, name: &str) -> Result<String> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(invalid_value(name)),
    }
}

fn flag(value: &Value, name: &str) -> Result<bool> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid_value(name)),
    }
}

/// A class in upper case; empty where none is given.
pub fn storage_class(text: &str) -> Result<String> {
    const KNOWN: [&str; 8] = [
        "",
        "STANDARD",
        "NEARLINE",
        "COLDLINE",
        "ARCHIVE",
        "MULTI_REGIONAL",
        "REGIONAL",
        "DURABLE_REDUCED_AVAILABILITY",
    ];
    let class = text.to_ascii_uppercase();
    if KNOWN.contains(&class.as_str()) { Ok(class) } else { Err(invalid_value(&format!("storageClass: '{text}'"))) }
}

impl Metadata {
    pub fn from_json(value: &Value) -> Result<Self> {
        let mut metadata = BTreeMap::new();
        match value.get("metadata") {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                for (key, value) in map {
                    let text = match value {
                        Value::Null => continue,
                        Value::String(text) => text.clone(),
                        // Node's clients send them as they are; texts are what is kept.
                        Value::Number(_) | Value::Bool(_) => value.to_string(),
                        _ => return Err(invalid_value(&format!("metadata.{key}"))),
                    };
                    metadata.insert(key.clone(), text);
                }
            }
            Some(_) => return Err(invalid_value("metadata")),
        }
        let custom_time = text(value, "customTime")?;
        if !custom_time.is_empty() && Time::parse(&custom_time).is_none() {
            return Err(invalid_value("customTime"));
        }
        let given = |name: &str| Ok::<_, Error>(Some(text(value, name)?).filter(|text| !text.is_empty()));
        Ok(Self {
            name: text(value, "name")?,
            content_type: text(value, "contentType")?,
            content_encoding: text(value, "contentEncoding")?,
            cache_control: text(value, "cacheControl")?,
            content_disposition: text(value, "contentDisposition")?,
            content_language: text(value, "contentLanguage")?,
            storage_class: storage_class(&text(value, "storageClass")?)?,
            custom_time,
            metadata,
            temporary_hold: flag(value, "temporaryHold")?,
            event_based_hold: flag(value, "eventBasedHold")?,
            md5: given("md5Hash")?,
            crc32c: given("crc32c")?,
            key: given("kmsKeyName")?,
            customer_key_sha256: String::new(),
        })
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

/// Puts a finished body in place: the write half of every upload, copy and composition, whose checks came before.
pub fn place(
    call: &mut Call,
    bucket_row: &BucketRow,
    metadata: Metadata,
    finished: Finished,
    data_key: &DataKey,
    components: u32,
) -> Result<ObjectRow> {
    check_hashes(&metadata, &finished)?;
    let key = object_key(&bucket_row.name, &metadata.name);
    if let Some(before) = call.txn.get(&OBJECTS, &key)? {
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
        customer_key_sha256: metadata.customer_key_sha256,
        deleted: 0,
        soft_deleted: 0,
        hard_delete: 0,
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
pub fn retire(call: &mut Call, bucket_row: &BucketRow, mut row: ObjectRow) -> Result<()> {
    refuse_if_held(&row)?;
    call.txn.delete(&OBJECTS, &object_key(&row.bucket, &row.name))?;
    if bucket_row.versioning {
        row.deleted = call.now.0;
        let key = archive_key(&row.bucket, &row.name, row.generation);
        return call.txn.put(&ARCHIVE, &key, &row);
    }
    bury(call, bucket_row, row)
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
        refuse_if_held(&row)?;
        call.txn.delete(&ARCHIVE, &archive_key(bucket_name, name, row.generation))?;
        return bury(call, &bucket_row, row);
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
    let given = Metadata::from_json(patch)?;
    // Taking the key away is a change too, where absence is none.
    let own = [row.body.key_version.as_str(), row.body.key_version.split("/cryptoKeyVersions/").next().unwrap_or("")];
    if patch.get("kmsKeyName").is_some() && !own.contains(&given.key.as_deref().unwrap_or_default()) {
        return Err(
            Error::invalid_argument("Cloud KMS key name cannot be changed.").with_reason("cloudKmsCannotChangeKeyName")
        );
    }
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
            row.metadata.retain(|key, _| map.get(key).is_none_or(|value| !value.is_null()));
            row.metadata.extend(given.metadata);
        }
        Some(_) => row.metadata.clear(),
        None if replace => row.metadata.clear(),
        None => {}
    }
    for (field, name, value) in [
        (&mut row.temporary_hold, "temporaryHold", given.temporary_hold),
        (&mut row.event_based_hold, "eventBasedHold", given.event_based_hold),
    ] {
        if patch.get(name).is_some() {
            *field = value;
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
