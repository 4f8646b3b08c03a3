//! Manifests and tags: objects of the bucket too.

use std::collections::BTreeMap;
use std::sync::Arc;

use envelope::Sha256;
use gcp_names::registry::{blob_object, is_digest, manifest_object, repository_prefix, tag_object};
use http::Method;
use serde_json::{Map, Value, json};

use super::access::{Action, exchange};
use super::error::coded;
use super::manifest::Manifest;
use super::names::{Repository, is_reference};
use super::{activate, bucket_for_push, spec};
use crate::doors::{self, NewObject, ObjectInfo};
use crate::kernel::body::{Writer, seal_small};
use crate::kernel::{Call, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Request};

const MAX_MANIFEST: usize = 4 << 20;
/// The tag's object holds nothing: what it points at stands in its metadata, readable without a key.
const POINTS_AT: &str = "digest";
/// The manifests that an index names, for the same reason.
const CHILDREN: &str = "children";
const SIZE: &str = "imageSizeBytes";

/// Why a reference leads nowhere: the image is not there, or nothing in it is called so.
fn missing(call: &mut Call, repository: &Repository, reference: &str) -> Result<Error> {
    let prefix = repository_prefix(&repository.image);
    if doors::list_objects(call, &repository.bucket(), &prefix)?.is_empty() {
        return Ok(coded(
            404,
            "NAME_UNKNOWN",
            format!("Repository \"{}\" is not known to the registry.", repository.full()),
        ));
    }
    Ok(coded(404, "MANIFEST_UNKNOWN", format!("Failed to fetch \"{reference}\"")))
}

fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut sha = Sha256::new();
    sha.update(bytes);
    sha.finish().iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest that a tag or digest means, if it is there.
fn resolve(call: &mut Call, repository: &Repository, reference: &str) -> Result<Option<String>> {
    if is_digest(reference) {
        return Ok(Some(reference.to_owned()));
    }
    let tag = doors::find_object(call, &repository.bucket(), &tag_object(&repository.image, reference))?;
    Ok(tag.and_then(|tag| tag.metadata.get(POINTS_AT).cloned()))
}

pub async fn get(kernel: &Arc<Kernel>, repository: &Repository, reference: &str, request: Request) -> Result<Answer> {
    if !is_reference(reference) {
        return Err(coded(400, "MANIFEST_INVALID", format!("Invalid reference '{reference}'.")));
    }
    let head = request.method() == Method::HEAD;
    let spec = spec(&request, "registry.manifests.get", "storage.objects.get", repository, Mode::Read);
    let bucket = repository.bucket();
    let (digest, info, opened) = kernel
        .run(spec, |call| {
            exchange(call, repository, Action::Pull)?;
            let found = match resolve(call, repository, reference)? {
                None => None,
                Some(digest) => {
                    let object = manifest_object(&repository.image, &digest);
                    doors::find_object(call, &bucket, &object)?.map(|info| (digest, object, info))
                }
            };
            let Some((digest, object, info)) = found else { return Err(missing(call, repository, reference)?) };
            let opened = if head { None } else { Some(doors::open_object(call, &bucket, &object)?.1) };
            Ok((digest, info, opened))
        })
        .await?;
    let mut answer = match opened {
        None => rest::empty(200),
        Some(opened) => Answer::new(gcp_gateway::full(opened.bytes().await?)),
    };
    rest::set_header(&mut answer, "content-type", &info.content_type);
    rest::set_header(&mut answer, "content-length", &info.size.to_string());
    rest::set_header(&mut answer, "docker-content-digest", &digest);
    rest::set_header(&mut answer, "etag", &format!("\"{digest}\""));
    Ok(answer)
}

