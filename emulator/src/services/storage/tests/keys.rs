//! Reference 2.1 to 2.5: which key is taken, who is asked, what a refusal says and what it leaves alone.

use serde_json::{Value, json};

use super::{DENIED, DISABLED, PROJECT, World};

/// 2.1, one row a case: bucket location, key location, whether they fit.
#[tokio::test]
async fn a_key_must_lie_where_its_bucket_does() {
    let world = World::new().await;
    let rows = [
        ("us-east1", "us-east1", true),
        ("us-east1", "us", false),
        ("US", "us", true),
        ("EU", "europe", true),
        ("ASIA", "asia", true),
        ("NAM4", "nam4", true),
        ("EUR4", "eur4", true),
        ("ASIA1", "asia1", true),
        ("US", "global", false),
        ("asia-south1", "us", false),
    ];
    for (at, (place, key_place, fits)) in rows.into_iter().enumerate() {
        let key = world.key_in(PROJECT, key_place, &format!("key{at}")).await;
        world.grant(&key, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
        let bucket = format!("bucket-{at}");
        let body = json!({"name": bucket, "location": place, "encryption": {"defaultKmsKeyName": key}});
        let answer = world.create_bucket(body).await;
        if fits {
            assert_eq!(answer.ok()["encryption"]["defaultKmsKeyName"], json!(key), "{place} {key_place}");
        } else {
            let shown = place.to_uppercase().replace('-', "_");
            let text = format!("Cloud KMS region '{key_place}' not available for use with GCS region '{shown}'.");
            answer.refused(400, "invalid", &text);
            assert_eq!(world.get(&format!("/storage/v1/b/{bucket}")).await.status, 404, "{place} {key_place}");
        }
    }
    // A configurable dual-region takes the key of the multi-region around it.
    let key = world.key("pair").await;
    let body = json!({"name": "paired", "location": "US", "encryption": {"defaultKmsKeyName": key},
        "customPlacementConfig": {"dataLocations": ["US-EAST1", "US-WEST1"]}});
    assert_eq!(world.create_bucket(body).await.ok()["locationType"], json!("dual-region"));
}

/// 2.3 and 2.4, at creation of a bucket and at a patch of its default key.
#[tokio::test]
async fn a_default_key_is_tried_before_it_is_taken() {
    let world = World::new().await;
    world.bucket("plain").await;
    let ungranted = world.key_in(PROJECT, "us", "ungranted").await;
    let disabled = world.key("disabled").await;
    world.version(&disabled, 1, "DISABLED").await;
    let missing = disabled.replace("/disabled", "/missing");
    let versioned = format!("{disabled}/cryptoKeyVersions/1");
    let rows = [
        ("ungranted", ungranted.clone(), 403, "forbidden", DENIED.to_owned()),
        ("missing without a grant above", missing.clone(), 403, "forbidden", DENIED.to_owned()),
        ("disabled", disabled.clone(), 400, "cloudKmsDisabledKey", DISABLED.to_owned()),
        ("version suffix", versioned.clone(), 400, "invalid", format!("Malformed Cloud KMS crypto key: {versioned}")),
        ("malformed", "garbage".to_owned(), 400, "invalid", "Malformed Cloud KMS crypto key: garbage".to_owned()),
    ];
    for (row, key, status, reason, text) in rows {
        let encryption = json!({"defaultKmsKeyName": key});
        let create = world.create_bucket(json!({"name": "fresh", "encryption": encryption})).await;
        create.refused(status, reason, &text);
        assert_eq!(world.get("/storage/v1/b/fresh").await.status, 404, "{row}: nothing was created");
        let patch = world.call("PATCH", "/storage/v1/b/plain", json!({"encryption": encryption})).await;
        patch.refused(status, reason, &text);
        let after = world.get("/storage/v1/b/plain").await.ok();
        assert_eq!((&after["metageneration"], &after["encryption"]), (&json!("1"), &Value::Null), "{row}");
    }
    // With a grant on the project the agent learns that the key is not there.
    world.grant(&format!("projects/{PROJECT}"), "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    let patch = json!({"encryption": {"defaultKmsKeyName": missing}});
    let answer = world.call("PATCH", "/storage/v1/b/plain", patch).await;
    answer.refused(400, "cloudKmsEncryptionKeyNotFound", "Cloud KMS encryption key not found.");
}

/// 2.2: gcloud answers a 403 with a grant and the same PATCH again.
#[tokio::test]
async fn granting_and_asking_again_sets_the_key() {
    let world = World::new().await;
    world.bucket("images").await;
    let key = world.key_in(PROJECT, "us", "k").await;
    let patch = json!({"encryption": {"defaultKmsKeyName": key}, "name": "images"});
    world.call("PATCH", "/storage/v1/b/images?projection=noAcl", patch.clone()).await.refused(403, "forbidden", DENIED);
    world.grant(&key, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    let bucket = world.call("PATCH", "/storage/v1/b/images?projection=noAcl", patch).await.ok();
    assert_eq!(bucket["encryption"]["defaultKmsKeyName"], json!(key));
}

/// 2.4: a key that cannot encrypt by its purpose.
#[tokio::test]
async fn a_key_of_another_purpose_is_a_bad_key() {
    let world = World::new().await;
    world.bucket("plain").await;
    let key = world.key("k").await;
    let ring = key.rsplit_once("/cryptoKeys").expect("a key").0;
    let body = json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}});
    world.call("POST", &format!("/v1/{ring}/cryptoKeys?cryptoKeyId=mac"), body).await.ok();
    let mac = format!("{ring}/cryptoKeys/mac");
    world.grant(&mac, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    let answer = world.put("plain", "o", &format!("&kmsKeyName={mac}"), "x").await;
    answer.refused(400, "cloudKmsBadKey", "Bad Cloud KMS key.");
}

/// 2.3: explicit key, then the bucket's default, then Google's own; the answer names the version (8.2).
#[tokio::test]
async fn the_key_is_the_requests_else_the_buckets_else_googles() {
    let world = World::new().await;
    let (first, second) = (world.key("first").await, world.key("second").await);
    world.bucket("plain").await;
    world.bucket_with_key("keyed", &first).await;
    let version = |key: &str| json!(format!("{key}/cryptoKeyVersions/1"));
    assert_eq!(world.put("plain", "o", "", "x").await.ok()["kmsKeyName"], Value::Null);
    assert_eq!(world.put("keyed", "o", "", "x").await.ok()["kmsKeyName"], version(&first));
    let more = format!("&kmsKeyName={second}");
    assert_eq!(world.put("keyed", "p", &more, "x").await.ok()["kmsKeyName"], version(&second));
    assert_eq!(world.put("plain", "p", &more, "x").await.ok()["kmsKeyName"], version(&second));
    // gcloud names the key in the metadata only; the query wins over it (1.4).
    let body = format!(
        "--b\r\ncontent-type: application/json\r\n\r\n{{\"name\":\"m\",\"kmsKeyName\":\"{first}\"}}\r\n--b\r\ncontent-type: a/b\r\n\r\nx\r\n--b--"
    );
    let kind = [("content-type", "multipart/related; boundary=b")];
    let path = "/upload/storage/v1/b/plain/o?uploadType=multipart";
    assert_eq!(world.send("POST", path, &kind, body.clone()).await.ok()["kmsKeyName"], version(&first));
    let path = format!("{path}{more}");
    assert_eq!(world.send("POST", &path, &kind, body).await.ok()["kmsKeyName"], version(&second));
    // With a version it is no key's name.
    let versioned = format!("{second}/cryptoKeyVersions/1");
    let answer = world.put("plain", "q", &format!("&kmsKeyName={versioned}"), "x").await;
    answer.refused(400, "invalid", &format!("Malformed Cloud KMS crypto key: {versioned}"));
    assert_eq!(world.object("plain", "q").await.status, 404);
}

/// 2.4 on writes and on reads, and the recorded body of a disabled key.
#[tokio::test]
async fn a_disabled_version_refuses_in_googles_words_and_enabling_heals() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    let before = world.put("keyed", "o", "", "secret").await.ok();
    world.version(&key, 1, "DISABLED").await;
    let write = world.put("keyed", "o", "", "newer").await;
    let text = DISABLED;
    assert_eq!(
        write.json(),
        json!({"error": {"code": 400, "message": text,
            "errors": [{"message": text, "domain": "global", "reason": "cloudKmsDisabledKey"}],
            "details": [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [{"type": "KEY_DISABLED", "subject": "", "description": ""}]}]}})
    );
    // On media the body is the plain sentence.
    let read = world.read("keyed", "o").await;
    assert_eq!((read.status, read.text().as_str()), (400, text));
    world.object("keyed", "o").await.refused(400, "cloudKmsDisabledKey", text);
    world.version(&key, 1, "ENABLED").await;
    assert_eq!(world.read("keyed", "o").await.text(), "secret");
    assert_eq!(world.object("keyed", "o").await.ok(), before);
    // Without the grant both are 403.
    world.grant(&key, "").await;
    world.put("keyed", "p", "", "x").await.refused(403, "forbidden", DENIED);
    let read = world.read("keyed", "o").await;
    assert_eq!((read.status, read.text().as_str()), (403, DENIED));
    // Encrypt-only is not enough for normal work (2.2).
    world.grant(&key, "roles/cloudkms.cryptoKeyEncrypter").await;
    world.put("keyed", "p", "", "x").await.ok();
    assert_eq!(world.read("keyed", "p").await.status, 403);
}

