//! What other services ask of Organization Policy.

use crate::kernel::{Call, Error, Result};

pub fn refuses(call: &mut Call, project: &str, constraint: &str, value: &str) -> Result<bool> {
    let _ = (call, project, constraint, value);
    Ok(false)
}

pub fn enforced(call: &mut Call, project: &str, constraint: &str) -> Result<bool> {
    let _ = (call, project, constraint);
    Ok(false)
}

pub fn violation(constraint: &str, project: &str, operation: &str, value: &str) -> Error {
    let _ = (project, operation, value);
    Error::failed_precondition(format!("Constraint '{constraint}' violated"))
}
