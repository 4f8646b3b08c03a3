//! How requests travel: over the network, or by whatever the caller hands in.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// The request did not get an answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

pub trait Transport: Send + Sync {
    fn send(&self, request: Request<Bytes>) -> Sending<'_>;
}

/// HTTP/1.1 over TLS, or in clear where an address says `http`.
pub struct HttpTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    deadline: Duration,
}

impl HttpTransport {
    pub fn new() -> Result<Self, TransportError> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls_provider())
            .map_err(|error| TransportError(format!("cannot read the system's certificates: {error}")))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), deadline: Duration::from_mins(1) })
    }
}

fn rustls_provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        Box::pin(async move {
            let address = request.uri().clone();
            let failed = |what: String| TransportError(format!("{address}: {what}"));
            let sending = async {
                let answer = self.client.request(request.map(Full::new)).await.map_err(|error| {
                    let mut text = error.to_string();
                    let mut source = std::error::Error::source(&error);
                    while let Some(inner) = source {
                        text = format!("{text}: {inner}");
                        source = inner.source();
                    }
                    failed(text)
                })?;
                let (parts, body) = answer.into_parts();
                let body = body.collect().await.map_err(|error| failed(error.to_string()))?.to_bytes();
                Ok(Response::from_parts(parts, body))
            };
            match tokio::time::timeout(self.deadline, sending).await {
                Ok(outcome) => outcome,
                Err(_) => Err(failed(format!("no answer within {} s", self.deadline.as_secs()))),
            }
        })
    }
}
