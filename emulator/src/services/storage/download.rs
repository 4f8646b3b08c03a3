//! Downloads: whole or in ranges, with the headers that clients check.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::preconditions::{Preconditions, generation};
use super::rows::{ObjectRow, bucket, object};
use super::supplied::SuppliedKey;
use super::{API, keys, resource};
use crate::kernel::body::{self, Opened};
use crate::kernel::{Call, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request, Wanted};

/// Which API an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    Json,
    Xml,
}

/// An object's bytes, its key willing.
pub fn open(call: &mut Call, row: &ObjectRow, supplied: Option<&SuppliedKey>) -> Result<Opened> {
    let bucket_row = bucket(call, &row.bucket)?;
    let key = keys::unwrap(call, &bucket_row, row, supplied)?;
    body::open(call, &row.body, &key)
}

pub async fn media(
    kernel: &Arc<Kernel>,
    bucket_name: &str,
    name: &str,
    request: Request,
    surface: Surface,
) -> Result<Answer> {
    let query = Query::of(&request);
    let generation = generation(&query, "generation")?;
    let range = rest::header(&request, "range");
    let conditions = match surface {
        Surface::Json => Preconditions::of(&query, false)?,
        Surface::Xml => Preconditions::of_headers(&request)?,
    };
    let supplied = SuppliedKey::of(&request)?;
    let resource = format!("buckets/{bucket_name}/objects/{name}");
    let spec = rest::spec(&request, "storage.objects.get", API, "storage.objects.get", resource, Mode::Read);
    let (row, opened) = kernel
        .run(spec, |call| {
            let row = object(call, bucket_name, name, generation)?;
            conditions.check(Some(&row), true)?;
            let opened = open(call, &row, supplied.as_ref())?;
            Ok((row, opened))
        })
        .await?;
    let size = row.body.size;
    let (status, from, to) = match rest::wanted(range, size) {
        Wanted::All => (200, 0, size),
        Wanted::Part(from, to) => (206, from, to),
        Wanted::Unsatisfiable => {
            return Err(Error::new(crate::kernel::Code::OutOfRange, "The requested range cannot be satisfied.")
                .with_http(416)
                .with_reason("requestedRangeNotSatisfiable"));
        }
    };
    let body = match opened.inline() {
        Some(bytes) => gcp_gateway::full(bytes?.slice(from as usize..to as usize)),
        None => gcp_gateway::stream(opened.stream(from, to)),
    };
    let mut answer = Answer::new(body);
    answer.headers_mut().reserve(16);
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    headers(&mut answer, &row, from, to);
    describe(&mut answer, &row, surface);
    Ok(answer)
}

fn headers(answer: &mut Answer, row: &ObjectRow, from: u64, to: u64) {
    let size = row.body.size;
    let kind = if row.content_type.is_empty() { "application/octet-stream" } else { &row.content_type };
    rest::set_header(answer, "content-type", kind);
    rest::set_header(answer, "content-length", &(to - from).to_string());
    if answer.status() == http::StatusCode::PARTIAL_CONTENT {
        rest::set_header(answer, "content-range", &format!("bytes {from}-{}/{size}", to.saturating_sub(1)));
    }
    rest::set_header(answer, "accept-ranges", "bytes");
    for (name, value) in [
        ("content-encoding", &row.content_encoding),
        ("cache-control", &row.cache_control),
        ("content-disposition", &row.content_disposition),
        ("content-language", &row.content_language),
    ] {
        if !value.is_empty() {
            rest::set_header(answer, name, value);
        }
    }
}

/// The tag is the MD5 in the XML API, unless that lies under a key.
fn tag(row: &ObjectRow, surface: Surface) -> String {
    use std::fmt::Write as _;

    let opaque = resource::object_etag(row);
    if surface == Surface::Json {
        return opaque;
    }
    if row.body.md5.is_empty() || !row.has_open_hashes() {
        return format!("\"{opaque}\"");
    }
    let hex = row.body.md5.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    format!("\"{hex}\"")
}

/// What an answer's headers say of the object itself.
pub fn describe(answer: &mut Answer, row: &ObjectRow, surface: Surface) {
    rest::set_header(answer, "etag", &tag(row, surface));
    let crc = STANDARD.encode(row.body.crc32c.to_be_bytes());
    rest::set_header(answer, "x-goog-hash", &format!("crc32c={crc}"));
    if !row.body.md5.is_empty() {
        rest::set_header(answer, "x-goog-hash", &format!("md5={}", STANDARD.encode(&row.body.md5)));
    }
    rest::set_header(answer, "x-goog-generation", &row.generation.to_string());
    rest::set_header(answer, "x-goog-metageneration", &row.metageneration.to_string());
    rest::set_header(answer, "x-goog-storage-class", &row.storage_class);
    rest::set_header(answer, "x-goog-stored-content-length", &row.body.size.to_string());
    let encoding = if row.content_encoding.is_empty() { "identity" } else { &row.content_encoding };
    rest::set_header(answer, "x-goog-stored-content-encoding", encoding);
    if !row.customer_key_sha256.is_empty() {
        rest::set_header(answer, "x-goog-encryption-algorithm", "AES256");
        rest::set_header(answer, "x-goog-encryption-key-sha256", &row.customer_key_sha256);
    }
    if !row.body.key_version.is_empty() {
        rest::set_header(answer, "x-goog-encryption-kms-key-name", &row.body.key_version);
    }
    for (name, value) in row.metadata.iter().filter(|_| surface == Surface::Xml) {
        let name = http::HeaderName::try_from(format!("x-goog-meta-{name}"));
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
}
