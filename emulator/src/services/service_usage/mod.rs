//! Service Usage.
//!
//! Faithful: enable, disable, list, batch, with Google's SERVICE_DISABLED refusal elsewhere; `generateServiceIdentity`
//! (REST v1beta1); enabling a registry tries topic `gcr`, and a policy that refuses it fails nothing.
//!
//! Missing: nothing of v1; the catalogue holds the emulator's own services only.
//!
//! Our choices: in a project that a call named everything but the registries is enabled and all agents exist; elsewhere
//! an agent exists once its service was enabled or its identity generated.

pub mod api;
pub mod door;
pub mod model;
pub mod rest;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct ServiceUsage;

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::serviceusage::register_service_usage(registry, &Arc::new(ServiceUsage));
}
