//! What is enabled where, and which service agents exist.

use std::collections::BTreeSet;

use gcp_names::ServiceAgent;
use prost::Message;

use super::catalogue::{self, Enabled};
use crate::doors::{self, Project};
use crate::kernel::table::ids;
use crate::kernel::{Call, Code, Error, Result, Table};

/// By `PROJECT_ID/SERVICE`. No row: as the catalogue says.
static SERVICES: Table<ServiceRow> = Table::new(ids::SERVICE_USAGE);

#[derive(Clone, PartialEq, Message)]
struct ServiceRow {
    /// What somebody chose.
    #[prost(bool, optional, tag = "1")]
    enabled: Option<bool>,
    #[prost(bool, tag = "2")]
    agent: bool,
    /// The registries' topic is tried only once.
    #[prost(bool, tag = "3")]
    activated: bool,
}

fn key(project: &Project, service: &str) -> String {
    format!("{}/{service}", project.id)
}

fn row(call: &Call, project: &Project, service: &str) -> Result<ServiceRow> {
    Ok(call.txn.get(&SERVICES, &key(project, service))?.unwrap_or_default())
}

fn put(call: &mut Call, project: &Project, service: &str, row: &ServiceRow) -> Result<()> {
    call.txn.put(&SERVICES, &key(project, service), row)
}

fn is_on(project: &Project, service: &str, row: &ServiceRow) -> bool {
    row.enabled.unwrap_or_else(|| match catalogue::find(service).map(|entry| entry.enabled) {
        Some(Enabled::Everywhere) => true,
        Some(Enabled::Automatic) => project.automatic,
        Some(Enabled::Nowhere) | None => false,
    })
}

pub fn is_enabled(call: &Call, project: &Project, service: &str) -> Result<bool> {
    Ok(is_on(project, service, &row(call, project, service)?))
}

/// Whether somebody switched a service off, as opposed to nobody having switched it on.
pub fn was_disabled(call: &Call, project: &Project, service: &str) -> Result<bool> {
    Ok(row(call, project, service)?.enabled == Some(false))
}

/// Every service that a project's list shows.
pub fn services(call: &Call, project: &Project) -> Result<BTreeSet<String>> {
    let prefix = format!("{}/", project.id);
    let chosen = call.txn.list(&SERVICES, &prefix)?.into_iter().map(|(name, _)| name[prefix.len()..].to_owned());
    Ok(catalogue::ALL.iter().map(|entry| entry.name.to_owned()).chain(chosen).collect())
}

/// Enables a service and what it needs. False: it was enabled.
pub fn enable(call: &mut Call, project: &Project, service: &str) -> Result<bool> {
    let mut found = row(call, project, service)?;
    if is_on(project, service, &found) {
        return Ok(false);
    }
    for needed in catalogue::dependencies(service) {
        enable(call, project, needed)?;
    }
    let first = !found.activated;
    found.enabled = Some(true);
    found.activated = true;
    found.agent |= ServiceAgent::of_service(service).is_some();
    put(call, project, service, &found)?;
    if first && catalogue::is_registry(service) {
        try_topic(call, project, service)?;
    }
    Ok(true)
}

/// The registries announce pushes on a topic `gcr` without a key. Policy may refuse it; that fails nothing.
fn try_topic(call: &mut Call, project: &Project, service: &str) -> Result<()> {
    let created = if is_enabled(call, project, "pubsub.googleapis.com")? {
        doors::create_topic(call, project, "gcr")
    } else {
        Err(disabled(project, "pubsub.googleapis.com"))
    };
    match created {
        Err(error) if error.code() == Code::Internal => Err(error),
        Err(error) => {
            call.notes.push(format!(
                "{service} was enabled, but topic projects/{}/topics/gcr was not created: {}",
                project.id,
                error.message()
            ));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Disables a service, and with `dependent` what needs it.
pub fn disable(call: &mut Call, project: &Project, service: &str, dependent: bool) -> Result<()> {
    let mut needing = Vec::new();
    for name in services(call, project)? {
        if catalogue::dependencies(&name).contains(&service) && is_enabled(call, project, &name)? {
            needing.push(name);
        }
    }
    if !needing.is_empty() && !dependent {
        return Err(Error::failed_precondition(format!(
            "The service {service} is depended on by the following active service(s): {}; Please specify disable_dependent_services=true if you want to proceed with disabling all services.",
            needing.join(",")
        )));
    }
    for name in needing {
        disable(call, project, &name, true)?;
    }
    let mut found = row(call, project, service)?;
    found.enabled = Some(false);
    put(call, project, service, &found)
}

/// An agent comes with its service's being enabled, or when its identity is generated, and stays when the service goes.
pub fn agent_exists(call: &Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    Ok(project.automatic || row(call, project, agent.service())?.agent)
}

pub fn generate_agent(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<()> {
    if agent_exists(call, project, agent)? {
        return Ok(());
    }
    let mut found = row(call, project, agent.service())?;
    found.agent = true;
    put(call, project, agent.service(), &found)
}

/// The refusal of every call to an API that is not enabled.
pub fn disabled(project: &Project, api: &str) -> Error {
    use std::collections::BTreeMap;

    use gcp_schema::{Detail, HelpLink};

    let title = catalogue::title(api);
    let number = project.number;
    let url = format!("https://console.developers.google.com/apis/api/{api}/overview?project={number}");
    let message = format!(
        "{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    );
    let metadata = BTreeMap::from([
        ("service".to_owned(), api.to_owned()),
        ("serviceTitle".to_owned(), title),
        ("consumer".to_owned(), format!("projects/{number}")),
        ("containerInfo".to_owned(), number.to_string()),
        ("activationUrl".to_owned(), url.clone()),
    ]);
    Error::permission_denied(message.clone())
        .with_detail(Detail::ErrorInfo {
            reason: "SERVICE_DISABLED".to_owned(),
            domain: "googleapis.com".to_owned(),
            metadata,
        })
        .with_detail(Detail::LocalizedMessage { locale: "en-US".to_owned(), message })
        .with_detail(Detail::Help(vec![HelpLink {
            description: "Google developers console API activation".to_owned(),
            url,
        }]))
}

/// What a caller reads who names a service that is not there.
pub fn unknown(service: &str) -> Error {
    use gcp_schema::Detail;

    Error::permission_denied(format!("Not found or permission denied for service(s): {service}.")).with_detail(
        Detail::ErrorInfo {
            reason: "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED".to_owned(),
            domain: "serviceusage.googleapis.com".to_owned(),
            metadata: [("services".to_owned(), service.to_owned())].into(),
        },
    )
}
