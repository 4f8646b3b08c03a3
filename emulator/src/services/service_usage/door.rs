//! What other services ask of Service Usage.

use std::collections::BTreeMap;

use gcp_names::ServiceAgent;
use gcp_schema::{Detail, HelpLink};

use super::model;
use crate::doors::Project;
use crate::kernel::{Call, Error, Result};

/// SERVICE_DISABLED 403 unless the API is enabled in the project.
pub fn require_enabled(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    if model::enabled(call, project, api)? { Ok(()) } else { Err(disabled(project, api)) }
}

fn disabled(project: &Project, api: &str) -> Error {
    let number = project.number;
    let title = model::title(api).unwrap_or(api);
    let url = format!("https://console.developers.google.com/apis/api/{api}/overview?project={number}");
    let message = format!(
        "{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    );
    let consumer = format!("projects/{number}");
    let metadata: BTreeMap<String, String> = [
        ("service", api),
        ("serviceTitle", title),
        ("consumer", consumer.as_str()),
        ("containerInfo", &consumer["projects/".len()..]),
        ("activationUrl", url.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    Error::permission_denied(message.clone())
        .with_detail(Detail::ErrorInfo { reason: "SERVICE_DISABLED".to_owned(), domain: "googleapis.com".to_owned(), metadata })
        .with_detail(Detail::LocalizedMessage { locale: "en-US".to_owned(), message })
        .with_detail(Detail::Help(vec![HelpLink { description: "Google developers console API activation".to_owned(), url }]))
}

pub fn agent_exists(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    model::identity_exists(call, project, agent)
}

/// Storage makes its agent at the first question about it.
pub fn create_agent(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<()> {
    model::generate_identity(call, project, agent.service())
}

/// A registry's first use in a project that a call named: its API is enabled then. Elsewhere it must be already.
pub fn activate(call: &mut Call, project: &Project, api: &'static str) -> Result<()> {
    if project.automatic {
        model::enable(call, project, api)?;
        return Ok(());
    }
    require_enabled(call, project, api)
}
