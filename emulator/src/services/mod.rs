//! The services, a folder each: `mod` (its card, and its gaps); `model`, `api` (gRPC and transcoded REST), `rest` (REST
//! that is bespoke) and `door` (what other services may ask of it) where there is something to put there.

pub mod cloud_asset;
pub mod container_registry;
pub mod iam;
pub mod kms;
pub mod kms_inventory;
pub mod mixins;
pub mod org_policy;
pub mod pubsub;
pub mod resource_manager;
pub mod service_usage;
pub mod storage;
pub mod storage_batch_operations;

use std::sync::Arc;

use gcp_gateway::Claimed;
use gcp_schema::{Method, Registry};

use crate::kernel::{Call, Kernel};
use crate::rest::Request;

/// Every method that is implemented. The rest answers UNIMPLEMENTED.
pub fn registry() -> Registry<Call> {
    let mut registry = Registry::default();
    resource_manager::register(&mut registry);
    service_usage::register(&mut registry);
    iam::register(&mut registry);
    org_policy::register(&mut registry);
    kms::register(&mut registry);
    pubsub::register(&mut registry);
    storage_batch_operations::register(&mut registry);
    kms_inventory::register(&mut registry);
    cloud_asset::register(&mut registry);
    mixins::register(&mut registry);
    registry
}

/// Whether a method shows how far the work between calls has come. It waits for a round of it, so that whoever asks
/// again and again sees it go on, on a busy machine too.
pub fn shows_work(method: &Method) -> bool {
    method.read_only
        && (method.service == storage_batch_operations::SERVICE || method.service == "google.longrunning.Operations")
}

/// REST that no route of the table describes. Who claims a request is asked before anything waits: what nobody claims,
/// most calls of Cloud KMS and Pub/Sub among it, pays for none of their handlers.
pub fn bespoke(kernel: &Arc<Kernel>, request: Request) -> Claimed {
    let kernel = Arc::clone(kernel);
    if crate::control::claims(&request) {
        return Claimed::Yes(Box::pin(async move { crate::control::handle(&kernel, request).await }));
    }
    if container_registry::rest::claims(&request) {
        return Claimed::Yes(Box::pin(async move { container_registry::rest::handle(&kernel, request).await }));
    }
    if storage::rest::claims(&request) {
        return Claimed::Yes(Box::pin(async move { storage::rest::handle(&kernel, request).await }));
    }
    if resource_manager::rest::claims(&request) {
        return Claimed::Yes(Box::pin(async move { resource_manager::rest::handle(&kernel, request).await }));
    }
    if service_usage::rest::claims(&request) {
        return Claimed::Yes(Box::pin(async move { service_usage::rest::handle(&kernel, request).await }));
    }
    if org_policy::rest::claims(&request) {
        return Claimed::Yes(Box::pin(async move { org_policy::rest::handle(&kernel, request).await }));
    }
    Claimed::No(Box::new(request))
}

/// Methods that answer UNIMPLEMENTED, as the cards list them: whole paths, or the beginning of several.
pub fn gaps() -> Vec<&'static str> {
    [
        resource_manager::GAPS,
        service_usage::GAPS,
        org_policy::GAPS,
        kms::GAPS,
        storage::GAPS,
        pubsub::GAPS,
        mixins::GAPS,
        storage_batch_operations::GAPS,
        kms_inventory::GAPS,
        cloud_asset::GAPS,
    ]
    .concat()
}
