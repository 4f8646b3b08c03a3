//! Reference 1.4 and 2.4: keys that customers supply with each request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{DENIED, Reply, World};

struct Supplied {
    key: String,
    sha256: String,
}

fn supplied(byte: u8) -> Supplied {
    let key = [byte; 32];
    let mut sha256 = envelope::Sha256::new();
    sha256.update(&key);
    Supplied { key: STANDARD.encode(key), sha256: STANDARD.encode(sha256.finish()) }
}

impl Supplied {
    fn headers(&self) -> [(&str, &str); 3] {
        [
            ("x-goog-encryption-algorithm", "AES256"),
            ("x-goog-encryption-key", &self.key),
            ("x-goog-encryption-key-sha256", &self.sha256),
        ]
    }

    fn source_headers(&self) -> [(&str, &str); 3] {
        [
            ("x-goog-copy-source-encryption-algorithm", "AES256"),
            ("x-goog-copy-source-encryption-key", &self.key),
            ("x-goog-copy-source-encryption-key-sha256", &self.sha256),
        ]
    }
}

const UPLOAD: &str = "/upload/storage/v1/b/images/o?uploadType=media&name=o";
const OBJECT: &str = "/storage/v1/b/images/o/o";
const MEDIA: &str = "/download/storage/v1/b/images/o/o?alt=media";

async fn with(world: &World, verb: &str, path: &str, key: &Supplied, body: &'static str) -> Reply {
    world.send(verb, path, &key.headers(), body).await
}

#[tokio::test]
async fn an_object_opens_with_its_own_key_only() {
    let world = World::new().await;
    world.bucket("images").await;
    let (right, wrong) = (supplied(1), supplied(2));
    let object = with(&world, "POST", UPLOAD, &right, "secret").await.ok();
    assert_eq!(object["customerEncryption"], json!({"encryptionAlgorithm": "AES256", "keySha256": right.sha256}));
    assert_eq!(object["kmsKeyName"], Value::Null);
    assert_eq!(with(&world, "GET", MEDIA, &right, "").await.text(), "secret");
    assert_eq!(world.read("images", "o").await.status, 400);
    assert_eq!(with(&world, "GET", MEDIA, &wrong, "").await.status, 400);
    // 2.5: a get without the key succeeds and merely omits the hashes; so do lists.
    let plain = world.get(OBJECT).await.ok();
    assert_eq!((&plain["crc32c"], &plain["md5Hash"], &plain["size"]), (&Value::Null, &Value::Null, &json!("6")));
    assert!(with(&world, "GET", OBJECT, &right, "").await.ok()["md5Hash"].is_string());
    assert_eq!(world.get("/storage/v1/b/images/o").await.ok()["items"][0]["md5Hash"], Value::Null);
    let rewrite = format!("{OBJECT}/rewriteTo/b/images/o/copy");
    let reason = world.call("POST", &rewrite, json!({})).await.refusal().1;
    assert_eq!(reason, "resourceIsEncryptedWithCustomerEncryptionKey");
    let reason = world.send("POST", &rewrite, &wrong.source_headers(), "{}").await.refusal().1;
    assert_eq!(reason, "customerEncryptionKeyIsIncorrect");
    // From a supplied key to Google's own, and from one supplied key to another.
    world.send("POST", &rewrite, &right.source_headers(), "{}").await.ok();
    assert_eq!(world.read("images", "copy").await.text(), "secret");
    let both: Vec<_> = right.source_headers().into_iter().chain(wrong.headers()).collect();
    world.send("POST", &format!("{OBJECT}/rewriteTo/b/images/o/o"), &both, "{}").await.ok();
    assert_eq!(with(&world, "GET", MEDIA, &wrong, "").await.text(), "secret");
}

