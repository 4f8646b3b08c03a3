//! The one thing of the XML API that is here: reading an object at `/BUCKET/OBJECT` of storage.googleapis.com.

use std::sync::Arc;

use super::download;
use crate::kernel::{Code, Error, Kernel};
use crate::rest::{self, Answer, Request};

/// Bucket and object of a path, if it can be such an address.
pub fn address(path: &str) -> Option<(&str, &str)> {
    let (bucket, object) = path.strip_prefix('/')?.split_once('/')?;
    (!bucket.is_empty() && !object.is_empty()).then_some((bucket, object))
}

pub async fn read(kernel: &Arc<Kernel>, bucket: &str, name: &str, request: Request) -> Answer {
    match download::media(kernel, bucket, name, request).await {
        Ok(answer) => answer,
        Err(error) if error.http_status() == 304 => rest::empty(304),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &Error) -> Answer {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{}</Code><Message>{}</Message></Error>",
        code(error),
        error.message().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    );
    rest::respond(error.http_status(), "application/xml; charset=UTF-8", body)
}

/// The XML API's names begin in upper case where the JSON API's begin in lower case; a few are others.
fn code(error: &Error) -> String {
    match (error.reason(), error.code()) {
        (Some("forbidden"), _) => "AccessDenied".to_owned(),
        (Some("conditionNotMet"), _) => "PreconditionFailed".to_owned(),
        (Some("requestedRangeNotSatisfiable"), _) => "InvalidRange".to_owned(),
        (_, Code::NotFound) if error.message().contains("bucket") => "NoSuchBucket".to_owned(),
        (_, Code::NotFound) => "NoSuchKey".to_owned(),
        (Some(reason), _) if reason.starts_with("cloudKms") => format!("C{}", &reason[1..]),
        (_, Code::Internal) => "InternalError".to_owned(),
        _ => "InvalidArgument".to_owned(),
    }
}
