//! Stories of topics and subscriptions, over REST and StreamingPull.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{GAPS, backlog};
use crate::doors;
use crate::kernel::Mode;
use crate::testing::{Said, World};

mod errors;
mod keys;
mod rows;
mod streams;

const TOPIC: &str = "/v1/projects/my-project/topics/gcr";
const READER: &str = "/v1/projects/my-project/subscriptions/reader";

async fn topic(world: &World) {
    world.call(&format!("PUT {TOPIC}"), json!({})).await.ok();
}

/// A subscription `id` of topic gcr.
async fn subscribe(world: &World, id: &str, more: Value) -> Value {
    let mut body = json!({"topic": "projects/my-project/topics/gcr"});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    world.call(&format!("PUT /v1/projects/my-project/subscriptions/{id}"), body).await.ok()
}

async fn publish(world: &World, messages: Value) -> Said {
    world.post(&format!("{TOPIC}:publish"), json!({"messages": messages})).await
}

fn message(data: &str) -> Value {
    json!({"data": STANDARD.encode(data)})
}

/// Texts and ack ids of what a subscription delivers now.
async fn pull(world: &World, id: &str, max: i32) -> Vec<(String, String)> {
    let path = format!("/v1/projects/my-project/subscriptions/{id}:pull");
    let said = world.post(&path, json!({"maxMessages": max, "returnImmediately": false})).await.ok();
    let texts = said["receivedMessages"].as_array().into_iter().flatten().map(|received| {
        let data = received["message"]["data"].as_str().unwrap_or_default();
        let text = String::from_utf8(STANDARD.decode(data).expect("base64")).expect("text");
        (text, received["ackId"].as_str().unwrap_or_default().to_owned())
    });
    texts.collect()
}

fn texts(received: &[(String, String)]) -> Vec<&str> {
    received.iter().map(|(text, _)| text.as_str()).collect()
}

async fn acknowledge(world: &World, id: &str, received: &[(String, String)]) {
    let ids: Vec<&str> = received.iter().map(|(_, id)| id.as_str()).collect();
    world.post(&format!("/v1/projects/my-project/subscriptions/{id}:acknowledge"), json!({"ackIds": ids})).await.ok();
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    let mut missing = World::new().await.unimplemented("/google.pubsub.v1.").await;
    // Streams do not come this way.
    missing.retain(|path| !path.ends_with("/StreamingPull"));
    assert_eq!(missing, GAPS);
}

#[tokio::test]
async fn gcloud_creates_publishes_pulls_and_acknowledges() {
    let world = World::new().await;
    let body = json!({"name": "projects/my-project/topics/gcr"});
    assert_eq!(world.call(&format!("PUT {TOPIC}"), body.clone()).await.ok(), body, "2.2 unset fields are left out");
    let made = subscribe(&world, "reader", json!({})).await;
    assert_eq!(
        made,
        json!({"name": "projects/my-project/subscriptions/reader", "topic": "projects/my-project/topics/gcr",
            "pushConfig": {}, "ackDeadlineSeconds": 10, "messageRetentionDuration": "604800s",
            "expirationPolicy": {"ttl": "2678400s"}, "state": "ACTIVE"}),
        "2.2 what production fills in"
    );
    // URL-safe base64, as gcloud sends it.
    let sent = publish(&world, json!([{"data": "aGk_", "attributes": {"a": "b"}}])).await.ok();
    assert_eq!(sent, json!({"messageIds": ["10000001"]}));

    let said = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1, "returnImmediately": false})).await.ok();
    assert_eq!(
        said["receivedMessages"][0]["message"],
        json!({"data": "aGk/", "attributes": {"a": "b"}, "messageId": "10000001", "publishTime": "2026-01-05T09:00:00Z"})
    );
    let ack = said["receivedMessages"][0]["ackId"].clone();
    assert_eq!(world.post(&format!("{READER}:acknowledge"), json!({"ackIds": [ack]})).await.ok(), json!({}));
    world.0.advance(Duration::from_secs(601)).await.unwrap();
    assert!(pull(&world, "reader", 10).await.is_empty(), "acknowledged means gone");
    let names = world.get(&format!("{TOPIC}/subscriptions")).await.ok();
    assert_eq!(names, json!({"subscriptions": ["projects/my-project/subscriptions/reader"]}));
    assert_eq!(world.get(&format!("{TOPIC}/snapshots")).await.ok(), json!({}));
}

