//! Serves Google methods as gRPC and REST on one port.
//!
//! A method is written once, from request message to response message. This crate is the two codecs around it: gRPC
//! framing, and REST transcoded by the route table. What the table cannot describe goes to [`Backend::bespoke`].

mod address;
mod base64;
pub mod body;
mod error;
mod fields;
pub mod grpc;
mod json;
mod matcher;
mod print;
mod router;
mod serve;
#[cfg(test)]
mod tests;
mod transcode;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gcp_schema::{Error, Method};

pub use body::{Body, BoxError, empty, full, stream};
pub use error::{Dropped, error_json, error_response, grpc_status_response};
pub use fields::partial;
pub use router::{Limits, Router};
pub use serve::serve;
pub use transcode::{message as message_of_json, parse as parse_json};

/// The API that an address named (`/cloudkms.googleapis.com/…` or its Host), in a request's extensions.
#[derive(Clone, Debug, Default)]
pub struct ApiHint(pub Option<String>);

/// How a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Rest,
    Grpc,
}

/// What is known of a call beside its message.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The HTTP verb.
    pub method: &'static str,
    /// As the client gave it, with its port: what URLs in answers are built from.
    pub host: String,
    pub scheme: &'static str,
    pub headers: http::HeaderMap,
    pub wire: Wire,
    /// The API that the address named; over REST else that of the rule that matched.
    pub api: Option<String>,
}

/// One unary call, on whichever wire it came.
#[derive(Debug)]
pub struct Rpc {
    pub method: &'static Method,
    pub request: Bytes,
    pub meta: Meta,
}

/// Whether a request is for REST that no route describes.
pub enum Claimed {
    Yes(BoxFuture<'static, http::Response<Body>>),
    /// The request, given back.
    No(Box<http::Request<Body>>),
}

/// What stands behind the gateway.
pub trait Backend: Send + Sync + 'static {
    /// REST that is not transcoded.
    fn bespoke(self: Arc<Self>, request: http::Request<Body>) -> Claimed;

    fn unary(self: Arc<Self>, rpc: Rpc) -> BoxFuture<'static, Result<Bytes, Error>>;

    /// Streaming methods, raw gRPC.
    fn streaming(
        self: Arc<Self>,
        method: &'static Method,
        meta: Meta,
        request: http::Request<Body>,
    ) -> BoxFuture<'static, http::Response<Body>>;
}
