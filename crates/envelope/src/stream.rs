//! Sealed streams: 64 KiB chunks, each with its number in the nonce and a mark on the last one, so that a stream that
//! was cut, reordered or spliced does not open.
//!
//! The nonce counts from zero, which is safe because a stream has a key of its own: callers make a fresh key a stream.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::{Error, Key};

/// Plaintext bytes of a full chunk.
pub const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

/// The sealed length of a stream of this many bytes. An empty stream is one empty chunk.
pub fn sealed_len(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK as u64).max(1);
    plain + chunks * TAG as u64
}

/// Which sealed bytes hold a range of the plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedRange {
    pub from: u64,
    pub to: u64,
    pub first_chunk: u64,
    /// How many plaintext bytes of the first chunk lie before the range.
    pub skip: u64,
}

/// Where to read for the plaintext bytes `from..to` of a stream of `total`: whole chunks only, as they open no other
/// way. `None` when the range is empty or goes beyond the end.
pub fn sealed_range(from: u64, to: u64, total: u64) -> Option<SealedRange> {
    if from >= to || to > total {
        return None;
    }
    let (chunk, tag) = (CHUNK as u64, TAG as u64);
    let first_chunk = from / chunk;
    let chunks_before_end = to.div_ceil(chunk);
    Some(SealedRange {
        from: first_chunk * (chunk + tag),
        to: (chunks_before_end * chunk).min(total) + chunks_before_end * tag,
        first_chunk,
        skip: from % chunk,
    })
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn mark(last: bool) -> Aad<&'static [u8]> {
    Aad::from(if last { b"last".as_slice() } else { b"more".as_slice() })
}

pub struct Sealer {
    key: LessSafeKey,
    next: u64,
    ended: bool,
}

impl Sealer {
    pub fn new(key: &Key) -> Result<Self, Error> {
        Ok(Self { key: key.aead()?, next: 0, ended: false })
    }

    /// Appends the sealed chunk to `out`. Every chunk but the last must be `CHUNK` long, and nothing follows the last.
    pub fn seal_chunk(&mut self, out: &mut Vec<u8>, plaintext: &[u8], last: bool) -> Result<(), Error> {
        let start = out.len();
        out.resize(start + plaintext.len() + TAG, 0);
        self.seal_into(&mut out[start..], plaintext, last).inspect_err(|_| out.truncate(start)).map(|_| ())
    }

    /// As `seal_chunk`, over the beginning of `out`; says how long the sealed chunk is there.
    pub fn seal_into(&mut self, out: &mut [u8], plaintext: &[u8], last: bool) -> Result<usize, Error> {
        let fits = if last { plaintext.len() <= CHUNK } else { plaintext.len() == CHUNK };
        let length = plaintext.len() + TAG;
        if !fits || self.ended || out.len() < length {
            return Err(Error::Seal);
        }
        let (sealed, tag) = out[..length].split_at_mut(plaintext.len());
        self.key
            .seal_out_of_place_scatter(nonce(self.next), mark(last), plaintext, sealed, &[], tag)
            .map_err(|_| Error::Seal)?;
        self.next += 1;
        self.ended = last;
        Ok(length)
    }
}

pub struct Opener {
    key: LessSafeKey,
}

impl Opener {
    pub fn new(key: &Key) -> Result<Self, Error> {
        Ok(Self { key: key.aead()? })
    }

    /// Appends the plaintext of chunk `index` to `out`.
    pub fn open_chunk(&self, index: u64, last: bool, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let length = sealed.len().checked_sub(TAG).ok_or(Error::Open)?;
        let start = out.len();
        out.resize(start + length, 0);
        let opened = self.key.open_separate_gather(
            nonce(index),
            mark(last),
            &sealed[..length],
            &sealed[length..],
            &mut out[start..],
        );
        opened.map_err(|_| {
            out.truncate(start);
            Error::Open
        })
    }

