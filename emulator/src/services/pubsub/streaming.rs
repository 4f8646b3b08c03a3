//! StreamingPull: messages as they come, acknowledgements as they are sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gcp_gateway::grpc::{Messages, stream_response};
use gcp_gateway::{Body, Meta};
use gcp_schema::pubsub::{StreamingPullRequest, StreamingPullResponse};
use gcp_schema::Method;
use prost::Message as _;
use tokio::sync::mpsc;

use super::model;
use crate::kernel::{Caller, Code, Error, Kernel, Mode, Result, Spec};

const MAX_MESSAGE: usize = 10 << 20;
const BATCH: usize = 1000;
/// Deadlines pass without anybody calling: look again this often while messages are outstanding.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

struct Stream {
    kernel: Arc<Kernel>,
    spec: Spec,
    subscription: String,
    deadline: i32,
    /// Zero: no bound.
    max_outstanding: i64,
    outstanding: i64,
}

pub async fn pull(kernel: &Arc<Kernel>, method: &'static Method, meta: &Meta, request: http::Request<Body>) -> Result<http::Response<Body>> {
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
            model::subscription(call, &name)?;
            Ok(name)
        })
        .await?;
    let stream = Stream {
        kernel: Arc::clone(kernel),
        spec,
        subscription,
        deadline: if first.stream_ack_deadline_seconds == 0 { 10 } else { first.stream_ack_deadline_seconds.clamp(10, 600) },
        max_outstanding: first.max_outstanding_messages,
        outstanding: 0,
    };
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(run(stream, first, incoming, sender));
    Ok(stream_response(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })))
}

fn decode(bytes: Bytes) -> Result<StreamingPullRequest> {
    StreamingPullRequest::decode(bytes).map_err(|error| Error::invalid_argument("The request could not be decoded.").with_log(error.to_string()))
}

async fn run(mut stream: Stream, first: StreamingPullRequest, mut incoming: Messages, sender: mpsc::Sender<Result<Bytes>>) {
    let kernel = Arc::clone(&stream.kernel);
    let outcome: Result<()> = async {
        stream.take(first).await?;
        loop {
            // Registered before looking: what is published meanwhile wakes us.
            let mut changed = std::pin::pin!(kernel.changed.notified());
            changed.as_mut().enable();
            let messages = stream.messages().await?;
            if !messages.is_empty() {
                let response = StreamingPullResponse { received_messages: messages, ..StreamingPullResponse::default() };
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
    .await;
    if let Err(error) = outcome
        && error.code() != Code::Cancelled
    {
        let _ = sender.send(Err(error)).await;
    }
}

impl Stream {
    async fn messages(&mut self) -> Result<Vec<gcp_schema::pubsub::ReceivedMessage>> {
        let room = if self.max_outstanding > 0 { (self.max_outstanding - self.outstanding).max(0) as usize } else { BATCH };
        if room == 0 {
            return Ok(Vec::new());
        }
        let (name, deadline) = (self.subscription.clone(), self.deadline);
        let found = self
            .kernel
            .run(self.spec.clone(), |call| {
                let (name, project) = model::parse(call, &name, "subscriptions")?;
                model::pull(call, &name, &project, room.min(BATCH), Some(deadline))
            })
            .await?;
        self.outstanding += found.len() as i64;
        Ok(found)
    }

    /// Acknowledgements and deadlines that a request carries.
    async fn take(&mut self, request: StreamingPullRequest) -> Result<()> {
        if request.stream_ack_deadline_seconds > 0 {
            self.deadline = request.stream_ack_deadline_seconds.clamp(10, 600);
        }
        let returned = request.modify_deadline_seconds.iter().filter(|seconds| **seconds == 0).count();
        self.outstanding = (self.outstanding - request.ack_ids.len() as i64 - returned as i64).max(0);
        if request.ack_ids.is_empty() && request.modify_deadline_ack_ids.is_empty() {
            return Ok(());
        }
        let name = self.subscription.clone();
        self.kernel
            .run(self.spec.clone(), |call| {
                model::acknowledge(call, &name, &request.ack_ids)?;
                for (ack_id, seconds) in request.modify_deadline_ack_ids.iter().zip(&request.modify_deadline_seconds) {
                    model::modify_deadline(call, &name, std::slice::from_ref(ack_id), *seconds)?;
                }
                Ok(())
            })
            .await
    }
}
