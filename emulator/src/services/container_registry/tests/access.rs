//! Reference 7.1 and 4.3: the token exchange, and what callers read who may not. Callers are checked here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::{Builder, IamMode, ProjectMode};

const BUCKET: &str = "artifacts.my-project.appspot.com";
const NEEDED: &str = "You don't have the needed permissions to perform this operation, and you may have invalid credentials. To authenticate your request, follow the steps in: https://cloud.google.com/container-registry/docs/advanced-authentication";

async fn checked() -> World {
    World(Builder::default().iam(IamMode::Enforce).frozen_at("2026-01-05T09:00:00Z").seed(7).build().await.unwrap())
}

async fn allow(world: &World, resource: &'static str, role: &str, member: &str) {
    let binding = gcp_schema::iam::Binding { role: role.to_owned(), members: vec![member.to_owned()], condition: None };
    let granted = world.inside(Mode::Write, |call| {
        let mut policy = doors::policy(call, resource)?;
        policy.bindings.push(binding);
        doors::replace_policy(call, resource, policy)
    });
    granted.await.unwrap();
}

/// A world in which ann has pushed `my-project/web:v1`.
async fn pushed() -> World {
    let world = checked().await;
    allow(&world, "projects/my-project", "roles/storage.admin", "user:ann@example.com").await;
    let ann = [("authorization", "Bearer ann@example.com")];
    for blob in [&b"layer"[..], b"{}"] {
        let line = format!("POST /v2/my-project/web/blobs/uploads/?digest={}", digest(blob));
        send(&world, &line, &ann, blob.to_vec()).await.expect(201);
    }
    let headers = [ann[0], ("content-type", MANIFEST)];
    send(&world, "PUT /v2/my-project/web/manifests/v1", &headers, manifest(b"{}", &[b"layer"])).await.expect(201);
    world
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn those_without_a_token_are_told_to_get_one() {
    let world = checked().await;
    let realm = r#"Bearer realm="http://127.0.0.1:5000/v2/token",service="127.0.0.1:5000""#;
    let refused = (401, "UNAUTHORIZED".to_owned(), NEEDED.to_owned());
    for (row, path, scope) in [
        ("ping", "/v2/", ""),
        ("a repository's path", "/v2/my-project/web/manifests/v1", r#",scope="repository:my-project/web:pull""#),
        ("a list", "/v2/my-project/web/tags/list", r#",scope="repository:my-project/web:pull""#),
    ] {
        let answer = get(&world, path).await;
        assert_eq!(answer.refusal(), refused, "{row}");
        assert_eq!(answer.headers["www-authenticate"], format!("{realm}{scope}"), "{row}");
    }
    let bearer = [("authorization", "Bearer ann@example.com")];
    assert_eq!(send(&world, "GET /v2/", &bearer, "").await.expect(200).json(), json!({}), "200 with a token");
}

/// 7.1, user names: what each stands for, by pulling with the token that it gets.
#[tokio::test]
async fn every_user_name_gets_its_token() {
    let world = pushed().await;
    allow(&world, "buckets/artifacts.my-project.appspot.com", "roles/storage.objectViewer", "user:bob@example.com")
        .await;
    let robot = "robot@my-project.iam.gserviceaccount.com";
    let member = format!("serviceAccount:{robot}");
    allow(&world, "buckets/artifacts.my-project.appspot.com", "roles/storage.objectViewer", &member).await;
    let key = json!({"type": "service_account", "client_email": robot}).to_string();
    let path = "GET /v2/token?service=gcr.io&scope=repository:my-project/web:pull";
    for (user, password) in [
        ("oauth2accesstoken", "bob@example.com".to_owned()),
        ("_dcgcloud_token", "bob@example.com".to_owned()),
        ("_token", "bob@example.com".to_owned()),
        ("_json_key", key.clone()),
        ("_json_key_base64", STANDARD.encode(&key)),
    ] {
        let credentials = basic(user, &password);
        let token = send(&world, path, &[("authorization", &credentials)], "").await.expect(200).json();
        let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
        let pull = "GET /v2/my-project/web/manifests/v1";
        send(&world, pull, &[("authorization", &bearer)], "").await.expect(200);
        send(&world, pull, &[("authorization", &credentials)], "").await.expect(200);
    }
    for (row, credentials) in [
        ("an unknown user", basic("ann", "secret")),
        ("an empty token", basic("oauth2accesstoken", "")),
        ("a key that is no JSON", basic("_json_key", "secret")),
        ("a key of nobody", basic("_json_key", "{}")),
        ("a key that is no base64", basic("_json_key_base64", "?")),
        ("no colon", format!("Basic {}", STANDARD.encode("bob"))),
        ("no base64", "Basic ?".to_owned()),
    ] {
        for line in [path, "GET /v2/", "GET /v2/my-project/web/manifests/v1"] {
            let refused = send(&world, line, &[("authorization", &credentials)], "").await;
            assert_eq!(refused.refusal(), (401, "UNAUTHORIZED".to_owned(), NEEDED.to_owned()), "{row}: {line}");
        }
    }
    get(&world, "/v2/token?scope=registry:catalog:*&service=gcr.io").await.expect(200);
    // Anonymous: a token, and with it what everybody may do.
    let token = get(&world, "/v2/token?scope=repository:my-project/web:pull&service=gcr.io").await.expect(200).json();
    let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
    let pull = async || send(&world, "GET /v2/my-project/web/manifests/v1", &[("authorization", &bearer)], "").await;
    assert_eq!(pull().await.status, 401);
    allow(&world, "buckets/artifacts.my-project.appspot.com", "roles/storage.objectViewer", "allUsers").await;
    pull().await.expect(200);
}

/// 4.3, permissions and refusals: who may what, and what everybody else reads, at the token and at the call.
#[tokio::test]
async fn pushes_and_pulls_need_their_permissions() {
    let exchange = |permission: &str| {
        let text = format!(
            "Token exchange failed for project 'my-project'. Caller does not have permission '{permission}'. To configure permissions, follow instructions at: https://cloud.google.com/container-registry/docs/access-control"
        );
        (403, "DENIED".to_owned(), text)
    };
    let needed = (401, "UNAUTHORIZED".to_owned(), NEEDED.to_owned());
    let bob = [("authorization", "Bearer bob@example.com")];
    let start = "POST /v2/my-project/web/blobs/uploads/";
    let token = "GET /v2/token?service=gcr.io&scope=repository:my-project/web:push,pull";
    // No bucket and no create right.
    let world = checked().await;
    for line in [start, token] {
        assert_eq!(send(&world, line, &bob, "").await.refusal(), exchange("storage.buckets.create"), "{line}");
    }
    assert_eq!(send(&world, start, &[], "").await.refusal(), needed, "anonymous");
    let bucket = world.inside(Mode::Read, |call| doors::bucket_exists(call, BUCKET)).await.unwrap();
    assert!(!bucket, "no bucket was made");
    // The bucket exists.
    let world = pushed().await;
    let before = objects(&world, BUCKET).await.len();
    for line in [start, token, "PUT /v2/my-project/web/manifests/v2", "DELETE /v2/my-project/web/manifests/v1"] {
        let refusal = send(&world, line, &bob, manifest(b"{}", &[])).await.refusal();
        assert!(refusal == exchange("storage.buckets.get") || refusal == needed, "{line}: {refusal:?}");
    }
    for line in ["GET /v2/my-project/web/manifests/v1", "GET /v2/my-project/web/tags/list"] {
        assert_eq!(send(&world, line, &bob, "").await.refusal(), needed, "{line}");
    }
    // Role by role: read a manifest, list, push, move a tag, delete a tag.
    let rows = [
        ("roles/storage.legacyObjectReader", [200, 401, 403, 403, 401]),
        ("roles/storage.objectViewer", [200, 200, 403, 403, 401]),
        ("roles/storage.legacyBucketReader", [401, 200, 401, 401, 401]),
        ("roles/storage.legacyBucketWriter", [401, 200, 202, 201, 202]),
        ("roles/storage.admin", [200, 200, 202, 201, 202]),
    ];
    for (role, expected) in rows {
        let world = pushed().await;
        allow(&world, "buckets/artifacts.my-project.appspot.com", role, "user:bob@example.com").await;
        let headers = [bob[0], ("content-type", MANIFEST)];
        let other = manifest(b"{}", &[]);
        let mut found = Vec::new();
        for (line, body) in [
            ("GET /v2/my-project/web/manifests/v1", ""),
            ("GET /v2/my-project/web/tags/list", ""),
            (start, ""),
            ("PUT /v2/my-project/web/manifests/v1", other.as_str()),
            ("DELETE /v2/my-project/web/manifests/v1", ""),
        ] {
            found.push(send(&world, line, &headers, body.to_owned()).await.status);
        }
        assert_eq!(found, expected, "{role}");
    }
    assert_eq!(objects(&world, BUCKET).await.len(), before, "what was refused has changed nothing");
}

/// The catalogue holds what the caller may list.
#[tokio::test]
async fn a_catalogue_is_the_callers_own() {
    let world = pushed().await;
    let list = async |who: &str| {
        let bearer = format!("Bearer {who}");
        send(&world, "GET /v2/_catalog?n=100", &[("authorization", &bearer)], "").await.expect(200).json()
    };
    assert_eq!(list("ann@example.com").await, json!({"repositories": ["my-project/web"]}));
    assert_eq!(list("bob@example.com").await, json!({"repositories": []}));
}

/// 4.3, API disabled: every call of the project's repositories is refused, the token first.
#[tokio::test]
async fn a_disabled_api_refuses_everything() {
    let text = "Token exchange failed for project 'my-project'. Please enable or contact project owners to enable the Google Container Registry API in Cloud Console at https://console.cloud.google.com/apis/api/containerregistry.googleapis.com/overview?project=my-project before performing this operation.";
    let refused = (403, "DENIED".to_owned(), text.to_owned());
    let strict = World(Builder::default().projects(ProjectMode::Strict).seed(7).build().await.unwrap());
    let body = json!({"projectId": "my-project", "parent": "organizations/123456789012"});
    strict.post("/v3/projects", body).await.ok();
    let switched_off = World::new().await;
    push_image(&switched_off, "my-project/web", "v1", b"layer").await;
    let disable = "/v1/projects/my-project/services/containerregistry.googleapis.com:disable";
    switched_off.post(disable, json!({})).await.ok();
    for (row, world) in [("never enabled", strict), ("switched off", switched_off)] {
        let blob = digest(b"layer");
        for line in [
            "GET /v2/token?scope=repository:my-project/web:pull&service=gcr.io".to_owned(),
            "GET /v2/token?scope=repository:my-project/web:push,pull&service=gcr.io".to_owned(),
            "POST /v2/my-project/web/blobs/uploads/".to_owned(),
            format!("POST /v2/my-project/web/blobs/uploads/?digest={blob}"),
            format!("GET /v2/my-project/web/blobs/{blob}"),
            format!("HEAD /v2/my-project/web/blobs/{blob}"),
            "GET /v2/my-project/web/manifests/v1".to_owned(),
            "PUT /v2/my-project/web/manifests/v2".to_owned(),
            "DELETE /v2/my-project/web/manifests/v1".to_owned(),
            "GET /v2/my-project/web/tags/list".to_owned(),
        ] {
            let answer = send(&world, &line, &[("content-type", MANIFEST)], manifest(b"{}", &[])).await;
            assert_eq!(answer.refusal(), refused, "{row}: {line}");
        }
    }
}
