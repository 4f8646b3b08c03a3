//! The methods that every API mixes in: operations and locations.
//!
//! Faithful: operations are read, listed, deleted and cancelled by name; locations are those of Cloud KMS, with its
//! metadata, or `global` alone for Storage Batch Operations, and an unknown one is NOT_FOUND.
//!
//! Our choices: but for batch jobs, operations are done when they are first answered, so cancelling one changes
//! nothing; waiting does not wait. The names that Service Usage gives to operations which never were
//! (`operations/noop.DONE_OPERATION`) read as done. Locations' `filter` is refused, operations' is not looked at. Cloud
//! KMS's locations serve every call whose address names no API. Nobody needs a permission to read, list, cancel or delete
//! an operation, or to see locations, also where callers are checked.

use std::sync::Arc;

use gcp_names::location::{is_key_location, key_locations};
use gcp_schema::Registry;
use gcp_schema::kms::LocationMetadata;
use gcp_schema::location::{GetLocationRequest, ListLocationsRequest, ListLocationsResponse, Location};
use gcp_schema::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, WaitOperationRequest, operation,
};
use gcp_schema::services::{location, longrunning};

use crate::doors;
use crate::kernel::operations::{self, any};
use crate::kernel::{Call, Error, Result, paging};

struct Mixins;

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[];

pub fn register(registry: &mut Registry<Call>) {
    let service = Arc::new(Mixins);
    location::register_locations(registry, &service);
    longrunning::register_operations(registry, &service);
}

/// The operation of a name, in which the project may be a number.
fn find(call: &mut Call, name: &str) -> Result<Operation> {
    if name.starts_with("operations/") && name.ends_with(".DONE_OPERATION") {
        let response = any("google.protobuf.Empty", &());
        let result = Some(operation::Result::Response(response));
        return Ok(Operation { name: name.to_owned(), metadata: None, done: true, result });
    }
    let name = doors::canonical(call, name)?;
    operations::get(call, &name)
}

impl longrunning::Operations<Call> for Mixins {
    fn get_operation(&self, call: &mut Call, request: GetOperationRequest) -> Result<Operation> {
        find(call, &request.name)
    }

    /// `name` is what the operations lie in; some clients write `operations` itself.
    fn list_operations(&self, call: &mut Call, request: ListOperationsRequest) -> Result<ListOperationsResponse> {
        let name = doors::canonical(call, &request.name)?;
        let parent = name.strip_suffix("operations").map_or(name.as_str(), |parent| parent.trim_end_matches('/'));
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = operations::list(call, parent, size, &request.page_token)?;
        let mut response = ListOperationsResponse { next_page_token: page.next_token, ..Default::default() };
        response.operations = page.items;
        Ok(response)
    }

    fn delete_operation(&self, call: &mut Call, request: DeleteOperationRequest) -> Result<()> {
        let name = doors::canonical(call, &request.name)?;
        operations::delete(call, &name)
    }

    fn cancel_operation(&self, call: &mut Call, request: CancelOperationRequest) -> Result<()> {
        let operation = find(call, &request.name)?;
        if operation.done { Ok(()) } else { doors::cancel_operation(call, &operation.name) }
    }

    fn wait_operation(&self, call: &mut Call, request: WaitOperationRequest) -> Result<Operation> {
        find(call, &request.name)
    }
}

/// Keys of level HSM can be made everywhere; external key managers are not served.
fn render(call: &Call, project: &str, id: &str) -> Location {
    let name = format!("projects/{project}/locations/{id}");
    if is_global_only(call) {
        return Location { name, location_id: id.to_owned(), ..Location::default() };
    }
    let metadata = LocationMetadata { hsm_available: true, ekm_available: false, ..LocationMetadata::default() };
    Location {
        name,
        location_id: id.to_owned(),
        metadata: Some(any("google.cloud.kms.v1.LocationMetadata", &metadata)),
        ..Location::default()
    }
}

