//! What other services ask of Pub/Sub.

use gcp_schema::pubsub::{PubsubMessage, Topic};
use gcp_schema::services::pubsub::Publisher as _;

use super::PubSub;
use super::backlog;
use super::model::{self, SUBSCRIPTIONS, TOPICS};
use crate::doors::Project;
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
