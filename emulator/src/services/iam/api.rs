//! `google.iam.v1.IAMPolicy`: one implementation for every service whose resources are named relatively.

use gcp_schema::iam::{GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest, TestIamPermissionsResponse};
use gcp_schema::services::iam::IAMPolicy as Trait;

use super::{Iam, model};
use crate::doors;
use crate::kernel::settings::IamMode;
use crate::kernel::{Call, Error, Result};

/// The name with the project's id, of a resource that exists; the caller holds `verb` on it if callers are checked.
fn resolve(call: &mut Call, resource: &str, verb: &str) -> Result<String> {
    let name = doors::canonical(call, resource)?;
    let (api, family) = if name.contains("/topics/") {
        ("pubsub.googleapis.com", "pubsub.topics")
    } else if name.contains("/subscriptions/") {
        ("pubsub.googleapis.com", "pubsub.subscriptions")
    } else if name.contains("/cryptoKeys/") {
        ("cloudkms.googleapis.com", "cloudkms.cryptoKeys")
    } else if name.contains("/keyRings/") {
        ("cloudkms.googleapis.com", "cloudkms.keyRings")
    } else {
        return Err(Error::invalid_argument(format!("'{resource}' is no resource with a policy.")));
    };
    if call.kernel.settings.iam == IamMode::Enforce {
        let member = call.caller.member.clone();
        super::door::require(call, &member, &format!("{family}.{verb}"), &name, api)?;
    }
    doors::require_exists(call, &name)?;
    Ok(name)
}

impl Trait<Call> for Iam {
    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        let name = resolve(call, &request.resource, "getIamPolicy")?;
        let mut policy = model::get(call, &name)?;
        if policy.version == 3 && request.options.as_ref().is_none_or(|options| options.requested_policy_version < 3) {
            // Conditions are shown only to those who say that they understand them.
            policy.bindings.iter_mut().for_each(|binding| binding.condition = None);
            policy.version = 1;
        }
        Ok(policy)
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        let name = resolve(call, &request.resource, "setIamPolicy")?;
        model::replace(call, &name, request.policy.unwrap_or_default())
    }

    fn test_iam_permissions(&self, call: &mut Call, request: TestIamPermissionsRequest) -> Result<TestIamPermissionsResponse> {
        let name = doors::canonical(call, &request.resource)?;
        Ok(TestIamPermissionsResponse { permissions: super::door::held(call, &name, &request.permissions)? })
    }
}
