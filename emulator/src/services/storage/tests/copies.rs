//! Reference 1.3 and 2.7: rewrite with its tokens, copy, compose, move.

use serde_json::{Value, json};

use super::World;

const MIB: usize = 1 << 20;

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 251 + at) as u8).collect()
}

/// The source's key is never inherited (1.4), the metadata is.
#[tokio::test]
async fn a_rewrite_takes_the_destinations_key_and_the_sources_metadata() {
    let world = World::new().await;
    let (key, other) = (world.key("k").await, world.key("other").await);
    world.bucket_with_key("keyed", &key).await;
    world.bucket("plain").await;
    world.bucket_with_key("other", &other).await;
    world.put("keyed", "o", "", "secret").await.ok();
    world.call("PATCH", "/storage/v1/b/keyed/o/o", json!({"metadata": {"a": "b"}})).await.ok();
    let version = |key: &str| json!(format!("{key}/cryptoKeyVersions/1"));
    let rows = [
        ("plain", String::new(), Value::Null),
        ("other", String::new(), version(&other)),
        ("plain", format!("?destinationKmsKeyName={key}"), version(&key)),
        ("other", format!("?destinationKmsKeyName={key}"), version(&key)),
    ];
    for (bucket, query, expected) in rows {
        // A key in the body has no effect.
        let path = format!("/storage/v1/b/keyed/o/o/rewriteTo/b/{bucket}/o/copy{query}");
        let answer = world.call("POST", &path, json!({"kmsKeyName": other})).await.ok();
        assert_eq!(answer["kind"], json!("storage#rewriteResponse"));
        assert_eq!(
            (&answer["done"], &answer["objectSize"], &answer["totalBytesRewritten"]),
            (&json!(true), &json!("6"), &json!("6"))
        );
        let resource = &answer["resource"];
        assert_eq!(
            (&resource["kmsKeyName"], &resource["metadata"]["a"], &resource["metageneration"]),
            (&expected, &json!("b"), &json!("1")),
            "{path}"
        );
        assert_eq!(world.read(bucket, "copy").await.text(), "secret");
    }
    // gcloud sends the whole resource back as the body, hashes and all.
    let whole = world.object("keyed", "o").await.ok();
    let path = format!(
        "/storage/v1/b/keyed/o/o/rewriteTo/b/keyed/o/o?destinationKmsKeyName={other}&sourceGeneration={}",
        whole["generation"].as_str().unwrap_or_default()
    );
    let rewritten = world.call("POST", &path, whole.clone()).await.ok();
    assert_eq!(rewritten["resource"]["md5Hash"], whole["md5Hash"]);
    assert_ne!(rewritten["resource"]["generation"], whole["generation"]);
    let copied = world.call("POST", "/storage/v1/b/keyed/o/o/copyTo/b/plain/o/p", json!({})).await.ok();
    assert_eq!((&copied["kind"], &copied["kmsKeyName"]), (&json!("storage#object"), &Value::Null));
}

