//! Hand-written REST: reading requests and making answers. For services whose protocol the route table cannot describe.

use bytes::{Bytes, BytesMut};
use gcp_gateway::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use crate::kernel::{Caller, Error, Mode, Result, Spec};

pub type Request = http::Request<Body>;
pub type Answer = http::Response<Body>;

/// The largest JSON body taken.
pub const MAX_JSON: usize = 10 << 20;

/// Decoded query parameters, in order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn of(request: &Request) -> Self {
        Self::parse(request.uri().query().unwrap_or_default())
    }

    pub fn parse(query: &str) -> Self {
        let decode = |text: &str| {
            if text.contains(['%', '+']) {
                percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
            } else {
                text.to_owned()
            }
        };
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// gcloud writes `True`, others `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// An integer, or a clear refusal.
    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                Error::invalid_argument(format!("Invalid value for parameter {name}: '{text}'.")).with_reason("invalid")
            }),
        }
    }
}

/// Whether an escaped text is UTF-8.
pub fn is_text(escaped: &str) -> bool {
    percent_decode_str(escaped).decode_utf8().is_ok()
}

/// The raw path's segments (after the leading slash), each percent-decoded; `None` when one is no UTF-8.
pub fn segments(path: &str) -> Option<Vec<String>> {
    path.trim_start_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned))
        .collect()
}

/// `http://127.0.0.1:8787`, from what the client called us.
pub fn base_url(request: &Request) -> String {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or("127.0.0.1");
    format!("{}://{host}", request.uri().scheme_str().unwrap_or("http"))
}

pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// What the pipeline needs to know of this request.
pub fn spec(
    request: &Request,
    method: &'static str,
    api: &'static str,
    permission: &'static str,
    resource: impl Into<String>,
    mode: Mode,
) -> Spec {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    Spec {
        method,
        api,
        permission,
        resource: resource.into(),
        mode,
        caller: Caller::from_authorization(authorization),
        base_url: base_url(request),
    }
}

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

/// The whole body, if it is no longer than `limit`.
pub async fn read_all(body: Body, limit: usize) -> Result<Bytes> {
    let mut body = body;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::invalid_argument("The request ended before its body was complete.").with_log(error.to_string())
        })?;
        if let Ok(data) = frame.into_data() {
            if all.len() + data.len() > limit {
                return Err(Error::invalid_argument(format!("Request payload size exceeds the limit: {limit} bytes."))
                    .with_http(413)
                    .with_reason("uploadTooLarge"));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}

/// The body as a JSON object; an empty body is `{}`.
pub async fn read_json(body: Body) -> Result<Value> {
    parse_json(&read_all(body, MAX_JSON).await?)
}

pub fn parse_json(bytes: &[u8]) -> Result<Value> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Error::invalid_argument("Invalid JSON payload received. The body must be an object.")
            .with_reason("parseError")),
        Err(error) => {
            Err(Error::invalid_argument(format!("Invalid JSON payload received. {error}")).with_reason("parseError"))
        }
    }
}

/// A JSON answer, cut to `fields` and printed as the query asks.
pub fn json(status: u16, value: Value, query: &Query) -> Answer {
    print(status, &value, query)
}

/// As `json`, for what need not become a tree of values first.
pub fn print(status: u16, what: &impl Serialize, query: &Query) -> Answer {
    let pretty = !query.get("prettyPrint").is_some_and(|value| value.eq_ignore_ascii_case("false"));
    let text = match query.get("fields").filter(|_| (200..300).contains(&status)) {
        Some(fields) => {
            let mut value = serde_json::to_value(what).unwrap_or_default();
            gcp_gateway::partial(&mut value, fields);
            printed(&value, pretty)
        }
        None => printed(what, pretty),
    };
    respond(status, "application/json; charset=UTF-8", text)
}

fn printed(what: &impl Serialize, pretty: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    let outcome =
        if pretty { serde_json::to_writer_pretty(&mut text, what) } else { serde_json::to_writer(&mut text, what) };
    // Neither a buffer nor these values can fail.
    outcome.map(|()| text).unwrap_or_default()
}

pub fn respond(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = http::Response::new(gcp_gateway::full(body.into()));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = content_type.parse() {
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    answer
}

/// An answer without a body.
pub fn empty(status: u16) -> Answer {
    let mut answer = http::Response::new(gcp_gateway::empty());
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// `name` in lower case.
pub fn set_header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(HeaderName::from_static(name), value);
    }
}

/// Google's JSON envelope.
pub fn error(error: &Error) -> Answer {
    gcp_gateway::error_response(error)
}

/// A message as ProtoJSON, for REST that wraps one.
pub fn to_json<M: prost::Message>(full_name: &str, message: &M) -> Result<Value> {
    let dynamic = prost_reflect::DynamicMessage::decode(descriptor(full_name)?, message.encode_to_vec().as_slice())
        .map_err(|error| Error::internal(error.to_string()))?;
    serde_json::to_value(&dynamic).map_err(|error| Error::internal(error.to_string()))
}

/// A message from ProtoJSON; unknown names are ignored, as the older services do.
pub fn from_json<M: prost::Message + Default>(full_name: &str, value: Value) -> Result<M> {
    let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
    let options = prost_reflect::DeserializeOptions::new().deny_unknown_fields(false);
    prost_reflect::DynamicMessage::deserialize_with_options(descriptor(full_name)?, value, &options)
        .map_err(|error| {
            Error::invalid_argument(format!("Invalid JSON payload received. {error}")).with_reason("parseError")
        })?
        .transcode_to()
        .map_err(|error| Error::internal(error.to_string()))
}

fn descriptor(full_name: &str) -> Result<prost_reflect::MessageDescriptor> {
    gcp_schema::message(full_name).ok_or_else(|| Error::internal(format!("no descriptor of {full_name}")))
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
