//! Service Usage v1.

use gcp_schema::longrunning::{Operation, operation};
use gcp_schema::services::serviceusage::ServiceUsage;
use gcp_schema::serviceusage::{
    BatchEnableServicesRequest, BatchEnableServicesResponse, BatchGetServicesRequest, BatchGetServicesResponse,
    DisableServiceRequest, DisableServiceResponse, EnableServiceRequest, EnableServiceResponse, GetServiceRequest,
    ListServicesRequest, ListServicesResponse, OperationMetadata, Service, ServiceConfig, State,
};
use prost_types::Any;

use super::{Usage, catalogue, model};
use crate::doors::{self, Project};
use crate::kernel::operations::{any, finish};
use crate::kernel::{Call, Error, Result, paging};

const PACKAGE: &str = "google.api.serviceusage.v1";
/// What production answers when there was nothing to do.
const NOTHING_TO_DO: &str = "operations/noop.DONE_OPERATION";

/// The project of `projects/P`.
pub fn project(call: &mut Call, parent: &str) -> Result<Project> {
    match parent.split_once('/') {
        Some(("projects", id)) if !id.is_empty() && !id.contains('/') => doors::project(call, id),
        Some(("folders" | "organizations", _)) => {
            Err(Error::invalid_argument(format!("Services are enabled in projects, not in {parent}.")))
        }
        _ => Err(Error::invalid_argument(format!("'{parent}' is not the name of a project: write projects/ID."))),
    }
}

/// The two halves of `projects/P/services/S`, of a service that there is.
pub fn service<'a>(call: &mut Call, name: &'a str) -> Result<(Project, &'a str)> {
    let (parent, service) = name
        .split_once("/services/")
        .ok_or_else(|| Error::invalid_argument(format!("'{name}' is not the name of a project's service.")))?;
    let project = project(call, parent)?;
    if catalogue::is_known(service) { Ok((project, service)) } else { Err(model::unknown(service)) }
}

fn render(call: &Call, project: &Project, service: &str) -> Result<Service> {
    let state = if model::is_enabled(call, project, service)? { State::Enabled } else { State::Disabled };
    let parent = format!("projects/{}", project.number);
    Ok(Service {
        name: format!("{parent}/services/{service}"),
        parent,
        config: Some(ServiceConfig {
            name: service.to_owned(),
            title: catalogue::title(service),
            ..ServiceConfig::default()
        }),
        state: state as i32,
    })
}

fn done(call: &mut Call, changed: bool, resource_names: Vec<String>, response: Any) -> Result<Operation> {
    if !changed {
        let result = Some(operation::Result::Response(response));
        return Ok(Operation { name: NOTHING_TO_DO.to_owned(), metadata: None, done: true, result });
    }
    let metadata = any(&format!("{PACKAGE}.OperationMetadata"), &OperationMetadata { resource_names });
    finish(call, "", Some(metadata), Ok(response))
}

impl ServiceUsage<Call> for Usage {
    fn enable_service(&self, call: &mut Call, request: EnableServiceRequest) -> Result<Operation> {
        let (project, name) = service(call, &request.name)?;
        let changed = model::enable(call, &project, name)?;
        let service = render(call, &project, name)?;
        let names = vec![service.name.clone()];
        let response = EnableServiceResponse { service: Some(service) };
        done(call, changed, names, any(&format!("{PACKAGE}.EnableServiceResponse"), &response))
    }

    fn disable_service(&self, call: &mut Call, request: DisableServiceRequest) -> Result<Operation> {
        let (project, name) = service(call, &request.name)?;
        if !model::is_enabled(call, &project, name)? {
            return Err(Error::failed_precondition(format!(
                "Service {name} is not enabled in project {}.",
                project.number
            )));
        }
        model::disable(call, &project, name, request.disable_dependent_services)?;
        let service = render(call, &project, name)?;
        let names = vec![service.name.clone()];
        let response = DisableServiceResponse { service: Some(service) };
        done(call, true, names, any(&format!("{PACKAGE}.DisableServiceResponse"), &response))
    }

    fn get_service(&self, call: &mut Call, request: GetServiceRequest) -> Result<Service> {
        let (project, name) = service(call, &request.name)?;
        render(call, &project, name)
    }

    fn list_services(&self, call: &mut Call, request: ListServicesRequest) -> Result<ListServicesResponse> {
        let wanted = match request.filter.trim() {
            "" => None,
            "state:ENABLED" => Some(State::Enabled as i32),
            "state:DISABLED" => Some(State::Disabled as i32),
            other => {
                return Err(Error::invalid_argument(format!(
                    "Invalid filter '{other}': it is state:ENABLED or state:DISABLED."
                )));
            }
        };
        let size = paging::size(request.page_size, 50, 200)?;
        let from = paging::parse_token(&request.page_token)?;
        let project = project(call, &request.parent)?;
        let mut answer = ListServicesResponse::default();
        for name in model::services(call, &project)?.range(from..) {
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
        let project = project(call, &request.parent)?;
        if !(1..=20).contains(&request.service_ids.len()) {
            return Err(Error::invalid_argument(format!(
                "Invalid service_ids: a batch enables 1 to 20 services, not {}.",
                request.service_ids.len()
            )));
        }
        // All or none: the call is one transaction.
        let strangers: Vec<_> =
            request.service_ids.iter().filter(|id| !catalogue::is_known(id)).map(String::as_str).collect();
        if !strangers.is_empty() {
            return Err(model::unknown(&strangers.join(", ")));
        }
        let mut changed = false;
        let mut services = Vec::new();
        for id in &request.service_ids {
            changed |= model::enable(call, &project, id)?;
            services.push(render(call, &project, id)?);
        }
        let names = services.iter().map(|service| service.name.clone()).collect();
        let response = BatchEnableServicesResponse { services, failures: Vec::new() };
        done(call, changed, names, any(&format!("{PACKAGE}.BatchEnableServicesResponse"), &response))
    }

    fn batch_get_services(
        &self,
        call: &mut Call,
        request: BatchGetServicesRequest,
    ) -> Result<BatchGetServicesResponse> {
        let parent = project(call, &request.parent)?;
        if !(1..=30).contains(&request.names.len()) {
            return Err(Error::invalid_argument(format!(
                "Invalid names: a batch reads 1 to 30 services, not {}.",
                request.names.len()
            )));
        }
        let mut services = Vec::new();
        for name in &request.names {
            let (project, service) = service(call, name)?;
            if project != parent {
                return Err(Error::invalid_argument(format!("{name} is not a service of {}.", request.parent)));
            }
            services.push(render(call, &project, service)?);
        }
        Ok(BatchGetServicesResponse { services })
    }
}
