//! What a job does to the objects that it is about.

use super::*;
use crate::kernel::Mode;

#[tokio::test]
async fn a_bucket_is_rewritten_under_a_key() {
    let world = World::new().await;
    furnish(&world).await;
    for name in ["a", "dir/b", "dir/c"] {
        put(&world, name, name).await;
    }
    put(&world, "large", &"x".repeat(300_000)).await;
    let before = object(&world, "dir/b").await.ok();
    let made = create(&world, "job1", rewrite()).await.ok();
    assert!(made["name"].as_str().expect("a name").starts_with("projects/my-project/locations/global/operations/"));
    assert!(made.get("done").is_none(), "an operation that goes on: {made:#}");
    assert_eq!(made["metadata"]["job"]["state"], "RUNNING");
    let job = ended(&world, "job1").await;
    assert_eq!((job["state"].as_str(), counted(&job)), (Some("SUCCEEDED"), ["4", "4", "0"]));
    assert_eq!(job["counters"]["totalBytesFound"], (1 + 5 + 5 + 300_000).to_string());
    assert_eq!(job["completeTime"], "2026-01-05T09:00:00Z");
    for name in ["a", "dir/b", "dir/c", "large"] {
        assert_eq!(key_of(&world, name).await, format!("{KEY}/cryptoKeyVersions/1"), "{name}");
    }
    let after = object(&world, "dir/b").await.ok();
    assert_ne!(after["generation"], before["generation"]);
    for same in ["md5Hash", "crc32c", "size", "contentType"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let read = world.send("GET", "/storage/v1/b/data/o/large?alt=media", "").await;
    assert_eq!((read.status, read.text.len()), (200, 300_000));
    let operation = world.get(&format!("/v1/{}", made["name"].as_str().expect("a name"))).await.ok();
    assert_eq!((&operation["done"], &operation["response"]["name"]), (&json!(true), &job["name"]));
    assert_eq!(operation["metadata"]["endTime"], "2026-01-05T09:00:00Z");
}

/// Each choice of objects, and who is left alone.
#[tokio::test]
async fn prefixes_choose_and_what_lies_under_two_counts_once() {
    let rows: [(Value, &[&str]); 6] = [
        (json!([]), &["a/1", "a/2", "ab", "b"]),
        (json!([""]), &["a/1", "a/2", "ab", "b"]),
        (json!(["a/"]), &["a/1", "a/2"]),
        (json!(["ab", "a", "a/1"]), &["a/1", "a/2", "ab"]),
        (json!(["b", "ab"]), &["ab", "b"]),
        (json!(["nobody"]), &[]),
    ];
    for (prefixes, expected) in rows {
        let world = World::new().await;
        furnish(&world).await;
        for name in ["a/1", "a/2", "ab", "b"] {
            put(&world, name, "x").await;
        }
        let objects = json!({"prefixList": {"includedObjectPrefixes": prefixes}});
        let job = run(&world, "j", chosen(objects, json!({"rewriteObject": {"kmsKey": KEY}}))).await;
        let count = expected.len().to_string();
        assert_eq!(counted(&job), [count.as_str(), count.as_str(), "0"], "{prefixes}");
        for name in ["a/1", "a/2", "ab", "b"] {
            assert_eq!(!key_of(&world, name).await.is_empty(), expected.contains(&name), "{prefixes}: {name}");
        }
    }
}

/// More than one call changes, small and large between each other.
#[tokio::test]
async fn a_long_job_takes_every_object_once() {
    let world = World::new().await;
    furnish(&world).await;
    for number in 0..300 {
        let body = if number % 100 == 50 { "y".repeat(70_000) } else { number.to_string() };
        put(&world, &format!("{number:04}"), &body).await;
    }
    let job = run(&world, "j", rewrite()).await;
    assert_eq!((job["state"].as_str(), counted(&job)), (Some("SUCCEEDED"), ["300", "300", "0"]));
    let listed = world.get("/storage/v1/b/data/o?fields=items(name,kmsKeyName)").await.ok();
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 300);
    assert!(items.iter().all(|item| item["kmsKeyName"] == format!("{KEY}/cryptoKeyVersions/1")));
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "a", "12345").await;
    put(&world, "b", "123").await;
    let mut dry = rewrite();
    dry["dryRun"] = json!(true);
    let job = run(&world, "j", dry).await;
    assert_eq!((counted(&job), &job["counters"]["totalBytesFound"]), (["2", "0", "0"], &json!("8")));
    assert_eq!((job["state"].as_str(), key_of(&world, "a").await.as_str()), (Some("SUCCEEDED"), ""));
}

