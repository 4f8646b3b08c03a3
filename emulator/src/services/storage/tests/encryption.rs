//! Reference 1.4, 2.1 to 2.3: whose key it is, where it is named, which one is taken, and what a bucket forbids.

use serde_json::{Value, json};

use super::{DENIED, PROJECT, World};
use crate::builder::Builder;
use crate::kernel::settings::IamMode;

const GRANT: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
const UPLOAD: &str = "/upload/storage/v1/b";

/// What an operation is told of a key, and where.
#[derive(Clone, Copy)]
enum Named<'k> {
    Nowhere,
    Query(&'k str),
    Body(&'k str),
    /// The query's wins.
    Both(&'k str, &'k str),
}

/// Writes `o` into a bucket by one of 2.3's operations, and gives the key of what came of it.
async fn write(world: &World, operation: &str, bucket: &str, named: Named<'_>) -> Value {
    let (query, body) = match named {
        Named::Nowhere => (None, None),
        Named::Query(key) => (Some(key), None),
        Named::Body(key) => (None, Some(key)),
        Named::Both(query, body) => (Some(query), Some(body)),
    };
    let parameter = |name: &str| query.map(|key| format!("&{name}={key}")).unwrap_or_default();
    let kms = parameter("kmsKeyName");
    let destination = parameter("destinationKmsKeyName");
    let metadata = body.map_or(json!({"name": "o"}), |key| json!({"name": "o", "kmsKeyName": key}));
    let object = match operation {
        "objects.insert, media" => world.put(bucket, "o", &kms, "x").await.ok(),
        "objects.insert, multipart" => world.put_parts(bucket, &kms, metadata, "x").await.ok(),
        "objects.insert, resumable" => {
            let start = world.call("POST", &format!("{UPLOAD}/{bucket}/o?uploadType=resumable{kms}"), metadata).await;
            let url = start.header("location").replace("http://127.0.0.1:8787", "");
            world.send("PUT", &url, &[], "x").await.ok()
        }
        "objects.compose" => {
            let body = json!({"sourceObjects": [{"name": "part"}], "destination": metadata});
            world.call("POST", &format!("/storage/v1/b/{bucket}/o/o/compose?{kms}"), body).await.ok()
        }
        "objects.copy" => {
            let path = format!("/storage/v1/b/source/o/s/copyTo/b/{bucket}/o/o?{destination}");
            world.call("POST", &path, metadata).await.ok()
        }
        _ => {
            let path = format!("/storage/v1/b/source/o/s/rewriteTo/b/{bucket}/o/o?{destination}");
            world.call("POST", &path, metadata).await.ok()["resource"].clone()
        }
    };
    object["kmsKeyName"].clone()
}

/// 1.4 and 2.3: the request's key, else the bucket's default, else Google's; of two the query's; the source's never.
#[tokio::test]
async fn the_effective_key_of_every_operation() {
    let world = World::new().await;
    let keys = [world.key("source").await, world.key("bucket").await, world.key("one").await, world.key("two").await];
    let [source, bucket, one, two] = keys.each_ref().map(String::as_str);
    world.bucket_with_key("source", source).await;
    world.put("source", "s", "", "x").await.ok();
    world.bucket("plain").await;
    world.put("plain", "part", "", "x").await.ok();
    world.bucket_with_key("keyed", bucket).await;
    world.put("keyed", "part", "", "x").await.ok();
    let version = |key: &str| json!(format!("{key}/cryptoKeyVersions/1"));
    let both = [
        "objects.insert, media",
        "objects.insert, multipart",
        "objects.insert, resumable",
        "objects.compose",
        "objects.copy",
        "objects.rewrite",
    ];
    for operation in both {
        for (row, into, named, expected) in [
            ("the bucket's default", "keyed", Named::Nowhere, version(bucket)),
            ("Google-managed", "plain", Named::Nowhere, Value::Null),
            ("explicit", "plain", Named::Query(one), version(one)),
            ("explicit over the default", "keyed", Named::Query(one), version(one)),
        ] {
            assert_eq!(write(&world, operation, into, named).await, expected, "{operation}: {row}");
        }
    }
    for operation in ["objects.insert, multipart", "objects.insert, resumable", "objects.compose"] {
        for (row, into, named, expected) in [
            ("in the metadata", "plain", Named::Body(one), version(one)),
            ("in the metadata, over the default", "keyed", Named::Body(one), version(one)),
            ("the query's wins", "plain", Named::Both(two, one), version(two)),
        ] {
            assert_eq!(write(&world, operation, into, named).await, expected, "{operation}: {row}");
        }
    }
    for operation in ["objects.copy", "objects.rewrite"] {
        for (row, into, named, expected) in [
            ("in the body: no effect", "plain", Named::Body(one), Value::Null),
            ("in the body: no effect on the default", "keyed", Named::Body(one), version(bucket)),
            ("nor on the query's", "keyed", Named::Both(two, one), version(two)),
        ] {
            assert_eq!(write(&world, operation, into, named).await, expected, "{operation}: {row}");
        }
    }
    // 2.7: onto itself without a key: to the bucket's default.
    world.put("keyed", "self", &format!("&kmsKeyName={one}"), "x").await.ok();
    let path = "/storage/v1/b/keyed/o/self/rewriteTo/b/keyed/o/self";
    assert_eq!(world.call("POST", path, json!({})).await.ok()["resource"]["kmsKeyName"], version(bucket));
}

/// 1.4: the version is in every answer; names by project number mean the same key.
#[tokio::test]
async fn a_key_is_shown_with_its_version_and_taken_without() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("plain").await;
    let number = world.get("/storage/v1/b/plain").await.ok()["projectNumber"].as_str().expect("a number").to_owned();
    let by_number = key.replacen(PROJECT, &number, 1);
    let bucket = world.call("PATCH", "/storage/v1/b/plain", json!({"encryption": {"defaultKmsKeyName": by_number}}));
    assert_eq!(bucket.await.ok()["encryption"]["defaultKmsKeyName"], json!(key));
    let version = json!(format!("{key}/cryptoKeyVersions/1"));
    assert_eq!(world.put("plain", "o", &format!("&kmsKeyName={by_number}"), "x").await.ok()["kmsKeyName"], version);
    assert_eq!(world.object("plain", "o").await.ok()["kmsKeyName"], version, "get");
    let listed = world.get("/storage/v1/b/plain/o").await.ok();
    assert_eq!(listed["items"][0]["kmsKeyName"], version, "list");
    let path = "/storage/v1/b/plain/o/o/rewriteTo/b/plain/o/p";
    assert_eq!(world.call("POST", path, json!({})).await.ok()["resource"]["kmsKeyName"], version, "rewrite");
}

