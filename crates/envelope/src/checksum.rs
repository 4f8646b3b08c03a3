//! CRC-32C, MD5 and SHA-256 as streams.

use aws_lc_rs::digest;
use crc_fast::CrcAlgorithm::Crc32Iscsi;
use md5::Digest as _;

pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(Crc32Iscsi, bytes) as u32
}

pub struct Crc32c(crc_fast::Digest);

impl Crc32c {
    #[expect(clippy::new_without_default, reason = "an empty checksum is started, not defaulted to")]
    pub fn new() -> Self {
        Self(crc_fast::Digest::new(Crc32Iscsi))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn value(&self) -> u32 {
        self.0.finalize() as u32
    }
}

pub struct Md5(md5::Md5);

impl Md5 {
    #[expect(clippy::new_without_default, reason = "an empty checksum is started, not defaulted to")]
    pub fn new() -> Self {
        Self(md5::Md5::new())
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 16] {
        self.0.finalize().into()
    }
}

pub struct Sha256(digest::Context);

impl Sha256 {
    #[expect(clippy::new_without_default, reason = "an empty checksum is started, not defaulted to")]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_published_check_values_come_out() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let mut crc = Crc32c::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xe306_9283);
        let mut md5 = Md5::new();
        md5.update(b"abc");
        assert_eq!(hex(&md5.finish()), "900150983cd24fb0d6963f7d28e17f72");
        let mut sha = Sha256::new();
        sha.update(b"abc");
        assert_eq!(hex(&sha.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
