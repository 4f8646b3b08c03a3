//! Service Usage v1.

use gcp_schema::longrunning::Operation;
use gcp_schema::services::serviceusage::ServiceUsage as Trait;
use gcp_schema::serviceusage::{
    BatchEnableServicesRequest, BatchEnableServicesResponse, BatchGetServicesRequest, BatchGetServicesResponse,
    DisableServiceRequest, DisableServiceResponse, EnableServiceRequest, EnableServiceResponse, GetServiceRequest,
    ListServicesRequest, ListServicesResponse, Service, ServiceConfig, State,
};

use super::{ServiceUsage, model};
use crate::doors::{self, Project};
use crate::kernel::operations::{any, finish};
use crate::kernel::{Call, Error, Result, paging};

const PACKAGE: &str = "google.api.serviceusage.v1";

fn project_of(call: &mut Call, parent: &str) -> Result<Project> {
    match parent.strip_prefix("projects/").filter(|id| !id.contains('/')) {
        Some(id) => doors::project(call, id),
        None => Err(Error::invalid_argument(format!("'{parent}' names no project; services are enabled in projects."))),
    }
}

/// `projects/P/services/S` -> project and service, which must be one of the catalogue.
pub fn parse(call: &mut Call, name: &str) -> Result<(Project, String)> {
    let (parent, service) =
        name.split_once("/services/").ok_or_else(|| Error::invalid_argument(format!("'{name}' names no service of a project.")))?;
    let project = project_of(call, parent)?;
    if model::title(service).is_none() {
        return Err(Error::not_found(format!("Service '{service}' not found or permission denied.")));
    }
    Ok((project, service.to_owned()))
}

fn render(call: &Call, project: &Project, service: &str) -> Result<Service> {
    let state = if model::enabled(call, project, service)? { State::Enabled } else { State::Disabled };
    Ok(Service {
        name: format!("projects/{}/services/{service}", project.number),
        parent: format!("projects/{}", project.number),
        config: Some(ServiceConfig {
            name: service.to_owned(),
            title: model::title(service).unwrap_or(service).to_owned(),
            ..ServiceConfig::default()
        }),
        state: state as i32,
    })
}

fn noop(response: prost_types::Any) -> Operation {
    Operation {
        name: "operations/noop.DONE_OPERATION".to_owned(),
        done: true,
        result: Some(gcp_schema::longrunning::operation::Result::Response(response)),
        ..Operation::default()
    }
}

impl Trait<Call> for ServiceUsage {
    fn enable_service(&self, call: &mut Call, request: EnableServiceRequest) -> Result<Operation> {
        let (project, service) = parse(call, &request.name)?;
        let changed = model::enable(call, &project, &service)?;
        let response = any(
            &format!("{PACKAGE}.EnableServiceResponse"),
            &EnableServiceResponse { service: Some(render(call, &project, &service)?) },
        );
        if changed { finish(call, "", None, Ok(response)) } else { Ok(noop(response)) }
    }

    fn disable_service(&self, call: &mut Call, request: DisableServiceRequest) -> Result<Operation> {
        let (project, service) = parse(call, &request.name)?;
        model::disable(call, &project, &service)?;
        let response = any(
            &format!("{PACKAGE}.DisableServiceResponse"),
            &DisableServiceResponse { service: Some(render(call, &project, &service)?) },
        );
        finish(call, "", None, Ok(response))
    }

    fn get_service(&self, call: &mut Call, request: GetServiceRequest) -> Result<Service> {
        let (project, service) = parse(call, &request.name)?;
        render(call, &project, &service)
    }

    fn list_services(&self, call: &mut Call, request: ListServicesRequest) -> Result<ListServicesResponse> {
        let project = project_of(call, &request.parent)?;
        let wanted = match request.filter.replace(' ', "").as_str() {
            "" => None,
            "state:ENABLED" => Some(State::Enabled as i32),
            "state:DISABLED" => Some(State::Disabled as i32),
            other => return Err(Error::invalid_argument(format!("Unsupported filter '{other}': use state:ENABLED or state:DISABLED."))),
        };
        let size = paging::size(request.page_size, 50, 200)?;
        let from = paging::parse_token(&request.page_token)?;
        let mut answer = ListServicesResponse::default();
        for (name, _) in model::CATALOGUE.iter().filter(|(name, _)| *name >= from.as_str()) {
            let service = render(call, &project, name)?;
            if wanted.is_some_and(|state| state != service.state) {
                continue;
            }
            if answer.services.len() == size {
                answer.next_page_token = paging::token(name);
                break;
            }
            answer.services.push(service);
        }
        Ok(answer)
    }

    fn batch_enable_services(&self, call: &mut Call, request: BatchEnableServicesRequest) -> Result<Operation> {
        let project = project_of(call, &request.parent)?;
        if request.service_ids.len() > 20 {
            return Err(Error::invalid_argument("At most 20 services can be enabled in one request."));
        }
        let mut services = Vec::new();
        for id in &request.service_ids {
            let (_, service) = parse(call, &format!("{}/services/{id}", request.parent))?;
            model::enable(call, &project, &service)?;
            services.push(render(call, &project, &service)?);
        }
        let response = BatchEnableServicesResponse { services, failures: Vec::new() };
        finish(call, "", None, Ok(any(&format!("{PACKAGE}.BatchEnableServicesResponse"), &response)))
    }

    fn batch_get_services(&self, call: &mut Call, request: BatchGetServicesRequest) -> Result<BatchGetServicesResponse> {
        let services: Result<Vec<_>> = request
            .names
            .iter()
            .map(|name| {
                let (project, service) = parse(call, name)?;
                render(call, &project, &service)
            })
            .collect();
        Ok(BatchGetServicesResponse { services: services? })
    }
}
