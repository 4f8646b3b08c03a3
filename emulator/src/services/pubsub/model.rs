//! Topics, subscriptions and their backlogs.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gcp_names::pubsub;
use gcp_schema::pubsub::{PubsubMessage, ReceivedMessage, Subscription, Topic};
use prost::Message;

use super::keys;
use crate::doors::{self, Project};
use crate::kernel::table::{TextRow, ids};
use crate::kernel::{Call, Error, Result, Table, Time};

pub static TOPICS: Table<Topic> = Table::new(ids::PUBSUB);
pub static SUBSCRIPTIONS: Table<Subscription> = Table::new(ids::PUBSUB + 1);
/// `TOPIC\0SUBSCRIPTION`
pub static FANOUT: Table<TextRow> = Table::new(ids::PUBSUB + 2);
/// `SUBSCRIPTION\0SEQUENCE`
pub static BACKLOG: Table<MessageRow> = Table::new(ids::PUBSUB + 3);

pub const DELETED_TOPIC: &str = "_deleted-topic_";

/// A message that one subscription has not acknowledged.
#[derive(Clone, PartialEq, Message)]
pub struct MessageRow {
    /// Sealed under a data key of its publish call.
    #[prost(bytes = "bytes", tag = "1")]
    pub sealed: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub wrapped_key: Bytes,
    #[prost(string, tag = "3")]
    pub key_version: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub attributes: BTreeMap<String, String>,
    #[prost(string, tag = "5")]
    pub ordering_key: String,
    #[prost(string, tag = "6")]
    pub id: String,
    #[prost(int64, tag = "7")]
    pub published: i64,
    /// Not delivered again before this time.
    #[prost(int64, tag = "8")]
    pub until: i64,
    #[prost(uint32, tag = "9")]
    pub attempts: u32,
}

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
    let name = doors::canonical(call, name)?;
    let (project, _) = pubsub::parse(&name, collection).ok_or_else(|| invalid_name(&name))?;
    let project = doors::project(call, project)?;
    Ok((name, project))
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

fn backlog_key(subscription: &str, sequence: u64) -> String {
    format!("{subscription}\0{sequence:016}")
}

/// Seals the messages once and lays them into each subscription's backlog.
pub fn publish(call: &mut Call, name: &str, project: &Project, messages: Vec<PubsubMessage>) -> Result<Vec<String>> {
    let topic = topic(call, name)?;
    let data_key = keys::seal_key(call, project, &topic.kms_key_name)?;
    let subscriptions = subscriptions_of(call, name)?;
    let mut ids = Vec::with_capacity(messages.len());
    for message in messages {
        let sequence = call.count("messages")?;
        let id = (10_000_000 + sequence).to_string();
        if !subscriptions.is_empty() {
            let sealed = envelope::seal(&data_key.key, id.as_bytes(), &message.data)
                .map_err(|error| Error::internal(error.to_string()))?;
            let row = MessageRow {
                sealed: sealed.into(),
                wrapped_key: data_key.wrapped.clone(),
                key_version: data_key.version.clone(),
                attributes: message.attributes,
                ordering_key: message.ordering_key,
                id: id.clone(),
                published: call.now.0,
                until: 0,
                attempts: 0,
            };
            for subscription in &subscriptions {
                call.txn.put(&BACKLOG, &backlog_key(subscription, sequence), &row)?;
            }
        }
        ids.push(id);
    }
    call.after_commit(|kernel| kernel.changed.notify_waiters());
    Ok(ids)
}

/// What can be delivered now, marked as outstanding for the subscription's deadline.
pub fn pull(call: &mut Call, name: &str, project: &Project, max: usize, deadline: Option<i32>) -> Result<Vec<ReceivedMessage>> {
    let subscription = subscription(call, name)?;
    if subscription.detached {
        return Err(Error::failed_precondition(format!("The subscription {name} is detached from its topic.")));
    }
    let now = call.now.0;
    let mut ready: Vec<(String, MessageRow)> = Vec::new();
    let mut held: Vec<String> = Vec::new();
    call.txn.each(&BACKLOG, &format!("{name}\0"), "", |key, row: MessageRow| {
        let ordered = subscription.enable_message_ordering && !row.ordering_key.is_empty();
        if row.until > now || (ordered && held.contains(&row.ordering_key)) {
            // A later message of a key waits until the earlier ones are done.
            if ordered {
                held.push(row.ordering_key);
            }
            return Ok(ControlFlow::Continue(()));
        }
        ready.push((key.to_owned(), row));
        Ok(if ready.len() >= max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let seconds = deadline.unwrap_or(subscription.ack_deadline_seconds).max(1);
    let mut received = Vec::with_capacity(ready.len());
    let mut last: Option<(Bytes, envelope::Key)> = None;
    for (key, mut row) in ready {
        let data_key = match &last {
            Some((wrapped, key)) if *wrapped == row.wrapped_key => key.clone(),
            _ => {
                let key = keys::open_key(call, project, &row.key_version, &row.wrapped_key)?;
                last = Some((row.wrapped_key.clone(), key.clone()));
                key
            }
        };
        let data = envelope::open(&data_key, row.id.as_bytes(), &row.sealed)
            .map_err(|error| Error::internal(format!("a message does not open: {error}")))?;
        row.until = now + i64::from(seconds) * 1_000_000;
        row.attempts += 1;
        call.txn.put(&BACKLOG, &key, &row)?;
        let sequence = key.rsplit('\0').next().unwrap_or_default();
        received.push(ReceivedMessage {
            ack_id: URL_SAFE_NO_PAD.encode(format!("{sequence}.{}", row.attempts)),
            message: Some(PubsubMessage {
                data: data.into(),
                attributes: row.attributes,
                message_id: row.id,
                publish_time: Some(Time(row.published).to_proto()),
                ordering_key: row.ordering_key,
            }),
            delivery_attempt: 0,
        });
    }
    Ok(received)
}

fn parse_ack(ack_id: &str) -> Result<u64> {
    URL_SAFE_NO_PAD
        .decode(ack_id)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split_once('.').and_then(|(sequence, _)| sequence.parse().ok()))
        .ok_or_else(|| Error::invalid_argument(format!("You have passed an invalid ack ID to the service (ack_id={ack_id}).")))
}

pub fn acknowledge(call: &mut Call, name: &str, ack_ids: &[String]) -> Result<()> {
    for ack_id in ack_ids {
        let sequence = parse_ack(ack_id)?;
        call.txn.delete(&BACKLOG, &backlog_key(name, sequence))?;
    }
    // An ordered key may have more to deliver now.
    call.after_commit(|kernel| kernel.changed.notify_waiters());
    Ok(())
}

pub fn modify_deadline(call: &mut Call, name: &str, ack_ids: &[String], seconds: i32) -> Result<()> {
    for ack_id in ack_ids {
        let key = backlog_key(name, parse_ack(ack_id)?);
        if let Some(mut row) = call.txn.get(&BACKLOG, &key)? {
            row.until = if seconds == 0 { 0 } else { call.now.0 + i64::from(seconds) * 1_000_000 };
            call.txn.put(&BACKLOG, &key, &row)?;
        }
    }
    if seconds == 0 {
        call.after_commit(|kernel| kernel.changed.notify_waiters());
    }
    Ok(())
}

pub fn forget_backlog(call: &mut Call, subscription: &str) -> Result<()> {
    for (key, _) in call.txn.list(&BACKLOG, &format!("{subscription}\0"))? {
        call.txn.delete(&BACKLOG, &key)?;
    }
    Ok(())
}
