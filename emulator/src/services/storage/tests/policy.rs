//! Reference 3: the two constraints, row by row, and the bucket-level enforcement of 1.4.

use serde_json::{Value, json};

use super::{PROJECT, World};

/// A table's row: what is asked, and whether the policy refuses it.
type Row = (&'static str, &'static str, String, Value, bool);

const NON_CMEK: &str = "gcp.restrictNonCmekServices";
const KEY_PROJECTS: &str = "gcp.restrictCmekCryptoKeyProjects";

/// Plays the rows in order. What is refused must leave every bucket as it was.
async fn play(world: &World, constraint: &str, rows: Vec<Row>) {
    for (row, verb, path, body, refused) in rows {
        let before = pictures(world).await;
        let answer = world.call(verb, &path, body).await;
        if refused {
            let text = format!("Request violates constraint 'constraints/{constraint}'");
            let error = json!({"error": {"code": 412, "message": text, "errors": [{"message": text, "domain": "global",
                "reason": "conditionNotMet", "locationType": "header", "location": "If-Match"}]}});
            assert_eq!((answer.status, answer.json()), (412, error), "{row}");
            assert_eq!(pictures(world).await, before, "{row}: nothing has changed");
        } else {
            assert!((200..300).contains(&answer.status), "{row}: {} {}", answer.status, answer.text());
        }
    }
}

async fn pictures(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for bucket in
        world.get(&format!("/storage/v1/b?project={PROJECT}")).await.ok()["items"].as_array().into_iter().flatten()
    {
        all.push(world.picture(bucket["name"].as_str().expect("a name")).await);
    }
    all
}

fn upload(bucket: &str, more: &str) -> String {
    format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name=o{more}")
}

fn into(verb: &str, bucket: &str, more: &str) -> String {
    format!("/storage/v1/b/keyed/o/mine/{verb}/b/{bucket}/o/copy{more}")
}

fn insert() -> String {
    format!("/storage/v1/b?project={PROJECT}")
}

fn named(name: &str, key: &str) -> Value {
    json!({"name": name, "encryption": {"defaultKmsKeyName": key}})
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
    let explicit = format!("&kmsKeyName={key}");
    let destination = format!("?destinationKmsKeyName={key}");
    let old = || "/storage/v1/b/old".to_owned();
    let keyed = || "/storage/v1/b/keyed".to_owned();
    let before = || "/storage/v1/b/old/o/before".to_owned();
    let compose = |more: &str| format!("/storage/v1/b/old/o/all/compose{more}");
    let sources = json!({"sourceObjects": [{"name": "before"}]});
    let resumable = |more: &str| format!("/upload/storage/v1/b/old/o?uploadType=resumable&name=o{more}");
    let rows: Vec<Row> = vec![
        ("buckets.insert without default key", "POST", insert(), json!({"name": "bare"}), true),
        ("buckets.insert with default key", "POST", insert(), named("fine", &key), false),
        ("patch of labels on an old bucket", "PATCH", old(), json!({"labels": {"a": "b"}, "encryption": null}), false),
        ("update of labels on an old bucket", "PUT", old(), json!({"labels": {"a": "c"}}), false),
        ("patch clearing default key", "PATCH", keyed(), json!({"encryption": null}), true),
        ("patch clearing it alone", "PATCH", keyed(), json!({"encryption": {"defaultKmsKeyName": null}}), true),
        ("update clearing default key", "PUT", keyed(), json!({"name": "keyed"}), true),
        ("objects.insert, no default, no key", "POST", upload("old", ""), json!("x"), true),
        ("objects.insert, resumable, the same", "POST", resumable(""), json!({}), true),
        ("objects.insert with an explicit key", "POST", upload("old", &explicit), json!("x"), false),
        ("objects.insert, resumable, with one", "POST", resumable(&explicit), json!({}), false),
        ("objects.insert relying on the default", "POST", upload("keyed", ""), json!("x"), false),
        ("rewrite to a bucket without key", "POST", into("rewriteTo", "old", ""), json!({}), true),
        ("rewrite with a key", "POST", into("rewriteTo", "old", &destination), json!({}), false),
        ("copy to a bucket without key", "POST", into("copyTo", "old", ""), json!({}), true),
        ("copy with a key", "POST", into("copyTo", "old", &destination), json!({}), false),
        ("compose", "POST", compose(""), sources.clone(), true),
        ("compose with a key", "POST", compose(&format!("?kmsKeyName={key}")), sources, false),
        ("get", "GET", before(), Value::Null, false),
        ("media", "GET", format!("{}?alt=media", before()), Value::Null, false),
        ("list", "GET", "/storage/v1/b/old/o".to_owned(), Value::Null, false),
        ("metadata patch", "PATCH", before(), json!({"metadata": {"a": "b"}}), false),
        ("delete", "DELETE", before(), Value::Null, false),
        ("giving an old bucket a key", "PATCH", old(), with_key, false),
    ];
    play(&world, NON_CMEK, rows).await;
    assert_eq!(world.get("/storage/v1/b/bare").await.status, 404);
}

