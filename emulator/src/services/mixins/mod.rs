//! Methods that several services share: operations and locations.
//!
//! Faithful: operations can be read and listed; locations of Cloud KMS.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`.
//!
//! Our choices: operations are done when they are first answered, so cancelling one changes nothing.

use std::sync::Arc;

use gcp_schema::kms::LocationMetadata;
use gcp_schema::location::{GetLocationRequest, ListLocationsRequest, ListLocationsResponse, Location};
use gcp_schema::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, WaitOperationRequest,
};
use gcp_schema::services::location::Locations;
use gcp_schema::services::longrunning::Operations;
use gcp_schema::{Registry, services};

use crate::doors;
use crate::kernel::{Call, Error, Result, operations, paging};

pub struct Mixins;

pub const GAPS: &[&str] = &[];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(Mixins);
    services::longrunning::register_operations(registry, &service);
    services::location::register_locations(registry, &service);
}

impl Operations<Call> for Mixins {
    fn get_operation(&self, call: &mut Call, request: GetOperationRequest) -> Result<Operation> {
        operations::get(call, &request.name)
    }

    fn wait_operation(&self, call: &mut Call, request: WaitOperationRequest) -> Result<Operation> {
        operations::get(call, &request.name)
    }

    fn list_operations(&self, call: &mut Call, request: ListOperationsRequest) -> Result<ListOperationsResponse> {
        let parent = request.name.trim_end_matches("operations").trim_end_matches('/');
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = operations::list(call, parent, size, &request.page_token)?;
        Ok(ListOperationsResponse { operations: page.items, next_page_token: page.next_token, ..Default::default() })
    }

    fn cancel_operation(&self, call: &mut Call, request: CancelOperationRequest) -> Result<()> {
        operations::get(call, &request.name).map(|_| ())
    }

    fn delete_operation(&self, call: &mut Call, request: DeleteOperationRequest) -> Result<()> {
        operations::delete(call, &request.name)
    }
}

fn location(project: &str, id: &str) -> Location {
    let metadata = LocationMetadata { hsm_available: false, ekm_available: false, ..LocationMetadata::default() };
    Location {
        name: format!("projects/{project}/locations/{id}"),
        location_id: id.to_owned(),
        metadata: Some(operations::any("google.cloud.kms.v1.LocationMetadata", &metadata)),
        ..Location::default()
    }
}

impl Locations<Call> for Mixins {
    fn list_locations(&self, call: &mut Call, request: ListLocationsRequest) -> Result<ListLocationsResponse> {
        let project = request.name.strip_prefix("projects/").unwrap_or(&request.name);
        let project = doors::project(call, project)?.id;
        let size = paging::size(request.page_size, 1000, 1000)?;
        let from = paging::parse_token(&request.page_token)?;
        let mut rest = gcp_names::location::key_locations().into_iter().filter(|id| *id >= from.as_str());
        let locations = rest.by_ref().take(size).map(|id| location(&project, id)).collect();
        Ok(ListLocationsResponse { locations, next_page_token: rest.next().map(paging::token).unwrap_or_default() })
    }

    fn get_location(&self, call: &mut Call, request: GetLocationRequest) -> Result<Location> {
        let parts: Vec<_> = request.name.split('/').collect();
        match parts[..] {
            ["projects", project, "locations", id] if gcp_names::location::is_key_location(id) => {
                Ok(location(&doors::project(call, project)?.id, id))
            }
            _ => Err(Error::not_found(format!("Location {} not found.", request.name))),
        }
    }
}
