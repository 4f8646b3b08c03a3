//! Refusals in the registry's own body: `{"errors":[{"code","message"}]}`.

use serde_json::json;

use crate::kernel::{Code, Error};
use crate::rest::{Answer, respond};

/// A code of the Docker protocol goes along as the error's reason.
pub fn coded(status: u16, code: &str, message: impl Into<String>) -> Error {
    Error::new(Code::from_http(status), message).with_http(status).with_reason(code)
}

pub fn respond_error(error: &Error) -> Answer {
    const OURS: [&str; 14] = [
        "BLOB_UNKNOWN",
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE",
        "GOOGLE_MANIFEST_DANGLING_TAG",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_UNKNOWN",
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "PAGINATION_NUMBER_INVALID",
        "TOOMANYREQUESTS",
        "UNSUPPORTED",
    ];
    let status = error.http_status();
    // What Storage refuses keeps Storage's status and sentence.
    let code = match error.reason() {
        Some(reason) if OURS.contains(&reason) => reason,
        _ if status == 403 => "DENIED",
        _ if status == 401 => "UNAUTHORIZED",
        _ => "UNKNOWN",
    };
    let body = json!({"errors": [{"code": code, "message": error.message()}]});
    respond(status, "application/json", serde_json::to_vec(&body).unwrap_or_default())
}
