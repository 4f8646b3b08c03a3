//! Which key protects what is written, every check before it is used, and Storage's words for each refusal.

use envelope::Key;
use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, ServiceAgent, location};
use gcp_schema::{Detail, Violation};

use super::rows::{BucketRow, ObjectRow};
use super::supplied::{self, SuppliedKey};
use crate::doors::{self, KeyRefusal};
use crate::kernel::body::DataKey;
use crate::kernel::{Call, Error, Result};

const SERVICE: &str = "storage.googleapis.com";

/// Who holds the key of an object. A bucket can forbid each for what is newly written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    GoogleManaged,
    CustomerManaged,
    CustomerSupplied,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::GoogleManaged, Self::CustomerManaged, Self::CustomerSupplied];

    /// Its field in a bucket's `encryption`.
    pub fn config(self) -> &'static str {
        match self {
            Self::GoogleManaged => "googleManagedEncryptionEnforcementConfig",
            Self::CustomerManaged => "customerManagedEncryptionEnforcementConfig",
            Self::CustomerSupplied => "customerSuppliedEncryptionEnforcementConfig",
        }
    }

    /// Its bit in `BucketRow::forbidden`.
    pub fn bit(self) -> u32 {
        1 << self as u32
    }
}

pub fn agent(bucket: &BucketRow) -> String {
    ServiceAgent::Storage.member(bucket.project_number)
}

/// A key's name as requests give it: without a version.
pub fn parse(name: &str) -> Result<KeyName> {
    KeyName::parse(name)
        .map_err(|_| Error::invalid_argument(format!("Malformed Cloud KMS crypto key: {name}")).with_reason("invalid"))
}

pub fn unmet(message: String) -> Error {
    Error::failed_precondition(message)
        .with_http(412)
        .with_reason("conditionNotMet")
        .with_location("header", "If-Match")
}

pub fn violates(constraint: &str) -> Error {
    unmet(format!("Request violates constraint 'constraints/{constraint}'"))
}

/// Policy on a bucket's default key or on an object's own key; each is judged by itself.
fn obey_policy(call: &mut Call, project: &str, key: Option<&KeyName>) -> Result<()> {
    match key {
        None if doors::constraint_refuses(call, project, RESTRICT_NON_CMEK, SERVICE)? => {
            Err(violates(RESTRICT_NON_CMEK))
        }
        Some(key)
            if doors::constraint_refuses(
                call,
                project,
                RESTRICT_KEY_PROJECTS,
                &format!("projects/{}", key.project),
            )? =>
        {
            Err(violates(RESTRICT_KEY_PROJECTS))
        }
        _ => Ok(()),
    }
}

/// The checks that come before Cloud KMS is asked: form, place, policy.
fn judged(call: &mut Call, bucket: &BucketRow, key: Option<&str>) -> Result<Option<KeyName>> {
    let key = match key {
        None => None,
        Some(name) => {
            parse(name)?;
            let key = parse(&doors::canonical(call, name)?)?;
            if !location::key_fits_bucket(&key.location, &bucket.location) {
                return Err(
                    Error::invalid_argument(location::mismatch(&key.location, &bucket.location)).with_reason("invalid")
                );
            }
            Some(key)
        }
    };
    obey_policy(call, &bucket.project, key.as_ref())?;
    Ok(key)
}

/// A data key under what Cloud KMS lets the agent use: permission, existence, purpose, state, in this order.
fn wrapped(call: &mut Call, bucket: &BucketRow, key: Option<&KeyName>, data_key: Key) -> Result<DataKey> {
    match key {
        Some(key) => doors::wrap_given(call, key, &agent(bucket), data_key).map_err(|refusal| refused(refusal, true)),
        None => doors::wrap_given_google_managed(call, data_key),
    }
}

/// A trial use of a bucket's default key, as production makes one; without a key only policy has a say.
pub fn try_default(call: &mut Call, bucket: &BucketRow) -> Result<()> {
    let key = judged(call, bucket, none_if_empty(&bucket.default_key))?;
    wrapped(call, bucket, key.as_ref(), doors::fresh_data_key()?).map(|_| ())
}

/// Wraps the data key of a new object: under the key that the request supplies or names, else under the bucket's default,
/// else under the emulator's own.
pub fn for_object(
    call: &mut Call,
    bucket: &BucketRow,
    explicit: Option<&str>,
    supplied: Option<&SuppliedKey>,
    data_key: Key,
) -> Result<DataKey> {
    let explicit = explicit.filter(|key| !key.is_empty());
    if let Some(supplied) = supplied {
        if explicit.is_some() {
            return Err(Error::already_exists(
                "Cannot provide both a Cloud KMS key and a csk encoded encryption scheme.",
            )
            .with_reason("conflict"));
        }
        obey_policy(call, &bucket.project, None)?;
        not_forbidden(bucket, Kind::CustomerSupplied)?;
        return supplied.wrap(data_key);
    }
    let key = judged(call, bucket, explicit.or_else(|| none_if_empty(&bucket.default_key)))?;
    not_forbidden(bucket, if key.is_some() { Kind::CustomerManaged } else { Kind::GoogleManaged })?;
    wrapped(call, bucket, key.as_ref(), data_key)
}

fn none_if_empty(key: &str) -> Option<&str> {
    Some(key).filter(|key| !key.is_empty())
}

fn not_forbidden(bucket: &BucketRow, kind: Kind) -> Result<()> {
    if bucket.forbidden & kind.bit() == 0 {
        return Ok(());
    }
    Err(unmet(format!("The bucket's {} restricts new objects with this type of encryption.", kind.config())))
}

/// What a bucket forbids, it forbids to what comes back too.
pub fn may_be_new(bucket: &BucketRow, object: &ObjectRow) -> Result<()> {
    not_forbidden(
        bucket,
        match (object.body.key_version.is_empty(), object.customer_key_sha256.is_empty()) {
            (false, _) => Kind::CustomerManaged,
            (true, false) => Kind::CustomerSupplied,
            (true, true) => Kind::GoogleManaged,
        },
    )
}

/// Gets an object's data key back: this is where a read is refused.
pub fn unwrap(call: &mut Call, bucket: &BucketRow, object: &ObjectRow, supplied: Option<&SuppliedKey>) -> Result<Key> {
    if !object.customer_key_sha256.is_empty() {
        return supplied::unwrap(object, supplied);
    }
    if supplied.is_some() {
        return Err(supplied::not_needed());
    }
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
