//! CRC-32C, MD5 and SHA-256 as streams.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm::Crc32Iscsi;

pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(Crc32Iscsi, bytes) as u32
}

/// The checksum of two runs of bytes laid end to end, from theirs: how composing objects avoids reading them.
pub fn crc32c_combine(first: u32, second: u32, second_len: u64) -> u32 {
    crc_fast::checksum_combine(Crc32Iscsi, first.into(), second.into(), second_len) as u32
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

    /// As Storage writes it: base64 of the four bytes, big-endian.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.value().to_be_bytes())
    }
}

/// Storage wants one of every upload, and nothing in an upload takes longer: hence an implementation with an assembly
/// core, a quarter quicker than the usual crate, which the tests hold it against.
pub struct Md5(fast_md5::Md5);

impl Md5 {
    #[expect(clippy::new_without_default, reason = "an empty checksum is started, not defaulted to")]
    pub fn new() -> Self {
        Self(fast_md5::Md5::new())
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 16] {
        self.0.finalize()
    }

    /// As Storage writes it.
    pub fn finish_base64(self) -> String {
        STANDARD.encode(self.finish())
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

    /// As registries write it after `sha256:`.
    pub fn finish_hex(self) -> String {
        self.finish().iter().fold(String::with_capacity(64), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_come_out() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let mut crc = Crc32c::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xe306_9283);
        assert_eq!(crc.to_base64(), "4waSgw==");
        let mut md5 = Md5::new();
        md5.update(b"abc");
        assert_eq!(u128::from_be_bytes(md5.finish()), 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72);
        let mut sha = Sha256::new();
        sha.update(b"abc");
        assert_eq!(sha.finish_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Md5::new().finish_base64(), "1B2M2Y8AsgTpgAmY7PhCfg==");
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn md5_is_the_usual_crates_at_every_length_and_cut() {
        use md5::Digest as _;
        let whole: Vec<u8> = (0..4096_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for length in (0..260).chain([1023, 1024, 1025, 4096]) {
            let usual: [u8; 16] = md5::Md5::digest(&whole[..length]).into();
            for cut in (0..=length).step_by(7) {
                let mut md5 = Md5::new();
                md5.update(&whole[..cut]);
                md5.update(&whole[cut..length]);
                assert_eq!(md5.finish(), usual, "{length} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_checksum_of_parts_is_the_checksum_of_the_whole() {
        let whole: Vec<u8> = (0..5000_u32).map(|number| (number * 31 % 251) as u8).collect();
        for cut in [0, 1, 15, 16, 17, 255, 4096, 4999, 5000] {
            let (first, second) = whole.split_at(cut);
            assert_eq!(crc32c_combine(crc32c(first), crc32c(second), second.len() as u64), crc32c(&whole), "{cut}");
        }
        assert_ne!(crc32c_combine(crc32c(b"a"), crc32c(b"b"), 2), crc32c(b"ab"), "the length matters");
    }
}
