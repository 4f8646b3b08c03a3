//! Resource Manager.
//!
//! Faithful: one organization from the start; projects and folders as a tree; numbers derived from the seed; IAM policies
//! on all three; production hides unknown projects behind 403. v3 over both wires, and the v1/v2 REST that gcloud uses.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`.
//!
//! Our choices: in the default mode a project that a call names exists from then on (strict mode hides it), and ids shorter
//! than production's six characters are taken. Deleted projects are hidden at once. Lists ignore `query` filters.

pub mod api;
pub mod door;
pub mod model;
pub mod rest;

use std::sync::Arc;

use gcp_schema::Registry;
use gcp_schema::services::resourcemanager as traits;

use crate::kernel::Call;

pub struct ResourceManager;

/// Methods that answer UNIMPLEMENTED: whole services by prefix, or single paths.
pub const GAPS: &[&str] = &[
    "/google.cloud.resourcemanager.v3.Tag",
    "/google.cloud.resourcemanager.v3.Projects/UpdateProject",
    "/google.cloud.resourcemanager.v3.Projects/MoveProject",
    "/google.cloud.resourcemanager.v3.Projects/UndeleteProject",
    "/google.cloud.resourcemanager.v3.Folders/UpdateFolder",
    "/google.cloud.resourcemanager.v3.Folders/MoveFolder",
    "/google.cloud.resourcemanager.v3.Folders/DeleteFolder",
    "/google.cloud.resourcemanager.v3.Folders/UndeleteFolder",
    "/google.cloud.resourcemanager.v3.Folders/SearchFolders",
];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(ResourceManager);
    traits::register_projects(registry, &service);
    traits::register_folders(registry, &service);
    traits::register_organizations(registry, &service);
}
