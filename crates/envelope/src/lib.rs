//! Sealed bytes: AES-256-GCM for small secrets, chunked streams for bodies, and the checksums of Google's services.

mod checksum;
mod key;
mod stream;

pub use checksum::{Crc32c, Md5, Sha256, crc32c, crc32c_combine};
pub use key::{Key, open, seal};
pub use stream::{CHUNK, Opener, SealedRange, Sealer, sealed_len, sealed_range};

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key is not 32 bytes")]
    KeyLength,
    #[error("the sealed bytes do not open: another key, another place, or they were changed")]
    Open,
    #[error("sealing failed")]
    Seal,
    #[error("the system's random source failed")]
    Random,
}
