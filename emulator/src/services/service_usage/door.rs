//! What other services ask of Service Usage.

use gcp_names::ServiceAgent;

use super::{catalogue, model};
use crate::doors::Project;
use crate::kernel::settings::ProjectMode;
use crate::kernel::{Call, Result};

/// Whether an API must be enabled in the project that a call is about. Resource Manager's need not: production asks
/// the caller's own project there, and a project must be reachable while its deletion is requested.
pub fn is_checked(api: &str) -> bool {
    api != "cloudresourcemanager.googleapis.com" && catalogue::is_known(api)
}

/// SERVICE_DISABLED 403 unless the API is enabled in the project (auto mode: all are, but the two registries).
pub fn require_enabled(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    if !is_checked(api) || model::is_enabled(call, project, api)? {
        return Ok(());
    }
    Err(model::disabled(project, api))
}

pub fn agent_exists(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    model::agent_exists(call, project, agent)
}

/// A registry's first use. In the default mode it enables the API (and so tries topic `gcr`), unless somebody switched it
/// off; in strict mode the API must have been enabled.
pub fn activate(call: &mut Call, project: &Project, api: &'static str) -> Result<()> {
    if call.kernel.settings.projects == ProjectMode::Auto && !model::was_disabled(call, project, api)? {
        model::enable(call, project, api)?;
    }
    require_enabled(call, project, api)
}
