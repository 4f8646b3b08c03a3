//! Section 2.3 of the reference, row by row: status, code, text.

use super::*;

#[tokio::test]
async fn refusals_have_productions_words() {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({})).await;
    let put = |path: &str, body: Value| (format!("PUT /v1/projects/my-project/{path}"), body);
    let post = |path: &str, body: Value| (format!("POST /v1/projects/my-project/{path}"), body);
    let patch = |path: &str, body: Value| (format!("PATCH /v1/projects/my-project/{path}"), body);
    let sub = |more: Value| {
        let mut body = json!({"topic": "projects/my-project/topics/gcr"});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    };
    let many: Vec<Value> = (0..1001).map(|_| json!({"attributes": {"a": "b"}})).collect();
    let rows = [
        (put("topics/gcr", json!({})), 409, "ALREADY_EXISTS", "Resource already exists in the project (resource=gcr)."),
        (
            put("subscriptions/reader", sub(json!({}))),
            409,
            "ALREADY_EXISTS",
            "Resource already exists in the project (resource=reader).",
        ),
        (
            put("subscriptions/new", json!({"topic": "projects/my-project/topics/nope"})),
            404,
            "NOT_FOUND",
            "Resource not found (resource=nope).",
        ),
        (
            post("topics/nope:publish", json!({"messages": [message("x")]})),
            404,
            "NOT_FOUND",
            "Resource not found (resource=nope).",
        ),
        (
            post("subscriptions/nope:pull", json!({"maxMessages": 1})),
            404,
            "NOT_FOUND",
            "Resource not found (resource=nope).",
        ),
        (
            put("topics/goog-x", json!({})),
            400,
            "INVALID_ARGUMENT",
            "Invalid resource name given (name=projects/my-project/topics/goog-x). Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.",
        ),
        (
            put("subscriptions/new", sub(json!({"messageRetentionDuration": "2678400.5s"}))),
            400,
            "INVALID_ARGUMENT",
            "The value for message retention duration is out of bounds. You passed 744h in the request, but the value must be between 10m and 744h.",
        ),
        (
            put("subscriptions/new", sub(json!({"expirationPolicy": {"ttl": "86399s"}}))),
            400,
            "INVALID_ARGUMENT",
            "The value for expiration policy ttl is out of bounds. You passed 86399s in the request, but the value must be at least 24h.",
        ),
        (
            put("subscriptions/new", sub(json!({"retryPolicy": {"minimumBackoff": "601s"}}))),
            400,
            "INVALID_ARGUMENT",
            "The value for retry policy backoff is out of bounds. You passed 601s in the request, but the value must be between 0s and 600s.",
        ),
        (
            put("topics/abc", json!({"labels": {"team!": "x"}})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid argument to the service (argument=Invalid labels: Invalid field \"labels\"; key \"team!\" does not conform to regular expression \"[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}\").",
        ),
        (
            put("topics/abc", json!({"labels": {"team": "X"}})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid argument to the service (argument=Invalid labels: Invalid field \"labels\"; value \"X\" does not conform to regular expression \"[\\p{Ll}\\p{Lo}\\p{N}_-]{0,63}\").",
        ),
        (
            post("subscriptions/reader:seek", json!({})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid argument to the service (argument=target).",
        ),
        (
            post("subscriptions/reader:modifyAckDeadline", json!({"ackDeadlineSeconds": 10})),
            400,
            "INVALID_ARGUMENT",
            "You have not specified an ack ID in the request.",
        ),
        (
            ("DELETE /v1/projects/my-project/topics/nope".to_owned(), Value::Null),
            404,
            "NOT_FOUND",
            "Resource not found (resource=nope).",
        ),
        (
            ("GET /v1/projects/my-project/subscriptions/nope".to_owned(), Value::Null),
            404,
            "NOT_FOUND",
            "Resource not found (resource=nope).",
        ),
        (
            put("topics/abc", json!({"messageRetentionDuration": "60s"})),
            400,
            "INVALID_ARGUMENT",
            "The value for message retention duration is out of bounds. You passed 1m in the request, but the value must be between 10m and 744h.",
        ),
        (
            put("topics/abc", json!({"labels": {"Upper": "x"}})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid argument to the service (argument=Invalid labels: Invalid field \"labels\"; key \"Upper\" does not conform to regular expression \"[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}\"; first character \"U\" is not a non-uppercased letter (Unicode character class Ll or Lo)).",
        ),
        (
            put("subscriptions/new", sub(json!({"ackDeadlineSeconds": 5}))),
            400,
            "INVALID_ARGUMENT",
            "Invalid ack deadline given (ack_deadline=5). The ack deadline must be between 10 and 600 seconds.",
        ),
        (
            put("subscriptions/new", sub(json!({"pushConfig": {"pushEndpoint": "http://x"}}))),
            400,
            "INVALID_ARGUMENT",
            "Invalid push endpoint given (endpoint=http://x). Refer to https://cloud.google.com/pubsub/subscriber#create for more information.",
        ),
        (
            post("subscriptions/reader:modifyAckDeadline", json!({"ackIds": ["x"], "ackDeadlineSeconds": 601})),
            400,
            "INVALID_ARGUMENT",
            "Invalid ack deadline given (ack_deadline=601). The ack deadline must be between 0 and 600 seconds.",
        ),
        (
            post("subscriptions/reader:pull", json!({"maxMessages": 0})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid argument to the service (argument=max_messages).",
        ),
        (
            post("subscriptions/reader:acknowledge", json!({})),
            400,
            "INVALID_ARGUMENT",
            "You have not specified an ack ID in the request.",
        ),
        (
            post("subscriptions/reader:acknowledge", json!({"ackIds": ["X"]})),
            400,
            "INVALID_ARGUMENT",
            "You have passed an invalid ack ID to the service (ack_id=X).",
        ),
        (
            post("topics/gcr:publish", json!({})),
            400,
            "INVALID_ARGUMENT",
            "The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.",
        ),
        (
            post("topics/gcr:publish", json!({"messages": many})),
            400,
            "INVALID_ARGUMENT",
            "The value for message_count is too large. You passed 1001 in the request, but the maximum value is 1000.",
        ),
        (
            patch("subscriptions/reader", json!({"subscription": {"topic": "t"}, "updateMask": "topic"})),
            400,
            "INVALID_ARGUMENT",
            "Invalid update_mask provided in the UpdateSubscriptionRequest: the 'topic' field in the Subscription is not mutable.",
        ),
        (
            patch("topics/gcr", json!({"topic": {}, "updateMask": "satisfiesPzs"})),
            400,
            "INVALID_ARGUMENT",
            "Invalid update_mask provided in the UpdateTopicRequest: the 'satisfies_pzs' field in the Topic is not mutable.",
        ),
        (
            patch("topics/gcr", json!({"topic": {}})),
            400,
            "INVALID_ARGUMENT",
            "The update_mask in the UpdateTopicRequest must be set, and must contain a non-empty paths list.",
        ),
        (
            patch("subscriptions/reader", json!({"subscription": {}, "updateMask": "nonsense"})),
            400,
            "INVALID_ARGUMENT",
            "Invalid update_mask provided in the UpdateSubscriptionRequest: nonsense is not a known Subscription field. Note that field paths must be of the form 'schema_settings' rather than 'schemaSetings'.",
        ),
        (
            patch("topics/gcr", json!({"topic": {}, "updateMask": "nonsense"})),
            400,
            "INVALID_ARGUMENT",
            "Invalid update_mask provided in the UpdateTopicRequest: nonsense is not a known Topic field. Note that field paths must be of the form 'schema_settings' rather than 'schemaSetings'.",
        ),
    ];
    for ((line, body), status, code, text) in rows {
        let said = world.call(&line, body).await;
        assert_eq!((said.status, said.code(), said.message()), (status, code, text), "{line}");
    }
    // What is known and not served says so, and is no change when it is absent.
    for (path, body) in [
        (
            "topics/gcr",
            json!({"topic": {"schemaSettings": {"schema": "projects/my-project/schemas/abc"}}, "updateMask": "schemaSettings"}),
        ),
        (
            "subscriptions/reader",
            json!({"subscription": {"pushConfig": {"pushEndpoint": "https://x.example"}}, "updateMask": "pushConfig"}),
        ),
        ("subscriptions/reader", json!({"subscription": {"deadLetterPolicy": {}}, "updateMask": "deadLetterPolicy"})),
    ] {
        let (line, body) = patch(path, body);
        assert_eq!(world.call(&line, body).await.code(), "UNIMPLEMENTED", "{path}");
    }
    let before = world.get(READER).await.ok();
    let (line, body) = patch(
        "subscriptions/reader",
        json!({"subscription": {}, "updateMask": "pushConfig,deadLetterPolicy,ackDeadlineSeconds,messageRetentionDuration"}),
    );
    assert_eq!(world.call(&line, body).await.ok(), before, "cleared fields have their defaults again");
    // None of it left a trace.
    assert_eq!(world.get("/v1/projects/my-project/topics").await.ok()["topics"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        world.get("/v1/projects/my-project/subscriptions").await.ok()["subscriptions"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_publish_of_more_than_ten_megabytes_is_too_large() {
    let world = World::new().await;
    topic(&world).await;
    let half = "x".repeat(5_000_100);
    let said = world.inside(Mode::Write, |call| {
        use gcp_schema::pubsub::{PublishRequest, PubsubMessage};
        use gcp_schema::services::pubsub::Publisher as _;
        let message = PubsubMessage { data: half.into(), ..PubsubMessage::default() };
        let topic = "projects/my-project/topics/gcr".to_owned();
        super::super::PubSub.publish(call, PublishRequest { topic, messages: vec![message.clone(), message] })
    });
    let text = said.await.unwrap_err().message().to_owned();
    assert!(text.starts_with("The value for request_size is too large. You passed 1000"), "{text}");
    assert!(text.ends_with("in the request, but the maximum value is 10000000."), "{text}");
}

#[tokio::test]
async fn what_cannot_be_delivered_here_is_refused_and_not_stored() {
    let world = World::new().await;
    topic(&world).await;
    for more in [
        json!({"pushConfig": {"pushEndpoint": "https://example.com/hook"}}),
        json!({"bigqueryConfig": {"table": "p.d.t"}}),
        json!({"cloudStorageConfig": {"bucket": "b"}}),
        json!({"deadLetterPolicy": {"deadLetterTopic": "projects/my-project/topics/gcr"}}),
    ] {
        let mut body = json!({"topic": "projects/my-project/topics/gcr"});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let said = world.call(&format!("PUT {READER}"), body).await;
        assert_eq!((said.status, said.code()), (501, "UNIMPLEMENTED"), "{}", said.message());
    }
    assert_eq!(world.get(READER).await.status, 404);
    let bad = json!({"topic": "projects/my-project/topics/gcr", "filter": "data = \"x\""});
    assert_eq!(world.call(&format!("PUT {READER}"), bad).await.code(), "INVALID_ARGUMENT");
}
