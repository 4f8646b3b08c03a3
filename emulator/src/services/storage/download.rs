//! Downloads: whole or in ranges, with the headers that clients check.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::preconditions::Preconditions;
use super::rows::{ObjectRow, bucket, object};
use super::supplied::SuppliedKey;
use super::{API, keys, resource};
use crate::kernel::body::{self, Opened};
use crate::kernel::{Call, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request};

/// What a `Range` header asks of a body of this size: a range, everything, or what is not there.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    Part(u64, u64),
    Unsatisfiable,
}

pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Wanted::All };
    // Several ranges at once are answered with everything, as the protocol allows.
    let Some((from, to)) = spec.split_once('-').filter(|_| !spec.contains(',')) else { return Wanted::All };
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to && from < size => Wanted::Part(from, size.min(to.saturating_add(1))),
        (Ok(from), Err(_)) if to.trim().is_empty() && from < size => Wanted::Part(from, size),
        (Err(_), Ok(last)) if from.trim().is_empty() && last > 0 && size > 0 => {
            Wanted::Part(size.saturating_sub(last), size)
        }
        (Ok(from), _) if from >= size => Wanted::Unsatisfiable,
        (Err(_), Ok(_)) if from.trim().is_empty() => Wanted::Unsatisfiable,
        _ => Wanted::All,
    }
}

/// An object's bytes, its key willing.
pub fn open(call: &mut Call, row: &ObjectRow, supplied: Option<&SuppliedKey>) -> Result<Opened> {
    let bucket_row = bucket(call, &row.bucket)?;
    let key = keys::unwrap(call, &bucket_row, row, supplied)?;
    body::open(call, &row.body, &key)
}

pub async fn media(kernel: &Arc<Kernel>, bucket_name: &str, name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let generation = query.number("generation")?;
    let range = rest::header(&request, "range");
    let conditions = Preconditions::of(&query, false)?;
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
    let (status, from, to) = match wanted(range, size) {
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
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    headers(&mut answer, &row, from, to);
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
    rest::set_header(answer, "etag", &resource::object_etag(row));
    let crc = STANDARD.encode(row.body.crc32c.to_be_bytes());
    rest::set_header(answer, "x-goog-hash", &format!("crc32c={crc}"));
    if !row.body.md5.is_empty() {
        rest::set_header(answer, "x-goog-hash", &format!("md5={}", STANDARD.encode(&row.body.md5)));
    }
    rest::set_header(answer, "x-goog-generation", &row.generation.to_string());
    rest::set_header(answer, "x-goog-metageneration", &row.metageneration.to_string());
    rest::set_header(answer, "x-goog-storage-class", &row.storage_class);
    rest::set_header(answer, "x-goog-stored-content-length", &size.to_string());
    let encoding = if row.content_encoding.is_empty() { "identity" } else { &row.content_encoding };
    rest::set_header(answer, "x-goog-stored-content-encoding", encoding);
    if !row.customer_key_sha256.is_empty() {
        rest::set_header(answer, "x-goog-encryption-algorithm", "AES256");
        rest::set_header(answer, "x-goog-encryption-key-sha256", &row.customer_key_sha256);
    }
    for (name, value) in [
        ("content-encoding", &row.content_encoding),
        ("cache-control", &row.cache_control),
        ("content-disposition", &row.content_disposition),
        ("content-language", &row.content_language),
        ("x-goog-encryption-kms-key-name", &row.body.key_version),
    ] {
        if !value.is_empty() {
            rest::set_header(answer, name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_body() {
        assert_eq!(wanted(None, 10), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-9"), 10), Wanted::Part(0, 10));
        assert_eq!(wanted(Some("bytes=5-"), 10), Wanted::Part(5, 10));
        assert_eq!(wanted(Some("bytes=-3"), 10), Wanted::Part(7, 10));
        assert_eq!(wanted(Some("bytes=8-99"), 10), Wanted::Part(8, 10));
        assert_eq!(wanted(Some("bytes=10-11"), 10), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=-0"), 10), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=5-1"), 10), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-1,3-4"), 10), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-18446744073709551615"), 10), Wanted::Part(0, 10));
    }
}
