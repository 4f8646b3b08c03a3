//! What subscriptions have not acknowledged: each message sealed once, and for each subscription where it stands.
//!
//! A message is ready, outstanding until a deadline, or waiting behind an earlier one of its ordering key. Each state is
//! a table of its own, so that neither a publish nor a pull walks past what it does not want.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gcp_schema::pubsub::{PubsubMessage, ReceivedMessage, Subscription};
use prost::Message;

use super::filter::Filter;
use super::{keys, model};
use crate::doors::{self, Project};
use crate::kernel::table::{NumberRow, TextRow, ids};
use crate::kernel::time::{SECOND, micros_of};
use crate::kernel::txn::Txn;
use crate::kernel::{Call, Error, Result, Table, Time};

/// `SUBSCRIPTION\0SEQUENCE`
static READY: Table<EntryRow> = Table::new(ids::PUBSUB + 3);
/// `SUBSCRIPTION\0SEQUENCE`
static OUTSTANDING: Table<EntryRow> = Table::new(ids::PUBSUB + 4);
/// `SUBSCRIPTION\0DEADLINE\0SEQUENCE`
static DEADLINES: Table<TextRow> = Table::new(ids::PUBSUB + 5);
/// `SUBSCRIPTION\0ORDERING_KEY\0SEQUENCE`
static WAITING: Table<EntryRow> = Table::new(ids::PUBSUB + 6);
/// `SUBSCRIPTION\0ORDERING_KEY`: how many messages of the key there are; all but the first of them wait.
static CHAINS: Table<NumberRow> = Table::new(ids::PUBSUB + 7);
/// `SEQUENCE`
static MESSAGES: Table<MessageRow> = Table::new(ids::PUBSUB + 8);
/// `SEQUENCE`: how many subscriptions hold the message, where it is more than one.
static HOLDERS: Table<NumberRow> = Table::new(ids::PUBSUB + 9);
/// The last sequence number given out, under the empty name.
static LAST: Table<NumberRow> = Table::new(ids::PUBSUB + 10);

/// Ids are numbers of eight digits and more, as clients are used to.
const FIRST_ID: u64 = 10_000_000;
/// How much one pull hands out, if its first message is not larger.
const PULL_BYTES: usize = 8 << 20;
/// How many passed deadlines one pull looks after.
const LAPSED: usize = 1000;

#[derive(Clone, PartialEq, Message)]
struct MessageRow {
    /// Sealed under the data key of its publish call.
    #[prost(bytes = "bytes", tag = "1")]
    sealed: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    wrapped_key: Bytes,
    #[prost(string, tag = "3")]
    key_version: String,
    #[prost(btree_map = "string, string", tag = "4")]
    attributes: BTreeMap<String, String>,
    #[prost(string, tag = "5")]
    ordering_key: String,
    /// The project of the topic, whose agent unwraps the key.
    #[prost(string, tag = "6")]
    project: String,
    #[prost(int64, tag = "7")]
    published: i64,
}

/// A message as one subscription sees it.
#[derive(Clone, PartialEq, Message)]
struct EntryRow {
    #[prost(int64, tag = "1")]
    published: i64,
    /// Empty where the subscription does not keep the order.
    #[prost(string, tag = "2")]
    chain: String,
    #[prost(uint32, tag = "3")]
    attempts: u32,
    #[prost(int64, tag = "4")]
    deadline: i64,
}

fn key(subscription: &str, sequence: u64) -> String {
    format!("{subscription}\0{sequence:016}")
}

fn deadline_key(subscription: &str, deadline: i64, sequence: u64) -> String {
    format!("{subscription}\0{deadline:020}\0{sequence:016}")
}

fn chain_key(subscription: &str, chain: &str) -> String {
    format!("{subscription}\0{chain}")
}

fn waiting_key(subscription: &str, chain: &str, sequence: u64) -> String {
    format!("{subscription}\0{chain}\0{sequence:016}")
}

fn sequence_of(key: &str) -> Result<u64> {
    let last = key.rsplit('\0').next().unwrap_or_default();
    last.parse().map_err(|_| Error::internal(format!("a backlog holds {key:?}")))
}

