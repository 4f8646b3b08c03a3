//! What other services ask of IAM. Resources are named relatively: `projects/p/locations/l/keyRings/r/cryptoKeys/k`,
//! `projects/p/topics/t`, `buckets/b`, `projects/p`, `folders/1`, `organizations/1`; a key version or an object counts as
//! what it lies in.

use gcp_schema::iam::Policy;

use crate::kernel::{Call, Error, Result};

/// Whether `member` holds the permission on the resource or above it (union of all levels).
pub fn allowed(call: &mut Call, member: &str, permission: &str, resource: &str) -> Result<bool> {
    let _ = (call, member, permission, resource);
    Ok(true)
}

/// As `allowed`, with Google's refusal (IAM_PERMISSION_DENIED) for the API's resources.
pub fn require(call: &mut Call, member: &str, permission: &str, resource: &str, api: &str) -> Result<()> {
    let _ = (call, member, permission, resource, api);
    Ok(())
}

/// The permissions of these that the caller holds (all of them while callers are not checked).
pub fn held(call: &mut Call, resource: &str, permissions: &[String]) -> Result<Vec<String>> {
    let _ = (call, resource);
    Ok(permissions.to_vec())
}

pub fn policy(call: &mut Call, resource: &str) -> Result<Policy> {
    let _ = (call, resource);
    Err(Error::unimplemented("policy"))
}

pub fn replace(call: &mut Call, resource: &str, policy: Policy) -> Result<Policy> {
    let _ = (call, resource, policy);
    Err(Error::unimplemented("replace"))
}

pub fn set_initial(call: &mut Call, resource: &str, policy: Policy) -> Result<()> {
    let _ = (call, resource, policy);
    Ok(())
}

pub fn forget(call: &mut Call, resource: &str) -> Result<()> {
    let _ = (call, resource);
    Ok(())
}
