//! Pub/Sub v1: topics, subscriptions, publish, pull.

use gcp_schema::pubsub::{
    AcknowledgeRequest, DeleteSubscriptionRequest, DeleteTopicRequest, DetachSubscriptionRequest,
    DetachSubscriptionResponse, GetSubscriptionRequest, GetTopicRequest, ListSubscriptionsRequest,
    ListSubscriptionsResponse, ListTopicSnapshotsRequest, ListTopicSnapshotsResponse, ListTopicSubscriptionsRequest,
    ListTopicSubscriptionsResponse, ListTopicsRequest, ListTopicsResponse, ModifyAckDeadlineRequest,
    ModifyPushConfigRequest, PublishRequest, PublishResponse, PullRequest, PullResponse, SeekRequest, SeekResponse,
    Subscription, Topic, UpdateSubscriptionRequest, UpdateTopicRequest, seek_request, subscription,
};
use gcp_schema::services::pubsub::{Publisher, Subscriber};

use super::model::{self, DELETED_TOPIC, FANOUT, SUBSCRIPTIONS, TOPICS};
use super::{PubSub, backlog, checks, keys};
use crate::doors;
use crate::kernel::table::TextRow;
use crate::kernel::{Call, Error, Result, Time, paging};

const CREATE: &str = "google.pubsub.v1.Publisher.CreateTopic";
const UPDATE: &str = "google.pubsub.v1.Publisher.UpdateTopic";

fn project_prefix(call: &mut Call, project: &str, collection: &str) -> Result<String> {
    let id = project.strip_prefix("projects/").ok_or_else(|| model::invalid_name(project))?;
    Ok(format!("projects/{}/{collection}/", doors::project(call, id)?.id))
}

impl Publisher<Call> for PubSub {
    fn create_topic(&self, call: &mut Call, mut request: Topic) -> Result<Topic> {
        let (name, project) = model::parse(call, &request.name, "topics")?;
        checks::topic(&request)?;
        if call.txn.has(&TOPICS, &name)? {
            return Err(model::exists_already(&name));
        }
        keys::check(call, &project, &request.kms_key_name, CREATE)?;
        request.message_storage_policy =
            checks::storage_policy(call, &project, request.message_storage_policy.take(), CREATE)?;
        request.name.clone_from(&name);
        request.state = 0;
        call.txn.put(&TOPICS, &name, &request)?;
        Ok(request)
    }

    fn update_topic(&self, call: &mut Call, request: UpdateTopicRequest) -> Result<Topic> {
        let paths = checks::topic_paths(&request)?;
        let wanted = request.topic.unwrap_or_default();
        let (name, project) = model::parse(call, &wanted.name, "topics")?;
        let mut topic = model::topic(call, &name)?;
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
                "message_storage_policy" => {
                    topic.message_storage_policy =
                        checks::storage_policy(call, &project, wanted.message_storage_policy.clone(), UPDATE)?;
                }
                // Nothing is stored of these, so an absent one is no change.
                "schema_settings" => topic.schema_settings.clone_from(&wanted.schema_settings),
                "ingestion_data_source_settings" => {
                    topic.ingestion_data_source_settings.clone_from(&wanted.ingestion_data_source_settings);
                }
                "message_transforms" => topic.message_transforms.clone_from(&wanted.message_transforms),
                other => return Err(checks::bad_path("Topic", other)),
            }
        }
        checks::topic(&topic)?;
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

impl Subscriber<Call> for PubSub {
    fn create_subscription(&self, call: &mut Call, mut request: Subscription) -> Result<Subscription> {
        let (name, _) = model::parse(call, &request.name, "subscriptions")?;
        let (topic, _) = model::parse(call, &request.topic, "topics")?;
        checks::complete(&mut request)?;
        if call.txn.has(&SUBSCRIPTIONS, &name)? {
            return Err(model::exists_already(&name));
        }
        model::topic(call, &topic)?;
        request.name.clone_from(&name);
        request.topic.clone_from(&topic);
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
        let paths = checks::subscription_paths(&request)?;
        let wanted = request.subscription.unwrap_or_default();
        let (name, _) = model::parse(call, &wanted.name, "subscriptions")?;
        let mut row = model::subscription(call, &name)?;
        for path in &paths {
            match path.as_str() {
                "labels" => row.labels.clone_from(&wanted.labels),
                "ack_deadline_seconds" => row.ack_deadline_seconds = wanted.ack_deadline_seconds,
                "retain_acked_messages" => row.retain_acked_messages = wanted.retain_acked_messages,
                "message_retention_duration" => row.message_retention_duration = wanted.message_retention_duration,
                "expiration_policy" => row.expiration_policy = wanted.expiration_policy,
                "retry_policy" => row.retry_policy = wanted.retry_policy,
                "enable_exactly_once_delivery" => {
                    row.enable_exactly_once_delivery = wanted.enable_exactly_once_delivery;
                }
                // Nothing is stored of these, so an absent one is no change.
                "push_config" => row.push_config.clone_from(&wanted.push_config),
                "bigquery_config" => row.bigquery_config.clone_from(&wanted.bigquery_config),
                "bigtable_config" => row.bigtable_config.clone_from(&wanted.bigtable_config),
                "cloud_storage_config" => row.cloud_storage_config.clone_from(&wanted.cloud_storage_config),
                "dead_letter_policy" => row.dead_letter_policy.clone_from(&wanted.dead_letter_policy),
                "message_transforms" => row.message_transforms.clone_from(&wanted.message_transforms),
                other => return Err(checks::bad_path("Subscription", other)),
            }
        }
        checks::complete(&mut row)?;
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
        checks::push(request.push_config.as_ref())
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
        checks::new_deadline(seconds)?;
        backlog::modify_deadline(call, &name, &request.ack_ids, seconds)
    }
}
