//! What other services ask of Cloud Storage.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use envelope::Key;
use serde_json::Value;

pub use super::bulk::{Change, Found, Rewriting, Rewritten, begin_rewrite, change, find, find_one, finish_rewrite};
use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::{self, BUCKETS, OBJECTS, OWNERS, ObjectRow, object_key};
use super::{API, buckets, download, keys, soft_delete};
use crate::doors::{self, Project};
use crate::kernel::assets::{self, Asset};
use crate::kernel::body::{Finished, Opened};
use crate::kernel::due::Due;
use crate::kernel::{Call, Error, Result};
use crate::rest::Answer;

/// An object to be written.
#[derive(Clone, Debug, Default)]
pub struct NewObject {
    pub name: String,
    pub content_type: String,
    pub metadata: BTreeMap<String, String>,
}

/// An object as other services see it.
#[derive(Clone, Debug, Default)]
pub struct ObjectInfo {
    pub name: String,
    pub size: u64,
    pub content_type: String,
    pub metadata: BTreeMap<String, String>,
    /// Microseconds since the epoch.
    pub created: i64,
    #[cfg_attr(not(test), expect(dead_code, reason = "the registry's tests tell by it that nothing was sent again"))]
    pub generation: i64,
    /// Empty when Google-managed.
    #[cfg_attr(not(test), expect(dead_code, reason = "the registry's tests look at what protects a blob"))]
    pub key_version: String,
}

impl From<ObjectRow> for ObjectInfo {
    fn from(row: ObjectRow) -> Self {
        Self {
            name: row.name,
            size: row.body.size,
            content_type: row.content_type,
            metadata: row.metadata,
            created: row.created,
            generation: row.generation,
            key_version: row.body.key_version,
        }
    }
}

/// Carries out what fell due.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    soft_delete::settle(call, due)
}

pub fn project_of_bucket(call: &mut Call, bucket: &str) -> Result<Option<String>> {
    Ok(call.txn.get(&OWNERS, bucket)?.map(|row| row.project))
}

pub fn bucket_names(call: &mut Call) -> Result<Vec<String>> {
    Ok(call.txn.list(&BUCKETS, "")?.into_iter().map(|(name, _)| name).collect())
}

/// A refusal as the XML API says it.
pub fn refusal(error: &Error) -> Answer {
    super::refusal::xml(error)
}

pub fn bucket_exists(call: &mut Call, bucket: &str) -> Result<bool> {
    call.txn.has(&BUCKETS, bucket)
}

/// Without a key, and nobody can ask for one: policy may refuse.
pub fn create_registry_bucket(call: &mut Call, project: &Project, bucket: &str, location: &str) -> Result<()> {
    buckets::create(call, project, bucket, location, &Value::Null).map(|_| ())
}

pub fn begin_object(call: &mut Call, bucket: &str, object: &str) -> Result<Key> {
    objects::check_name(object)?;
    let row = rows::bucket(call, bucket)?;
    keys::for_object(call, &row, None, None, doors::fresh_data_key()?).map(|data_key| data_key.key)
}

pub fn finish_object(
    call: &mut Call,
    bucket_name: &str,
    object: &NewObject,
    body: Finished,
    data_key: Key,
) -> Result<ObjectInfo> {
    let row = rows::bucket(call, bucket_name)?;
    if call.txn.has(&OBJECTS, &object_key(bucket_name, &object.name))? {
        let name = format!("buckets/{bucket_name}/objects/{}", object.name);
        doors::require_permission(call, "storage.objects.delete", &name, API)?;
    }
    let data_key = keys::for_object(call, &row, None, None, data_key)?;
    let metadata = Metadata {
        name: object.name.clone(),
        content_type: object.content_type.clone(),
        metadata: object.metadata.clone(),
        ..Metadata::default()
    };
    objects::place(call, &row, metadata, body, &data_key, 0).map(Into::into)
}

pub fn find_object(call: &mut Call, bucket: &str, object: &str) -> Result<Option<ObjectInfo>> {
    Ok(call.txn.get(&OBJECTS, &object_key(bucket, object))?.map(Into::into))
}

pub fn open_object(call: &mut Call, bucket: &str, object: &str) -> Result<(ObjectInfo, Opened)> {
    let row = rows::object(call, bucket, object, None)?;
    let opened = download::open(call, &row, None)?;
    Ok((row.into(), opened))
}

pub fn list_objects(call: &mut Call, bucket: &str, prefix: &str) -> Result<Vec<ObjectInfo>> {
    let mut found = Vec::new();
    call.txn.each(&OBJECTS, &object_key(bucket, prefix), "", |_, row| {
        found.push(row.into());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

pub fn delete_object(call: &mut Call, bucket: &str, object: &str) -> Result<()> {
    objects::delete(call, bucket, object, None, Preconditions::default())
}

/// Up to `limit` buckets, of one project or of all, from a name on.
pub fn assets(call: &Call, project: Option<&str>, from: &str, limit: usize) -> Result<Vec<Asset>> {
    let mut found = Vec::new();
    call.txn.each(&BUCKETS, "", from, |name, row| {
        if project.is_none_or(|project| project == row.project) {
            found.push(Asset {
                place: name.to_owned(),
                kind: assets::BUCKET,
                name: format!("//storage.googleapis.com/{name}"),
                parent: format!("//cloudresourcemanager.googleapis.com/projects/{}", row.project),
                parent_kind: assets::PROJECT,
                project: row.project,
                display_name: name.to_owned(),
                location: row.location.to_ascii_lowercase(),
                labels: row.labels,
                keys: Some(row.default_key).filter(|key| !key.is_empty()).into_iter().collect(),
                created: row.created,
                updated: row.updated,
                ..Asset::default()
            });
        }
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}
