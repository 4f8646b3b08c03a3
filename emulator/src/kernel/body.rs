//! Bodies at rest: written as a stream, sealed chunk by chunk under a data key of their own, read in ranges.
//!
//! Up to one chunk lies sealed in the database; more goes to a segment file. Hashing and sealing of a large body run
//! on other threads while the next bytes come in, for MD5 alone is slower than everything else together.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use envelope::{CHUNK, Crc32c, Key, Md5, Opener, Sealer, Sha256};
use futures_util::Stream;
use prost::Message;
use tokio::sync::mpsc;

use super::blobs::{Segment, read_exactly};
use super::call::Call;
use super::lane::Lane;
use super::pipeline::Kernel;
use super::table::{BytesRow, Table, TextRow, ids};
use super::{Error, Result};

static BODIES: Table<BytesRow> = Table::new(ids::BODIES);
static SEGMENTS: Table<TextRow> = Table::new(ids::SEGMENTS);

/// How much is handed to the hashing and sealing threads at a time.
const BATCH: usize = 1 << 20;
/// How many sealed chunks are written at a time: few enough for the processor's nearer memory.
const WRITTEN_CHUNKS: usize = 4;
/// How many chunks are opened at a time when a segment is read, and how many such batches wait for their reader: whole
/// batches change threads, for a thread that is woken for each chunk does little else.
const READ_CHUNKS: u64 = 8;
const READ_AHEAD: usize = 2;

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

struct Hashes {
    crc32c: Crc32c,
    md5: Md5,
    sha256: Option<Sha256>,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.crc32c.update(bytes);
        self.md5.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }
}

impl Hashes {
    fn finished(self, size: u64, place: Place, kernel: &Arc<Kernel>) -> Finished {
        Finished {
            size,
            crc32c: self.crc32c.value(),
            md5: Some(self.md5.finish()),
            sha256: self.sha256.map(Sha256::finish),
            place: Some(place),
            kernel: Arc::clone(kernel),
        }
    }
}

/// Seals what it is given to a segment file, holding back the chunk that may be the last.
struct Sink {
    crc32c: Crc32c,
    sealer: Sealer,
    segment: Segment,
    held: Vec<u8>,
    /// Room for what is written at a time, and how much of it is full.
    out: Vec<u8>,
    filled: usize,
    sealed_length: u64,
}

impl Sink {
    fn push(&mut self, batch: &[Bytes]) -> Result<()> {
        for bytes in batch {
            let mut rest = bytes.as_ref();
            while !rest.is_empty() {
                if self.held.len() == CHUNK {
                    self.seal_held(false)?;
                }
                // More follows: a whole chunk need not be put together.
                let whole = self.held.is_empty() && rest.len() > CHUNK;
                let (piece, after) = rest.split_at(rest.len().min(CHUNK - self.held.len()));
                self.crc32c.update(piece);
                if whole {
                    self.seal(piece, false)?;
                } else {
                    self.held.extend_from_slice(piece);
                }
                rest = after;
            }
        }
        Ok(())
    }

    fn seal_held(&mut self, last: bool) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        self.seal(&held, last)?;
        self.held = held;
        self.held.clear();
        Ok(())
    }

    fn seal(&mut self, chunk: &[u8], last: bool) -> Result<()> {
        use std::io::Write as _;
        self.filled += self.sealer.seal_into(&mut self.out[self.filled..], chunk, last).map_err(unsealed)?;
        if last || self.filled == self.out.len() {
            let full = &self.out[..self.filled];
            let written = self.segment.file().write_all(full);
            written.map_err(|error| Error::internal(format!("blobs: cannot write a segment: {error}")))?;
            self.sealed_length += self.filled as u64;
            self.filled = 0;
        }
        Ok(())
    }
}

fn unsealed(error: envelope::Error) -> Error {
    Error::internal(format!("sealing: {error}"))
}

/// See the module.
pub struct Writer {
    kernel: Arc<Kernel>,
    key: Key,
    size: u64,
    limit: u64,
    small: BytesMut,
    /// Present until the body outgrows a chunk.
    hashes: Option<Hashes>,
    batch: Vec<Bytes>,
    batched: usize,
    /// Present from then on.
    lanes: Option<Lanes>,
}

