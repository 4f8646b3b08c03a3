//! Stored policies: one row for each (resource, constraint), seen by both versions of the API.

use gcp_names::constraint::{self, Constraint, RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_schema::orgpolicy::policy_spec::policy_rule::Kind;
use gcp_schema::orgpolicy::{Policy, PolicySpec};

use super::evaluate::{self, Effective};
use crate::doors;
use crate::kernel::table::ids;
use crate::kernel::{Call, Error, Result, Table, etag};

/// Key and `name`: `projects/ID/policies/CONSTRAINT`.
pub static POLICIES: Table<Policy> = Table::new(ids::ORG_POLICY);

pub fn missing() -> Error {
    Error::not_found("Requested entity was not found.")
}

/// Splits a policy's name into the resource (with the project's id) and the constraint, both of which must exist.
pub fn parse(call: &mut Call, name: &str) -> Result<(String, &'static Constraint)> {
    let (parent, constraint) =
        name.split_once("/policies/").ok_or_else(|| Error::invalid_argument(format!("Invalid policy name '{name}'.")))?;
    let parent = parent_of(call, parent)?;
    let known = constraint::find(constraint)
        .ok_or_else(|| Error::not_found(format!("The constraint 'constraints/{constraint}' does not exist.")))?;
    Ok((parent, known))
}

pub fn parent_of(call: &mut Call, parent: &str) -> Result<String> {
    // Resolving the ancestry is what says whether it exists.
    doors::ancestry(call, parent)?
        .into_iter()
        .next()
        .ok_or_else(|| Error::invalid_argument(format!("'{parent}' is no project, folder or organization.")))
}

pub fn key(parent: &str, constraint: &Constraint) -> String {
    format!("{parent}/policies/{}", constraint.name)
}

pub fn get(call: &Call, parent: &str, constraint: &Constraint) -> Result<Option<Policy>> {
    call.txn.get(&POLICIES, &key(parent, constraint))
}

/// Stores a policy after checking it; `expected` is the etag that the caller read, empty to write anyway.
pub fn put(call: &mut Call, parent: &str, constraint: &Constraint, mut policy: Policy, expected: &str) -> Result<Policy> {
    let before = get(call, parent, constraint)?;
    if let Some(before) = &before {
        check_etag(before, expected)?;
    }
    if let Some(spec) = &policy.spec {
        check(constraint, spec)?;
    }
    let name = key(parent, constraint);
    let revision = call.count("org-policy")?;
    let tag = etag::of(&call.kernel.entropy, &name, revision);
    let now = call.now.to_proto();
    if let Some(spec) = &mut policy.spec {
        spec.etag.clone_from(&tag);
        spec.update_time = Some(now);
    }
    policy.name.clone_from(&name);
    policy.etag = tag;
    call.txn.put(&POLICIES, &name, &policy)?;
    Ok(policy)
}

pub fn check_etag(policy: &Policy, expected: &str) -> Result<()> {
    if expected.is_empty() || expected == policy.etag {
        return Ok(());
    }
    Err(Error::aborted(
        "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
    ))
}

fn illegal(constraint: &Constraint, what: &str) -> Error {
    Error::invalid_argument(format!("Invalid policy for constraints/{}: {what}", constraint.name))
}

fn check(constraint: &Constraint, spec: &PolicySpec) -> Result<()> {
    if spec.reset && (!spec.rules.is_empty() || spec.inherit_from_parent) {
        return Err(illegal(constraint, "reset needs empty rules and inheritFromParent=false."));
    }
    if !constraint.is_list && spec.inherit_from_parent {
        return Err(illegal(constraint, "inheritFromParent is not supported by boolean constraints."));
    }
    for rule in &spec.rules {
        match (&rule.kind, constraint.is_list) {
            (None, _) => return Err(illegal(constraint, "each rule needs exactly one of values, allowAll, denyAll, enforce.")),
            (Some(Kind::Enforce(_)), true) => return Err(illegal(constraint, "enforce is for boolean constraints; this one is a list.")),
            (Some(Kind::Enforce(_)), false) => {}
            (Some(_), false) => return Err(illegal(constraint, "this is a boolean constraint: use enforce.")),
            (Some(kind), true) => check_values(constraint, kind)?,
        }
    }
    Ok(())
}

/// The two constraints around keys take one kind of list each.
fn check_values(constraint: &Constraint, kind: &Kind) -> Result<()> {
    let (allowed, denied) = match kind {
        Kind::Values(values) => (values.allowed_values.as_slice(), values.denied_values.as_slice()),
        _ => (&[][..], &[][..]),
    };
    let denies_all = matches!(kind, Kind::DenyAll(true));
    match constraint.name {
        RESTRICT_NON_CMEK => {
            if denies_all || !allowed.is_empty() {
                return Err(illegal(constraint, "only a list of denied services is supported, neither allowed values nor denyAll."));
            }
            for value in denied {
                let service = value.strip_prefix("is:").unwrap_or(value);
                if !constraint::is_non_cmek_service(service) {
                    return Err(illegal(constraint, &format!("'{value}' is not a service that this constraint supports.")));
                }
            }
        }
        RESTRICT_KEY_PROJECTS => {
            if denies_all || !denied.is_empty() {
                return Err(illegal(constraint, "only a list of allowed values is supported, neither denied values nor denyAll."));
            }
            for value in allowed {
                let bare = value.strip_prefix("under:").or_else(|| value.strip_prefix("is:")).unwrap_or(value);
                let fits = bare.starts_with("projects/")
                    || value.starts_with("under:") && (bare.starts_with("folders/") || bare.starts_with("organizations/"));
                if !fits {
                    return Err(illegal(
                        constraint,
                        &format!("'{value}' must be projects/ID, under:projects/ID, under:folders/N or under:organizations/N."),
                    ));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The specs of a resource and of all above it, nearest first.
fn specs(call: &mut Call, resource: &str, constraint: &Constraint) -> Result<Vec<Option<PolicySpec>>> {
    doors::ancestry(call, resource)?
        .iter()
        .map(|level| Ok(get(call, level, constraint)?.and_then(|policy| policy.spec)))
        .collect()
}

pub fn effective(call: &mut Call, resource: &str, constraint: &Constraint) -> Result<Effective> {
    Ok(evaluate::effective(&specs(call, resource, constraint)?))
}

pub fn enforced(call: &mut Call, resource: &str, constraint: &Constraint) -> Result<bool> {
    Ok(evaluate::enforced(&specs(call, resource, constraint)?))
}
