//! Cloud Storage: buckets, objects, the agent.

use cmek_plan::StoredObject;
use gcp_client::Error;
use serde_json::{Value, json};

use super::{Cloud, escape, present};

const STORAGE: &str = "storage.googleapis.com";

/// An object as a list shows it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub object: StoredObject,
    pub generation: String,
    /// Another generation has taken its place.
    noncurrent: bool,
}

impl Cloud {
    pub async fn bucket(&self, name: &str) -> Result<Option<Value>, Error> {
        present(
            self.client.json(STORAGE, "GET", &format!("/storage/v1/b/{}?projection=noAcl", escape(name)), None).await,
        )
    }

    /// Sets the default key if nobody changed the bucket since it was looked at.
    pub async fn set_default_key(&self, bucket: &str, key: &str, metageneration: &str) -> Result<Value, Error> {
        let path = format!("/storage/v1/b/{}?ifMetagenerationMatch={metageneration}&projection=noAcl", escape(bucket));
        let body = json!({"encryption": {"defaultKmsKeyName": key}});
        self.client.json(STORAGE, "PATCH", &path, Some(&body)).await
    }

    /// One page of the objects under a prefix: name, size, generation and key version; and the next page's token.
    pub async fn objects_page(&self, bucket: &str, prefix: &str, token: &str) -> Result<(Vec<Stored>, String), Error> {
        self.page(bucket, "", prefix, token).await
    }

    async fn page(&self, bucket: &str, which: &str, prefix: &str, token: &str) -> Result<(Vec<Stored>, String), Error> {
        let path = format!(
            "/storage/v1/b/{}/o?maxResults=1000&projection=noAcl&prettyPrint=false&fields=items(name,size,generation,kmsKeyName,timeDeleted),nextPageToken{which}&prefix={}&pageToken={}",
            escape(bucket),
            escape(prefix),
            escape(token)
        );
        let page = self.client.json(STORAGE, "GET", &path, None).await?;
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten().map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            Stored {
                object: StoredObject {
                    name: text("name"),
                    size: text("size").parse().unwrap_or_default(),
                    key_version: text("kmsKeyName"),
                },
                generation: text("generation"),
                noncurrent: item.get("timeDeleted").is_some(),
            }
        });
        let next = page.get("nextPageToken").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((items.collect(), next))
    }

    /// Name, size and key version of every object.
    pub async fn objects(&self, bucket: &str) -> Result<Vec<StoredObject>, Error> {
        Ok(self.all(bucket, "").await?.into_iter().map(|stored| stored.object).collect())
    }

    /// What is not live and could be brought back: noncurrent generations and soft-deleted copies.
    pub async fn copies(&self, bucket: &str) -> Result<Vec<StoredObject>, Error> {
        let mut found = self.all(bucket, "&versions=true").await?;
        found.retain(|stored| stored.noncurrent);
        found.extend(self.all(bucket, "&softDeleted=true").await?);
        Ok(found.into_iter().map(|stored| stored.object).collect())
    }

    async fn all(&self, bucket: &str, which: &str) -> Result<Vec<Stored>, Error> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let (items, next) = self.page(bucket, which, "", &token).await?;
            found.extend(items);
            if next.is_empty() {
                return Ok(found);
            }
            token = next;
        }
    }

    /// Every bucket of a project.
    pub async fn buckets(&self, project: &str) -> Result<Vec<Value>, Error> {
        let path =
            format!("/storage/v1/b?maxResults=1000&projection=noAcl&prettyPrint=false&project={}", escape(project));
        let mut pages = self.client.json_pages(STORAGE, &path);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            found.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        }
        Ok(found)
    }

    /// Re-encrypts an object in place, in as many calls as the service wants, if it is still the generation that was
    /// seen. `false`: it was replaced or deleted meanwhile, so there is nothing of it to re-encrypt.
    pub async fn rewrite(&self, bucket: &str, object: &str, generation: &str, key: &str) -> Result<bool, Error> {
        let (bucket, object) = (escape(bucket), escape(object));
        let whole = format!(
            "/storage/v1/b/{bucket}/o/{object}/rewriteTo/b/{bucket}/o/{object}?prettyPrint=false&fields=done,rewriteToken&destinationKmsKeyName={}&sourceGeneration={generation}&ifGenerationMatch={generation}",
            escape(key)
        );
        let mut path = whole.clone();
        loop {
            let answer = match self.client.json(STORAGE, "POST", &path, Some(&json!({}))).await {
                Err(error)
                    if error.http_status() == 412
                        && error.reason() == Some("conditionNotMet")
                        && !is_policy(&error) =>
                {
                    return Ok(false);
                }
                Err(error) if error.is_not_found() => return Ok(false),
                outcome => outcome?,
            };
            if answer.get("done").and_then(Value::as_bool) == Some(true) {
                return Ok(true);
            }
            let token = answer.get("rewriteToken").and_then(Value::as_str).unwrap_or_default();
            if token.is_empty() {
                return Err(Error::internal("a rewrite that is not done gave no token"));
            }
            path = format!("{whole}&rewriteToken={}", escape(token));
        }
    }

    pub async fn read_object(&self, bucket: &str, object: &str) -> Result<bytes::Bytes, Error> {
        let url = format!(
            "{}/storage/v1/b/{}/o/{}?alt=media",
            self.client.endpoints().of(STORAGE),
            escape(bucket),
            escape(object)
        );
        self.client.send("GET", &url, http::HeaderMap::new(), bytes::Bytes::new()).await.map(|(_, body)| body)
    }

    /// Makes the agent if it is not there, and gives its address.
    pub async fn storage_agent(&self, project: &str) -> Result<String, Error> {
        let answer = self
            .client
            .json(STORAGE, "GET", &format!("/storage/v1/projects/{}/serviceAccount", escape(project)), None)
            .await?;
        Ok(answer.get("email_address").and_then(Value::as_str).unwrap_or_default().to_owned())
    }
}

/// Policy refuses with the status of a failed precondition.
fn is_policy(error: &Error) -> bool {
    error.message().contains("constraints/")
}
