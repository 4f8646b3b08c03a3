//! Calls Google methods: one table, read backwards. What the emulator can hear, this can say.
//!
//! The client knows nothing of the emulator: an in-process transport is handed to it from outside.

mod advice;
mod client;
mod credentials;
mod decode;
mod encode;
mod endpoints;
mod error;
mod http_log;
mod impersonate;
#[cfg(test)]
mod loopback;
mod network;
mod operations;
mod paging;
mod proxy;
mod redact;
mod retry;
#[cfg(test)]
mod scripted;
mod timer;
mod tls;
mod transport;

pub use client::Client;
pub use credentials::{Credentials, LOGIN, SCOPE};
pub use endpoints::{Endpoints, NAMES as ENDPOINT_NAMES, REAL_ONLY as REAL_ENDPOINT_NAMES};
pub use error::{Error, Stage};
pub use gcp_schema::Code;
pub use http_log::{LoggedTransport, Sink};
pub use impersonate::Impersonated;
pub use network::{HttpTransport, Network};
pub use operations::Patience;
pub use paging::{JsonPages, List, Pages};
pub use proxy::Proxies;
pub use retry::Retry;
pub use timer::{ManualTimer, RealTimer, Sleeping, Timer};
pub use tls::Trust;
pub use transport::{Sending, TimeLeft, Transport, TransportError};
