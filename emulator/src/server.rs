//! The emulator behind the gateway: transcoded and gRPC calls go to the registry, the rest to hand-written REST.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gcp_gateway::{Backend, Body, Claimed, Meta, Rpc};
use gcp_schema::{Method, Registry};

use crate::kernel::{Call, Caller, Error, Kernel, Mode, Result, Spec};
use crate::services;

pub struct Server {
    pub kernel: Arc<Kernel>,
    registry: Registry<Call>,
}

impl Server {
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Self { kernel, registry: services::registry() }
    }

    fn spec(&self, method: &'static Method, request: &[u8], meta: &Meta) -> Spec {
        let authorization = meta.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Spec {
            method: method.path,
            api: method.api,
            permission: method.permission,
            resource: text_at(request, method.resource).unwrap_or_default().to_owned(),
            mode: if method.read_only { Mode::Read } else { Mode::Write },
            caller: Caller::from_authorization(authorization),
            base_url: format!("{}://{}", meta.scheme, meta.host),
        }
    }
}

impl Backend for Server {
    fn bespoke(self: Arc<Self>, request: http::Request<Body>) -> Claimed {
        services::bespoke(&self.kernel, request)
    }

    fn unary(self: Arc<Self>, rpc: Rpc) -> BoxFuture<'static, Result<Bytes>> {
        Box::pin(async move {
            if !self.registry.contains(rpc.method.path) {
                return Err(Error::unimplemented(rpc.method.path));
            }
            let spec = self.spec(rpc.method, &rpc.request, &rpc.meta);
            let registry = &self.registry;
            let path = rpc.method.path;
            let (request, address) = (rpc.request, rpc.meta.api);
            if services::shows_work(rpc.method) {
                self.kernel.worker.round().await;
            }
            self.kernel
                .run(spec, move |call| {
                    call.address = address.unwrap_or_default();
                    registry.call(path, call, request)
                })
                .await
        })
    }

    fn streaming(
        self: Arc<Self>,
        method: &'static Method,
        meta: Meta,
        request: http::Request<Body>,
    ) -> BoxFuture<'static, http::Response<Body>> {
        Box::pin(async move {
            match services::pubsub::streaming(&self.kernel, method, &meta, request).await {
                Ok(answer) => answer,
                Err(error) => gcp_gateway::grpc_status_response(&error),
            }
        })
    }
}

/// Finds the text at a path of field numbers in an encoded message, without knowing the message.
fn text_at<'a>(message: &'a [u8], path: &[u32]) -> Option<&'a str> {
    let (&field, rest) = path.split_first()?;
    let mut found = None;
    let mut bytes = message;
    while !bytes.is_empty() {
        let (tag, wire) = prost::encoding::decode_key(&mut bytes).ok()?;
        let value = match wire {
            prost::encoding::WireType::LengthDelimited => {
                let length = usize::try_from(prost::encoding::decode_varint(&mut bytes).ok()?).ok()?;
                let value = bytes.get(..length)?;
                bytes = &bytes[length..];
                Some(value)
            }
            prost::encoding::WireType::Varint => {
                prost::encoding::decode_varint(&mut bytes).ok()?;
                None
            }
            prost::encoding::WireType::SixtyFourBit => {
                bytes = bytes.get(8..)?;
                None
            }
            prost::encoding::WireType::ThirtyTwoBit => {
                bytes = bytes.get(4..)?;
                None
            }
            _ => return None,
        };
        if tag == field && value.is_some() {
            found = value;
        }
    }
    if rest.is_empty() { std::str::from_utf8(found?).ok() } else { text_at(found?, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_schema::pubsub::{Topic, UpdateTopicRequest};
    use prost::Message as _;

    #[test]
    fn a_nested_name_is_found_in_the_encoded_request() {
        let topic = Topic { name: "projects/p/topics/t".into(), kms_key_name: "k".into(), ..Topic::default() };
        assert_eq!(text_at(&topic.encode_to_vec(), &[1]), Some("projects/p/topics/t"));
        let update = UpdateTopicRequest { topic: Some(topic), ..UpdateTopicRequest::default() }.encode_to_vec();
        assert_eq!(text_at(&update, &[1, 1]), Some("projects/p/topics/t"));
        assert_eq!(text_at(&update, &[9]), None);
        assert_eq!(text_at(&update[..5], &[1, 1]), None);
    }
}
