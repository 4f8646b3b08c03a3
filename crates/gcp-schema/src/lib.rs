//! Google's messages, service traits, descriptors and the route table.
//!
//! Messages come from the published `googleapis-tonic-*` crates. The build script reads their source and derives the
//! rest: a descriptor set, one trait a service, and the table of methods joined with `routes/*.txt`.

pub mod error;
pub mod method;
pub mod registry;

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};

pub use error::{Code, Detail, Error, FieldViolation, HelpLink, Violation};
pub use googleapis_tonic_google_api_serviceusage_v1::google::api::serviceusage::v1 as serviceusage;
pub use googleapis_tonic_google_cloud_asset_v1::google::cloud::asset::v1 as cloudasset;
pub use googleapis_tonic_google_cloud_kms_inventory_v1::google::cloud::kms::inventory::v1 as kmsinventory;
pub use googleapis_tonic_google_cloud_kms_v1::google::cloud::kms::v1 as kms;
pub use googleapis_tonic_google_cloud_location::google::cloud::location;
pub use googleapis_tonic_google_cloud_orgpolicy_v2::google::cloud::orgpolicy::v2 as orgpolicy;
pub use googleapis_tonic_google_cloud_resourcemanager_v3::google::cloud::resourcemanager::v3 as resourcemanager;
pub use googleapis_tonic_google_cloud_storagebatchoperations_v1::google::cloud::storagebatchoperations::v1 as storagebatchoperations;
pub use googleapis_tonic_google_iam_v1::google::iam::v1 as iam;
pub use googleapis_tonic_google_longrunning::google::longrunning;
pub use googleapis_tonic_google_pubsub_v1::google::pubsub::v1 as pubsub;
pub use googleapis_tonic_google_rpc::google::rpc;
pub use googleapis_tonic_google_storage_v2::google::storage::v2 as storage;
pub use googleapis_tonic_google_type::google::r#type as google_type;
pub use method::{Body, Method, Rule, Verb};
pub use registry::Registry;

/// A trait and a registration function for each service, in a module for each package.
#[allow(clippy::pedantic, reason = "generated")]
pub mod services {
    include!(concat!(env!("OUT_DIR"), "/services.rs"));
}

mod table {
    use crate::method::{Body, Method, Rule, Verb};

    include!(concat!(env!("OUT_DIR"), "/methods.rs"));
}

/// A serialised `FileDescriptorSet`, without the well-known types.
pub fn descriptor_set() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))
}

/// All descriptors. Building them takes as long as a whole short run: `message` and `enumeration` ask for less.
pub fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| with_well_known(descriptor_set()))
}

fn with_well_known(set: &[u8]) -> DescriptorPool {
    let mut pool = DescriptorPool::global();
    pool.decode_file_descriptor_set(set).expect("the build script's descriptors are sound: a test loads them");
    pool
}

/// A proto package whose messages hold no `Any`, with what they need; built when it is first asked for.
struct Package {
    name: &'static str,
    set: &'static [u8],
    pool: OnceLock<DescriptorPool>,
}

mod packages {
    use super::{OnceLock, Package};

    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

fn pool_of(full_name: &str) -> &'static DescriptorPool {
    let is_in = |package: &&Package| full_name.strip_prefix(package.name).is_some_and(|rest| rest.starts_with('.'));
    match packages::PACKAGES.iter().find(is_in) {
        Some(package) => package.pool.get_or_init(|| with_well_known(package.set)),
        None => pool(),
    }
}

/// The descriptor of a message. Those of different packages know of each other's messages only what they need.
pub fn message(full_name: &str) -> Option<MessageDescriptor> {
    pool_of(full_name).get_message_by_name(full_name)
}

pub fn enumeration(full_name: &str) -> Option<EnumDescriptor> {
    pool_of(full_name).get_enum_by_name(full_name)
}

/// Every method, sorted by path.
pub fn methods() -> &'static [Method] {
    table::METHODS
}

pub fn method(path: &str) -> Option<&'static Method> {
    table::METHODS.binary_search_by(|method| method.path.cmp(path)).ok().map(|index| &table::METHODS[index])
}

#[cfg(test)]
mod tests;