/// 2.5, row by row, under a version that is scheduled for destruction and then destroyed.
#[tokio::test]
async fn what_still_works_when_the_version_is_gone() {
    let world = World::new().await;
    let (dead, alive) = (world.key("dead").await, world.key("alive").await);
    world.bucket_with_key("keyed", &dead).await;
    for name in ["a", "b", "c", "d"] {
        world.put("keyed", name, "", "secret").await.ok();
    }
    world.call("POST", &format!("/v1/{dead}/cryptoKeyVersions/1:destroy"), json!({})).await.ok();
    for moment in ["scheduled", "destroyed"] {
        assert_eq!(world.read("keyed", "a").await.status, 400, "{moment}: media");
        world.object("keyed", "a").await.refused(400, "cloudKmsDisabledKey", DISABLED);
        let masked = world.get("/storage/v1/b/keyed/o/a?fields=name,kmsKeyName,size").await.ok();
        assert_eq!(masked["kmsKeyName"], json!(format!("{dead}/cryptoKeyVersions/1")), "{moment}: masked get");
        assert_eq!(world.get("/storage/v1/b/keyed/o/a?fields=name,crc32c").await.status, 400, "{moment}: masked hash");
        assert!(world.names("keyed", "versions=true").await.contains(&"a".to_owned()), "{moment}: list");
        let patched = world.call("PATCH", "/storage/v1/b/keyed/o/a", json!({"metadata": {"at": moment}})).await.ok();
        assert_eq!((&patched["metadata"]["at"], &patched["md5Hash"]), (&json!(moment), &Value::Null), "{moment}");
        for path in ["a/rewriteTo/b/keyed/o/z", "a/copyTo/b/keyed/o/z"] {
            let path = format!("/storage/v1/b/keyed/o/{path}?destinationKmsKeyName={alive}");
            world.call("POST", &path, json!({})).await.refused(400, "cloudKmsDisabledKey", DISABLED);
        }
        let compose = json!({"sourceObjects": [{"name": "a"}]});
        let path = format!("/storage/v1/b/keyed/o/z/compose?kmsKeyName={alive}");
        world.call("POST", &path, compose).await.refused(400, "cloudKmsDisabledKey", DISABLED);
        // A default key that is dead does not stop a label; nor does setting what is set already.
        let whole = json!({"labels": {"at": moment}, "encryption": {"defaultKmsKeyName": dead}});
        assert_eq!(world.call("PATCH", "/storage/v1/b/keyed", whole).await.ok()["labels"]["at"], json!(moment));
        world.emulator.advance(std::time::Duration::from_hours(31 * 24)).await.expect("a moved clock");
    }
    world.put("keyed", "b", &format!("&kmsKeyName={alive}"), "fresh").await.ok();
    assert_eq!(world.read("keyed", "b").await.text(), "fresh", "overwrite with a good key");
    assert_eq!(world.call("DELETE", "/storage/v1/b/keyed/o/c", Value::Null).await.status, 204, "delete");
    let moved = world.call("POST", "/storage/v1/b/keyed/o/d/moveTo/o/e", json!({})).await.ok();
    assert_eq!(moved["kmsKeyName"], json!(format!("{dead}/cryptoKeyVersions/1")), "move keeps the key");
    assert_eq!((&moved["crc32c"], &moved["md5Hash"]), (&Value::Null, &Value::Null), "move shows no hashes");
}

