//! What other services ask of Organization Policy.

use gcp_names::constraint::{self, RESTRICT_KEY_PROJECTS};
use gcp_schema::{Detail, Violation};

use super::model;
use crate::doors;
use crate::kernel::{Call, Error, Result};

/// Whether the list constraint refuses `value` in a project.
pub fn refuses(call: &mut Call, project: &str, constraint: &str, value: &str) -> Result<bool> {
    let Some(known) = constraint::find(constraint) else { return Ok(false) };
    let effective = model::effective(call, &format!("projects/{project}"), known)?;
    if effective == (super::evaluate::Effective { allow_all: true, ..Default::default() }) {
        return Ok(false);
    }
    // `under:` looks at where the key's project lies, not at where the resource does.
    let lineage = if known.name == RESTRICT_KEY_PROJECTS { doors::ancestry(call, value)? } else { Vec::new() };
    Ok(effective.refuses(|given| match given.strip_prefix("under:") {
        Some(root) => lineage.iter().any(|level| level == root),
        None => given.strip_prefix("is:").unwrap_or(given) == value,
    }))
}

pub fn enforced(call: &mut Call, project: &str, constraint: &str) -> Result<bool> {
    match constraint::find(constraint) {
        Some(known) => model::enforced(call, &format!("projects/{project}"), known),
        None => Ok(false),
    }
}

pub fn violation(constraint: &str, project: &str, operation: &str, value: &str) -> Error {
    let constraint = format!("constraints/{constraint}");
    let text = format!(
        "Constraint '{constraint}' violated for 'projects/{project}' attempting to perform the operation '{operation}' with violated value '{value}'. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information."
    );
    Error::failed_precondition(text.clone()).with_detail(Detail::PreconditionFailure(vec![Violation {
        kind: constraint,
        subject: format!("orgpolicy:projects/{project}"),
        description: text,
    }]))
}
