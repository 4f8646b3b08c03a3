//! KMS Inventory.
//!
//! Faithful: a project's keys of all locations in one list; what a key protects in the whole organization, counted by
//! type, product and place, or listed in pages; types by regular expressions, of which each must fit a type that is
//! tracked. Tracked are buckets by their default key (which names no version) and topics. Objects are not tracked, as
//! in production, so that a key without a resource may still be needed.
//!
//! Missing: nothing of the schema. Warnings are never given: every project lies in the organization and may be seen.
//!
//! Our choices: what is shown is how things are now (production lags by hours). A key that is not there is NOT_FOUND. A
//! version protects what says that it does: nothing, as buckets and topics name keys only.
//! `cloudkms.protectedResources.search` is asked on the scope, which for a summary is the organization (the project for
//! `FALLBACK_SCOPE_PROJECT`); a search also asks `cloudkms.cryptoKeys.get` on the key. A bare number as
//! scope is an organization's.

mod api;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;
use gcp_schema::services::kmsinventory as traits;

use crate::kernel::Call;

struct Inventory;

const API: &str = "kmsinventory.googleapis.com";

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(Inventory);
    traits::register_key_dashboard_service(registry, &service);
    traits::register_key_tracking_service(registry, &service);
}