/// Seals the messages and lays them into the backlog of each subscription that wants them.
pub fn publish(call: &mut Call, topic: &str, project: &Project, messages: Vec<PubsubMessage>) -> Result<Vec<String>> {
    let data_key = keys::seal_key(call, project, &model::topic(call, topic)?.kms_key_name)?;
    let mut readers: Vec<(Subscription, Option<Filter>)> = Vec::new();
    for name in model::subscriptions_of(call, topic)? {
        let subscription = model::subscription(call, &name)?;
        let filter = Filter::parse(&subscription.filter)?;
        readers.push((subscription, filter));
    }
    let mut sequence = call.txn.get(&LAST, "")?.map_or(0, |row| row.number);
    let mut ids = Vec::with_capacity(messages.len());
    for message in messages {
        sequence += 1;
        let id = (FIRST_ID + sequence).to_string();
        let mut holders = 0;
        for (subscription, filter) in &readers {
            if filter.as_ref().is_none_or(|filter| filter.wants(&message.attributes)) {
                holders += 1;
                lay(call, subscription, sequence, &message.ordering_key)?;
            }
        }
        if holders > 0 {
            let sealed = envelope::seal(&data_key.key, id.as_bytes(), &message.data)
                .map_err(|error| Error::internal(error.to_string()))?;
            let row = MessageRow {
                sealed: sealed.into(),
                wrapped_key: data_key.wrapped.clone(),
                key_version: data_key.version.clone(),
                attributes: message.attributes,
                ordering_key: message.ordering_key,
                project: project.id.clone(),
                published: call.now.0,
            };
            call.txn.put(&MESSAGES, &format!("{sequence:016}"), &row)?;
        }
        if holders > 1 {
            call.txn.put(&HOLDERS, &format!("{sequence:016}"), &NumberRow { number: holders })?;
        }
        ids.push(id);
    }
    call.txn.put(&LAST, "", &NumberRow { number: sequence })?;
    wake(call);
    Ok(ids)
}

/// Streams that wait look again after the commit.
fn wake(call: &mut Call) {
    call.after_commit(|kernel| kernel.changed.notify_waiters());
}

fn lay(call: &mut Call, subscription: &Subscription, sequence: u64, ordering_key: &str) -> Result<()> {
    let mut entry = EntryRow { published: call.now.0, ..EntryRow::default() };
    if !subscription.enable_message_ordering || ordering_key.is_empty() {
        return call.txn.put(&READY, &key(&subscription.name, sequence), &entry);
    }
    // Any text can be an ordering key; in a row's name it must not hold what separates the parts.
    entry.chain = URL_SAFE_NO_PAD.encode(ordering_key);
    let chain = chain_key(&subscription.name, &entry.chain);
    let before = call.txn.get(&CHAINS, &chain)?.map_or(0, |row| row.number);
    call.txn.put(&CHAINS, &chain, &NumberRow { number: before + 1 })?;
    if before == 0 {
        call.txn.put(&READY, &key(&subscription.name, sequence), &entry)
    } else {
        call.txn.put(&WAITING, &waiting_key(&subscription.name, &entry.chain, sequence), &entry)
    }
}

/// Whether a pull would find something now. For streams, which look often.
pub fn has_ready(txn: &Txn, subscription: &str, now: Time) -> Result<bool> {
    let prefix = format!("{subscription}\0");
    let mut found = false;
    txn.each(&READY, &prefix, "", |_, _| {
        found = true;
        Ok(ControlFlow::Break(()))
    })?;
    if !found {
        txn.each(&DEADLINES, &prefix, "", |name, _| {
            found = name < deadline_key(subscription, now.0 + 1, 0).as_str();
            Ok(ControlFlow::Break(()))
        })?;
    }
    Ok(found)
}

/// Whether a delivery is still neither acknowledged nor overdue.
pub fn is_outstanding(txn: &Txn, subscription: &str, ack_id: &str, now: Time) -> Result<bool> {
    let (sequence, attempt) = parse_ack(ack_id)?;
    let row = txn.get(&OUTSTANDING, &key(subscription, sequence))?;
    Ok(row.is_some_and(|row| row.attempts == attempt && row.deadline > now.0))
}

/// Makes ready again what was not acknowledged in time.
fn lapse(call: &mut Call, subscription: &str) -> Result<()> {
    let end = deadline_key(subscription, call.now.0 + 1, 0);
    let mut lapsed = Vec::new();
    call.txn.each(&DEADLINES, &format!("{subscription}\0"), "", |name, _| {
        if name >= end.as_str() || lapsed.len() == LAPSED {
            return Ok(ControlFlow::Break(()));
        }
        lapsed.push(sequence_of(name)?);
        Ok(ControlFlow::Continue(()))
    })?;
    for sequence in lapsed {
        if let Some(entry) = take_outstanding(call, subscription, sequence)? {
            call.txn.put(&READY, &key(subscription, sequence), &entry)?;
        }
    }
    Ok(())
}

fn take_outstanding(call: &mut Call, subscription: &str, sequence: u64) -> Result<Option<EntryRow>> {
    let key = key(subscription, sequence);
    let Some(entry) = call.txn.get(&OUTSTANDING, &key)? else { return Ok(None) };
    call.txn.delete(&OUTSTANDING, &key)?;
    call.txn.delete(&DEADLINES, &deadline_key(subscription, entry.deadline, sequence))?;
    Ok(Some(entry))
}

