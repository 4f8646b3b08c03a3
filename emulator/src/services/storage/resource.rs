//! Buckets and objects as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_names::location;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
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

/// An object as answers show it. Written field by field: a tree of values would cost more than all else in an upload.
pub struct Object<'a> {
    pub row: &'a ObjectRow,
    /// With who may do what.
    pub full: bool,
    /// CRC32C and MD5 lie under the customer's key, so lists leave them out for such objects.
    pub hashes: bool,
    pub base_url: &'a str,
}

impl Object<'_> {
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { row, full, hashes, base_url } = *self;
        let (bucket, name, generation) = (&row.bucket, &row.name, row.generation);
        let escaped = escape(name);
        let created = Time(row.created).rfc3339_millis();
        let stamp = |micros: i64| if micros == row.created { created.clone() } else { Time(micros).rfc3339_millis() };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", "storage#object")?;
        map.serialize_entry("id", &format_args!("{bucket}/{name}/{generation}"))?;
        map.serialize_entry("selfLink", &[base_url, "/storage/v1/b/", bucket, "/o/", &escaped].concat())?;
        map.serialize_entry(
            "mediaLink",
            &format_args!("{base_url}/download/storage/v1/b/{bucket}/o/{escaped}?generation={generation}&alt=media"),
        )?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("bucket", bucket)?;
        map.serialize_entry("generation", &format_args!("{generation}"))?;
        map.serialize_entry("metageneration", &format_args!("{}", row.metageneration))?;
        for (name, text) in [
            ("contentType", &row.content_type),
            ("contentEncoding", &row.content_encoding),
            ("cacheControl", &row.cache_control),
            ("contentDisposition", &row.content_disposition),
            ("contentLanguage", &row.content_language),
            ("customTime", &row.custom_time),
        ] {
            if !text.is_empty() {
                map.serialize_entry(name, text)?;
            }
        }
        map.serialize_entry("storageClass", &row.storage_class)?;
        map.serialize_entry("size", &format_args!("{}", row.body.size))?;
        if hashes {
            map.serialize_entry("crc32c", &STANDARD.encode(row.body.crc32c.to_be_bytes()))?;
            if !row.body.md5.is_empty() {
                map.serialize_entry("md5Hash", &STANDARD.encode(&row.body.md5))?;
            }
        }
        map.serialize_entry("etag", &object_etag(row))?;
        map.serialize_entry("timeCreated", &created)?;
        map.serialize_entry("updated", &stamp(row.updated))?;
        map.serialize_entry("timeStorageClassUpdated", &created)?;
        map.serialize_entry("timeFinalized", &created)?;
        if row.deleted > 0 {
            map.serialize_entry("timeDeleted", &stamp(row.deleted))?;
        }
        if row.soft_deleted > 0 {
            map.serialize_entry("softDeleteTime", &stamp(row.soft_deleted))?;
            map.serialize_entry("hardDeleteTime", &stamp(row.hard_delete))?;
        }
        if row.components > 0 {
            map.serialize_entry("componentCount", &row.components)?;
        }
        if row.temporary_hold {
            map.serialize_entry("temporaryHold", &true)?;
        }
        if row.event_based_hold {
            map.serialize_entry("eventBasedHold", &true)?;
        }
        if !row.metadata.is_empty() {
            map.serialize_entry("metadata", &row.metadata)?;
        }
        if !row.body.key_version.is_empty() {
            map.serialize_entry("kmsKeyName", &row.body.key_version)?;
        }
        if !row.customer_key_sha256.is_empty() {
            let supplied = json!({"encryptionAlgorithm": "AES256", "keySha256": row.customer_key_sha256});
            map.serialize_entry("customerEncryption", &supplied)?;
        }
        if full {
            let acl = json!([{"kind": "storage#objectAccessControl", "bucket": bucket, "object": name,
                "entity": "project-owners", "role": "OWNER"}]);
            map.serialize_entry("acl", &acl)?;
            map.serialize_entry("owner", &json!({"entity": "project-owners"}))?;
        }
        map.end()
    }
}

pub fn object_etag(row: &ObjectRow) -> String {
    let mut bytes = row.generation.to_be_bytes().to_vec();
    bytes.extend_from_slice(&(row.metageneration as u32).to_be_bytes());
    STANDARD.encode(bytes)
}
