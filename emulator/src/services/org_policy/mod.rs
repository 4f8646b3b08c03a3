//! Organization Policy.
//!
//! Faithful: policies on projects, folders and the organization, through v2 and through the older verbs of Resource
//! Manager, both seeing the same rows; etags (ABORTED on a mismatch, nothing asked without one); reset; merging along
//! the tree with `inheritFromParent`; boolean and list constraints with `is:`, `under:` and `in:`; names in answers carry
//! the project's number; illegal policies for the two key constraints are INVALID_ARGUMENT.
//!
//! Missing (UNIMPLEMENTED, see `GAPS`): custom constraints. There are no tags: rules with a condition are kept, shown and
//! never apply. A dry-run policy is kept and shown, and refuses nothing. v1's `suggestedValue` is dropped. Only the
//! constraints of the catalogue are known; of location groups only `us-`, `eu-`, `asia-locations` and single regions';
//! any other group is taken and holds no location.
//!
//! Our choices: a policy takes effect at once (production takes minutes). The parent's constraint default hands no
//! values down, so an inheriting list below an unset parent allows only what it names. `allowAll` is taken for both key
//! constraints, as it is their default. Of minimum durations the least of all levels counts, inherited or not.
//! Constraints come in one page.

mod api;
pub mod door;
mod evaluate;
mod legacy;
mod model;
pub mod rest;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use gcp_schema::Registry;
use gcp_schema::services::orgpolicy as traits;

use crate::kernel::Call;

struct Service;

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[
    "/google.cloud.orgpolicy.v2.OrgPolicy/CreateCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/DeleteCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/GetCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/ListCustomConstraints",
    "/google.cloud.orgpolicy.v2.OrgPolicy/UpdateCustomConstraint",
];

pub fn register(registry: &mut Registry<Call>) {
    traits::register_org_policy(registry, &Arc::new(Service));
}