/// 2.7: a byte copy that is limited per call goes on with its token, under the same parameters.
#[tokio::test]
async fn a_limited_rewrite_goes_on_with_its_token() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("plain").await;
    let bytes = pattern(2 * MIB + 500_000);
    world.put("plain", "o", "", bytes.clone()).await.ok();
    let path = format!(
        "/storage/v1/b/plain/o/o/rewriteTo/b/plain/o/o?destinationKmsKeyName={key}&maxBytesRewrittenPerCall={MIB}"
    );
    let mut answer = world.call("POST", &path, json!({})).await.ok();
    for done in [MIB, 2 * MIB] {
        assert_eq!((&answer["done"], &answer["totalBytesRewritten"]), (&json!(false), &json!(done.to_string())));
        assert_eq!((answer.get("resource"), &answer["objectSize"]), (None, &json!(bytes.len().to_string())));
        let token = answer["rewriteToken"].as_str().expect("a token").to_owned();
        let other = path.replace("o/o?", "o/elsewhere?");
        assert_eq!(
            world.call("POST", &format!("{other}&rewriteToken={token}"), json!({})).await.status,
            400,
            "another route"
        );
        answer = world.call("POST", &format!("{path}&rewriteToken={token}"), json!({})).await.ok();
    }
    assert_eq!((&answer["done"], answer.get("rewriteToken")), (&json!(true), None));
    assert_eq!(answer["resource"]["kmsKeyName"], json!(format!("{key}/cryptoKeyVersions/1")));
    assert!(world.read("plain", "o").await.body == bytes);
    // Later calls must repeat the limit too.
    let start = format!(
        "{path}&ifGenerationMatch={}",
        world.object("plain", "o").await.ok()["generation"].as_str().expect("one")
    );
    let start = start.replace(&format!("{key}&"), &format!("{}&", world.key("other").await));
    let token = world.call("POST", &start, json!({})).await.ok()["rewriteToken"].as_str().expect("a token").to_owned();
    let doubled = start.replace(&MIB.to_string(), &(2 * MIB).to_string());
    let changed = world.call("POST", &format!("{doubled}&rewriteToken={token}"), json!({})).await;
    assert_eq!((changed.status, changed.refusal().1.as_str()), (400, "invalid"));
    // Same place, class and encryption: one call whatever the limit.
    let again = format!(
        "/storage/v1/b/plain/o/o/rewriteTo/b/plain/o/q?destinationKmsKeyName={key}&maxBytesRewrittenPerCall={MIB}"
    );
    assert_eq!(world.call("POST", &again, json!({})).await.ok()["done"], json!(true));
    let odd = path.replace(&MIB.to_string(), "1000");
    assert_eq!(world.call("POST", &odd, json!({})).await.refusal().1, "invalid");
    assert_eq!(world.call("POST", &format!("{path}&rewriteToken=stale"), json!({})).await.status, 410);
}

/// A key that dies between two calls of a rewrite refuses the second.
#[tokio::test]
async fn a_rewrite_between_calls_sees_the_world_change() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    world.bucket("plain").await;
    world.put("keyed", "o", "", pattern(2 * MIB)).await.ok();
    let path = format!("/storage/v1/b/keyed/o/o/rewriteTo/b/plain/o/o?maxBytesRewrittenPerCall={MIB}");
    let token = world.call("POST", &path, json!({})).await.ok()["rewriteToken"].as_str().expect("a token").to_owned();
    world.version(&key, 1, "DISABLED").await;
    let next = format!("{path}&rewriteToken={token}");
    world.call("POST", &next, json!({})).await.refused(400, "cloudKmsDisabledKey", super::DISABLED);
    assert_eq!(world.names("plain", "").await, Vec::<String>::new());
    // A refusal does not use the token up.
    world.version(&key, 1, "ENABLED").await;
    assert_eq!(world.call("POST", &next, json!({})).await.ok()["done"], json!(true));
}

#[tokio::test]
async fn composition_joins_its_sources_and_has_no_md5() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    let big = pattern(200_000);
    let first = world.put("keyed", "a", "", big.clone()).await.ok();
    world.put("keyed", "b", "", "tail").await.ok();
    // gcloud: generations, and the first source's hashes as the destination's, which must be ignored.
    let body = json!({
        "sourceObjects": [{"name": "a", "generation": first["generation"]}, {"name": "b"}],
        "destination": {"contentType": "a/b", "crc32c": first["crc32c"], "md5Hash": first["md5Hash"], "kmsKeyName": key},
    });
    let composed = world.call("POST", &format!("/storage/v1/b/keyed/o/all/compose?kmsKeyName={key}"), body).await.ok();
    assert_eq!(
        (&composed["componentCount"], &composed["md5Hash"], &composed["contentType"]),
        (&json!(2), &Value::Null, &json!("a/b"))
    );
    let mut whole = big;
    whole.extend_from_slice(b"tail");
    let read = world.read("keyed", "all").await;
    assert!(read.body == whole);
    assert!(!read.header("x-goog-hash").contains("md5="));
    for (sources, status) in [
        (json!([]), 400),
        (json!([{"name": "gone"}]), 404),
        (json!([{"name": "a", "objectPreconditions": {"ifGenerationMatch": "1"}}]), 412),
    ] {
        let answer = world.call("POST", "/storage/v1/b/keyed/o/none/compose", json!({"sourceObjects": sources})).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let many: Vec<Value> = (0..33).map(|_| json!({"name": "b"})).collect();
    assert_eq!(
        world.call("POST", "/storage/v1/b/keyed/o/none/compose", json!({"sourceObjects": many})).await.status,
        400
    );
    assert_eq!(world.object("keyed", "none").await.status, 404);
}