/// 2.2: the agent is that of the project that owns the bucket, wherever the key lies.
#[tokio::test]
async fn the_agent_of_the_buckets_project_needs_the_grant() {
    let world = World::new().await;
    let key = world.key_in("key-project", "us", "k").await;
    world.bucket("images").await;
    let put = async || world.put("images", "o", &format!("&kmsKeyName={key}"), "x").await;
    let agent = async |project: &str, service: &str| {
        let account = world.get(&format!("/storage/v1/projects/{project}/serviceAccount")).await.ok();
        account["email_address"].as_str().expect("an address").replace("gs-project-accounts", service)
    };
    for (row, email) in [
        ("the agent of the key's project", agent("key-project", "gs-project-accounts").await),
        ("4.4: Container Registry's agent", agent(PROJECT, "containerregistry").await),
    ] {
        let bindings = json!([{"role": GRANT, "members": [format!("serviceAccount:{email}")]}]);
        let policy = json!({"policy": {"bindings": bindings}});
        world.call("POST", &format!("/v1/{key}:setIamPolicy"), policy).await.ok();
        assert_eq!(put().await.refusal(), (403, "forbidden".to_owned(), DENIED.to_owned()), "{row}");
    }
    for (role, writes, reads) in [
        ("roles/cloudkms.cryptoKeyDecrypter", 403, 404),
        ("roles/cloudkms.cryptoKeyEncrypter", 200, 403),
        (GRANT, 200, 200),
    ] {
        world.grant(&key, role).await;
        assert_eq!((put().await.status, world.read("images", "o").await.status), (writes, reads), "{role}");
    }
}

