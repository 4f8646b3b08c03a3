//! What protects what, as the inventory tells it.

use serde_json::{Value, json};

use super::GAPS;
use crate::kernel::Mode;
use crate::testing::World;

const KEY: &str = "projects/keys/locations/us/keyRings/r/cryptoKeys/k";
const ORGANIZATION: &str = "organizations/123456789012";

async fn key(world: &World, location: &str, id: &str) -> String {
    let place = format!("projects/keys/locations/{location}");
    world.post(&format!("/v1/{place}/keyRings?keyRingId=r"), json!({})).await;
    let keys = format!("/v1/{place}/keyRings/r/cryptoKeys?cryptoKeyId={id}");
    world.post(&keys, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    format!("{place}/keyRings/r/cryptoKeys/{id}")
}

/// Lets the agents of a project use a key.
async fn grant(world: &World, key: &str, project: &str) {
    let account = world.get(&format!("/storage/v1/projects/{project}/serviceAccount")).await.ok();
    let storage = account["email_address"].as_str().expect("an address").to_owned();
    let pubsub = storage.replace("gs-project-accounts", "gcp-sa-pubsub");
    let before = world.get(&format!("/v1/{key}:getIamPolicy")).await.ok();
    let mut bindings = before["bindings"].as_array().cloned().unwrap_or_default();
    bindings.push(json!({"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "members": [format!("serviceAccount:{storage}"), format!("serviceAccount:{pubsub}")]}));
    world.post(&format!("/v1/{key}:setIamPolicy"), json!({"policy": {"bindings": bindings}})).await.ok();
}

/// Key `k` protects two buckets and a topic of two projects; `other` protects one bucket.
async fn furnished() -> World {
    let world = World::new().await;
    key(&world, "us", "k").await;
    let other = key(&world, "us-east1", "other").await;
    for project in ["one", "two"] {
        grant(&world, KEY, project).await;
        grant(&world, &other, project).await;
        let body = json!({"name": format!("{project}-data"), "labels": {"team": project},
            "encryption": {"defaultKmsKeyName": KEY}});
        world.post(&format!("/storage/v1/b?project={project}"), body).await.ok();
    }
    world.call("PUT /v1/projects/one/topics/tea", json!({"kmsKeyName": KEY})).await.ok();
    world.call("PUT /v1/projects/one/topics/bare", json!({})).await.ok();
    let body = json!({"name": "east-data", "location": "us-east1", "encryption": {"defaultKmsKeyName": other}});
    world.post("/storage/v1/b?project=one", body).await.ok();
    world.post("/storage/v1/b?project=one", json!({"name": "plain-data"})).await.ok();
    world
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    let world = World::new().await;
    assert_eq!(world.unimplemented("/google.cloud.kms.inventory.").await, GAPS);
}

#[tokio::test]
async fn keys_of_all_locations_are_one_list() {
    let world = World::new().await;
    for (location, id) in [("us", "a"), ("europe", "b"), ("asia", "c"), ("us", "d")] {
        key(&world, location, id).await;
    }
    let (mut token, mut names) = (String::new(), Vec::new());
    loop {
        let page = world.get(&format!("/v1/projects/keys/cryptoKeys?pageSize=3&pageToken={token}")).await.ok();
        for key in page["cryptoKeys"].as_array().into_iter().flatten() {
            assert_eq!(key["primary"]["state"], "ENABLED");
            names.push(key["name"].as_str().expect("a name").rsplit('/').next().expect("an id").to_owned());
        }
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(names, ["c", "b", "a", "d"], "in order of their names, which begin with the location");
    assert_eq!(world.get("/v1/projects/nobody/cryptoKeys").await.ok(), json!({}));
}

#[tokio::test]
async fn a_summary_counts_the_organization() {
    let world = furnished().await;
    let summary = world.get(&format!("/v1/{KEY}/protectedResourcesSummary")).await.ok();
    assert_eq!(
        summary,
        json!({
            "name": format!("{KEY}/protectedResourcesSummary"),
            "resourceCount": "3",
            "projectCount": 2,
            "resourceTypes": {"pubsub.googleapis.com/Topic": "1", "storage.googleapis.com/Bucket": "2"},
            "cloudProducts": {"Cloud Pub/Sub": "1", "Cloud Storage": "2"},
            "locations": {"global": "1", "us": "2"},
        })
    );
    let own = world.get(&format!("/v1/{KEY}/protectedResourcesSummary?fallbackScope=FALLBACK_SCOPE_PROJECT")).await;
    assert!(own.ok().get("resourceCount").is_none(), "the key's own project has nothing under it");
    let version = world.get(&format!("/v1/{KEY}/cryptoKeyVersions/1/protectedResourcesSummary")).await.ok();
    assert_eq!(version, json!({"name": format!("{KEY}/cryptoKeyVersions/1/protectedResourcesSummary")}));
    let missing = world.get(&format!("/v1/{KEY}2/protectedResourcesSummary")).await;
    assert_eq!((missing.status, missing.code()), (404, "NOT_FOUND"));
    // A key whose name begins like another's is another key.
    key(&world, "us", "k2").await;
    assert!(world.get(&format!("/v1/{KEY}2/protectedResourcesSummary")).await.ok().get("resourceCount").is_none());
}

fn names(page: &Value) -> Vec<&str> {
    page["protectedResources"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
}

#[tokio::test]
async fn a_search_shows_what_a_key_protects() {
    let world = furnished().await;
    let search = |scope: &str, more: &str| format!("/v1/{scope}/protectedResources:search?cryptoKey={KEY}{more}");
    let number = world.get("/v3/projects/two").await.ok()["name"].clone();
    let all = world.get(&search(ORGANIZATION, "")).await.ok();
    assert_eq!(
        names(&all),
        [
            "//pubsub.googleapis.com/projects/one/topics/tea",
            "//storage.googleapis.com/one-data",
            "//storage.googleapis.com/two-data"
        ]
    );
    assert_eq!(
        all["protectedResources"][2],
        json!({"name": "//storage.googleapis.com/two-data", "project": number, "projectId": "two",
            "cloudProduct": "Cloud Storage", "resourceType": "storage.googleapis.com/Bucket", "location": "us",
            "labels": {"team": "two"}, "createTime": "2026-01-05T09:00:00Z"})
    );
    // What gcloud makes of `--scope=123456789012`, and the newer scope.
    assert_eq!(names(&world.get(&search("123456789012", "")).await.ok()).len(), 3);
    assert_eq!(names(&world.get(&search("projects/two", "")).await.ok()), ["//storage.googleapis.com/two-data"]);
    for (types, count) in [("storage.googleapis.com/Bucket", 2), ("pubsub.*", 1), (".*Bucket&resourceTypes=.*Topic", 3)]
    {
        let page = world.get(&search(ORGANIZATION, &format!("&resourceTypes={types}"))).await.ok();
        assert_eq!(names(&page).len(), count, "{types}");
    }
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = world.get(&search(ORGANIZATION, &format!("&pageSize=1&pageToken={token}"))).await.ok();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(seen, names(&all));
    for (what, path, status) in [
        ("a type that is not tracked", search(ORGANIZATION, "&resourceTypes=storage.googleapis.com/Object"), 400),
        ("a broken expression", search(ORGANIZATION, "&resourceTypes=("), 400),
        ("another organization", search("organizations/1", ""), 403),
        ("no scope", search("elsewhere", ""), 400),
        ("no key", format!("/v1/{ORGANIZATION}/protectedResources:search"), 400),
        ("a key that is not there", search(ORGANIZATION, "").replace("cryptoKeys/k", "cryptoKeys/none"), 404),
        ("a token of another search", search("projects/two", "&pageToken=eA"), 400),
    ] {
        assert_eq!(world.get(&path).await.status, status, "{what}");
    }
}

#[tokio::test]
async fn the_organization_is_asked_whether_a_caller_may_see() {
    let world = World::enforcing().await;
    let bind = async |resource: &str, role: &str, member: &str| {
        let binding = gcp_schema::iam::Binding {
            role: role.to_owned(),
            members: vec![member.to_owned()],
            ..gcp_schema::iam::Binding::default()
        };
        let bind = |call: &mut crate::kernel::Call| {
            let mut policy = crate::doors::policy(call, resource)?;
            policy.bindings.push(binding);
            crate::doors::replace_policy(call, resource, policy)
        };
        world.inside(Mode::Write, bind).await.expect("bound");
    };
    bind("projects/keys", "roles/cloudkms.admin", "user:ann@example.com").await;
    bind("projects/keys", "roles/cloudkms.viewer", "user:bob@example.com").await;
    bind(ORGANIZATION, "roles/cloudkms.protectedResourcesViewer", "user:bob@example.com").await;
    bind(ORGANIZATION, "roles/cloudkms.protectedResourcesViewer", "user:eve@example.com").await;
    let ann = "ann@example.com";
    let path = "POST /v1/projects/keys/locations/us/keyRings";
    world.call_as(ann, &format!("{path}?keyRingId=r"), json!({})).await.ok();
    let made = format!("{path}/r/cryptoKeys?cryptoKeyId=k");
    world.call_as(ann, &made, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    let summary = format!("GET /v1/{KEY}/protectedResourcesSummary");
    let search = format!("GET /v1/{ORGANIZATION}/protectedResources:search?cryptoKey={KEY}");
    for (token, path, status) in [
        (ann, &summary, 403),
        (ann, &search, 403),
        ("bob@example.com", &summary, 200),
        ("bob@example.com", &search, 200),
        ("eve@example.com", &search, 403),
    ] {
        assert_eq!(world.call_as(token, path, Value::Null).await.status, status, "{token} {path}");
    }
}
