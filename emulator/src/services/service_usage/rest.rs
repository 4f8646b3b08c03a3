//! v1beta1's generateServiceIdentity: the one method that v1 has not, and no published messages describe it.

use std::sync::Arc;

use gcp_gateway::ApiHint;
use gcp_names::ServiceAgent;
use http::Method;
use serde_json::{Value, json};

use super::{api, model};
use crate::kernel::{Call, Code, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request};
use crate::shape;

const API: &str = "serviceusage.googleapis.com";
const VERB: &str = ":generateServiceIdentity";

/// `projects/P/services/S` of `/v1beta1/projects/P/services/S:generateServiceIdentity`.
fn service_name(request: &Request) -> Option<String> {
    let path = request.uri().path().strip_prefix("/v1beta1/")?.strip_suffix(VERB)?;
    let segments = rest::segments(path)?;
    match segments.as_slice() {
        [kind, _, services, _]
            if ["projects", "folders", "organizations"].contains(&kind.as_str()) && services == "services" =>
        {
            Some(segments.join("/"))
        }
        _ => None,
    }
}

pub fn claims(request: &Request) -> bool {
    let hint = request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref());
    hint.is_none_or(|api| api == API) && request.method() == Method::POST && service_name(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    match answer(kernel, request).await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Result<Value> {
    let name = service_name(&request).ok_or_else(|| Error::not_found("Method not found."))?;
    let method = "serviceusage.services.generateServiceIdentity";
    if !name.starts_with("projects/") {
        return Err(Error::new(
            Code::Unimplemented,
            format!("Identities of folders and organizations, as for {name}, are not implemented by this emulator."),
        ));
    }
    let spec = rest::spec(&request, method, API, "serviceusage.services.enable", name.clone(), Mode::Write);
    shape::read(request.into_body(), &[]).await?;
    kernel.run(spec, |call| generate(call, &name)).await
}

/// Idempotent: an agent that exists is answered again.
fn generate(call: &mut Call, name: &str) -> Result<Value> {
    let (project, service) = api::service(call, name)?;
    let agent = ServiceAgent::of_service(service)
        .ok_or_else(|| Error::invalid_argument(format!("Service {service} has no service identity.")))?;
    model::generate_agent(call, &project, agent)?;
    let email = agent.email(project.number);
    let entropy = &call.kernel.entropy;
    let unique_id = format!(
        "1{}{}",
        entropy.number(&format!("agent:{email}:high"), 10),
        entropy.number(&format!("agent:{email}:low"), 10)
    );
    Ok(json!({
        "name": "operations/finished.DONE_OPERATION",
        "done": true,
        "response": {
            "@type": "type.googleapis.com/google.api.serviceusage.v1beta1.ServiceIdentity",
            "email": email,
            "uniqueId": unique_id,
        },
    }))
}
