//! What other services ask of Service Usage.

use gcp_names::ServiceAgent;

use crate::doors::Project;
use crate::kernel::{Call, Result};

/// SERVICE_DISABLED 403 unless the API is enabled in the project (auto mode: all are, but the two registries).
pub fn require_enabled(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    let _ = (call, project, api);
    Ok(())
}

pub fn agent_exists(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    let _ = (call, project, agent);
    Ok(true)
}

/// Enables a registry API if it is not, and then tries to create topic `gcr` (a refusal becomes a note).
pub fn activate(call: &mut Call, project: &Project, api: &'static str) -> Result<()> {
    let _ = (call, project, api);
    Ok(())
}
