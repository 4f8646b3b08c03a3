//! IAM: policies on resources, roles, and `google.iam.v1.IAMPolicy` for Cloud KMS and Pub/Sub.
//!
//! Faithful: union over a resource and all above it; etags; versions; service agents must exist before they are bound;
//! predefined roles as far as the emulator's services ask for their permissions.
//!
//! Missing: custom roles grant nothing; deny policies; groups have no members; a binding with a condition never applies.
//!
//! Our choices: changes take effect at once. A caller's bearer token that is an e-mail address names him.

mod api;
pub mod door;
mod model;
mod roles;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

pub struct Iam;

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::iam::register_iam_policy(registry, &Arc::new(Iam));
}
