//! Lists, page by page: no more than one page is held, and a server that goes round in circles is noticed.

use gcp_schema::{kms, location, longrunning, orgpolicy, pubsub, resourcemanager, serviceusage};
use prost::Message;
use serde_json::Value;

use crate::Client;
use crate::client::escape;
use crate::error::Error;

/// A request for a list: what it answers with, and where its pages begin and end.
pub trait List: Message + Clone {
    const METHOD: &'static str;
    type Page: Message + Default;
    type Item;

    /// Zero is the service's own size.
    #[must_use]
    fn with_size(self, size: i32) -> Self;
    fn turn_to(&mut self, token: String);
    /// The items and the token of the next page.
    fn open(page: Self::Page) -> (Vec<Self::Item>, String);
}

/// One line a method: path, request, answer, its field, what lies in it.
macro_rules! lists {
    ($($method:literal $request:ty => $page:ty, $field:ident: $item:ty;)*) => {$(
        impl List for $request {
            const METHOD: &'static str = $method;
            type Page = $page;
            type Item = $item;

            fn with_size(mut self, size: i32) -> Self {
                self.page_size = size;
                self
            }

            fn turn_to(&mut self, token: String) {
                self.page_token = token;
            }

            fn open(page: $page) -> (Vec<$item>, String) {
                (page.$field, page.next_page_token)
            }
        }
    )*};
}

lists! {
    "/google.cloud.kms.v1.KeyManagementService/ListKeyRings"
        kms::ListKeyRingsRequest => kms::ListKeyRingsResponse, key_rings: kms::KeyRing;
    "/google.cloud.kms.v1.KeyManagementService/ListCryptoKeys"
        kms::ListCryptoKeysRequest => kms::ListCryptoKeysResponse, crypto_keys: kms::CryptoKey;
    "/google.cloud.kms.v1.KeyManagementService/ListCryptoKeyVersions"
        kms::ListCryptoKeyVersionsRequest => kms::ListCryptoKeyVersionsResponse,
        crypto_key_versions: kms::CryptoKeyVersion;
    "/google.cloud.kms.v1.KeyManagementService/ListImportJobs"
        kms::ListImportJobsRequest => kms::ListImportJobsResponse, import_jobs: kms::ImportJob;
    "/google.cloud.kms.v1.Autokey/ListKeyHandles"
        kms::ListKeyHandlesRequest => kms::ListKeyHandlesResponse, key_handles: kms::KeyHandle;
    "/google.pubsub.v1.Publisher/ListTopics"
        pubsub::ListTopicsRequest => pubsub::ListTopicsResponse, topics: pubsub::Topic;
    "/google.pubsub.v1.Publisher/ListTopicSubscriptions"
        pubsub::ListTopicSubscriptionsRequest => pubsub::ListTopicSubscriptionsResponse, subscriptions: String;
    "/google.pubsub.v1.Subscriber/ListSubscriptions"
        pubsub::ListSubscriptionsRequest => pubsub::ListSubscriptionsResponse, subscriptions: pubsub::Subscription;
    "/google.cloud.orgpolicy.v2.OrgPolicy/ListPolicies"
        orgpolicy::ListPoliciesRequest => orgpolicy::ListPoliciesResponse, policies: orgpolicy::Policy;
    "/google.cloud.orgpolicy.v2.OrgPolicy/ListConstraints"
        orgpolicy::ListConstraintsRequest => orgpolicy::ListConstraintsResponse, constraints: orgpolicy::Constraint;
    "/google.cloud.resourcemanager.v3.Projects/ListProjects"
        resourcemanager::ListProjectsRequest => resourcemanager::ListProjectsResponse,
        projects: resourcemanager::Project;
    "/google.cloud.resourcemanager.v3.Projects/SearchProjects"
        resourcemanager::SearchProjectsRequest => resourcemanager::SearchProjectsResponse,
        projects: resourcemanager::Project;
    "/google.cloud.resourcemanager.v3.Folders/ListFolders"
        resourcemanager::ListFoldersRequest => resourcemanager::ListFoldersResponse, folders: resourcemanager::Folder;
    "/google.cloud.resourcemanager.v3.Organizations/SearchOrganizations"
        resourcemanager::SearchOrganizationsRequest => resourcemanager::SearchOrganizationsResponse,
        organizations: resourcemanager::Organization;
    "/google.api.serviceusage.v1.ServiceUsage/ListServices"
        serviceusage::ListServicesRequest => serviceusage::ListServicesResponse, services: serviceusage::Service;
    "/google.cloud.location.Locations/ListLocations"
        location::ListLocationsRequest => location::ListLocationsResponse, locations: location::Location;
    "/google.longrunning.Operations/ListOperations"
        longrunning::ListOperationsRequest => longrunning::ListOperationsResponse, operations: longrunning::Operation;
}