/// Each reads the same bytes beside the others.
struct Lanes {
    md5: Lane<Md5, Batch>,
    sha256: Option<Lane<Sha256, Batch>>,
    sealing: Lane<Sink, Batch>,
}

type Batch = Arc<Vec<Bytes>>;

impl Lanes {
    async fn finish(self, size: u64, kernel: Arc<Kernel>) -> Result<Finished> {
        let mut sink = self.sealing.finish().await?;
        // What comes out of it removes the segment unless it is kept: also when nobody waits for it any more.
        let work = tokio::task::spawn_blocking(move || {
            sink.seal_held(true)?;
            let place = Place::Segment { id: kernel.blobs.complete(sink.segment)?, length: sink.sealed_length };
            let (crc32c, place) = (sink.crc32c.value(), Some(place));
            Ok::<_, Error>(Finished { size, crc32c, md5: None, sha256: None, place, kernel })
        });
        let md5 = self.md5.finish().await?;
        let sha256 = match self.sha256 {
            Some(lane) => Some(lane.finish().await?),
            None => None,
        };
        let ended = |error| Error::internal(format!("a worker thread ended: {error}"));
        let mut finished = work.await.map_err(ended)??;
        finished.md5 = Some(md5.finish());
        finished.sha256 = sha256.map(Sha256::finish);
        Ok(finished)
    }
}

impl Writer {
    /// `sha256`: also compute what registries name blobs by.
    pub fn new(kernel: Arc<Kernel>, key: Key, sha256: bool) -> Self {
        let limit = kernel.settings.max_object_bytes;
        let hashes = Hashes { crc32c: Crc32c::new(), md5: Md5::new(), sha256: sha256.then(Sha256::new) };
        Self {
            kernel,
            key,
            size: 0,
            limit,
            small: BytesMut::new(),
            hashes: Some(hashes),
            batch: Vec::new(),
            batched: 0,
            lanes: None,
        }
    }

    /// What the bytes are sealed with.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// How many bytes came so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(
                Error::invalid_argument(format!("The object is larger than {} bytes.", self.limit)).with_http(413)
            );
        }
        if self.lanes.is_none() {
            if self.small.len() + bytes.len() <= CHUNK {
                self.small.extend_from_slice(&bytes);
                return Ok(());
            }
            self.grow()?;
        }
        self.batched += bytes.len();
        self.batch.push(bytes);
        if self.batched >= BATCH { self.dispatch().await } else { Ok(()) }
    }

    /// The body is large: from here on it goes to a segment.
    fn grow(&mut self) -> Result<()> {
        let hashes = self.hashes.take().ok_or_else(|| Error::internal("a body that grew twice"))?;
        let sink = Sink {
            crc32c: hashes.crc32c,
            sealer: Sealer::new(&self.key).map_err(unsealed)?,
            segment: self.kernel.blobs.begin()?,
            held: Vec::with_capacity(CHUNK),
            out: vec![0; WRITTEN_CHUNKS * envelope::sealed_len(CHUNK as u64) as usize],
            filled: 0,
            sealed_length: 0,
        };
        self.lanes = Some(Lanes {
            md5: Lane::new(hashes.md5, |md5, batch| {
                batch.iter().for_each(|bytes| md5.update(bytes));
                Ok(())
            }),
            sha256: hashes.sha256.map(|sha256| {
                Lane::new(sha256, |sha256, batch: &Batch| {
                    batch.iter().for_each(|bytes| sha256.update(bytes));
                    Ok(())
                })
            }),
            sealing: Lane::new(sink, |sink, batch| sink.push(batch)),
        });
        let small = std::mem::take(&mut self.small).freeze();
        self.batched = small.len();
        self.batch.push(small);
        Ok(())
    }

    /// Gives the batch to every lane or, when the request is cut off meanwhile, to none: a session goes on with the next.
    async fn dispatch(&mut self) -> Result<()> {
        let lanes = self.lanes.as_mut().ok_or_else(|| Error::internal("a small body in batches"))?;
        let rooms = (lanes.md5.room().await?, lanes.sealing.room().await?);
        let beside = match &mut lanes.sha256 {
            Some(sha256) => Some((sha256.room().await?, sha256)),
            None => None,
        };
        let batch = Arc::new(std::mem::take(&mut self.batch));
        self.batched = 0;
        lanes.md5.push(Arc::clone(&batch), rooms.0)?;
        if let Some((room, sha256)) = beside {
            sha256.push(Arc::clone(&batch), room)?;
        }
        lanes.sealing.push(batch, rooms.1)
    }

    /// The end of the body.
    pub async fn finish(mut self) -> Result<Finished> {
        if !self.batch.is_empty() {
            self.dispatch().await?;
        }
        match (self.hashes.take(), self.lanes.take()) {
            (Some(mut hashes), _) => {
                hashes.update(&self.small);
                Ok(hashes.finished(self.size, Place::Inline(seal_whole(&self.key, &self.small)?), &self.kernel))
            }
            (None, Some(lanes)) => lanes.finish(self.size, self.kernel).await,
            (None, None) => Err(Error::internal("a body that was finished twice")),
        }
    }
}

