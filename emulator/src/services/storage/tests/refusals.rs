//! Reference 2.1, 2.3 and 2.4: every cause against every operation that sets or uses a key. Each row names both; status,
//! reason and text are the cause's, whatever the operation, and nothing has changed after it.

use serde_json::{Value, json};

use super::{DENIED, DISABLED, PROJECT, Reply, World};

const GRANT: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// Status, JSON reason, XML code, text.
type Refusal = (u16, &'static str, &'static str, String);

fn disabled() -> Refusal {
    (400, "cloudKmsDisabledKey", "CloudKmsDisabledKey", DISABLED.to_owned())
}

fn denied() -> Refusal {
    (403, "forbidden", "AccessDenied", DENIED.to_owned())
}

/// 2.3's operations, each told to take this key. Bucket `plain` is there, and object `a` in it.
async fn taking(world: &World, key: &str) -> Vec<(&'static str, Reply)> {
    let escaped = super::super::resource::escape(key);
    let encryption = json!({"defaultKmsKeyName": key});
    let query = format!("&kmsKeyName={escaped}");
    let resumable = "/upload/storage/v1/b/plain/o?uploadType=resumable&name=new";
    let destination = format!("destinationKmsKeyName={escaped}");
    let sources = json!([{"name": "a"}]);
    let composed = json!({"sourceObjects": sources, "destination": {"kmsKeyName": key}});
    let object = "/storage/v1/b/plain/o";
    let plain = "/storage/v1/b/plain";
    vec![
        ("buckets.insert", world.create_bucket(json!({"name": "fresh", "encryption": encryption})).await),
        ("buckets.patch", world.call("PATCH", plain, json!({"encryption": encryption})).await),
        ("buckets.update", world.call("PUT", plain, json!({"name": "plain", "encryption": encryption})).await),
        ("objects.insert, media", world.put("plain", "new", &query, "x").await),
        ("objects.insert, a stream", world.put("plain", "new", &query, vec![7; 100_000]).await),
        (
            "objects.insert, multipart, in the metadata",
            world.put_parts("plain", "", json!({"name": "new", "kmsKeyName": key}), "x").await,
        ),
        ("objects.insert, resumable", world.call("POST", &format!("{resumable}{query}"), json!({})).await),
        ("objects.insert, resumable, in the metadata", world.call("POST", resumable, json!({"kmsKeyName": key})).await),
        (
            "objects.compose",
            world.call("POST", &format!("{object}/new/compose?{query}"), json!({"sourceObjects": sources})).await,
        ),
        ("objects.compose, in the destination", world.call("POST", &format!("{object}/new/compose"), composed).await),
        (
            "objects.copy",
            world.call("POST", &format!("{object}/a/copyTo/b/plain/o/new?{destination}"), json!({})).await,
        ),
        (
            "objects.rewrite",
            world.call("POST", &format!("{object}/a/rewriteTo/b/plain/o/new?{destination}"), json!({})).await,
        ),
        (
            "objects.rewrite onto itself",
            world.call("POST", &format!("{object}/a/rewriteTo/b/plain/o/a?{destination}"), json!({})).await,
        ),
    ]
}

/// The same where the key is the default of bucket `keyed`, in which `under` lies.
async fn relying(world: &World) -> Vec<(&'static str, Reply)> {
    let into = |verb: &str, name: &str| format!("/storage/v1/b/plain/o/a/{verb}/b/keyed/o/{name}");
    let compose = "/storage/v1/b/keyed/o/new/compose";
    let resumable = "/upload/storage/v1/b/keyed/o?uploadType=resumable&name=new";
    vec![
        ("objects.insert by default", world.put("keyed", "new", "", "x").await),
        ("objects.insert over an object", world.put("keyed", "under", "", "x").await),
        ("objects.insert, resumable, by default", world.call("POST", resumable, json!({})).await),
        ("objects.copy by default", world.call("POST", &into("copyTo", "new"), json!({})).await),
        ("objects.rewrite by default", world.call("POST", &into("rewriteTo", "new"), json!({})).await),
        ("objects.compose by default", world.call("POST", compose, json!({"sourceObjects": [{"name": "open"}]})).await),
    ]
}

async fn check(world: &World, row: &str, key: &str, standing: bool, (status, reason, code, text): Refusal) {
    let before = (world.picture("plain").await, world.picture("keyed").await);
    let mut answers = taking(world, key).await;
    if standing {
        answers.extend(relying(world).await);
    }
    for (operation, answer) in answers {
        assert_eq!(answer.refusal(), (status, reason.to_owned(), text.clone()), "{row}: {operation}");
    }
    // 2.4, the XML form.
    let put =
        world.send("PUT", "/storage.googleapis.com/plain/new", &[("x-goog-encryption-kms-key-name", key)], "x").await;
    let xml =
        format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>");
    assert_eq!((put.status, put.text()), (status, xml), "{row}: XML");
    assert_eq!((world.picture("plain").await, world.picture("keyed").await), before, "{row}: nothing has changed");
    assert_eq!(world.get("/storage/v1/b/fresh").await.status, 404, "{row}: no bucket was made");
}

