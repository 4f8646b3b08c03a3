//! IAM: policies on resources, roles, and `google.iam.v1.IAMPolicy` for Cloud KMS and Pub/Sub.
//!
//! Faithful: union over a resource and all above it; `projectOwner:p` and its like in a bucket's policy; etags; versions;
//! masks; service agents must exist before they are bound; predefined roles as far as the emulator's services ask for
//! their permissions; refusals in each API's own words, UNAUTHENTICATED for a caller without credentials.
//!
//! Missing: custom roles are taken unseen and grant nothing; any other predefined role is refused as not supported; deny
//! policies; groups have no members; a binding with a condition never applies.
//! Policies of other resources (import jobs, snapshots, schemas) answer UNIMPLEMENTED.
//!
//! Our choices: changes take effect at once. A caller's bearer token that is an e-mail address names him. A reader who
//! does not say that he understands conditions is shown the bindings without them, as version 1.
//! testIamPermissions answers for any name, also of what is not there.

mod api;
pub mod door;
mod model;
mod roles;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct Iam;

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::iam::register_iam_policy(registry, &Arc::new(Iam));
}
