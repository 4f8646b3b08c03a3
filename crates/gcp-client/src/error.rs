//! Why a call failed: what the service said, and what is known of the call.

use std::fmt;
use std::time::Duration;

use gcp_schema::{Code, Detail, FieldViolation, HelpLink, Violation};
use http::{HeaderMap, header};
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

/// How far a call came. It decides whether a repetition can help, and whether it can harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The service answered.
    Answer,
    /// The request never left us.
    Unsent,
    /// It did not, and the next would not either: nobody listens, or we do not believe who answers.
    Unreachable,
    /// It left, and no whole answer came back.
    Lost,
    /// Ours: a request that cannot be said, credentials that cannot be had, an answer that cannot be read.
    Local,
}

/// Boxed inside so that `Result<T, Error>` stays small.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    said: gcp_schema::Error,
    stage: Stage,
    /// `error.details` as they came, those of kinds that we do not know too.
    raw: Vec<Value>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::from(gcp_schema::Error::new(code, message))
    }

    pub fn aborted(message: impl Into<String>) -> Self {
        Self::new(Code::Aborted, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    #[must_use]
    pub fn with_http(mut self, status: u16) -> Self {
        self.0.said = self.0.said.with_http(status);
        self.0.stage = Stage::Answer;
        self
    }

    #[must_use]
    pub fn at(mut self, stage: Stage) -> Self {
        self.0.stage = stage;
        self
    }

    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.said = self.0.said.with_message(message);
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, pause: Option<Duration>) -> Self {
        self.0.retry_after = pause;
        self
    }

    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub fn stage(&self) -> Stage {
        self.0.stage
    }
    pub fn code(&self) -> Code {
        self.0.said.code()
    }
    pub fn message(&self) -> &str {
        self.0.said.message()
    }
    pub fn http_status(&self) -> u16 {
        self.0.said.http_status()
    }
    /// The `reason` of the older JSON envelope.
    pub fn reason(&self) -> Option<&str> {
        self.0.said.reason()
    }
    pub fn details(&self) -> &[Detail] {
        self.0.said.details()
    }
    pub fn raw_details(&self) -> &[Value] {
        &self.0.raw
    }
    /// What a service's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// The pause that the service asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
    /// How often the call was said; 0 for one that never was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
    pub fn log(&self) -> Option<&str> {
        self.0.said.log()
    }
    pub fn is_not_found(&self) -> bool {
        self.0.said.is_not_found()
    }

    /// Reason and metadata of `google.rpc.ErrorInfo`.
    pub fn info(&self) -> Option<(&str, &std::collections::BTreeMap<String, String>)> {
        self.details().iter().find_map(|detail| match detail {
            Detail::ErrorInfo { reason, metadata, .. } => Some((reason.as_str(), metadata)),
            _ => None,
        })
    }
}

