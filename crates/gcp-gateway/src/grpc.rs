//! gRPC framing: five bytes before each message, the status in the trailers.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use gcp_schema::{Code, Error};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;

use crate::body::{Body, ReadError, frames};
use crate::error::status_headers;

const HEADER: usize = 5;

/// Reads the one message of a unary call.
pub async fn unary_message(body: Body, limit: usize) -> Result<Bytes, Error> {
    let mut bytes = crate::body::read(body, limit + HEADER).await.map_err(|error| match error {
        ReadError::TooLarge => too_large(limit),
        ReadError::Broken => Error::new(Code::Cancelled, "The request ended early."),
    })?;
    if bytes.len() < HEADER {
        return Err(Error::new(Code::Internal, "Missing request message."));
    }
    let length = check_header(&bytes, limit)?;
    bytes.advance(HEADER);
    if bytes.len() != length {
        return Err(Error::new(Code::Internal, "The request message does not have the length that it announces."));
    }
    Ok(bytes)
}

fn too_large(limit: usize) -> Error {
    Error::new(Code::ResourceExhausted, format!("Request payload size exceeds the limit: {limit} bytes."))
}

fn check_header(bytes: &[u8], limit: usize) -> Result<usize, Error> {
    if bytes[0] != 0 {
        return Err(Error::new(
            Code::Unimplemented,
            "Compressed messages are not supported: send them with identity encoding.",
        ));
    }
    let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
    if length > limit { Err(too_large(limit)) } else { Ok(length) }
}

fn frame(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER + message.len());
    out.extend_from_slice(&[0]);
    out.extend_from_slice(&(message.len() as u32).to_be_bytes());
    out.extend_from_slice(message);
    out.freeze()
}

fn ok_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

pub fn unary_response(message: &[u8]) -> Response<Body> {
    let parts = [Ok(Frame::data(frame(message))), Ok(Frame::trailers(ok_trailers()))];
    response(frames(futures_util::stream::iter(parts)))
}

/// The messages that a client streams to us.
pub struct Messages {
    body: Body,
    buffer: BytesMut,
    limit: usize,
}

impl Messages {
    pub fn new(body: Body, limit: usize) -> Self {
        Self { body, buffer: BytesMut::new(), limit }
    }

    /// `None`: the client has sent its last. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            if self.buffer.len() >= HEADER {
                let length = match check_header(&self.buffer, self.limit) {
                    Ok(length) => length,
                    Err(error) => return Some(Err(error)),
                };
                if self.buffer.len() >= HEADER + length {
                    self.buffer.advance(HEADER);
                    return Some(Ok(self.buffer.split_to(length).freeze()));
                }
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return None,
                None => {
                    self.buffer.clear();
                    return Some(Err(Error::new(Code::Internal, "The stream ended within a message.")));
                }
                Some(Err(error)) => {
                    return Some(
                        Err(Error::new(Code::Cancelled, "The stream was broken.").with_log(error.to_string())),
                    );
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

/// An answer of many messages; an error ends it with its status.
pub fn stream_response(messages: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Response<Body> {
    let state = Some(Box::pin(messages));
    response(frames(futures_util::stream::unfold(state, |state| async move {
        let mut messages = state?;
        match messages.next().await {
            Some(Ok(message)) => Some((Ok(Frame::data(frame(&message))), Some(messages))),
            Some(Err(error)) => Some((Ok(Frame::trailers(status_headers(&error))), None)),
            None => Some((Ok(Frame::trailers(ok_trailers())), None)),
        }
    })))
}
