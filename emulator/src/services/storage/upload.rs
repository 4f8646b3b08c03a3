//! Uploads in one request: media and multipart. Resumable ones go on in `sessions`.

use std::sync::Arc;

use gcp_gateway::Body;
use http_body_util::BodyExt as _;

use super::draft::Draft;
use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::ObjectRow;
use super::supplied::SuppliedKey;
use super::{API, multipart, resource, sessions};
use crate::kernel::body::Writer;
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

/// Multipart bodies are taken whole: clients send larger ones as resumable uploads.
const MAX_MULTIPART: usize = 128 << 20;
/// A body of one chunk needs no stream.
const SMALL: u64 = envelope::CHUNK as u64;
/// How much of a multipart body is handed on at a time.
const PIECE: usize = 1 << 20;
const UNKNOWN_TYPE: &str = "application/octet-stream";

pub fn spec(request: &Request, bucket: &str, mode: Mode) -> Spec {
    rest::spec(request, "storage.objects.insert", API, "storage.objects.create", format!("buckets/{bucket}"), mode)
}

/// An object as who has written it sees it.
pub fn shown<'a>(row: &'a ObjectRow, base_url: &'a str, query: &Query) -> resource::Object<'a> {
    resource::Object { row, full: query.get("projection") == Some("full"), hashes: true, base_url }
}

/// The answer to having written an object.
pub fn render(row: &ObjectRow, base_url: &str, query: &Query) -> Answer {
    rest::print(200, &shown(row, base_url, query), query)
}

/// `POST …/upload/storage/v1/b/BUCKET/o`.
pub async fn start(kernel: &Arc<Kernel>, bucket: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    if let Some(id) = query.get("upload_id") {
        return sessions::resume(kernel, id, request).await;
    }
    let draft = Draft {
        bucket: bucket.to_owned(),
        conditions: Preconditions::of(&query, false)?,
        supplied: SuppliedKey::of(&request)?,
        ..Draft::default()
    };
    match query.get("uploadType") {
        Some("media") => media(kernel, draft, &query, request).await,
        Some("multipart") => whole(kernel, draft, &query, request).await,
        Some("resumable") => {
            let kind = rest::header(&request, "x-upload-content-type").unwrap_or(UNKNOWN_TYPE).to_owned();
            let spec = spec(&request, bucket, Mode::Read);
            let kept = request.uri().query().unwrap_or_default().to_owned();
            let metadata = Metadata::from_json(&rest::read_json(request.into_body()).await?)?;
            let draft = described(draft, metadata, &query, &kind)?;
            sessions::start(kernel, draft, spec, &kept).await
        }
        _ => Err(Error::invalid_argument("uploadType must be media, multipart or resumable.").with_reason("invalid")),
    }
}

/// What the query says beside the metadata. Its key wins over the one in the body.
fn described(draft: Draft, mut metadata: Metadata, query: &Query, content_type: &str) -> Result<Draft> {
    if metadata.name.is_empty() {
        query.get("name").unwrap_or_default().clone_into(&mut metadata.name);
    }
    if metadata.content_type.is_empty() {
        content_type.clone_into(&mut metadata.content_type);
    }
    if let Some(encoding) = query.get("contentEncoding") {
        encoding.clone_into(&mut metadata.content_encoding);
    }
    objects::check_name(&metadata.name)?;
    let named = query.get("kmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned);
    let kms_key = named.or_else(|| metadata.key.clone());
    Ok(Draft { metadata, kms_key, ..draft })
}

async fn media(kernel: &Arc<Kernel>, draft: Draft, query: &Query, request: Request) -> Result<Answer> {
    let kind = rest::header(&request, "content-type").unwrap_or(UNKNOWN_TYPE).to_owned();
    let mut metadata = Metadata::default();
    x_goog_hash(&request, &mut metadata);
    let draft = described(draft, metadata, query, &kind)?;
    let base_url = rest::base_url(&request);
    let row = receive(kernel, draft, request).await?;
    Ok(render(&row, &base_url, query))
}

/// A request whose body is the object.
pub async fn receive(kernel: &Arc<Kernel>, draft: Draft, request: Request) -> Result<ObjectRow> {
    let length = rest::header(&request, "content-length").and_then(|text| text.parse::<u64>().ok());
    let write = spec(&request, &draft.bucket, Mode::Write);
    if length.is_some_and(|length| length <= SMALL) {
        let bytes = rest::read_all(request.into_body(), SMALL as usize).await?;
        if Some(bytes.len() as u64) != length {
            return Err(truncated());
        }
        return draft.store_small(kernel, write, &bytes).await;
    }
    let read = Spec { mode: Mode::Read, ..write.clone() };
    let (_, data_key) = kernel.run(read, |call| draft.begin(call)).await?;
    let mut writer = Writer::new(Arc::clone(kernel), data_key.key, false);
    pour(request.into_body(), &mut writer, length).await?;
    if length.is_some_and(|length| length != writer.size()) {
        return Err(truncated());
    }
    draft.commit(kernel, write, writer, true).await
}

async fn whole(kernel: &Arc<Kernel>, draft: Draft, query: &Query, request: Request) -> Result<Answer> {
    let kind = rest::header(&request, "content-type").unwrap_or_default().to_owned();
    let base_url = rest::base_url(&request);
    let write = spec(&request, &draft.bucket, Mode::Write);
    let body = rest::read_all(request.into_body(), MAX_MULTIPART).await?;
    let (head, media_type, bytes) = multipart::upload(&kind, &body)?;
    let metadata = Metadata::from_json(&rest::parse_json(&head)?)?;
    let draft = described(draft, metadata, query, &media_type)?;
    let row = if bytes.len() as u64 <= SMALL {
        draft.store_small(kernel, write, &bytes).await?
    } else {
        let read = Spec { mode: Mode::Read, ..write.clone() };
        let (_, data_key) = kernel.run(read, |call| draft.begin(call)).await?;
        let mut writer = Writer::new(Arc::clone(kernel), data_key.key, false);
        for from in (0..bytes.len()).step_by(PIECE) {
            writer.write(bytes.slice(from..bytes.len().min(from + PIECE))).await?;
        }
        draft.commit(kernel, write, writer, true).await?
    };
    Ok(render(&row, &base_url, query))
}

pub fn truncated() -> Error {
    Error::invalid_argument("The request ended before its body was complete.").with_reason("invalid")
}

/// What the client says the bytes are.
pub fn x_goog_hash(request: &Request, metadata: &mut Metadata) {
    for value in request.headers().get_all("x-goog-hash") {
        for part in value.to_str().unwrap_or_default().split(',') {
            match part.trim().split_once('=') {
                Some(("crc32c", hash)) => metadata.crc32c = Some(hash.to_owned()),
                Some(("md5", hash)) => metadata.md5 = Some(hash.to_owned()),
                _ => {}
            }
        }
    }
}

/// Streams a request's body into a writer, up to the size `end`; what came before a break stays.
pub async fn pour(mut body: Body, writer: &mut Writer, end: Option<u64>) -> Result<()> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| truncated().with_log(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if end.is_some_and(|end| writer.size() + data.len() as u64 > end) {
            return Err(Error::invalid_argument("The request has more bytes than it says.").with_reason("invalid"));
        }
        writer.write(data).await?;
    }
    Ok(())
}