/// Notices a token that was there before, however long ago, in constant space: a mark moves forward ever more rarely, and
/// whoever goes in a circle comes by it.
#[derive(Default)]
struct Circles {
    mark: String,
    steps: u64,
    lap: u64,
}

impl Circles {
    fn closed_by(&mut self, token: &str) -> bool {
        if token == self.mark {
            return true;
        }
        self.steps += 1;
        if self.steps > self.lap {
            token.clone_into(&mut self.mark);
            self.lap = self.lap.saturating_mul(2).max(1);
            self.steps = 0;
        }
        false
    }
}

fn in_circles(method: &str) -> Error {
    Error::internal(format!("{method} gave a page token that it had given before; the list would never end"))
}

/// A list in the making. `next` until it is `None`, or `all`.
pub struct Pages<'a, L: List> {
    client: &'a Client,
    api: Option<&'a str>,
    request: Option<L>,
    circles: Circles,
}

impl<L: List> Pages<'_, L> {
    /// The next page, which may be empty before the last; `None` after it.
    pub async fn next(&mut self) -> Result<Option<Vec<L::Item>>, Error> {
        let Some(request) = &mut self.request else { return Ok(None) };
        let page = self.client.call_at(self.api, L::METHOD, request).await?;
        let (items, token) = L::open(page);
        if token.is_empty() {
            self.request = None;
        } else if self.circles.closed_by(&token) {
            return Err(in_circles(L::METHOD));
        } else {
            request.turn_to(token);
        }
        Ok(Some(items))
    }

    pub async fn all(mut self) -> Result<Vec<L::Item>, Error> {
        let mut found = Vec::new();
        while let Some(items) = self.next().await? {
            found.extend(items);
        }
        Ok(found)
    }
}

/// A list of a JSON API whose parameters are `pageToken` and `nextPageToken`.
pub struct JsonPages<'a> {
    client: &'a Client,
    api: &'a str,
    path: String,
    token: Option<String>,
    circles: Circles,
}

impl JsonPages<'_> {
    /// The next page as it came; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Value>, Error> {
        let Some(token) = &self.token else { return Ok(None) };
        let between = if self.path.contains('?') { '&' } else { '?' };
        let page = match token.as_str() {
            "" => self.client.json(self.api, "GET", &self.path, None).await?,
            token => {
                let path = format!("{}{between}pageToken={}", self.path, escape(token));
                self.client.json(self.api, "GET", &path, None).await?
            }
        };
        self.token = match page.get("nextPageToken").and_then(Value::as_str) {
            Some(next) if !next.is_empty() => Some(next.to_owned()),
            _ => None,
        };
        if self.token.as_deref().is_some_and(|token| self.circles.closed_by(token)) {
            return Err(in_circles(&self.path));
        }
        Ok(Some(page))
    }
}

