//! What was deleted or overwritten for good stays for a while, and can come back until then.

use std::ops::ControlFlow;

use super::API;
use super::keys;
use super::objects;
use super::preconditions::Preconditions;
use super::rows::{BURIED, BucketRow, OBJECTS, ObjectRow, archive_key, bucket, no_such_object, object_key};
use crate::doors;
use crate::kernel::due::{self, Due};
use crate::kernel::time::SECOND;
use crate::kernel::{Call, Error, Result, Time, body};

/// Seven days and ninety, in seconds.
const SHORTEST: u64 = 604_800;
const LONGEST: u64 = 7_776_000;
pub const DEFAULT: u64 = SHORTEST;

const PURGE: &str = "storage.purge";
/// What ends within an hour is taken away together, at its end; nobody sees it in between.
const SLOT: i64 = 3600 * SECOND;

pub fn check_retention(seconds: u64) -> Result<u64> {
    if seconds == 0 || (SHORTEST..=LONGEST).contains(&seconds) {
        return Ok(seconds);
    }
    let text = format!(
        "Invalid softDeletePolicy.retentionDurationSeconds: {seconds}. It must be 0, or from {SHORTEST} (7 days) to {LONGEST} (90 days)."
    );
    Err(Error::invalid_argument(text).with_reason("invalid"))
}

/// Takes a row that no list shows any more: kept as long as the bucket says.
pub fn bury(call: &mut Call, bucket_row: &BucketRow, mut row: ObjectRow) -> Result<()> {
    if bucket_row.soft_delete_seconds == 0 {
        return body::discard(call, &row.body);
    }
    row.soft_deleted = call.now.0;
    row.hard_delete = call.now.0.saturating_add(bucket_row.soft_delete_seconds as i64 * SECOND);
    call.txn.put(&BURIED, &archive_key(&row.bucket, &row.name, row.generation), &row)?;
    let slot = row.hard_delete.saturating_add(SLOT - 1) / SLOT * SLOT;
    due::schedule(call, Time(slot), PURGE, &row.bucket)
}

pub fn find(call: &Call, bucket_name: &str, name: &str, generation: i64) -> Result<ObjectRow> {
    bucket(call, bucket_name)?;
    call.txn
        .get(&BURIED, &archive_key(bucket_name, name, generation))?
        .filter(|row| row.hard_delete > call.now.0)
        .ok_or_else(|| no_such_object(bucket_name, name))
}

/// Makes it live again, as a new generation under the same key version: no key is needed for that.
pub fn restore(
    call: &mut Call,
    bucket_name: &str,
    name: &str,
    generation: i64,
    conditions: Preconditions,
) -> Result<ObjectRow> {
    let bucket_row = bucket(call, bucket_name)?;
    let mut row = find(call, bucket_name, name, generation)?;
    keys::may_be_new(&bucket_row, &row)?;
    let live = call.txn.get(&OBJECTS, &object_key(bucket_name, name))?;
    conditions.check(live.as_ref(), false)?;
    if let Some(live) = live {
        let resource = format!("buckets/{bucket_name}/objects/{name}");
        doors::require_permission(call, "storage.objects.delete", &resource, API)?;
        objects::retire(call, &bucket_row, live)?;
    }
    call.txn.delete(&BURIED, &archive_key(bucket_name, name, generation))?;
    row.generation = call.generation()?;
    row.metageneration = 1;
    (row.created, row.updated) = (call.now.0, call.now.0);
    (row.deleted, row.soft_deleted, row.hard_delete) = (0, 0, 0);
    call.txn.put(&OBJECTS, &object_key(bucket_name, name), &row)?;
    Ok(row)
}

pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    if due.kind != PURGE {
        return Err(Error::internal(format!("Cloud Storage knows nothing of {}", due.kind)));
    }
    remove(call, &due.name, due.at)
}

/// With its bucket everything in it goes at once.
pub fn forget(call: &mut Call, bucket_name: &str) -> Result<()> {
    remove(call, bucket_name, Time(i64::MAX))
}

fn remove(call: &mut Call, bucket_name: &str, until: Time) -> Result<()> {
    let mut over = Vec::new();
    call.txn.each(&BURIED, &format!("{bucket_name}\0"), "", |key, row| {
        if row.hard_delete <= until.0 {
            over.push((key.to_owned(), row.body));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (key, row) in over {
        call.txn.delete(&BURIED, &key)?;
        body::discard(call, &row)?;
    }
    Ok(())
}