/// Seals a body of at most one chunk at once, for calls that have it whole.
pub fn seal_small(kernel: &Arc<Kernel>, key: &Key, bytes: &[u8], sha256: bool) -> Result<Finished> {
    let mut hashes = Hashes { crc32c: Crc32c::new(), md5: Md5::new(), sha256: sha256.then(Sha256::new) };
    hashes.update(bytes);
    Ok(hashes.finished(bytes.len() as u64, Place::Inline(seal_whole(key, bytes)?), kernel))
}

/// A body of at most one chunk, sealed.
fn seal_whole(key: &Key, bytes: &[u8]) -> Result<Bytes> {
    let mut out = Vec::with_capacity(bytes.len() + 32);
    Sealer::new(key).and_then(|mut sealer| sealer.seal_chunk(&mut out, bytes, true)).map_err(unsealed)?;
    Ok(out.into())
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

enum Source {
    Inline(Bytes),
    Segment(std::fs::File),
}

/// A body that can be read: its key is in hand, its bytes are there.
pub struct Opened {
    pub size: u64,
    source: Source,
    opener: Opener,
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
    Error::new(super::Code::DataLoss, "The stored bytes are damaged.").with_log(error.to_string())
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::kernel::blobs::Blobs;
    use crate::kernel::clock::Clock;
    use crate::kernel::entropy::Entropy;
    use crate::kernel::store::Store;
    use crate::kernel::time::Time;
    use crate::kernel::vault::Vault;

    fn kernel() -> Arc<Kernel> {
        let store = Arc::new(Store::in_memory().unwrap());
        let clock = Arc::new(Clock::frozen(Time::parse("2026-01-05T09:00:00Z").unwrap()));
        Kernel::new(store, Vault::in_memory(), Blobs::in_memory(), clock, Entropy::new(7), Default::default())
    }

    /// A session outlives its requests: what a request left off in is where the next goes on.
    #[tokio::test]
    async fn a_request_that_is_cut_off_while_the_lanes_are_full_loses_nothing_and_counts_nothing_twice() {
        let kernel = kernel();
        let key = Key::generate().unwrap();
        let whole: Bytes = (0..24_u32 << 20).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut writer = Writer::new(Arc::clone(&kernel), key.clone(), true);
        let pieces = (0..whole.len()).step_by(BATCH).map(|from| whole.slice(from..from + BATCH));
        // Each is polled once and dropped.
        let cut = pieces.filter(|piece| writer.write(piece.clone()).now_or_never().is_none()).count();
        assert!(cut > 5, "the lanes were full {cut} times");
        assert_eq!(writer.size(), whole.len() as u64);
        let mut finished = writer.finish().await.unwrap();

        let mut hashes = Hashes { crc32c: Crc32c::new(), md5: Md5::new(), sha256: Some(Sha256::new()) };
        hashes.update(&whole);
        assert_eq!(finished.crc32c, hashes.crc32c.value());
        assert_eq!(finished.md5.unwrap(), hashes.md5.finish());
        assert_eq!(finished.sha256, hashes.sha256.map(Sha256::finish));
        let Some(Place::Segment { id, length }) = finished.place.take() else { panic!("a segment") };
        let source = Source::Segment(kernel.blobs.open(&id, length).unwrap());
        let opened = Opened { size: whole.len() as u64, source, opener: Opener::new(&key).unwrap() };
        assert!(opened.bytes().await.unwrap() == whole);
    }
}
