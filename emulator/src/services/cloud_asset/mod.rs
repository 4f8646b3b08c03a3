//! Cloud Asset.
//!
//! Faithful: searchAllResources in a project, a folder or the organization; the query language with `:`, `=`,
//! comparisons of times, words, phrases, trailing `*`, AND, OR, NOT, `-` and brackets, its limits of 2048 characters
//! and 10 comparisons; asset types by regular expressions; order, masks and pages. Shown are buckets, key rings, keys
//! and their versions, topics, subscriptions, projects, folders and the organization, with the keys that protect them.
//!
//! Missing, answers UNIMPLEMENTED: see `GAPS`, which is every other method. Resources have no description, tags,
//! relationships, security marks, versioned or attached resources: masks may name them all; queries may name description,
//! tag keys and values, relationships and a security mark by its key, and find nothing; others are refused.
//!
//! Our choices: what is shown is how things are now (production lags by minutes). OR binds tighter than AND, as in
//! Google's other filters. A `*` may follow any word of a value and makes it a prefix. `kmsKey` is set beside `kmsKeys`
//! and, as the schema says of the default, shown only if a mask names it. A display name is the last part of the name
//! where there is no better one; a key's state is its primary's. Without an order results come by type and name. A type
//! that the emulator has nothing of is taken if its service is known, a regular expression must fit a type that is
//! served. Page tokens are good for the same parameters only.

mod api;
mod order;
mod query;
mod render;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gcp_schema::Registry;

use crate::kernel::Call;

struct Search;

/// Methods that answer UNIMPLEMENTED.
pub const GAPS: &[&str] = &[
    "/google.cloud.asset.v1.AssetService/AnalyzeIamPolicy",
    "/google.cloud.asset.v1.AssetService/AnalyzeIamPolicyLongrunning",
    "/google.cloud.asset.v1.AssetService/AnalyzeMove",
    "/google.cloud.asset.v1.AssetService/AnalyzeOrgPolicies",
    "/google.cloud.asset.v1.AssetService/AnalyzeOrgPolicyGovernedAssets",
    "/google.cloud.asset.v1.AssetService/AnalyzeOrgPolicyGovernedContainers",
    "/google.cloud.asset.v1.AssetService/BatchGetAssetsHistory",
    "/google.cloud.asset.v1.AssetService/BatchGetEffectiveIamPolicies",
    "/google.cloud.asset.v1.AssetService/CreateFeed",
    "/google.cloud.asset.v1.AssetService/CreateSavedQuery",
    "/google.cloud.asset.v1.AssetService/DeleteFeed",
    "/google.cloud.asset.v1.AssetService/DeleteSavedQuery",
    "/google.cloud.asset.v1.AssetService/ExportAssets",
    "/google.cloud.asset.v1.AssetService/GetFeed",
    "/google.cloud.asset.v1.AssetService/GetSavedQuery",
    "/google.cloud.asset.v1.AssetService/ListAssets",
    "/google.cloud.asset.v1.AssetService/ListFeeds",
    "/google.cloud.asset.v1.AssetService/ListSavedQueries",
    "/google.cloud.asset.v1.AssetService/QueryAssets",
    "/google.cloud.asset.v1.AssetService/SearchAllIamPolicies",
    "/google.cloud.asset.v1.AssetService/UpdateFeed",
    "/google.cloud.asset.v1.AssetService/UpdateSavedQuery",
];

pub fn register(registry: &mut Registry<Call>) {
    gcp_schema::services::cloudasset::register_asset_service(registry, &Arc::new(Search));
}
