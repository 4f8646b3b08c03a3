//! Container Registry: the Docker Registry protocol for gcr.io, us.gcr.io, eu.gcr.io and asia.gcr.io.
//!
//! Faithful: the first push creates the host's bucket in its place without a key, and policy can refuse it; blobs, manifests
//! and tags are objects of that bucket under the names that Google gives them, so its default key covers what is pushed
//! afterwards, and a blob that is there already is not sent again and keeps its old encryption; pulls and pushes fail with
//! Storage's sentence when a key is lost; `tags/list` with children and manifests; deletions refused while a tag or an index
//! holds the manifest; messages to topic `gcr`; the farewell of the shut-down registry when asked for.
//!
//! Missing: redirection to Artifact Registry; `_catalog` is empty; schema 1 manifests are not converted for clients that
//! accept no other; deletion of blobs (UNSUPPORTED, as in production).
//!
//! Our choices: no credentials are asked for, and `/v2/token` gives one to anybody; blobs are served directly instead of by a
//! redirect to Storage; hosts are told apart by Host or by the first segment of the name, and are gcr.io otherwise; tags are
//! empty objects that keep their digest in metadata, so they resolve without the key; a manifest's creation time is its
//! upload's; uploads on their way live in memory for a day and are gone at a restart; pulls work while the API is disabled.

mod blobs;
mod error;
mod manifests;
mod names;
pub mod rest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::json;

use self::error::coded;
use self::names::Repository;
use gcp_schema::Detail;

use crate::doors::{self, Project};
use crate::kernel::{Call, Error, Kernel, Mode, Result, Spec};
use crate::rest::{Answer, Request, respond, spec as rest_spec};

const API: &str = "containerregistry.googleapis.com";

fn spec(
    request: &Request,
    method: &'static str,
    permission: &'static str,
    repository: &Repository,
    mode: Mode,
) -> Spec {
    // The API is switched on by the first push, so the pipeline does not ask for it.
    rest_spec(request, method, "", permission, format!("buckets/{}", repository.bucket()), mode)
}

/// Before anything is written: the API, and at the first push of a host its bucket.
fn bucket_for_push(
    kernel: &Arc<Kernel>,
    repository: &Repository,
    request: &Request,
) -> impl Future<Output = Result<()>> + Send {
    let look = spec(request, "registry.bucket", "", repository, Mode::Read);
    let mut activation = spec(request, "registry.activate", "", repository, Mode::Write);
    activation.resource = format!("projects/{}", repository.project);
    let mut create = spec(request, "registry.firstPush", "storage.buckets.create", repository, Mode::Write);
    create.resource.clone_from(&activation.resource);
    async move {
        let bucket = repository.bucket();
        if kernel.run(look, |call| doors::bucket_exists(call, &bucket)).await? {
            return Ok(());
        }
        // A call of its own: the API stays enabled, and its topic tried, when policy refuses the bucket.
        kernel.run(activation, |call| activate(call, repository).map(|_| ())).await?;
        kernel
            .run(create, |call| {
                if doors::bucket_exists(call, &bucket)? {
                    return Ok(());
                }
                let project = doors::project(call, &repository.project)?;
                doors::create_registry_bucket(call, &project, &bucket, repository.host.location())
            })
            .await
    }
}

/// The project, with the API enabled in it; production says at the token exchange when it is not.
fn activate(call: &mut Call, repository: &Repository) -> Result<Project> {
    let project = doors::project(call, &repository.project)?;
    doors::activate_registry(call, &project, API).map_err(|error| {
        let disabled = |detail: &Detail| matches!(detail, Detail::ErrorInfo { reason, .. } if reason == "SERVICE_DISABLED");
        if !error.details().iter().any(disabled) {
            return error;
        }
        let id = &repository.project;
        coded(
            403,
            "DENIED",
            format!(
                "Token exchange failed for project '{id}'. Please enable or contact project owners to enable the Google Container Registry API in Cloud Console at https://console.cloud.google.com/apis/api/containerregistry.googleapis.com/overview?project={id} before performing this operation."
            ),
        )
    })?;
    Ok(project)
}

/// The real one lists nothing to a caller without a project; images are found through tags/list.
fn catalog() -> Answer {
    respond(200, "application/json", json!({"repositories": []}).to_string())
}

fn shut_down(project: &str) -> Error {
    coded(
        412,
        "UNKNOWN",
        format!(
            "Container Registry is deprecated and shutting down, please use the auto migration tool to migrate to Artifact Registry (gcloud artifacts docker upgrade migrate --projects='{project}'). For more details see: https://cloud.google.com/artifact-registry/docs/transition/auto-migrate-gcr-ar"
        ),
    )
}
