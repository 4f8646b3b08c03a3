//! StreamingPull: messages as they come, acknowledgements as they are sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gcp_gateway::grpc::{Messages, stream_response};
use gcp_gateway::{Body, Meta};
use gcp_schema::Method;
use gcp_schema::pubsub::streaming_pull_response::SubscriptionProperties;
use gcp_schema::pubsub::{ReceivedMessage, StreamingPullRequest, StreamingPullResponse, Subscription};
use prost::Message as _;
use tokio::sync::mpsc;

use super::{backlog, checks, model};
use crate::kernel::{Caller, Code, Error, Kernel, Mode, Result, Spec};

const MAX_MESSAGE: usize = 10 << 20;
const BATCH: usize = 1000;
/// Deadlines pass and clocks are moved without anybody calling: look again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

struct Stream {
    kernel: Arc<Kernel>,
    spec: Spec,
    subscription: Subscription,
    deadline: i32,
    /// Zero: no bound.
    max_messages: usize,
    max_bytes: usize,
    /// What this stream delivered and has not seen settled, with its size.
    outstanding: HashMap<String, usize>,
}

pub async fn pull(
    kernel: &Arc<Kernel>,
    method: &'static Method,
    meta: &Meta,
    request: http::Request<Body>,
) -> Result<http::Response<Body>> {
    let authorization = meta.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = Caller::from_authorization(authorization);
    let mut incoming = Messages::new(request.into_body(), MAX_MESSAGE);
    let first = match incoming.next().await {
        Some(message) => decode(message?)?,
        None => return Err(Error::invalid_argument("The stream must begin with a subscription.")),
    };
    let spec = Spec {
        method: method.path,
        api: "pubsub.googleapis.com",
        permission: "pubsub.subscriptions.consume",
        resource: first.subscription.clone(),
        mode: Mode::Write,
        caller,
        base_url: String::new(),
    };
    let name = first.subscription.clone();
    // What is wrong with the subscription is said before the stream opens.
    let subscription = kernel
        .run(spec.clone(), |call| {
            let (name, _) = model::parse(call, &name, "subscriptions")?;
            model::subscription(call, &name)
        })
        .await?;
    let bound = |value: i64| usize::try_from(value).unwrap_or(0);
    let stream = Stream {
        kernel: Arc::clone(kernel),
        spec,
        subscription,
        deadline: 10,
        max_messages: bound(first.max_outstanding_messages),
        max_bytes: bound(first.max_outstanding_bytes),
        outstanding: HashMap::new(),
    };
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(run(stream, first, incoming, sender));
    Ok(stream_response(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })))
}

fn decode(bytes: Bytes) -> Result<StreamingPullRequest> {
    StreamingPullRequest::decode(bytes)
        .map_err(|error| Error::invalid_argument("The request could not be decoded.").with_log(error.to_string()))
}

async fn run(mut stream: Stream, first: StreamingPullRequest, incoming: Messages, sender: mpsc::Sender<Result<Bytes>>) {
    if let Err(error) = deliver(&mut stream, first, incoming, &sender).await
        && error.code() != Code::Cancelled
    {
        // A client that is gone needs no reason.
        let _ = sender.send(Err(error)).await;
    }
}

/// Until the client closes its side, goes away, or a message cannot be had.
async fn deliver(
    stream: &mut Stream,
    first: StreamingPullRequest,
    mut incoming: Messages,
    sender: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let kernel = Arc::clone(&stream.kernel);
    let properties = SubscriptionProperties {
        exactly_once_delivery_enabled: false,
        message_ordering_enabled: stream.subscription.enable_message_ordering,
    };
    stream.take(first).await?;
    loop {
        // Registered before looking: what is published meanwhile wakes us.
        let mut changed = std::pin::pin!(kernel.changed.notified());
        changed.as_mut().enable();
        let received_messages = stream.messages().await?;
        if !received_messages.is_empty() {
            let response = StreamingPullResponse {
                received_messages,
                subscription_properties: Some(properties),
                ..StreamingPullResponse::default()
            };
            if sender.send(Ok(response.encode_to_vec().into())).await.is_err() {
                return Ok(());
            }
            continue;
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = sender.closed() => return Ok(()),
            next = incoming.next() => match next {
                None => return Ok(()),
                Some(message) => stream.take(decode(message?)?).await?,
            },
        }
    }
}

impl Stream {
    /// What can be delivered now. Looks before it calls, so that an idle stream neither takes the write lock nor fills
    /// the audit trail.
    async fn messages(&mut self) -> Result<Vec<ReceivedMessage>> {
        let txn = self.kernel.store.read()?;
        let now = self.kernel.clock.now();
        if !txn.has(&model::SUBSCRIPTIONS, &self.subscription.name)? {
            return Err(model::missing(&self.subscription.name));
        }
        if !backlog::has_ready(&txn, &self.subscription.name, now)? {
            return Ok(Vec::new());
        }
        // Python and Node acknowledge by calls of their own, not on the stream: ask the backlog what is settled.
        let mut settled = Vec::new();
        for ack_id in self.outstanding.keys() {
            if !backlog::is_outstanding(&txn, &self.subscription.name, ack_id, now)? {
                settled.push(ack_id.clone());
            }
        }
        drop(txn);
        for ack_id in settled {
            self.outstanding.remove(&ack_id);
        }
        let room = if self.max_messages > 0 { self.max_messages.saturating_sub(self.outstanding.len()) } else { BATCH };
        let full = self.max_bytes > 0 && self.outstanding.values().sum::<usize>() >= self.max_bytes;
        if room == 0 || full {
            return Ok(Vec::new());
        }
        let (name, deadline) = (self.subscription.name.clone(), self.deadline);
        let found = self
            .kernel
            .run(self.spec.clone(), |call| backlog::pull(call, &name, room.min(BATCH), Some(deadline)))
            .await?;
        if self.max_messages > 0 || self.max_bytes > 0 {
            self.outstanding.extend(found.iter().map(|message| (message.ack_id.clone(), message.encoded_len())));
        }
        Ok(found)
    }

    /// Acknowledgements and deadlines that a request carries. An empty one only keeps the stream alive.
    async fn take(&mut self, request: StreamingPullRequest) -> Result<()> {
        if request.stream_ack_deadline_seconds != 0 {
            checks::ack_deadline(request.stream_ack_deadline_seconds)?;
            self.deadline = request.stream_ack_deadline_seconds;
        }
        if request.modify_deadline_ack_ids.len() != request.modify_deadline_seconds.len() {
            return Err(Error::invalid_argument(
                "You have passed an invalid argument to the service (argument=modify_deadline_seconds).",
            ));
        }
        request.modify_deadline_seconds.iter().try_for_each(|seconds| checks::new_deadline(*seconds))?;
        if request.ack_ids.is_empty() && request.modify_deadline_ack_ids.is_empty() {
            return Ok(());
        }
        let name = self.subscription.name.clone();
        self.kernel
            .run(self.spec.clone(), |call| {
                backlog::acknowledge(call, &name, &request.ack_ids)?;
                for (ack_id, seconds) in request.modify_deadline_ack_ids.iter().zip(&request.modify_deadline_seconds) {
                    backlog::modify_deadline(call, &name, std::slice::from_ref(ack_id), *seconds)?;
                }
                Ok(())
            })
            .await
    }
}
