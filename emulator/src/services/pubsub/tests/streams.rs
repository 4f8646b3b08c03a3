//! StreamingPull as Python and Node use it.

use bytes::{BufMut as _, Bytes, BytesMut};
use gcp_gateway::Body;
use gcp_schema::pubsub::{StreamingPullRequest, StreamingPullResponse};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tokio::sync::mpsc;

use super::*;

pub struct Client {
    requests: Option<mpsc::Sender<Result<Bytes, std::io::Error>>>,
    answers: Body,
    buffer: BytesMut,
}

fn frame(message: &StreamingPullRequest) -> Bytes {
    let bytes = message.encode_to_vec();
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(bytes.len() as u32);
    out.extend_from_slice(&bytes);
    out.freeze()
}

impl Client {
    pub async fn open(world: &World, id: &str, max_outstanding_messages: i64) -> Self {
        let (requests, receiver) = mpsc::channel(16);
        let body = gcp_gateway::stream(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|item| (item, receiver))
        }));
        let first = StreamingPullRequest {
            subscription: format!("projects/my-project/subscriptions/{id}"),
            stream_ack_deadline_seconds: 60,
            max_outstanding_messages,
            ..StreamingPullRequest::default()
        };
        requests.send(Ok(frame(&first))).await.unwrap();
        let request = http::Request::post("/google.pubsub.v1.Subscriber/StreamingPull")
            .header("host", "127.0.0.1:8787")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(body)
            .unwrap();
        let answer = world.0.handle(request).await;
        if let Some(status) = answer.headers().get("grpc-status") {
            panic!("refused at once: {status:?} {:?}", answer.headers().get("grpc-message"));
        }
        Self { requests: Some(requests), answers: answer.into_body(), buffer: BytesMut::new() }
    }

    async fn send(&self, request: StreamingPullRequest) {
        self.requests.as_ref().unwrap().send(Ok(frame(&request))).await.unwrap();
    }

    /// The next answer, or the status that ends the stream.
    pub async fn next(&mut self) -> Result<StreamingPullResponse, String> {
        loop {
            if self.buffer.len() >= 5 {
                let length = u32::from_be_bytes(self.buffer[1..5].try_into().unwrap()) as usize;
                if self.buffer.len() >= 5 + length {
                    let whole = self.buffer.split_to(5 + length).freeze();
                    return Ok(StreamingPullResponse::decode(whole.slice(5..)).unwrap());
                }
            }
            let frame = self.answers.frame().await.expect("a status ends the stream").expect("no break");
            match frame.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().expect("trailers");
                    return Err(trailers["grpc-status"].to_str().unwrap().to_owned());
                }
            }
        }
    }

    async fn texts(&mut self) -> Vec<(String, String)> {
        let answer = self.next().await.expect("messages");
        let texts = answer.received_messages.into_iter().map(|received| {
            let data = received.message.unwrap_or_default().data;
            (String::from_utf8(data.to_vec()).unwrap(), received.ack_id)
        });
        texts.collect()
    }

    /// Whether nothing comes for a while.
    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(150), self.next()).await.is_err()
    }
}

async fn with_reader() -> World {
    let world = World::new().await;
    topic(&world).await;
    subscribe(&world, "reader", json!({})).await;
    world
}

#[tokio::test]
async fn messages_come_when_they_are_published_and_acknowledgements_go_back() {
    let world = with_reader().await;
    publish(&world, json!([message("before")])).await.ok();
    let mut client = Client::open(&world, "reader", 1000).await;
    let first = client.texts().await;
    assert_eq!(texts(&first), ["before"]);
    assert!(client.is_quiet().await);
    publish(&world, json!([message("after")])).await.ok();
    let second = client.texts().await;
    assert_eq!(texts(&second), ["after"]);

    // One is acknowledged, the other given back.
    client
        .send(StreamingPullRequest {
            ack_ids: vec![first[0].1.clone()],
            modify_deadline_ack_ids: vec![second[0].1.clone()],
            modify_deadline_seconds: vec![0],
            ..StreamingPullRequest::default()
        })
        .await;
    assert_eq!(texts(&client.texts().await), ["after"]);
    client.requests = None;
    assert_eq!(client.next().await.unwrap_err(), "0", "the client closes: the stream ends well");
    world.0.advance(Duration::from_secs(61)).await.unwrap();
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["after"]);
}

/// Python and Node acknowledge with calls of their own; the stream must notice.
#[tokio::test]
async fn flow_control_counts_what_was_acknowledged_elsewhere() {
    let world = with_reader().await;
    publish(&world, json!([message("1"), message("2"), message("3")])).await.ok();
    let mut client = Client::open(&world, "reader", 2).await;
    let first = client.texts().await;
    assert_eq!(texts(&first), ["1", "2"]);
    assert!(client.is_quiet().await, "two are outstanding, two is the limit");
    acknowledge(&world, "reader", &first[..1]).await;
    assert_eq!(texts(&client.texts().await), ["3"]);
}

#[tokio::test]
async fn five_streams_share_a_subscription_without_sharing_a_message() {
    let world = with_reader().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::open(&world, "reader", 1).await);
    }
    publish(&world, json!([message("1"), message("2"), message("3"), message("4"), message("5")])).await.ok();
    let mut seen = Vec::new();
    for client in &mut clients {
        seen.extend(client.texts().await.into_iter().map(|(text, _)| text));
    }
    seen.sort();
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn an_idle_stream_leaves_no_trace_and_a_deleted_subscription_ends_it() {
    let world = with_reader().await;
    let mut client = Client::open(&world, "reader", 0).await;
    assert!(client.is_quiet().await);
    let lines = world.0.audit().len();
    // Something else changes: the stream looks, finds nothing, says nothing.
    world
        .call("PUT /v1/projects/my-project/subscriptions/other", json!({"topic": "projects/my-project/topics/gcr"}))
        .await
        .ok();
    publish(&world, json!([message("x")])).await.ok();
    assert_eq!(texts(&client.texts().await), ["x"]);
    assert_eq!(world.0.audit().len(), lines + 3, "create, publish, and the one pull that had something");
    world.delete(READER).await.ok();
    assert_eq!(client.next().await.unwrap_err(), "5");
}

/// Bad requests on a stream end it with INVALID_ARGUMENT.
#[tokio::test]
async fn what_a_stream_does_not_take() {
    let world = with_reader().await;
    publish(&world, json!([message("x")])).await.ok();
    for request in [
        StreamingPullRequest { stream_ack_deadline_seconds: 5, ..StreamingPullRequest::default() },
        StreamingPullRequest { stream_ack_deadline_seconds: 601, ..StreamingPullRequest::default() },
        StreamingPullRequest { modify_deadline_ack_ids: vec!["x".into()], ..StreamingPullRequest::default() },
        StreamingPullRequest { ack_ids: vec!["x".into()], ..StreamingPullRequest::default() },
        StreamingPullRequest {
            modify_deadline_ack_ids: vec!["x".into()],
            modify_deadline_seconds: vec![-1],
            ..StreamingPullRequest::default()
        },
    ] {
        let mut client = Client::open(&world, "reader", 10).await;
        client.send(request.clone()).await;
        let end = loop {
            if let Err(status) = client.next().await {
                break status;
            }
        };
        assert_eq!(end, "3", "{request:?}");
    }
}

#[tokio::test]
#[should_panic(expected = "refused at once: \"5\"")]
async fn an_unknown_subscription_is_refused_before_the_stream_opens() {
    Client::open(&with_reader().await, "nope", 0).await;
}
