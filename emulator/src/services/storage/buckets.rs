//! Buckets: create, change, delete.

use gcp_names::constraint::{RESOURCE_LOCATIONS, UNIFORM_BUCKET_ACCESS};
use gcp_names::{location, storage};
use gcp_schema::iam::{Binding, Policy};
use serde_json::{Map, Value, json};

use super::keys::{self, Kind};
use super::objects::{self, invalid_value};
use super::preconditions::Preconditions;
use super::rows::{ARCHIVE, BUCKETS, BucketRow, OBJECTS, bucket};
use super::soft_delete;
use crate::doors::{self, Project};
use crate::kernel::{Call, Error, Result, Time};

#[derive(Clone, Copy)]
enum Shape {
    Flag,
    List,
    Object,
}

/// Settings that are kept and shown and have no effect here.
const KEPT: [(&str, Shape); 13] = [
    ("acl", Shape::List),
    ("autoclass", Shape::Object),
    ("billing", Shape::Object),
    ("cors", Shape::List),
    ("customPlacementConfig", Shape::Object),
    ("defaultEventBasedHold", Shape::Flag),
    ("defaultObjectAcl", Shape::List),
    ("hierarchicalNamespace", Shape::Object),
    ("lifecycle", Shape::Object),
    ("logging", Shape::Object),
    ("objectRetention", Shape::Object),
    ("retentionPolicy", Shape::Object),
    ("website", Shape::Object),
];

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_argument(message).with_reason("invalid")
}

pub fn insert(call: &mut Call, project: &str, body: &Value) -> Result<BucketRow> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(Error::invalid_argument("Required parameter: name").with_reason("required"));
    }
    storage::check_bucket(name).map_err(|what| invalid(format!("Invalid bucket name: '{name}': {what}.")))?;
    if storage::is_googles_domain(name) {
        return Err(Error::permission_denied("The bucket you tried to create is a domain name owned by another user.")
            .with_reason("forbidden"));
    }
    let project = doors::project(call, project)?;
    let place = match body.get("location") {
        None | Some(Value::Null) => "US",
        Some(place) => place.as_str().ok_or_else(|| invalid_value("location"))?,
    };
    let row = create(call, &project, name, place, body)?;
    uniform_enough(call, &row)?;
    Ok(row)
}

/// A bucket that somebody makes or changes; those of a registry are as the registry makes them.
fn uniform_enough(call: &mut Call, row: &BucketRow) -> Result<()> {
    if !row.uniform_access && doors::constraint_enforced(call, &row.project, UNIFORM_BUCKET_ACCESS)? {
        return Err(keys::violates(UNIFORM_BUCKET_ACCESS));
    }
    Ok(())
}

/// The rest of an insert, also for the buckets that only a registry can make.
pub fn create(call: &mut Call, project: &Project, name: &str, place: &str, body: &Value) -> Result<BucketRow> {
    if location::bucket_location(place).is_none() {
        return Err(invalid(format!("The specified location constraint is not valid: '{place}'.")));
    }
    if let Some(existing) = call.txn.get(&BUCKETS, name)? {
        let text = if existing.project == project.id {
            "Your previous request to create the named bucket succeeded and you already own it."
        } else {
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
        };
        return Err(Error::already_exists(text).with_reason("conflict"));
    }
    let mut row = BucketRow {
        name: name.to_owned(),
        project: project.id.clone(),
        project_number: project.number,
        location: place.to_ascii_uppercase(),
        storage_class: "STANDARD".to_owned(),
        created: call.now.0,
        updated: call.now.0,
        metageneration: 1,
        generation: call.generation()?,
        soft_delete_seconds: soft_delete::DEFAULT,
        soft_delete_since: call.now.0,
        ..BucketRow::default()
    };
    if doors::constraint_refuses(call, &project.id, RESOURCE_LOCATIONS, &place.to_ascii_lowercase())? {
        let text = format!("'{}' violates constraint 'constraints/{RESOURCE_LOCATIONS}'", row.location);
        return Err(keys::unmet(text));
    }
    apply(call, &mut row, body)?;
    keys::try_default(call, &row)?;
    call.txn.put(&BUCKETS, name, &row)?;
    doors::set_initial_policy(call, &format!("buckets/{name}"), first_policy(&row))?;
    Ok(row)
}

