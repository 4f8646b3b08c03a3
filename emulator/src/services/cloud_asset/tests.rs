//! Searches over a small world, and the query language row by row.

use serde_json::{Value, json};

use super::GAPS;
use super::query::Query;
use crate::testing::World;

const ORGANIZATION: &str = "organizations/123456789012";
const KEY: &str = "projects/keys/locations/us/keyRings/r/cryptoKeys/k";

fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn search(world: &World, scope: &str, more: &str) -> Value {
    world.get(&format!("/v1/{scope}:searchAllResources?{more}")).await.ok()
}

fn names(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().into_iter().flatten();
    results.map(|one| one["name"].as_str().expect("a name").trim_start_matches('/').to_owned()).collect()
}

async fn found(world: &World, scope: &str, query: &str) -> Vec<String> {
    names(&search(world, scope, &format!("query={}", escape(query))).await)
}

/// Projects `keys` and `shop`, the latter in a folder; a key over a bucket and a topic.
async fn furnished() -> (World, String) {
    let world = World::new().await;
    let made = world.post("/v3/folders", json!({"parent": ORGANIZATION, "displayName": "Retail"})).await.ok();
    let folder = made["response"]["name"].as_str().expect("a folder").to_owned();
    let project = json!({"projectId": "shop-prod", "displayName": "Shop Production", "parent": folder});
    world.post("/v3/projects", project).await.ok();
    for service in ["storage", "pubsub", "cloudasset", "cloudkms"] {
        world.post(&format!("/v1/projects/shop-prod/services/{service}.googleapis.com:enable"), json!({})).await.ok();
    }
    world.post("/v1/projects/keys/locations/us/keyRings?keyRingId=r", json!({})).await.ok();
    let keys = "/v1/projects/keys/locations/us/keyRings/r/cryptoKeys?cryptoKeyId=k";
    world.post(keys, json!({"purpose": "ENCRYPT_DECRYPT", "labels": {"use": "registry"}})).await.ok();
    let account = world.get("/storage/v1/projects/shop-prod/serviceAccount").await.ok();
    let storage = account["email_address"].as_str().expect("an address").to_owned();
    let members =
        [storage.replace("gs-project-accounts", "gcp-sa-pubsub"), storage].map(|one| format!("serviceAccount:{one}"));
    let bindings = json!([{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": members}]);
    world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {"bindings": bindings}})).await.ok();
    let bucket = json!({"name": "artifacts.shop-prod.example.com", "location": "US", "labels": {"env": "prod"},
        "encryption": {"defaultKmsKeyName": KEY}});
    world.post("/storage/v1/b?project=shop-prod", bucket).await.ok();
    let bucket = json!({"name": "plain_data", "location": "us-west1"});
    world.post("/storage/v1/b?project=keys", bucket).await.ok();
    world.call("PUT /v1/projects/shop-prod/topics/gcr", json!({"kmsKeyName": KEY})).await.ok();
    let subscription = json!({"topic": "projects/shop-prod/topics/gcr"});
    world.call("PUT /v1/projects/shop-prod/subscriptions/sub", subscription).await.ok();
    (world, folder)
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    let world = World::new().await;
    assert_eq!(world.unimplemented("/google.cloud.asset.").await, GAPS);
}

#[tokio::test]
async fn a_bucket_as_a_search_shows_it() {
    let (world, folder) = furnished().await;
    let number = world.get("/v3/projects/shop-prod").await.ok()["name"].clone();
    let page = search(&world, ORGANIZATION, "assetTypes=storage.googleapis.com/Bucket&query=kmsKeys:*").await;
    let expected = json!({
        "name": "//storage.googleapis.com/artifacts.shop-prod.example.com",
        "assetType": "storage.googleapis.com/Bucket",
        "project": number,
        "folders": [folder],
        "organization": ORGANIZATION,
        "displayName": "artifacts.shop-prod.example.com",
        "location": "us",
        "labels": {"env": "prod"},
        "kmsKeys": [KEY],
        "createTime": "2026-01-05T09:00:00Z",
        "updateTime": "2026-01-05T09:00:00Z",
        "parentFullResourceName": "//cloudresourcemanager.googleapis.com/projects/shop-prod",
        "parentAssetType": "cloudresourcemanager.googleapis.com/Project",
    });
    assert_eq!(page, json!({"results": [expected]}));
    let masked = search(&world, "projects/shop-prod", "query=artifacts&readMask=name,kmsKey").await;
    let expected = json!({"name": "//storage.googleapis.com/artifacts.shop-prod.example.com", "kmsKey": KEY});
    assert_eq!(masked, json!({"results": [expected]}));
    let all = search(&world, "projects/shop-prod", "query=artifacts&readMask=*").await;
    assert_eq!((&all["results"][0]["kmsKey"], &all["results"][0]["kmsKeys"][0]), (&json!(KEY), &json!(KEY)));
}

