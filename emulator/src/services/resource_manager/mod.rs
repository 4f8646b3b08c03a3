//! Resource Manager.
//!
//! Faithful: one organization from the start, projects and folders below it as a tree; numbers derived from the seed; a
//! deletion is a request that can be undone, and a project whose deletion is requested is closed to every other
//! service; folders nest ten deep, siblings have different names; unknown projects and folders are hidden behind 403.
//! v3 on both wires, and the v1 and v2 REST that gcloud speaks.
//!
//! Missing (UNIMPLEMENTED, see `GAPS`): tags and their bindings, holds and effective tags; v1 drops the tags of a new
//! project. Liens are not served (404). A deleted project is not purged after its thirty days.
//!
//! Our choices: in the default mode a project that a call names exists from then on, below the organization (strict mode
//! hides it), and such an id may be shorter than production's six characters. Organizations cannot be created. Filters
//! take terms joined by AND; what we cannot judge is refused. Resource Manager is never switched off in a project:
//! production asks the caller's project, which we do not know.

mod api_folders;
mod api_projects;
mod bodies;
pub mod door;
mod model;
mod query;
pub mod rest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;
use gcp_schema::iam::GetIamPolicyRequest;
use gcp_schema::services::resourcemanager as traits;

use crate::doors;
use crate::kernel::paging::{Page, parse_token, token};
use crate::kernel::{Call, Result};

struct ResourceManager;

const API: &str = "cloudresourcemanager.googleapis.com";
const PACKAGE: &str = "google.cloud.resourcemanager.v3";
/// The organization's owner in Cloud Identity.
const CUSTOMER: &str = "C01cmek01";

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[
    "/google.cloud.resourcemanager.v3.TagBindings/CreateTagBinding",
    "/google.cloud.resourcemanager.v3.TagBindings/DeleteTagBinding",
    "/google.cloud.resourcemanager.v3.TagBindings/ListEffectiveTags",
    "/google.cloud.resourcemanager.v3.TagBindings/ListTagBindings",
    "/google.cloud.resourcemanager.v3.TagHolds/CreateTagHold",
    "/google.cloud.resourcemanager.v3.TagHolds/DeleteTagHold",
    "/google.cloud.resourcemanager.v3.TagHolds/ListTagHolds",
    "/google.cloud.resourcemanager.v3.TagKeys/CreateTagKey",
    "/google.cloud.resourcemanager.v3.TagKeys/DeleteTagKey",
    "/google.cloud.resourcemanager.v3.TagKeys/GetIamPolicy",
    "/google.cloud.resourcemanager.v3.TagKeys/GetNamespacedTagKey",
    "/google.cloud.resourcemanager.v3.TagKeys/GetTagKey",
    "/google.cloud.resourcemanager.v3.TagKeys/ListTagKeys",
    "/google.cloud.resourcemanager.v3.TagKeys/SetIamPolicy",
    "/google.cloud.resourcemanager.v3.TagKeys/TestIamPermissions",
    "/google.cloud.resourcemanager.v3.TagKeys/UpdateTagKey",
    "/google.cloud.resourcemanager.v3.TagValues/CreateTagValue",
    "/google.cloud.resourcemanager.v3.TagValues/DeleteTagValue",
    "/google.cloud.resourcemanager.v3.TagValues/GetIamPolicy",
    "/google.cloud.resourcemanager.v3.TagValues/GetNamespacedTagValue",
    "/google.cloud.resourcemanager.v3.TagValues/GetTagValue",
    "/google.cloud.resourcemanager.v3.TagValues/ListTagValues",
    "/google.cloud.resourcemanager.v3.TagValues/SetIamPolicy",
    "/google.cloud.resourcemanager.v3.TagValues/TestIamPermissions",
    "/google.cloud.resourcemanager.v3.TagValues/UpdateTagValue",
];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(ResourceManager);
    traits::register_projects(registry, &service);
    traits::register_folders(registry, &service);
    traits::register_organizations(registry, &service);
}

/// Whether a search shows a resource to the caller (everything, while callers are not checked).
fn visible(call: &mut Call, resource: &str, permission: &str) -> Result<bool> {
    Ok(!doors::held_permissions(call, resource, &[permission.to_owned()])?.is_empty())
}

fn requested_version(request: &GetIamPolicyRequest) -> i32 {
    request.options.as_ref().map_or(0, |options| options.requested_policy_version)
}

/// One page of rows that are in memory, in the order of their names.
fn page_of<T>(rows: Vec<(String, T)>, size: usize, page_token: &str) -> Result<Page<T>> {
    let from = parse_token(page_token)?;
    let mut page = Page { items: Vec::new(), next_token: String::new() };
    for (name, row) in rows {
        if name < from {
            continue;
        }
        if page.items.len() == size {
            page.next_token = token(&name);
            break;
        }
        page.items.push(row);
    }
    Ok(page)
}
