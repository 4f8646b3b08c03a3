//! What other services ask of IAM. Resources are named relatively: `projects/p/locations/l/keyRings/r/cryptoKeys/k`,
//! `projects/p/topics/t`, `buckets/b`, `projects/p`, `folders/1`, `organizations/1`; a key version or an object counts as
//! what it lies in.

use gcp_schema::Detail;
use gcp_schema::iam::Policy;
use prost_types::FieldMask;

use super::model;
use crate::doors;
use crate::kernel::settings::IamMode;
use crate::kernel::{Call, Code, Error, Result};

/// Whether `member` holds the permission on the resource or above it (union of all levels).
pub fn allowed(call: &mut Call, member: &str, permission: &str, resource: &str) -> Result<bool> {
    model::allowed(call, member, permission, resource)
}

/// As `allowed`, with the refusal in the API's own words.
pub fn require(call: &mut Call, member: &str, permission: &str, resource: &str, api: &str) -> Result<()> {
    let resource = doors::canonical(call, resource)?;
    if model::allowed(call, member, permission, &resource)? {
        return Ok(());
    }
    // Storage and the registries have words of their own for a caller without credentials.
    if member.is_empty() && !matches!(api, "storage.googleapis.com" | "containerregistry.googleapis.com") {
        return Err(unauthenticated(api));
    }
    Err(match api {
        "pubsub.googleapis.com" => Error::permission_denied("User not authorized to perform this action."),
        "storage.googleapis.com" => {
            let who = member.split_once(':').map_or("Anonymous caller", |(_, email)| email);
            let kind = if resource.contains("/objects/") { "object" } else { "bucket" };
            let text = format!(
                "{who} does not have {permission} access to the Google Cloud Storage {kind}. Permission '{permission}' denied on resource (or it may not exist)."
            );
            if member.is_empty() {
                Error::new(Code::Unauthenticated, text).with_reason("required").with_location("header", "Authorization")
            } else {
                Error::permission_denied(text).with_reason("forbidden")
            }
        }
        _ => Error::permission_denied(format!(
            "Permission '{permission}' denied on resource '//{api}/{resource}' (or it may not exist)."
        ))
        .with_detail(Detail::ErrorInfo {
            reason: "IAM_PERMISSION_DENIED".to_owned(),
            domain: api.to_owned(),
            metadata: [("permission", permission), ("resource", resource.as_str())]
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        }),
    })
}

fn unauthenticated(api: &str) -> Error {
    Error::new(
        Code::Unauthenticated,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    )
    .with_detail(Detail::ErrorInfo {
        reason: "CREDENTIALS_MISSING".to_owned(),
        domain: "googleapis.com".to_owned(),
        metadata: [("service".to_owned(), api.to_owned())].into(),
    })
}

/// The permissions of these that the caller holds (all of them while callers are not checked).
pub fn held(call: &mut Call, resource: &str, permissions: &[String]) -> Result<Vec<String>> {
    if call.kernel.settings.iam == IamMode::Off {
        return Ok(permissions.to_vec());
    }
    let member = call.caller.member.clone();
    let mut held = Vec::new();
    for permission in permissions {
        if model::allowed(call, &member, permission, resource)? {
            held.push(permission.clone());
        }
    }
    Ok(held)
}

pub fn policy(call: &mut Call, resource: &str) -> Result<Policy> {
    model::get(call, resource)
}

/// As a caller may see it who asked for a version.
pub fn policy_for(call: &mut Call, resource: &str, requested_version: i32) -> Result<Policy> {
    model::view(model::get(call, resource)?, requested_version)
}

/// What a mask names of a policy; without a mask all of it.
pub fn set(call: &mut Call, resource: &str, policy: Policy, mask: Option<&FieldMask>) -> Result<Policy> {
    model::set(call, resource, policy, mask)
}

pub fn replace(call: &mut Call, resource: &str, policy: Policy) -> Result<Policy> {
    model::replace(call, resource, policy)
}

pub fn set_initial(call: &mut Call, resource: &str, policy: Policy) -> Result<()> {
    model::set_initial(call, resource, policy)
}

pub fn forget(call: &mut Call, resource: &str) -> Result<()> {
    model::forget(call, resource)
}