fn first_policy(row: &BucketRow) -> Policy {
    let project = &row.project;
    let bind = |role: &str, kinds: &[&str]| Binding {
        role: role.to_owned(),
        members: kinds.iter().map(|kind| format!("{kind}:{project}")).collect(),
        ..Binding::default()
    };
    let mut bindings = vec![
        bind("roles/storage.legacyBucketOwner", &["projectEditor", "projectOwner"]),
        bind("roles/storage.legacyBucketReader", &["projectViewer"]),
    ];
    if row.uniform_access {
        bindings.push(bind("roles/storage.legacyObjectOwner", &["projectEditor", "projectOwner"]));
        bindings.push(bind("roles/storage.legacyObjectReader", &["projectViewer"]));
    }
    Policy { bindings, ..Policy::default() }
}

/// Takes what a body sets and ignores what only the service sets. JSON null clears.
fn apply(call: &mut Call, row: &mut BucketRow, body: &Value) -> Result<()> {
    let Value::Object(map) = body else { return Ok(()) };
    let mut settings: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    for (name, value) in map {
        match name.as_str() {
            "encryption" => set_encryption(call, row, &mut settings, value)?,
            "labels" => set_labels(row, value)?,
            "versioning" => row.versioning = flag(value, "/enabled", "versioning.enabled")?.unwrap_or_default(),
            "storageClass" => {
                let class = value.as_str().or(value.is_null().then_some("")).ok_or_else(|| invalid_value(name))?;
                row.storage_class = match objects::storage_class(class)? {
                    none if none.is_empty() => "STANDARD".to_owned(),
                    class => class,
                };
            }
            "iamConfiguration" => {
                let uniform = flag(value, "/uniformBucketLevelAccess/enabled", "uniformBucketLevelAccess.enabled")?;
                let older = flag(value, "/bucketPolicyOnly/enabled", "bucketPolicyOnly.enabled")?;
                if let Some(enabled) = uniform.or(older) {
                    row.uniform_access = enabled;
                }
            }
            "softDeletePolicy" => set_soft_delete(call, row, value)?,
            known => {
                // Output-only fields come back from clients that read, change and write.
                let Some((_, shape)) = KEPT.iter().find(|(kept, _)| *kept == known) else { continue };
                match (shape, value) {
                    (_, Value::Null) => {
                        settings.remove(known);
                    }
                    (Shape::Flag, Value::Bool(_))
                    | (Shape::List, Value::Array(_))
                    | (Shape::Object, Value::Object(_)) => {
                        settings.insert(known.to_owned(), value.clone());
                    }
                    _ => return Err(invalid_value(known)),
                }
            }
        }
    }
    row.settings = Value::Object(settings).to_string();
    Ok(())
}

fn flag(value: &Value, at: &str, name: &str) -> Result<Option<bool>> {
    match value.pointer(at) {
        None | Some(Value::Null) if value.is_object() || value.is_null() => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        _ => Err(invalid_value(name)),
    }
}

fn set_labels(row: &mut BucketRow, value: &Value) -> Result<()> {
    match value {
        Value::Null => row.labels.clear(),
        Value::Object(labels) => {
            for (key, value) in labels {
                match value {
                    Value::String(text) => row.labels.insert(key.clone(), text.clone()),
                    Value::Null => row.labels.remove(key),
                    _ => return Err(invalid_value(&format!("labels.{key}"))),
                };
            }
        }
        _ => return Err(invalid_value("labels")),
    }
    Ok(())
}

fn set_soft_delete(call: &Call, row: &mut BucketRow, value: &Value) -> Result<()> {
    let seconds = match value.get("retentionDurationSeconds") {
        _ if value.is_null() => 0,
        Some(Value::String(text)) => text.parse().map_err(|_| invalid_value("softDeletePolicy"))?,
        Some(number) => number.as_u64().ok_or_else(|| invalid_value("softDeletePolicy"))?,
        None if value.is_object() => return Ok(()),
        None => return Err(invalid_value("softDeletePolicy")),
    };
    // The time is the service's and does not move while the policy stays.
    if seconds != row.soft_delete_seconds {
        row.soft_delete_seconds = soft_delete::check_retention(seconds)?;
        row.soft_delete_since = call.now.0;
    }
    Ok(())
}

