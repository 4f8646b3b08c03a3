//! What is here of the XML API: an object at `/BUCKET/OBJECT` of storage.googleapis.com, or at `/OBJECT` of the bucket's
//! own host: reading, writing in one request, deleting.

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;

use super::download::{self, Surface};
use super::draft::Draft;
use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::supplied::SuppliedKey;
use super::{API, refusal, upload};
use crate::kernel::{Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request};

const OWN_HOST: &str = ".storage.googleapis.com";
/// What a query asks of an object beside its bytes.
const SUBRESOURCES: [&str; 9] =
    ["acl", "compose", "encryption", "legal-hold", "partNumber", "retention", "tagging", "uploadId", "uploads"];

/// Bucket and object, decoded. Either may be empty.
fn address(request: &Request) -> Option<(String, String)> {
    let path = percent_decode_str(request.uri().path().strip_prefix('/')?).decode_utf8().ok()?;
    let host = rest::header(request, "host").or_else(|| request.uri().host()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or(host);
    if let Some(bucket) = host.strip_suffix(OWN_HOST) {
        return Some((bucket.to_owned(), path.into_owned()));
    }
    let (bucket, object) = path.split_once('/').unwrap_or((&path, ""));
    Some((bucket.to_owned(), object.to_owned()))
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    match dispatch(kernel, request).await {
        Ok(answer) => answer,
        Err(error) if error.http_status() == 304 => rest::empty(304),
        Err(error) => refusal::xml(&error),
    }
}

async fn dispatch(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let Some((bucket, object)) = address(&request) else {
        return Err(Error::invalid_argument("The path is not valid UTF-8.").with_reason("invalid"));
    };
    let query = Query::of(&request);
    let asks_more = SUBRESOURCES.iter().any(|name| query.get(name).is_some());
    let method = request.method().clone();
    match method {
        _ if asks_more || bucket.is_empty() || object.is_empty() => {}
        Method::GET | Method::HEAD => return download::media(kernel, &bucket, &object, request, Surface::Xml).await,
        Method::PUT if rest::header(&request, "x-goog-copy-source").is_none() => {
            return write(kernel, bucket, object, request).await;
        }
        Method::DELETE => {
            let resource = format!("buckets/{bucket}/objects/{object}");
            let permission = "storage.objects.delete";
            let spec = rest::spec(&request, permission, API, permission, resource, Mode::Write);
            let conditions = Preconditions::of_headers(&request)?;
            let generation = super::preconditions::generation(&query, "generation")?;
            kernel.run(spec, |call| objects::delete(call, &bucket, &object, generation, conditions)).await?;
            return Ok(rest::empty(204));
        }
        _ => {}
    }
    Err(Error::unimplemented(&format!("{method} of the XML API")).with_reason("notImplemented"))
}

fn metadata(request: &Request, name: String) -> Result<Metadata> {
    let text = |name: &str| rest::header(request, name).unwrap_or_default().to_owned();
    let own = |name: &http::HeaderName| name.as_str().strip_prefix("x-goog-meta-").map(str::to_owned);
    let mut metadata = Metadata {
        name,
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        cache_control: text("cache-control"),
        content_disposition: text("content-disposition"),
        content_language: text("content-language"),
        storage_class: objects::storage_class(&text("x-goog-storage-class"))?,
        metadata: request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((own(name)?, value.to_str().ok()?.to_owned())))
            .collect(),
        md5: rest::header(request, "content-md5").map(str::to_owned),
        ..Metadata::default()
    };
    upload::x_goog_hash(request, &mut metadata);
    objects::check_name(&metadata.name)?;
    Ok(metadata)
}

async fn write(kernel: &Arc<Kernel>, bucket: String, name: String, request: Request) -> Result<Answer> {
    let draft = Draft {
        bucket,
        metadata: metadata(&request, name)?,
        conditions: Preconditions::of_headers(&request)?,
        kms_key: rest::header(&request, "x-goog-encryption-kms-key-name").map(str::to_owned),
        supplied: SuppliedKey::of(&request)?,
        components: 0,
    };
    let row = upload::receive(kernel, draft, request).await?;
    let mut answer = rest::empty(200);
    download::describe(&mut answer, &row, Surface::Xml);
    rest::set_header(&mut answer, "content-length", "0");
    Ok(answer)
}
