//! Entity tags: opaque base64 text that changes with each revision, as gcloud requires them (it decodes them).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::entropy::Entropy;

/// Eight bytes that differ for each (resource, revision).
pub fn of(entropy: &Entropy, resource: &str, revision: u64) -> String {
    let hash = entropy.hash(&format!("etag:{resource}:{revision}"));
    // The first byte is the one that Google's own tags of policies start with.
    let mut bytes = vec![0x07];
    bytes.extend_from_slice(&hash[..7]);
    STANDARD.encode(bytes)
}

/// A tag of a never-set policy.
pub const NEVER_SET: &[u8] = &[0x00, 0x20, 0x01];

pub fn of_metageneration(metageneration: u64) -> String {
    STANDARD.encode(self::metageneration(metageneration))
}

/// Storage's tag: one protobuf varint field that holds the metageneration.
pub fn metageneration(metageneration: u64) -> Vec<u8> {
    let mut bytes = vec![0x08];
    let mut rest = metageneration;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_metageneration_reads_as_google_prints_it() {
        assert_eq!(of_metageneration(1), "CAE=");
        assert_eq!(STANDARD.encode(NEVER_SET), "ACAB");
        assert_ne!(of(&Entropy::new(1), "a", 1), of(&Entropy::new(1), "a", 2));
    }
}
