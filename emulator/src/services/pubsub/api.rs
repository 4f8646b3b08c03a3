//! Pub/Sub v1: topics, subscriptions, publish, pull.

use gcp_schema::pubsub::{
    AcknowledgeRequest, DeleteSubscriptionRequest, DeleteTopicRequest, DetachSubscriptionRequest,
    DetachSubscriptionResponse, ExpirationPolicy, GetSubscriptionRequest, GetTopicRequest, ListSubscriptionsRequest,
    ListSubscriptionsResponse, ListTopicSnapshotsRequest, ListTopicSnapshotsResponse, ListTopicSubscriptionsRequest,
    ListTopicSubscriptionsResponse, ListTopicsRequest, ListTopicsResponse, ModifyAckDeadlineRequest,
    ModifyPushConfigRequest, PublishRequest, PublishResponse, PullRequest, PullResponse, PushConfig, SeekRequest,
    SeekResponse, Subscription, Topic, UpdateSubscriptionRequest, UpdateTopicRequest, seek_request, subscription,
};
use gcp_schema::services::pubsub::{Publisher, Subscriber};

use super::filter::Filter;
use super::model::{self, DELETED_TOPIC, FANOUT, SUBSCRIPTIONS, TOPICS};
use super::{PubSub, backlog, keys};
use crate::doors;
use crate::kernel::table::TextRow;
use crate::kernel::{Call, Code, Error, Result, Time, mask, paging};

const CREATE: &str = "google.pubsub.v1.Publisher.CreateTopic";
const UPDATE: &str = "google.pubsub.v1.Publisher.UpdateTopic";

fn unimplemented(what: &str) -> Error {
    Error::new(Code::Unimplemented, format!("{what} is not implemented by this emulator."))
}

fn check_labels(labels: &std::collections::BTreeMap<String, String>) -> Result<()> {
    for key in labels.keys() {
        let first = key.chars().next().unwrap_or('?');
        if !first.is_lowercase() {
            return Err(Error::invalid_argument(format!(
                "You have passed an invalid argument to the service (argument=Invalid labels: Invalid field \"labels\"; key \"{key}\" does not conform to regular expression \"[\\p{{Ll}}\\p{{Lo}}][\\p{{Ll}}\\p{{Lo}}\\p{{N}}_-]{{0,62}}\"; first character \"{first}\" is not a non-uppercased letter (Unicode character class Ll or Lo))."
            )));
        }
    }
    Ok(())
}

/// 10 minutes to 31 days, in Pub/Sub's words.
fn check_retention(retention: Option<&prost_types::Duration>) -> Result<()> {
    match retention {
        Some(given) if !(600..=2_678_400).contains(&given.seconds) => {
            let text = if given.seconds % 3600 == 0 && given.seconds > 0 {
                format!("{}h", given.seconds / 3600)
            } else if given.seconds % 60 == 0 {
                format!("{}m", given.seconds / 60)
            } else {
                format!("{}s", given.seconds)
            };
            Err(Error::invalid_argument(format!(
                "The value for message retention duration is out of bounds. You passed {text} in the request, but the value must be between 10m and 744h."
            )))
        }
        _ => Ok(()),
    }
}

