//! What other services ask of Organization Policy.

use gcp_names::{constraint, location};
use gcp_schema::{Detail, Violation};

use super::evaluate::{self, Subject};
use super::model;
use crate::doors;
use crate::kernel::{Call, Code, Error, Result};

/// Whether a list constraint refuses `value` for resources of a project.
pub fn refuses(call: &mut Call, project: &str, constraint: &str, value: &str) -> Result<bool> {
    let constraint = model::constraint(constraint)?;
    let levels = model::levels(call, &format!("projects/{project}"), constraint)?;
    let merged = evaluate::list(constraint, &levels);
    if merged.is_default() {
        return Ok(false);
    }
    let subject = match constraint.name {
        constraint::RESTRICT_KEY_PROJECTS => project_subject(call, value)?,
        constraint::MINIMUM_DESTROY_DURATION => Subject::duration(value),
        _ => Subject::plain(value),
    };
    Ok(merged.refuses(&subject))
}

/// The regions that `gcp.resourceLocations` leaves to a project; `None` where it says nothing.
pub fn regions(call: &mut Call, project: &str) -> Result<Option<Vec<String>>> {
    let constraint = model::constraint(constraint::RESOURCE_LOCATIONS)?;
    let merged = evaluate::list(constraint, &model::levels(call, &format!("projects/{project}"), constraint)?);
    if merged.is_default() {
        return Ok(None);
    }
    let left = location::regions().iter().filter(|region| !merged.refuses(&Subject::plain(region)));
    Ok(Some(left.map(|region| (*region).to_owned()).collect()))
}

/// `under:` looks at what is above the key's project, not above the resource's.
fn project_subject(call: &mut Call, value: &str) -> Result<Subject> {
    let id = value.trim_start_matches("projects/");
    match doors::project(call, id) {
        Ok(project) => {
            let chain = doors::ancestry(call, &format!("projects/{}", project.id))?;
            Ok(Subject {
                names: vec![format!("projects/{}", project.id), format!("projects/{}", project.number)],
                above: chain.into_iter().skip(1).collect(),
            })
        }
        // A key of a project that is not there: only its name can be compared.
        Err(error) if error.code() != Code::Internal => Ok(Subject::plain(value)),
        Err(error) => Err(error),
    }
}

/// Whether a boolean constraint is enforced for a project.
pub fn enforced(call: &mut Call, project: &str, constraint: &str) -> Result<bool> {
    let constraint = model::constraint(constraint)?;
    let levels = model::levels(call, &format!("projects/{project}"), constraint)?;
    Ok(evaluate::enforced(&levels))
}

/// The refusal of protobuf services.
pub fn violation(constraint: &str, project: &str, operation: &str, value: &str) -> Error {
    let constraint = format!("constraints/{}", constraint.trim_start_matches("constraints/"));
    let text = format!(
        "Constraint '{constraint}' violated for 'projects/{project}' attempting to perform the operation '{operation}' with violated value '{value}'. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information."
    );
    Error::failed_precondition(text.clone()).with_detail(Detail::PreconditionFailure(vec![Violation {
        kind: constraint,
        subject: format!("orgpolicy:projects/{project}"),
        description: text,
    }]))
}
