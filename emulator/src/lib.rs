//! An emulator of the Google Cloud services around customer-managed encryption keys.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use cmek_emulator::Emulator;
//!
//! let emulator = Emulator::builder().seed(7).frozen_at("2026-01-05T09:00:00Z").start().await?;
//! println!("point a client at http://{}", emulator.address());
//! emulator.advance(std::time::Duration::from_secs(86_400)).await?;
//! emulator.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! It really encrypts, really shreds when a key version is destroyed, checks service agents' permissions and policy, and
//! lets a test move the clock. Nothing in it is shared between two emulators of one process.

pub mod builder;
mod control;
mod doors;
mod handle;
mod kernel;
mod rest;
mod server;
mod services;
mod shape;
#[cfg(test)]
mod testing;

pub use builder::{BuildError, Builder};
pub use gcp_gateway::Dropped;
pub use handle::{Emulator, Running};
pub use kernel::audit::{Entry as AuditEntry, Watch};
pub use kernel::datadir::DataDirError;
pub use kernel::settings::{GcrEra, IamMode, ProjectMode};
pub use services::gaps;

/// `sha256:` and the hash in hexadecimal, as registries name blobs.
pub fn sha256_digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut sha = envelope::Sha256::new();
    sha.update(bytes);
    sha.finish().iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
