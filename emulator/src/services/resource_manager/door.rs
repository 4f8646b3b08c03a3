//! What other services ask of Resource Manager.

use crate::kernel::{Call, Error, Result};

/// A project as other services need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub number: u64,
    /// `folders/1` or `organizations/1`.
    pub parent: String,
}

/// By id or number. Auto mode: exists from now on (written if the call may write).
pub fn project(call: &mut Call, id_or_number: &str) -> Result<Project> {
    let _ = (call, id_or_number);
    Err(Error::unimplemented("projects"))
}

/// `projects/ID` (or any resource of it, or a folder, or an organization) -> itself and all above, nearest first.
pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    let _ = (call, resource);
    Err(Error::unimplemented("ancestry"))
}
