//! Pub/Sub.
//!
//! Faithful: topics with keys that can be set, changed and removed, each noted in the audit trail; both CMEK constraints,
//! and that on locations, which says where a topic's messages lie when nobody else does; publish, pull, acknowledge,
//! deadlines by the clock, message retention, ordering keys, filters, seek to a time; StreamingPull; refusals in
//! production's words, also when a topic's key is lost. Message data is sealed under the topic's key as it was when it was
//! published, in the name of the topic's project; attributes are not.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`; push, BigQuery, Bigtable and Cloud Storage delivery, dead letters, schemas,
//! ingestion and transforms of topics. There are no snapshots: a topic's list is empty, a seek to one is NOT_FOUND.
//! Subscribing asks no permission on the topic. Kept and without effect: where messages may lie (policy judges it), expiration and retry policies, retained acknowledged
//! messages, a topic's own retention, exactly-once delivery.
//!
//! Our choices: a pull answers at once with what is there. Key changes take effect at once. The oldest ready message decides
//! whether a pull fails for its key; messages before it are delivered. One message of an ordering key is outstanding at a
//! time. `!=` in a filter also wants messages without the attribute. Message ids are a counter. A key that is missing (where
//! the agent may know) or has another purpose is INVALID_ARGUMENT. A mask that clears a key where none is set is no change.
//! Where policy leaves no region, a topic is refused as one in `global`.

mod api;
mod backlog;
mod checks;
pub mod door;
mod filter;
mod keys;
mod model;
mod streaming;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_gateway::{Body, Meta};
use gcp_schema::{Method, Registry};

use crate::kernel::{Call, Error, Kernel, Result};

pub struct PubSub;

/// What answers UNIMPLEMENTED.
pub const GAPS: &[&str] = &[
    "/google.pubsub.v1.SchemaService/CommitSchema",
    "/google.pubsub.v1.SchemaService/CreateSchema",
    "/google.pubsub.v1.SchemaService/DeleteSchema",
    "/google.pubsub.v1.SchemaService/DeleteSchemaRevision",
    "/google.pubsub.v1.SchemaService/GetSchema",
    "/google.pubsub.v1.SchemaService/ListSchemaRevisions",
    "/google.pubsub.v1.SchemaService/ListSchemas",
    "/google.pubsub.v1.SchemaService/RollbackSchema",
    "/google.pubsub.v1.SchemaService/ValidateMessage",
    "/google.pubsub.v1.SchemaService/ValidateSchema",
    "/google.pubsub.v1.Subscriber/CreateSnapshot",
    "/google.pubsub.v1.Subscriber/DeleteSnapshot",
    "/google.pubsub.v1.Subscriber/GetSnapshot",
    "/google.pubsub.v1.Subscriber/ListSnapshots",
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
