//! Soft delete: reference 1.3 (a bucket's first policy) and the rows of 1.4 and 2.5 on it.

use serde_json::{Value, json};

use super::World;

const DAY: std::time::Duration = std::time::Duration::from_hours(24);
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

#[tokio::test]
async fn a_bucket_keeps_deleted_objects_for_a_week_unless_told_otherwise() {
    let world = World::new().await;
    let bucket = world.create_bucket(json!({"name": "images"})).await.ok();
    let first = json!({"retentionDurationSeconds": "604800", "effectiveTime": "2026-01-05T09:00:00.000Z"});
    assert_eq!(bucket["softDeletePolicy"], first);
    world.emulator.advance(DAY).await.expect("a moved clock");
    let patch =
        async |policy: Value| world.call("PATCH", "/storage/v1/b/images", json!({"softDeletePolicy": policy})).await;
    assert_eq!(patch(first.clone()).await.ok()["softDeletePolicy"], first, "the same again");
    let longer = json!({"retentionDurationSeconds": "7776000", "effectiveTime": "2026-01-06T09:00:00.000Z"});
    assert_eq!(patch(json!({"retentionDurationSeconds": 7_776_000})).await.ok()["softDeletePolicy"], longer);
    for bad in [json!({"retentionDurationSeconds": 1}), json!({"retentionDurationSeconds": "x"}), json!("x")] {
        let refused = patch(bad.clone()).await;
        assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "invalid"), "{bad}");
    }
    assert_eq!(patch(json!(null)).await.ok()["softDeletePolicy"]["retentionDurationSeconds"], json!("0"));
    let again = world.call("PUT", "/storage/v1/b/images", json!({"name": "images"})).await.ok();
    assert_eq!(again["softDeletePolicy"]["retentionDurationSeconds"], json!("604800"));
}

