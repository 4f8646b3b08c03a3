//! Docker Registry HTTP API v2.

use std::sync::Arc;

use http::Method;

use super::access::{self, Challenge};
use super::error::coded;
use super::names::{Repository, Target, repository, target};
use super::{blobs, catalog, manifests, shut_down};
use crate::kernel::settings::GcrEra;
use crate::kernel::{Kernel, Result};
use crate::rest::{self, Answer, Request};

pub fn claims(request: &Request) -> bool {
    request.uri().path().starts_with("/v2") && target(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let target = target(&request);
    let challenge = Challenge::of(&request, target.as_ref().and_then(Target::name));
    let mut answer = match dispatch(kernel, target, request).await {
        Ok(answer) => answer,
        Err(error) => challenge.refusal(&error),
    };
    rest::set_header(&mut answer, "docker-distribution-api-version", "registry/2.0");
    answer
}

fn named(request: &Request, name: &str) -> Result<Repository> {
    repository(request, name).ok_or_else(|| {
        coded(400, "NAME_INVALID", format!("Invalid repository name '{name}': write PROJECT/IMAGE in lower case."))
    })
}

fn with_image(request: &Request, name: &str) -> Result<Repository> {
    let found = named(request, name)?;
    if found.image.is_empty() {
        return Err(coded(
            400,
            "NAME_INVALID",
            format!("Invalid repository name '{name}': the image is missing after the project."),
        ));
    }
    Ok(found)
}

async fn dispatch(kernel: &Arc<Kernel>, target: Option<Target>, request: Request) -> Result<Answer> {
    let unsupported = || coded(405, "UNSUPPORTED", "The operation is unsupported.");
    let Some(target) = target else { return Err(coded(404, "NAME_UNKNOWN", "Not found.")) };
    let method = request.method().clone();
    if let Some(name) = target.name()
        && kernel.settings.gcr_era == GcrEra::ShutDown
    {
        return Err(shut_down(&named(&request, name)?.project));
    }
    match (target, method) {
        (Target::Ping, _) => Ok(access::ping(kernel, &request)),
        (Target::Token, _) => access::token(kernel, request).await,
        (Target::Catalog, Method::GET) => catalog::list(kernel, request).await,
        (Target::Tags(name), Method::GET) => manifests::list(kernel, &named(&request, &name)?, request).await,
        (Target::Blob(digest, name), Method::GET | Method::HEAD) => {
            blobs::get(kernel, &with_image(&request, &name)?, &digest, request).await
        }
        (Target::Uploads(name), Method::POST) => {
            blobs::start(kernel, &with_image(&request, &name)?, &name, request).await
        }
        (Target::Upload(id, name), _) => {
            blobs::resume(kernel, &with_image(&request, &name)?, &name, &id, request).await
        }
        (Target::Manifest(reference, name), Method::GET | Method::HEAD) => {
            manifests::get(kernel, &with_image(&request, &name)?, &reference, request).await
        }
        (Target::Manifest(reference, name), Method::PUT) => {
            manifests::put(kernel, &with_image(&request, &name)?, &name, &reference, request).await
        }
        (Target::Manifest(reference, name), Method::DELETE) => {
            manifests::delete(kernel, &with_image(&request, &name)?, &reference, request).await
        }
        _ => Err(unsupported()),
    }
}
