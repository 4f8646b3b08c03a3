//! Base64 as Google's front end reads and writes it, with the vectors of the processor: Encrypt and Publish carry their
//! payloads in it, and a kilobyte of text should cost less than the call around it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurposeConfig;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Engine = base64::engine::GeneralPurpose;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Engine = base64::engine::Simd;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    engine(config)
});

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine(config: GeneralPurposeConfig) -> Engine {
    Engine::new(&base64::alphabet::STANDARD, config)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine(config: GeneralPurposeConfig) -> Engine {
    Engine::standard(config)
}

pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Both alphabets, padded or not.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = ENGINE.decode(text).ok();
    standard.or_else(|| ENGINE.decode(text.replace('-', "+").replace('_', "/")).ok())
}
