//! What other services ask of Pub/Sub.

use std::ops::ControlFlow;

use gcp_schema::pubsub::{PubsubMessage, Topic};
use gcp_schema::services::pubsub::Publisher as _;

use super::PubSub;
use super::backlog;
use super::model::{self, SUBSCRIPTIONS, TOPICS};
use crate::doors::Project;
use crate::kernel::assets::{self, Asset};
use crate::kernel::due::Due;
use crate::kernel::{Call, Error, Result};

/// Without a key, if it is not there. What policy refuses comes back.
pub fn create_topic(call: &mut Call, project: &Project, topic: &str) -> Result<()> {
    let name = format!("projects/{}/topics/{topic}", project.id);
    if call.txn.has(&TOPICS, &name)? {
        return Ok(());
    }
    PubSub.create_topic(call, Topic { name, ..Topic::default() }).map(|_| ())
}

/// To those who subscribed, if the topic is there. A refusal becomes a note: what is announced has happened.
pub fn announce(call: &mut Call, project: &Project, topic: &str, data: Vec<u8>) -> Result<()> {
    let name = format!("projects/{}/topics/{topic}", project.id);
    if !call.txn.has(&TOPICS, &name)? {
        return Ok(());
    }
    let message = PubsubMessage { data: data.into(), ..PubsubMessage::default() };
    if let Err(refusal) = backlog::publish(call, &name, project, vec![message]) {
        call.notes.push(format!("topic {topic} was not told: {}", refusal.message()));
    }
    Ok(())
}

/// Up to `limit` topics or subscriptions, of one project or of all, from a name on.
pub fn assets(call: &Call, kind: &'static str, project: Option<&str>, from: &str, limit: usize) -> Result<Vec<Asset>> {
    let prefix = project.map_or_else(|| "projects/".to_owned(), |project| format!("projects/{project}/"));
    let mut found = Vec::new();
    let mut take = |name: &str, labels, keys| {
        let (project, id) = name.strip_prefix("projects/").and_then(|rest| rest.split_once('/')).unwrap_or_default();
        found.push(Asset {
            place: name.to_owned(),
            kind,
            name: format!("//pubsub.googleapis.com/{name}"),
            parent: format!("//cloudresourcemanager.googleapis.com/projects/{project}"),
            parent_kind: assets::PROJECT,
            project: project.to_owned(),
            display_name: id.rsplit('/').next().unwrap_or_default().to_owned(),
            location: "global".to_owned(),
            labels,
            keys,
            state: "ACTIVE".to_owned(),
            ..Asset::default()
        });
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    };
    if kind == assets::TOPIC {
        call.txn.each(&TOPICS, &prefix, from, |name, row| {
            take(name, row.labels, Some(row.kms_key_name).filter(|key| !key.is_empty()).into_iter().collect())
        })?;
    } else {
        call.txn.each(&SUBSCRIPTIONS, &prefix, from, |name, row| take(name, row.labels, Vec::new()))?;
    }
    Ok(found)
}

pub fn settle(_: &mut Call, due: &Due) -> Result<()> {
    Err(Error::internal(format!("Pub/Sub knows nothing of {}", due.kind)))
}

/// Whether a topic or subscription is there, by its canonical name.
pub fn exists(call: &mut Call, resource: &str) -> Result<bool> {
    if resource.contains("/topics/") { call.txn.has(&TOPICS, resource) } else { call.txn.has(&SUBSCRIPTIONS, resource) }
}

/// 404 unless the topic or subscription of a policy is there.
pub fn require_exists(call: &mut Call, resource: &str) -> Result<()> {
    if exists(call, resource)? { Ok(()) } else { Err(model::missing(resource)) }
}