impl From<gcp_schema::Error> for Error {
    fn from(said: gcp_schema::Error) -> Self {
        Self(Box::new(Inner {
            said,
            stage: Stage::Local,
            raw: Vec::new(),
            request_id: None,
            retry_after: None,
            attempts: 0,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.said.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// The error of an answer; whatever the body is, there is a code and a sentence.
pub fn from_answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| parsed.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    // Registries answer with a list, token services with `error` and `error_description`.
    let message = text("/error/message")
        .or_else(|| text("/errors/0/message"))
        .or_else(|| text("/error_description"))
        .unwrap_or_else(|| {
            let plain = String::from_utf8_lossy(body);
            if plain.trim().is_empty() { format!("HTTP {status}") } else { plain.trim().to_owned() }
        });
    let code = text("/error/status").and_then(|name| Code::from_name(&name)).unwrap_or_else(|| Code::from_http(status));
    let mut said = gcp_schema::Error::new(code, message).with_http(status);
    if let Some(reason) = text("/error/errors/0/reason") {
        said = said.with_reason(reason);
    }
    let raw = parsed.pointer("/error/details").and_then(Value::as_array).cloned().unwrap_or_default();
    for detail in raw.iter().filter_map(read_detail) {
        said = said.with_detail(detail);
    }
    let request_id = find(&raw, "RequestInfo", "requestId").or_else(|| {
        ["x-guploader-uploadid", "x-goog-request-id", "x-request-id"]
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok().map(str::to_owned))
    });
    let retry_after = advice(headers).or_else(|| seconds(&find(&raw, "RetryInfo", "retryDelay")?));
    Error(Box::new(Inner { said, stage: Stage::Answer, raw, request_id, retry_after, attempts: 0 }))
}

/// `Retry-After`: seconds, or a date, which is measured against the answer's own, so that our clock does not matter.
fn advice(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let after = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let (then, now) = (date(after)?, date(text(header::DATE)?.trim())?);
    Some(Duration::try_from(then - now).unwrap_or_default())
}

/// `3.5s`
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

fn kind_of(detail: &Value) -> Option<&str> {
    detail.get("@type")?.as_str()?.rsplit('.').next()
}

fn find(details: &[Value], kind: &str, field: &str) -> Option<String> {
    details.iter().find(|detail| kind_of(detail) == Some(kind))?.get(field)?.as_str().map(str::to_owned)
}

fn read_detail(value: &Value) -> Option<Detail> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rows = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    Some(match kind_of(value)? {
        "ErrorInfo" => Detail::ErrorInfo {
            reason: text(value, "reason"),
            domain: text(value, "domain"),
            metadata: value
                .get("metadata")
                .and_then(Value::as_object)
                .map(|map| {
                    map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
                })
                .unwrap_or_default(),
        },
        "PreconditionFailure" => Detail::PreconditionFailure(
            rows("violations")
                .iter()
                .map(|row| Violation {
                    kind: text(row, "type"),
                    subject: text(row, "subject"),
                    description: text(row, "description"),
                })
                .collect(),
        ),
        "BadRequest" => Detail::BadRequest(
            rows("fieldViolations")
                .iter()
                .map(|row| FieldViolation { field: text(row, "field"), description: text(row, "description") })
                .collect(),
        ),
        "LocalizedMessage" => {
            Detail::LocalizedMessage { locale: text(value, "locale"), message: text(value, "message") }
        }
        "Help" => Detail::Help(
            rows("links")
                .iter()
                .map(|row| HelpLink { description: text(row, "description"), url: text(row, "url") })
                .collect(),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Error {
        from_answer(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn every_kind_of_body_becomes_an_error() {
        let newer = read(404, r#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}"#);
        assert_eq!((newer.code(), newer.message(), newer.stage()), (Code::NotFound, "gone", Stage::Answer));
        let older = read(412, r#"{"error":{"code":412,"message":"no","errors":[{"reason":"conditionNotMet"}]}}"#);
        assert_eq!((older.code(), older.reason()), (Code::FailedPrecondition, Some("conditionNotMet")));
        assert_eq!(read(400, r#"{"errors":[{"code":"UNKNOWN","message":"key"}]}"#).message(), "key");
        let token = read(400, r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#);
        assert_eq!(token.message(), "Token has been expired or revoked.");
        assert_eq!(read(502, "Bad gateway").message(), "Bad gateway");
        assert_eq!(read(503, "").message(), "HTTP 503");
    }

    #[test]
    fn the_pause_is_read_from_seconds_a_date_or_the_details() {
        let pause = |pairs: &[(&str, &str)], body: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
            }
            from_answer(503, &headers, body.as_bytes()).retry_after()
        };
        assert_eq!(pause(&[("retry-after", "17")], ""), Some(Duration::from_secs(17)));
        let dates = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:51:07 GMT")];
        assert_eq!(pause(&dates, ""), Some(Duration::from_secs(90)));
        let past = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")];
        assert_eq!(pause(&past, ""), Some(Duration::ZERO));
        assert_eq!(pause(&[("retry-after", "Sun, 06 Nov 1994 08:51:07 GMT")], ""), None, "no date to measure against");
        assert_eq!(pause(&[("retry-after", "soon")], ""), None);
        let body = r#"{"error":{"message":"no","details":[
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}"#;
        assert_eq!(pause(&[], body), Some(Duration::from_millis(3500)));
        assert_eq!(pause(&[("retry-after", "1")], body), Some(Duration::from_secs(1)), "the header is for us");
    }

    #[test]
    fn details_are_kept_whole_and_the_request_has_a_name() {
        let error = read(
            403,
            r#"{"error":{"message":"off","status":"PERMISSION_DENIED","details":[
                {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com",
                 "metadata":{"service":"cloudkms.googleapis.com"}},
                {"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"abc"},
                {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]}]}}"#,
        );
        assert_eq!(error.raw_details().len(), 3);
        assert_eq!(error.details().len(), 1);
        assert_eq!(error.info().unwrap().0, "SERVICE_DISABLED");
        assert_eq!(error.request_id(), Some("abc"));
    }
}