#[tokio::test]
async fn each_type_has_its_place_and_state() {
    let (world, folder) = furnished().await;
    let rows = [
        (
            "cloudkms.googleapis.com/CryptoKey",
            "us",
            "ENABLED",
            "//cloudkms.googleapis.com/projects/keys/locations/us/keyRings/r",
        ),
        ("cloudkms.googleapis.com/CryptoKeyVersion", "us", "ENABLED", &format!("//cloudkms.googleapis.com/{KEY}")),
        ("cloudkms.googleapis.com/KeyRing", "us", "", "//cloudresourcemanager.googleapis.com/projects/keys"),
        (
            "cloudresourcemanager.googleapis.com/Folder",
            "",
            "ACTIVE",
            &format!("//cloudresourcemanager.googleapis.com/{ORGANIZATION}"),
        ),
        ("cloudresourcemanager.googleapis.com/Organization", "", "ACTIVE", ""),
        (
            "pubsub.googleapis.com/Subscription",
            "global",
            "ACTIVE",
            "//cloudresourcemanager.googleapis.com/projects/shop-prod",
        ),
        ("pubsub.googleapis.com/Topic", "global", "ACTIVE", "//cloudresourcemanager.googleapis.com/projects/shop-prod"),
    ];
    for (kind, location, state, parent) in rows {
        let page = search(&world, ORGANIZATION, &format!("assetTypes={kind}")).await;
        let results = page["results"].as_array().expect("results");
        assert_eq!(results.len(), 1, "{kind}");
        let text = |field: &str| results[0][field].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (text("location"), text("state"), text("parentFullResourceName")),
            (location.into(), state.into(), parent.into()),
            "{kind}"
        );
    }
    let projects =
        search(&world, ORGANIZATION, "assetTypes=cloudresourcemanager.googleapis.com/Project&query=shop").await;
    let one = &projects["results"][0];
    assert_eq!(one["additionalAttributes"], json!({"projectId": "shop-prod"}));
    assert_eq!((&one["displayName"], &one["folders"]), (&json!("Shop Production"), &json!([folder])));
    let folders = search(&world, &folder, "assetTypes=.*Folder").await;
    assert!(folders["results"][0].get("folders").is_none(), "a folder does not lie in itself");
}

#[tokio::test]
async fn scopes_hold_what_lies_below() {
    let (world, folder) = furnished().await;
    let all = found(&world, ORGANIZATION, "").await;
    let below = found(&world, &folder, "").await;
    let shop = found(&world, "projects/shop-prod", "").await;
    let number = world.get("/v3/projects/shop-prod").await.ok()["name"].as_str().expect("a name").to_owned();
    assert_eq!(found(&world, &number, "").await, shop, "by number too");
    assert_eq!(shop.len(), 4, "{shop:?}");
    assert_eq!(below.len(), shop.len() + 1, "the folder itself: {below:?}");
    assert!(all.len() > below.len() && below.iter().all(|one| all.contains(one)));
    for (scope, status) in [("organizations/1", 403), ("folders/1", 403), ("projects/BAD", 400), ("elsewhere/x", 400)] {
        assert_eq!(world.get(&format!("/v1/{scope}:searchAllResources")).await.status, status, "{scope}");
    }
    // A deletion that was requested closes the project and hides nothing of it here.
    world.delete("/v3/projects/shop-prod").await.ok();
    let gone = search(&world, ORGANIZATION, "assetTypes=.*Project&query=state:DELETE_REQUESTED").await;
    assert_eq!(names(&gone), ["cloudresourcemanager.googleapis.com/projects/shop-prod"]);
}

#[tokio::test]
async fn queries_choose() {
    let (world, _) = furnished().await;
    let bucket = "storage.googleapis.com/artifacts.shop-prod.example.com";
    let plain = "storage.googleapis.com/plain_data";
    let topic = "pubsub.googleapis.com/projects/shop-prod/topics/gcr";
    let rows: [(&str, &[&str]); 22] = [
        ("kmsKeys:k", &[topic, bucket]),
        ("kmsKeys:\"keyRings/r\"", &[topic, bucket]),
        (&format!("kmsKeys={KEY}"), &[topic, bucket]),
        (&format!("kmsKey={KEY} location=us"), &[bucket]),
        ("kmsKeys:*", &[topic, bucket]),
        ("NOT kmsKeys:* displayName:plain_data", &[plain]),
        ("-kmsKeys:* plain_data", &[plain]),
        ("name:artifacts example com", &[bucket]),
        ("name:\"shop-prod.example\" state:*", &[]),
        ("name:artifacts.shop", &[bucket]),
        ("name:shop.artifacts", &[]),
        ("displayName:arti*", &[bucket]),
        ("displayName:arti", &[]),
        ("displayName=ARTIFACTS.shop-prod.example.com", &[]),
        ("displayName:ARTIFACTS", &[bucket]),
        ("location:us-west*", &[plain]),
        ("location:(us-west1 OR europe)", &[plain]),
        ("labels.env:prod", &[bucket]),
        ("labels:env", &[bucket]),
        ("labels.env:* OR displayName:plain_data", &[bucket, plain]),
        ("(labels.env:prod OR plain_data) (location=us OR location=eu)", &[bucket]),
        ("createTime<2026-01-01", &[]),
    ];
    for (query, expected) in rows {
        let found: Vec<_> = found(&world, ORGANIZATION, query).await;
        let found: Vec<_> = found.iter().filter(|name| [bucket, plain, topic].contains(&name.as_str())).collect();
        assert_eq!(found, expected, "{query}");
    }
    let after =
        found(&world, ORGANIZATION, "createTime>=2026-01-05 createTime<=\"2026-01-05T09:00:00\" createTime=1767603600")
            .await;
    assert!(after.contains(&bucket.to_owned()));
    for bad in [
        "colour:red",
        "name>x",
        "(name:x",
        "name:x)",
        "name:",
        "()",
        "name:\"x",
        "createTime<yesterday",
        ":x",
        "name:-",
        "a b c d e f g h i j k",
        &"x".repeat(2049),
        &"(".repeat(2000),
    ] {
        let refused = world.get(&format!("/v1/{ORGANIZATION}:searchAllResources?query={}", escape(bad))).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_ARGUMENT"), "{bad}");
    }
}

