//! Uploads: media, multipart, resumable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gcp_gateway::Body;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::objects::{self, Metadata};
use super::preconditions::Preconditions;
use super::rows::{BucketRow, ObjectRow, bucket};
use super::keys;
use crate::kernel::body::{DataKey, Writer, seal_small};
use crate::kernel::{Call, Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

/// Multipart bodies are taken whole: clients send larger ones as resumable uploads.
const MAX_MULTIPART: usize = 128 << 20;
/// A body of one chunk needs no stream.
const SMALL: u64 = envelope::CHUNK as u64;
const MAX_SESSIONS: usize = 10_000;

/// Uploads on their way, of one emulator. Gone at a restart, as the card says.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Session>>>>);

struct Session {
    bucket: String,
    metadata: Metadata,
    conditions: Preconditions,
    key: Option<String>,
    /// Made at the first byte; taken at the end.
    upload: Option<(Writer, DataKey)>,
    /// The answer, once there is one: a client that missed it asks again.
    done: Option<Box<ObjectRow>>,
}

fn spec(request: &Request, bucket: &str, mode: Mode) -> Spec {
    rest::spec(request, "storage.objects.insert", "storage.googleapis.com", "storage.objects.create", format!("buckets/{bucket}"), mode)
}

fn render(row: &ObjectRow, base_url: &str, query: &Query) -> Answer {
    let full = query.get("projection") == Some("full");
    rest::json(200, super::resource::object(row, full, true, base_url), query)
}

/// `POST …/upload/storage/v1/b/BUCKET/o`.
pub async fn start(kernel: &Arc<Kernel>, bucket_name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    if let Some(id) = query.get("upload_id") {
        let id = id.to_owned();
        return resume(kernel, &id, request).await;
    }
    let conditions = Preconditions::of(&query, false)?;
    match query.get("uploadType") {
        Some("media") => media(kernel, bucket_name, &query, conditions, request).await,
        Some("multipart") => multipart(kernel, bucket_name, &query, conditions, request).await,
        Some("resumable") => begin_session(kernel, bucket_name, &query, conditions, request).await,
        _ => Err(Error::invalid_argument("uploadType must be media, multipart or resumable.").with_reason("invalid")),
    }
}

fn explicit_key(query: &Query, metadata: &Metadata) -> Option<String> {
    query.get("kmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned).or_else(|| metadata.key.clone())
}

fn finish_metadata(metadata: &mut Metadata, query: &Query, content_type: &str) -> Result<()> {
    if metadata.name.is_empty() {
        query.get("name").unwrap_or_default().clone_into(&mut metadata.name);
    }
    if metadata.content_type.is_empty() {
        content_type.clone_into(&mut metadata.content_type);
    }
    if let Some(encoding) = query.get("contentEncoding") {
        encoding.clone_into(&mut metadata.content_encoding);
    }
    objects::check_name(&metadata.name)
}

/// The first half of a write: the bucket, and a data key under the key that applies.
pub fn begin(call: &mut Call, bucket_name: &str, key: Option<&str>) -> Result<(BucketRow, DataKey)> {
    let row = bucket(call, bucket_name)?;
    let data_key = keys::data_key(call, &row, keys::effective(&row, key))?;
    Ok((row, data_key))
}

async fn media(kernel: &Arc<Kernel>, bucket_name: &str, query: &Query, conditions: Preconditions, request: Request) -> Result<Answer> {
    let mut metadata = Metadata::default();
    let content_type = rest::header(&request, "content-type").unwrap_or("application/octet-stream").to_owned();
    finish_metadata(&mut metadata, query, &content_type)?;
    x_goog_hash(&request, &mut metadata);
    let key = explicit_key(query, &metadata);
    let base_url = rest::base_url(&request);
    let length = rest::header(&request, "content-length").and_then(|text| text.parse::<u64>().ok());
    let row = if length.is_some_and(|length| length <= SMALL) {
        let spec = spec(&request, bucket_name, Mode::Write);
        let bytes = rest::read_all(request.into_body(), SMALL as usize).await?;
        if Some(bytes.len() as u64) != length {
            return Err(truncated());
        }
        store_small(kernel, spec, bucket_name, metadata, key.as_deref(), conditions, &bytes).await?
    } else {
        let begin_spec = spec(&request, bucket_name, Mode::Read);
        let finish_spec = spec(&request, bucket_name, Mode::Write);
        let (_, data_key) = kernel.run(begin_spec, |call| begin(call, bucket_name, key.as_deref())).await?;
        let mut writer = Writer::new(Arc::clone(kernel), data_key.key.clone(), false);
        pour(request.into_body(), &mut writer).await?;
        if length.is_some_and(|length| length != writer.size()) {
            return Err(truncated());
        }
        commit(kernel, finish_spec, bucket_name, metadata, conditions, writer, data_key).await?
    };
    Ok(render(&row, &base_url, query))
}

fn truncated() -> Error {
    Error::invalid_argument("The request ended before its body was complete.").with_reason("invalid")
}

fn x_goog_hash(request: &Request, metadata: &mut Metadata) {
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

/// Everything in one call: checks, sealing, the row.
async fn store_small(
    kernel: &Arc<Kernel>,
    spec: Spec,
    bucket_name: &str,
    metadata: Metadata,
    key: Option<&str>,
    conditions: Preconditions,
    bytes: &Bytes,
) -> Result<ObjectRow> {
    kernel
        .run(spec, |call| {
            let (row, data_key) = begin(call, bucket_name, key)?;
            let finished = seal_small(&call.kernel, &data_key.key, bytes, false)?;
            objects::place(call, &row, metadata, finished, &data_key, conditions, 0)
        })
        .await
}

/// The second half of a streamed write.
pub async fn commit(
    kernel: &Arc<Kernel>,
    spec: Spec,
    bucket_name: &str,
    metadata: Metadata,
    conditions: Preconditions,
    writer: Writer,
    data_key: DataKey,
) -> Result<ObjectRow> {
    let finished = writer.finish().await?;
    kernel
        .run(spec, |call| {
            let row = bucket(call, bucket_name)?;
            objects::place(call, &row, metadata, finished, &data_key, conditions, 0)
        })
        .await
}

/// Streams a request's body into a writer; what came before a break stays.
pub async fn pour(mut body: Body, writer: &mut Writer) -> Result<()> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| truncated().with_log(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            writer.write(data).await?;
        }
    }
    Ok(())
}

async fn multipart(kernel: &Arc<Kernel>, bucket_name: &str, query: &Query, conditions: Preconditions, request: Request) -> Result<Answer> {
    let content_type = rest::header(&request, "content-type").unwrap_or_default().to_owned();
    let base_url = rest::base_url(&request);
    let begin_spec = spec(&request, bucket_name, Mode::Read);
    let finish_spec = spec(&request, bucket_name, Mode::Write);
    let body = rest::read_all(request.into_body(), MAX_MULTIPART).await?;
    let (head, media_type, bytes) = split_multipart(&content_type, &body)?;
    let mut metadata = Metadata::from_json(&rest::parse_json(&head)?);
    finish_metadata(&mut metadata, query, &media_type)?;
    let key = explicit_key(query, &metadata);
    let row = if bytes.len() as u64 <= SMALL {
        store_small(kernel, finish_spec, bucket_name, metadata, key.as_deref(), conditions, &bytes).await?
    } else {
        let (_, data_key) = kernel.run(begin_spec, |call| begin(call, bucket_name, key.as_deref())).await?;
        let mut writer = Writer::new(Arc::clone(kernel), data_key.key.clone(), false);
        for piece in 0..bytes.len().div_ceil(1 << 20) {
            let from = piece << 20;
            writer.write(bytes.slice(from..bytes.len().min(from + (1 << 20)))).await?;
        }
        commit(kernel, finish_spec, bucket_name, metadata, conditions, writer, data_key).await?
    };
    Ok(render(&row, &base_url, query))
}

/// The boundary may stand in either kind of quotes, and lines may end in a bare LF: both are sent by real clients.
pub fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let rest = &content_type[at..];
    let text = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split([';', ' ']).next()?,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// The parts between the delimiters, without the line end that belongs to the next delimiter.
pub fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Bytes>> {
    let delimiter = format!("--{boundary}");
    let mut at = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    let mut parts = Vec::new();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        let crlf = body[at..].starts_with(b"\r\n");
        let line_end = if crlf { 2 } else { 1 };
        if !crlf && !body[at..].starts_with(b"\n") {
            return None;
        }
        let start = at + line_end;
        let next = if crlf { format!("\r\n{delimiter}") } else { format!("\n{delimiter}") };
        let end = find(body, next.as_bytes(), start.saturating_sub(line_end))?;
        parts.push(body.slice(start.min(end)..end));
        at = end + next.len();
    }
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    haystack.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| at + from)
}

