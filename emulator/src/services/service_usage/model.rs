//! Which services are enabled in a project, and which agents exist.

use gcp_names::ServiceAgent;
use prost::Message;

use crate::doors::{self, Project};
use crate::kernel::table::ids;
use crate::kernel::{Call, Result, Table};

static STATES: Table<StateRow> = Table::new(ids::SERVICE_USAGE);

/// Present only where something differs from what a project starts with.
#[derive(Clone, PartialEq, Message)]
pub struct StateRow {
    #[prost(bool, tag = "1")]
    pub enabled: bool,
    #[prost(bool, tag = "2")]
    pub identity: bool,
}

pub const CONTAINER_REGISTRY: &str = "containerregistry.googleapis.com";
pub const ARTIFACT_REGISTRY: &str = "artifactregistry.googleapis.com";

/// Services that can be enabled, with the titles that Google's messages print.
pub const CATALOGUE: &[(&str, &str)] = &[
    (ARTIFACT_REGISTRY, "Artifact Registry API"),
    ("cloudasset.googleapis.com", "Cloud Asset API"),
    ("cloudkms.googleapis.com", "Cloud Key Management Service (KMS) API"),
    ("cloudresourcemanager.googleapis.com", "Cloud Resource Manager API"),
    (CONTAINER_REGISTRY, "Container Registry API"),
    ("iam.googleapis.com", "Identity and Access Management (IAM) API"),
    ("kmsinventory.googleapis.com", "KMS Inventory API"),
    ("orgpolicy.googleapis.com", "Organization Policy API"),
    ("pubsub.googleapis.com", "Cloud Pub/Sub API"),
    ("serviceusage.googleapis.com", "Service Usage API"),
    ("storage.googleapis.com", "Cloud Storage API"),
    ("storagebatchoperations.googleapis.com", "Storage Batch Operations API"),
];

/// What production enables in every new project, of these.
const FROM_THE_START: &[&str] =
    &["storage.googleapis.com", "cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com", "orgpolicy.googleapis.com", "iam.googleapis.com"];

pub fn title(service: &str) -> Option<&'static str> {
    CATALOGUE.iter().find(|(name, _)| *name == service).map(|(_, title)| *title)
}

fn key(project: &Project, service: &str) -> String {
    format!("{}/{service}", project.id)
}

fn at_start(project: &Project, service: &str) -> bool {
    if project.automatic {
        service != CONTAINER_REGISTRY && service != ARTIFACT_REGISTRY
    } else {
        FROM_THE_START.contains(&service)
    }
}

pub fn enabled(call: &Call, project: &Project, service: &str) -> Result<bool> {
    if title(service).is_none() {
        return Ok(false);
    }
    Ok(call.txn.get(&STATES, &key(project, service))?.map_or_else(|| at_start(project, service), |row| row.enabled))
}

/// Enables it; says whether it was not before. The first time a registry is enabled, topic `gcr` is tried.
pub fn enable(call: &mut Call, project: &Project, service: &str) -> Result<bool> {
    if enabled(call, project, service)? {
        return Ok(false);
    }
    call.txn.put(&STATES, &key(project, service), &StateRow { enabled: true, identity: true })?;
    if service == CONTAINER_REGISTRY || service == ARTIFACT_REGISTRY {
        // What policy refuses here fails nothing: the topic is simply not there.
        if let Err(refusal) = doors::create_topic(call, project, "gcr") {
            call.notes.push(format!("topic gcr was not created: {}", refusal.message()));
        }
    }
    Ok(true)
}

pub fn disable(call: &mut Call, project: &Project, service: &str) -> Result<()> {
    let identity = call.txn.get(&STATES, &key(project, service))?.is_none_or(|row| row.identity);
    call.txn.put(&STATES, &key(project, service), &StateRow { enabled: false, identity })
}

/// Whether the agent of a service exists.
pub fn identity_exists(call: &Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    let service = agent.service();
    let row = call.txn.get(&STATES, &key(project, service))?;
    Ok(row.is_some_and(|row| row.identity) || project.automatic || enabled(call, project, service)?)
}

pub fn generate_identity(call: &mut Call, project: &Project, service: &str) -> Result<()> {
    let enabled = enabled(call, project, service)?;
    call.txn.put(&STATES, &key(project, service), &StateRow { enabled, identity: true })
}
