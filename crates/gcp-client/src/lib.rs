//! Calls Google methods: one table, read backwards. What the emulator can hear, this can say.
//!
//! The client knows nothing of the emulator: an in-process transport is handed to it from outside.

mod client;
mod credentials;
mod encode;
mod endpoints;
mod error;
mod transport;

pub use client::{Client, Retry};
pub use credentials::Credentials;
pub use endpoints::{Endpoints, NAMES as ENDPOINT_NAMES};
pub use gcp_schema::{Code, Error};
pub use transport::{HttpTransport, Transport, TransportError};
