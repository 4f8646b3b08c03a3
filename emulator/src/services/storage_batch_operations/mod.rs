//! Storage Batch Operations.
//!
//! Faithful: jobs over the objects of a bucket, chosen by prefixes or by a manifest, with an operation that is done
//! when the job is; rewriting under a key, holds, metadata and deletion by Storage's own code, so that each object
//! meets its keys, policy and holds; refusals counted by code with five entries each; dry runs; cancelling, by the job
//! or by its operation; request ids for an hour; one bucket operation a job; `global` as the only location.
//!
//! Missing, refused as UNIMPLEMENTED: object retention and custom contexts. A job's logging configuration is kept and
//! shown, and nothing is logged. A rewrite's storage class, which is newer than the schema, is an unknown field.
//!
//! Our choices: a job starts at once, works on between calls and is taken up again by the next emulator on its data
//! directory. Reading a job or an operation waits for a round of that work, unless a body of more than 64 MiB is under
//! way: small jobs are done at the first look, whatever the clock does. A job ends as SUCCEEDED though objects were
//! refused, and as FAILED when it cannot go on: its bucket or its manifest is gone or unreadable. A bucket that is not
//! there is refused at once. Objects are changed in the name of whoever made the job (`storage.objects.update`,
//! `storage.objects.delete`); he must be able to read the manifest too. What lies under several prefixes counts once.
//! An object that changes while its bytes are copied is taken again. An empty value takes custom metadata away.
//! Cancelling a job that has ended changes nothing; one that runs cannot be deleted.

mod api;
mod check;
mod csv;
pub mod door;
mod model;
mod source;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

struct BatchOperations;

pub const SERVICE: &str = "google.cloud.storagebatchoperations.v1.StorageBatchOperations";
const PACKAGE: &str = "google.cloud.storagebatchoperations.v1";

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[];

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::storagebatchoperations::register_storage_batch_operations(
        registry,
        &Arc::new(BatchOperations),
    );
}
