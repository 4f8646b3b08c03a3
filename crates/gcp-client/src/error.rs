//! Google's JSON envelope, read back.

use gcp_schema::{Code, Detail, Error, FieldViolation, HelpLink, Violation};
use serde_json::Value;

/// The error of an answer; whatever the body is, there is a code and a sentence.
pub fn from_answer(status: u16, body: &[u8]) -> Error {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| parsed.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    // Registries answer with a list.
    let message = text("/error/message").or_else(|| text("/errors/0/message")).unwrap_or_else(|| {
        let plain = String::from_utf8_lossy(body);
        if plain.trim().is_empty() { format!("HTTP {status}") } else { plain.trim().to_owned() }
    });
    let code = text("/error/status").and_then(|name| Code::from_name(&name)).unwrap_or_else(|| Code::from_http(status));
    let mut error = Error::new(code, message).with_http(status);
    if let Some(reason) = text("/error/errors/0/reason") {
        error = error.with_reason(reason);
    }
    for detail in parsed.pointer("/error/details").and_then(Value::as_array).into_iter().flatten() {
        if let Some(detail) = read_detail(detail) {
            error = error.with_detail(detail);
        }
    }
    error
}

fn read_detail(value: &Value) -> Option<Detail> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rows = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let kind = value.get("@type")?.as_str()?.rsplit('.').next()?;
    Some(match kind {
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

    #[test]
    fn every_kind_of_body_becomes_an_error() {
        let newer = from_answer(404, br#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}"#);
        assert_eq!((newer.code(), newer.message()), (Code::NotFound, "gone"));
        let older =
            from_answer(412, br#"{"error":{"code":412,"message":"no","errors":[{"reason":"conditionNotMet"}]}}"#);
        assert_eq!((older.code(), older.reason()), (Code::FailedPrecondition, Some("conditionNotMet")));
        assert_eq!(from_answer(400, br#"{"errors":[{"code":"UNKNOWN","message":"key"}]}"#).message(), "key");
        assert_eq!(from_answer(502, b"Bad gateway").message(), "Bad gateway");
        assert_eq!(from_answer(503, b"").message(), "HTTP 503");
    }
}