/// Header lines and content of a part.
pub fn split_part(part: &Bytes) -> (Vec<(String, String)>, Bytes) {
    let (head, content) = [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|gap| find(part, gap, 0).map(|at| (at, gap.len())))
        .min()
        .map_or_else(|| (part.clone(), Bytes::new()), |(at, gap)| (part.slice(..at), part.slice(at + gap..)));
    let headers = String::from_utf8_lossy(&head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (headers, content)
}

fn split_multipart(content_type: &str, body: &Bytes) -> Result<(Bytes, String, Bytes)> {
    let malformed = || Error::invalid_argument("Malformed multipart body.").with_reason("badRequest");
    let parts = boundary(content_type).and_then(|boundary| parts(body, &boundary)).ok_or_else(malformed)?;
    let [head, media] = &parts[..] else { return Err(malformed()) };
    let (_, head) = split_part(head);
    let (headers, media) = split_part(media);
    let media_type =
        headers.into_iter().find(|(name, _)| name == "content-type").map_or_else(|| "application/octet-stream".to_owned(), |(_, value)| value);
    Ok((head, media_type, media))
}

async fn begin_session(kernel: &Arc<Kernel>, bucket_name: &str, query: &Query, conditions: Preconditions, request: Request) -> Result<Answer> {
    let base_url = rest::base_url(&request);
    let declared_type = rest::header(&request, "x-upload-content-type").unwrap_or("application/octet-stream").to_owned();
    let spec = spec(&request, bucket_name, Mode::Read);
    let query_text = request.uri().query().unwrap_or_default().to_owned();
    let body: Value = rest::read_json(request.into_body()).await?;
    let mut metadata = Metadata::from_json(&body);
    finish_metadata(&mut metadata, query, &declared_type)?;
    let key = explicit_key(query, &metadata);
    // Refused now, not after gigabytes: the key itself is made again when the bytes come.
    kernel.run(spec, |call| begin(call, bucket_name, key.as_deref()).map(|_| ())).await?;
    let sessions = kernel.local.get::<Sessions>();
    let id = {
        let mut bytes = [0; 24];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random source failed"))?;
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    {
        let mut map = sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_SESSIONS {
            return Err(Error::new(crate::kernel::Code::ResourceExhausted, "Too many uploads are open."));
        }
        let session = Session { bucket: bucket_name.to_owned(), metadata, conditions, key, upload: None, done: None };
        map.insert(id.clone(), Arc::new(tokio::sync::Mutex::new(session)));
    }
    let mut answer = rest::empty(200);
    let kept: String = query_text.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("upload_id=")).collect::<Vec<_>>().join("&");
    let escaped = super::resource::escape(bucket_name);
    rest::set_header(&mut answer, "location", &format!("{base_url}/upload/storage/v1/b/{escaped}/o?{kept}&upload_id={id}"));
    rest::set_header(&mut answer, "x-guploader-uploadid", &id);
    rest::set_header(&mut answer, "content-length", "0");
    Ok(answer)
}

/// What a `Content-Range` says: where the bytes go, and the whole length if it is known.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// `bytes */T` or `bytes */*`: a question, or the end of an upload whose length was not known.
    Status { total: Option<u64> },
    /// `bytes A-B/T`, `bytes A-B/*`, and Node's `bytes A-*/*`: all that follows.
    Bytes { from: u64, to: Option<u64>, total: Option<u64>, open: bool },
}