#[tokio::test]
async fn lists_come_in_pages_and_a_project_has_two_names() {
    let world = World::new().await;
    for id in ["aaa", "bbb", "ccc"] {
        world.call(&format!("PUT /v1/projects/my-project/topics/{id}"), json!({})).await.ok();
    }
    let number = world.inside(Mode::Read, |call| Ok(doors::project(call, "my-project")?.number)).await.unwrap();
    let first = world.get(&format!("/v1/projects/{number}/topics?pageSize=2")).await.ok();
    assert_eq!(
        first["topics"],
        json!([{"name": "projects/my-project/topics/aaa"}, {"name": "projects/my-project/topics/bbb"}])
    );
    let token = first["nextPageToken"].as_str().unwrap();
    let second = world.get(&format!("/v1/projects/my-project/topics?pageSize=2&pageToken={token}")).await.ok();
    assert_eq!(second, json!({"topics": [{"name": "projects/my-project/topics/ccc"}]}));
    assert_eq!(world.get("/v1/projects/other-project/topics").await.ok(), json!({}), "2.3 an empty list");
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_comes_again() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({"ackDeadlineSeconds": 20})).await;
    publish(&world, json!([message("one"), message("two"), message("three")])).await.ok();

    let first = pull(&world, "reader", 2).await;
    assert_eq!(texts(&first), ["one", "two"]);
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["three"], "outstanding messages are not delivered twice");
    let longer = json!({"ackIds": [first[0].1], "ackDeadlineSeconds": 60});
    world.post(&format!("{READER}:modifyAckDeadline"), longer).await.ok();
    world.0.advance(Duration::from_secs(21)).await.unwrap();
    let again = pull(&world, "reader", 10).await;
    assert_eq!(texts(&again), ["two", "three"], "one was given more time");

    // A deadline of the first delivery says nothing of the second.
    let stale = json!({"ackIds": [first[1].1], "ackDeadlineSeconds": 0});
    world.post(&format!("{READER}:modifyAckDeadline"), stale).await.ok();
    assert!(pull(&world, "reader", 10).await.is_empty());
    let back = json!({"ackIds": [again[1].1], "ackDeadlineSeconds": 0});
    world.post(&format!("{READER}:modifyAckDeadline"), back).await.ok();
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["three"], "zero seconds give it back at once");

    // A late acknowledgement still counts.
    world.0.advance(Duration::from_secs(100)).await.unwrap();
    acknowledge(&world, "reader", &first).await;
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["three"]);
}

#[tokio::test]
async fn an_ordering_key_waits_for_its_earlier_message() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "ordered", json!({"enableMessageOrdering": true})).await;
    subscribe(&world, "loose", json!({})).await;
    let keyed = |data: &str, key: &str| json!({"data": STANDARD.encode(data), "orderingKey": key});
    publish(&world, json!([keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b"), message("free"), keyed("a3", "a")]))
        .await
        .ok();

    let first = pull(&world, "ordered", 10).await;
    assert_eq!(texts(&first), ["a1", "b1", "free"]);
    assert!(pull(&world, "ordered", 10).await.is_empty(), "a2 waits for a1");
    acknowledge(&world, "ordered", &first[..1]).await;
    assert_eq!(texts(&pull(&world, "ordered", 10).await), ["a2"]);
    world.0.advance(Duration::from_secs(11)).await.unwrap();
    let again = pull(&world, "ordered", 10).await;
    assert_eq!(texts(&again), ["a2", "b1", "free"], "a3 still waits");
    acknowledge(&world, "ordered", &again).await;
    let last = pull(&world, "ordered", 10).await;
    assert_eq!(texts(&last), ["a3"]);
    acknowledge(&world, "ordered", &last).await;
    publish(&world, json!([keyed("a4", "a")])).await.ok();
    assert_eq!(texts(&pull(&world, "ordered", 10).await), ["a4"], "the key starts over");
    assert_eq!(pull(&world, "loose", 10).await.len(), 6, "who did not ask for order does not wait");
}

#[tokio::test]
async fn each_subscription_gets_what_its_filter_wants() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "all", json!({})).await;
    subscribe(&world, "inserts", json!({"filter": "attributes.action = \"INSERT\""})).await;
    let with = |data: &str, action: &str| json!({"data": STANDARD.encode(data), "attributes": {"action": action}});
    publish(&world, json!([with("in", "INSERT"), with("out", "DELETE")])).await.ok();
    assert_eq!(texts(&pull(&world, "inserts", 10).await), ["in"]);
    let all = pull(&world, "all", 10).await;
    assert_eq!(texts(&all), ["in", "out"]);
    let stored = |world: World| async move {
        let count = world.inside(Mode::Read, |call| backlog::stored(&call.txn)).await.unwrap();
        (world, count)
    };
    // One copy for both, gone with the last who holds it.
    acknowledge(&world, "all", &all).await;
    let (world, count) = stored(world).await;
    assert_eq!(count, 1);
    world.delete("/v1/projects/my-project/subscriptions/inserts").await.ok();
    assert_eq!(stored(world).await.1, 0);
}