/// What can be delivered now, outstanding from now on for `seconds` or the subscription's deadline.
pub fn pull(call: &mut Call, name: &str, max: usize, seconds: Option<i32>) -> Result<Vec<ReceivedMessage>> {
    let subscription = model::subscription(call, name)?;
    if subscription.detached {
        return Err(Error::failed_precondition(format!("The subscription {name} is detached from its topic.")));
    }
    lapse(call, name)?;
    let mut opener = Opener::default();
    let kept_since = call.now.0 - subscription.message_retention_duration.as_ref().map_or(i64::MAX / 2, micros_of);
    let deadline = call.now.0 + i64::from(seconds.unwrap_or(subscription.ack_deadline_seconds).max(1)) * SECOND;
    let mut received: Vec<ReceivedMessage> = Vec::new();
    let mut bytes = 0;
    while received.is_empty() {
        let batch = ready(call, name, max)?;
        if batch.is_empty() {
            break;
        }
        for (sequence, mut entry) in batch {
            if entry.published <= kept_since {
                done(call, name, sequence, &entry)?;
                continue;
            }
            if bytes >= PULL_BYTES {
                break;
            }
            let message = match opener.open(call, sequence) {
                Ok(message) => message,
                // What came before it can be had; the next pull says why this one cannot.
                Err(_) if !received.is_empty() => break,
                Err(refusal) => return Err(refusal),
            };
            bytes += message.encoded_len();
            entry.attempts += 1;
            entry.deadline = deadline;
            call.txn.delete(&READY, &key(name, sequence))?;
            call.txn.put(&OUTSTANDING, &key(name, sequence), &entry)?;
            call.txn.put(&DEADLINES, &deadline_key(name, deadline, sequence), &TextRow::default())?;
            received.push(ReceivedMessage {
                ack_id: URL_SAFE_NO_PAD.encode(format!("{sequence}.{}", entry.attempts)),
                message: Some(message),
                // Counted only where a dead letter policy asks for it, which the emulator does not take.
                delivery_attempt: 0,
            });
        }
    }
    Ok(received)
}

