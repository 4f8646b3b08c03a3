//! The gateway before a made-up service: the same call on both wires, in the process and over a socket.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use gcp_schema::kms::{EncryptRequest, EncryptResponse, UpdateCryptoKeyRequest};
use gcp_schema::{Code, Detail, Error, Method, Violation, rpc};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{ApiHint, Backend, Body, Claimed, Limits, Meta, Router, Rpc, Wire, empty, full, grpc};

const ENCRYPT: &str = "/google.cloud.kms.v1.KeyManagementService/Encrypt";
const KEY: &str = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
const LIMIT: usize = 4096;

/// Encrypts by doing nothing; keys called `gone` and `bomb` do what they say.
struct Fake;

impl Backend for Fake {
    fn bespoke(self: Arc<Self>, request: Request<Body>) -> Claimed {
        if !request.uri().path().starts_with("/own/") {
            return Claimed::No(Box::new(request));
        }
        Claimed::Yes(Box::pin(async move {
            let hint = request.extensions().get::<ApiHint>().and_then(|hint| hint.0.clone());
            let host = crate::address::host_of(&request);
            Response::new(full(format!("{} {} {host} {hint:?}", request.method(), request.uri())))
        }))
    }

    fn unary(self: Arc<Self>, rpc: Rpc) -> BoxFuture<'static, Result<Bytes, Error>> {
        Box::pin(async move {
            if rpc.method.name == "UpdateCryptoKey" {
                let request = UpdateCryptoKeyRequest::decode(rpc.request).map_err(|_| Error::internal("decode"))?;
                return Ok(request.crypto_key.unwrap_or_default().encode_to_vec().into());
            }
            let request = EncryptRequest::decode(rpc.request).map_err(|_| Error::internal("decode"))?;
            assert!(!request.name.ends_with("/bomb"), "boom");
            if request.name.ends_with("/gone") {
                let violation =
                    Violation { kind: "KEY_GONE".into(), subject: request.name.clone(), description: String::new() };
                return Err(Error::not_found(format!("CryptoKey {} not found.", request.name))
                    .with_detail(Detail::PreconditionFailure(vec![violation])));
            }
            let answer = EncryptResponse {
                name: request.name,
                ciphertext: request.plaintext,
                verified_plaintext_crc32c: rpc.meta.wire == Wire::Grpc,
                ..EncryptResponse::default()
            };
            Ok(answer.encode_to_vec().into())
        })
    }

    /// Sends back each message that it gets, then fails.
    fn streaming(
        self: Arc<Self>,
        _: &'static Method,
        _: Meta,
        request: Request<Body>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let messages = grpc::Messages::new(request.into_body(), LIMIT);
            let echoed = futures_util::stream::unfold(messages, |mut messages| async move {
                messages.next().await.map(|message| (message, messages))
            });
            let end = futures_util::stream::iter([Err(Error::unavailable("the end"))]);
            grpc::stream_response(echoed.chain(end))
        })
    }
}

fn router() -> Router<Fake> {
    Router::new(Arc::new(Fake), Limits { max_message: LIMIT, ..Limits::default() })
}

fn rest(verb: &str, url: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder().method(verb).uri(url).header("host", "127.0.0.1:80").body(full(body)).unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    frame
}

fn call(path: &str, frame: Vec<u8>) -> Request<Body> {
    let uri = format!("http://127.0.0.1{path}");
    Request::builder().method("POST").uri(uri).header("content-type", "application/grpc").body(full(frame)).unwrap()
}

fn encrypt(key: &str) -> Request<Body> {
    let request =
        EncryptRequest { name: key.into(), plaintext: Bytes::from_static(b"hi"), ..EncryptRequest::default() };
    call(ENCRYPT, framed(&request.encode_to_vec()))
}

async fn json(answer: Response<Body>) -> (u16, Value) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json; charset=UTF-8");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The messages of a gRPC answer, and its status from the trailers or the headers.
async fn unframed<B>(answer: Response<B>) -> (Vec<Bytes>, HeaderMap)
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"application/grpc".parse().unwrap())
    );
    let headers = answer.headers().clone();
    let body = answer.into_body().collect().await.unwrap();
    let status = body.trailers().cloned().unwrap_or(headers);
    let mut rest = body.to_bytes();
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let mut head = rest.split_to(5);
        let length = u32::from_be_bytes(head.split_off(1).as_ref().try_into().unwrap());
        messages.push(rest.split_to(length as usize));
    }
    (messages, status)
}

