//! Writing. Hashing and sealing of a large body run on other threads while the next bytes come in, for MD5 alone is slower
//! than everything else together.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use envelope::{CHUNK, Crc32c, Key, Md5, Sealer, Sha256};

use super::{Finished, Place};
use crate::kernel::blobs::Segment;
use crate::kernel::lane::Lane;
use crate::kernel::{Error, Kernel, Result};

/// How much is handed to the hashing and sealing threads at a time.
const BATCH: usize = 1 << 20;
/// How many sealed chunks are written at a time: few enough for the processor's nearer memory.
const WRITTEN_CHUNKS: usize = 4;

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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use envelope::Opener;

    use super::super::read::{Opened, Source};
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