fn parse_range(header: Option<&str>) -> Result<Range> {
    let bad = || Error::invalid_argument(format!("Invalid Content-Range: '{}'.", header.unwrap_or_default())).with_reason("invalid");
    let Some(text) = header else { return Ok(Range::Bytes { from: 0, to: None, total: None, open: true }) };
    let (range, total) = text.trim().strip_prefix("bytes").map(str::trim_start).and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let total = if total == "*" { None } else { Some(total.parse().map_err(|_| bad())?) };
    if range == "*" {
        return Ok(Range::Status { total });
    }
    let (from, to) = range.split_once('-').ok_or_else(bad)?;
    let from = from.parse().map_err(|_| bad())?;
    if to == "*" {
        return Ok(Range::Bytes { from, to: None, total, open: true });
    }
    let to: u64 = to.parse().map_err(|_| bad())?;
    if to < from || total.is_some_and(|total| to >= total) {
        return Err(bad());
    }
    Ok(Range::Bytes { from, to: Some(to), total, open: false })
}

/// A chunk, a question about progress, or the end.
pub async fn resume(kernel: &Arc<Kernel>, id: &str, request: Request) -> Result<Answer> {
    let sessions = kernel.local.get::<Sessions>();
    let session = sessions.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
    let Some(session) = session else {
        return Err(Error::not_found("Upload session not found or expired; start again.").with_http(410).with_reason("notFound"));
    };
    let mut session = session
        .try_lock_owned()
        .map_err(|_| Error::unavailable("Another request is writing to this upload session."))?;
    if request.method() == http::Method::DELETE {
        sessions.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        return Ok(rest::empty(499));
    }
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    if let Some(row) = &session.done {
        return Ok(render(row, &base_url, &query));
    }
    let range = parse_range(rest::header(&request, "content-range"))?;
    let declared = rest::header(&request, "content-length").and_then(|text| text.parse::<u64>().ok());
    let begin_spec = spec(&request, &session.bucket, Mode::Read);
    let finish_spec = spec(&request, &session.bucket, Mode::Write);
    x_goog_hash(&request, &mut session.metadata);
    let have = session.upload.as_ref().map_or(0, |(writer, _)| writer.size());
    let (complete, total) = match range {
        Range::Status { total } => {
            if total != Some(have) {
                return Ok(incomplete(have));
            }
            (true, total)
        }
        Range::Bytes { from, to, total, open } => {
            if from != have {
                return Err(Error::invalid_argument(format!(
                    "Invalid request. The upload has {have} bytes; this chunk starts at {from}."
                ))
                .with_http(if from > have { 503 } else { 400 })
                .with_reason("invalid"));
            }
            if session.upload.is_none() {
                let (bucket_name, key) = (session.bucket.clone(), session.key.clone());
                let (_, data_key) = kernel.run(begin_spec, |call| begin(call, &bucket_name, key.as_deref())).await?;
                let writer = Writer::new(Arc::clone(kernel), data_key.key.clone(), false);
                session.upload = Some((writer, data_key));
            }
            let Some((writer, _)) = session.upload.as_mut() else { return Err(Error::internal("an upload without a writer")) };
            pour(request.into_body(), writer).await?;
            let size = writer.size();
            if to.is_some_and(|to| size != to + 1) || (open && declared.is_some_and(|length| size != from + length)) {
                // Fewer bytes than announced: they count, and the client goes on from there.
                return Ok(incomplete(size));
            }
            (open || total == Some(size), total)
        }
    };
    if !complete {
        let size = session.upload.as_ref().map_or(0, |(writer, _)| writer.size());
        return Ok(incomplete(size));
    }
    let (writer, data_key) = match session.upload.take() {
        Some(upload) => upload,
        None => {
            // An empty object: its end is the first thing that came.
            let (bucket_name, key) = (session.bucket.clone(), session.key.clone());
            let spec = Spec { mode: Mode::Read, ..finish_spec.clone() };
            let (_, data_key) = kernel.run(spec, |call| begin(call, &bucket_name, key.as_deref())).await?;
            (Writer::new(Arc::clone(kernel), data_key.key.clone(), false), data_key)
        }
    };
    debug_assert!(total.is_none_or(|total| total == writer.size()));
    let outcome = commit(kernel, finish_spec, &session.bucket, session.metadata.clone(), session.conditions, writer, data_key).await;
    match outcome {
        Ok(row) => {
            session.done = Some(Box::new(row.clone()));
            Ok(render(&row, &base_url, &query))
        }
        Err(error) => {
            sessions.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            Err(error)
        }
    }
}

