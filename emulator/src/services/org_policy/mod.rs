//! Organization Policy.
//!
//! Faithful: policies of projects, folders and the organization; inheritance and merging of list constraints; the two
//! constraints around keys with the lists that each of them takes; etags; names with the project's number in answers; the
//! v1 verbs that `gcloud resource-manager org-policies` uses, on the same stored policies.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`. Rules with a condition on tags are stored and never apply.
//!
//! Our choices: changes take effect at once. The catalogue holds the constraints that the emulator knows to enforce, and
//! `gcp.resourceLocations`, which is stored and not enforced.

pub mod api;
pub mod door;
mod evaluate;
pub mod model;
pub mod rest;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct OrgPolicy;

pub const GAPS: &[&str] = &[
    "/google.cloud.orgpolicy.v2.OrgPolicy/CreateCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/DeleteCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/GetCustomConstraint",
    "/google.cloud.orgpolicy.v2.OrgPolicy/ListCustomConstraints",
    "/google.cloud.orgpolicy.v2.OrgPolicy/UpdateCustomConstraint",
];

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::orgpolicy::register_org_policy(registry, &Arc::new(OrgPolicy));
}
