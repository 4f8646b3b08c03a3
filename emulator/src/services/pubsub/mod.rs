//! Card to come.

pub mod door;

use std::sync::Arc;

use gcp_gateway::{Body, Meta};
use gcp_schema::{Method, Registry};

use crate::kernel::{Call, Error, Kernel, Result};

pub fn register(registry: &mut Registry<Call>) {
    let _ = registry;
}

/// StreamingPull; every other streaming method of the schema is UNIMPLEMENTED.
pub async fn streaming(
    kernel: &Arc<Kernel>,
    method: &'static Method,
    meta: &Meta,
    request: http::Request<Body>,
) -> Result<http::Response<Body>> {
    let _ = (kernel, meta, request);
    Err(Error::unimplemented(method.path))
}
