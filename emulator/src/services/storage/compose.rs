//! Compositions: up to 32 objects of a bucket joined into one, under the key of the new one.

use std::sync::Arc;

use serde_json::Value;

use super::draft::Draft;
use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rewrite::copy_bytes;
use super::rows::object;
use super::supplied::SuppliedKey;
use super::{API, download, upload};
use crate::doors;
use crate::kernel::body::Writer;
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

const MAX_SOURCES: usize = 32;

/// One of `sourceObjects`.
struct Source {
    name: String,
    generation: Option<i64>,
    if_generation: Option<i64>,
}

/// int64 as JSON has it: text, or a number.
fn integer(value: &Value, at: &str) -> Result<Option<i64>> {
    let Some(value) = value.pointer(at).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok());
    number
        .filter(|number| *number >= 0)
        .map(Some)
        .ok_or_else(|| invalid(format!("Invalid value for: sourceObjects{at}")))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_argument(message).with_reason("invalid")
}

fn sources(body: &Value) -> Result<Vec<Source>> {
    let list = body.get("sourceObjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() || list.len() > MAX_SOURCES {
        return Err(invalid("The number of source components provided must be between 1 and 32."));
    }
    let source = |value: &Value| {
        Ok(Source {
            name: value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            generation: integer(value, "/generation")?,
            if_generation: integer(value, "/objectPreconditions/ifGenerationMatch")?,
        })
    };
    list.iter().map(source).collect()
}

pub async fn compose(kernel: &Arc<Kernel>, bucket: &str, name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let resource = format!("buckets/{bucket}");
    let write = rest::spec(&request, "storage.objects.compose", API, "storage.objects.create", resource, Mode::Write);
    let read = Spec { mode: Mode::Read, ..write.clone() };
    let supplied = SuppliedKey::of(&request)?;
    let body = rest::read_json(request.into_body()).await?;
    objects::check_name(name)?;
    let sources = sources(&body)?;
    // Clients send the first source's hashes here; they say nothing of the whole.
    let metadata = Metadata {
        name: name.to_owned(),
        md5: None,
        crc32c: None,
        ..Metadata::from_json(body.get("destination").unwrap_or(&Value::Null))?
    };
    let named = query.get("kmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned);
    let mut draft = Draft {
        bucket: bucket.to_owned(),
        conditions: Preconditions::of(&query, false)?,
        kms_key: named.or_else(|| metadata.key.clone()),
        supplied,
        metadata,
        components: 0,
    };
    let (opened, data_key) = kernel
        .run(read, |call| {
            let mut opened = Vec::with_capacity(sources.len());
            for source in &sources {
                doors::require_permission(
                    call,
                    "storage.objects.get",
                    &format!("buckets/{bucket}/objects/{}", source.name),
                    API,
                )?;
                let row = object(call, bucket, &source.name, source.generation)?;
                Preconditions::generation(source.if_generation).check(Some(&row), false)?;
                draft.components = draft.components.saturating_add(row.components.max(1));
                opened.push(download::open(call, &row, draft.supplied.as_ref())?);
            }
            let (_, data_key) = draft.begin(call)?;
            Ok((opened, data_key.key))
        })
        .await?;
    let mut writer = Writer::new(Arc::clone(kernel), data_key, false);
    for body in opened {
        let size = body.size;
        copy_bytes(body, 0, size, &mut writer).await?;
    }
    let row = draft.commit(kernel, write, writer, false).await?;
    Ok(upload::render(&row, &base_url, &query))
}
