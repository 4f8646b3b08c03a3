//! KMS Inventory v1.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use gcp_names::{KeyName, KeyVersionName};
use gcp_schema::kmsinventory::{
    FallbackScope, GetProtectedResourcesSummaryRequest, ListCryptoKeysRequest, ListCryptoKeysResponse,
    ProtectedResource, ProtectedResourcesSummary, SearchProtectedResourcesRequest, SearchProtectedResourcesResponse,
};
use gcp_schema::services::kmsinventory::{KeyDashboardService, KeyTrackingService};

use super::{API, Inventory};
use crate::doors::{self, Lineages};
use crate::kernel::assets::{self, Asset, Lineage, Scope};
use crate::kernel::{Call, Error, Result, paging};

/// What is tracked, and the product that it belongs to.
const TRACKED: [(&str, &str); 2] = [(assets::TOPIC, "Cloud Pub/Sub"), (assets::BUCKET, "Cloud Storage")];

/// A key or version, and the key.
fn key(call: &mut Call, name: &str) -> Result<(String, KeyName)> {
    let name = doors::canonical(call, name)?;
    let key = KeyName::parse(&name).or_else(|error| match KeyVersionName::parse(&name) {
        Ok(version) => Ok(version.key),
        Err(_) => Err(Error::invalid_argument(format!("Invalid crypto key: {error}."))),
    })?;
    Ok((name, key))
}

/// Whether a resource lies under a key or, if its service says which, under a version.
fn is_under(asset: &Asset, name: &str) -> bool {
    asset.keys.iter().any(|key| {
        key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("/cryptoKeyVersions/"))
    })
}

/// What lies under a key, from a place of one of the types on.
fn each(
    call: &mut Call,
    scope: &Scope,
    kinds: &[&'static str],
    from: &str,
    name: &str,
    mut visit: impl FnMut(Asset, &Lineage) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut lineages = Lineages::default();
    doors::each_asset(call, kinds, scope.project(), from, |call, asset| {
        if !is_under(&asset, name) {
            return Ok(ControlFlow::Continue(()));
        }
        match lineages.of(call, &asset)? {
            Some(lineage) if scope.holds(&asset, lineage) => visit(asset, lineage),
            _ => Ok(ControlFlow::Continue(())),
        }
    })
}

fn render(asset: Asset, lineage: &Lineage) -> ProtectedResource {
    let versions: Vec<String> = asset.keys.iter().filter(|key| key.contains("/cryptoKeyVersions/")).cloned().collect();
    ProtectedResource {
        name: asset.name,
        project: format!("projects/{}", lineage.number),
        project_id: asset.project,
        cloud_product: product(asset.kind).to_owned(),
        resource_type: asset.kind.to_owned(),
        location: asset.location,
        labels: asset.labels,
        crypto_key_version: versions.first().cloned().unwrap_or_default(),
        crypto_key_versions: versions,
        create_time: assets::whole_seconds(asset.created),
    }
}

fn product(kind: &str) -> &'static str {
    TRACKED.iter().find(|(tracked, _)| *tracked == kind).map(|(_, product)| *product).unwrap_or_default()
}

impl KeyDashboardService<Call> for Inventory {
    fn list_crypto_keys(&self, call: &mut Call, request: ListCryptoKeysRequest) -> Result<ListCryptoKeysResponse> {
        let project = request.parent.strip_prefix("projects/").filter(|id| !id.is_empty() && !id.contains('/'));
        let Some(project) = project else {
            return Err(Error::invalid_argument(format!("'{}' is not the name of a project.", request.parent)));
        };
        let project = doors::project(call, project)?.id;
        let size = paging::size(request.page_size, 1000, 1000)?;
        let page = doors::keys_of_project(call, &project, size, &request.page_token)?;
        Ok(ListCryptoKeysResponse { crypto_keys: page.items, next_page_token: page.next_token })
    }
}

impl KeyTrackingService<Call> for Inventory {
    fn get_protected_resources_summary(
        &self,
        call: &mut Call,
        request: GetProtectedResourcesSummaryRequest,
    ) -> Result<ProtectedResourcesSummary> {
        let asked = request.name.strip_suffix("/protectedResourcesSummary").unwrap_or(&request.name);
        let (name, key) = key(call, asked)?;
        let project = format!("projects/{}", key.project);
        let scope = if request.fallback_scope() == FallbackScope::Project {
            project
        } else {
            let above = doors::ancestry(call, &project)?;
            above.into_iter().find(|level| level.starts_with("organizations/")).ok_or_else(|| {
                Error::failed_precondition(format!("{project} belongs to no organization: name a fallback scope."))
            })?
        };
        doors::require_permission(call, "cloudkms.protectedResources.search", &scope, API)?;
        doors::require_exists(call, &key.to_string())?;
        let scope = doors::scope(call, &scope)?;
        let mut summary = ProtectedResourcesSummary {
            name: format!("{name}/protectedResourcesSummary"),
            ..ProtectedResourcesSummary::default()
        };
        let mut projects = BTreeSet::new();
        each(call, &scope, &TRACKED.map(|(kind, _)| kind), "", &name, |asset, _| {
            summary.resource_count += 1;
            *summary.resource_types.entry(asset.kind.to_owned()).or_default() += 1;
            *summary.cloud_products.entry(product(asset.kind).to_owned()).or_default() += 1;
            *summary.locations.entry(asset.location).or_default() += 1;
            projects.insert(asset.project);
            Ok(ControlFlow::Continue(()))
        })?;
        summary.project_count = projects.len() as i32;
        Ok(summary)
    }

    fn search_protected_resources(
        &self,
        call: &mut Call,
        request: SearchProtectedResourcesRequest,
    ) -> Result<SearchProtectedResourcesResponse> {
        let is_number = !request.scope.is_empty() && request.scope.bytes().all(|byte| byte.is_ascii_digit());
        let scope = if is_number { format!("organizations/{}", request.scope) } else { request.scope };
        let scope = doors::scope(call, &scope)?;
        doors::require_permission(call, "cloudkms.protectedResources.search", &scope.name, API)?;
        let (name, key) = key(call, &request.crypto_key)?;
        doors::require_permission(call, "cloudkms.cryptoKeys.get", &key.to_string(), "cloudkms.googleapis.com")?;
        doors::require_exists(call, &key.to_string())?;
        let kinds = assets::kinds(&request.resource_types, &TRACKED.map(|(kind, _)| kind), "resource type", |_| false)?;
        let size = paging::size(request.page_size, 500, 500)?;
        let types = request.resource_types.join("\n");
        let asked = [scope.name.as_str(), &name, &types];
        let token = assets::read_page_token(&asked, &request.page_token)?;
        let (kind, place) = token.as_deref().and_then(|token| token.split_once('\n')).unzip();
        let kinds = assets::from_kind(&kinds, kind);
        let mut response = SearchProtectedResourcesResponse::default();
        each(call, &scope, &kinds, place.unwrap_or_default(), &name, |asset, lineage| {
            if response.protected_resources.len() == size {
                response.next_page_token = assets::page_token(&asked, &format!("{}\n{}", asset.kind, asset.place));
                return Ok(ControlFlow::Break(()));
            }
            response.protected_resources.push(render(asset, lineage));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(response)
    }
}