/// 2.4, the rows on customer-supplied keys.
#[tokio::test]
async fn half_a_key_or_two_kinds_of_key_are_refused() {
    let world = World::new().await;
    let kms = world.key("k").await;
    world.bucket("images").await;
    let key = supplied(1);
    let [algorithm, secret, hash] = key.headers();
    let text = "Missing a SHA256 hash of the encryption key, or it is not base64 encoded, or it does not match the encryption key.";
    let rows = [
        (vec![algorithm, secret], "customerEncryptionKeySha256IsInvalid"),
        (vec![algorithm, secret, (hash.0, "AAAA")], "customerEncryptionKeySha256IsInvalid"),
        (vec![secret, hash], "customerEncryptionAlgorithmIsInvalid"),
        (vec![(algorithm.0, "AES128"), secret, hash], "customerEncryptionAlgorithmIsInvalid"),
        (vec![algorithm, hash], "customerEncryptionKeyFormatIsInvalid"),
        (vec![algorithm, (secret.0, "c2hvcnQ="), hash], "customerEncryptionKeyFormatIsInvalid"),
    ];
    for (headers, reason) in rows {
        let (status, found, message) = world.send("POST", UPLOAD, &headers, "x").await.refusal();
        assert_eq!((status, found.as_str()), (400, reason), "{headers:?}");
        assert!(reason != "customerEncryptionKeySha256IsInvalid" || message == text, "{message}");
    }
    let answer = with(&world, "POST", &format!("{UPLOAD}&kmsKeyName={kms}"), &key, "x").await;
    answer.refused(409, "conflict", "Cannot provide both a Cloud KMS key and a csk encoded encryption scheme.");
    assert_eq!(world.get(OBJECT).await.status, 404, "nothing was written");
    world.put("images", "o", "", "x").await.ok();
    let read = with(&world, "POST", &format!("{OBJECT}/rewriteTo/b/images/o/copy"), &key, "{}").await;
    assert_eq!(read.status, 200, "a key for the destination alone");
    let source = world.send("POST", &format!("{OBJECT}/rewriteTo/b/images/o/copy"), &key.source_headers(), "{}").await;
    assert_eq!(source.refusal().1, "resourceNotEncryptedWithCustomerEncryptionKey");
}

/// 2.4, the rows on customer-supplied keys: each way of reading with the wrong key, or with one too many.
#[tokio::test]
async fn a_read_says_what_is_wrong_with_its_key() {
    let world = World::new().await;
    let kms = world.key("k").await;
    world.bucket("images").await;
    let (right, wrong) = (supplied(1), supplied(2));
    with(&world, "POST", UPLOAD, &right, "secret").await.ok();
    world.put("images", "plain", "", "x").await.ok();
    world.put("images", "keyed", &format!("&kmsKeyName={kms}"), "x").await.ok();
    let missing = (
        "resourceIsEncryptedWithCustomerEncryptionKey",
        "The target object is encrypted by a customer-supplied encryption key.",
    );
    let incorrect = ("customerEncryptionKeyIsIncorrect", "The provided encryption key is incorrect.");
    let needless = (
        "resourceNotEncryptedWithCustomerEncryptionKey",
        "The target object is not encrypted by a customer-supplied encryption key.",
    );
    let before = world.picture("images").await;
    for (row, object, key, (reason, text)) in [
        ("CSEK missing for a CSEK object", "o", None, missing),
        ("another CSEK", "o", Some(&wrong), incorrect),
        ("CSEK given for a non-CSEK object", "plain", Some(&right), needless),
        ("CSEK given for a CMEK object", "keyed", Some(&right), needless),
    ] {
        let own = key.map(|key| key.headers().to_vec()).unwrap_or_default();
        let source = key.map(|key| key.source_headers().to_vec()).unwrap_or_default();
        let object = format!("/storage/v1/b/images/o/{object}");
        let media = world.send("GET", &format!("{object}?alt=media"), &own, "").await;
        assert_eq!((media.status, media.text().as_str()), (400, text), "{row}: media");
        let address = object.replace("/storage/v1/b/images/o", "/storage.googleapis.com/images");
        let code = format!("<Code>{}{}</Code>", reason[..1].to_uppercase(), &reason[1..]);
        assert!(world.send("GET", &address, &own, "").await.text().contains(&code), "{row}: XML");
        for verb in ["rewriteTo", "copyTo"] {
            let answer = world.send("POST", &format!("{object}/{verb}/b/images/o/new"), &source, "{}").await;
            answer.refused(400, reason, text);
        }
        if key.is_some() {
            world.send("GET", &object, &own, "").await.refused(400, reason, text);
        }
        assert_eq!(world.picture("images").await, before, "{row}: nothing has changed");
    }
    // Half a key of a copy's source is none.
    let [algorithm, secret, hash] = right.source_headers();
    for (headers, reason) in [
        (vec![algorithm, secret], "customerEncryptionKeySha256IsInvalid"),
        (vec![secret, hash], "customerEncryptionAlgorithmIsInvalid"),
        (vec![algorithm, hash], "customerEncryptionKeyFormatIsInvalid"),
    ] {
        let answer = world.send("POST", &format!("{OBJECT}/rewriteTo/b/images/o/new"), &headers, "{}").await;
        assert_eq!((answer.status, answer.refusal().1.as_str()), (400, reason));
    }
    let both = "Cannot provide both a Cloud KMS key and a csk encoded encryption scheme.";
    for path in [
        format!("{OBJECT}/rewriteTo/b/images/o/new?destinationKmsKeyName={kms}"),
        format!("{OBJECT}/copyTo/b/images/o/new?destinationKmsKeyName={kms}"),
    ] {
        let headers: Vec<_> = right.source_headers().into_iter().chain(right.headers()).collect();
        world.send("POST", &path, &headers, "{}").await.refused(409, "conflict", both);
    }
    let start = format!("/upload/storage/v1/b/images/o?uploadType=resumable&name=new&kmsKeyName={kms}");
    with(&world, "POST", &start, &right, "{}").await.refused(409, "conflict", both);
    assert_eq!(world.picture("images").await, before);
}