#[tokio::test]
async fn places_and_uniform_access_are_asked_of_new_buckets() {
    let world = World::new().await;
    let uniform = |on: bool| json!({"uniformBucketLevelAccess": {"enabled": on}});
    world.call("POST", &insert(), json!({"name": "old-one", "location": "EU"})).await.ok();
    let allowed = json!({"rules": [{"values": {"allowedValues": ["in:us-locations"]}}]});
    world.set_policy("gcp.resourceLocations", allowed).await.ok();
    let refused = world.call("POST", &insert(), json!({"name": "in-europe", "location": "EU"})).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["message"].clone()),
        (412, json!("'EU' violates constraint 'constraints/gcp.resourceLocations'"))
    );
    world.call("POST", &insert(), json!({"name": "in-iowa", "location": "us-central1"})).await.ok();
    world.call("PATCH", "/storage/v1/b/old-one", json!({"labels": {"a": "b"}})).await.ok();

    world.set_policy("storage.uniformBucketLevelAccess", json!({"rules": [{"enforce": true}]})).await.ok();
    let rows = vec![
        ("a bucket with ACLs", "POST", insert(), json!({"name": "with-acls"}), true),
        ("a uniform one", "POST", insert(), json!({"name": "uniform", "iamConfiguration": uniform(true)}), false),
        ("an old one stays", "PATCH", "/storage/v1/b/old-one".to_owned(), json!({"labels": null}), false),
        (
            "back to ACLs",
            "PATCH",
            "/storage/v1/b/uniform".to_owned(),
            json!({"iamConfiguration": uniform(false)}),
            true,
        ),
    ];
    play(&world, "storage.uniformBucketLevelAccess", rows).await;
}

