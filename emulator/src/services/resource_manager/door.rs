//! What other services ask of Resource Manager.

use super::model;
use crate::kernel::{Call, Result};

/// A project as other services need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub number: u64,
    /// `folders/1` or `organizations/1`.
    pub parent: String,
    /// Named by a call in the default mode, not created.
    pub automatic: bool,
}

/// By id or number. In the default mode it exists from now on, also when the call itself may not write.
pub fn project(call: &mut Call, id_or_number: &str) -> Result<Project> {
    Ok(model::find(call, id_or_number)?.as_project())
}

/// A project, any resource of one, a folder or an organization -> itself and all above, nearest first.
pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    model::ancestry(call, resource)
}

/// Whether a folder or organization is there (and not about to be deleted).
pub fn container_exists(call: &mut Call, name: &str) -> Result<bool> {
    match model::check_parent(call, name) {
        Ok(()) => Ok(true),
        Err(error) if error.code() == crate::kernel::Code::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}