#[test]
fn or_binds_tighter_than_and() {
    let parse = |text: &str| Query::parse(text).expect(text);
    assert_eq!(parse("a b OR c"), parse("a AND (b OR c)"));
    assert_ne!(parse("a b OR c"), parse("(a b) OR c"));
    assert_eq!(parse("NOT a OR b"), parse("-a OR b"));
    assert_eq!(parse("name:(a OR b)"), parse("(name:a OR name:b)"));
    assert_eq!(parse("displayName:x"), parse("display_name:x"));
    assert_eq!(parse("name : x"), parse("name:x"));
}

#[tokio::test]
async fn types_orders_and_pages() {
    let (world, _) = furnished().await;
    for (types, count) in [
        ("storage.googleapis.com.*", 2),
        ("cloudkms.googleapis.com/.*&assetTypes=pubsub.googleapis.com/Topic", 4),
        ("compute.googleapis.com/Instance", 0),
    ] {
        assert_eq!(names(&search(&world, ORGANIZATION, &format!("assetTypes={types}")).await).len(), count, "{types}");
    }
    let all = found(&world, ORGANIZATION, "").await;
    for order in ["", "name", "name desc", "location DESC, name", "assetType,createTime desc", "project"] {
        let order = escape(order);
        let whole = names(&search(&world, ORGANIZATION, &format!("orderBy={order}")).await);
        assert_eq!(whole.len(), all.len());
        let (mut token, mut walked) = (String::new(), Vec::new());
        loop {
            let page = search(&world, ORGANIZATION, &format!("orderBy={order}&pageSize=2&pageToken={token}")).await;
            walked.extend(names(&page));
            match page["nextPageToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!(walked, whole, "{order}");
    }
    let sorted = names(&search(&world, ORGANIZATION, "orderBy=name+desc").await);
    assert!(sorted.is_sorted_by(|one, other| one > other), "{sorted:?}");
    let first = search(&world, ORGANIZATION, "pageSize=1").await;
    let token = first["nextPageToken"].as_str().expect("more").to_owned();
    for bad in [
        "assetTypes=nothing.googleapis.com/Thing",
        "assetTypes=compute.*",
        "assetTypes=(",
        "orderBy=kmsKeys",
        "orderBy=name+up",
        "readMask=colour",
        &format!("query=other&pageToken={token}"),
        "pageToken=x",
    ] {
        let refused = world.get(&format!("/v1/{ORGANIZATION}:searchAllResources?{bad}")).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_ARGUMENT"), "{bad}");
    }
}

#[tokio::test]
async fn a_scope_is_shown_to_those_who_may_search_it() {
    let world = World::enforcing().await;
    let binding = gcp_schema::iam::Binding {
        role: "roles/cloudasset.viewer".to_owned(),
        members: vec!["user:ann@example.com".to_owned()],
        ..gcp_schema::iam::Binding::default()
    };
    let bind = |call: &mut crate::kernel::Call| {
        let policy = gcp_schema::iam::Policy { bindings: vec![binding], ..gcp_schema::iam::Policy::default() };
        crate::doors::replace_policy(call, ORGANIZATION, policy)
    };
    world.inside(crate::kernel::Mode::Write, bind).await.expect("bound");
    for (token, scope, status) in [
        ("ann@example.com", ORGANIZATION, 200),
        ("ann@example.com", "projects/keys", 200),
        ("eve@example.com", ORGANIZATION, 403),
        ("eve@example.com", "projects/keys", 403),
    ] {
        let path = format!("GET /v1/{scope}:searchAllResources");
        assert_eq!(world.call_as(token, &path, Value::Null).await.status, status, "{token} {scope}");
    }
}
