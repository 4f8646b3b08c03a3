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
}

impl Sealer {
    pub fn new(key: &Key) -> Result<Self, Error> {
        Ok(Self { key: key.aead()?, next: 0 })
    }

    /// Appends the sealed chunk to `out`. Every chunk but the last must be `CHUNK` long.
    pub fn seal_chunk(&mut self, out: &mut Vec<u8>, plaintext: &[u8], last: bool) -> Result<(), Error> {
        if plaintext.len() > CHUNK || (!last && plaintext.len() != CHUNK) {
            return Err(Error::Seal);
        }
        let start = out.len();
        out.extend_from_slice(plaintext);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(self.next), mark(last), &mut out[start..])
            .map_err(|_| Error::Seal)?;
        out.extend_from_slice(tag.as_ref());
        self.next += 1;
        Ok(())
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
            opener.open_chunk(i as u64, i + 1 == chunks.len(), chunk, &mut out)?;
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
    fn a_short_chunk_in_the_middle_is_refused() {
        let mut sealer = Sealer::new(&Key::generate().unwrap()).unwrap();
        assert_eq!(sealer.seal_chunk(&mut Vec::new(), b"short", false), Err(Error::Seal));
    }
}
