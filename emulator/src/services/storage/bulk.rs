//! Objects changed one after the other for a batch job, in the name of whoever made it: found, rewritten under another
//! key, patched, deleted. Keys, policy and holds have their say at each.

use std::ops::ControlFlow;
use std::sync::Arc;

use envelope::Key;

use futures_util::StreamExt as _;
use serde_json::Value;

use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::{self, ARCHIVE, OBJECTS, ObjectRow, bucket, no_such_object, object_key};
use super::{API, download, keys};
use crate::doors;
use crate::kernel::body::{Finished, Opened, Writer, seal_small};
use crate::kernel::{Call, Error, Kernel, Result};

/// An object that was found.
#[derive(Clone, Debug)]
pub struct Found(ObjectRow);

impl Found {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn size(&self) -> u64 {
        self.0.body.size
    }

    /// What comes after it in its list.
    pub fn after(&self) -> String {
        if self.0.deleted > 0 {
            format!("{}\0{:020}\0", self.0.name, self.0.generation)
        } else {
            format!("{}\0", self.0.name)
        }
    }
}

/// What is done to an object.
#[derive(Clone, Debug)]
pub enum Change {
    /// Its bytes under another key.
    Rewrite { key: String },
    /// As PATCH takes it.
    Patch(Value),
    /// `for_good`: nothing is kept in a versioned bucket either.
    Delete { for_good: bool },
}

/// Up to `limit` live (or noncurrent) objects whose names start with `prefix`, from a place on.
pub fn find(call: &Call, bucket: &str, prefix: &str, from: &str, noncurrent: bool, limit: usize) -> Result<Vec<Found>> {
    let table = if noncurrent { &ARCHIVE } else { &OBJECTS };
    let mut found = Vec::new();
    call.txn.each(table, &format!("{bucket}\0{prefix}"), &format!("{bucket}\0{from}"), |_, row| {
        found.push(Found(row));
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

pub fn find_one(call: &Call, bucket: &str, name: &str, generation: Option<i64>) -> Result<Found> {
    rows::object(call, bucket, name, generation).map(Found)
}

fn require(call: &mut Call, permission: &str, row: &ObjectRow) -> Result<()> {
    doors::require_permission(call, permission, &format!("buckets/{}/objects/{}", row.bucket, row.name), API)
}

/// Changes an object at once. False: its body lies in a segment and must be streamed.
pub fn change(call: &mut Call, found: &Found, change: &Change) -> Result<bool> {
    let row = &found.0;
    match change {
        Change::Rewrite { .. } if row.body.segmented => return Ok(false),
        Change::Rewrite { key } => {
            let gone = || no_such_object(&row.bucket, &row.name);
            let Rewriting { row, opened, key, data_key } = begin_rewrite(call, found, key)?.ok_or_else(gone)?;
            let bytes = opened.inline().ok_or_else(|| Error::internal("a small body that is not in place"))??;
            let finished = seal_small(&call.kernel, &data_key, &bytes, false)?;
            finish_rewrite(call, Rewritten { row, key, data_key, finished })?;
        }
        Change::Patch(patch) => {
            require(call, "storage.objects.update", row)?;
            let generation = (row.deleted > 0).then_some(row.generation);
            objects::update(call, &row.bucket, &row.name, generation, patch, Preconditions::default(), false)?;
        }
        Change::Delete { for_good } => {
            require(call, "storage.objects.delete", row)?;
            let generation = (*for_good || row.deleted > 0).then_some(row.generation);
            objects::delete(call, &row.bucket, &row.name, generation, Preconditions::default())?;
        }
    }
    Ok(true)
}

/// A rewrite that both keys allow.
pub struct Rewriting {
    row: ObjectRow,
    opened: Opened,
    key: String,
    data_key: Key,
}

/// The bytes under the other key, not yet in place.
pub struct Rewritten {
    row: ObjectRow,
    key: String,
    data_key: Key,
    finished: Finished,
}

/// Whether an object is still the live one of its name.
fn is_live(call: &Call, row: &ObjectRow) -> Result<bool> {
    let live = call.txn.get(&OBJECTS, &object_key(&row.bucket, &row.name))?;
    Ok(live.is_some_and(|live| live.generation == row.generation))
}

/// `None`: another generation has taken the object's place.
pub fn begin_rewrite(call: &mut Call, found: &Found, key: &str) -> Result<Option<Rewriting>> {
    let row = found.0.clone();
    require(call, "storage.objects.update", &row)?;
    if row.deleted > 0 {
        return Err(Error::failed_precondition(format!(
            "{}/{}#{} is noncurrent: only a live object can be rewritten.",
            row.bucket, row.name, row.generation
        )));
    }
    if !is_live(call, &row)? {
        return Ok(None);
    }
    let opened = download::open(call, &row, None)?;
    let bucket_row = bucket(call, &row.bucket)?;
    let data_key = keys::for_object(call, &bucket_row, Some(key), None, doors::fresh_data_key()?)?.key;
    Ok(Some(Rewriting { row, opened, key: key.to_owned(), data_key }))
}

impl Rewriting {
    /// The bytes, sealed anew. `None`: `stopping` said so on the way.
    pub async fn copy(self, kernel: &Arc<Kernel>, stopping: impl Fn() -> bool) -> Result<Option<Rewritten>> {
        let Self { row, opened, key, data_key } = self;
        let mut writer = Writer::new(Arc::clone(kernel), data_key.clone(), false);
        let mut stream = opened.stream(0, row.body.size);
        while let Some(bytes) = stream.next().await {
            if stopping() {
                return Ok(None);
            }
            writer.write(bytes?).await?;
        }
        Ok(Some(Rewritten { finished: writer.finish().await?, row, key, data_key }))
    }
}

/// Puts the copy in the object's place. False: another generation has taken it.
pub fn finish_rewrite(call: &mut Call, rewritten: Rewritten) -> Result<bool> {
    let Rewritten { row, key, data_key, mut finished } = rewritten;
    if !is_live(call, &row)? {
        return Ok(false);
    }
    if row.body.md5.is_empty() {
        finished.md5 = None;
    }
    let (bucket_row, metadata) = (bucket(call, &row.bucket)?, Metadata::of(&row));
    // The bytes took their time: the key is asked again, as at the end of every write.
    let data_key = keys::for_object(call, &bucket_row, Some(&key), None, data_key)?;
    objects::place(call, &bucket_row, metadata, finished, &data_key, row.components)?;
    Ok(true)
}
