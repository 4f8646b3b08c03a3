//! Policies, and what the caller may do.

use gcp_client::{Code, Error};
use gcp_names::KeyName;
use gcp_schema::iam::{
    Binding, GetIamPolicyRequest, GetPolicyOptions, Policy, SetIamPolicyRequest, TestIamPermissionsRequest,
    TestIamPermissionsResponse,
};
use serde_json::Value;

use super::{Cloud, escape};

/// The least role that lets an agent use a key.
pub const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

macro_rules! of_kind {
    ($resource:expr, $method:literal) => {
        match $resource.split('/').collect::<Vec<_>>().as_slice() {
            ["projects", _] => concat!("/google.cloud.resourcemanager.v3.Projects/", $method),
            ["folders", _] => concat!("/google.cloud.resourcemanager.v3.Folders/", $method),
            ["organizations", _] => concat!("/google.cloud.resourcemanager.v3.Organizations/", $method),
            _ => concat!("/google.iam.v1.IAMPolicy/", $method),
        }
    };
}

impl Cloud {
    /// The policy of a ring, key, topic, project, folder or organization.
    pub async fn policy(&self, resource: &str) -> Result<Policy, Error> {
        let options = GetPolicyOptions { requested_policy_version: 3 };
        let request = GetIamPolicyRequest { resource: resource.to_owned(), options: Some(options) };
        self.client.call(of_kind!(resource, "GetIamPolicy"), &request).await
    }

    async fn set_policy(&self, resource: &str, mut policy: Policy) -> Result<Policy, Error> {
        if policy.version == 0 {
            policy.version = 1;
        }
        let request = SetIamPolicyRequest {
            resource: resource.to_owned(),
            policy: Some(policy),
            ..SetIamPolicyRequest::default()
        };
        self.client.call(of_kind!(resource, "SetIamPolicy"), &request).await
    }

    /// Reads, changes and writes a policy; again when somebody else changed it meanwhile. `change`: whether it did.
    async fn edit_policy(&self, resource: &str, change: impl Fn(&mut Policy) -> bool) -> Result<bool, Error> {
        for _ in 0..5 {
            let mut policy = self.policy(resource).await?;
            if !change(&mut policy) {
                return Ok(false);
            }
            match self.set_policy(resource, policy).await {
                Err(error) if error.code() == Code::Aborted || error.http_status() == 409 => {}
                outcome => return outcome.map(|_| true),
            }
        }
        Err(Error::aborted(format!("The policy of {resource} kept changing; nothing was granted or revoked.")))
    }

    /// Adds a member to the role on a key. `false`: it was there.
    pub async fn grant(&self, key: &KeyName, member: &str) -> Result<bool, Error> {
        self.edit_policy(&key.to_string(), |policy| add(policy, member)).await
    }

    /// Takes a member out of the role on a key. `false`: it was not there.
    pub async fn revoke(&self, key: &KeyName, member: &str) -> Result<bool, Error> {
        self.edit_policy(&key.to_string(), |policy| {
            let mut changed = false;
            for binding in policy.bindings.iter_mut().filter(|binding| binding.role == ROLE) {
                let before = binding.members.len();
                binding.members.retain(|known| known != member);
                changed |= binding.members.len() != before;
            }
            policy.bindings.retain(|binding| !binding.members.is_empty());
            changed
        })
        .await
    }

    /// As `grant`, on the policy that a plan has seen: a policy that was changed since then is not touched.
    pub async fn grant_on(&self, key: &KeyName, member: &str, etag: &str) -> Result<Policy, Error> {
        let resource = key.to_string();
        let mut policy = self.policy(&resource).await?;
        if !add(&mut policy, member) {
            return Ok(policy);
        }
        if !etag.is_empty() && text_of(&policy.etag) != etag {
            return Err(Error::aborted(format!("The policy of {resource} was changed since the plan was made.")));
        }
        self.set_policy(&resource, policy).await
    }

    /// Those of the permissions that the caller has on a resource; a bucket is written `buckets/NAME`.
    pub async fn allowed(&self, resource: &str, permissions: &[String]) -> Result<Vec<String>, Error> {
        if let Some(bucket) = resource.strip_prefix("buckets/") {
            let query: Vec<_> = permissions.iter().map(|one| format!("permissions={}", escape(one))).collect();
            let path = format!("/storage/v1/b/{}/iam/testPermissions?{}", escape(bucket), query.join("&"));
            let answer = self.client.json("storage.googleapis.com", "GET", &path, None).await?;
            let held = answer.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
            return Ok(held.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        let request = TestIamPermissionsRequest { resource: resource.to_owned(), permissions: permissions.to_vec() };
        let answer: TestIamPermissionsResponse =
            self.client.call(of_kind!(resource, "TestIamPermissions"), &request).await?;
        Ok(answer.permissions)
    }
}

/// The etag as documents carry it: base64.
pub fn text_of(etag: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(etag)
}

fn add(policy: &mut Policy, member: &str) -> bool {
    match policy.bindings.iter_mut().find(|binding| binding.role == ROLE && binding.condition.is_none()) {
        Some(binding) if binding.members.iter().any(|known| known == member) => false,
        Some(binding) => {
            binding.members.push(member.to_owned());
            true
        }
        None => {
            let members = vec![member.to_owned()];
            policy.bindings.push(Binding { role: ROLE.to_owned(), members, ..Binding::default() });
            true
        }
    }
}
