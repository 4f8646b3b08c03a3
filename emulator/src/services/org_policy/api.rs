//! Organization Policy v2.

use gcp_names::constraint;
use gcp_schema::orgpolicy::constraint::{BooleanConstraint, ConstraintDefault, ConstraintType, ListConstraint};
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};
use gcp_schema::orgpolicy::{
    Constraint, CreatePolicyRequest, DeletePolicyRequest, GetEffectivePolicyRequest, GetPolicyRequest,
    ListConstraintsRequest, ListConstraintsResponse, ListPoliciesRequest, ListPoliciesResponse, Policy, PolicySpec,
    UpdatePolicyRequest,
};
use gcp_schema::services::orgpolicy::OrgPolicy as Trait;

use super::{OrgPolicy, model};
use crate::doors;
use crate::kernel::{Call, Error, Result, mask, paging};

/// Answers name projects by number.
fn outward(call: &mut Call, mut policy: Policy) -> Result<Policy> {
    if let Some((id, rest)) = policy.name.strip_prefix("projects/").and_then(|name| name.split_once('/')) {
        let number = doors::project(call, id)?.number;
        policy.name = format!("projects/{number}/{rest}");
    }
    Ok(policy)
}

fn same_kind(constraint: &constraint::Constraint) -> ConstraintType {
    if constraint.is_list {
        ConstraintType::ListConstraint(ListConstraint { supports_in: false, supports_under: constraint.supports_under })
    } else {
        ConstraintType::BooleanConstraint(BooleanConstraint::default())
    }
}

impl Trait<Call> for OrgPolicy {
    fn list_constraints(&self, call: &mut Call, request: ListConstraintsRequest) -> Result<ListConstraintsResponse> {
        let parent = model::parent_of(call, &request.parent)?;
        let constraints = constraint::ALL
            .iter()
            .map(|known| Constraint {
                name: format!("{parent}/constraints/{}", known.name),
                display_name: known.display_name.to_owned(),
                description: known.description.to_owned(),
                constraint_default: ConstraintDefault::Allow as i32,
                constraint_type: Some(same_kind(known)),
                ..Constraint::default()
            })
            .collect();
        Ok(ListConstraintsResponse { constraints, next_page_token: String::new() })
    }

    fn list_policies(&self, call: &mut Call, request: ListPoliciesRequest) -> Result<ListPoliciesResponse> {
        let parent = model::parent_of(call, &request.parent)?;
        let size = paging::size(request.page_size, 100, 1000)?;
        let prefix = format!("{parent}/policies/");
        let page = paging::page(&call.txn, &model::POLICIES, &prefix, size, &request.page_token, |_, row| Ok(Some(row)))?;
        let policies: Result<Vec<_>> = page.items.into_iter().map(|policy| outward(call, policy)).collect();
        Ok(ListPoliciesResponse { policies: policies?, next_page_token: page.next_token })
    }

    fn get_policy(&self, call: &mut Call, request: GetPolicyRequest) -> Result<Policy> {
        let (parent, constraint) = model::parse(call, &request.name)?;
        let policy = model::get(call, &parent, constraint)?.ok_or_else(model::missing)?;
        outward(call, policy)
    }

    fn get_effective_policy(&self, call: &mut Call, request: GetEffectivePolicyRequest) -> Result<Policy> {
        let (parent, constraint) = model::parse(call, &request.name)?;
        let kinds = if constraint.is_list {
            let found = model::effective(call, &parent, constraint)?;
            let values = StringValues { allowed_values: found.allowed, denied_values: found.denied };
            let empty = values == StringValues::default();
            let mut kinds = Vec::new();
            if !empty {
                kinds.push(Kind::Values(values));
            }
            if found.deny_all {
                kinds.push(Kind::DenyAll(true));
            } else if found.allow_all || empty {
                kinds.push(Kind::AllowAll(true));
            }
            kinds
        } else {
            vec![Kind::Enforce(model::enforced(call, &parent, constraint)?)]
        };
        let rules = kinds.into_iter().map(|kind| PolicyRule { kind: Some(kind), ..PolicyRule::default() }).collect();
        let spec = PolicySpec { rules, ..PolicySpec::default() };
        outward(call, Policy { name: model::key(&parent, constraint), spec: Some(spec), ..Policy::default() })
    }

    fn create_policy(&self, call: &mut Call, request: CreatePolicyRequest) -> Result<Policy> {
        let policy = request.policy.unwrap_or_default();
        let (parent, constraint) = model::parse(call, &policy.name)?;
        if model::get(call, &parent, constraint)?.is_some() {
            return Err(Error::already_exists(format!("Policy {} already exists.", policy.name)));
        }
        let stored = model::put(call, &parent, constraint, policy, "")?;
        outward(call, stored)
    }

    fn update_policy(&self, call: &mut Call, request: UpdatePolicyRequest) -> Result<Policy> {
        let policy = request.policy.unwrap_or_default();
        let (parent, constraint) = model::parse(call, &policy.name)?;
        let mut stored = model::get(call, &parent, constraint)?.ok_or_else(model::missing)?;
        let expected = if policy.etag.is_empty() { policy.spec.as_ref().map(|spec| spec.etag.clone()).unwrap_or_default() } else { policy.etag.clone() };
        model::check_etag(&stored, &expected)?;
        let paths = mask::paths(request.update_mask.as_ref());
        let names = |field: &str| {
            paths.is_empty() || paths.iter().any(|path| path == "*" || path.trim_start_matches("policy.") == field)
        };
        if let Some(unknown) = paths.iter().find(|path| !["*", "spec", "dry_run_spec"].contains(&path.trim_start_matches("policy."))) {
            return Err(Error::invalid_argument(format!("Invalid update_mask: '{unknown}' is not policy.spec, policy.dry_run_spec or *.")));
        }
        if names("spec") {
            stored.spec = policy.spec;
        }
        if names("dry_run_spec") {
            stored.dry_run_spec = policy.dry_run_spec;
        }
        let stored = model::put(call, &parent, constraint, stored, "")?;
        outward(call, stored)
    }

    fn delete_policy(&self, call: &mut Call, request: DeletePolicyRequest) -> Result<()> {
        let (parent, constraint) = model::parse(call, &request.name)?;
        let stored = model::get(call, &parent, constraint)?.ok_or_else(model::missing)?;
        model::check_etag(&stored, &request.etag)?;
        call.txn.delete(&model::POLICIES, &model::key(&parent, constraint))
    }
}