impl Client {
    /// A list from its beginning, in pages of the request's size.
    pub fn pages<L: List>(&self, request: L) -> Pages<'_, L> {
        Pages { client: self, api: None, request: Some(request), circles: Circles::default() }
    }

    /// The same at one of the APIs that have it (locations, operations).
    pub fn pages_at<'a, L: List>(&'a self, api: &'a str, request: L) -> Pages<'a, L> {
        Pages { api: Some(api), ..self.pages(request) }
    }

    /// Pages of `GET path` of an API.
    pub fn json_pages<'a>(&'a self, api: &'a str, path: &str) -> JsonPages<'a> {
        let token = Some(String::new());
        JsonPages { client: self, api, path: path.to_owned(), token, circles: Circles::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::client;

    fn rings(parent: &str) -> kms::ListKeyRingsRequest {
        kms::ListKeyRingsRequest { parent: parent.to_owned(), ..Default::default() }.with_size(2)
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_an_empty_one_is_not_the_end() {
        let (client, script) = client(&[
            (200, r#"{"keyRings": [{"name": "a"}, {"name": "b"}], "nextPageToken": "x/y"}"#),
            (200, r#"{"nextPageToken": "z"}"#),
            (200, r#"{"keyRings": [{"name": "c"}]}"#),
        ]);
        let found = client.pages(rings("projects/p/locations/us")).all().await.unwrap();
        assert_eq!(found.iter().map(|ring| ring.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let base = "GET https://cloudkms.googleapis.com/v1/projects/p/locations/us/keyRings?pageSize=2";
        assert_eq!(script.asked(), [base.to_owned(), format!("{base}&pageToken=x%2Fy"), format!("{base}&pageToken=z")]);
    }

    #[tokio::test]
    async fn a_server_that_turns_in_circles_is_left() {
        for circle in [&["t"][..], &["a", "b"], &["a", "b", "c", "d", "e"]] {
            let answers: Vec<_> = circle.iter().map(|token| format!(r#"{{"nextPageToken": "{token}"}}"#)).collect();
            let answers: Vec<_> = answers.iter().map(|answer| (200, answer.as_str())).cycle().take(40).collect();
            let (client, script) = client(&answers);
            let error = client.pages(rings("projects/p/locations/us")).all().await.unwrap_err();
            assert!(error.message().contains("never end"), "{error}");
            assert!(script.asked().len() < 4 * circle.len() + 2, "{circle:?}: after {} pages", script.asked().len());
        }
    }

    #[tokio::test]
    async fn json_lists_are_walked_the_same_way() {
        let (client, script) = client(&[(200, r#"{"items": [1], "nextPageToken": "n"}"#), (200, r#"{"items": [2]}"#)]);
        let mut pages = client.json_pages("storage.googleapis.com", "/storage/v1/b/x/o?maxResults=1");
        let mut items = Vec::new();
        while let Some(page) = pages.next().await.unwrap() {
            items.extend(page["items"].as_array().unwrap().clone());
        }
        assert_eq!(items, [1, 2]);
        assert_eq!(script.asked()[1], "GET https://storage.googleapis.com/storage/v1/b/x/o?maxResults=1&pageToken=n");
    }

    #[tokio::test]
    async fn locations_are_asked_of_the_api_that_is_meant() {
        let (client, script) = client(&[(200, r#"{"locations": [{"locationId": "us"}]}"#)]);
        let request = location::ListLocationsRequest { name: "projects/p".into(), ..Default::default() };
        let found = client.pages_at("cloudkms.googleapis.com", request).all().await.unwrap();
        assert_eq!(found[0].location_id, "us");
        assert_eq!(script.asked(), ["GET https://cloudkms.googleapis.com/v1/projects/p/locations"]);
    }

    #[test]
    fn every_list_is_a_method_that_can_be_called() {
        fn check<L: List>() {
            assert!(gcp_schema::method(L::METHOD).is_some_and(|method| !method.http.is_empty()), "{}", L::METHOD);
        }
        check::<kms::ListCryptoKeysRequest>();
        check::<kms::ListCryptoKeyVersionsRequest>();
        check::<kms::ListImportJobsRequest>();
        check::<kms::ListKeyHandlesRequest>();
        check::<pubsub::ListTopicsRequest>();
        check::<pubsub::ListTopicSubscriptionsRequest>();
        check::<pubsub::ListSubscriptionsRequest>();
        check::<orgpolicy::ListPoliciesRequest>();
        check::<orgpolicy::ListConstraintsRequest>();
        check::<resourcemanager::ListProjectsRequest>();
        check::<resourcemanager::SearchProjectsRequest>();
        check::<resourcemanager::ListFoldersRequest>();
        check::<resourcemanager::SearchOrganizationsRequest>();
        check::<serviceusage::ListServicesRequest>();
        check::<longrunning::ListOperationsRequest>();
    }
}
