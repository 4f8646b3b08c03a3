//! The transport over sockets: HTTP/2 or HTTP/1.1 over TLS, HTTP/1.1 in clear where an address says `http`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::error::Stage;
use crate::proxy::{Dialer, Proxies, authorization};
use crate::tls::{Trust, configure};
use crate::transport::{Sending, TimeLeft, Transport, TransportError, chain};

/// As many connections wait for the next call as commands make calls at a time.
const IDLE: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub trust: Trust,
    pub proxies: Proxies,
    /// To a connection.
    pub connect_timeout: Duration,
    /// To a whole answer.
    pub timeout: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            trust: Trust::System,
            proxies: Proxies::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
        }
    }
}

pub struct HttpTransport {
    client: Client<HttpsConnector<Dialer>, Full<Bytes>>,
    proxies: Option<Arc<Matcher>>,
    timeout: Duration,
    note: Option<String>,
}

impl HttpTransport {
    pub fn new() -> Result<Self, TransportError> {
        Self::over(&Network::default())
    }

    pub fn over(network: &Network) -> Result<Self, TransportError> {
        let (tls, note) = configure(&network.trust)?;
        let proxies = network.proxies.matcher()?.map(Arc::new);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Dialer::new(proxies.clone(), network.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(IDLE)
            .build(connector);
        Ok(Self { client, proxies, timeout: network.timeout, note })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, (Stage, String)> {
        let plain_loopback = request.uri().host().is_some_and(is_loopback);
        let answer = self.client.request(request).await.map_err(|error| self.explain(&error, plain_loopback))?;
        let (parts, body) = answer.into_parts();
        let body =
            body.collect().await.map_err(|error| (Stage::Lost, format!("the answer broke off: {}", chain(&error))))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    fn explain(&self, error: &Error, loopback: bool) -> (Stage, String) {
        if !error.is_connect() {
            return (Stage::Lost, chain(error));
        }
        let mut text = std::error::Error::source(error).map_or_else(|| error.to_string(), chain);
        // What the next attempt would find as well.
        let mut lasting = false;
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                lasting |= loopback && io.kind() == std::io::ErrorKind::ConnectionRefused;
                if let Some(tls) = handshake(io) {
                    lasting = true;
                    if let (rustls::Error::InvalidCertificate(_), Some(note)) = (tls, &self.note) {
                        text = format!("{text} ({note})");
                    }
                }
            }
            source = inner.source();
        }
        (if lasting { Stage::Unreachable } else { Stage::Unsent }, text)
    }
}

/// The error of TLS inside, however often it was wrapped.
fn handshake(io: &std::io::Error) -> Option<&rustls::Error> {
    let inner = io.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| handshake(inner.downcast_ref::<std::io::Error>()?))
}

/// Nobody listens there now, and nobody will in a second.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Transport for HttpTransport {
    fn send(&self, mut request: Request<Bytes>) -> Sending<'_> {
        Box::pin(async move {
            let address = request.uri().clone();
            // Queries may hold what opens a door.
            let name = address.to_string().split('?').next().unwrap_or_default().to_owned();
            if let Some(value) = authorization(self.proxies.as_deref(), &address) {
                request.headers_mut().insert(header::PROXY_AUTHORIZATION, value);
            }
            let left = request.extensions().get::<TimeLeft>().map_or(self.timeout, |left| left.0.min(self.timeout));
            match tokio::time::timeout(left, self.exchange(request.map(Full::new))).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err((stage, text))) => Err(TransportError::at(stage, format!("{name}: {text}"))),
                Err(_) => {
                    let seconds = left.as_secs();
                    Err(TransportError::at(Stage::Lost, format!("{name}: no answer within {seconds} s")))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
