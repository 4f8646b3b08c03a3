//! `POST /v1beta1/projects/P/services/S:generateServiceIdentity`, which the published v1 messages do not have.

use std::sync::Arc;

use gcp_names::ServiceAgent;
use serde_json::json;

use super::{api, model};
use crate::kernel::{Error, Kernel, Mode};
use crate::rest::{self, Answer, Query, Request};

fn name(request: &Request) -> Option<&str> {
    request.uri().path().strip_prefix("/v1beta1/")?.strip_suffix(":generateServiceIdentity")
}

pub fn claims(request: &Request) -> bool {
    name(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    let name = name(&request).unwrap_or_default().to_owned();
    let spec = rest::spec(&request, "serviceusage.generateServiceIdentity", "", "serviceusage.services.enable", name.clone(), Mode::Write);
    let outcome = kernel.run(spec, move |call| {
        let (project, service) = api::parse(call, &name)?;
        let agent = ServiceAgent::of_service(&service)
            .ok_or_else(|| Error::invalid_argument(format!("Service '{service}' has no service identity.")))?;
        model::generate_identity(call, &project, &service)?;
        let email = agent.email(project.number);
        let unique = call.kernel.entropy.number(&format!("account:{email}"), 18);
        Ok(json!({
            "name": "operations/finished.DONE_OPERATION",
            "done": true,
            "response": {
                "@type": "type.googleapis.com/google.api.serviceusage.v1beta1.ServiceIdentity",
                "email": email,
                "uniqueId": unique.to_string(),
            },
        }))
    });
    match outcome.await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}