/// Buckets `plain` and `keyed` (under `key`), with their objects; `open` lies under no key.
async fn filled(world: &World, key: &str) {
    world.bucket("plain").await;
    world.put("plain", "a", "", "plain").await.ok();
    world.bucket("keyed").await;
    world.put("keyed", "open", "", "open").await.ok();
    let patch = json!({"encryption": {"defaultKmsKeyName": key}});
    world.call("PATCH", "/storage/v1/b/keyed", patch).await.ok();
    world.put("keyed", "under", "", "secret").await.ok();
}

#[tokio::test]
async fn what_was_usable_once_refuses_everything_new() {
    let rows: [(&str, Refusal); 7] = [
        ("2.4 agent lacks permission", denied()),
        ("2.4 agent may only decrypt", denied()),
        ("2.4 primary disabled", disabled()),
        ("2.4 primary scheduled", disabled()),
        ("2.4 primary destroyed", disabled()),
        ("2.4 unusable key: no primary", (400, "cloudKmsBadKey", "CloudKmsBadKey", "Bad Cloud KMS key.".to_owned())),
        (
            "2.4 key not found on write",
            (
                400,
                "cloudKmsEncryptionKeyNotFound",
                "CloudKmsEncryptionKeyNotFound",
                "Cloud KMS encryption key not found.".to_owned(),
            ),
        ),
    ];
    for (row, refusal) in rows {
        let world = World::new().await;
        let key = world.key("k").await;
        let version = format!("{key}/cryptoKeyVersions/1");
        filled(&world, &key).await;
        match row.rsplit_once(' ').expect("words").1 {
            "permission" => world.grant(&key, "").await,
            "decrypt" => world.grant(&key, "roles/cloudkms.cryptoKeyDecrypter").await,
            "disabled" => world.version(&key, 1, "DISABLED").await,
            "scheduled" => world.destroy(&version).await,
            "destroyed" => {
                world.destroy(&version).await;
                world.wait_a_month().await;
            }
            "primary" => {
                world.destroy(&version).await;
                world.wait_a_month().await;
                world.call("DELETE", &format!("/v1/{version}"), Value::Null).await.ok();
            }
            _ => {
                // Only an agent with a grant above the key learns that it is gone.
                world.grant(&format!("projects/{PROJECT}"), GRANT).await;
                world.destroy(&version).await;
                world.wait_a_month().await;
                world.call("DELETE", &format!("/v1/{version}"), Value::Null).await.ok();
                world.call("DELETE", &format!("/v1/{key}"), Value::Null).await.ok();
            }
        }
        check(&world, row, &key, true, refusal).await;
    }
}

#[tokio::test]
async fn what_never_was_usable_is_refused_for_its_own_reason() {
    let world = World::new().await;
    let good = world.key("good").await;
    filled(&world, &good).await;
    let ring = good.rsplit_once("/cryptoKeys").expect("a key").0.to_owned();
    let make = async |id: &str, more: &str, body: Value| {
        let path = format!("/v1/{ring}/cryptoKeys?cryptoKeyId={id}{more}");
        world.call("POST", &path, body).await.ok();
        let key = format!("{ring}/cryptoKeys/{id}");
        world.grant(&key, GRANT).await;
        key
    };
    let mac = make("mac", "", json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}})).await;
    let empty = make("empty", "&skipInitialVersionCreation=true", json!({"purpose": "ENCRYPT_DECRYPT"})).await;
    let global = world.key_in(PROJECT, "global", "k").await;
    let far = world.key_in(PROJECT, "asia-south1", "k").await;
    let bad = || (400, "cloudKmsBadKey", "CloudKmsBadKey", "Bad Cloud KMS key.".to_owned());
    let mismatch = |place: &str| {
        let text = format!("Cloud KMS region '{place}' not available for use with GCS region 'US'.");
        (400, "invalid", "CloudKmsKeyLocationNotAllowed", text)
    };
    let malformed =
        |value: &str| (400, "invalid", "InvalidArgument", format!("Malformed Cloud KMS crypto key: {value}"));
    let rows: Vec<(&str, String, Refusal)> = vec![
        ("2.4 a key that does not exist, no grant covering it", format!("{ring}/cryptoKeys/none"), denied()),
        ("2.4 wrong purpose", mac, bad()),
        ("2.4 unusable key: it never had a version", empty, bad()),
        ("2.1 global is refused", global, mismatch("global")),
        ("2.1 another region, as the key's name has it", far, mismatch("asia-south1")),
        (
            "2.4 version suffix",
            format!("{good}/cryptoKeyVersions/1"),
            malformed(&format!("{good}/cryptoKeyVersions/1")),
        ),
        ("2.4 malformed name", "garbage".to_owned(), malformed("garbage")),
        ("2.4 malformed name: leading slash", format!("/{good}"), malformed(&format!("/{good}"))),
        ("2.4 malformed name: trailing slash", format!("{good}/"), malformed(&format!("{good}/"))),
        (
            "2.4 malformed name, of a project's number that is none",
            "projects/99/keys/k".to_owned(),
            malformed("projects/99/keys/k"),
        ),
    ];
    for (row, key, refusal) in rows {
        check(&world, row, &key, false, refusal).await;
    }
    world.grant(&format!("projects/{PROJECT}"), GRANT).await;
    let text = "Cloud KMS encryption key not found.".to_owned();
    let refusal = (400, "cloudKmsEncryptionKeyNotFound", "CloudKmsEncryptionKeyNotFound", text);
    check(&world, "2.4 key not found on write", &format!("{ring}/cryptoKeys/none"), false, refusal).await;
}