#[tokio::test]
async fn one_method_answers_alike_on_both_wires() {
    let router = router();
    let (status, said) =
        json(router.handle(rest("POST", &format!("/v1/{KEY}:encrypt"), r#"{"plaintext":"aGk="}"#)).await).await;
    assert_eq!((status, &said["name"], &said["ciphertext"]), (200, &KEY.into(), &"aGk=".into()));
    let (messages, trailers) = unframed(router.handle(encrypt(KEY)).await).await;
    assert_eq!(trailers["grpc-status"], "0");
    let answer = EncryptResponse::decode(messages[0].clone()).unwrap();
    assert_eq!(
        (answer.name.as_str(), answer.ciphertext.as_ref(), answer.verified_plaintext_crc32c),
        (KEY, &b"hi"[..], true)
    );
}

#[tokio::test]
async fn one_error_is_told_alike_on_both_wires() {
    let router = router();
    let gone = "projects/p/locations/us/keyRings/r/cryptoKeys/gone";
    let (status, said) = json(router.handle(rest("POST", &format!("/v1/{gone}:encrypt"), "")).await).await;
    assert_eq!((status, &said["error"]["status"]), (404, &"NOT_FOUND".into()));
    assert_eq!(said["error"]["details"][0]["violations"][0]["type"], "KEY_GONE");
    let (messages, trailers) = unframed(router.handle(encrypt(gone)).await).await;
    assert!(messages.is_empty());
    assert_eq!(
        (&trailers["grpc-status"], &trailers["grpc-message"]),
        (&"5".parse().unwrap(), &said["error"]["message"].as_str().unwrap().parse().unwrap())
    );
    use base64::Engine as _;
    let details =
        base64::engine::general_purpose::STANDARD_NO_PAD.decode(&trailers["grpc-status-details-bin"]).unwrap();
    assert_eq!(rpc::Status::decode(details.as_slice()).unwrap().code, 5);
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let router = router();
    let bomb = "projects/p/locations/us/keyRings/r/cryptoKeys/bomb";
    let (status, said) = json(router.handle(rest("POST", &format!("/v1/{bomb}:encrypt"), "{}")).await).await;
    assert_eq!((status, &said["error"]["message"]), (500, &"Internal error encountered.".into()));
    assert_eq!(unframed(router.handle(encrypt(bomb)).await).await.1["grpc-status"], "13");
    assert_eq!(unframed(router.handle(encrypt(KEY)).await).await.1["grpc-status"], "0");
}

#[tokio::test]
async fn what_is_not_served_is_refused_on_its_own_wire() {
    let router = router();
    let (status, said) = json(router.handle(rest("GET", "/v9/nothing?x=1", "")).await).await;
    assert_eq!(
        (status, &said["error"]["message"]),
        (404, &"The requested URL /v9/nothing was not found on this server.".into())
    );
    // A slash too many is another path.
    assert_eq!(router.handle(rest("POST", &format!("/v1//{KEY}:encrypt"), "")).await.status(), 404);
    assert_eq!(router.handle(rest("HEAD", &format!("/v1/{KEY}"), "")).await.status(), 404);
    // The address names another service than the one whose shape this is.
    assert_eq!(
        router.handle(rest("POST", &format!("/pubsub.googleapis.com/v1/{KEY}:encrypt"), "")).await.status(),
        404
    );
    assert_eq!(
        router.handle(rest("POST", &format!("/cloudkms.googleapis.com/v1/{KEY}:encrypt"), "")).await.status(),
        200
    );

    let unknown = unframed(router.handle(call("/google.cloud.kms.v1.Nothing/Do", framed(b""))).await).await.1;
    assert_eq!(unknown["grpc-status"], (Code::Unimplemented as i32).to_string().as_str());

    let mut stranger = encrypt(KEY);
    *stranger.uri_mut() = format!("http://evil.example{ENCRYPT}").parse().unwrap();
    assert_eq!(unframed(router.handle(stranger).await).await.1["grpc-status"], "7");
    let mut stranger = rest("GET", "/own/a", "");
    stranger.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(json(router.handle(stranger).await).await.0, 403);
}

#[tokio::test]
async fn what_is_too_large_or_broken_is_refused_clearly() {
    let router = router();
    let text = format!("Request payload size exceeds the limit: {LIMIT} bytes.");
    let (status, said) =
        json(router.handle(rest("POST", &format!("/v1/{KEY}:encrypt"), vec![b' '; LIMIT + 1])).await).await;
    assert_eq!((status, &said["error"]["message"]), (400, &text.as_str().into()));
    // Without an announced length it is noticed on the way.
    let chunks = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 64]))));
    let mut request = rest("POST", &format!("/v1/{KEY}:encrypt"), "");
    *request.body_mut() = crate::stream(chunks);
    assert_eq!(json(router.handle(request).await).await.1["error"]["message"], text.as_str());

    for (frame, status) in [
        (framed(&vec![0; LIMIT + 1]), "8"),
        (vec![0, 0xff, 0xff, 0xff, 0xff], "8"),
        (vec![1, 0, 0, 0, 0], "12"),
        (vec![0, 0, 0, 0, 9, 1], "13"),
        (vec![], "13"),
    ] {
        assert_eq!(
            unframed(router.handle(call(ENCRYPT, frame.clone())).await).await.1["grpc-status"],
            status,
            "{:?}",
            frame.len()
        );
    }
}