/// 2.2: the caller needs no permission on the key.
#[tokio::test]
async fn a_caller_needs_nothing_of_cloud_kms() {
    let world = World::with(Builder::default().iam(IamMode::Enforce)).await;
    world.allow("projects/my-project", "roles/owner", "user:owner@example.com").await;
    world.allow("projects/my-project", "roles/storage.admin", "user:ann@example.com").await;
    let owner = async |path: &str, body: Value| {
        let headers = [("authorization", "Bearer owner@example.com"), ("content-type", "application/json")];
        world.send("POST", path, &headers, body.to_string()).await
    };
    let ring = "projects/my-project/locations/us/keyRings/ring";
    owner("/v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await.ok();
    let made = owner(&format!("/v1/{ring}/cryptoKeys?cryptoKeyId=k"), json!({"purpose": "ENCRYPT_DECRYPT"})).await;
    made.ok();
    let key = format!("{ring}/cryptoKeys/k");
    let account = world.get("/storage/v1/projects/my-project/serviceAccount").await.ok();
    let member = format!("serviceAccount:{}", account["email_address"].as_str().expect("an address"));
    let policy = json!({"policy": {"bindings": [{"role": GRANT, "members": [member]}]}});
    owner(&format!("/v1/{key}:setIamPolicy"), policy).await.ok();
    let ann = [("authorization", "Bearer ann@example.com"), ("content-type", "application/json")];
    let bucket = json!({"name": "images", "encryption": {"defaultKmsKeyName": key}}).to_string();
    world.send("POST", "/storage/v1/b?project=my-project", &ann, bucket).await.ok();
    world.send("POST", "/upload/storage/v1/b/images/o?uploadType=media&name=o", &ann, "x").await.ok();
    assert_eq!(world.send("GET", "/storage/v1/b/images/o/o?alt=media", &ann, "").await.text(), "x");
    let encrypt = world.send("POST", &format!("/v1/{key}:encrypt"), &ann, r#"{"plaintext":"eA=="}"#).await;
    assert_eq!(encrypt.status, 403, "and has none");
}

/// 2.1: a pair of regions takes the key of the multi-region around it, and no other.
#[tokio::test]
async fn a_pair_of_regions_takes_the_key_around_it() {
    let world = World::new().await;
    for (place, pair, key_place, shown) in [
        ("US", ["US-EAST1", "US-WEST1"], "us", None),
        ("US", ["US-EAST1", "US-WEST1"], "us-east1", Some("US")),
        ("EU", ["EUROPE-WEST1", "EUROPE-WEST4"], "europe", None),
        ("EU", ["EUROPE-WEST1", "EUROPE-WEST4"], "eur4", Some("EU")),
        ("ASIA", ["ASIA-EAST1", "ASIA-SOUTHEAST1"], "asia", None),
    ] {
        let key = world.key_in(PROJECT, key_place, &format!("k-{place}")).await;
        world.grant(&key, GRANT).await;
        let name = format!("pair-{}-{key_place}", place.to_lowercase());
        let body = json!({"name": name, "location": place, "encryption": {"defaultKmsKeyName": key},
            "customPlacementConfig": {"dataLocations": pair}});
        let answer = world.create_bucket(body).await;
        match shown {
            None => assert_eq!(answer.ok()["locationType"], json!("dual-region"), "{place} {key_place}"),
            Some(shown) => {
                let text = format!("Cloud KMS region '{key_place}' not available for use with GCS region '{shown}'.");
                answer.refused(400, "invalid", &text);
                assert_eq!(world.get(&format!("/storage/v1/b/{name}")).await.status, 404);
            }
        }
    }
}

/// 1.4: each kind of encryption that a bucket forbids, for each way in which an object becomes new.
#[tokio::test]
async fn what_a_bucket_forbids_it_forbids_to_every_new_object() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("images").await;
    let explicit = format!("&kmsKeyName={key}");
    for (name, more) in [("google", ""), ("keyed", explicit.as_str())] {
        world.put("images", name, more, "x").await.ok();
        let deleted = world.put("images", &format!("{name}-deleted"), more, "x").await.ok();
        world.call("DELETE", &format!("/storage/v1/b/images/o/{name}-deleted"), Value::Null).await;
        world.call("PATCH", "/storage/v1/b/images", json!({"labels": {name: deleted["generation"]}})).await.ok();
    }
    let labels = world.get("/storage/v1/b/images").await.ok()["labels"].clone();
    let object = "/storage/v1/b/images/o";
    for (config, kind, more, destination) in [
        ("googleManagedEncryptionEnforcementConfig", "google", String::new(), String::new()),
        (
            "customerManagedEncryptionEnforcementConfig",
            "keyed",
            explicit.clone(),
            format!("destinationKmsKeyName={key}"),
        ),
    ] {
        let restrict = |mode: &str| json!({"encryption": {config: {"restrictionMode": mode}}});
        world.call("PATCH", "/storage/v1/b/images", restrict("FullyRestricted")).await.ok();
        let before = world.picture("images").await;
        let generation = labels[kind].as_str().expect("a generation");
        let text = format!("The bucket's {config} restricts new objects with this type of encryption.");
        let sources = json!({"sourceObjects": [{"name": kind}]});
        for (row, answer) in [
            ("insert", world.put("images", "new", &more, "x").await),
            ("overwrite", world.put("images", kind, &more, "x").await),
            (
                "copy",
                world.call("POST", &format!("{object}/{kind}/copyTo/b/images/o/n?{destination}"), json!({})).await,
            ),
            (
                "rewrite",
                world.call("POST", &format!("{object}/{kind}/rewriteTo/b/images/o/n?{destination}"), json!({})).await,
            ),
            ("compose", world.call("POST", &format!("{object}/new/compose?{more}"), sources).await),
            (
                "restore",
                world
                    .call("POST", &format!("{object}/{kind}-deleted/restore?generation={generation}"), json!({}))
                    .await,
            ),
        ] {
            assert_eq!(answer.refusal(), (412, "conditionNotMet".to_owned(), text.clone()), "{kind}: {row}");
        }
        assert_eq!(world.picture("images").await, before, "{kind}: nothing has changed");
        assert_eq!(world.read("images", kind).await.text(), "x", "{kind}: what is there stays readable");
        world.call("PATCH", "/storage/v1/b/images", restrict("NotRestricted")).await.ok();
        world.put("images", "new", &more, "x").await.ok();
        let path = format!("{object}/{kind}-deleted/restore?generation={generation}");
        world.call("POST", &path, json!({})).await.ok();
    }
}