/// Whether the API that was called is in one place only.
fn is_global_only(call: &Call) -> bool {
    call.address == "storagebatchoperations.googleapis.com"
}

impl location::Locations<Call> for Mixins {
    fn list_locations(&self, call: &mut Call, request: ListLocationsRequest) -> Result<ListLocationsResponse> {
        let project = request
            .name
            .strip_prefix("projects/")
            .filter(|id| !id.contains('/'))
            .ok_or_else(|| Error::invalid_argument(format!("'{}' is not the name of a project.", request.name)))?;
        doors::project(call, project)?;
        if !request.filter.is_empty() {
            return Err(Error::invalid_argument("Invalid filter: locations are listed without one."));
        }
        let size = paging::size(request.page_size, 100, 1000)?;
        let from = paging::parse_token(&request.page_token)?;
        let all = if is_global_only(call) { vec!["global"] } else { key_locations() };
        let mut ids = all.into_iter().skip_while(|id| *id < from.as_str());
        let locations = ids.by_ref().take(size).map(|id| render(call, project, id)).collect();
        Ok(ListLocationsResponse { locations, next_page_token: ids.next().map(paging::token).unwrap_or_default() })
    }

    fn get_location(&self, call: &mut Call, request: GetLocationRequest) -> Result<Location> {
        let (project, id) = request
            .name
            .strip_prefix("projects/")
            .and_then(|rest| rest.split_once("/locations/"))
            .filter(|(project, _)| !project.contains('/'))
            .ok_or_else(|| Error::invalid_argument(format!("'{}' is not the name of a location.", request.name)))?;
        doors::project(call, project)?;
        if id == "global" || (is_key_location(id) && !is_global_only(call)) {
            return Ok(render(call, project, id));
        }
        Err(Error::not_found(format!("Location '{}' is not found or access is unauthorized.", request.name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn what_is_missing_is_listed() {
        let world = World::new().await;
        for prefix in ["/google.longrunning.", "/google.cloud.location."] {
            assert_eq!(world.unimplemented(prefix).await, GAPS);
        }
    }

    #[tokio::test]
    async fn locations_are_those_of_keys() {
        let world = World::new().await;
        let us = world.get("/v1/projects/my-project/locations/us").await.ok();
        assert_eq!(
            us,
            json!({"name": "projects/my-project/locations/us", "locationId": "us", "metadata": {
                "@type": "type.googleapis.com/google.cloud.kms.v1.LocationMetadata", "hsmAvailable": true}})
        );
        let (mut token, mut ids) = (String::new(), Vec::new());
        loop {
            let page =
                world.get(&format!("/v1/projects/my-project/locations?pageSize=25&pageToken={token}")).await.ok();
            ids.extend(page["locations"].as_array().into_iter().flatten().map(|row| row["locationId"].clone()));
            match page["nextPageToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!(ids, key_locations());
        let mars = world.get("/v1/projects/my-project/locations/mars").await;
        assert_eq!((mars.status, mars.code()), (404, "NOT_FOUND"));
        assert!(mars.message().contains("locations/mars"), "the message names the location");
    }

    #[tokio::test]
    async fn operations_are_read_listed_cancelled_and_forgotten() {
        let world = World::new().await;
        assert_eq!(world.get("/v1/operations/none").await.status, 404);
        let made = world
            .post("/v3/folders", json!({"parent": "organizations/123456789012", "displayName": "Folder"}))
            .await
            .ok();
        let path = format!("/v1/{}", made["name"].as_str().unwrap_or_default());
        assert_eq!(world.get(&path).await.ok(), made);
        let listed = world.get("/v1/operations").await.ok();
        assert_eq!(listed["operations"], json!([made]));
        assert_eq!(world.post(&format!("{path}:cancel"), json!({})).await.ok(), json!({}));
        assert_eq!(world.get(&path).await.ok(), made, "it was done already");
        assert_eq!(world.call(&format!("DELETE {path}"), Value::Null).await.ok(), json!({}));
        assert_eq!(world.get(&path).await.status, 404);
    }
}
