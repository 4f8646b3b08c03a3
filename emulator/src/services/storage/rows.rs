//! Buckets and objects as stored.

use std::collections::BTreeMap;

use prost::Message;

use crate::kernel::body::BodyRow;
use crate::kernel::table::ids;
use crate::kernel::{Call, Error, Result, Table};

pub static BUCKETS: Table<BucketRow> = Table::new(ids::STORAGE);
/// The same rows, read no further than needed.
pub static OWNERS: Table<OwnerRow> = Table::new(ids::STORAGE);
/// Live objects, `BUCKET\0NAME`.
pub static OBJECTS: Table<ObjectRow> = Table::new(ids::STORAGE + 1);
/// Noncurrent generations, `BUCKET\0NAME\0GENERATION`.
pub static ARCHIVE: Table<ObjectRow> = Table::new(ids::STORAGE + 2);
/// Soft-deleted ones, by the same names as the archive's.
pub static BURIED: Table<ObjectRow> = Table::new(ids::STORAGE + 3);

#[derive(Clone, PartialEq, Message)]
pub struct BucketRow {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub project: String,
    #[prost(uint64, tag = "3")]
    pub project_number: u64,
    /// Upper case, as answers print it.
    #[prost(string, tag = "4")]
    pub location: String,
    #[prost(string, tag = "5")]
    pub storage_class: String,
    #[prost(int64, tag = "6")]
    pub created: i64,
    #[prost(int64, tag = "7")]
    pub updated: i64,
    #[prost(uint64, tag = "8")]
    pub metageneration: u64,
    #[prost(int64, tag = "9")]
    pub generation: i64,
    /// Empty: Google-managed.
    #[prost(string, tag = "10")]
    pub default_key: String,
    #[prost(bool, tag = "11")]
    pub versioning: bool,
    #[prost(bool, tag = "12")]
    pub uniform_access: bool,
    #[prost(btree_map = "string, string", tag = "13")]
    pub labels: BTreeMap<String, String>,
    /// Settings that are kept and shown and have no effect here, as a JSON object.
    #[prost(string, tag = "14")]
    pub settings: String,
    /// The kinds of encryption that new objects may not have; bits of `keys::Kind`.
    #[prost(uint32, tag = "15")]
    pub forbidden: u32,
    /// How long what is deleted stays; zero: not at all.
    #[prost(uint64, tag = "16")]
    pub soft_delete_seconds: u64,
    /// Since when.
    #[prost(int64, tag = "17")]
    pub soft_delete_since: i64,
}

/// Of a bucket only whose it is: every call about a bucket asks for that.
#[derive(Clone, PartialEq, Message)]
pub struct OwnerRow {
    #[prost(string, tag = "2")]
    pub project: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct ObjectRow {
    #[prost(string, tag = "1")]
    pub bucket: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(int64, tag = "3")]
    pub generation: i64,
    #[prost(uint64, tag = "4")]
    pub metageneration: u64,
    #[prost(int64, tag = "5")]
    pub created: i64,
    #[prost(int64, tag = "6")]
    pub updated: i64,
    #[prost(string, tag = "7")]
    pub content_type: String,
    #[prost(string, tag = "8")]
    pub content_encoding: String,
    #[prost(string, tag = "9")]
    pub cache_control: String,
    #[prost(string, tag = "10")]
    pub content_disposition: String,
    #[prost(string, tag = "11")]
    pub content_language: String,
    #[prost(string, tag = "12")]
    pub storage_class: String,
    #[prost(btree_map = "string, string", tag = "13")]
    pub metadata: BTreeMap<String, String>,
    #[prost(message, required, tag = "14")]
    pub body: BodyRow,
    /// Zero for objects that were not composed.
    #[prost(uint32, tag = "15")]
    pub components: u32,
    /// When a newer generation took its place; zero for live objects.
    #[prost(int64, tag = "16")]
    pub deleted: i64,
    #[prost(bool, tag = "17")]
    pub temporary_hold: bool,
    #[prost(bool, tag = "18")]
    pub event_based_hold: bool,
    #[prost(string, tag = "19")]
    pub custom_time: String,
    /// Base64; empty unless the customer supplies the key with each request.
    #[prost(string, tag = "20")]
    pub customer_key_sha256: String,
    /// When it was deleted for good, and until when it can come back; zero otherwise.
    #[prost(int64, tag = "21")]
    pub soft_deleted: i64,
    #[prost(int64, tag = "22")]
    pub hard_delete: i64,
}

impl ObjectRow {
    /// Whether anyone may read the hashes: those of other objects lie under the customer's key.
    pub fn has_open_hashes(&self) -> bool {
        self.body.key_version.is_empty() && self.customer_key_sha256.is_empty()
    }
}

pub fn object_key(bucket: &str, name: &str) -> String {
    [bucket, "\0", name].concat()
}

pub fn archive_key(bucket: &str, name: &str, generation: i64) -> String {
    format!("{bucket}\0{name}\0{generation:020}")
}

pub fn no_such_bucket() -> Error {
    Error::not_found("The specified bucket does not exist.").with_reason("notFound")
}

pub fn bucket(call: &Call, name: &str) -> Result<BucketRow> {
    call.txn.get(&BUCKETS, name)?.ok_or_else(no_such_bucket)
}

pub fn no_such_object(bucket: &str, name: &str) -> Error {
    Error::not_found(format!("No such object: {bucket}/{name}")).with_reason("notFound")
}

/// The live object, or the generation asked for.
pub fn object(call: &Call, bucket_name: &str, name: &str, generation: Option<i64>) -> Result<ObjectRow> {
    let live = call.txn.get(&OBJECTS, &object_key(bucket_name, name))?;
    let found = match generation {
        None => live,
        Some(wanted) => match live.filter(|row| row.generation == wanted) {
            Some(row) => Some(row),
            None => call.txn.get(&ARCHIVE, &archive_key(bucket_name, name, wanted))?,
        },
    };
    match found {
        Some(row) => Ok(row),
        None => {
            bucket(call, bucket_name)?;
            Err(no_such_object(bucket_name, name))
        }
    }
}
