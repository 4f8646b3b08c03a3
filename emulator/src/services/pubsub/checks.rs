//! What a topic or a subscription may ask for, and what a mask may name.

use std::collections::BTreeMap;

use gcp_names::constraint::RESOURCE_LOCATIONS;
use gcp_schema::pubsub::{
    ExpirationPolicy, MessageStoragePolicy, PushConfig, Subscription, Topic, UpdateSubscriptionRequest,
    UpdateTopicRequest,
};
use prost_types::{Duration, FieldMask};

use super::filter::Filter;
use crate::doors::{self, Project};
use crate::kernel::{Call, Code, Error, Result, mask, time};

const DAY: i64 = 86_400;

pub fn unimplemented(what: &str) -> Error {
    Error::new(Code::Unimplemented, format!("{what} is not implemented by this emulator."))
}

/// The paths of an update, which must name something.
fn paths(update_mask: Option<&FieldMask>, request: &str) -> Result<Vec<String>> {
    let paths = mask::paths(update_mask);
    if paths.is_empty() {
        return Err(Error::invalid_argument(format!(
            "The update_mask in the {request} must be set, and must contain a non-empty paths list."
        )));
    }
    Ok(paths)
}

pub fn topic_paths(request: &UpdateTopicRequest) -> Result<Vec<String>> {
    paths(request.update_mask.as_ref(), "UpdateTopicRequest")
}

pub fn subscription_paths(request: &UpdateSubscriptionRequest) -> Result<Vec<String>> {
    paths(request.update_mask.as_ref(), "UpdateSubscriptionRequest")
}

/// Why a mask may not name this path of `kind` (`Topic`, `Subscription`): it is no field, or one that does not change.
pub fn bad_path(kind: &str, path: &str) -> Error {
    let message = gcp_schema::message(&format!("google.pubsub.v1.{kind}"));
    let why = if message.is_some_and(|message| message.get_field_by_name(path).is_some()) {
        format!("the '{path}' field in the {kind} is not mutable.")
    } else {
        format!(
            "{path} is not a known {kind} field. Note that field paths must be of the form 'schema_settings' rather than 'schemaSetings'."
        )
    };
    Error::invalid_argument(format!("Invalid update_mask provided in the Update{kind}Request: {why}"))
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<()> {
    let invalid = |what: String| {
        Err(Error::invalid_argument(format!(
            "You have passed an invalid argument to the service (argument=Invalid labels: Invalid field \"labels\"; {what})."
        )))
    };
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || c == '-' || c == '_';
    if labels.len() > 64 {
        return invalid(format!("{} labels are more than 64", labels.len()));
    }
    for (key, value) in labels {
        let form = "\"[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}\"";
        let first = key.chars().next();
        if let Some(first) = first.filter(|first| !first.is_alphabetic() || first.is_uppercase()) {
            return invalid(format!(
                "key \"{key}\" does not conform to regular expression {form}; first character \"{first}\" is not a non-uppercased letter (Unicode character class Ll or Lo)"
            ));
        }
        if first.is_none() || key.chars().count() > 63 || !key.chars().all(fits) {
            return invalid(format!("key \"{key}\" does not conform to regular expression {form}"));
        }
        if value.chars().count() > 63 || !value.chars().all(fits) {
            return invalid(format!(
                "value \"{value}\" does not conform to regular expression \"[\\p{{Ll}}\\p{{Lo}}\\p{{N}}_-]{{0,63}}\""
            ));
        }
    }
    Ok(())
}

/// As Pub/Sub prints a duration.
fn text_of(given: &Duration) -> String {
    match given.seconds {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn check_duration(what: &str, given: Option<&Duration>, least: i64, most: i64, bounds: &str) -> Result<()> {
    match given {
        Some(given)
            if !time::is_duration(given) || given.seconds < least || (given.seconds, given.nanos) > (most, 0) =>
        {
            Err(Error::invalid_argument(format!(
                "The value for {what} is out of bounds. You passed {} in the request, but the value must be {bounds}.",
                text_of(given)
            )))
        }
        _ => Ok(()),
    }
}

fn check_retention(retention: Option<&Duration>) -> Result<()> {
    check_duration("message retention duration", retention, 600, 31 * DAY, "between 10m and 744h")
}

pub fn topic(topic: &Topic) -> Result<()> {
    check_labels(&topic.labels)?;
    check_retention(topic.message_retention_duration.as_ref())?;
    if topic.schema_settings.is_some() {
        return Err(unimplemented("A topic with a schema"));
    }
    if topic.ingestion_data_source_settings.is_some() || !topic.message_transforms.is_empty() {
        return Err(unimplemented("A topic with ingestion or transforms"));
    }
    Ok(())
}

/// Where a topic's messages may lie: as asked, in places that policy allows, or where it allows if nothing is asked.
pub fn storage_policy(
    call: &mut Call,
    project: &Project,
    asked: Option<MessageStoragePolicy>,
    operation: &str,
) -> Result<Option<MessageStoragePolicy>> {
    let Some(allowed) = doors::allowed_regions(call, &project.id)? else { return Ok(asked) };
    let refused = |value: &str| Err(doors::policy_violation(RESOURCE_LOCATIONS, &project.id, operation, value));
    match asked {
        Some(asked) => match asked.allowed_persistence_regions.iter().find(|region| !allowed.contains(region)) {
            Some(region) => refused(region),
            None => Ok(Some(asked)),
        },
        // A topic is everywhere, unless it is said where.
        None if allowed.is_empty() => refused("global"),
        None => {
            Ok(Some(MessageStoragePolicy { allowed_persistence_regions: allowed, ..MessageStoragePolicy::default() }))
        }
    }
}

pub fn push(push: Option<&PushConfig>) -> Result<()> {
    match push.map_or("", |push| push.push_endpoint.as_str()) {
        "" => Ok(()),
        endpoint if endpoint.starts_with("https://") => Err(unimplemented("Push delivery")),
        endpoint => Err(Error::invalid_argument(format!(
            "Invalid push endpoint given (endpoint={endpoint}). Refer to https://cloud.google.com/pubsub/subscriber#create for more information."
        ))),
    }
}

pub fn ack_deadline(deadline: i32) -> Result<()> {
    if (10..=600).contains(&deadline) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "Invalid ack deadline given (ack_deadline={deadline}). The ack deadline must be between 10 and 600 seconds."
    )))
}