pub async fn put(
    kernel: &Arc<Kernel>,
    repository: &Repository,
    name: &str,
    reference: &str,
    request: Request,
) -> Result<Answer> {
    if !is_reference(reference) {
        return Err(coded(400, "MANIFEST_INVALID", format!("Invalid reference '{reference}'.")));
    }
    bucket_for_push(kernel, repository, &request).await?;
    let content_type = rest::header(&request, "content-type").unwrap_or_default().to_owned();
    let begin = spec(&request, "registry.manifests.begin", "storage.objects.create", repository, Mode::Read);
    let spec = spec(&request, "registry.manifests.put", "storage.objects.create", repository, Mode::Write);
    let bytes = rest::read_all(request.into_body(), MAX_MANIFEST)
        .await
        .map_err(|error| coded(error.http_status(), "MANIFEST_INVALID", error.message()))?;
    let Manifest { media_type, blobs, children, size } = Manifest::read(&bytes, &content_type)?;
    let digest = digest_of(&bytes);
    if is_digest(reference) && reference != digest {
        return Err(coded(400, "DIGEST_INVALID", format!("The manifest is {digest}, not {reference}.")));
    }
    let bucket = repository.bucket();
    let mut metadata = BTreeMap::from([(SIZE.to_owned(), size.to_string())]);
    if !children.is_empty() {
        metadata.insert(CHILDREN.to_owned(), children.join(","));
    }
    let object = NewObject { name: manifest_object(&repository.image, &digest), content_type: media_type, metadata };
    let data_key = kernel.run(begin, |call| doors::begin_object(call, &bucket, &object.name)).await?;
    let mut writer = Writer::new(Arc::clone(kernel), data_key.clone(), false);
    writer.write(bytes).await?;
    let body = writer.finish().await?;
    kernel
        .run(spec, |call| {
            activate(call, repository)?;
            let pushed =
                |call: &mut Call, object: String, digest: &str| match doors::find_object(call, &bucket, &object)? {
                    Some(_) => Ok(()),
                    None => Err(coded(
                        400,
                        "MANIFEST_BLOB_UNKNOWN",
                        format!("The manifest names {digest}, which was not pushed."),
                    )),
                };
            for blob in &blobs {
                pushed(call, blob_object(blob), blob)?;
            }
            for child in &children {
                pushed(call, manifest_object(&repository.image, child), child)?;
            }
            doors::finish_object(call, &bucket, &object, body, data_key)?;
            let tag = Some(reference).filter(|reference| !is_digest(reference));
            if let Some(tag) = tag {
                point(call, repository, tag, &digest)?;
            }
            announce(call, repository, "INSERT", Some(&digest), tag)
        })
        .await?;
    let mut answer = rest::empty(201);
    rest::set_header(&mut answer, "location", &format!("/v2/{name}/manifests/{digest}"));
    rest::set_header(&mut answer, "docker-content-digest", &digest);
    rest::set_header(&mut answer, "content-length", "0");
    Ok(answer)
}

/// Lets a tag point at a manifest.
fn point(call: &mut Call, repository: &Repository, tag: &str, digest: &str) -> Result<()> {
    let bucket = repository.bucket();
    let object = NewObject {
        name: tag_object(&repository.image, tag),
        content_type: "text/plain".to_owned(),
        metadata: BTreeMap::from([(POINTS_AT.to_owned(), digest.to_owned())]),
    };
    let data_key = doors::fresh_data_key()?;
    let body = seal_small(&call.kernel, &data_key, b"", false)?;
    doors::finish_object(call, &bucket, &object, body, data_key).map(|_| ())
}

/// The message that Container Registry sends to topic `gcr`.
fn announce(
    call: &mut Call,
    repository: &Repository,
    action: &str,
    digest: Option<&str>,
    tag: Option<&str>,
) -> Result<()> {
    let mut message = Map::new();
    message.insert("action".to_owned(), json!(action));
    if let Some(digest) = digest {
        message.insert("digest".to_owned(), json!(format!("{}@{digest}", repository.full())));
    }
    if let Some(tag) = tag {
        message.insert("tag".to_owned(), json!(format!("{}:{tag}", repository.full())));
    }
    let project = doors::project(call, &repository.project)?;
    doors::announce(call, &project, "gcr", Value::Object(message).to_string().into_bytes())
}

