//! Organization Policy v2.

use gcp_names::constraint;
use gcp_schema::orgpolicy::constraint::{BooleanConstraint, ConstraintDefault, ConstraintType, ListConstraint};
use gcp_schema::orgpolicy::{
    Constraint, CreatePolicyRequest, DeletePolicyRequest, GetEffectivePolicyRequest, GetPolicyRequest,
    ListConstraintsRequest, ListConstraintsResponse, ListPoliciesRequest, ListPoliciesResponse, Policy,
    UpdatePolicyRequest,
};
use gcp_schema::services::orgpolicy::OrgPolicy;

use super::{Service, model, validate};
use crate::kernel::{Call, Error, Result, mask};

fn render_constraint(resource: &str, constraint: &constraint::Constraint) -> Constraint {
    Constraint {
        name: format!("{resource}/constraints/{}", constraint.name),
        display_name: constraint.display_name.to_owned(),
        description: constraint.description.to_owned(),
        constraint_default: ConstraintDefault::Allow as i32,
        constraint_type: Some(if constraint.is_list {
            ConstraintType::ListConstraint(ListConstraint {
                supports_in: validate::supports_in(constraint),
                supports_under: constraint.supports_under,
            })
        } else {
            ConstraintType::BooleanConstraint(BooleanConstraint::default())
        }),
        ..Constraint::default()
    }
}

/// What an update changes: the live policy, the trial one. Nothing named is everything.
fn changed(paths: &[String]) -> Result<(bool, bool)> {
    let mut changed = (paths.is_empty(), paths.is_empty());
    for path in paths {
        match path.strip_prefix("policy.").unwrap_or(path) {
            "*" => changed = (true, true),
            "spec" => changed.0 = true,
            "dry_run_spec" => changed.1 = true,
            other => {
                return Err(Error::invalid_argument(format!(
                    "Invalid update_mask: '{other}' is not one of policy.spec, policy.dry_run_spec and *."
                )));
            }
        }
    }
    Ok(changed)
}

impl OrgPolicy<Call> for Service {
    fn list_constraints(&self, call: &mut Call, request: ListConstraintsRequest) -> Result<ListConstraintsResponse> {
        let resource = model::resource(call, &request.parent)?;
        let constraints =
            constraint::ALL.iter().map(|constraint| render_constraint(&resource.shown, constraint)).collect();
        Ok(ListConstraintsResponse { constraints, next_page_token: String::new() })
    }

    fn list_policies(&self, call: &mut Call, request: ListPoliciesRequest) -> Result<ListPoliciesResponse> {
        let resource = model::resource(call, &request.parent)?;
        let page = model::list(call, &resource, request.page_size, &request.page_token)?;
        let policies = page.items.iter().map(|(place, row)| place.render(call, row)).collect();
        Ok(ListPoliciesResponse { policies, next_page_token: page.next_token })
    }

    fn get_policy(&self, call: &mut Call, request: GetPolicyRequest) -> Result<Policy> {
        let place = model::place(call, &request.name)?;
        let row = place.get(call)?.ok_or_else(model::missing)?;
        Ok(place.render(call, &row))
    }

    fn get_effective_policy(&self, call: &mut Call, request: GetEffectivePolicyRequest) -> Result<Policy> {
        let place = model::place(call, &request.name)?;
        let spec = Some(place.effective(call)?);
        Ok(Policy { name: place.name(), spec, ..Policy::default() })
    }

    fn create_policy(&self, call: &mut Call, request: CreatePolicyRequest) -> Result<Policy> {
        let policy = request.policy.unwrap_or_default();
        let parent = model::resource(call, &request.parent)?;
        let place = model::place(call, &policy.name)?;
        if place.resource != parent {
            return Err(Error::invalid_argument(format!(
                "Invalid policy.name '{}': it does not lie in {}.",
                policy.name, request.parent
            )));
        }
        if place.get(call)?.is_some() {
            return Err(Error::already_exists("Requested entity already exists"));
        }
        let row = place.put(call, policy.spec, policy.dry_run_spec)?;
        Ok(place.render(call, &row))
    }

    fn update_policy(&self, call: &mut Call, request: UpdatePolicyRequest) -> Result<Policy> {
        let (live, trial) = changed(&mask::paths(request.update_mask.as_ref()))?;
        let policy = request.policy.unwrap_or_default();
        let place = model::place(call, &policy.name)?;
        let row = place.get(call)?.ok_or_else(model::missing)?;
        let tags = [&policy.spec, &policy.dry_run_spec].into_iter().flatten().map(|spec| spec.etag.as_str());
        for etag in tags.chain([policy.etag.as_str()]) {
            place.check_etag(call, Some(&row), etag)?;
        }
        let spec = if live { policy.spec } else { row.spec };
        let dry_run_spec = if trial { policy.dry_run_spec } else { row.dry_run_spec };
        let row = place.put(call, spec, dry_run_spec)?;
        Ok(place.render(call, &row))
    }

    fn delete_policy(&self, call: &mut Call, request: DeletePolicyRequest) -> Result<()> {
        let place = model::place(call, &request.name)?;
        let row = place.get(call)?.ok_or_else(model::missing)?;
        place.check_etag(call, Some(&row), &request.etag)?;
        place.delete(call)
    }
}