fn check_topic(topic: &Topic) -> Result<()> {
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

fn bad_mask(request: &str, field: &str, what: &str) -> Error {
    Error::invalid_argument(format!(
        "Invalid update_mask provided in the {request}: {field} is not a known {what} field. Note that field paths must be of the form 'schema_settings' rather than 'schemaSetings'."
    ))
}

fn project_prefix(call: &mut Call, project: &str, collection: &str) -> Result<String> {
    let id = project.strip_prefix("projects/").ok_or_else(|| model::invalid_name(project))?;
    Ok(format!("projects/{}/{collection}/", doors::project(call, id)?.id))
}

impl Publisher<Call> for PubSub {
    fn create_topic(&self, call: &mut Call, mut request: Topic) -> Result<Topic> {
        let (name, project) = model::parse(call, &request.name, "topics")?;
        check_topic(&request)?;
        if call.txn.has(&TOPICS, &name)? {
            return Err(model::exists_already(&name));
        }
        keys::check(call, &project, &request.kms_key_name, CREATE)?;
        request.name.clone_from(&name);
        request.state = 0;
        call.txn.put(&TOPICS, &name, &request)?;
        Ok(request)
    }

    fn update_topic(&self, call: &mut Call, request: UpdateTopicRequest) -> Result<Topic> {
        let wanted = request.topic.unwrap_or_default();
        let (name, project) = model::parse(call, &wanted.name, "topics")?;
        let mut topic = model::topic(call, &name)?;
        let paths = mask::paths(request.update_mask.as_ref());
        if paths.is_empty() {
            return Err(Error::invalid_argument(
                "Invalid update_mask provided in the UpdateTopicRequest: it must name at least one field.",
            ));
        }
        for path in &paths {
            match path.as_str() {
                "labels" => topic.labels.clone_from(&wanted.labels),
                // Clearing what is not set is no removal: nothing for policy to refuse.
                "kms_key_name" if wanted.kms_key_name.is_empty() && topic.kms_key_name.is_empty() => {}
                "kms_key_name" => {
                    keys::check(call, &project, &wanted.kms_key_name, UPDATE)?;
                    topic.kms_key_name.clone_from(&wanted.kms_key_name);
                }
                "message_retention_duration" => topic.message_retention_duration = wanted.message_retention_duration,
                "message_storage_policy" => topic.message_storage_policy.clone_from(&wanted.message_storage_policy),
                "name" => {
                    return Err(Error::invalid_argument(
                        "Invalid update_mask provided in the UpdateTopicRequest: the 'name' field in the Topic is not mutable.",
                    ));
                }
                other => return Err(bad_mask("UpdateTopicRequest", other, "Topic")),
            }
        }
        check_topic(&topic)?;
        call.txn.put(&TOPICS, &name, &topic)?;
        Ok(topic)
    }

    fn publish(&self, call: &mut Call, request: PublishRequest) -> Result<PublishResponse> {
        let (name, project) = model::parse(call, &request.topic, "topics")?;
        let count = request.messages.len();
        if count == 0 {
            return Err(Error::invalid_argument(
                "The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.",
            ));
        }
        if count > 1000 {
            return Err(Error::invalid_argument(format!(
                "The value for message_count is too large. You passed {count} in the request, but the maximum value is 1000."
            )));
        }
        let size: usize = request.messages.iter().map(prost::Message::encoded_len).sum();
        if size > 10_000_000 {
            return Err(Error::invalid_argument(format!(
                "The value for request_size is too large. You passed {size} in the request, but the maximum value is 10000000."
            )));
        }
        if request.messages.iter().any(|message| message.data.is_empty() && message.attributes.is_empty()) {
            return Err(Error::invalid_argument(
                "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.",
            ));
        }
        Ok(PublishResponse { message_ids: backlog::publish(call, &name, &project, request.messages)? })
    }

    fn get_topic(&self, call: &mut Call, request: GetTopicRequest) -> Result<Topic> {
        let (name, _) = model::parse(call, &request.topic, "topics")?;
        model::topic(call, &name)
    }

    fn list_topics(&self, call: &mut Call, request: ListTopicsRequest) -> Result<ListTopicsResponse> {
        let prefix = project_prefix(call, &request.project, "topics")?;
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = paging::page(&call.txn, &TOPICS, &prefix, size, &request.page_token, |_, topic| Ok(Some(topic)))?;
        Ok(ListTopicsResponse { topics: page.items, next_page_token: page.next_token })
    }

    fn list_topic_subscriptions(
        &self,
        call: &mut Call,
        request: ListTopicSubscriptionsRequest,
    ) -> Result<ListTopicSubscriptionsResponse> {
        let (name, _) = model::parse(call, &request.topic, "topics")?;
        model::topic(call, &name)?;
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = paging::page(&call.txn, &FANOUT, &format!("{name}\0"), size, &request.page_token, |_, row| {
            Ok(Some(row.text))
        })?;
        Ok(ListTopicSubscriptionsResponse { subscriptions: page.items, next_page_token: page.next_token })
    }

    fn list_topic_snapshots(
        &self,
        call: &mut Call,
        request: ListTopicSnapshotsRequest,
    ) -> Result<ListTopicSnapshotsResponse> {
        let (name, _) = model::parse(call, &request.topic, "topics")?;
        model::topic(call, &name)?;
        Ok(ListTopicSnapshotsResponse::default())
    }

    fn delete_topic(&self, call: &mut Call, request: DeleteTopicRequest) -> Result<()> {
        let (name, _) = model::parse(call, &request.topic, "topics")?;
        model::topic(call, &name)?;
        for subscription in model::subscriptions_of(call, &name)? {
            let mut row = model::subscription(call, &subscription)?;
            DELETED_TOPIC.clone_into(&mut row.topic);
            call.txn.put(&SUBSCRIPTIONS, &subscription, &row)?;
            call.txn.delete(&FANOUT, &format!("{name}\0{subscription}"))?;
        }
        call.txn.delete(&TOPICS, &name)?;
        doors::forget_policy(call, &name)
    }

    fn detach_subscription(
        &self,
        call: &mut Call,
        request: DetachSubscriptionRequest,
    ) -> Result<DetachSubscriptionResponse> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        let mut row = model::subscription(call, &name)?;
        row.detached = true;
        call.txn.delete(&FANOUT, &format!("{}\0{name}", row.topic))?;
        call.txn.put(&SUBSCRIPTIONS, &name, &row)?;
        backlog::forget(call, &name)?;
        Ok(DetachSubscriptionResponse {})
    }
}

