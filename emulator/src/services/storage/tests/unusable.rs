//! Reference 2.5, row by row: what an object still does when its key version cannot be used, for each way of losing it.

use serde_json::{Value, json};

use super::{DENIED, DISABLED, PROJECT, World};

const GRANT: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
const HASHES: [&str; 2] = ["crc32c", "md5Hash"];

/// Status, JSON reason, XML code, text.
type Refusal = (u16, &'static str, &'static str, &'static str);

const LOSSES: [(&str, Refusal); 5] = [
    ("disabled", (400, "cloudKmsDisabledKey", "CloudKmsDisabledKey", DISABLED)),
    ("scheduled", (400, "cloudKmsDisabledKey", "CloudKmsDisabledKey", DISABLED)),
    ("destroyed", (400, "cloudKmsDisabledKey", "CloudKmsDisabledKey", DISABLED)),
    ("no grant", (403, "forbidden", "AccessDenied", DENIED)),
    (
        "not found",
        (
            400,
            "cloudKmsDecryptionKeyNotFound",
            "CloudKmsDecryptionKeyNotFound",
            "Resource's Cloud KMS decryption key not found.",
        ),
    ),
];

/// A versioned bucket under key `k`, with objects `a` to `h`, and what becomes of the key.
async fn lost(how: &str) -> (World, String) {
    let world = World::new().await;
    let key = world.key("k").await;
    let body = json!({"name": "keyed", "versioning": {"enabled": true}, "encryption": {"defaultKmsKeyName": key}});
    world.create_bucket(body).await.ok();
    for name in ["a", "a", "b", "c", "d", "e", "f", "g", "h"] {
        world.put("keyed", name, "", "secret").await.ok();
    }
    let version = format!("{key}/cryptoKeyVersions/1");
    match how {
        "disabled" => world.version(&key, 1, "DISABLED").await,
        "scheduled" => world.destroy(&version).await,
        "no grant" => world.grant(&key, "").await,
        _ => {
            world.destroy(&version).await;
            world.wait_a_month().await;
            if how == "not found" {
                world.grant(&format!("projects/{PROJECT}"), GRANT).await;
                world.call("DELETE", &format!("/v1/{version}"), Value::Null).await.ok();
            }
        }
    }
    (world, key)
}

#[tokio::test]
async fn whatever_needs_the_bytes_is_refused() {
    for (how, (status, reason, code, text)) in LOSSES {
        let (world, _) = lost(how).await;
        let alive = world.key("alive").await;
        let before = world.picture("keyed").await;
        let object = "/storage/v1/b/keyed/o/a";
        let range = [("range", "bytes=0-1")];
        for (row, path, headers) in [
            ("JSON", format!("{object}?alt=media"), &[][..]),
            ("a download", format!("/download{object}?alt=media"), &[]),
            ("a range of it", format!("{object}?alt=media"), &range),
        ] {
            let answer = world.send("GET", &path, headers, "").await;
            assert_eq!((answer.status, answer.text().as_str()), (status, text), "{how}: read data, {row}");
        }
        let xml = format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
        );
        let signed = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Expires=9&X-Goog-Signature=00";
        for (row, path) in [("XML", "/keyed/a".to_owned()), ("signed URL", format!("/keyed/a?{signed}"))] {
            let answer = world.get(&format!("/storage.googleapis.com{path}")).await;
            assert_eq!((answer.status, answer.text()), (status, xml.clone()), "{how}: read data, {row}");
        }
        for fields in ["", "?fields=", "?fields=*", "?fields=name,crc32c", "?fields=md5Hash", "?projection=full"] {
            let answer = world.get(&format!("{object}{fields}")).await;
            assert_eq!(answer.refusal(), (status, reason.to_owned(), text.to_owned()), "{how}: full get {fields}");
        }
        let key = format!("destinationKmsKeyName={alive}");
        let compose = json!({"sourceObjects": [{"name": "a"}]});
        for (row, path, body) in [
            ("copy from it", format!("{object}/copyTo/b/keyed/o/new?{key}"), json!({})),
            ("rewrite from it", format!("{object}/rewriteTo/b/keyed/o/new?{key}"), json!({})),
            ("rewrite onto itself", format!("{object}/rewriteTo/b/keyed/o/a?{key}"), json!({})),
            ("compose from it", format!("/storage/v1/b/keyed/o/new/compose?kmsKeyName={alive}"), compose),
        ] {
            world.call("POST", &path, body).await.refused(status, reason, text);
            assert_eq!(world.picture("keyed").await, before, "{how}: {row} has changed nothing");
        }
    }
}

