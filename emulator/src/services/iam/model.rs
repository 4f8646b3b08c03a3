//! Policies by resource, and the question that everything asks: may this member do this.

use std::ops::ControlFlow;

use gcp_names::ServiceAgent;
use gcp_schema::iam::{Binding, Policy};
use prost_types::FieldMask;

use super::roles;
use crate::doors;
use crate::kernel::table::ids;
use crate::kernel::{Call, Error, Result, Table, etag, mask};

/// By relative resource name.
static POLICIES: Table<Policy> = Table::new(ids::IAM);

pub fn never_set() -> Policy {
    Policy { etag: bytes::Bytes::from_static(etag::NEVER_SET), ..Policy::default() }
}

pub fn get(call: &Call, resource: &str) -> Result<Policy> {
    Ok(call.txn.get(&POLICIES, resource)?.unwrap_or_else(never_set))
}

/// The resource's own lineage, nearest first: itself, what it lies in, then the project. What is above the project is
/// asked of Resource Manager only when nothing nearer has granted.
fn lineage(
    call: &mut Call,
    resource: &str,
    mut visit: impl FnMut(&mut Call, &str) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut project = None;
    let mut name = resource;
    if let Some(rest) = resource.strip_prefix("buckets/") {
        let bucket = rest.split('/').next().unwrap_or_default();
        if visit(call, &format!("buckets/{bucket}"))?.is_break() {
            return Ok(());
        }
        project = doors::project_of(call, resource)?.map(|project| format!("projects/{}", project.id));
    } else {
        // keyRings/r/cryptoKeys/k/… in pairs, down to projects/p/locations/l, which has no policy of its own.
        while name.matches('/').count() > 3 || (name.matches('/').count() == 3 && !name.contains("/locations/")) {
            if !name.contains("/cryptoKeyVersions/") && visit(call, name)?.is_break() {
                return Ok(());
            }
            name = name.rsplitn(3, '/').nth(2).unwrap_or_default();
        }
        let mut words = name.splitn(3, '/');
        if let (Some(kind), Some(id)) = (words.next(), words.next()) {
            project = Some(format!("{kind}/{id}"));
        }
    }
    let Some(project) = project else { return Ok(()) };
    for level in doors::ancestry(call, &project)? {
        if visit(call, &level)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

pub fn allowed(call: &mut Call, member: &str, permission: &str, resource: &str) -> Result<bool> {
    let mut found = false;
    lineage(call, resource, |call, level| {
        found = call
            .txn
            .get(&POLICIES, level)?
            .is_some_and(|policy| policy.bindings.iter().any(|binding| binds(binding, member, permission)));
        Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if found {
        return Ok(true);
    }
    // The convenience members of a bucket's first policy mean the project's own roles.
    convenience(call, member, permission, resource)
}

fn binds(binding: &Binding, member: &str, permission: &str) -> bool {
    binding.condition.is_none()
        && binding.members.iter().any(|bound| covers(bound, member))
        && roles::grants(&binding.role, permission)
}

fn covers(bound: &str, member: &str) -> bool {
    bound == member
        || bound == "allUsers"
        || (bound == "allAuthenticatedUsers" && !member.is_empty())
        || bound.strip_prefix("domain:").is_some_and(|domain| {
            member.strip_prefix("user:").and_then(|user| user.split_once('@')).is_some_and(|(_, at)| at == domain)
        })
}

/// `projectOwner:p` and its like: whoever has the basic role in that project, by a binding on the project itself.
fn convenience(call: &mut Call, member: &str, permission: &str, resource: &str) -> Result<bool> {
    let Some(rest) = resource.strip_prefix("buckets/") else { return Ok(false) };
    let bucket = format!("buckets/{}", rest.split('/').next().unwrap_or_default());
    let Some(project) = doors::project_of(call, resource)? else { return Ok(false) };
    let own = get(call, &format!("projects/{}", project.id))?;
    let has = |role: &str| {
        own.bindings.iter().any(|binding| {
            binding.condition.is_none()
                && binding.role == role
                && binding.members.iter().any(|bound| covers(bound, member))
        })
    };
    let policy = get(call, &bucket)?;
    Ok(policy.bindings.iter().any(|binding| {
        binding.condition.is_none()
            && roles::grants(&binding.role, permission)
            && binding.members.iter().any(|bound| {
                let Some((kind, id)) = bound.split_once(':') else { return false };
                let role = match kind {
                    "projectOwner" => "roles/owner",
                    "projectEditor" => "roles/editor",
                    "projectViewer" => "roles/viewer",
                    _ => return false,
                };
                (id == project.id || id == project.number.to_string()) && has(role)
            })
    }))
}

/// A policy as a reader may see it: conditions are shown only to those who say that they understand them.
pub fn view(mut policy: Policy, wanted: i32) -> Result<Policy> {
    if !matches!(wanted, 0 | 1 | 3) {
        return Err(Error::invalid_argument(format!(
            "Invalid requested_policy_version {wanted}: it must be 0, 1 or 3."
        )));
    }
    if policy.version == 3 && wanted < 3 {
        policy.bindings.iter_mut().for_each(|binding| binding.condition = None);
        policy.version = 1;
    }
    Ok(policy)
}

/// Stores what `mask` names of a policy and leaves the rest as it is; without a mask all of it.
pub fn set(call: &mut Call, resource: &str, given: Policy, mask: Option<&FieldMask>) -> Result<Policy> {
    let paths = mask::paths(mask);
    if paths.is_empty() {
        return replace(call, resource, given);
    }
    let mut policy = Policy { version: given.version, etag: bytes::Bytes::new(), ..get(call, resource)? };
    for path in &paths {
        match path.as_str() {
            "bindings" => policy.bindings.clone_from(&given.bindings),
            "etag" => policy.etag.clone_from(&given.etag),
            "audit_configs" => policy.audit_configs.clone_from(&given.audit_configs),
            "version" => {}
            other => {
                return Err(Error::invalid_argument(format!(
                    "Invalid update_mask: '{other}' is not one of bindings, etag, version and auditConfigs."
                )));
            }
        }
    }
    // Conditions that only stay need no word about their version.
    if !paths.iter().any(|path| path == "bindings") {
        policy.version = 3;
    }
    replace(call, resource, policy)
}

/// Checks the new policy and the etag, then stores it under a new etag.
pub fn replace(call: &mut Call, resource: &str, mut policy: Policy) -> Result<Policy> {
    let before = get(call, resource)?;
    if !policy.etag.is_empty() && policy.etag != before.etag {
        return Err(Error::aborted(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
        ));
    }
    if !matches!(policy.version, 0 | 1 | 3) {
        return Err(Error::invalid_argument(format!(
            "Invalid policy version {}: it must be 0, 1 or 3.",
            policy.version
        )));
    }
    let conditional = policy.bindings.iter().any(|binding| binding.condition.is_some());
    if conditional && policy.version != 3 {
        return Err(Error::invalid_argument("Bindings with conditions need a policy of version 3."));
    }
    policy.bindings.retain(|binding| !binding.members.is_empty());
    for binding in &mut policy.bindings {
        if !roles::exists(&binding.role) {
            return Err(Error::invalid_argument(format!("Role {} is not supported for this resource.", binding.role)));
        }
        binding.members.sort();
        binding.members.dedup();
        for member in &binding.members {
            check_member(call, member)?;
        }
    }
    policy.version = if conditional { 3 } else { 1 };
    let revision = call.count("iam-policy")?;
    policy.etag = tag(call, resource, revision);
    call.txn.put(&POLICIES, resource, &policy)?;
    Ok(policy)
}

fn tag(call: &Call, resource: &str, revision: u64) -> bytes::Bytes {
    use base64::Engine as _;
    let text = etag::of(&call.kernel.entropy, resource, revision);
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default().into()
}

const OTHER_KINDS: [&str; 6] =
    ["principal", "principalSet", "deleted", "projectOwner", "projectEditor", "projectViewer"];

fn check_member(call: &mut Call, member: &str) -> Result<()> {
    if member == "allUsers" || member == "allAuthenticatedUsers" {
        return Ok(());
    }
    let (kind, id) = member.split_once(':').unwrap_or((member, ""));
    let is_address =
        |id: &str| id.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let known = match kind {
        "user" | "group" | "serviceAccount" => is_address(id),
        "domain" => id.contains('.') && !id.contains('@'),
        other => OTHER_KINDS.contains(&other) && !id.is_empty(),
    };
    if !known || id.contains(char::is_whitespace) {
        return Err(Error::invalid_argument(format!(
            "Invalid principal {member}: it has no known form such as user:EMAIL."
        )));
    }
    // Service agents are told from other accounts by their address; they must have been made.
    if kind == "serviceAccount"
        && let Some((agent, number)) = ServiceAgent::parse(id)
    {
        let missing = || Error::invalid_argument(format!("Service account {id} does not exist."));
        let project = doors::project(call, &number.to_string()).map_err(|_| missing())?;
        if !doors::agent_exists(call, &project, agent)? {
            return Err(missing());
        }
    }
    Ok(())
}

pub fn set_initial(call: &mut Call, resource: &str, mut policy: Policy) -> Result<()> {
    let revision = call.count("iam-policy")?;
    policy.etag = tag(call, resource, revision);
    policy.version = 1;
    call.txn.put(&POLICIES, resource, &policy)
}

pub fn forget(call: &mut Call, resource: &str) -> Result<()> {
    call.txn.delete(&POLICIES, resource)
}
