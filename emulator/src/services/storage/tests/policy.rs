//! Reference 3: the two constraints, row by row, and the bucket-level enforcement of 1.4.

use serde_json::{Value, json};

use super::{PROJECT, World};

/// A table's row: what is asked, and whether the policy refuses it.
type Row = (&'static str, &'static str, &'static str, Value, bool);

const NON_CMEK: &str = "gcp.restrictNonCmekServices";
const KEY_PROJECTS: &str = "gcp.restrictCmekCryptoKeyProjects";

async fn play(world: &World, constraint: &str, rows: Vec<Row>) {
    for (row, verb, path, body, refused) in rows {
        let answer = world.call(verb, path, body).await;
        if refused {
            let text = format!("Request violates constraint 'constraints/{constraint}'");
            let error = json!({"error": {"code": 412, "message": text, "errors": [{"message": text, "domain": "global",
                "reason": "conditionNotMet", "locationType": "header", "location": "If-Match"}]}});
            assert_eq!((answer.status, answer.json()), (412, error), "{row}");
        } else {
            assert!((200..300).contains(&answer.status), "{row}: {} {}", answer.status, answer.text());
        }
    }
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[tokio::test]
async fn storage_without_customer_keys_is_refused_where_the_policy_acts() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("old").await;
    world.bucket_with_key("keyed", &key).await;
    world.put("old", "before", "", "x").await.ok();
    world.put("keyed", "mine", "", "x").await.ok();
    world.require_cmek().await;
    let with_key = json!({"encryption": {"defaultKmsKeyName": key}});
    let upload =
        |bucket: &str, more: &str| leak(format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name=o{more}"));
    let explicit = format!("&kmsKeyName={key}");
    let into = |bucket: &str, more: &str| leak(format!("/storage/v1/b/keyed/o/mine/rewriteTo/b/{bucket}/o/copy{more}"));
    let insert = leak(format!("/storage/v1/b?project={PROJECT}"));
    let compose = json!({"sourceObjects": [{"name": "before"}]});
    let rows: Vec<Row> = vec![
        ("buckets.insert without default key", "POST", insert, json!({"name": "bare"}), true),
        ("nothing was created", "GET", insert, Value::Null, false),
        (
            "buckets.insert with default key",
            "POST",
            insert,
            json!({"name": "fine", "encryption": with_key["encryption"]}),
            false,
        ),
        (
            "patch of labels on an old bucket",
            "PATCH",
            "/storage/v1/b/old",
            json!({"labels": {"a": "b"}, "encryption": null}),
            false,
        ),
        ("patch clearing default key", "PATCH", "/storage/v1/b/keyed", json!({"encryption": null}), true),
        ("objects.insert, no default, no key", "POST", upload("old", ""), json!("x"), true),
        ("objects.insert with an explicit key", "POST", upload("old", &explicit), json!("x"), false),
        ("objects.insert relying on the default", "POST", upload("keyed", ""), json!("x"), false),
        ("rewrite to a bucket without key", "POST", into("old", ""), json!({}), true),
        ("rewrite with a key", "POST", into("old", &format!("?destinationKmsKeyName={key}")), json!({}), false),
        ("compose", "POST", "/storage/v1/b/old/o/all/compose", compose.clone(), true),
        (
            "compose with a key",
            "POST",
            leak(format!("/storage/v1/b/old/o/all/compose?kmsKeyName={key}")),
            compose,
            false,
        ),
        ("get", "GET", "/storage/v1/b/old/o/before", Value::Null, false),
        ("media", "GET", "/storage/v1/b/old/o/before?alt=media", Value::Null, false),
        ("list", "GET", "/storage/v1/b/old/o", Value::Null, false),
        ("metadata patch", "PATCH", "/storage/v1/b/old/o/before", json!({"metadata": {"a": "b"}}), false),
        ("delete", "DELETE", "/storage/v1/b/old/o/before", Value::Null, false),
        ("giving an old bucket a key", "PATCH", "/storage/v1/b/old", with_key, false),
    ];
    play(&world, NON_CMEK, rows).await;
    assert_eq!(world.get("/storage/v1/b/bare").await.status, 404);
    assert_eq!(world.get("/storage/v1/b/keyed").await.ok()["encryption"]["defaultKmsKeyName"], json!(key));
    // A resumable upload is refused at its start, before any byte is sent.
    world.bucket_with_key("last", &key).await;
    let path = "/upload/storage/v1/b/last/o?uploadType=resumable&name=o";
    assert_eq!(world.call("POST", path, json!({})).await.status, 200);
}

#[tokio::test]
async fn keys_of_other_projects_are_refused_where_the_policy_acts() {
    let world = World::new().await;
    let key = world.key("k").await;
    let foreign = world.key_in("other-project", "us", "k").await;
    world.grant(&foreign, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    world.bucket("plain").await;
    world.bucket_with_key("foreign", &foreign).await;
    world.put("foreign", "mine", "", "x").await.ok();
    world.allow_keys_of(PROJECT).await;
    let insert = leak(format!("/storage/v1/b?project={PROJECT}"));
    let upload =
        |bucket: &str, more: &str| leak(format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name=o{more}"));
    let named = |name: &str, key: &str| json!({"name": name, "encryption": {"defaultKmsKeyName": key}});
    let rows: Vec<Row> = vec![
        ("buckets.insert without default key", "POST", insert, json!({"name": "bare"}), false),
        ("buckets.insert, listed project", "POST", insert, named("fine", &key), false),
        ("buckets.insert, unlisted project", "POST", insert, named("wrong", &foreign), true),
        ("buckets.patch, unlisted project", "PATCH", "/storage/v1/b/plain", named("plain", &foreign), true),
        (
            "patch of labels on an old bucket",
            "PATCH",
            "/storage/v1/b/foreign",
            json!({"labels": {"a": "b"}, "encryption": {"defaultKmsKeyName": foreign}}),
            false,
        ),
        ("objects.insert, no key", "POST", upload("plain", ""), json!("x"), false),
        (
            "objects.insert, listed key in a non-compliant bucket",
            "POST",
            upload("foreign", &format!("&kmsKeyName={key}")),
            json!("x"),
            false,
        ),
        ("objects.insert relying on a default in an unlisted project", "POST", upload("foreign", ""), json!("x"), true),
        ("rewrite relying on it", "POST", "/storage/v1/b/foreign/o/mine/rewriteTo/b/foreign/o/copy", json!({}), true),
        ("rewrite away from it", "POST", "/storage/v1/b/foreign/o/mine/rewriteTo/b/plain/o/copy", json!({}), false),
        ("get", "GET", "/storage/v1/b/foreign/o/mine?alt=media", Value::Null, false),
        ("patch clearing default key", "PATCH", "/storage/v1/b/foreign", json!({"encryption": null}), false),
    ];
    play(&world, KEY_PROJECTS, rows).await;
    assert_eq!(world.get("/storage/v1/b/wrong").await.status, 404);
}

/// Decision: the place is judged before the policy, the policy before the agent's permission.
#[tokio::test]
async fn the_first_failing_check_answers() {
    let world = World::new().await;
    world.bucket("plain").await;
    world.allow_keys_of("nobody").await;
    let far = world.key_in(PROJECT, "global", "k").await;
    let near = world.key_in(PROJECT, "us", "k").await;
    let put = async |key: &str| world.put("plain", "o", &format!("&kmsKeyName={key}"), "x").await.refusal();
    assert_eq!(put(&format!("{far}/cryptoKeyVersions/1")).await.0, 400);
    assert_eq!(put(&far).await.2, "Cloud KMS region 'global' not available for use with GCS region 'US'.");
    assert_eq!(put(&near).await.0, 412);
}

/// 1.4: modes, the server's time beside them, and 412 for what they forbid.
#[tokio::test]
async fn a_bucket_can_forbid_kinds_of_encryption() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket("strict").await;
    world.put("strict", "before", "", "x").await.ok();
    let patch =
        async |encryption: Value| world.call("PATCH", "/storage/v1/b/strict", json!({"encryption": encryption})).await;
    let bucket =
        patch(json!({"googleManagedEncryptionEnforcementConfig": {"restrictionMode": "FullyRestricted"}})).await.ok();
    let config = &bucket["encryption"]["googleManagedEncryptionEnforcementConfig"];
    assert_eq!(config, &json!({"restrictionMode": "FullyRestricted", "effectiveTime": "2026-01-05T09:00:00.000Z"}));
    let (status, reason, _) = world.put("strict", "o", "", "x").await.refusal();
    assert_eq!((status, reason.as_str()), (412, "conditionNotMet"));
    assert_eq!(world.object("strict", "o").await.status, 404);
    world.put("strict", "o", &format!("&kmsKeyName={key}"), "x").await.ok();
    let copy = world.call("POST", "/storage/v1/b/strict/o/before/rewriteTo/b/strict/o/copy", json!({})).await;
    assert_eq!(copy.status, 412);
    assert_eq!(world.read("strict", "before").await.text(), "x", "what is there stays readable");
    // Back to unrestricted: no time any more; and keys can be forbidden too.
    let bucket = patch(json!({"googleManagedEncryptionEnforcementConfig": {"restrictionMode": "NotRestricted"},
        "customerManagedEncryptionEnforcementConfig": {"restrictionMode": "FullyRestricted"}}))
    .await
    .ok();
    assert_eq!(
        bucket["encryption"]["googleManagedEncryptionEnforcementConfig"],
        json!({"restrictionMode": "NotRestricted"})
    );
    world.put("strict", "p", "", "x").await.ok();
    assert_eq!(world.put("strict", "p", &format!("&kmsKeyName={key}"), "x").await.status, 412);
    let bucket = patch(json!({"customerManagedEncryptionEnforcementConfig": null})).await.ok();
    assert_eq!(bucket["encryption"].get("customerManagedEncryptionEnforcementConfig"), None);
    let answer = patch(json!({"customerManagedEncryptionEnforcementConfig": {"restrictionMode": "Sometimes"}})).await;
    assert_eq!(answer.refusal().1, "invalid");
}
