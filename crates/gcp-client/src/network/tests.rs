//! The transport against real servers on loopback.

use std::sync::atomic::Ordering;

use http::{HeaderMap, Version};
use serde_json::{Value, json};

use super::*;
use crate::loopback::{Reply, plain, said, secure, socks, tunnels};
use crate::{Client, Code, Credentials, Endpoints, ManualTimer};

const KMS: &str = "cloudkms.googleapis.com";

fn client_at(base: &str, network: &Network) -> (Client, Arc<ManualTimer>) {
    let transport = Arc::new(HttpTransport::over(network).unwrap());
    let mut endpoints = Endpoints::google();
    endpoints.set("CLOUDKMS", base);
    let timer = Arc::new(ManualTimer::default());
    let client = Client::new(transport, endpoints, Credentials::Token("ya29".to_owned()))
        .with_timer(Arc::clone(&timer) as Arc<dyn crate::Timer>);
    (client, timer)
}

fn client_of(address: std::net::SocketAddr) -> (Client, Arc<ManualTimer>) {
    client_at(&format!("http://{address}/"), &Network::default())
}

/// Trusts the authority alone; the folder lives as long as the value.
fn trusting(authority: &str) -> (Network, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority).unwrap();
    (Network { trust: Trust::File(path), ..Network::default() }, folder)
}

#[tokio::test]
async fn a_server_that_is_busy_then_breaks_off_then_sends_elsewhere_is_read_in_the_end() {
    let (address, seen) = plain([
        said(503, &[("retry-after", "9")], "later"),
        Reply::BrokenOff,
        said(307, &[("location", "/v1/there")], ""),
        said(200, &[], r#"{"name": "k"}"#),
    ])
    .await;
    let (client, timer) = client_of(address);
    assert_eq!(client.json(KMS, "GET", "/v1/here", None).await.unwrap(), json!({"name": "k"}));
    assert_eq!(seen.lines(), ["GET /v1/here", "GET /v1/here", "GET /v1/here", "GET /v1/there"]);
    assert_eq!(seen.header(0, "authorization").as_deref(), Some("Bearer ya29"));
    assert!(timer.waits()[0] >= Duration::from_secs(9), "{:?}", timer.waits());
}

#[tokio::test]
async fn a_create_whose_answer_breaks_off_is_left_alone() {
    let (address, seen) = plain([Reply::BrokenOff]).await;
    let (client, _) = client_of(address);
    let error = client.json(KMS, "POST", "/v1/keyRings?keyRingId=r", Some(&json!({}))).await.unwrap_err();
    assert_eq!((error.stage(), error.code(), seen.lines().len()), (Stage::Lost, Code::Unavailable, 1));
    assert!(error.message().contains("/v1/keyRings: the answer broke off"), "{error}");
    assert!(!error.message().contains("keyRingId"), "queries are not told: {error}");
}

#[tokio::test]
async fn where_nobody_listens_is_said_at_once() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (client, timer) = client_of(address);
    let error = client.json(KMS, "GET", "/v1/x", None).await.unwrap_err();
    assert_eq!((error.stage(), error.code(), error.attempts()), (Stage::Unreachable, Code::Unavailable, 1));
    assert!(timer.waits().is_empty());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    // Accepts and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let network = Network { timeout: Duration::from_millis(50), ..Network::default() };
    let (client, _) = client_at(&format!("http://{}/", listener.local_addr().unwrap()), &network);
    let error = client.json(KMS, "POST", "/v1/x", None).await.unwrap_err();
    assert_eq!(error.stage(), Stage::Lost);
    assert!(error.message().ends_with("no answer within 0 s"), "{error}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_where_it_is_named_and_nowhere_else() {
    let (address, authority, seen) = secure(&["localhost"]).await;
    let base = format!("https://localhost:{}/", address.port());
    let (network, _folder) = trusting(&authority);
    let (client, _) = client_at(&base, &network);
    assert_eq!(client.json(KMS, "GET", "/v1/x", None).await.unwrap(), json!({}));
    assert_eq!(seen.version(0), Version::HTTP_2);

    let (stranger, timer) = client_at(&base, &Network::default());
    let error = stranger.json(KMS, "GET", "/v1/x", None).await.unwrap_err();
    assert_eq!(error.stage(), Stage::Unreachable, "{error}");
    assert!(error.message().contains("certificate"), "{error}");
    assert!(timer.waits().is_empty(), "the next handshake would fail as well");

    let (careless, _) = client_at(&base, &Network { trust: Trust::Anybody, ..Network::default() });
    careless.json(KMS, "GET", "/v1/x", None).await.unwrap();
    assert_eq!(seen.lines().len(), 2);
}

#[test]
fn a_file_that_holds_no_certificate_is_named() {
    let (network, folder) = trusting("nothing here");
    let error = HttpTransport::over(&network).err().unwrap();
    assert!(error.text.ends_with("ca.pem holds no certificate"), "{error}");
    drop(folder);
    let error = HttpTransport::over(&network).err().unwrap();
    assert!(error.text.contains("ca.pem: "), "{error}");
}

#[tokio::test]
async fn googles_hosts_are_reached_through_a_tunnel() {
    let (address, authority, seen) = secure(&[KMS]).await;
    let (proxy, heads) = tunnels(address).await;
    let (mut network, _folder) = trusting(&authority);
    network.proxies.https = format!("http://me:pass%20word@{proxy}");
    let (client, _) = client_at(&format!("https://{KMS}/"), &network);
    assert_eq!(client.json(KMS, "GET", "/v1/x", None).await.unwrap(), json!({}));
    let head = heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("connect cloudkms.googleapis.com:443 http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic "), "{head}");
    assert!(!head.contains("ya29"), "the token is for the other end: {head}");
    assert_eq!(seen.header(0, "authorization").as_deref(), Some("Bearer ya29"));
    assert_eq!(seen.header(0, "proxy-authorization"), None);
}

