//! Pub/Sub.
//!
//! Faithful: topics with keys that can be set, changed and removed; both CMEK constraints; publish, pull, acknowledge,
//! deadlines by the clock, ordering keys; StreamingPull; refusals in production's words when a topic's key is lost. Message
//! data is sealed under the topic's key as it was when it was published; attributes are not.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`; push, BigQuery and Cloud Storage delivery, filters, dead letters, schemas of
//! topics. Retention and expiration are kept and do nothing.
//!
//! Our choices: a pull answers at once with what is there. Key changes take effect at once.

mod api;
pub mod door;
mod keys;
mod model;
mod streaming;

use std::sync::Arc;

use gcp_gateway::{Body, Meta};
use gcp_schema::{Method, Registry};

use crate::kernel::{Call, Error, Kernel, Result};

pub struct PubSub;

pub const GAPS: &[&str] = &[
    "/google.pubsub.v1.SchemaService/",
    "/google.pubsub.v1.Subscriber/CreateSnapshot",
    "/google.pubsub.v1.Subscriber/DeleteSnapshot",
    "/google.pubsub.v1.Subscriber/GetSnapshot",
    "/google.pubsub.v1.Subscriber/ListSnapshots",
    "/google.pubsub.v1.Subscriber/ModifyPushConfig",
    "/google.pubsub.v1.Subscriber/Seek",
    "/google.pubsub.v1.Subscriber/UpdateSnapshot",
];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(PubSub);
    gcp_schema::services::pubsub::register_publisher(registry, &service);
    gcp_schema::services::pubsub::register_subscriber(registry, &service);
}

/// StreamingPull; every other streaming method of the schema is UNIMPLEMENTED.
pub async fn streaming(
    kernel: &Arc<Kernel>,
    method: &'static Method,
    meta: &Meta,
    request: http::Request<Body>,
) -> Result<http::Response<Body>> {
    if method.path == "/google.pubsub.v1.Subscriber/StreamingPull" {
        return streaming::pull(kernel, method, meta, request).await;
    }
    Err(Error::unimplemented(method.path))
}
