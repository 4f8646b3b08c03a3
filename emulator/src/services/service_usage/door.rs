//! What other services ask of Service Usage.

use gcp_names::ServiceAgent;

use super::{catalogue, model};
use crate::doors::Project;
use crate::kernel::{Call, Result};

/// Whether an API must be enabled in the project that a call is about. Resource Manager's need not: production asks
/// the caller's own project there, and a project must be reachable while its deletion is requested.
pub fn is_checked(api: &str) -> bool {
    api != "cloudresourcemanager.googleapis.com" && catalogue::is_known(api)
}

/// Whether there is such a service.
pub fn is_known(service: &str) -> bool {
    catalogue::is_known(service)
}

/// SERVICE_DISABLED 403 unless the API is enabled in the project (auto mode: all are, but the two registries).
pub fn require_enabled(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    let refused = match api {
        // Production asks the caller's project about these. We know only the resource's: what nobody enabled there may
        // well be enabled where the caller is at home.
        "iam.googleapis.com" | "orgpolicy.googleapis.com" => model::was_disabled(call, project, api)?,
        _ => is_checked(api) && !model::is_enabled(call, project, api)?,
    };
    if refused { Err(model::disabled(project, api)) } else { Ok(()) }
}

pub fn agent_exists(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    model::agent_exists(call, project, agent)
}

/// Storage makes its agent at the first question about it.
pub fn create_agent(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<()> {
    model::generate_agent(call, project, agent)
}

/// Whether an API is enabled or would be at its first use.
pub fn require_usable(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    if project.automatic && !model::was_disabled(call, project, api)? {
        return Ok(());
    }
    require_enabled(call, project, api)
}

/// A registry's first use. In a project that the default mode made up it enables the API (and so tries topic `gcr`),
/// unless somebody switched it off; in any other the API must have been enabled.
pub fn activate(call: &mut Call, project: &Project, api: &'static str) -> Result<()> {
    if project.automatic && !model::was_disabled(call, project, api)? {
        model::enable(call, project, api)?;
    }
    require_enabled(call, project, api)
}