#[tokio::test]
async fn whatever_needs_no_bytes_works() {
    for (how, _) in LOSSES {
        let (world, key) = lost(how).await;
        let (alive, version) = (world.key("alive").await, json!(format!("{key}/cryptoKeyVersions/1")));
        let none = |item: &Value| HASHES.iter().all(|hash| item.get(hash).is_none());
        let object = |name: &str| format!("/storage/v1/b/keyed/o/{name}");
        // objects.list, also with versions.
        for (query, count) in [("", 8), ("versions=true", 9), ("versions=true&prefix=a", 2)] {
            let listed = world.get(&format!("/storage/v1/b/keyed/o?{query}")).await.ok();
            let items = listed["items"].as_array().expect("items");
            assert_eq!(items.len(), count, "{how}: list {query}");
            assert!(items.iter().all(|item| item["kmsKeyName"] == version && none(item)), "{how}: list {query}");
        }
        // objects.get with fields that omit both hashes.
        let masked = world.get(&format!("{}?fields=name,kmsKeyName,size,metadata", object("a"))).await.ok();
        assert_eq!(masked, json!({"name": "a", "kmsKeyName": version, "size": "6"}), "{how}: masked get");
        // patch of user metadata, of holds, of the bucket's lifecycle.
        for (row, patch) in [
            ("user metadata", json!({"metadata": {"k": "v"}})),
            ("a hold", json!({"temporaryHold": true})),
            ("no hold", json!({"temporaryHold": false})),
            ("its own key repeated", json!({"kmsKeyName": key})),
        ] {
            let patched = world.call("PATCH", &object("b"), patch).await.ok();
            assert!(none(&patched) && patched["kmsKeyName"] == version, "{how}: patch of {row}");
        }
        let lifecycle = json!({"rule": [{"action": {"type": "Delete"}, "condition": {"age": 1}}]});
        let bucket = world.call("PATCH", "/storage/v1/b/keyed", json!({"lifecycle": lifecycle})).await.ok();
        assert_eq!(bucket["lifecycle"], lifecycle, "{how}: lifecycle");
        // overwrite with a good key; the old generation is not decrypted.
        let more = format!("&kmsKeyName={alive}");
        world.put("keyed", "c", &more, "fresh").await.ok();
        assert_eq!(world.read("keyed", "c").await.text(), "fresh", "{how}: overwrite with a good key");
        // move: in place, the key kept, no hashes.
        let moved = world.call("POST", &format!("{}/moveTo/o/moved", object("d")), json!({})).await.ok();
        assert!(none(&moved) && moved["kmsKeyName"] == version, "{how}: move");
        assert_eq!(world.object("keyed", "d").await.status, 404, "{how}: move");
        assert_eq!(world.call("DELETE", &object("e"), Value::Null).await.status, 204, "{how}: delete");
        // another default key, then none: what is new lies under that.
        world.call("PATCH", "/storage/v1/b/keyed", json!({"encryption": {"defaultKmsKeyName": alive}})).await.ok();
        let object = world.put("keyed", "f", "", "fresh").await.ok();
        assert_eq!(object["kmsKeyName"], json!(format!("{alive}/cryptoKeyVersions/1")), "{how}: another default");
        world.call("PATCH", "/storage/v1/b/keyed", json!({"encryption": null})).await.ok();
        assert_eq!(world.put("keyed", "g", "", "fresh").await.ok()["kmsKeyName"], Value::Null, "{how}: no default");
        assert_eq!(world.read("keyed", "g").await.text(), "fresh", "{how}");
    }
}

/// 2.3: clearing a default key asks nothing of Cloud KMS; nor does setting anything else beside it.
#[tokio::test]
async fn a_dead_default_key_can_be_taken_away() {
    for (how, _) in LOSSES {
        for (row, verb, body) in [
            ("patch", "PATCH", json!({"encryption": null})),
            ("patch of the key alone", "PATCH", json!({"encryption": {"defaultKmsKeyName": null}})),
            ("update", "PUT", json!({"name": "keyed"})),
        ] {
            let (world, key) = lost(how).await;
            let label = json!({"labels": {"a": "b"}, "encryption": {"defaultKmsKeyName": key}});
            let kept = world.call("PATCH", "/storage/v1/b/keyed", label).await.ok();
            assert_eq!(kept["encryption"]["defaultKmsKeyName"], json!(key), "{how}: a label");
            let cleared = world.call(verb, "/storage/v1/b/keyed", body).await.ok();
            assert_eq!(cleared.get("encryption"), None, "{how}: {row}");
        }
    }
}

/// 2.5, the rows on a healthy key: hashes in a get, MD5 of what was not composed only, and never in lists.
#[tokio::test]
async fn a_healthy_key_shows_hashes_in_a_get() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    world.put("keyed", "whole", "", "x").await.ok();
    let sources = json!({"sourceObjects": [{"name": "whole"}, {"name": "whole"}]});
    world.call("POST", "/storage/v1/b/keyed/o/composed/compose", sources).await.ok();
    let shown = |object: &Value| HASHES.map(|hash| object.get(hash).is_some());
    assert_eq!(shown(&world.object("keyed", "whole").await.ok()), [true, true]);
    assert_eq!(shown(&world.object("keyed", "composed").await.ok()), [true, false]);
    let listed = world.get("/storage/v1/b/keyed/o").await.ok();
    let items: Vec<_> = listed["items"].as_array().expect("items").iter().map(shown).collect();
    assert_eq!(items, [[false, false], [false, false]]);
    // ETag: in XML the MD5, but not under a key.
    world.bucket("plain").await;
    world.put("plain", "whole", "", "x").await.ok();
    let md5 = "\"9dd4e461268c8034f5c8564e155c67a6\"";
    assert_eq!(world.get("/storage.googleapis.com/plain/whole").await.header("etag"), md5);
    assert_ne!(world.get("/storage.googleapis.com/keyed/whole").await.header("etag"), md5);
}
