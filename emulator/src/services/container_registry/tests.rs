//! Stories of pushes and pulls, with what skopeo, oras and gcloud send.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::doors;
use crate::kernel::Mode;
use crate::testing::World;

mod access;
mod bad_input;
mod failures;
mod listing;
mod protocol;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    bytes: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// Code and message of the registry's refusal.
    fn refusal(&self) -> (u16, String, String) {
        let error = self.json()["errors"][0].clone();
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("message"))
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }
}

async fn send(world: &World, line: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let (method, uri) = line.split_once(' ').expect("VERB PATH");
    let mut request = http::Request::builder().method(method).uri(uri).header("host", "127.0.0.1:5000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = world.0.handle(request.body(gcp_gateway::full(body.into())).expect("a request")).await;
    let status = answer.status().as_u16();
    let headers: BTreeMap<String, String> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(headers.get("docker-distribution-api-version").map(String::as_str), Some("registry/2.0"), "{line}");
    Answer { status, headers, bytes: answer.into_body().collect().await.expect("a body").to_bytes() }
}

async fn get(world: &World, path: &str) -> Answer {
    send(world, &format!("GET {path}"), &[], "").await
}

fn digest(bytes: &[u8]) -> String {
    let mut sha = envelope::Sha256::new();
    sha.update(bytes);
    sha.finish().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// As skopeo: POST, PATCH in pieces, PUT without a body; each time at the Location of the answer before.
async fn push_blob(world: &World, name: &str, bytes: &[u8]) -> Answer {
    let mut at = send(world, &format!("POST /v2/{name}/blobs/uploads/"), &[], "").await;
    if at.status != 202 {
        return at;
    }
    for piece in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
        let location = at.headers["location"].clone();
        at = send(world, &format!("PATCH {location}"), &[], piece.to_vec()).await.expect(202);
        assert_ne!(at.headers["location"], location, "7.2 a new Location each time");
    }
    let location = &at.headers["location"];
    send(world, &format!("PUT {location}&digest={}", digest(bytes)), &[], "").await
}

fn manifest(config: &[u8], layers: &[&[u8]]) -> String {
    let part = |bytes: &[u8]| json!({"size": bytes.len(), "digest": digest(bytes)});
    let layers: Vec<Value> = layers.iter().map(|layer| part(layer)).collect();
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": part(config), "layers": layers}).to_string()
}

async fn push_manifest(world: &World, name: &str, reference: &str, media: &str, text: &str) -> Answer {
    send(world, &format!("PUT /v2/{name}/manifests/{reference}"), &[("content-type", media)], text.to_owned()).await
}

/// A whole image of one layer; its manifest's digest.
async fn push_image(world: &World, name: &str, tag: &str, layer: &[u8]) -> String {
    push_blob(world, name, layer).await.expect(201);
    push_blob(world, name, b"{}").await.expect(201);
    let text = manifest(b"{}", &[layer]);
    let put = push_manifest(world, name, tag, MANIFEST, &text).await.expect(201);
    assert_eq!(put.headers["docker-content-digest"], digest(text.as_bytes()));
    digest(text.as_bytes())
}

/// The objects of a bucket.
async fn objects(world: &World, bucket: &'static str) -> Vec<doors::ObjectInfo> {
    world.inside(Mode::Read, |call| doors::list_objects(call, bucket, "")).await.unwrap()
}

#[tokio::test]
async fn an_image_is_pushed_in_pieces_and_pulled_whole() {
    let world = World::new().await;
    assert_eq!(get(&world, "/v2/").await.expect(200).json(), json!({}));
    let layer = vec![7_u8; 200_000];
    let missing = send(&world, &format!("HEAD /v2/my-project/team/web/blobs/{}", digest(&layer)), &[], "").await;
    assert_eq!(missing.status, 404);
    let made = push_image(&world, "my-project/team/web", "v1", &layer).await;

    for reference in ["v1", made.as_str()] {
        let pulled = get(&world, &format!("/v2/my-project/team/web/manifests/{reference}")).await.expect(200);
        assert_eq!(pulled.headers["content-type"], MANIFEST);
        assert_eq!(pulled.headers["docker-content-digest"], made);
        assert_eq!(digest(&pulled.bytes), made);
        let head =
            send(&world, &format!("HEAD /v2/my-project/team/web/manifests/{reference}"), &[], "").await.expect(200);
        assert_eq!(
            (head.headers["content-length"].as_str(), head.bytes.len()),
            (pulled.bytes.len().to_string().as_str(), 0)
        );
    }
    let blob = format!("/v2/my-project/team/web/blobs/{}", digest(&layer));
    let whole = get(&world, &blob).await.expect(200);
    assert_eq!((whole.bytes.len(), digest(&whole.bytes)), (200_000, digest(&layer)));
    let part = send(&world, &format!("GET {blob}"), &[("range", "bytes=65530-65540")], "").await.expect(206);
    assert_eq!((part.headers["content-range"].as_str(), part.bytes.len()), ("bytes 65530-65540/200000", 11));
    assert_eq!(send(&world, &format!("GET {blob}"), &[("range", "bytes=200000-")], "").await.status, 416);

    // 4.2: what lies where.
    let names: Vec<String> =
        objects(&world, "artifacts.my-project.appspot.com").await.into_iter().map(|object| object.name).collect();
    let mut expected = vec![
        format!("containers/images/{}", digest(&layer)),
        format!("containers/images/{}", digest(b"{}")),
        format!("containers/repositories/library/team/web/manifest_{made}"),
        "containers/repositories/library/team/web/tag_v1".to_owned(),
    ];
    expected.sort();
    assert_eq!(names, expected);
}

/// 4.1: each host has its bucket and its place.
#[tokio::test]
async fn the_first_push_makes_the_hosts_bucket() {
    let world = World::new().await;
    for (host, name, bucket, location) in [
        ("127.0.0.1:5000", "my-project/web", "artifacts.my-project.appspot.com", "US"),
        ("us.gcr.io", "my-project/web", "us.artifacts.my-project.appspot.com", "US"),
        ("127.0.0.1:5000", "eu.gcr.io/my-project/web", "eu.artifacts.my-project.appspot.com", "EU"),
        ("asia.gcr.io:443", "my-project/web", "asia.artifacts.my-project.appspot.com", "ASIA"),
        ("gcr.io", "example.com/my-project/web", "artifacts.my-project.example.com.a.appspot.com", "US"),
    ] {
        let request = http::Request::post(format!("/v2/{name}/blobs/uploads/"))
            .header("host", host)
            .body(gcp_gateway::empty())
            .unwrap();
        assert_eq!(world.0.handle(request).await.status(), 202, "{host} {name}");
        let made = world.get(&format!("/storage/v1/b/{bucket}")).await.ok();
        assert_eq!((made["location"].as_str(), made.get("encryption")), (Some(location), None), "{bucket}");
        assert_eq!(made["storageClass"], "STANDARD", "{bucket}");
    }
}

/// oras pushes in one request; a blob of another repository of the host is mounted; what is there is not stored again.
#[tokio::test]
async fn shortcuts_store_a_blob_once() {
    let world = World::new().await;
    let name = "my-project/web";
    let line = format!("POST /v2/{name}/blobs/uploads/?digest={}", digest(b"layer"));
    let made = send(&world, &line, &[], "layer").await.expect(201);
    assert_eq!(made.headers["docker-content-digest"], digest(b"layer"));
    assert_eq!(get(&world, &made.headers["location"]).await.expect(200).bytes, "layer");
    let generation = objects(&world, "artifacts.my-project.appspot.com").await[0].generation;
    push_blob(&world, name, b"layer").await.expect(201);
    assert_eq!(objects(&world, "artifacts.my-project.appspot.com").await[0].generation, generation);

    let mount = |digest: String| format!("POST /v2/my-project/other/blobs/uploads/?from={name}&mount={digest}");
    send(&world, &mount(digest(b"layer")), &[], "").await.expect(201);
    let fallback = send(&world, &mount(digest(b"unknown")), &[], "").await.expect(202);
    assert!(fallback.headers["location"].starts_with("/v2/my-project/other/blobs/uploads/"));
}

#[tokio::test]
async fn a_manifest_of_megabytes_is_taken_and_a_larger_one_refused() {
    let world = World::new().await;
    push_blob(&world, "my-project/web", b"{}").await.expect(201);
    let with = |size: usize| {
        let mut text: Value = serde_json::from_str(&manifest(b"{}", &[])).unwrap();
        text["annotations"] = json!({"a": "x".repeat(size)});
        text.to_string()
    };
    let large = with(3 << 20);
    push_manifest(&world, "my-project/web", "large", MANIFEST, &large).await.expect(201);
    assert_eq!(get(&world, "/v2/my-project/web/manifests/large").await.expect(200).bytes, large.as_bytes());
    let refused = push_manifest(&world, "my-project/web", "huge", MANIFEST, &with(4 << 20)).await;
    assert_eq!(refused.refusal().1, "MANIFEST_INVALID");
    assert_eq!(get(&world, "/v2/my-project/web/manifests/huge").await.status, 404);
}

/// 4.4: what subscribers of topic gcr are told.
#[tokio::test]
async fn topic_gcr_is_told_of_pushes_and_deletions() {
    let world = World::new().await;
    push_image(&world, "my-project/web", "v0", b"first").await;
    let subscription = json!({"topic": "projects/my-project/topics/gcr"});
    world.call("PUT /v1/projects/my-project/subscriptions/reader", subscription).await.ok();
    let made = push_image(&world, "my-project/web", "v1", b"layer").await;
    let text = manifest(b"{}", &[b"layer"]);
    push_manifest(&world, "my-project/web", &made, MANIFEST, &text).await.expect(201);
    send(&world, "DELETE /v2/my-project/web/manifests/v1", &[], "").await.expect(202);
    send(&world, &format!("DELETE /v2/my-project/web/manifests/{made}"), &[], "").await.expect(202);

    let pull = json!({"maxMessages": 10});
    let said = world.post("/v1/projects/my-project/subscriptions/reader:pull", pull).await.ok();
    let told: Vec<Value> = said["receivedMessages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|received| {
            use base64::Engine as _;
            assert_eq!(received["message"].get("attributes"), None, "no attributes");
            let data = received["message"]["data"].as_str().unwrap_or_default();
            serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
        })
        .collect();
    let full = format!("gcr.io/my-project/web@{made}");
    assert_eq!(
        told,
        [
            json!({"action": "INSERT", "digest": full, "tag": "gcr.io/my-project/web:v1"}),
            json!({"action": "INSERT", "digest": full}),
            json!({"action": "DELETE", "tag": "gcr.io/my-project/web:v1"}),
            json!({"action": "DELETE", "digest": full}),
        ]
    );
}

/// Decision "who calls": any or no credential is taken.
#[tokio::test]
async fn anybody_gets_a_token_and_nobody_is_asked_for_one() {
    let world = World::new().await;
    for credentials in [&[][..], &[("authorization", "Basic eDp5")], &[("authorization", "Basic ?")]] {
        let line = "GET /v2/token?scope=repository:my-project/web:pull,push&service=gcr.io";
        let token = send(&world, line, credentials, "").await.expect(200);
        assert!(token.json()["token"].as_str().is_some_and(|token| !token.is_empty()));
        send(&world, "GET /v2/", credentials, "").await.expect(200);
    }
}
