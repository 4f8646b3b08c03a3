//! The reference's tables of what Storage does with keys: 2.3, 2.4, 2.5, 3. Each row names what it shows, with status,
//! reason and text, and what must not have changed.

use crate::bench::{Answer, KEY, RING, agent, call, deny, done, emulator, grant, key_for_storage, set_state};
use cmek_emulator::Emulator;

const BUCKETS: &str = "/storage/v1/b?project=my-project";
const DENIED: (u16, &str, &str) = (
    403,
    "forbidden",
    "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.",
);
const DISABLED: (u16, &str, &str) =
    (400, "cloudKmsDisabledKey", "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.");
const POLICY: (u16, &str, &str) =
    (412, "conditionNotMet", "Request violates constraint 'constraints/gcp.restrictNonCmekServices'");

fn bucket(name: &str, location: &str, key: &str) -> String {
    serde_json::json!({"name": name, "location": location, "encryption": {"defaultKmsKeyName": key}}).to_string()
}

#[track_caller]
fn refused(row: &str, answer: &Answer, (status, reason, text): (u16, &str, &str)) {
    assert_eq!((answer.status, answer.message().as_str()), (status, text), "{row}");
    assert_eq!(answer.reason(), reason, "{row}");
}

/// 2.4: each cause has its own answer, and no bucket comes of it.
#[tokio::test]
async fn setting_a_default_key_is_refused_for_each_cause() {
    let world = emulator().await;
    done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    done(&world, "POST", &format!("{RING}/r/cryptoKeys?cryptoKeyId=k"), r#"{"purpose":"ENCRYPT_DECRYPT"}"#).await;
    let version = format!("{KEY}/cryptoKeyVersions/1");
    let missing = KEY.replace("cryptoKeys/k", "cryptoKeys/none");
    let malformed = |value: &str| format!("Malformed Cloud KMS crypto key: {value}");
    let global = KEY.replace("locations/us", "locations/global");
    let rows = [
        ("agent without the role", "US", KEY, DENIED),
        ("key missing, no grant above", "US", &missing, DENIED),
        ("malformed name", "US", "garbage", (400, "invalid", &malformed("garbage"))),
        ("version suffix", "US", &version, (400, "invalid", &malformed(&version))),
        (
            "wrong location",
            "EU",
            KEY,
            (400, "invalid", "Cloud KMS region 'us' not available for use with GCS region 'EU'."),
        ),
        (
            "global is refused",
            "US",
            &global,
            (400, "invalid", "Cloud KMS region 'global' not available for use with GCS region 'US'."),
        ),
        (
            "the agent's region has a dash",
            "ASIA-SOUTH1",
            KEY,
            (400, "invalid", "Cloud KMS region 'us' not available for use with GCS region 'ASIA_SOUTH1'."),
        ),
    ];
    for (row, location, key, expected) in rows {
        let answer = call(&world, "POST", BUCKETS, bucket("my-data", location, key)).await;
        refused(row, &answer, expected);
        assert_eq!(call(&world, "GET", "/storage/v1/b/my-data", "").await.status, 404, "{row}: a bucket came of it");
    }
    grant(&world, &agent(&world).await).await;
    set_state(&world, 1, "DISABLED").await;
    refused("disabled", &call(&world, "POST", BUCKETS, bucket("my-data", "US", KEY)).await, DISABLED);
    set_state(&world, 1, "ENABLED").await;
    done(&world, "POST", &format!("/v1/{version}:destroy"), "{}").await;
    refused("scheduled", &call(&world, "POST", BUCKETS, bucket("my-data", "US", KEY)).await, DISABLED);
    world.advance(std::time::Duration::from_hours(30 * 24)).await.expect("time passes");
    refused("destroyed", &call(&world, "POST", BUCKETS, bucket("my-data", "US", KEY)).await, DISABLED);
}

/// 2.4: with a grant on the whole project a missing key and a key of another purpose are told apart.
#[tokio::test]
async fn an_agent_with_a_wider_grant_learns_more() {
    let world = emulator().await;
    done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    let mac = r#"{"purpose":"MAC","versionTemplate":{"algorithm":"HMAC_SHA256"}}"#;
    done(&world, "POST", &format!("{RING}/r/cryptoKeys?cryptoKeyId=mac"), mac).await;
    let member = agent(&world).await;
    let policy = format!(
        r#"{{"policy":{{"bindings":[{{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["{member}"]}}]}}}}"#
    );
    done(&world, "POST", "/v1/projects/my-project:setIamPolicy", policy).await;
    let answer = call(&world, "POST", BUCKETS, bucket("my-data", "US", KEY)).await;
    refused(
        "key not found on write",
        &answer,
        (400, "cloudKmsEncryptionKeyNotFound", "Cloud KMS encryption key not found."),
    );
    let key = KEY.replace("cryptoKeys/k", "cryptoKeys/mac");
    let answer = call(&world, "POST", BUCKETS, bucket("my-data", "US", &key)).await;
    refused("wrong purpose", &answer, (400, "cloudKmsBadKey", "Bad Cloud KMS key."));
}

async fn put(world: &Emulator, bucket: &str, name: &str) -> Answer {
    call(world, "POST", &format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"), "hello").await
}

/// 2.5: what works and what does not while the version of an object cannot be used.
#[tokio::test]
async fn an_object_of_a_disabled_version() {
    let world = emulator().await;
    key_for_storage(&world).await;
    done(&world, "POST", BUCKETS, bucket("my-data", "US", KEY)).await;
    assert_eq!(put(&world, "my-data", "o").await.status, 200);
    let object = "/storage/v1/b/my-data/o/o";
    let healthy = done(&world, "GET", object, "").await;
    assert_eq!(healthy["kmsKeyName"], format!("{KEY}/cryptoKeyVersions/1"));
    assert!(healthy["crc32c"].is_string() && healthy["md5Hash"].is_string());
    let listed = done(&world, "GET", "/storage/v1/b/my-data/o", "").await;
    assert!(listed["items"][0]["kmsKeyName"].is_string());
    assert!(listed["items"][0].get("crc32c").is_none(), "lists leave the hashes of CMEK objects out");
    set_state(&world, 1, "DISABLED").await;
    refused("full metadata", &call(&world, "GET", object, "").await, DISABLED);
    let media = call(&world, "GET", &format!("{object}?alt=media"), "").await;
    assert_eq!((media.status, media.message().as_str()), (400, DISABLED.2), "media refusals are plain text");
    assert_eq!(call(&world, "GET", &format!("{object}?fields=name,size"), "").await.status, 200, "masked metadata");
    assert_eq!(call(&world, "GET", "/storage/v1/b/my-data/o", "").await.status, 200, "list");
    refused(
        "rewrite from it",
        &call(&world, "POST", &format!("{object}/rewriteTo/b/my-data/o/two"), "{}").await,
        DISABLED,
    );
    refused("a write under it", &put(&world, "my-data", "new").await, DISABLED);
    let patched = call(&world, "PATCH", object, r#"{"metadata":{"a":"b"}}"#).await;
    assert_eq!(patched.status, 200, "patch: {}", patched.message());
    assert!(patched.json().get("crc32c").is_none(), "and its answer has no hashes");
    refused(
        "another key by patch",
        &call(&world, "PATCH", object, r#"{"kmsKeyName":"x"}"#).await,
        (400, "cloudKmsCannotChangeKeyName", "Cloud KMS key name cannot be changed."),
    );
    assert_eq!(call(&world, "DELETE", object, "").await.status, 204, "delete");
}

/// 2.3, 2.7: the explicit key wins over the default, a rewrite never inherits its source's key.
#[tokio::test]
async fn which_key_a_write_takes() {
    let world = emulator().await;
    key_for_storage(&world).await;
    done(&world, "POST", BUCKETS, r#"{"name":"plain-bucket","location":"US"}"#).await;
    assert_eq!(put(&world, "plain-bucket", "bare").await.json().get("kmsKeyName"), None);
    let path = format!("/upload/storage/v1/b/plain-bucket/o?uploadType=media&name=keyed&kmsKeyName={KEY}");
    let keyed = call(&world, "POST", &path, "hello").await.json();
    assert_eq!(keyed["kmsKeyName"], format!("{KEY}/cryptoKeyVersions/1"));
    let copy = done(&world, "POST", "/storage/v1/b/plain-bucket/o/keyed/rewriteTo/b/plain-bucket/o/copy", "{}").await;
    assert_eq!(copy["resource"].get("kmsKeyName"), None, "the source's key is not inherited");
    let copy = done(
        &world,
        "POST",
        &format!("/storage/v1/b/plain-bucket/o/bare/rewriteTo/b/plain-bucket/o/bare?destinationKmsKeyName={KEY}"),
        "{}",
    )
    .await;
    assert_eq!(copy["resource"]["kmsKeyName"], format!("{KEY}/cryptoKeyVersions/1"));
    done(&world, "POST", &format!("/v1/{KEY}/cryptoKeyVersions"), "{}").await;
    done(&world, "POST", &format!("/v1/{KEY}:updatePrimaryVersion"), r#"{"cryptoKeyVersionId":"2"}"#).await;
    let still = done(&world, "GET", "/storage/v1/b/plain-bucket/o/bare", "").await;
    assert_eq!(still["kmsKeyName"], format!("{KEY}/cryptoKeyVersions/1"), "rotation re-encrypts nothing");
}

/// Section 3: the table of requests under the two constraints.
#[tokio::test]
async fn policy_judges_the_bucket_and_each_object() {
    let world = emulator().await;
    key_for_storage(&world).await;
    done(&world, "POST", BUCKETS, r#"{"name":"old-bucket","location":"US"}"#).await;
    assert_eq!(put(&world, "old-bucket", "old").await.status, 200);
    done(&world, "POST", BUCKETS, bucket("keyed-bucket", "US", KEY)).await;
    deny(&world, &["storage.googleapis.com"]).await;
    refused("insert without a key", &call(&world, "POST", BUCKETS, r#"{"name":"new-bucket"}"#).await, POLICY);
    assert_eq!(call(&world, "GET", "/storage/v1/b/new-bucket", "").await.status, 404);
    assert_eq!(call(&world, "POST", BUCKETS, bucket("new-keyed", "US", KEY)).await.status, 200, "insert with a key");
    refused(
        "clearing the default key",
        &call(&world, "PATCH", "/storage/v1/b/keyed-bucket", r#"{"encryption":null}"#).await,
        POLICY,
    );
    assert_eq!(done(&world, "GET", "/storage/v1/b/keyed-bucket", "").await["encryption"]["defaultKmsKeyName"], KEY);
    assert_eq!(
        call(&world, "PATCH", "/storage/v1/b/old-bucket", r#"{"labels":{"a":"b"}}"#).await.status,
        200,
        "labels of an old bucket"
    );
    refused("object without a key", &put(&world, "old-bucket", "new").await, POLICY);
    let path = format!("/upload/storage/v1/b/old-bucket/o?uploadType=media&name=new&kmsKeyName={KEY}");
    assert_eq!(call(&world, "POST", &path, "x").await.status, 200, "an explicit key in a non-compliant bucket");
    refused(
        "rewrite without a key",
        &call(&world, "POST", "/storage/v1/b/old-bucket/o/old/rewriteTo/b/old-bucket/o/two", "{}").await,
        POLICY,
    );
    assert_eq!(
        call(&world, "GET", "/storage/v1/b/old-bucket/o/old?alt=media", "").await.status,
        200,
        "what was there stays readable"
    );
    assert_eq!(call(&world, "DELETE", "/storage/v1/b/old-bucket/o/old", "").await.status, 204);
    let allow = r#"{"name":"projects/my-project/policies/gcp.restrictCmekCryptoKeyProjects","spec":{"rules":[{"values":{"allowedValues":["projects/other-project"]}}]}}"#;
    done(&world, "POST", "/v2/projects/my-project/policies", allow).await;
    let key_projects =
        (412, "conditionNotMet", "Request violates constraint 'constraints/gcp.restrictCmekCryptoKeyProjects'");
    refused(
        "a key of an unlisted project",
        &call(&world, "POST", BUCKETS, bucket("third-bucket", "US", KEY)).await,
        key_projects,
    );
    refused("an object under such a default key", &put(&world, "keyed-bucket", "new").await, key_projects);
}

/// KMS 1.5, 1.6: what Encrypt and Decrypt say themselves.
#[tokio::test]
async fn encrypt_and_decrypt_say_why_not() {
    let world = emulator().await;
    key_for_storage(&world).await;
    let sealed = done(&world, "POST", &format!("/v1/{KEY}:encrypt"), r#"{"plaintext":"aGVsbG8="}"#).await;
    let cipher = sealed["ciphertext"].as_str().expect("a ciphertext").to_owned();
    let open = format!(r#"{{"ciphertext":"{cipher}"}}"#);
    let failed = "Decryption failed: verify that 'name' refers to the correct CryptoKey.";
    let other_data = format!(r#"{{"ciphertext":"{cipher}","additionalAuthenticatedData":"YQ=="}}"#);
    for (row, body) in [
        ("other data", other_data.as_str()),
        ("truncated", r#"{"ciphertext":"xQ=="}"#),
        ("foreign", r#"{"ciphertext":"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ="}"#),
    ] {
        let answer = call(&world, "POST", &format!("/v1/{KEY}:decrypt"), body.to_owned()).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, failed), "{row}");
    }
    let wrong =
        call(&world, "POST", &format!("/v1/{KEY}:encrypt"), r#"{"plaintext":"aGVsbG8=","plaintextCrc32c":"1"}"#).await;
    assert_eq!(wrong.message(), "The checksum in field plaintext_crc32c did not match the data in field plaintext.");
    set_state(&world, 1, "DISABLED").await;
    for verb in ["encrypt", "decrypt"] {
        let body = if verb == "encrypt" { r#"{"plaintext":""}"#.to_owned() } else { open.clone() };
        let answer = call(&world, "POST", &format!("/v1/{KEY}:{verb}"), body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.message(), format!("{KEY}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED."));
        assert_eq!(answer.json()["error"]["details"][0]["violations"][0]["type"], "KEY_DISABLED");
    }
}