/// Of an outstanding message: zero gives it back.
pub fn new_deadline(seconds: i32) -> Result<()> {
    if (0..=600).contains(&seconds) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "Invalid ack deadline given (ack_deadline={seconds}). The ack deadline must be between 0 and 600 seconds."
    )))
}

/// Fills in what production fills in, and checks the whole.
pub fn complete(subscription: &mut Subscription) -> Result<()> {
    if subscription.ack_deadline_seconds == 0 {
        subscription.ack_deadline_seconds = 10;
    }
    subscription.push_config.get_or_insert_with(PushConfig::default);
    subscription.message_retention_duration.get_or_insert(Duration { seconds: 7 * DAY, nanos: 0 });
    subscription
        .expiration_policy
        .get_or_insert(ExpirationPolicy { ttl: Some(Duration { seconds: 31 * DAY, nanos: 0 }) });
    check_labels(&subscription.labels)?;
    check_retention(subscription.message_retention_duration.as_ref())?;
    ack_deadline(subscription.ack_deadline_seconds)?;
    let ttl = subscription.expiration_policy.as_ref().and_then(|policy| policy.ttl.as_ref());
    check_duration("expiration policy ttl", ttl, DAY, i64::MAX, "at least 24h")?;
    for backoff in
        subscription.retry_policy.iter().flat_map(|policy| [&policy.minimum_backoff, &policy.maximum_backoff])
    {
        check_duration("retry policy backoff", backoff.as_ref(), 0, 600, "between 0s and 600s")?;
    }
    push(subscription.push_config.as_ref())?;
    if subscription.bigquery_config.is_some()
        || subscription.cloud_storage_config.is_some()
        || subscription.bigtable_config.is_some()
    {
        return Err(unimplemented("Delivery to BigQuery, Bigtable or Cloud Storage"));
    }
    if subscription.dead_letter_policy.is_some() {
        return Err(unimplemented("A dead letter policy"));
    }
    if !subscription.message_transforms.is_empty() {
        return Err(unimplemented("A subscription with transforms"));
    }
    Filter::parse(&subscription.filter).map(drop)
}
