//! What other services ask of Cloud Storage.

use crate::doors::Project;
use crate::kernel::body::{DataKey, Finished, Opened};
use crate::kernel::{Call, Error, Result};

/// An object to be written.
#[derive(Clone, Debug, Default)]
pub struct NewObject {
    pub name: String,
    pub content_type: String,
    pub metadata: std::collections::BTreeMap<String, String>,
}

/// An object as other services see it.
#[derive(Clone, Debug, Default)]
pub struct ObjectInfo {
    pub name: String,
    pub size: u64,
    pub content_type: String,
    pub metadata: std::collections::BTreeMap<String, String>,
    pub generation: i64,
    /// Microseconds since the epoch.
    pub created: i64,
    /// Empty when Google-managed.
    pub key_version: String,
}

pub fn project_of_bucket(call: &mut Call, bucket: &str) -> Result<Option<String>> {
    let _ = (call, bucket);
    Ok(None)
}

pub fn bucket_exists(call: &mut Call, bucket: &str) -> Result<bool> {
    let _ = (call, bucket);
    Ok(false)
}

pub fn create_registry_bucket(call: &mut Call, project: &Project, bucket: &str, location: &str) -> Result<()> {
    let _ = (call, project, bucket, location);
    Err(Error::unimplemented("create_registry_bucket"))
}

pub fn begin_object(call: &mut Call, bucket: &str, object: &str) -> Result<DataKey> {
    let _ = (call, bucket, object);
    Err(Error::unimplemented("begin_object"))
}

pub fn finish_object(
    call: &mut Call,
    bucket: &str,
    object: &NewObject,
    body: Finished,
    data_key: &DataKey,
) -> Result<ObjectInfo> {
    let _ = (call, bucket, object, body, data_key);
    Err(Error::unimplemented("finish_object"))
}

pub fn find_object(call: &mut Call, bucket: &str, object: &str) -> Result<Option<ObjectInfo>> {
    let _ = (call, bucket, object);
    Ok(None)
}

pub fn open_object(call: &mut Call, bucket: &str, object: &str) -> Result<(ObjectInfo, Opened)> {
    let _ = (call, bucket, object);
    Err(Error::unimplemented("open_object"))
}

pub fn list_objects(call: &mut Call, bucket: &str, prefix: &str) -> Result<Vec<ObjectInfo>> {
    let _ = (call, bucket, prefix);
    Ok(Vec::new())
}

pub fn delete_object(call: &mut Call, bucket: &str, object: &str) -> Result<()> {
    let _ = (call, bucket, object);
    Err(Error::unimplemented("delete_object"))
}