fn ready(call: &Call, subscription: &str, max: usize) -> Result<Vec<(u64, EntryRow)>> {
    let mut found = Vec::new();
    call.txn.each(&READY, &format!("{subscription}\0"), "", |name, entry| {
        found.push((sequence_of(name)?, entry));
        Ok(if found.len() >= max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

/// Opens messages, unwrapping a data key once for all that were published together.
#[derive(Default)]
struct Opener {
    last: Option<(Bytes, envelope::Key)>,
}

impl Opener {
    fn open(&mut self, call: &mut Call, sequence: u64) -> Result<PubsubMessage> {
        let row = call
            .txn
            .get(&MESSAGES, &format!("{sequence:016}"))?
            .ok_or_else(|| Error::internal(format!("message {sequence} is missing")))?;
        let id = (FIRST_ID + sequence).to_string();
        let data_key = match &self.last {
            Some((wrapped, key)) if *wrapped == row.wrapped_key => key.clone(),
            _ => {
                let project = doors::project(call, &row.project)?;
                keys::open_key(call, &project, &row.key_version, &row.wrapped_key)?
            }
        };
        let data = envelope::open(&data_key, id.as_bytes(), &row.sealed)
            .map_err(|error| Error::internal(format!("a message does not open: {error}")))?;
        self.last = Some((row.wrapped_key, data_key));
        Ok(PubsubMessage {
            data: data.into(),
            attributes: row.attributes,
            message_id: id,
            publish_time: Some(Time(row.published).to_proto()),
            ordering_key: row.ordering_key,
        })
    }
}

fn parse_ack(ack_id: &str) -> Result<(u64, u32)> {
    URL_SAFE_NO_PAD
        .decode(ack_id)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (sequence, attempt) = text.split_once('.')?;
            Some((sequence.parse().ok()?, attempt.parse().ok()?))
        })
        .ok_or_else(|| {
            Error::invalid_argument(format!("You have passed an invalid ack ID to the service (ack_id={ack_id})."))
        })
}

/// A late acknowledgement counts too, as in production: the message may have been delivered again meanwhile.
pub fn acknowledge(call: &mut Call, name: &str, ack_ids: &[String]) -> Result<()> {
    let mut sequences = Vec::with_capacity(ack_ids.len());
    for ack_id in ack_ids {
        sequences.push(parse_ack(ack_id)?.0);
    }
    for sequence in sequences {
        let outstanding = take_outstanding(call, name, sequence)?;
        let entry = match outstanding {
            Some(entry) => Some(entry),
            None => call.txn.get(&READY, &key(name, sequence))?,
        };
        if let Some(entry) = entry {
            done(call, name, sequence, &entry)?;
        }
    }
    wake(call);
    Ok(())
}

/// Takes a message that was ready or outstanding out of a subscription's backlog; the next of its ordering key follows.
fn done(call: &mut Call, name: &str, sequence: u64, entry: &EntryRow) -> Result<()> {
    call.txn.delete(&READY, &key(name, sequence))?;
    release(call, sequence)?;
    if entry.chain.is_empty() {
        return Ok(());
    }
    let chain = chain_key(name, &entry.chain);
    let left = call.txn.get(&CHAINS, &chain)?.map_or(0, |row| row.number).saturating_sub(1);
    if left == 0 {
        return call.txn.delete(&CHAINS, &chain);
    }
    call.txn.put(&CHAINS, &chain, &NumberRow { number: left })?;
    let mut next = None;
    call.txn.each(&WAITING, &format!("{chain}\0"), "", |waiting, row| {
        next = Some((waiting.to_owned(), row));
        Ok(ControlFlow::Break(()))
    })?;
    let Some((waiting, row)) = next else { return Err(Error::internal("an ordering key has lost its messages")) };
    call.txn.delete(&WAITING, &waiting)?;
    call.txn.put(&READY, &key(name, sequence_of(&waiting)?), &row)
}

/// One subscription fewer holds the message; the last one takes it along.
fn release(call: &mut Call, sequence: u64) -> Result<()> {
    let name = format!("{sequence:016}");
    match call.txn.get(&HOLDERS, &name)? {
        Some(row) if row.number > 2 => call.txn.put(&HOLDERS, &name, &NumberRow { number: row.number - 1 }),
        Some(_) => call.txn.delete(&HOLDERS, &name),
        None => call.txn.delete(&MESSAGES, &name),
    }
}

/// Zero seconds give the message back at once. What was acknowledged or delivered again is left alone.
pub fn modify_deadline(call: &mut Call, name: &str, ack_ids: &[String], seconds: i32) -> Result<()> {
    for ack_id in ack_ids {
        let (sequence, attempt) = parse_ack(ack_id)?;
        if call.txn.get(&OUTSTANDING, &key(name, sequence))?.is_none_or(|entry| entry.attempts != attempt) {
            continue;
        }
        let Some(mut entry) = take_outstanding(call, name, sequence)? else { continue };
        if seconds == 0 {
            call.txn.put(&READY, &key(name, sequence), &entry)?;
        } else {
            entry.deadline = call.now.0 + i64::from(seconds) * SECOND;
            call.txn.put(&OUTSTANDING, &key(name, sequence), &entry)?;
            call.txn.put(&DEADLINES, &deadline_key(name, entry.deadline, sequence), &TextRow::default())?;
        }
    }
    if seconds == 0 {
        wake(call);
    }
    Ok(())
}

/// Drops what was published before `time`: what a seek forward means. A seek back brings nothing, for nothing that was
/// acknowledged is retained.
pub fn seek(call: &mut Call, name: &str, time: Time) -> Result<()> {
    let prefix = format!("{name}\0");
    // Those that wait first, so that none of them is moved up on the way.
    for (waiting, entry) in call.txn.list(&WAITING, &prefix)? {
        if entry.published < time.0 {
            call.txn.delete(&WAITING, &waiting)?;
            release(call, sequence_of(&waiting)?)?;
            let chain = chain_key(name, &entry.chain);
            let left = call.txn.get(&CHAINS, &chain)?.map_or(0, |row| row.number).saturating_sub(1);
            call.txn.put(&CHAINS, &chain, &NumberRow { number: left })?;
        }
    }
    for table in [&READY, &OUTSTANDING] {
        for (key, entry) in call.txn.list(table, &prefix)? {
            if entry.published < time.0 {
                let sequence = sequence_of(&key)?;
                take_outstanding(call, name, sequence)?;
                done(call, name, sequence, &entry)?;
            }
        }
    }
    wake(call);
    Ok(())
}

/// Everything that a subscription held.
pub fn forget(call: &mut Call, subscription: &str) -> Result<()> {
    let prefix = format!("{subscription}\0");
    for table in [&READY, &OUTSTANDING, &WAITING] {
        for (name, _) in call.txn.list(table, &prefix)? {
            release(call, sequence_of(&name)?)?;
            call.txn.delete(table, &name)?;
        }
    }
    for (name, _) in call.txn.list(&DEADLINES, &prefix)? {
        call.txn.delete(&DEADLINES, &name)?;
    }
    for (name, _) in call.txn.list(&CHAINS, &prefix)? {
        call.txn.delete(&CHAINS, &name)?;
    }
    wake(call);
    Ok(())
}

/// How many messages lie in the store.
#[cfg(test)]
pub fn stored(txn: &Txn) -> Result<usize> {
    Ok(txn.list(&MESSAGES, "")?.len())
}
