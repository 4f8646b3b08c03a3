//! `_catalog`: the images of a host, in pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use gcp_names::{RegistryHost, RegistryObject, registry::repository_prefix};
use serde_json::json;

use super::access;
use super::error::coded;
use super::names::host_of;
use crate::doors;
use crate::kernel::{Call, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

const DEFAULT: usize = 100;
const MAX: usize = 1000;

/// Of all projects in which the caller may list. On an address that is no host of the registry the hosts other than
/// gcr.io stand before the names, as they do when such an image is pulled.
pub async fn list(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let size =
        match query.get("n") {
            None => DEFAULT,
            Some(text) => text.parse().ok().filter(|size| *size > 0).ok_or_else(|| {
                coded(400, "PAGINATION_NUMBER_INVALID", format!("Invalid number of results '{text}'."))
            })?,
        };
    let size = size.min(MAX);
    let spec = rest::spec(&request, "registry.catalog", "", "", "", Mode::Read);
    let spec = Spec { caller: access::caller(&request), ..spec };
    let host = host_of(&request);
    let names = kernel.run(spec, |call| names(call, host)).await?;
    let last = query.get("last").unwrap_or_default();
    let mut rest = names.into_iter().filter(|name| name.as_str() > last);
    let page: Vec<String> = rest.by_ref().take(size).collect();
    let mut answer = rest::respond(200, "application/json", json!({"repositories": page}).to_string());
    if let (Some(_), Some(end)) = (rest.next(), page.last()) {
        rest::set_header(&mut answer, "link", &format!("</v2/_catalog?last={end}&n={size}>; rel=\"next\""));
    }
    Ok(answer)
}

fn names(call: &mut Call, only: Option<RegistryHost>) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for bucket in doors::bucket_names(call)? {
        let Some((host, project)) = RegistryHost::from_bucket(&bucket) else { continue };
        let permission = "storage.objects.list".to_owned();
        if only.is_some_and(|only| only != host)
            || doors::held_permissions(call, &format!("buckets/{bucket}"), &[permission])?.is_empty()
        {
            continue;
        }
        let path = RegistryHost::image_path(&project);
        let path = if only.is_some() || host == RegistryHost::Gcr { path } else { format!("{host}/{path}") };
        for object in doors::list_objects(call, &bucket, &repository_prefix(""))? {
            if let Some(RegistryObject::Manifest { image, .. }) = RegistryObject::parse(&object.name) {
                names.insert(format!("{path}/{image}"));
            }
        }
    }
    Ok(names)
}