/// Section 3: not CMEK, so refused where storage must be; 1.4: the bucket's own word on such keys.
#[tokio::test]
async fn policy_has_its_say_on_supplied_keys() {
    let world = World::new().await;
    world.bucket("images").await;
    let key = supplied(1);
    world.allow_keys_of("nobody").await;
    with(&world, "POST", UPLOAD, &key, "x").await.ok();
    world.require_cmek().await;
    let before = world.picture("images").await;
    let text = "Request violates constraint 'constraints/gcp.restrictNonCmekServices'";
    with(&world, "POST", UPLOAD, &key, "x").await.refused(412, "conditionNotMet", text);
    let rewrite: Vec<_> = key.source_headers().into_iter().chain(key.headers()).collect();
    let path = format!("{OBJECT}/rewriteTo/b/images/o/new");
    world.send("POST", &path, &rewrite, "{}").await.refused(412, "conditionNotMet", text);
    assert_eq!(world.picture("images").await, before);
    let world = World::new().await;
    let config = json!({"customerSuppliedEncryptionEnforcementConfig": {"restrictionMode": "FullyRestricted"}});
    world.create_bucket(json!({"name": "images", "encryption": config})).await.ok();
    let text =
        "The bucket's customerSuppliedEncryptionEnforcementConfig restricts new objects with this type of encryption.";
    with(&world, "POST", UPLOAD, &key, "x").await.refused(412, "conditionNotMet", text);
    assert_eq!(world.get(OBJECT).await.status, 404);
    world.put("images", "o", "", "x").await.ok();
}

/// Each request of a resumable upload carries the key; a dead default key of the bucket plays no part.
#[tokio::test]
async fn resumable_uploads_take_supplied_keys() {
    let world = World::new().await;
    let kms = world.key("k").await;
    world.bucket_with_key("images", &kms).await;
    world.grant(&kms, "").await;
    world.put("images", "p", "", "x").await.refused(403, "forbidden", DENIED);
    let key = supplied(1);
    let start =
        world.send("POST", "/upload/storage/v1/b/images/o?uploadType=resumable&name=o", &key.headers(), "{}").await;
    let url = start.header("location").replace("http://127.0.0.1:8787", "");
    let headers: Vec<_> = key.headers().into_iter().chain([("content-range", "bytes 0-5/6")]).collect();
    world.send("PUT", &url, &headers, "secret").await.ok();
    assert_eq!(with(&world, "GET", MEDIA, &key, "").await.text(), "secret");
}