fn incomplete(have: u64) -> Answer {
    let mut answer = rest::empty(308);
    if have > 0 {
        rest::set_header(&mut answer, "range", &format!("bytes=0-{}", have - 1));
    }
    rest::set_header(&mut answer, "content-length", "0");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_content_range_that_clients_send_is_read() {
        let bytes = |from, to, total, open| Range::Bytes { from, to, total, open };
        assert_eq!(parse_range(Some("bytes 0-9/10")).unwrap(), bytes(0, Some(9), Some(10), false));
        assert_eq!(parse_range(Some("bytes 5-9/*")).unwrap(), bytes(5, Some(9), None, false));
        assert_eq!(parse_range(Some("bytes 0-*/*")).unwrap(), bytes(0, None, None, true));
        assert_eq!(parse_range(Some("bytes */10")).unwrap(), Range::Status { total: Some(10) });
        assert_eq!(parse_range(Some("bytes */*")).unwrap(), Range::Status { total: None });
        for bad in ["bytes 9-0/10", "bytes 0-10/10", "bites 0-1/2", "bytes a-b/c", ""] {
            assert!(parse_range(Some(bad)).is_err(), "{bad}");
        }
    }

    /// The exact bytes of gcloud: single quotes, bare line feeds; and Python's double quotes with CRLF.
    #[test]
    fn multipart_bodies_of_gcloud_and_python_come_apart() {
        let gcloud = "--===9==\nContent-Type: application/json\nMIME-Version: 1.0\n\n{\"name\": \"a\"}\n--===9==\nContent-Type: text/plain\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\n\nline\n\n--===9==--\n";
        let (head, kind, media) = split_multipart("multipart/related; boundary='===9=='", &Bytes::from(gcloud)).unwrap();
        assert_eq!((head.as_ref(), kind.as_str(), media.as_ref()), (&b"{\"name\": \"a\"}"[..], "text/plain", &b"line\n"[..]));
        let python = "--==1==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"b\"}\r\n--==1==\r\ncontent-type: x/y\r\n\r\n\r\nab\n\r\n--==1==--";
        let (_, kind, media) = split_multipart("multipart/related; boundary=\"==1==\"", &Bytes::from(python)).unwrap();
        assert_eq!((kind.as_str(), media.as_ref()), ("x/y", &b"\r\nab\n"[..]));
        assert!(split_multipart("multipart/related; boundary=x", &Bytes::from("nothing")).is_err());
        assert!(split_multipart("multipart/related", &Bytes::from(python)).is_err());
    }
}
