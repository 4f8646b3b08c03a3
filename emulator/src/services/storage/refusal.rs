//! Storage's two forms of a refusal: the older JSON, in which every one has a reason, and XML.

use gcp_schema::Detail;

use crate::kernel::{Code, Error};
use crate::rest::{self, Answer};

/// Gives a reason to what comes from elsewhere without one.
pub fn older(error: Error) -> Error {
    if error.reason().is_some() {
        return error;
    }
    let disabled = |detail: &Detail| matches!(detail, Detail::ErrorInfo { reason, .. } if reason == "SERVICE_DISABLED");
    let reason = match error.http_status() {
        _ if error.details().iter().any(disabled) => "accessNotConfigured",
        400 => "invalid",
        401 => "required",
        403 => "forbidden",
        404 => "notFound",
        409 => "conflict",
        412 => "conditionNotMet",
        413 => "uploadTooLarge",
        429 => "rateLimitExceeded",
        501 => "notImplemented",
        503 => "backendError",
        _ => "internalError",
    };
    error.with_reason(reason)
}

pub fn xml(error: &Error) -> Answer {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{}</Code><Message>{}</Message></Error>",
        code(error),
        error.message().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    );
    rest::respond(error.http_status(), "application/xml; charset=UTF-8", body)
}

/// The XML API's names begin in upper case where the JSON API's begin in lower case; a few are others.
fn code(error: &Error) -> String {
    let message = error.message();
    match (error.reason(), error.code()) {
        (Some("forbidden"), _) | (_, Code::PermissionDenied) => "AccessDenied".to_owned(),
        (Some("conditionNotMet"), _) => "PreconditionFailed".to_owned(),
        (Some("requestedRangeNotSatisfiable"), _) => "InvalidRange".to_owned(),
        (Some("uploadTooLarge"), _) => "EntityTooLarge".to_owned(),
        // JSON was recorded with `invalid`; the XML code is documented.
        _ if message.starts_with("Cloud KMS region") => "CloudKmsKeyLocationNotAllowed".to_owned(),
        (_, Code::NotFound) if message.contains("bucket") => "NoSuchBucket".to_owned(),
        (_, Code::NotFound) => "NoSuchKey".to_owned(),
        (_, Code::Unimplemented) => "NotImplemented".to_owned(),
        (_, Code::Internal | Code::DataLoss) => "InternalError".to_owned(),
        (Some(reason), _)
            if ["cloudKms", "customerEncryption", "resource"].iter().any(|head| reason.starts_with(head)) =>
        {
            format!("{}{}", reason[..1].to_ascii_uppercase(), &reason[1..])
        }
        _ => "InvalidArgument".to_owned(),
    }
}
