//! `POST /batch/storage/v1`: up to a hundred calls in one body. Media is not among them.

use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;

use super::multipart::{boundary, parts, split_part};
use crate::kernel::{Error, Kernel, Result};
use crate::rest::{self, Answer, Request};

const MAX_CALLS: usize = 100;
const MAX_BODY: usize = 10 << 20;

pub fn handle(kernel: Arc<Kernel>, request: Request) -> BoxFuture<'static, Result<Answer>> {
    Box::pin(async move {
        let malformed = || Error::invalid_argument("Failed to parse batch request.").with_reason("badRequest");
        let kind = rest::header(&request, "content-type").unwrap_or_default().to_owned();
        let host = request.headers().get(http::header::HOST).cloned();
        let authorization = request.headers().get(http::header::AUTHORIZATION).cloned();
        let body = rest::read_all(request.into_body(), MAX_BODY).await?;
        let calls = boundary(&kind).and_then(|boundary| parts(&body, &boundary)).ok_or_else(malformed)?;
        if calls.len() > MAX_CALLS {
            return Err(Error::invalid_argument(
                "The batch request could not be processed. At most 100 calls are allowed.",
            )
            .with_reason("badRequest"));
        }
        let marker = "batch_cmek";
        let mut out = BytesMut::new();
        for part in &calls {
            let (headers, http_text) = split_part(part);
            let id = headers.iter().find(|(name, _)| name == "content-id").map(|(_, value)| value.clone());
            // The request line is no header, though an absolute URL in it has a colon.
            let line_end = http_text.iter().position(|byte| *byte == b'\n').map_or(http_text.len(), |at| at + 1);
            let line = String::from_utf8_lossy(&http_text[..line_end]).trim().to_owned();
            let (head, content) = split_part(&http_text.slice(line_end..));
            let mut words = line.split_whitespace();
            let (Some(method), Some(url)) = (words.next(), words.next()) else { return Err(malformed()) };
            let mut inner = http::Request::builder().method(method).uri(local(url));
            for (name, value) in head
                .iter()
                .filter(|(name, _)| !["host", "content-length", "transfer-encoding"].contains(&name.as_str()))
            {
                inner = inner.header(name, value);
            }
            if let Some(host) = &host {
                inner = inner.header(http::header::HOST, host);
            }
            if let (Some(authorization), false) = (&authorization, head.iter().any(|(name, _)| name == "authorization"))
            {
                inner = inner.header(http::header::AUTHORIZATION, authorization);
            }
            let content = trimmed(&content, &head);
            let answer = match inner.body(gcp_gateway::full(content)) {
                Ok(inner) if super::rest::may_be_batched(&inner) => super::rest::handle(&kernel, inner).await,
                _ => rest::error(&malformed()),
            };
            write_part(&mut out, marker, id.as_deref(), answer).await;
        }
        out.put_slice(format!("--{marker}--\r\n").as_bytes());
        Ok(rest::respond(200, &format!("multipart/mixed; boundary={marker}"), out.freeze()))
    })
}

/// Clients write absolute URLs into the parts.
fn local(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned()),
        None => url.to_owned(),
    }
}

/// As long as it says; what follows is the part's own line end.
fn trimmed(content: &bytes::Bytes, head: &[(String, String)]) -> bytes::Bytes {
    let length =
        head.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse::<usize>().ok());
    content.slice(..length.unwrap_or(content.len()).min(content.len()))
}

async fn write_part(out: &mut BytesMut, marker: &str, id: Option<&str>, answer: Answer) {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    out.put_slice(format!("--{marker}\r\nContent-Type: application/http\r\n").as_bytes());
    if let Some(id) = id {
        let id = id.strip_prefix('<').map_or_else(|| format!("response-{id}"), |rest| format!("<response-{rest}"));
        out.put_slice(format!("Content-ID: {id}\r\n").as_bytes());
    }
    out.put_slice(
        format!("\r\nHTTP/1.1 {} {}\r\n", parts.status.as_u16(), parts.status.canonical_reason().unwrap_or_default())
            .as_bytes(),
    );
    if let Some(kind) = parts.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) {
        out.put_slice(format!("Content-Type: {kind}\r\n").as_bytes());
    }
    out.put_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.put_slice(&body);
    out.put_slice(b"\r\n");
}
