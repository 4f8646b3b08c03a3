//! Reading, whole or in ranges: batches of chunks are opened on a thread of their own.

use bytes::{Bytes, BytesMut};
use envelope::{CHUNK, Key, Opener};
use futures_util::Stream;
use tokio::sync::mpsc;

use super::{BODIES, BodyRow};
use crate::kernel::blobs::read_exactly;
use crate::kernel::{Call, Code, Error, Result};

/// How many chunks are opened at a time when a segment is read, and how many such batches wait for their reader: whole
/// batches change threads, for a thread that is woken for each chunk does little else.
const READ_CHUNKS: u64 = 8;
const READ_AHEAD: usize = 2;

pub(super) enum Source {
    Inline(Bytes),
    Segment(std::fs::File),
}

/// A body that can be read: its key is in hand, its bytes are there.
pub struct Opened {
    pub size: u64,
    pub(super) source: Source,
    pub(super) opener: Opener,
}

/// Finds the bytes of a body. The caller has unwrapped the key, which is where refusals come from.
pub fn open(call: &Call, row: &BodyRow, key: &Key) -> Result<Opened> {
    let source = if row.segmented {
        Source::Segment(call.kernel.blobs.open(&row.id, row.sealed_length)?)
    } else {
        let stored = call.txn.get(&BODIES, &row.id)?;
        Source::Inline(stored.ok_or_else(|| Error::internal(format!("body {} is missing", row.id)))?.bytes)
    };
    let opener = Opener::new(key).map_err(|error| Error::internal(format!("opening: {error}")))?;
    Ok(Opened { size: row.size, source, opener })
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::new(Code::DataLoss, "The stored bytes are damaged.").with_log(error.to_string())
}

impl Opened {
    /// The whole body at once; for bodies that are known to be small, such as manifests.
    pub async fn bytes(self) -> Result<Bytes> {
        use futures_util::StreamExt as _;
        let size = self.size;
        let mut stream = self.stream(0, size);
        let mut all = BytesMut::with_capacity(size as usize);
        while let Some(bytes) = stream.next().await {
            all.extend_from_slice(&bytes?);
        }
        Ok(all.freeze())
    }

    /// The body, if it needs no file: the quick way for small ones.
    pub fn inline(&self) -> Option<Result<Bytes>> {
        let Source::Inline(sealed) = &self.source else { return None };
        let mut out = Vec::with_capacity(self.size as usize);
        Some(self.opener.open_chunk(0, true, sealed, &mut out).map(|()| out.into()).map_err(damaged))
    }

    /// Bytes `from..to` (the caller has checked the range).
    pub fn stream(self, from: u64, to: u64) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + 'static {
        let (sender, receiver) = mpsc::channel(READ_AHEAD);
        match self.source {
            Source::Inline(_) => {
                let bytes = self.inline().unwrap_or_else(|| Ok(Bytes::new()));
                let _ = sender.try_send(bytes.map(|bytes| vec![bytes.slice(from as usize..to as usize)]));
            }
            Source::Segment(file) if from < to => {
                let opener = self.opener;
                let size = self.size;
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = read_segment(file, &opener, size, from, to, &sender) {
                        let _ = sender.blocking_send(Err(error));
                    }
                });
            }
            Source::Segment(_) => {}
        }
        let state = (receiver, Vec::new().into_iter());
        Box::pin(futures_util::stream::unfold(state, |(mut receiver, mut batch)| async move {
            loop {
                if let Some(piece) = batch.next() {
                    return Some((Ok(piece), (receiver, batch)));
                }
                match receiver.recv().await? {
                    Ok(next) => batch = next.into_iter(),
                    Err(error) => return Some((Err(error), (receiver, batch))),
                }
            }
        }))
    }
}

fn read_segment(
    mut file: std::fs::File,
    opener: &Opener,
    size: u64,
    from: u64,
    to: u64,
    sender: &mpsc::Sender<Result<Vec<Bytes>>>,
) -> Result<()> {
    use std::io::{Seek as _, SeekFrom};
    let chunk = CHUNK as u64;
    let sealed_chunk = envelope::sealed_len(chunk);
    let final_chunk = size.saturating_sub(1) / chunk;
    let mut index = from / chunk;
    file.seek(SeekFrom::Start(index * sealed_chunk)).map_err(damaged)?;
    while index * chunk < to {
        let last = final_chunk.min(index + READ_CHUNKS - 1).min((to - 1) / chunk);
        let plain_end = ((last + 1) * chunk).min(size);
        let plain = plain_end - index * chunk;
        let chunks = last - index + 1;
        let overhead = sealed_chunk - chunk;
        let mut batch = read_exactly(&mut file, plain + chunks * overhead)?;
        for (offset, sealed) in batch.chunks_mut(sealed_chunk as usize).enumerate() {
            let at = index + offset as u64;
            opener.open_in_place(at, at == final_chunk, sealed).map_err(damaged)?;
        }
        let batch = Bytes::from(batch);
        let piece = |at: u64| {
            let start = from.saturating_sub(at * chunk).min(chunk);
            let end = chunk.min(to.min(size) - at * chunk);
            let place = (at - index) * sealed_chunk;
            batch.slice((place + start) as usize..(place + end) as usize)
        };
        if sender.blocking_send(Ok((index..=last).map(piece).collect())).is_err() {
            return Ok(());
        }
        index = last + 1;
    }
    Ok(())
}