/// 2.5: soft delete works, lists show it, and restoring needs no key and shows no hashes.
#[tokio::test]
async fn what_was_deleted_under_a_dead_key_comes_back_and_is_as_dead() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    let made = world.put("keyed", "o", "", "secret").await.ok();
    world.version(&key, 1, "DISABLED").await;
    assert_eq!(world.call("DELETE", "/storage/v1/b/keyed/o/o", Value::Null).await.status, 204);
    assert_eq!(world.names("keyed", "versions=true").await, Vec::<String>::new());
    let listed = world.get("/storage/v1/b/keyed/o?softDeleted=true").await.ok();
    let item = &listed["items"][0];
    assert_eq!(
        (&item["generation"], &item["softDeleteTime"], &item["hardDeleteTime"]),
        (&made["generation"], &json!("2026-01-05T09:00:00.000Z"), &json!("2026-01-12T09:00:00.000Z"))
    );
    assert_eq!((item.get("crc32c"), item.get("md5Hash")), (None, None));
    assert_eq!(item["kmsKeyName"], json!(format!("{key}/cryptoKeyVersions/1")));
    let generation = made["generation"].as_str().expect("a generation");
    let got = world.get(&format!("/storage/v1/b/keyed/o/o?softDeleted=true&generation={generation}")).await.ok();
    assert_eq!(&got, item);
    let restore = format!("/storage/v1/b/keyed/o/o/restore?generation={generation}");
    let back = world.call("POST", &restore, json!({})).await.ok();
    assert_eq!((&back["kmsKeyName"], &back["metageneration"]), (&item["kmsKeyName"], &json!("1")));
    assert_eq!((back.get("crc32c"), back.get("md5Hash"), back.get("softDeleteTime")), (None, None, None));
    assert_ne!(back["generation"], made["generation"]);
    assert_eq!(world.read("keyed", "o").await.status, 400, "it is as dead as before");
    world.version(&key, 1, "ENABLED").await;
    assert_eq!(world.read("keyed", "o").await.text(), "secret");
    assert_eq!(world.call("POST", &restore, json!({})).await.status, 404, "it is not there twice");
    assert_eq!(world.names("keyed", "softDeleted=true").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_overwritten_comes_back_over_what_is_there() {
    let world = World::new().await;
    world.bucket("images").await;
    let first = world.put("images", "o", "", "one").await.ok()["generation"].as_str().expect("a generation").to_owned();
    world.put("images", "o", "", "two").await.ok();
    let restore = format!("/storage/v1/b/images/o/o/restore?generation={first}");
    let refused = world.call("POST", &format!("{restore}&ifGenerationMatch=0"), json!({})).await;
    assert_eq!(refused.refusal().1, "conditionNotMet");
    assert_eq!(world.read("images", "o").await.text(), "two");
    world.call("POST", &restore, json!({})).await.ok();
    assert_eq!(world.read("images", "o").await.text(), "one");
    assert_eq!(world.names("images", "softDeleted=true").await, ["o"], "now the other one");
    // A generation of a versioned bucket that was named is gone for a while only.
    world.call("PATCH", "/storage/v1/b/images", json!({"versioning": {"enabled": true}})).await.ok();
    world.put("images", "o", "", "three").await.ok();
    let listed = world.get("/storage/v1/b/images/o?versions=true").await.ok();
    let old = listed["items"][0]["generation"].as_str().expect("a generation").to_owned();
    let path = format!("/storage/v1/b/images/o/o?generation={old}");
    assert_eq!(world.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.names("images", "softDeleted=true").await, ["o", "o"]);
    // It does not hold its bucket back.
    let live = world.object("images", "o").await.ok()["generation"].as_str().expect("a generation").to_owned();
    let path = format!("/storage/v1/b/images/o/o?generation={live}");
    assert_eq!(world.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.call("DELETE", "/storage/v1/b/images", Value::Null).await.status, 204);
    world.bucket("images").await;
    assert_eq!(world.names("images", "softDeleted=true").await, Vec::<String>::new(), "a namesake inherits nothing");
}

#[tokio::test]
async fn after_its_time_it_is_gone_with_its_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::with(crate::builder::Builder::default().data_dir(folder.path())).await;
    let segments = || std::fs::read_dir(folder.path().join("blobs")).expect("a folder").count();
    world.bucket("images").await;
    let made = world.put("images", "o", "", vec![7; 200_000]).await.ok();
    world.call("DELETE", "/storage/v1/b/images/o/o", Value::Null).await;
    world.emulator.advance(SECOND * (7 * 86_400 - 1)).await.expect("a moved clock");
    assert_eq!((world.names("images", "softDeleted=true").await.len(), segments()), (1, 1));
    world.emulator.advance(SECOND).await.expect("a moved clock");
    assert_eq!(world.names("images", "softDeleted=true").await, Vec::<String>::new());
    let generation = made["generation"].as_str().expect("a generation");
    let restore = format!("/storage/v1/b/images/o/o/restore?generation={generation}");
    world.call("POST", &restore, json!({})).await.refused(404, "notFound", "No such object: images/o");
    world.emulator.advance(DAY).await.expect("a moved clock");
    assert_eq!(segments(), 0);
    // Where nothing is kept it is gone at once.
    world
        .call("PATCH", "/storage/v1/b/images", json!({"softDeletePolicy": {"retentionDurationSeconds": "0"}}))
        .await
        .ok();
    world.put("images", "o", "", vec![7; 200_000]).await.ok();
    world.put("images", "o", "", vec![7; 200_000]).await.ok();
    assert_eq!((segments(), world.names("images", "softDeleted=true").await.len()), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "x").await.ok();
    let required = (400, "required", "Required parameter: generation");
    let missing = (404, "notFound", "No such object: images/o");
    for (verb, path, (status, reason, text)) in [
        ("POST", "/storage/v1/b/images/o/o/restore", required),
        ("GET", "/storage/v1/b/images/o/o?softDeleted=true", required),
        ("POST", "/storage/v1/b/images/o/o/restore?generation=5", missing),
        ("GET", "/storage/v1/b/images/o/o?softDeleted=true&generation=5", missing),
        (
            "POST",
            "/storage/v1/b/images/o/o/restore?generation=-5",
            (400, "invalid", "Invalid value for parameter generation: '-5'."),
        ),
        (
            "GET",
            "/storage/v1/b/images?softDeleted=true&generation=1",
            (404, "notFound", "The specified bucket does not exist."),
        ),
    ] {
        world.call(verb, path, Value::Null).await.refused(status, reason, text);
    }
    let buckets = world.get("/storage/v1/b?project=my-project&softDeleted=true").await.ok();
    assert_eq!(buckets, json!({"kind": "storage#buckets"}));
}
