//! Which key protects what is written, every check before it is used, and Storage's words for each refusal.

use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, ServiceAgent, location};
use gcp_schema::{Detail, Violation};

use super::rows::{BucketRow, ObjectRow};
use crate::doors::{self, KeyRefusal};
use crate::kernel::body::DataKey;
use crate::kernel::{Call, Error, Result};

const SERVICE: &str = "storage.googleapis.com";

pub fn agent(bucket: &BucketRow) -> String {
    ServiceAgent::Storage.member(bucket.project_number)
}

/// A key's name as requests give it: without a version.
pub fn parse(name: &str) -> Result<KeyName> {
    KeyName::parse(name)
        .map_err(|_| Error::invalid_argument(format!("Malformed Cloud KMS crypto key: {name}")).with_reason("invalid"))
}

fn violates(constraint: &str) -> Error {
    Error::failed_precondition(format!("Request violates constraint 'constraints/{constraint}'"))
        .with_http(412)
        .with_reason("conditionNotMet")
        .with_location("header", "If-Match")
}

/// Policy on a bucket's default key or on an object's own key; each is judged by itself.
pub fn obey_policy(call: &mut Call, project: &str, key: Option<&KeyName>) -> Result<()> {
    match key {
        None if doors::constraint_refuses(call, project, RESTRICT_NON_CMEK, SERVICE)? => Err(violates(RESTRICT_NON_CMEK)),
        Some(key)
            if doors::constraint_refuses(call, project, RESTRICT_KEY_PROJECTS, &format!("projects/{}", key.project))? =>
        {
            Err(violates(RESTRICT_KEY_PROJECTS))
        }
        _ => Ok(()),
    }
}

/// In this order: form, place, policy, then what Cloud KMS says (permission, existence, purpose, state).
pub fn data_key(call: &mut Call, bucket: &BucketRow, key: Option<&str>) -> Result<DataKey> {
    let key = match key {
        None => None,
        Some(name) => {
            let canonical = doors::canonical(call, name)?;
            let key = parse(&canonical)?;
            if !location::key_fits_bucket(&key.location, &bucket.location) {
                return Err(Error::invalid_argument(location::mismatch(&key.location, &bucket.location)).with_reason("invalid"));
            }
            Some(key)
        }
    };
    obey_policy(call, &bucket.project, key.as_ref())?;
    match key {
        Some(key) => doors::wrap(call, &key, &agent(bucket)).map_err(|refusal| refused(refusal, true)),
        None => doors::wrap_google_managed(call),
    }
}

/// The key of a write: what the request names, else the bucket's default, else none.
pub fn effective<'a>(bucket: &'a BucketRow, explicit: Option<&'a str>) -> Option<&'a str> {
    explicit.filter(|key| !key.is_empty()).or(Some(bucket.default_key.as_str()).filter(|key| !key.is_empty()))
}

/// Gets an object's data key back: this is where a read is refused.
pub fn unwrap(call: &mut Call, bucket: &BucketRow, object: &ObjectRow) -> Result<envelope::Key> {
    let body = &object.body;
    if body.key_version.is_empty() {
        return doors::unwrap_google_managed(call, &body.wrapped_key);
    }
    doors::unwrap(call, &body.key_version, &body.wrapped_key, &agent(bucket)).map_err(|refusal| refused(refusal, false))
}

fn refused(refusal: KeyRefusal, writing: bool) -> Error {
    match refusal {
        KeyRefusal::Denied { .. } => Error::permission_denied(
            "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.",
        )
        .with_reason("forbidden"),
        KeyRefusal::NotFound { .. } if writing => {
            Error::invalid_argument("Cloud KMS encryption key not found.").with_reason("cloudKmsEncryptionKeyNotFound")
        }
        KeyRefusal::NotFound { .. } => Error::invalid_argument("Resource's Cloud KMS decryption key not found.")
            .with_reason("cloudKmsDecryptionKeyNotFound"),
        KeyRefusal::WrongPurpose { .. } | KeyRefusal::NoPrimary { .. } => {
            Error::invalid_argument("Bad Cloud KMS key.").with_reason("cloudKmsBadKey")
        }
        KeyRefusal::NotEnabled { .. } => {
            Error::failed_precondition("Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.")
                .with_reason("cloudKmsDisabledKey")
                .with_detail(Detail::PreconditionFailure(vec![Violation {
                    kind: "KEY_DISABLED".to_owned(),
                    subject: String::new(),
                    description: String::new(),
                }]))
        }
        KeyRefusal::Fault(error) => error,
    }
}
