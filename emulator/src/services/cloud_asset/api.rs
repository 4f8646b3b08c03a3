//! Cloud Asset v1: searching resources.

use std::ops::ControlFlow;

use gcp_schema::cloudasset::{ResourceSearchResult, SearchAllResourcesRequest, SearchAllResourcesResponse};
use gcp_schema::services::cloudasset::AssetService;

use super::Search;
use super::order::Order;
use super::query::Query;
use super::render::{self, Shown};
use crate::doors::{self, Lineages};
use crate::kernel::assets::{self, Scope};
use crate::kernel::{Call, Result};

/// The largest page, and the one that nobody asked for.
const PAGE: usize = 500;

/// What is sought, and where.
struct Sought {
    scope: Scope,
    query: Query,
    kinds: Vec<&'static str>,
}

impl Sought {
    /// Each result with its place, from a place of one of the types on.
    fn each(
        &self,
        call: &mut Call,
        first: Option<&str>,
        from: &str,
        mut visit: impl FnMut(ResourceSearchResult, &str) -> ControlFlow<()>,
    ) -> Result<()> {
        let kinds = assets::from_kind(&self.kinds, first);
        let mut lineages = Lineages::default();
        doors::each_asset(call, &kinds, self.scope.project(), from, |call, asset| {
            let Some(lineage) = lineages.of(call, &asset)? else { return Ok(ControlFlow::Continue(())) };
            if !self.scope.holds(&asset, lineage) {
                return Ok(ControlFlow::Continue(()));
            }
            let place = asset.place.clone();
            let resource = render::resource(asset, lineage);
            if !self.query.matches(&resource) {
                return Ok(ControlFlow::Continue(()));
            }
            Ok(visit(resource, &place))
        })
    }

    /// As resources are found: a page reads no more than it shows, and what the query leaves out on the way.
    fn found(&self, call: &mut Call, token: Option<&str>, size: usize) -> Result<(Vec<ResourceSearchResult>, String)> {
        let (first, from) = token.and_then(|token| token.split_once('\n')).unzip();
        let (mut results, mut next) = (Vec::new(), String::new());
        self.each(call, first, from.unwrap_or_default(), |resource, place| {
            if results.len() == size {
                next = format!("{}\n{place}", resource.asset_type);
                return ControlFlow::Break(());
            }
            results.push(resource);
            ControlFlow::Continue(())
        })?;
        Ok((results, next))
    }

    /// In an order of the caller's: everything behind the last page is looked at, and only a page of it sorted.
    fn sorted(
        &self,
        call: &mut Call,
        order: &Order,
        token: Option<&str>,
        size: usize,
    ) -> Result<(Vec<ResourceSearchResult>, String)> {
        let last: Option<Vec<String>> = token.map(|token| token.split('\n').map(str::to_owned).collect());
        let mut rest = Vec::new();
        self.each(call, None, "", |resource, _| {
            let key = order.key(&resource);
            if last.as_ref().is_none_or(|last| order.compare(&key, last).is_gt()) {
                rest.push((key, resource));
            }
            ControlFlow::Continue(())
        })?;
        let more = rest.len() > size;
        if more {
            rest.select_nth_unstable_by(size, |(one, _), (other, _)| order.compare(one, other));
            rest.truncate(size);
        }
        rest.sort_unstable_by(|(one, _), (other, _)| order.compare(one, other));
        let next = rest.last().filter(|_| more).map(|(key, _)| key.join("\n")).unwrap_or_default();
        Ok((rest.into_iter().map(|(_, resource)| resource).collect(), next))
    }
}

/// Whether a type of which the emulator has nothing may be asked for.
fn is_type(kind: &str) -> bool {
    kind.split_once('/').is_some_and(|(service, name)| {
        doors::is_service(service) && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

impl AssetService<Call> for Search {
    fn search_all_resources(
        &self,
        call: &mut Call,
        request: SearchAllResourcesRequest,
    ) -> Result<SearchAllResourcesResponse> {
        let sought = Sought {
            scope: doors::scope(call, &request.scope)?,
            query: Query::parse(&request.query)?,
            kinds: assets::kinds(&request.asset_types, &assets::KINDS, "asset type", is_type)?,
        };
        let order = Order::parse(&request.order_by)?;
        let shown = Shown::parse(request.read_mask.as_ref())?;
        let size = usize::try_from(request.page_size).ok().filter(|size| *size > 0).unwrap_or(PAGE).min(PAGE);
        let types = request.asset_types.join("\n");
        let asked = [sought.scope.name.as_str(), &request.query, &types, &request.order_by];
        let token = assets::read_page_token(&asked, &request.page_token)?;
        let (results, next) = match &order {
            None => sought.found(call, token.as_deref(), size)?,
            Some(order) => sought.sorted(call, order, token.as_deref(), size)?,
        };
        let next_page_token = if next.is_empty() { next } else { assets::page_token(&asked, &next) };
        let results = results.into_iter().map(|resource| shown.cut(resource)).collect();
        Ok(SearchAllResourcesResponse { results, next_page_token })
    }
}