pub async fn delete(
    kernel: &Arc<Kernel>,
    repository: &Repository,
    reference: &str,
    request: Request,
) -> Result<Answer> {
    if !is_reference(reference) {
        return Err(coded(400, "MANIFEST_INVALID", format!("Invalid reference '{reference}'.")));
    }
    let spec = spec(&request, "registry.manifests.delete", "storage.objects.delete", repository, Mode::Write);
    let bucket = repository.bucket();
    kernel
        .run(spec, |call| {
            exchange(call, repository, Action::Push)?;
            if !is_digest(reference) {
                let object = tag_object(&repository.image, reference);
                if doors::find_object(call, &bucket, &object)?.is_none() {
                    return Err(missing(call, repository, reference)?);
                }
                doors::delete_object(call, &bucket, &object)?;
                return announce(call, repository, "DELETE", None, Some(reference));
            }
            let object = manifest_object(&repository.image, reference);
            if doors::find_object(call, &bucket, &object)?.is_none() {
                return Err(missing(call, repository, reference)?);
            }
            let prefix = format!("{}tag_", repository_prefix(&repository.image));
            let tags = doors::list_objects(call, &bucket, &prefix)?;
            if tags.iter().any(|tag| tag.metadata.get(POINTS_AT).is_some_and(|digest| digest == reference)) {
                return Err(coded(
                    400,
                    "GOOGLE_MANIFEST_DANGLING_TAG",
                    format!("Manifest is still referenced by one or more tags: {reference}"),
                ));
            }
            let prefix = format!("{}manifest_", repository_prefix(&repository.image));
            let manifests = doors::list_objects(call, &bucket, &prefix)?;
            let lists = |children: &String| children.split(',').any(|child| child == reference);
            if manifests.iter().any(|manifest| manifest.metadata.get(CHILDREN).is_some_and(lists)) {
                return Err(coded(
                    400,
                    "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE",
                    format!("Manifest is still referenced by one or more indexes: {reference}"),
                ));
            }
            doors::delete_object(call, &bucket, &object)?;
            announce(call, repository, "DELETE", Some(reference), None)
        })
        .await?;
    Ok(rest::empty(202))
}

/// `tags/list` as Google's registry answers it: tags, child repositories, and each manifest with its numbers as text.
pub async fn list(kernel: &Arc<Kernel>, repository: &Repository, request: Request) -> Result<Answer> {
    let spec = spec(&request, "registry.tags.list", "storage.objects.list", repository, Mode::Read);
    let query = rest::Query::of(&request);
    let bucket = repository.bucket();
    let prefix = repository_prefix(&repository.image);
    let (exists, objects) = kernel
        .run(spec, |call| {
            exchange(call, repository, Action::Pull)?;
            let exists = doors::bucket_exists(call, &bucket)?;
            let wanted = exists && !query.flag("check_usage_only");
            Ok((exists, if wanted { doors::list_objects(call, &bucket, &prefix)? } else { Vec::new() }))
        })
        .await?;
    if query.flag("check_usage_only") {
        let usage = json!({"usage": if exists { "ACTIVE" } else { "INACTIVE" }});
        return Ok(rest::respond(200, "application/json", usage.to_string()));
    }
    let name = format!(
        "{}{}",
        gcp_names::RegistryHost::image_path(&repository.project),
        if repository.image.is_empty() { String::new() } else { format!("/{}", repository.image) }
    );
    let body = listing(&name, &prefix, &objects);
    Ok(rest::respond(200, "application/json", body.to_string()))
}

fn listing(name: &str, prefix: &str, objects: &[ObjectInfo]) -> Value {
    let mut children: Vec<&str> = Vec::new();
    let mut tags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut manifests: Vec<(&str, &ObjectInfo)> = Vec::new();
    for object in objects {
        let rest = &object.name[prefix.len()..];
        if let Some((child, _)) = rest.split_once('/') {
            if children.last() != Some(&child) {
                children.push(child);
            }
        } else if let Some(tag) = rest.strip_prefix("tag_") {
            let digest = object.metadata.get(POINTS_AT).map_or("", String::as_str);
            tags.entry(digest).or_default().push(tag);
        } else if let Some(digest) = rest.strip_prefix("manifest_") {
            manifests.push((digest, object));
        }
    }
    let manifest: Map<String, Value> = manifests
        .into_iter()
        .map(|(digest, object)| {
            let size = object.metadata.get(SIZE).cloned().unwrap_or_else(|| "0".to_owned());
            let millis = (object.created / 1000).to_string();
            let row = json!({"imageSizeBytes": size, "layerId": "", "mediaType": object.content_type,
                "tag": tags.get(digest).cloned().unwrap_or_default(), "timeCreatedMs": millis, "timeUploadedMs": millis});
            (digest.to_owned(), row)
        })
        .collect();
    let mut all: Vec<&str> = tags.values().flatten().copied().collect();
    all.sort_unstable();
    json!({"child": children, "manifest": manifest, "name": name, "tags": all})
}
