//! How many REST and gRPC calls a second pass through the router on one thread, and through a socket.
//!
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo run -p gcp-gateway --example speed`

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gcp_gateway::{Backend, Body, Claimed, Limits, Meta, Router, Rpc, full, grpc_status_response};
use gcp_schema::kms::{EncryptRequest, EncryptResponse};
use gcp_schema::{Error, Method};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const CALLS: u32 = 200_000;
const KEY: &str = "projects/p/locations/us/keyRings/r/cryptoKeys/k";

struct Echo;

impl Backend for Echo {
    fn bespoke(self: Arc<Self>, request: Request<Body>) -> Claimed {
        Claimed::No(Box::new(request))
    }

    fn unary(self: Arc<Self>, rpc: Rpc) -> BoxFuture<'static, Result<Bytes, Error>> {
        Box::pin(async move {
            let request = EncryptRequest::decode(rpc.request).map_err(|error| Error::internal(error.to_string()))?;
            let answer =
                EncryptResponse { name: request.name, ciphertext: request.plaintext, ..EncryptResponse::default() };
            Ok(answer.encode_to_vec().into())
        })
    }

    fn streaming(
        self: Arc<Self>,
        method: &'static Method,
        _: Meta,
        _: Request<Body>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async { grpc_status_response(&Error::unimplemented(method.path)) })
    }
}

#[allow(clippy::disallowed_methods, reason = "a stopwatch is what this program is")]
async fn measure(name: &str, make: impl Fn() -> Request<Body>) {
    let router = Router::new(Arc::new(Echo), Limits::default());
    let mut bytes = 0;
    let mut start = Instant::now();
    for round in 0..=CALLS {
        let answer = router.handle(make()).await;
        assert!(answer.status().is_success());
        bytes += answer.into_body().collect().await.map(|body| body.to_bytes().len()).unwrap_or_default();
        if round == 0 {
            println!("{name}: first call {:?}", start.elapsed());
            start = Instant::now();
        }
    }
    println!("{name}: {:.0} calls/s ({bytes} bytes)", f64::from(CALLS) / start.elapsed().as_secs_f64());
}

/// A server on a thread of its own; sixteen connections on this one, each with a call in flight.
#[allow(clippy::disallowed_methods, reason = "a stopwatch is what this program is")]
async fn over_tcp(json: &Bytes) -> std::io::Result<()> {
    const CONNECTIONS: u32 = 16;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let router = Arc::new(Router::new(Arc::new(Echo), Limits::default()));
            gcp_gateway::serve(tokio::net::TcpListener::from_std(listener)?, router, std::future::pending()).await
        })
    });
    let head = format!("POST /v1/{KEY}:encrypt HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", json.len());
    let request = Bytes::from([head.as_bytes(), json].concat());
    let start = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut socket = tokio::net::TcpStream::connect(address).await?;
                let mut answer = vec![0; 16 << 10];
                for _ in 0..CALLS / CONNECTIONS {
                    socket.write_all(&request).await?;
                    let mut length = 0;
                    // The answer ends as its JSON does.
                    while !answer[..length].ends_with(b"}\n") {
                        length += socket.read(&mut answer[length..]).await?;
                    }
                }
                Ok::<_, std::io::Error>(())
            })
        })
        .collect();
    for client in clients {
        client.await.map_err(std::io::Error::other)??;
    }
    println!("REST encrypt over TCP: {:.0} calls/s", f64::from(CALLS) / start.elapsed().as_secs_f64());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let plaintext = vec![7_u8; 1024];
    let json = Bytes::from(format!(r#"{{"plaintext":"{}"}}"#, "BwcH".repeat(341) + "Bw=="));
    let message = EncryptRequest { name: KEY.into(), plaintext: plaintext.into(), ..EncryptRequest::default() };
    let mut framed = vec![0];
    framed.extend((message.encoded_len() as u32).to_be_bytes());
    framed.extend(message.encode_to_vec());
    let framed = Bytes::from(framed);
    let post = |url: String, kind: &'static str, body: &Bytes| {
        let mut request = Request::new(full(body.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = url.parse().unwrap_or_default();
        request.headers_mut().insert("host", http::HeaderValue::from_static("127.0.0.1:8787"));
        request.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
        request
    };
    measure("REST encrypt", || post(format!("/v1/{KEY}:encrypt"), "application/json", &json)).await;
    measure("gRPC encrypt", || {
        post("/google.cloud.kms.v1.KeyManagementService/Encrypt".to_owned(), "application/grpc", &framed)
    })
    .await;
    over_tcp(&json).await
}