/// 2.4: the recorded bodies, whole.
#[tokio::test]
async fn bodies_are_those_that_were_recorded() {
    let world = World::new().await;
    world.bucket("plain").await;
    let (ungranted, disabled) = (world.key_in(PROJECT, "us", "ungranted").await, world.key("disabled").await);
    let global = world.key_in(PROJECT, "global", "k").await;
    world.version(&disabled, 1, "DISABLED").await;
    let error = |code: u16, text: &str, reason: &str| {
        json!({"error": {"code": code, "message": text,
            "errors": [{"message": text, "domain": "global", "reason": reason}]}})
    };
    let mut with_details = error(400, DISABLED, "cloudKmsDisabledKey");
    with_details["error"]["details"] = json!([{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
        "violations": [{"type": "KEY_DISABLED", "subject": "", "description": ""}]}]);
    let place = "Cloud KMS region 'global' not available for use with GCS region 'US'.";
    for (row, key, body) in [
        ("missing grant", &ungranted, error(403, DENIED, "forbidden")),
        ("key disabled", &disabled, with_details),
        ("location mismatch", &global, error(400, place, "invalid")),
    ] {
        let answer = world.put("plain", "o", &format!("&kmsKeyName={key}"), "x").await;
        assert_eq!(answer.json(), body, "{row}");
    }
}

/// 1.3 and 2.3: whatever happens to a key while the bytes come, the end of the upload says it, and nothing is visible.
#[tokio::test]
async fn a_key_that_dies_before_the_last_byte_refuses_the_end() {
    let rows = [("disabled", disabled()), ("ungranted", denied()), ("policy", policy())];
    for (row, (status, reason, _, text)) in rows {
        let world = World::new().await;
        let key = world.key("k").await;
        filled(&world, &key).await;
        let start = world.call("POST", "/upload/storage/v1/b/keyed/o?uploadType=resumable&name=new", json!({})).await;
        let url = start.header("location").replace("http://127.0.0.1:8787", "");
        let first = world.send("PUT", &url, &[("content-range", "bytes 0-99999/*")], vec![7; 100_000]).await;
        assert_eq!(first.status, 308);
        let rewrite = "/storage/v1/b/plain/o/big/rewriteTo/b/keyed/o/copy?maxBytesRewrittenPerCall=1048576";
        world.put("plain", "big", "", vec![7; 1 << 21]).await.ok();
        let token =
            world.call("POST", rewrite, json!({})).await.ok()["rewriteToken"].as_str().expect("a token").to_owned();
        match row {
            "disabled" => world.version(&key, 1, "DISABLED").await,
            "ungranted" => world.grant(&key, "").await,
            _ => world.allow_keys_of("other-project").await,
        }
        let before = world.picture("keyed").await;
        let last = world.send("PUT", &url, &[("content-range", "bytes 100000-100004/100005")], "hello").await;
        last.refused(status, reason, &text);
        let last = world.call("POST", &format!("{rewrite}&rewriteToken={token}"), json!({})).await;
        last.refused(status, reason, &text);
        assert_eq!(world.picture("keyed").await, before, "{row}: nothing is visible");
        assert_eq!(
            world.send("PUT", &url, &[("content-range", "bytes */*")], "").await.status,
            410,
            "{row}: it is over"
        );
    }
}

fn policy() -> Refusal {
    let text = "Request violates constraint 'constraints/gcp.restrictCmekCryptoKeyProjects'".to_owned();
    (412, "conditionNotMet", "PreconditionFailed", text)
}

/// 2.7: what is written takes the primary of the moment at which it is complete.
#[tokio::test]
async fn a_rotation_during_an_upload_is_taken_up() {
    let world = World::new().await;
    let key = world.key("k").await;
    filled(&world, &key).await;
    let start = world.call("POST", "/upload/storage/v1/b/keyed/o?uploadType=resumable&name=new", json!({})).await;
    let url = start.header("location").replace("http://127.0.0.1:8787", "");
    world.send("PUT", &url, &[("content-range", "bytes 0-4/*")], "hello").await;
    world.call("POST", &format!("/v1/{key}/cryptoKeyVersions"), json!({})).await.ok();
    let primary = json!({"cryptoKeyVersionId": "2"});
    world.call("POST", &format!("/v1/{key}:updatePrimaryVersion"), primary).await.ok();
    world.version(&key, 1, "DISABLED").await;
    let object = world.send("PUT", &url, &[("content-range", "bytes */5")], "").await.ok();
    assert_eq!(object["kmsKeyName"], json!(format!("{key}/cryptoKeyVersions/2")));
    assert_eq!(world.read("keyed", "new").await.text(), "hello");
}