#[tokio::test]
async fn keys_of_other_projects_are_refused_where_the_policy_acts() {
    let world = World::new().await;
    let key = world.key("k").await;
    let foreign = world.key_in("other-project", "us", "k").await;
    world.grant(&foreign, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    world.bucket("plain").await;
    // Sources lie here.
    world.bucket_with_key("keyed", &foreign).await;
    world.put("keyed", "mine", "", "x").await.ok();
    world.allow_keys_of(PROJECT).await;
    let listed = format!("&kmsKeyName={key}");
    let unlisted = format!("&kmsKeyName={foreign}");
    let to_unlisted = format!("?destinationKmsKeyName={foreign}");
    let keyed = || "/storage/v1/b/keyed".to_owned();
    let mine = || "/storage/v1/b/keyed/o/mine".to_owned();
    let compose = |more: &str| format!("/storage/v1/b/keyed/o/all/compose?{more}");
    let sources = json!({"sourceObjects": [{"name": "mine"}]});
    let labels = json!({"labels": {"a": "b"}, "encryption": {"defaultKmsKeyName": foreign}});
    let rows: Vec<Row> = vec![
        ("buckets.insert without default key", "POST", insert(), json!({"name": "bare"}), false),
        ("buckets.insert, listed project", "POST", insert(), named("fine", &key), false),
        ("buckets.insert, unlisted project", "POST", insert(), named("wrong", &foreign), true),
        ("buckets.patch, unlisted project", "PATCH", "/storage/v1/b/plain".to_owned(), named("plain", &foreign), true),
        ("buckets.update, unlisted project", "PUT", "/storage/v1/b/plain".to_owned(), named("plain", &foreign), true),
        ("patch of labels on an old bucket", "PATCH", keyed(), labels, false),
        ("objects.insert, no key", "POST", upload("plain", ""), json!("x"), false),
        ("objects.insert, listed key in a non-compliant bucket", "POST", upload("keyed", &listed), json!("x"), false),
        ("objects.insert, unlisted key", "POST", upload("plain", &unlisted), json!("x"), true),
        ("objects.insert relying on a default in an unlisted project", "POST", upload("keyed", ""), json!("x"), true),
        ("rewrite relying on it", "POST", into("rewriteTo", "keyed", ""), json!({}), true),
        ("rewrite with an unlisted key", "POST", into("rewriteTo", "plain", &to_unlisted), json!({}), true),
        ("rewrite away from it", "POST", into("rewriteTo", "plain", ""), json!({}), false),
        ("copy relying on it", "POST", into("copyTo", "keyed", ""), json!({}), true),
        ("copy away from it", "POST", into("copyTo", "plain", ""), json!({}), false),
        ("compose relying on it", "POST", compose(""), sources.clone(), true),
        ("compose with a listed key", "POST", compose(&listed), sources, false),
        ("get", "GET", mine(), Value::Null, false),
        ("media", "GET", format!("{}?alt=media", mine()), Value::Null, false),
        ("list", "GET", "/storage/v1/b/keyed/o".to_owned(), Value::Null, false),
        ("metadata patch", "PATCH", mine(), json!({"metadata": {"a": "b"}}), false),
        ("delete", "DELETE", mine(), Value::Null, false),
        ("patch clearing default key", "PATCH", keyed(), json!({"encryption": null}), false),
    ];
    play(&world, KEY_PROJECTS, rows).await;
    assert_eq!(world.get("/storage/v1/b/wrong").await.status, 404);
}

/// Each alone leaves a way round it; both together leave none.
#[tokio::test]
async fn both_constraints_together_force_a_key_of_a_listed_project() {
    let world = World::new().await;
    let key = world.key("k").await;
    let foreign = world.key_in("other-project", "us", "k").await;
    world.grant(&foreign, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    world.bucket("plain").await;
    world.require_cmek().await;
    world.allow_keys_of(PROJECT).await;
    let no_key = vec![
        ("a bucket without a key", "POST", insert(), json!({"name": "bare"}), true),
        ("an object without a key", "POST", upload("plain", ""), json!("x"), true),
    ];
    play(&world, NON_CMEK, no_key).await;
    let rows = vec![
        ("a bucket under another project's key", "POST", insert(), named("wrong", &foreign), true),
        ("an object under it", "POST", upload("plain", &format!("&kmsKeyName={foreign}")), json!("x"), true),
        ("a bucket under a listed key", "POST", insert(), named("fine", &key), false),
        ("an object under it", "POST", upload("plain", &format!("&kmsKeyName={key}")), json!("x"), false),
    ];
    play(&world, KEY_PROJECTS, rows).await;
}

/// The forms of a value: a project, and everything under a folder or the organization.
#[tokio::test]
async fn a_value_can_name_what_is_above_the_keys_project() {
    let org = "organizations/123456789012";
    for (allowed, ours, theirs) in [("folder", true, false), (org, true, true), ("projects/key-project", true, false)] {
        let world = World::new().await;
        let made = world.call("POST", &format!("/v2/folders?parent={org}"), json!({"displayName": "Keys"})).await.ok();
        let folder = made["response"]["name"].as_str().expect("a folder").to_owned();
        let parent = json!({"type": "folder", "id": folder.trim_start_matches("folders/")});
        world.call("POST", "/v1/projects", json!({"projectId": "key-project", "parent": parent})).await.ok();
        world.call("POST", "/v1/projects/key-project/services/cloudkms.googleapis.com:enable", json!({})).await.ok();
        let mut keys = Vec::new();
        for project in ["key-project", "other-project"] {
            let key = world.key_in(project, "us", "k").await;
            world.grant(&key, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
            keys.push(key);
        }
        let value = match allowed {
            "folder" => format!("under:{folder}"),
            other if other.starts_with("projects/") => other.to_owned(),
            other => format!("under:{other}"),
        };
        let spec = json!({"rules": [{"values": {"allowedValues": [value]}}]});
        world.set_policy(KEY_PROJECTS, spec).await.ok();
        let rows = vec![
            ("the folder's project", "POST", insert(), named("ours", &keys[0]), !ours),
            ("another project", "POST", insert(), named("theirs", &keys[1]), !theirs),
        ];
        play(&world, KEY_PROJECTS, rows).await;
    }
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
