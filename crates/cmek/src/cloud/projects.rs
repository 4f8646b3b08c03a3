//! Projects, what is above and below them, their services and agents.

use std::collections::BTreeSet;

use gcp_client::Error;
use gcp_names::ServiceAgent;
use gcp_schema::resourcemanager::{
    Folder, GetFolderRequest, GetProjectRequest, ListFoldersRequest, ListProjectsRequest, Project,
};
use serde_json::{Value, json};

use super::{Cloud, escape};

const SERVICES: &str = "serviceusage.googleapis.com";

/// What a command looks at: `projects/P`, `folders/N` or `organizations/N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container(pub String);

impl Container {
    /// The id of a project; `None` for what holds projects.
    pub fn project(&self) -> Option<&str> {
        self.0.strip_prefix("projects/")
    }
}

impl Cloud {
    pub async fn project(&self, id: &str) -> Result<Project, Error> {
        let request = GetProjectRequest { name: format!("projects/{id}") };
        self.client.call("/google.cloud.resourcemanager.v3.Projects/GetProject", &request).await
    }

    /// The project and all above it that we may see.
    pub async fn ancestry(&self, id: &str) -> Result<Vec<String>, Error> {
        let mut chain = vec![format!("projects/{id}")];
        let mut parent = self.project(id).await?.parent;
        while parent.starts_with("folders/") {
            let request = GetFolderRequest { name: parent.clone() };
            let above =
                self.client.call::<_, Folder>("/google.cloud.resourcemanager.v3.Folders/GetFolder", &request).await;
            chain.push(parent);
            match above {
                Ok(folder) => parent = folder.parent,
                Err(_) => return Ok(chain),
            }
        }
        if !parent.is_empty() {
            chain.push(parent);
        }
        Ok(chain)
    }

    /// Every active project in a container, folders within folders included.
    pub async fn projects_in(&self, container: &Container) -> Result<Vec<Project>, Error> {
        if let Some(id) = container.project() {
            return Ok(vec![self.project(id).await?]);
        }
        let mut found = Vec::new();
        let mut waiting = vec![container.0.clone()];
        while let Some(parent) = waiting.pop() {
            let projects = ListProjectsRequest { parent: parent.clone(), page_size: 300, ..Default::default() };
            found.extend(self.client.pages(projects).all().await?);
            let folders = ListFoldersRequest { parent, page_size: 300, ..Default::default() };
            waiting.extend(self.client.pages(folders).all().await?.into_iter().map(|folder| folder.name));
        }
        Ok(found)
    }

    /// Those of the services that are not enabled in a project.
    pub async fn disabled_services(&self, project: &str, services: &[&str]) -> Result<BTreeSet<String>, Error> {
        let names: Vec<_> = services
            .iter()
            .map(|service| format!("names={}", escape(&format!("projects/{project}/services/{service}"))))
            .collect();
        let path = format!("/v1/projects/{}/services:batchGet?{}", escape(project), names.join("&"));
        let answer = self.client.json(SERVICES, "GET", &path, None).await?;
        let enabled: Vec<_> = answer
            .get("services")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|service| service.get("state").and_then(Value::as_str) == Some("ENABLED"))
            .filter_map(|service| service.get("name").and_then(Value::as_str)?.rsplit('/').next())
            .collect();
        Ok(services.iter().filter(|service| !enabled.contains(service)).map(|&service| service.to_owned()).collect())
    }

    /// Enables a service and waits until it is.
    pub async fn enable_service(&self, project: &str, service: &str) -> Result<(), Error> {
        let path = format!("/v1/projects/{}/services/{service}:enable", escape(project));
        let operation = self.client.json(SERVICES, "POST", &path, Some(&json!({}))).await?;
        self.settled(SERVICES, operation).await.map(|_| ())
    }

    /// Makes the agent if it is not there, and gives its address.
    pub async fn make_agent(&self, project: &str, agent: ServiceAgent) -> Result<String, Error> {
        if agent == ServiceAgent::Storage {
            return self.storage_agent(project).await;
        }
        let path =
            format!("/v1beta1/projects/{}/services/{}:generateServiceIdentity", escape(project), agent.service());
        let operation = self.client.json(SERVICES, "POST", &path, None).await?;
        let done = self.settled(SERVICES, operation).await?;
        Ok(done.pointer("/response/email").and_then(Value::as_str).unwrap_or_default().to_owned())
    }
}