/// The default key and what is forbidden have columns of their own; the configurations are kept as answers show them.
fn set_encryption(
    call: &mut Call,
    row: &mut BucketRow,
    settings: &mut Map<String, Value>,
    value: &Value,
) -> Result<()> {
    if value.is_null() {
        row.default_key.clear();
        row.forbidden = 0;
        settings.remove("encryption");
        return Ok(());
    }
    let encryption = value.as_object().ok_or_else(|| invalid_value("encryption"))?;
    match encryption.get("defaultKmsKeyName") {
        None => {}
        Some(Value::String(key)) if !key.is_empty() => {
            keys::parse(key)?;
            row.default_key = doors::canonical(call, key)?;
        }
        Some(Value::Null | Value::String(_)) => row.default_key.clear(),
        Some(_) => return Err(invalid_value("encryption.defaultKmsKeyName")),
    }
    let mut kept = settings.remove("encryption").and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
    for kind in Kind::ALL {
        let Some(config) = encryption.get(kind.config()) else { continue };
        let mode = config.get("restrictionMode").and_then(Value::as_str);
        match mode {
            _ if config.is_null() => {
                row.forbidden &= !kind.bit();
                kept.remove(kind.config());
            }
            Some("FullyRestricted") => {
                // The time is the service's and does not move while the mode stays.
                if row.forbidden & kind.bit() == 0 {
                    let since = Time(call.now.0).rfc3339_millis();
                    kept.insert(kind.config().to_owned(), json!({"restrictionMode": mode, "effectiveTime": since}));
                }
                row.forbidden |= kind.bit();
            }
            Some("NotRestricted") => {
                row.forbidden &= !kind.bit();
                kept.insert(kind.config().to_owned(), json!({"restrictionMode": mode}));
            }
            _ => return Err(invalid_value(&format!("{}.restrictionMode", kind.config()))),
        }
    }
    if !kept.is_empty() {
        settings.insert("encryption".to_owned(), Value::Object(kept));
    }
    Ok(())
}

/// `replace`: PUT, where absence clears.
pub fn update(
    call: &mut Call,
    name: &str,
    body: &Value,
    conditions: Preconditions,
    replace: bool,
) -> Result<BucketRow> {
    let mut row = bucket(call, name)?;
    conditions.check_bucket(row.metageneration, false)?;
    let (before, was_uniform) = (row.default_key.clone(), row.uniform_access);
    if replace {
        row.default_key.clear();
        row.labels.clear();
        row.versioning = false;
        row.forbidden = 0;
        row.settings.clear();
        if body.get("softDeletePolicy").is_none() {
            set_soft_delete(call, &mut row, &json!({"retentionDurationSeconds": soft_delete::DEFAULT}))?;
        }
    }
    apply(call, &mut row, body)?;
    // Clients that change a label send the whole bucket back: only a key that changes is judged.
    if row.default_key != before {
        keys::try_default(call, &row)?;
    }
    if was_uniform {
        uniform_enough(call, &row)?;
    }
    row.metageneration += 1;
    row.updated = call.now.0;
    call.txn.put(&BUCKETS, name, &row)?;
    Ok(row)
}

pub fn delete(call: &mut Call, name: &str, conditions: Preconditions) -> Result<()> {
    let row = bucket(call, name)?;
    conditions.check_bucket(row.metageneration, false)?;
    let prefix = format!("{name}\0");
    let mut empty = true;
    for table in [&OBJECTS, &ARCHIVE] {
        call.txn.each(table, &prefix, "", |_, _| {
            empty = false;
            Ok(std::ops::ControlFlow::Break(()))
        })?;
    }
    if !empty {
        return Err(Error::already_exists("The bucket you tried to delete is not empty.").with_reason("conflict"));
    }
    soft_delete::forget(call, name)?;
    call.txn.delete(&BUCKETS, name)?;
    doors::forget_policy(call, &format!("buckets/{name}"))
}