/// 2.5: hashes of CMEK objects are never in lists, and are in a get.
#[tokio::test]
async fn lists_leave_out_the_hashes_of_cmek_objects() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("mixed").await;
    world.put("mixed", "plain", "", "x").await.ok();
    world.put("mixed", "keyed", &format!("&kmsKeyName={key}"), "x").await.ok();
    let listing = world.get("/storage/v1/b/mixed/o").await.ok();
    let hashes = |item: &Value| item.get("crc32c").is_some() || item.get("md5Hash").is_some();
    assert_eq!((hashes(&listing["items"][0]), hashes(&listing["items"][1])), (false, true));
    assert_eq!(listing["items"][0]["kmsKeyName"], json!(format!("{key}/cryptoKeyVersions/1")));
    let keyed = world.object("mixed", "keyed").await.ok();
    assert!(keyed.get("crc32c").is_some() && keyed.get("md5Hash").is_some());
}

/// 2.7: rotation re-encrypts nothing; new writes take the new primary; a rewrite onto itself moves an object over.
#[tokio::test]
async fn rotation_touches_only_what_is_written_after_it() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    world.put("keyed", "old", "", "x").await.ok();
    world.call("POST", &format!("/v1/{key}/cryptoKeyVersions"), json!({})).await.ok();
    let primary = json!({"cryptoKeyVersionId": "2"});
    world.call("POST", &format!("/v1/{key}:updatePrimaryVersion"), primary).await.ok();
    let version = |number: u32| json!(format!("{key}/cryptoKeyVersions/{number}"));
    assert_eq!(world.object("keyed", "old").await.ok()["kmsKeyName"], version(1));
    assert_eq!(world.put("keyed", "new", "", "x").await.ok()["kmsKeyName"], version(2));
    let path = format!("/storage/v1/b/keyed/o/old/rewriteTo/b/keyed/o/old?destinationKmsKeyName={key}");
    let rewritten = world.call("POST", &path, json!({})).await.ok();
    assert_eq!((&rewritten["done"], &rewritten["resource"]["kmsKeyName"]), (&json!(true), &version(2)));
    world.version(&key, 1, "DISABLED").await;
    assert_eq!(world.read("keyed", "old").await.text(), "x");
}