    /// Opens chunk `index` where it lies; says how long the plaintext is, at its beginning.
    pub fn open_in_place(&self, index: u64, last: bool, sealed: &mut [u8]) -> Result<usize, Error> {
        self.key.open_in_place(nonce(index), mark(last), sealed).map(|plain| plain.len()).map_err(|_| Error::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: &Key, plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(key).unwrap();
        let mut out = Vec::new();
        let chunks: Vec<_> = if plain.is_empty() { vec![plain] } else { plain.chunks(CHUNK).collect() };
        for (i, chunk) in chunks.iter().enumerate() {
            sealer.seal_chunk(&mut out, chunk, i + 1 == chunks.len()).unwrap();
        }
        out
    }

    fn opened(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let opener = Opener::new(key).unwrap();
        let chunks: Vec<_> = sealed.chunks(CHUNK + TAG).collect();
        let mut out = Vec::new();
        for (i, chunk) in chunks.iter().enumerate() {
            let start = out.len();
            opener.open_chunk(i as u64, i + 1 == chunks.len(), chunk, &mut out)?;
            let mut chunk = chunk.to_vec();
            let length = opener.open_in_place(i as u64, i + 1 == chunks.len(), &mut chunk)?;
            assert_eq!(out[start..], chunk[..length]);
        }
        Ok(out)
    }

    #[test]
    fn streams_of_every_length_come_back() {
        let key = Key::generate().unwrap();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain = vec![7; length];
            let sealed = sealed(&key, &plain);
            assert_eq!(sealed.len() as u64, sealed_len(length as u64));
            assert_eq!(opened(&key, &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn a_cut_a_swap_and_a_flipped_bit_are_seen() {
        let key = Key::generate().unwrap();
        let whole = sealed(&key, &vec![7; 3 * CHUNK]);
        let piece = CHUNK + TAG;
        assert!(opened(&key, &whole[..2 * piece]).is_err());
        let mut swapped = whole.clone();
        swapped[..piece].copy_from_slice(&whole[piece..2 * piece]);
        assert!(opened(&key, &swapped).is_err());
        let mut flipped = whole.clone();
        flipped[9] ^= 1;
        assert!(opened(&key, &flipped).is_err());
        assert!(opened(&Key::generate().unwrap(), &whole).is_err());
        assert!(Opener::new(&key).unwrap().open_chunk(0, true, &[1; 5], &mut Vec::new()).is_err());
    }

    #[test]
    fn a_stream_does_not_go_on_after_its_end() {
        let key = Key::generate().unwrap();
        let mut sealer = Sealer::new(&key).unwrap();
        let mut out = Vec::new();
        sealer.seal_chunk(&mut out, &vec![7; CHUNK], true).unwrap();
        assert_eq!(sealer.seal_chunk(&mut out, b"more", true), Err(Error::Seal));
        assert_eq!(out.len() as u64, sealed_len(CHUNK as u64), "a refusal leaves what was there");
        // Nor does a reader take a longer stream for it: its first chunk says that it is the last.
        out.extend_from_slice(&sealed(&key, b"tail"));
        assert_eq!(opened(&key, &out), Err(Error::Open));
    }

    #[test]
    fn a_chunk_of_another_stream_does_not_fit() {
        let (one, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        let mut mixed = sealed(&one, &vec![1; 2 * CHUNK]);
        let piece = CHUNK + TAG;
        mixed[piece..].copy_from_slice(&sealed(&other, &vec![1; 2 * CHUNK])[piece..]);
        assert_eq!(opened(&one, &mixed), Err(Error::Open));
    }

    #[test]
    fn a_range_is_read_from_its_own_chunks_only() {
        let key = Key::generate().unwrap();
        let opener = Opener::new(&key).unwrap();
        let chunk = CHUNK as u64;
        for total in [1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 5] {
            let plain: Vec<u8> = (0..total).map(|at| (at % 251) as u8).collect();
            let sealed = sealed(&key, &plain);
            for (from, to) in [(0, 1), (0, total), (total - 1, total), (total / 2, total), (total / 3, total / 2 + 1)] {
                let range = sealed_range(from, to, total).unwrap();
                let mut out = Vec::new();
                for (offset, piece) in sealed[range.from as usize..range.to as usize].chunks(CHUNK + TAG).enumerate() {
                    let index = range.first_chunk + offset as u64;
                    opener.open_chunk(index, index == (total - 1) / chunk, piece, &mut out).unwrap();
                }
                let skip = range.skip as usize;
                assert_eq!(out[skip..skip + (to - from) as usize], plain[from as usize..to as usize]);
            }
        }
        assert_eq!(sealed_range(chunk, chunk + 1, 3 * chunk).map(|range| range.to - range.from), Some(chunk + 16));
        for (from, to) in [(0, 0), (2, 1), (0, 11), (u64::MAX - 1, u64::MAX)] {
            assert_eq!(sealed_range(from, to, 10), None);
        }
    }

    #[test]
    fn too_little_room_is_refused_and_the_chunk_can_be_sealed_again() {
        let key = Key::generate().unwrap();
        let mut sealer = Sealer::new(&key).unwrap();
        let mut out = [0; 5 + TAG];
        assert!(sealer.seal_into(&mut out[1..], b"hello", true).is_err());
        assert_eq!(sealer.seal_into(&mut out, b"hello", true).unwrap(), out.len());
        assert_eq!(opened(&key, &out).unwrap(), b"hello");
    }

    #[test]
    fn a_short_chunk_in_the_middle_is_refused() {
        let mut sealer = Sealer::new(&Key::generate().unwrap()).unwrap();
        assert_eq!(sealer.seal_chunk(&mut Vec::new(), b"short", false), Err(Error::Seal));
    }
}
