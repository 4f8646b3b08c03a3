//! Copies: rewrite, copy, compose. Bytes are opened under the source's key and sealed again under the destination's.

use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::{ObjectRow, bucket};
use super::{download, resource, upload};
use crate::kernel::body::{Opened, Writer};
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

const API: &str = "storage.googleapis.com";

/// From where to where.
#[derive(Clone, Debug)]
pub struct Route {
    pub source_bucket: String,
    pub source: String,
    pub bucket: String,
    pub name: String,
}

async fn copy_bytes(opened: Opened, writer: &mut Writer) -> Result<()> {
    let size = opened.size;
    let mut stream = opened.stream(0, size);
    while let Some(bytes) = stream.next().await {
        writer.write(bytes?).await?;
    }
    Ok(())
}

/// `rewriteTo` and `copyTo`. The key is the request's, else the destination's default: never the source's.
pub async fn rewrite(kernel: &Arc<Kernel>, route: Route, as_copy: bool, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    if query.get("rewriteToken").is_some_and(|token| !token.is_empty()) {
        return Err(Error::invalid_argument("The rewrite token is not one that this service gave out: rewrites finish in one call here.")
            .with_reason("invalid"));
    }
    let read = rest::spec(&request, "storage.objects.rewrite", API, "storage.objects.get", format!("buckets/{}/objects/{}", route.source_bucket, route.source), Mode::Read);
    let write = Spec { permission: "storage.objects.create", resource: format!("buckets/{}", route.bucket), mode: Mode::Write, ..read.clone() };
    let generation = query.number("sourceGeneration")?;
    let source_conditions = Preconditions::of(&query, true)?;
    let conditions = Preconditions::of(&query, false)?;
    let key = query.get("destinationKmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned);
    let body = rest::read_json(request.into_body()).await?;
    objects::check_name(&route.name)?;
    let (source, opened, data_key) = kernel
        .run(read, |call| {
            let (row, opened) = download::open(call, &route.source_bucket, &route.source, generation)?;
            source_conditions.check(Some(&row), false)?;
            let (_, data_key) = upload::begin(call, &route.bucket, key.as_deref())?;
            Ok((row, opened, data_key))
        })
        .await?;
    let mut writer = Writer::new(Arc::clone(kernel), data_key.key.clone(), false);
    copy_bytes(opened, &mut writer).await?;
    let mut finished = writer.finish().await?;
    if source.components > 0 {
        finished.md5 = None;
    }
    let metadata = merged(&source, &body, &route.name);
    let size = source.body.size.to_string();
    let row = kernel
        .run(write, |call| {
            let bucket_row = bucket(call, &route.bucket)?;
            objects::place(call, &bucket_row, metadata, finished, &data_key, conditions, source.components)
        })
        .await?;
    let full = query.get("projection") == Some("full");
    let resource = resource::object(&row, full, true, &base_url);
    if as_copy {
        return Ok(rest::json(200, resource, &query));
    }
    let answer = json!({"kind": "storage#rewriteResponse", "totalBytesRewritten": size, "objectSize": size, "done": true, "resource": resource});
    Ok(rest::json(200, answer, &query))
}

/// The source's metadata where the body is silent; a body that sets any replaces them, as production does.
fn merged(source: &ObjectRow, body: &Value, name: &str) -> Metadata {
    let mut metadata = Metadata::of(source);
    let given = Metadata::from_json(body);
    for (field, key, value) in [
        (&mut metadata.content_type, "contentType", given.content_type),
        (&mut metadata.content_encoding, "contentEncoding", given.content_encoding),
        (&mut metadata.cache_control, "cacheControl", given.cache_control),
        (&mut metadata.content_disposition, "contentDisposition", given.content_disposition),
        (&mut metadata.content_language, "contentLanguage", given.content_language),
        (&mut metadata.storage_class, "storageClass", given.storage_class),
    ] {
        if body.get(key).is_some_and(Value::is_string) {
            *field = value;
        }
    }
    if body.get("metadata").is_some_and(Value::is_object) {
        metadata.metadata = given.metadata;
    }
    name.clone_into(&mut metadata.name);
    metadata
}

pub async fn compose(kernel: &Arc<Kernel>, bucket_name: &str, name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let conditions = Preconditions::of(&query, false)?;
    let write = rest::spec(&request, "storage.objects.compose", API, "storage.objects.create", format!("buckets/{bucket_name}"), Mode::Write);
    let read = Spec { mode: Mode::Read, ..write.clone() };
    let body = rest::read_json(request.into_body()).await?;
    objects::check_name(name)?;
    let sources = body.get("sourceObjects").and_then(Value::as_array).cloned().unwrap_or_default();
    if sources.is_empty() || sources.len() > 32 {
        return Err(Error::invalid_argument("The number of source components provided must be between 1 and 32.").with_reason("invalid"));
    }
    let mut metadata = Metadata::from_json(body.get("destination").unwrap_or(&Value::Null));
    name.clone_into(&mut metadata.name);
    // Clients send the first source's hashes here; they say nothing of the whole.
    metadata.md5 = None;
    metadata.crc32c = None;
    let key = query.get("kmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned).or_else(|| metadata.key.clone());
    let (opened, data_key, components) = kernel
        .run(read, |call| {
            let mut opened = Vec::new();
            let mut components = 0;
            for source in &sources {
                let text = |value: &Value| value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok());
                let name = source.get("name").and_then(Value::as_str).unwrap_or_default();
                let generation = source.get("generation").and_then(text);
                let (row, body) = download::open(call, bucket_name, name, generation)?;
                if let Some(wanted) = source.pointer("/objectPreconditions/ifGenerationMatch").and_then(text)
                    && wanted != row.generation
                {
                    return Err(Error::failed_precondition("At least one of the pre-conditions you specified did not hold.")
                        .with_http(412)
                        .with_reason("conditionNotMet"));
                }
                components += row.components.max(1);
                opened.push(body);
            }
            let (_, data_key) = upload::begin(call, bucket_name, key.as_deref())?;
            Ok((opened, data_key, components))
        })
        .await?;
    let mut writer = Writer::new(Arc::clone(kernel), data_key.key.clone(), false);
    for body in opened {
        copy_bytes(body, &mut writer).await?;
    }
    let mut finished = writer.finish().await?;
    finished.md5 = None;
    let row = kernel
        .run(write, |call| {
            let bucket_row = bucket(call, bucket_name)?;
            objects::place(call, &bucket_row, metadata, finished, &data_key, conditions, components)
        })
        .await?;
    Ok(rest::json(200, resource::object(&row, query.get("projection") == Some("full"), true, &base_url), &query))
}