#[tokio::test]
async fn a_post_may_mean_another_verb() {
    let router = router();
    let mut patch = rest("POST", &format!("/v1/{KEY}?updateMask=labels"), r#"{"labels":{"a":"b"}}"#);
    patch.headers_mut().insert("x-http-method-override", "PATCH".parse().unwrap());
    let (status, said) = json(router.handle(patch).await).await;
    assert_eq!((status, &said["labels"]["a"], &said["name"]), (200, &"b".into(), &KEY.into()));

    let mut long = rest("POST", "/own/list", "prefix=a%2Fb&x=1");
    long.headers_mut().insert("x-http-method-override", "GET".parse().unwrap());
    long.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let body = router.handle(long).await.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "GET /own/list?prefix=a%2Fb&x=1 127.0.0.1:80 None");
}

#[tokio::test]
async fn a_stream_echoes_until_it_fails_and_a_torn_message_is_an_error() {
    const STREAM: &str = "/google.pubsub.v1.Subscriber/StreamingPull";
    let router = router();
    let two = [framed(b"one"), framed(b"")].concat();
    let torn: Vec<_> = two.chunks(3).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
    let mut request = call(STREAM, vec![]);
    *request.body_mut() = crate::stream(futures_util::stream::iter(torn));
    let (messages, trailers) = unframed(router.handle(request).await).await;
    assert_eq!(messages, ["one", ""]);
    assert_eq!(
        (&trailers["grpc-status"], &trailers["grpc-message"]),
        (&"14".parse().unwrap(), &"the end".parse().unwrap())
    );

    let (messages, trailers) = unframed(router.handle(call(STREAM, two[..6].to_vec())).await).await;
    assert!(messages.is_empty());
    assert_eq!(trailers["grpc-status"], "13");
}

#[tokio::test]
async fn one_port_speaks_http_1_and_2_and_grpc_and_stops_when_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = Arc::new(router());
    let weak = Arc::downgrade(&router);
    let server = tokio::spawn(crate::serve(listener, router, async move {
        let _ = stopped.await;
    }));

    // Nonsense first: it costs its sender the connection and nobody else anything.
    let mut nonsense = TcpStream::connect(address).await.unwrap();
    nonsense.write_all(b"\x00\xff nonsense\r\n\r\n").await.unwrap();
    nonsense.read_to_end(&mut Vec::new()).await.unwrap();

    // What a proxied client sends: the absolute form.
    let mut plain = TcpStream::connect(address).await.unwrap();
    let text = format!("GET http://{address}/own/a%2Fb HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    plain.write_all(text.as_bytes()).await.unwrap();
    let mut said = String::new();
    plain.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("/own/a%2Fb"), "{said}");

    let url = format!("http://{address}");
    let http1: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let http2: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    for (client, version) in [(&http1, http::Version::HTTP_11), (&http2, http::Version::HTTP_2)] {
        let request = Request::post(format!("{url}/v1/{KEY}:encrypt")).body(full(r#"{"plaintext":"aGk="}"#)).unwrap();
        let answer = client.request(request).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, version));
        assert!(answer.into_body().collect().await.unwrap().to_bytes().starts_with(b"{\n  \"name\""));
        let answer = client
            .request(Request::get(format!("{url}/storage.googleapis.com/own/x")).body(empty()).unwrap())
            .await
            .unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(
            String::from_utf8_lossy(&body).contains(&format!("{address} Some(\"storage.googleapis.com\")")),
            "{body:?}"
        );
    }
    let mut request = encrypt(KEY);
    *request.uri_mut() = format!("{url}{ENCRYPT}").parse().unwrap();
    let (messages, trailers) = unframed(http2.request(request).await.unwrap()).await;
    assert_eq!((messages.len(), &trailers["grpc-status"]), (1, &"0".parse().unwrap()));

    // Idle connections of both clients are still open: they do not hold the server up, nor keep anything alive.
    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(4), server).await.expect("stops at once").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    assert!(weak.upgrade().is_none());
}
