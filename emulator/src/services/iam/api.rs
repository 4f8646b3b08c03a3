//! `google.iam.v1.IAMPolicy`: one implementation for every service whose resources are named relatively.

use gcp_schema::iam::{
    GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest, TestIamPermissionsResponse,
};
use gcp_schema::services::iam::IAMPolicy as Trait;

use super::{Iam, model};
use crate::doors;
use crate::kernel::{Call, Code, Error, Mode, Result, Spec};

/// A kind of resource that has a policy here: its API, and what to hold to read or write the policy.
struct Kind {
    api: &'static str,
    get: &'static str,
    set: &'static str,
}

macro_rules! kind {
    ($api:literal, $family:literal) => {
        Kind { api: $api, get: concat!($family, ".getIamPolicy"), set: concat!($family, ".setIamPolicy") }
    };
}

fn kind(name: &str) -> Result<Kind> {
    let words: Vec<_> = name.split('/').collect();
    Ok(match words[..] {
        ["projects", _, "topics", _] => kind!("pubsub.googleapis.com", "pubsub.topics"),
        ["projects", _, "subscriptions", _] => kind!("pubsub.googleapis.com", "pubsub.subscriptions"),
        ["projects", _, "locations", _, "keyRings", _] => kind!("cloudkms.googleapis.com", "cloudkms.keyRings"),
        ["projects", _, "locations", _, "keyRings", _, "cryptoKeys", _] => {
            kind!("cloudkms.googleapis.com", "cloudkms.cryptoKeys")
        }
        _ => {
            return Err(Error::new(
                Code::Unimplemented,
                format!(
                    "This emulator keeps no policy for '{name}': it does for key rings, keys, topics and subscriptions."
                ),
            ));
        }
    })
}

/// The name with the project's id, of a resource that exists. The route leaves API and permission to us, for they follow
/// from the resource.
fn resolve(
    call: &mut Call,
    method: &'static str,
    resource: &str,
    permission: fn(&Kind) -> &'static str,
) -> Result<String> {
    let name = doors::canonical(call, resource)?;
    let kind = kind(&name)?;
    let spec = Spec {
        method,
        api: kind.api,
        permission: permission(&kind),
        resource: name,
        mode: Mode::Read,
        caller: call.caller.clone(),
        base_url: String::new(),
    };
    doors::admit(call, &spec)?;
    doors::require_exists(call, &spec.resource)?;
    Ok(spec.resource)
}

impl Trait<Call> for Iam {
    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        let name = resolve(call, "GetIamPolicy", &request.resource, |kind| kind.get)?;
        let wanted = request.options.map_or(0, |options| options.requested_policy_version);
        model::view(model::get(call, &name)?, wanted)
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        let name = resolve(call, "SetIamPolicy", &request.resource, |kind| kind.set)?;
        model::set(call, &name, request.policy.unwrap_or_default(), request.update_mask.as_ref())
    }

    fn test_iam_permissions(
        &self,
        call: &mut Call,
        request: TestIamPermissionsRequest,
    ) -> Result<TestIamPermissionsResponse> {
        let name = doors::canonical(call, &request.resource)?;
        Ok(TestIamPermissionsResponse { permissions: super::door::held(call, &name, &request.permissions)? })
    }
}