#[tokio::test]
async fn messages_are_kept_no_longer_than_asked() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({"messageRetentionDuration": "600s"})).await;
    publish(&world, json!([message("old"), message("older")])).await.ok();
    world.0.advance(Duration::from_secs(599)).await.unwrap();
    publish(&world, json!([message("new")])).await.ok();
    world.0.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(texts(&pull(&world, "reader", 1).await), ["new"]);
}

/// `gcloud pubsub subscriptions seek --time` as a purge.
#[tokio::test]
async fn a_seek_drops_what_is_older() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({"enableMessageOrdering": true})).await;
    let keyed = |data: &str| json!({"data": STANDARD.encode(data), "orderingKey": "k"});
    publish(&world, json!([keyed("1"), keyed("2"), message("3"), message("4")])).await.ok();
    assert_eq!(texts(&pull(&world, "reader", 1).await), ["1"]);
    world.0.advance(Duration::from_secs(5)).await.unwrap();
    publish(&world, json!([keyed("5"), message("6")])).await.ok();
    world.post(&format!("{READER}:seek"), json!({"time": "2026-01-05T09:00:05Z"})).await.ok();
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["5", "6"]);
    let count = world.inside(Mode::Read, |call| backlog::stored(&call.txn)).await.unwrap();
    assert_eq!(count, 2);
    let said = world.post(&format!("{READER}:seek"), json!({"snapshot": "projects/my-project/snapshots/snap"})).await;
    assert_eq!((said.status, said.message()), (404, "Resource not found (resource=snap)."));
}

#[tokio::test]
async fn a_deleted_topic_leaves_its_subscriptions_with_what_they_have() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({})).await;
    publish(&world, json!([message("last words")])).await.ok();
    assert_eq!(world.delete(TOPIC).await.ok(), json!({}));
    assert_eq!(world.get(READER).await.ok()["topic"], "_deleted-topic_");
    assert_eq!(texts(&pull(&world, "reader", 1).await), ["last words"]);
    // A namesake is another topic.
    topic(&world).await;
    publish(&world, json!([message("not for you")])).await.ok();
    assert!(pull(&world, "reader", 1).await.is_empty());
}

#[tokio::test]
async fn a_detached_subscription_refuses_pulls() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({})).await;
    world.post(&format!("{READER}:detach"), json!({})).await.ok();
    assert_eq!(world.get(READER).await.ok()["detached"], true);
    let refused = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1})).await;
    assert_eq!((refused.status, refused.code()), (400, "FAILED_PRECONDITION"));
    assert_eq!(world.get(&format!("{TOPIC}/subscriptions")).await.ok(), json!({}));
}

#[tokio::test]
async fn other_services_announce_and_ask_whether_a_topic_is_there() {
    let world = World::new().await;
    let is_there = async |world: &World| {
        world.inside(Mode::Read, |call| super::door::exists(call, "projects/my-project/topics/gcr")).await.unwrap()
    };
    let announce = async |world: &World| {
        world
            .inside(Mode::Write, |call| {
                let project = doors::project(call, "my-project")?;
                doors::announce(call, &project, "gcr", b"{}".to_vec())
            })
            .await
            .unwrap();
    };
    announce(&world).await;
    assert!(!is_there(&world).await, "an announcement makes no topic");
    for _ in 0..2 {
        world
            .inside(Mode::Write, |call| {
                let project = doors::project(call, "my-project")?;
                doors::create_topic(call, &project, "gcr")
            })
            .await
            .unwrap();
    }
    assert!(is_there(&world).await);
    subscribe(&world, "reader", json!({})).await;
    announce(&world).await;
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["{}"]);
}
