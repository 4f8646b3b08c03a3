//! The last step of an error: Google's JSON envelope, or a gRPC status with its details.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gcp_schema::{Detail, Error, rpc};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use prost::Message as _;
use prost_types::Any;
use serde_json::{Map, Value, json};

use crate::body::{Body, empty, full};

/// What gRPC leaves as it is in `grpc-message`: printable ASCII without the percent sign.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// `{"error": {…}}`: the older form, with `errors[]`, when the error has a reason.
pub fn error_json(error: &Error) -> Value {
    let mut inner = Map::new();
    inner.insert("code".to_owned(), json!(error.http_status()));
    inner.insert("message".to_owned(), json!(error.message()));
    match error.reason() {
        Some(reason) => {
            let mut row = json!({"message": error.message(), "domain": "global", "reason": reason});
            if let Some((kind, name)) = error.location() {
                row["locationType"] = json!(kind);
                row["location"] = json!(name);
            }
            inner.insert("errors".to_owned(), json!([row]));
        }
        None => {
            inner.insert("status".to_owned(), json!(error.code().name()));
        }
    }
    if !error.details().is_empty() {
        inner.insert("details".to_owned(), error.details().iter().map(detail_json).collect());
    }
    json!({"error": inner})
}

fn detail_json(detail: &Detail) -> Value {
    match detail {
        Detail::ErrorInfo { reason, domain, metadata } => json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain, "metadata": metadata,
        }),
        Detail::PreconditionFailure(violations) => json!({
            "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
            "violations": violations.iter().map(|violation| {
                let mut row = json!({"type": violation.kind, "subject": violation.subject});
                // KMS leaves the description out, Storage prints it empty: it is there unless there is a subject only.
                if violation.subject.is_empty() || !violation.description.is_empty() {
                    row["description"] = json!(violation.description);
                }
                row
            }).collect::<Vec<_>>(),
        }),
        Detail::BadRequest(fields) => json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": fields.iter().map(|row| {
                // The request itself has no field's name.
                if row.field.is_empty() { json!({"description": row.description}) }
                else { json!({"field": row.field, "description": row.description}) }
            }).collect::<Vec<_>>(),
        }),
        Detail::LocalizedMessage { locale, message } => json!({
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": locale, "message": message,
        }),
        Detail::Help(links) => json!({
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": links.iter().map(|link| json!({"description": link.description, "url": link.url})).collect::<Vec<_>>(),
        }),
    }
}

fn detail_any(detail: &Detail) -> Any {
    let (name, value) = match detail {
        Detail::ErrorInfo { reason, domain, metadata } => (
            "ErrorInfo",
            rpc::ErrorInfo { reason: reason.clone(), domain: domain.clone(), metadata: metadata.clone() }
                .encode_to_vec(),
        ),
        Detail::PreconditionFailure(violations) => (
            "PreconditionFailure",
            rpc::PreconditionFailure {
                violations: violations
                    .iter()
                    .map(|violation| rpc::precondition_failure::Violation {
                        r#type: violation.kind.clone(),
                        subject: violation.subject.clone(),
                        description: violation.description.clone(),
                    })
                    .collect(),
            }
            .encode_to_vec(),
        ),
        Detail::BadRequest(fields) => (
            "BadRequest",
            rpc::BadRequest {
                field_violations: fields
                    .iter()
                    .map(|row| rpc::bad_request::FieldViolation {
                        field: row.field.clone(),
                        description: row.description.clone(),
                        ..Default::default()
                    })
                    .collect(),
            }
            .encode_to_vec(),
        ),
        Detail::LocalizedMessage { locale, message } => (
            "LocalizedMessage",
            rpc::LocalizedMessage { locale: locale.clone(), message: message.clone() }.encode_to_vec(),
        ),
        Detail::Help(links) => (
            "Help",
            rpc::Help {
                links: links
                    .iter()
                    .map(|link| rpc::help::Link { description: link.description.clone(), url: link.url.clone() })
                    .collect(),
            }
            .encode_to_vec(),
        ),
    };
    Any { type_url: format!("type.googleapis.com/google.rpc.{name}"), value }
}

pub fn error_response(error: &Error) -> Response<Body> {
    if error.http_status() == 0 {
        return dropped();
    }
    let mut text = serde_json::to_vec_pretty(&error_json(error)).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(full(text));
    *response.status_mut() = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}

/// Marks an answer that is not to be sent: the connection is closed instead. Only faults that tests ask for do this.
#[derive(Clone, Copy, Debug)]
pub struct Dropped;

fn dropped() -> Response<Body> {
    let mut response = Response::new(full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.extensions_mut().insert(Dropped);
    response
}

/// The three headers of a gRPC status.
pub(crate) fn status_headers(error: &Error) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(error.code() as i32));
    let message = percent_encode(error.message().as_bytes(), ESCAPED).to_string();
    if let Ok(value) = HeaderValue::from_str(&message) {
        headers.insert("grpc-message", value);
    }
    if !error.details().is_empty() {
        let status = rpc::Status {
            code: error.code() as i32,
            message: error.message().to_owned(),
            details: error.details().iter().map(detail_any).collect(),
        };
        if let Ok(value) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(status.encode_to_vec())) {
            headers.insert("grpc-status-details-bin", value);
        }
    }
    headers
}

/// A trailers-only answer.
pub fn grpc_status_response(error: &Error) -> Response<Body> {
    if error.http_status() == 0 {
        return dropped();
    }
    let mut response = Response::new(empty());
    *response.headers_mut() = status_headers(error);
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_schema::{Code, Violation};

    #[test]
    fn newer_services_print_a_status_and_older_ones_a_reason() {
        let newer = error_json(&Error::not_found("CryptoKey k not found."));
        assert_eq!(newer, json!({"error": {"code": 404, "message": "CryptoKey k not found.", "status": "NOT_FOUND"}}));
        let older = Error::failed_precondition("no")
            .with_http(412)
            .with_reason("conditionNotMet")
            .with_location("header", "If-Match");
        assert_eq!(
            error_json(&older),
            json!({"error": {"code": 412, "message": "no", "errors": [
                {"message": "no", "domain": "global", "reason": "conditionNotMet", "locationType": "header", "location": "If-Match"}]}})
        );
    }

    #[test]
    fn a_grpc_status_carries_its_details_and_plain_ascii() {
        let violation = Violation { kind: "KEY_DISABLED".into(), subject: "k".into(), description: String::new() };
        let error =
            Error::new(Code::FailedPrecondition, "100 % näh").with_detail(Detail::PreconditionFailure(vec![violation]));
        let headers = status_headers(&error);
        assert_eq!(headers["grpc-status"], "9");
        assert_eq!(headers["grpc-message"], "100 %25 n%C3%A4h");
        let bytes = STANDARD_NO_PAD.decode(&headers["grpc-status-details-bin"]).unwrap();
        let status = rpc::Status::decode(bytes.as_slice()).unwrap();
        assert_eq!(status.details[0].type_url, "type.googleapis.com/google.rpc.PreconditionFailure");
    }
}
