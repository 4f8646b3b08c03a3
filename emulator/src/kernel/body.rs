//! Bodies at rest: written as a stream, sealed chunk by chunk under a data key of their own, read in ranges.
//!
//! Up to one chunk lies sealed in the database; more goes to a segment file.

mod read;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use envelope::Key;
use prost::Message;

pub use self::read::{Opened, open};
pub use self::write::{Writer, seal_small};
use super::call::Call;
use super::pipeline::Kernel;
use super::table::{BytesRow, Table, TextRow, ids};
use super::{Error, Result};

static BODIES: Table<BytesRow> = Table::new(ids::BODIES);
static SEGMENTS: Table<TextRow> = Table::new(ids::SEGMENTS);

/// A fresh key for one body and what must be kept to get it back.
pub struct DataKey {
    pub key: Key,
    pub wrapped: Bytes,
    /// The key version that wrapped it; empty when it is the emulator's own key.
    pub version: String,
}

/// Where a body lies and how to read it. Part of the owner's row.
#[derive(Clone, PartialEq, Message)]
pub struct BodyRow {
    #[prost(uint64, tag = "1")]
    pub size: u64,
    #[prost(string, tag = "2")]
    pub id: String,
    #[prost(bool, tag = "3")]
    pub segmented: bool,
    #[prost(uint64, tag = "4")]
    pub sealed_length: u64,
    #[prost(bytes = "bytes", tag = "5")]
    pub wrapped_key: Bytes,
    #[prost(string, tag = "6")]
    pub key_version: String,
    /// Empty for bodies that were put together from others.
    #[prost(bytes = "bytes", tag = "7")]
    pub md5: Bytes,
    #[prost(uint32, tag = "8")]
    pub crc32c: u32,
    #[prost(bytes = "bytes", tag = "9")]
    pub sha256: Bytes,
}

enum Place {
    Inline(Bytes),
    Segment { id: String, length: u64 },
}

/// A complete body that no row owns yet. Dropped without being kept, it is removed.
pub struct Finished {
    pub size: u64,
    pub crc32c: u32,
    /// Cleared for composed bodies, which have none in Storage.
    pub md5: Option<[u8; 16]>,
    pub sha256: Option<[u8; 32]>,
    place: Option<Place>,
    kernel: Arc<Kernel>,
}

impl Finished {
    /// Puts the body into the caller's transaction.
    pub fn keep(mut self, call: &mut Call, data_key: &DataKey) -> Result<BodyRow> {
        let mut row = BodyRow {
            size: self.size,
            wrapped_key: data_key.wrapped.clone(),
            key_version: data_key.version.clone(),
            md5: self.md5.map(|md5| Bytes::copy_from_slice(&md5)).unwrap_or_default(),
            crc32c: self.crc32c,
            sha256: self.sha256.map(|sha256| Bytes::copy_from_slice(&sha256)).unwrap_or_default(),
            ..BodyRow::default()
        };
        match self.place.take() {
            Some(Place::Inline(bytes)) => {
                row.id = format!("{:012x}", call.count("bodies")?);
                row.sealed_length = bytes.len() as u64;
                call.txn.put(&BODIES, &row.id, &BytesRow { bytes })?;
            }
            Some(Place::Segment { id, length }) => {
                row.id = id;
                row.segmented = true;
                row.sealed_length = length;
                call.txn.put(&SEGMENTS, &row.id, &TextRow::default())?;
            }
            None => return Err(Error::internal("a body was kept twice")),
        }
        Ok(row)
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if let Some(Place::Segment { id, .. }) = &self.place {
            self.kernel.blobs.remove(id);
        }
    }
}

/// Takes a body out of the store together with its owner's row.
pub fn discard(call: &mut Call, row: &BodyRow) -> Result<()> {
    if row.segmented {
        call.txn.delete(&SEGMENTS, &row.id)?;
        let id = row.id.clone();
        call.after_commit(move |kernel| kernel.blobs.remove(&id));
        return Ok(());
    }
    call.txn.delete(&BODIES, &row.id)
}

/// Whether a row owns this segment; for the sweep at the start.
pub fn owns_segment(txn: &super::txn::Txn, id: &str) -> bool {
    txn.has(&SEGMENTS, id).unwrap_or(true)
}
