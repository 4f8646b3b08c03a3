//! Names that look random and come out the same for the same seed: a stream for each (seed, label).
//!
//! Never used for secrets: keys and nonces come from the system source inside `envelope`.

use aws_lc_rs::digest::{SHA256, digest};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// The seed of one emulator.
#[derive(Clone, Copy, Debug)]
pub struct Entropy {
    seed: u64,
}

impl Entropy {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream of this label; the same label gives the same stream again.
    pub fn stream(&self, label: &str) -> ChaCha12Rng {
        ChaCha12Rng::from_seed(self.hash(label))
    }

    pub fn hash(&self, label: &str) -> [u8; 32] {
        let mut input = Vec::with_capacity(8 + label.len());
        input.extend_from_slice(&self.seed.to_be_bytes());
        input.extend_from_slice(label.as_bytes());
        let mut seed = [0; 32];
        seed.copy_from_slice(digest(&SHA256, &input).as_ref());
        seed
    }

    /// A number of `digits` decimal digits, without a leading zero.
    pub fn number(&self, label: &str, digits: u32) -> u64 {
        let low = 10_u64.pow(digits - 1);
        low + self.stream(label).next_u64() % (low * 9)
    }

    pub fn hex(&self, label: &str, bytes: usize) -> String {
        use std::fmt::Write as _;
        let mut buffer = vec![0; bytes];
        self.stream(label).fill_bytes(&mut buffer);
        buffer.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A version 4 UUID by shape.
    pub fn uuid(&self, label: &str) -> String {
        let hex = self.hex(label, 16);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_independent_and_repeatable() {
        let one = Entropy::new(7);
        assert_eq!(one.number("project:a", 12), Entropy::new(7).number("project:a", 12));
        assert_ne!(one.number("project:a", 12), one.number("project:b", 12));
        assert_ne!(one.hex("x", 8), Entropy::new(8).hex("x", 8));
        assert_eq!(one.number("project:a", 12).to_string().len(), 12);
        assert_eq!(one.uuid("x").len(), 36);
    }
}
