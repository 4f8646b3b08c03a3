//! Finding resources across projects: Cloud Asset search, and KMS Inventory.

use gcp_client::Error;
use serde_json::Value;

use super::{Cloud, Container, escape, pages};

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
        let kinds = &kinds.iter().map(|kind| format!("&assetTypes={}", escape(kind))).collect::<String>();
        pages(|token| async move {
            let path = format!(
                "/v1/{}:searchAllResources?pageSize=500&query={}{kinds}&readMask=name,assetType,location,project,parentFullResourceName,kmsKeys&pageToken={}",
                scope.0,
                escape(query),
                escape(&token)
            );
            let page = self.client.json(ASSET, "GET", &path, None).await?;
            let results = page.get("results").and_then(Value::as_array).into_iter().flatten();
            let found = results.map(|one| Found {
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
            });
            Ok((found.collect(), text(&page, "nextPageToken")))
        })
        .await
    }

    /// What KMS Inventory knows to lie under a key, anywhere in the organization: full resource names and types.
    pub async fn protected(&self, organization: &str, key: &str) -> Result<Vec<(String, String)>, Error> {
        pages(|token| async move {
            let path = format!(
                "/v1/{organization}/protectedResources:search?pageSize=500&cryptoKey={}&pageToken={}",
                escape(key),
                escape(&token)
            );
            let page = self.client.json(INVENTORY, "GET", &path, None).await?;
            let found = page
                .get("protectedResources")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|one| (text(one, "name"), text(one, "resourceType")));
            Ok((found.collect(), text(&page, "nextPageToken")))
        })
        .await
    }
}
