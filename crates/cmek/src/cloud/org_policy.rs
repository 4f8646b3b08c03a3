//! Organization policy. A resource is `projects/P`, `folders/N` or `organizations/N`.

use gcp_client::Error;
use gcp_schema::orgpolicy::{
    CreatePolicyRequest, DeletePolicyRequest, GetEffectivePolicyRequest, GetPolicyRequest, ListPoliciesRequest, Policy,
    UpdatePolicyRequest,
};

use super::{Cloud, present};

macro_rules! org {
    ($method:literal) => {
        concat!("/google.cloud.orgpolicy.v2.OrgPolicy/", $method)
    };
}

impl Cloud {
    pub async fn effective_policy(&self, resource: &str, constraint: &str) -> Result<Policy, Error> {
        let request = GetEffectivePolicyRequest { name: format!("{resource}/policies/{constraint}") };
        self.client.call(org!("GetEffectivePolicy"), &request).await
    }

    /// The policy that the resource itself sets.
    pub async fn org_policy(&self, resource: &str, constraint: &str) -> Result<Option<Policy>, Error> {
        let request = GetPolicyRequest { name: format!("{resource}/policies/{constraint}") };
        present(self.client.call(org!("GetPolicy"), &request).await)
    }

    pub async fn org_policies(&self, resource: &str) -> Result<Vec<Policy>, Error> {
        let page_size = self.page_of(100);
        let request = ListPoliciesRequest { parent: resource.to_owned(), page_size, ..Default::default() };
        self.client.pages(request).all().await
    }

    /// Creates the policy, or changes it where it is set already (only if it is still the one that was read).
    pub async fn set_org_policy(&self, resource: &str, policy: Policy, is_set: bool) -> Result<Policy, Error> {
        if is_set {
            return self
                .client
                .call(org!("UpdatePolicy"), &UpdatePolicyRequest { policy: Some(policy), update_mask: None })
                .await;
        }
        let request = CreatePolicyRequest { parent: resource.to_owned(), policy: Some(policy) };
        self.client.call(org!("CreatePolicy"), &request).await
    }

    pub async fn delete_org_policy(&self, resource: &str, constraint: &str) -> Result<(), Error> {
        let request = DeletePolicyRequest { name: format!("{resource}/policies/{constraint}"), ..Default::default() };
        self.client.call::<_, ()>(org!("DeletePolicy"), &request).await
    }
}
