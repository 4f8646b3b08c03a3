//! Service Usage.
//!
//! Faithful: services are enabled and disabled one by one or in a batch, with what depends on them; calls to an API that
//! is not enabled are refused with SERVICE_DISABLED and all its details; an identity can be generated; the first time a
//! registry is enabled, topic `gcr` is tried, and policy's refusal of it fails nothing (it is noted in the audit trail).
//!
//! Missing: v1beta1 beyond generateServiceIdentity; identities of folders and organizations (UNIMPLEMENTED; their services
//! are INVALID_ARGUMENT, as production's v1 serves projects only); quotas. A service's `config` has only its name and
//! title; `checkIfServiceHasUsage` is not looked at.
//!
//! Our choices: a project that the default mode made up has the emulator's own services enabled, but neither registry,
//! and all service agents; there the first push enables Container Registry, unless somebody has disabled it. Artifact
//! Registry can be enabled and is not served. Known are the services of a small catalogue and those that take
//! customer-managed keys; any other is refused as if it did not exist. Only Container Registry depends on others. A
//! project that was created has what production enables (Storage and Service Usage among it), and an agent once its
//! service was enabled or its identity generated (Storage's: once it was asked for). What production asks of the
//! caller's project (Organization Policy) is refused only where it was disabled; Resource Manager never is.

mod api;
mod catalogue;
pub mod door;
mod model;
pub mod rest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;
use gcp_schema::services::serviceusage as traits;

use crate::kernel::Call;

struct Usage;

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[];

pub fn register(registry: &mut Registry<Call>) {
    traits::register_service_usage(registry, &Arc::new(Usage));
}
