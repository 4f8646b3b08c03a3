//! Container Registry: the Docker Registry protocol for gcr.io, us.gcr.io, eu.gcr.io and asia.gcr.io.
//!
//! Faithful: the first push creates the host's bucket in its place without a key, and policy can refuse it; blobs, manifests
//! and tags are objects of that bucket, so its default key covers what is pushed afterwards and what is there already is not
//! sent again; pulls fail with Storage's sentence when a key is lost; `tags/list` with children and manifests; messages to
//! topic `gcr`; the farewell of the shut-down registry when asked for.
//!
//! Missing: redirection to Artifact Registry; deletion of a manifest that an index names is not refused.
//!
//! Our choices: no credentials are asked for; blobs are served directly instead of by a redirect to Storage; hosts are told
//! apart by Host or by the first segment of the name; manifests are taken up to 64 KiB; tags are empty objects that keep
//! their digest in metadata, so they resolve without the key.

mod blobs;
mod error;
mod manifests;
mod names;
pub mod rest;

use std::sync::Arc;

use serde_json::json;

use self::error::coded;
use self::names::Repository;
use crate::doors;
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
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
    let mut create = spec(request, "registry.firstPush", "storage.buckets.create", repository, Mode::Write);
    create.resource = format!("projects/{}", repository.project);
    async move {
        let bucket = repository.bucket();
        if kernel.run(look, |call| doors::bucket_exists(call, &bucket)).await? {
            return Ok(());
        }
        kernel
            .run(create, |call| {
                let project = doors::project(call, &repository.project)?;
                doors::activate_registry(call, &project, API)?;
                if doors::bucket_exists(call, &bucket)? {
                    return Ok(());
                }
                doors::create_registry_bucket(call, &project, &bucket, repository.host.location())
            })
            .await
    }
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
