//! For tests: real servers on loopback, one that answers what a test wants, one with TLS, and proxies.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub enum Reply {
    Said(u16, HeaderMap, &'static str),
    /// Promises more than comes.
    BrokenOff,
}

pub fn said(status: u16, pairs: &[(&str, &str)], body: &'static str) -> Reply {
    Reply::Said(status, crate::scripted::headers(pairs), body)
}

#[derive(Default)]
pub struct Seen {
    pub requests: Mutex<Vec<Request<Bytes>>>,
    pub connections: AtomicUsize,
    replies: Mutex<VecDeque<Reply>>,
}

impl Seen {
    pub fn lines(&self) -> Vec<String> {
        let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
        self.requests.lock().unwrap().iter().map(line).collect()
    }

    pub fn header(&self, index: usize, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        requests[index].headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub fn version(&self, index: usize) -> Version {
        self.requests.lock().unwrap()[index].version()
    }
}

/// A body that may end in an error, after what came before it has left.
struct Parts(VecDeque<Option<Result<Bytes, std::io::Error>>>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.0.pop_front() {
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(part) => Poll::Ready(part.map(|part| part.map(Frame::data))),
            None => Poll::Ready(None),
        }
    }
}

async fn answer(request: Request<Incoming>, seen: Arc<Seen>) -> Result<Response<Parts>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    seen.requests.lock().unwrap().push(Request::from_parts(parts, body));
    // Who asks more than was planned gets an empty object.
    let reply = seen.replies.lock().unwrap().pop_front().unwrap_or_else(|| said(200, &[], "{}"));
    Ok(match reply {
        Reply::Said(status, headers, body) => {
            let mut response = Response::new(Parts(VecDeque::from([Some(Ok(Bytes::from(body)))])));
            *response.status_mut() = status.try_into().unwrap();
            *response.headers_mut() = headers;
            response
        }
        Reply::BrokenOff => {
            let broken = Some(Err(std::io::Error::other("pulled the plug")));
            let half = Some(Ok(Bytes::from_static(b"{\"half")));
            let mut response = Response::new(Parts(VecDeque::from([half, None, broken])));
            response.headers_mut().insert("content-length", "100".parse().unwrap());
            response
        }
    })
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, seen: Arc<Seen>) {
    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&seen)));
    // A test may leave in the middle.
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub async fn plain(replies: impl IntoIterator<Item = Reply>) -> (SocketAddr, Arc<Seen>) {
    let (listener, address) = listen().await;
    let seen = Arc::new(Seen { replies: Mutex::new(replies.into_iter().collect()), ..Seen::default() });
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    (address, seen)
}

/// With a certificate for the names, signed by an authority that is made on the spot: its PEM is given.
pub async fn secure(names: &[&str]) -> (SocketAddr, String, Arc<Seen>) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&issuer_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let issuer = Issuer::new(params, issuer_key);
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));

    let (listener, address) = listen().await;
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.connections.fetch_add(1, Ordering::Relaxed);
            let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, shared).await;
                }
            });
        }
    });
    (address, authority, seen)
}

/// A proxy whose every tunnel ends at one server; it keeps the heads of what it was asked.
pub async fn tunnels(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (listener, address) = listen().await;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let tunnel = head.starts_with("CONNECT ");
            kept.lock().unwrap().push(head);
            if tunnel {
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                tokio::spawn(join(stream, to));
            } else {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            }
        }
    });
    (address, heads)
}

/// The same over SOCKS 5 without a password; it keeps the names of the hosts.
pub async fn socks(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (listener, address) = listen().await;
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&hosts);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (_version, methods) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
            stream.read_exact(&mut vec![0; usize::from(methods)]).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(request[3], 3, "a name and no address");
            let mut name = vec![0; usize::from(request[4])];
            stream.read_exact(&mut name).await.unwrap();
            let port = stream.read_u16().await.unwrap();
            kept.lock().unwrap().push(format!("{}:{port}", String::from_utf8(name).unwrap()));
            stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
            tokio::spawn(join(stream, to));
        }
    });
    (address, hosts)
}

async fn join(mut one: TcpStream, to: SocketAddr) {
    let mut other = TcpStream::connect(to).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut one, &mut other).await;
}
