//! Container Registry: the Docker Registry protocol for gcr.io, us.gcr.io, eu.gcr.io and asia.gcr.io.
//!
//! Faithful: the first push creates the host's bucket in its place without a key, and policy can refuse it; blobs, manifests
//! and tags are objects of that bucket under the names that Google gives them, so its default key covers what is pushed
//! afterwards, and a blob that is there already is not sent again and keeps its old encryption; pulls and pushes fail with
//! Storage's sentence when a key is lost, blobs in Storage's XML; `tags/list` with children and manifests; the catalogue;
//! deletions refused while a tag or an index holds the manifest; messages to topic `gcr`; the token exchange with its user
//! names, its challenge where callers are checked, and its refusals; the farewell of the shut-down registry when asked for.
//!
//! Missing: redirection to Artifact Registry (usage is ACTIVE or INACTIVE) and its copying; schema 1 manifests are not
//! converted for clients that accept no other, `Accept` is not looked at; deletion of blobs (UNSUPPORTED, as in production).
//!
//! Our choices: where callers are not checked no credentials are asked for, and `/v2/token` gives a token to anybody; where
//! they are, who lacks a permission reads UNAUTHORIZED, and at a push without the bucket's DENIED. Blobs are served directly
//! instead of by a redirect to Storage, with what Storage would say when it refuses. Manifests lie in the bucket too, so a
//! dead key refuses them as well. Hosts are told apart by Host or by the first segment of the name, and are gcr.io otherwise;
//! tags are empty objects that keep their digest in metadata, so they resolve without the key; a manifest's creation time is
//! its upload's; the media types are Docker's schemas 1 and 2, its list, OCI's manifest and index, and no other; uploads on
//! their way live in memory for a day and are gone at a restart; a token lives for ever.

mod access;
mod blobs;
mod catalog;
mod error;
mod manifest;
mod manifests;
mod names;
pub mod rest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::error::coded;
use self::names::Repository;
use crate::doors::{self, Project};
use crate::kernel::{Call, Error, Kernel, Mode, Result, Spec};
use crate::rest::{Request, spec as rest_spec};

const API: &str = "containerregistry.googleapis.com";

fn spec(
    request: &Request,
    method: &'static str,
    permission: &'static str,
    repository: &Repository,
    mode: Mode,
) -> Spec {
    // The API is switched on by the first push, so it is not the pipeline that asks for it.
    let spec = rest_spec(request, method, "", permission, format!("buckets/{}", repository.bucket()), mode);
    Spec { caller: access::caller(request), ..spec }
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
        let exists = kernel.run(look, |call| {
            access::exchange(call, repository, access::Action::Push)?;
            doors::bucket_exists(call, &bucket)
        });
        if exists.await? {
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

/// The project, with the API enabled in it.
fn activate(call: &mut Call, repository: &Repository) -> Result<Project> {
    let project = doors::project(call, &repository.project)?;
    doors::activate_registry(call, &project, API).map_err(|error| access::explained(error, &project.id))?;
    Ok(project)
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
