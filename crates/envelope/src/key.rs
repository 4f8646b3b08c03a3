//! Keys, and single secrets sealed under them with a random nonce.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::Error;

/// 32 bytes that are wiped when they are dropped and never printed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// From the system's random source, always: no seed reaches a key.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
        let key = Self(bytes);
        bytes.zeroize();
        Ok(key)
    }

    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::KeyLength)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn aead(&self) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| Error::KeyLength)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Nonce, ciphertext, tag. `aad` must be given again to open: what the bytes are for.
pub fn seal(key: &Key, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Error::Random)?;
    let mut out = Vec::with_capacity(NONCE_LEN + plaintext.len() + 16);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let tag = key
        .aead()?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out[NONCE_LEN..])
        .map_err(|_| Error::Seal)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

pub fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Open)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Open)?;
    let mut buffer = rest.to_vec();
    let length = key.aead()?.open_in_place(nonce, Aad::from(aad), &mut buffer).map_err(|_| Error::Open)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open() {
        let key = Key::generate().unwrap();
        let sealed = seal(&key, b"a", b"secret").unwrap();
        assert_eq!(open(&key, b"a", &sealed).unwrap(), b"secret");
        assert_ne!(seal(&key, b"a", b"secret").unwrap(), sealed);
        assert_eq!(open(&key, b"b", &sealed), Err(Error::Open));
        assert_eq!(open(&Key::generate().unwrap(), b"a", &sealed), Err(Error::Open));
        assert_eq!(open(&key, b"a", &sealed[..11]), Err(Error::Open));
        let mut changed = sealed;
        changed[14] ^= 1;
        assert_eq!(open(&key, b"a", &changed), Err(Error::Open));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        assert_eq!(format!("{:?}", Key::from_slice(&[7; 32]).unwrap()), "Key(…)");
        assert!(Key::from_slice(&[7; 31]).is_err());
    }
}
