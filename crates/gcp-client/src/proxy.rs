//! The way out: straight, or through a proxy.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::TransportError;
use crate::error::Stage;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Addresses of proxies as the usual variables hold them: `http://user:password@host:port`, or `socks4`, `socks4a`,
/// `socks5` or `socks5h`. Empty means none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For addresses that begin with `https`: `HTTPS_PROXY`.
    pub https: String,
    /// For addresses that begin with `http`: `HTTP_PROXY`.
    pub http: String,
    /// Hosts that are reached without one, in curl's notation: `NO_PROXY`.
    pub except: String,
}

impl Proxies {
    pub(crate) fn matcher(&self) -> Result<Option<Matcher>, TransportError> {
        for address in [&self.https, &self.http] {
            let scheme = address.split_once("://").map_or("http", |(scheme, _)| scheme);
            if !["http", "socks4", "socks4a", "socks5", "socks5h"].contains(&scheme) {
                let said = format!("a proxy is spoken to over http or socks, not {scheme}");
                return Err(TransportError::at(Stage::Local, said));
            }
            // What cannot be read must not be gone round. It may hold a password, so it is not repeated.
            if !address.is_empty() && !readable(address) {
                return Err(TransportError::at(Stage::Local, "the address of the proxy cannot be read"));
            }
        }
        let any = !self.https.is_empty() || !self.http.is_empty();
        Ok(any.then(|| {
            Matcher::builder().https(self.https.as_str()).http(self.http.as_str()).no(self.except.as_str()).build()
        }))
    }
}

fn readable(address: &str) -> bool {
    let read = Matcher::builder().all(address).build().intercept(&Uri::from_static("https://google.com"));
    read.as_ref().and_then(|proxy| proxy.uri().authority()).is_some_and(|authority| {
        !authority.host().is_empty() && (authority.port_u16().is_some() || authority.as_str() == authority.host())
    })
}

/// Opens connections; TLS is laid over them elsewhere.
#[derive(Clone)]
pub(crate) struct Dialer {
    tcp: HttpConnector,
    proxies: Option<Arc<Matcher>>,
}

impl Dialer {
    pub fn new(proxies: Option<Arc<Matcher>>, patience: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        // It is asked for `https` too.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(patience));
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        Self { tcp, proxies }
    }
}

impl Service<Uri> for Dialer {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        match self.proxies.as_ref().and_then(|proxies| proxies.intercept(&to)) {
            None => Box::pin(async move { Ok(Stream { tcp: tcp.call(to).await?, asks_proxy: false }) }),
            Some(proxy) => Box::pin(through(proxy, tcp, to)),
        }
    }
}

async fn through(proxy: Intercept, mut tcp: HttpConnector, to: Uri) -> Result<Stream, BoxError> {
    let address = proxy.uri().clone();
    let name = address.authority().map(ToString::to_string).unwrap_or_default();
    let failed =
        |error: BoxError| -> BoxError { format!("the proxy {name}: {}", crate::transport::chain(&*error)).into() };
    let auth = proxy.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
    let stream = match address.scheme_str() {
        Some(scheme @ ("socks4" | "socks4a")) => {
            let mut socks = SocksV4::new(address.clone(), tcp).local_dns(scheme == "socks4");
            socks.call(to).await.map_err(|error| failed(error.into()))?
        }
        Some(scheme @ ("socks5" | "socks5h")) => {
            let mut socks = SocksV5::new(address.clone(), tcp).local_dns(scheme == "socks5");
            if let Some((user, password)) = auth {
                socks = socks.with_auth(user, password);
            }
            socks.call(to).await.map_err(|error| failed(error.into()))?
        }
        // What is not encrypted is asked of the proxy itself.
        _ if to.scheme_str() == Some("http") => {
            let tcp = tcp.call(address.clone()).await.map_err(|error| failed(error.into()))?;
            return Ok(Stream { tcp, asks_proxy: true });
        }
        _ => {
            let mut tunnel = Tunnel::new(address.clone(), tcp);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(to).await.map_err(|error| failed(error.into()))?
        }
    };
    Ok(Stream { tcp: stream, asks_proxy: false })
}

/// What a proxy that is asked itself wants to see beside the request.
pub(crate) fn authorization(proxies: Option<&Matcher>, to: &Uri) -> Option<HeaderValue> {
    if to.scheme_str() != Some("http") {
        return None;
    }
    proxies?.intercept(to)?.basic_auth().cloned()
}

/// A connection that knows whether requests on it name the whole address.
pub(crate) struct Stream {
    tcp: TokioIo<TcpStream>,
    asks_proxy: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.tcp.connected().proxy(self.asks_proxy)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), std::io::Error>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }
}