/// 2.4 and the decision on a PATCH that repeats the key.
#[tokio::test]
async fn an_objects_key_cannot_be_patched_but_may_be_repeated() {
    let world = World::new().await;
    let (key, other) = (world.key("k").await, world.key("other").await);
    world.bucket("plain").await;
    let object = world.put("plain", "o", &format!("&kmsKeyName={key}"), "x").await.ok();
    for same in [&key, &format!("{key}/cryptoKeyVersions/1")] {
        world.call("PATCH", "/storage/v1/b/plain/o/o", json!({"kmsKeyName": same})).await.ok();
    }
    let answer = world.call("PATCH", "/storage/v1/b/plain/o/o", json!({"kmsKeyName": other})).await;
    answer.refused(400, "cloudKmsCannotChangeKeyName", "Cloud KMS key name cannot be changed.");
    assert_eq!(world.object("plain", "o").await.ok()["kmsKeyName"], object["kmsKeyName"]);
}

/// 1.4: every way in which clients clear a default key, and the one that changes nothing.
#[tokio::test]
async fn json_null_clears_a_default_key_and_an_empty_object_does_not() {
    let world = World::new().await;
    let key = world.key("k").await;
    let rows = [
        ("PATCH", json!({"encryption": null}), true),
        ("PATCH", json!({"encryption": {"defaultKmsKeyName": null}}), true),
        ("PATCH", json!({"encryption": {}}), false),
        ("PUT", json!({"name": "keyed"}), true),
    ];
    world.bucket_with_key("keyed", &key).await;
    for (verb, body, clears) in rows {
        let set = json!({"encryption": {"defaultKmsKeyName": key}});
        world.call("PATCH", "/storage/v1/b/keyed", set).await.ok();
        let bucket = world.call(verb, "/storage/v1/b/keyed", body.clone()).await.ok();
        assert_eq!(bucket["encryption"]["defaultKmsKeyName"].is_null(), clears, "{verb} {body}");
    }
}
