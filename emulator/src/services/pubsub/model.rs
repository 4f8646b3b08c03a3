//! Topics and subscriptions: their rows, their names, and what is said when they are not there.

use gcp_names::pubsub;
use gcp_schema::pubsub::{Subscription, Topic};

use crate::doors::{self, Project};
use crate::kernel::table::{TextRow, ids};
use crate::kernel::{Call, Error, Result, Table};

pub static TOPICS: Table<Topic> = Table::new(ids::PUBSUB);
pub static SUBSCRIPTIONS: Table<Subscription> = Table::new(ids::PUBSUB + 1);
/// `TOPIC\0SUBSCRIPTION`
pub static FANOUT: Table<TextRow> = Table::new(ids::PUBSUB + 2);
pub const DELETED_TOPIC: &str = "_deleted-topic_";

pub fn invalid_name(name: &str) -> Error {
    Error::invalid_argument(format!(
        "Invalid resource name given (name={name}). Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    ))
}

pub fn missing(name: &str) -> Error {
    Error::not_found(format!("Resource not found (resource={}).", name.rsplit('/').next().unwrap_or(name)))
}

pub fn exists_already(name: &str) -> Error {
    Error::already_exists(format!(
        "Resource already exists in the project (resource={}).",
        name.rsplit('/').next().unwrap_or(name)
    ))
}

/// The canonical name and the project, of a well-formed name.
pub fn parse(call: &mut Call, name: &str, collection: &str) -> Result<(String, Project)> {
    // The form first: a malformed name must not bring a project to life.
    let (project, id) = pubsub::parse(name, collection).ok_or_else(|| invalid_name(name))?;
    let project = doors::project(call, project)?;
    Ok((format!("projects/{}/{collection}/{id}", project.id), project))
}

pub fn topic(call: &Call, name: &str) -> Result<Topic> {
    call.txn.get(&TOPICS, name)?.ok_or_else(|| missing(name))
}

pub fn subscription(call: &Call, name: &str) -> Result<Subscription> {
    call.txn.get(&SUBSCRIPTIONS, name)?.ok_or_else(|| missing(name))
}

pub fn subscriptions_of(call: &Call, topic: &str) -> Result<Vec<String>> {
    let rows = call.txn.list(&FANOUT, &format!("{topic}\0"))?;
    Ok(rows.into_iter().map(|(_, row)| row.text).collect())
}
