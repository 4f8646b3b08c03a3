//! Finding resources across projects: Cloud Asset search, and KMS Inventory.

use gcp_client::Error;
use serde_json::Value;

use super::{Cloud, Container, escape};

const ASSET: &str = "cloudasset.googleapis.com";
const INVENTORY: &str = "kmsinventory.googleapis.com";

/// A resource that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `//storage.googleapis.com/BUCKET`
    pub name: String,
    /// `storage.googleapis.com/Bucket`
    pub kind: String,
    pub location: String,
    /// `projects/NUMBER`
    pub project: String,
    /// The project by its id, where the search tells it.
    pub parent: String,
    /// Keys or versions.
    pub keys: Vec<String>,
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Cloud {
    /// Resources of some types in a project, folder or organization.
    pub async fn search(&self, scope: &Container, query: &str, kinds: &[&str]) -> Result<Vec<Found>, Error> {
        let kinds: Vec<_> = kinds.iter().map(|kind| format!("&assetTypes={}", escape(kind))).collect();
        let kinds = kinds.concat();
        let path = format!(
            "/v1/{}:searchAllResources?pageSize=500&query={}{kinds}&readMask=name,assetType,location,project,parentFullResourceName,kmsKeys",
            scope.0,
            escape(query),
        );
        let mut pages = self.client.json_pages(ASSET, &path);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            let results = page.get("results").and_then(Value::as_array).into_iter().flatten();
            found.extend(results.map(|one| {
                Found {
                    name: text(one, "name"),
                    kind: text(one, "assetType"),
                    location: text(one, "location"),
                    project: text(one, "project"),
                    parent: text(one, "parentFullResourceName")
                        .trim_start_matches("//cloudresourcemanager.googleapis.com/projects/")
                        .to_owned(),
                    keys: one
                        .get("kmsKeys")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect(),
                }
            }));
        }
        Ok(found)
    }

    /// What KMS Inventory knows to lie under a key, anywhere in the organization: full resource names and types.
    pub async fn protected(&self, organization: &str, key: &str) -> Result<Vec<(String, String)>, Error> {
        let path = format!("/v1/{organization}/protectedResources:search?pageSize=500&cryptoKey={}", escape(key));
        let mut pages = self.client.json_pages(INVENTORY, &path);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            let resources = page.get("protectedResources").and_then(Value::as_array).into_iter().flatten();
            found.extend(resources.map(|one| (text(one, "name"), text(one, "resourceType"))));
        }
        Ok(found)
    }
}