#[tokio::test]
async fn holds_metadata_and_deletion() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "a", "x").await;
    let all = json!({"prefixList": {}});
    run(&world, "hold", chosen(all.clone(), json!({"putObjectHold": {"temporaryHold": "SET"}}))).await;
    assert_eq!(object(&world, "a").await.ok()["temporaryHold"], json!(true));
    let job = run(&world, "no", chosen(all.clone(), json!({"deleteObject": {}}))).await;
    assert_eq!((counted(&job), &job["errorSummaries"][0]["errorCode"]), (["1", "0", "1"], &json!("PERMISSION_DENIED")));
    run(&world, "release", chosen(all.clone(), json!({"putObjectHold": {"temporaryHold": "UNSET"}}))).await;
    let set = json!({"putMetadata": {"contentType": "text/css", "cacheControl": "no-store",
        "customMetadata": {"team": "alpha", "tier": "one"}}});
    run(&world, "set", chosen(all.clone(), set)).await;
    let clear = json!({"putMetadata": {"cacheControl": "", "customMetadata": {"tier": ""}}});
    run(&world, "clear", chosen(all.clone(), clear)).await;
    let shown = object(&world, "a").await.ok();
    assert_eq!((&shown["contentType"], &shown["metadata"]), (&json!("text/css"), &json!({"team": "alpha"})));
    assert!(shown.get("cacheControl").is_none(), "{shown:#}");
    let job = run(&world, "delete", chosen(all, json!({"deleteObject": {}}))).await;
    assert_eq!((counted(&job), object(&world, "a").await.status), (["1", "1", "0"], 404));
}

#[tokio::test]
async fn a_versioned_bucket_keeps_what_is_not_deleted_for_good() {
    let world = World::new().await;
    furnish(&world).await;
    world.call("PATCH /storage/v1/b/data", json!({"versioning": {"enabled": true}})).await.ok();
    for _ in 0..2 {
        put(&world, "a", "x").await;
    }
    let all = json!({"prefixList": {}});
    let job = run(&world, "soft", chosen(all.clone(), json!({"deleteObject": {}}))).await;
    assert_eq!(counted(&job), ["1", "1", "0"], "noncurrent objects are left alone");
    let versions = world.get("/storage/v1/b/data/o?versions=true").await.ok();
    assert_eq!(versions["items"].as_array().map(Vec::len), Some(2));
    put(&world, "a", "x").await;
    let for_good = json!({"deleteObject": {"permanentObjectDeletionEnabled": true}});
    let job = run(&world, "hard", chosen(all, for_good)).await;
    assert_eq!(counted(&job), ["3", "3", "0"]);
    assert!(world.get("/storage/v1/b/data/o?versions=true").await.ok().get("items").is_none());
}

/// A job changes objects in the name of whoever made it.
#[tokio::test]
async fn a_job_may_what_its_maker_may() {
    let world = World::enforcing().await;
    let bind = |resource: &'static str, role: &'static str, member: &'static str| {
        let world = &world;
        async move {
            let bind = move |call: &mut crate::kernel::Call| {
                let mut policy = crate::doors::policy(call, resource)?;
                policy.bindings.push(gcp_schema::iam::Binding {
                    role: role.to_owned(),
                    members: vec![member.to_owned()],
                    ..Default::default()
                });
                crate::doors::replace_policy(call, resource, policy)
            };
            world.inside(Mode::Write, bind).await.expect("bound");
        }
    };
    bind("projects/my-project", "roles/owner", "user:ann@example.com").await;
    bind("projects/my-project", "roles/storage.admin", "user:ann@example.com").await;
    bind("projects/my-project", "roles/storagebatchoperations.admin", "user:bob@example.com").await;
    let ann = "ann@example.com";
    let made = world.call_as(ann, "POST /storage/v1/b?project=my-project", json!({"name": "data"})).await;
    made.ok();
    let upload = "POST /upload/storage/v1/b/data/o?uploadType=media&name=a";
    world.call_as(ann, upload, json!("x")).await.ok();
    let patch = chosen(json!({"prefixList": {}}), json!({"putMetadata": {"contentType": "text/css"}}));
    for (token, id, done) in [("bob@example.com", "bobs", "0"), (ann, "anns", "1")] {
        world.call_as(token, &format!("POST {GLOBAL}/jobs?jobId={id}"), patch.clone()).await.ok();
        let shown = world.call_as(token, &format!("GET {GLOBAL}/jobs/{id}"), Value::Null).await.ok();
        assert_eq!(counted(&shown)[1], done, "{shown:#}");
    }
    let strange = world.call_as("eve@example.com", &format!("GET {GLOBAL}/jobs/anns"), Value::Null).await;
    assert_eq!((strange.status, strange.code()), (403, "PERMISSION_DENIED"));
}