#[tokio::test]
async fn what_is_plain_is_asked_of_the_proxy_and_exceptions_are_not() {
    let (address, seen) = plain([]).await;
    let (proxy, heads) = tunnels(address).await;
    let mut network = Network::default();
    network.proxies.http = format!("http://me:pw@{proxy}");
    let (client, _) = client_at("http://kms.example.com/", &network);
    client.json(KMS, "GET", "/v1/x", None).await.unwrap();
    let head = heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get http://kms.example.com/v1/x http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic "), "{head}");

    network.proxies.except = "127.0.0.1,localhost".to_owned();
    let (client, _) = client_at(&format!("http://{address}/"), &network);
    client.json(KMS, "GET", "/v1/x", None).await.unwrap();
    assert_eq!((heads.lock().unwrap().len(), seen.lines().len()), (1, 1));
}

#[tokio::test]
async fn socks_leaves_names_to_the_proxy() {
    let (address, authority, seen) = secure(&[KMS]).await;
    let (proxy, hosts) = socks(address).await;
    let (mut network, _folder) = trusting(&authority);
    network.proxies.https = format!("socks5h://{proxy}");
    let (client, _) = client_at(&format!("https://{KMS}/"), &network);
    client.json(KMS, "GET", "/v1/x", None).await.unwrap();
    assert_eq!(*hosts.lock().unwrap(), ["cloudkms.googleapis.com:443"]);
    assert_eq!(seen.lines().len(), 1);
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_before_any_call() {
    let network = Network {
        proxies: Proxies { https: "https://proxy:1".to_owned(), ..Proxies::default() },
        ..Network::default()
    };
    let error = HttpTransport::over(&network).err().unwrap();
    assert_eq!(error.text, "a proxy is spoken to over http or socks, not https");
    for wrong in ["http://", "http://bad host:1", "http://u:p@:x"] {
        let network =
            Network { proxies: Proxies { http: wrong.to_owned(), ..Proxies::default() }, ..Network::default() };
        let error = HttpTransport::over(&network).err().unwrap();
        assert_eq!(error.text, "the address of the proxy cannot be read", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_kept_for_as_many_calls_as_run_side_by_side() {
    let (address, seen) = plain([]).await;
    let (client, _) = client_of(address);
    for _ in 0..8 {
        let calls: Vec<_> = (0..IDLE)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move {
                    client.send("GET", &client.endpoints().of(KMS), HeaderMap::new(), Bytes::new()).await
                })
            })
            .collect();
        for call in calls {
            let (_, body) = call.await.unwrap().unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({}));
        }
    }
    let opened = seen.connections.load(Ordering::Relaxed);
    // One that is just being put back may be missed.
    assert!(opened <= IDLE + IDLE / 2, "{opened} connections for {} calls", seen.lines().len());
}