fn check_push(push: Option<&PushConfig>) -> Result<()> {
    match push.map_or("", |push| push.push_endpoint.as_str()) {
        "" => Ok(()),
        endpoint if endpoint.starts_with("https://") => Err(unimplemented("Push delivery")),
        endpoint => Err(Error::invalid_argument(format!(
            "Invalid push endpoint given (endpoint={endpoint}). Refer to https://cloud.google.com/pubsub/subscriber#create for more information."
        ))),
    }
}

fn check_subscription(subscription: &Subscription) -> Result<()> {
    check_labels(&subscription.labels)?;
    check_retention(subscription.message_retention_duration.as_ref())?;
    let deadline = subscription.ack_deadline_seconds;
    if deadline != 0 && !(10..=600).contains(&deadline) {
        return Err(Error::invalid_argument(format!(
            "Invalid ack deadline given (ack_deadline={deadline}). The ack deadline must be between 10 and 600 seconds."
        )));
    }
    check_push(subscription.push_config.as_ref())?;
    if subscription.bigquery_config.is_some()
        || subscription.cloud_storage_config.is_some()
        || subscription.bigtable_config.is_some()
    {
        return Err(unimplemented("Delivery to BigQuery, Bigtable or Cloud Storage"));
    }
    Filter::parse(&subscription.filter)?;
    if subscription.dead_letter_policy.is_some() {
        return Err(unimplemented("A dead letter policy"));
    }
    Ok(())
}

impl Subscriber<Call> for PubSub {
    fn create_subscription(&self, call: &mut Call, mut request: Subscription) -> Result<Subscription> {
        let (name, _) = model::parse(call, &request.name, "subscriptions")?;
        let (topic, _) = model::parse(call, &request.topic, "topics")?;
        check_subscription(&request)?;
        if call.txn.has(&SUBSCRIPTIONS, &name)? {
            return Err(model::exists_already(&name));
        }
        model::topic(call, &topic)?;
        request.name.clone_from(&name);
        request.topic.clone_from(&topic);
        if request.ack_deadline_seconds == 0 {
            request.ack_deadline_seconds = 10;
        }
        // Production fills these in.
        request.push_config.get_or_insert_with(PushConfig::default);
        request.message_retention_duration.get_or_insert(prost_types::Duration { seconds: 604_800, nanos: 0 });
        request
            .expiration_policy
            .get_or_insert(ExpirationPolicy { ttl: Some(prost_types::Duration { seconds: 2_678_400, nanos: 0 }) });
        request.state = subscription::State::Active as i32;
        request.detached = false;
        call.txn.put(&SUBSCRIPTIONS, &name, &request)?;
        call.txn.put(&FANOUT, &format!("{topic}\0{name}"), &TextRow { text: name.clone() })?;
        Ok(request)
    }

