//! Buckets and objects as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_names::location;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::rows::{BucketRow, ObjectRow};
use crate::kernel::{Time, etag};

/// An object's name as one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub fn escape(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn stamp(micros: i64) -> Value {
    Value::String(Time(micros).rfc3339_millis())
}

pub fn bucket(row: &BucketRow, full: bool, base_url: &str) -> Value {
    let settings: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let kind = if settings.get("customPlacementConfig").is_some_and(|config| config["dataLocations"].is_array()) {
        location::LocationType::DualRegion
    } else {
        location::bucket_location(&row.location).unwrap_or(location::LocationType::Region)
    };
    let mut value = json!({
        "kind": "storage#bucket",
        "id": row.name,
        "name": row.name,
        "selfLink": format!("{base_url}/storage/v1/b/{}", row.name),
        "projectNumber": row.project_number.to_string(),
        "generation": row.generation.to_string(),
        "metageneration": row.metageneration.to_string(),
        "location": row.location,
        "locationType": kind.as_str(),
        "storageClass": row.storage_class,
        "etag": etag::of_metageneration(row.metageneration),
        "timeCreated": stamp(row.created),
        "updated": stamp(row.updated),
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": row.uniform_access},
            "uniformBucketLevelAccess": {"enabled": row.uniform_access},
            "publicAccessPrevention": "inherited",
        },
    });
    if kind != location::LocationType::Region {
        value["rpo"] = json!("DEFAULT");
    }
    for (name, setting) in settings {
        // Lists of who may do what are part of the full answer only.
        if full || !["acl", "defaultObjectAcl"].contains(&name.as_str()) {
            value[name] = setting;
        }
    }
    value["softDeletePolicy"] = json!({"retentionDurationSeconds": row.soft_delete_seconds.to_string()});
    if row.soft_delete_since > 0 {
        value["softDeletePolicy"]["effectiveTime"] = stamp(row.soft_delete_since);
    }
    if !row.default_key.is_empty() {
        if !value["encryption"].is_object() {
            value["encryption"] = json!({});
        }
        value["encryption"]["defaultKmsKeyName"] = json!(row.default_key);
    }
    if row.versioning {
        value["versioning"] = json!({"enabled": true});
    }
    if !row.labels.is_empty() {
        value["labels"] = json!(row.labels);
    }
    if full && !row.uniform_access {
        if value.get("acl").is_none() {
            value["acl"] = json!([{
                "kind": "storage#bucketAccessControl", "bucket": row.name, "role": "OWNER",
                "entity": format!("project-owners-{}", row.project_number),
            }]);
        }
        value["owner"] = json!({"entity": format!("project-owners-{}", row.project_number)});
    }
    value
}

/// `hashes`: CRC32C and MD5 lie under the customer's key, so lists leave them out for such objects.
pub fn object(row: &ObjectRow, full: bool, hashes: bool, base_url: &str) -> Value {
    let mut map = Map::with_capacity(24);
    let mut set = |name: &str, value: Value| {
        map.insert(name.to_owned(), value);
    };
    let escaped = escape(&row.name);
    let generation = row.generation.to_string();
    set("kind", json!("storage#object"));
    let bucket = &row.bucket;
    set("id", Value::String(format!("{bucket}/{}/{generation}", row.name)));
    set("selfLink", Value::String(format!("{base_url}/storage/v1/b/{bucket}/o/{escaped}")));
    set(
        "mediaLink",
        Value::String(format!(
            "{base_url}/download/storage/v1/b/{bucket}/o/{escaped}?generation={generation}&alt=media"
        )),
    );
    set("name", json!(row.name));
    set("bucket", json!(row.bucket));
    set("generation", json!(generation));
    set("metageneration", json!(row.metageneration.to_string()));
    for (name, text) in [
        ("contentType", &row.content_type),
        ("contentEncoding", &row.content_encoding),
        ("cacheControl", &row.cache_control),
        ("contentDisposition", &row.content_disposition),
        ("contentLanguage", &row.content_language),
        ("customTime", &row.custom_time),
    ] {
        if !text.is_empty() {
            set(name, json!(text));
        }
    }
    set("storageClass", json!(row.storage_class));
    set("size", json!(row.body.size.to_string()));
    if hashes {
        set("crc32c", json!(STANDARD.encode(row.body.crc32c.to_be_bytes())));
        if !row.body.md5.is_empty() {
            set("md5Hash", json!(STANDARD.encode(&row.body.md5)));
        }
    }
    set("etag", json!(object_etag(row)));
    set("timeCreated", stamp(row.created));
    set("updated", stamp(row.updated));
    set("timeStorageClassUpdated", stamp(row.created));
    set("timeFinalized", stamp(row.created));
    if row.deleted > 0 {
        set("timeDeleted", stamp(row.deleted));
    }
    if row.soft_deleted > 0 {
        set("softDeleteTime", stamp(row.soft_deleted));
        set("hardDeleteTime", stamp(row.hard_delete));
    }
    if row.components > 0 {
        set("componentCount", json!(row.components));
    }
    if row.temporary_hold {
        set("temporaryHold", json!(true));
    }
    if row.event_based_hold {
        set("eventBasedHold", json!(true));
    }
    if !row.metadata.is_empty() {
        set("metadata", json!(row.metadata));
    }
    if !row.body.key_version.is_empty() {
        set("kmsKeyName", json!(row.body.key_version));
    }
    if !row.customer_key_sha256.is_empty() {
        set("customerEncryption", json!({"encryptionAlgorithm": "AES256", "keySha256": row.customer_key_sha256}));
    }
    if full {
        set(
            "acl",
            json!([{"kind": "storage#objectAccessControl", "bucket": row.bucket, "object": row.name,
                "entity": "project-owners", "role": "OWNER"}]),
        );
        set("owner", json!({"entity": "project-owners"}));
    }
    Value::Object(map)
}

pub fn object_etag(row: &ObjectRow) -> String {
    let mut bytes = row.generation.to_be_bytes().to_vec();
    bytes.extend_from_slice(&(row.metageneration as u32).to_be_bytes());
    STANDARD.encode(bytes)
}