    fn get_subscription(&self, call: &mut Call, request: GetSubscriptionRequest) -> Result<Subscription> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        model::subscription(call, &name)
    }

    fn update_subscription(&self, call: &mut Call, request: UpdateSubscriptionRequest) -> Result<Subscription> {
        let wanted = request.subscription.unwrap_or_default();
        let (name, _) = model::parse(call, &wanted.name, "subscriptions")?;
        let mut row = model::subscription(call, &name)?;
        let paths = mask::paths(request.update_mask.as_ref());
        if paths.is_empty() {
            return Err(Error::invalid_argument(
                "Invalid update_mask provided in the UpdateSubscriptionRequest: it must name at least one field.",
            ));
        }
        for path in &paths {
            match path.as_str() {
                "labels" => row.labels.clone_from(&wanted.labels),
                "ack_deadline_seconds" => row.ack_deadline_seconds = wanted.ack_deadline_seconds,
                "retain_acked_messages" => row.retain_acked_messages = wanted.retain_acked_messages,
                "message_retention_duration" => row.message_retention_duration = wanted.message_retention_duration,
                "expiration_policy" => row.expiration_policy = wanted.expiration_policy,
                "retry_policy" => row.retry_policy = wanted.retry_policy,
                field @ ("name" | "topic" | "filter" | "enable_message_ordering") => {
                    return Err(Error::invalid_argument(format!(
                        "Invalid update_mask provided in the UpdateSubscriptionRequest: the '{field}' field in the Subscription is not mutable."
                    )));
                }
                other => return Err(bad_mask("UpdateSubscriptionRequest", other, "Subscription")),
            }
        }
        check_subscription(&row)?;
        call.txn.put(&SUBSCRIPTIONS, &name, &row)?;
        Ok(row)
    }

    fn list_subscriptions(
        &self,
        call: &mut Call,
        request: ListSubscriptionsRequest,
    ) -> Result<ListSubscriptionsResponse> {
        let prefix = project_prefix(call, &request.project, "subscriptions")?;
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = paging::page(&call.txn, &SUBSCRIPTIONS, &prefix, size, &request.page_token, |_, row| Ok(Some(row)))?;
        Ok(ListSubscriptionsResponse { subscriptions: page.items, next_page_token: page.next_token })
    }

    fn delete_subscription(&self, call: &mut Call, request: DeleteSubscriptionRequest) -> Result<()> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        let row = model::subscription(call, &name)?;
        call.txn.delete(&FANOUT, &format!("{}\0{name}", row.topic))?;
        call.txn.delete(&SUBSCRIPTIONS, &name)?;
        backlog::forget(call, &name)?;
        doors::forget_policy(call, &name)
    }

    /// Only back to pull, which every subscription here is.
    fn modify_push_config(&self, call: &mut Call, request: ModifyPushConfigRequest) -> Result<()> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        model::subscription(call, &name)?;
        check_push(request.push_config.as_ref())
    }

    /// To a time: forward it drops, back it brings nothing.
    fn seek(&self, call: &mut Call, request: SeekRequest) -> Result<SeekResponse> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        model::subscription(call, &name)?;
        match request.target {
            Some(seek_request::Target::Time(time)) => backlog::seek(call, &name, Time::from_proto(&time))?,
            Some(seek_request::Target::Snapshot(snapshot)) => return Err(model::missing(&snapshot)),
            None => {
                return Err(Error::invalid_argument(
                    "You have passed an invalid argument to the service (argument=target).",
                ));
            }
        }
        Ok(SeekResponse {})
    }

    fn pull(&self, call: &mut Call, request: PullRequest) -> Result<PullResponse> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        if request.max_messages <= 0 {
            return Err(Error::invalid_argument(
                "You have passed an invalid argument to the service (argument=max_messages).",
            ));
        }
        let max = (request.max_messages as usize).min(1000);
        Ok(PullResponse { received_messages: backlog::pull(call, &name, max, None)? })
    }

    fn acknowledge(&self, call: &mut Call, request: AcknowledgeRequest) -> Result<()> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        model::subscription(call, &name)?;
        if request.ack_ids.is_empty() {
            return Err(Error::invalid_argument("You have not specified an ack ID in the request."));
        }
        backlog::acknowledge(call, &name, &request.ack_ids)
    }

    fn modify_ack_deadline(&self, call: &mut Call, request: ModifyAckDeadlineRequest) -> Result<()> {
        let (name, _) = model::parse(call, &request.subscription, "subscriptions")?;
        model::subscription(call, &name)?;
        if request.ack_ids.is_empty() {
            return Err(Error::invalid_argument("You have not specified an ack ID in the request."));
        }
        let seconds = request.ack_deadline_seconds;
        if !(0..=600).contains(&seconds) {
            return Err(Error::invalid_argument(format!(
                "Invalid ack deadline given (ack_deadline={seconds}). The ack deadline must be between 0 and 600 seconds."
            )));
        }
        backlog::modify_deadline(call, &name, &request.ack_ids, seconds)
    }
}
