//! Pushes and pulls that fail: keys, policy, wrong digests, the end of the registry.

use super::*;
use crate::{Builder, GcrEra};

const BUCKET: &str = "artifacts.my-project.appspot.com";
const KEY: &str = "projects/my-project/locations/us/keyRings/ring/cryptoKeys/images";
const DISABLED: &str = "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.";
const UNGRANTED: &str = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.";

const FAREWELL: &str = "Container Registry is deprecated and shutting down, please use the auto migration tool to migrate to Artifact Registry (gcloud artifacts docker upgrade migrate --projects='my-project'). For more details see: https://cloud.google.com/artifact-registry/docs/transition/auto-migrate-gcr-ar";

/// A key that the Storage agent may use.
async fn key(world: &World) {
    world.post("/v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await.ok();
    let path = "/v1/projects/my-project/locations/us/keyRings/ring/cryptoKeys?cryptoKeyId=images";
    world.post(path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    let agent = world.get("/storage/v1/projects/my-project/serviceAccount").await.ok();
    let member = format!("serviceAccount:{}", agent["email_address"].as_str().unwrap());
    let policy = json!({"bindings": [{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [member]}]});
    world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": policy})).await.ok();
}

async fn protect_bucket(world: &World) {
    let body = json!({"encryption": {"defaultKmsKeyName": KEY}});
    world.call(&format!("PATCH /storage/v1/b/{BUCKET}"), body).await.ok();
}

async fn set_version(world: &World, state: &str) {
    world.call(&format!("PATCH /v1/{KEY}/cryptoKeyVersions/1?updateMask=state"), json!({"state": state})).await.ok();
}

/// 4.2: the default key covers what is pushed afterwards; a blob that was there keeps its encryption, also on a re-push.
#[tokio::test]
async fn a_default_key_covers_only_what_comes_after_it() {
    let world = World::new().await;
    key(&world).await;
    push_image(&world, "my-project/web", "v1", b"base").await;
    protect_bucket(&world).await;
    push_image(&world, "my-project/web", "v2", b"fresh").await;
    push_image(&world, "my-project/web", "v1", b"base").await;

    let version = format!("{KEY}/cryptoKeyVersions/1");
    let keys: BTreeMap<String, String> =
        objects(&world, BUCKET).await.into_iter().map(|object| (object.name, object.key_version)).collect();
    assert_eq!(keys[&format!("containers/images/{}", digest(b"base"))], "", "there already: not sent again");
    assert_eq!(keys[&format!("containers/images/{}", digest(b"fresh"))], version);
    assert_eq!(keys["containers/repositories/library/web/tag_v2"], version);
}

/// 4.3: pull and push with a disabled key carry Storage's status and sentence; enabling brings everything back.
#[tokio::test]
async fn a_disabled_key_stops_pulls_and_pushes() {
    let world = World::new().await;
    key(&world).await;
    push_image(&world, "my-project/open", "v1", b"before").await;
    protect_bucket(&world).await;
    let made = push_image(&world, "my-project/web", "v1", b"layer").await;
    set_version(&world, "DISABLED").await;

    let refused = (400, "UNKNOWN".to_owned(), DISABLED.to_owned());
    let paths = ["manifests/v1".to_owned(), format!("manifests/{made}"), format!("blobs/{}", digest(b"layer"))];
    let xml = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>CloudKmsDisabledKey</Code><Message>{DISABLED}</Message></Error>"
    );
    for path in &paths {
        let answer = get(&world, &format!("/v2/my-project/web/{path}")).await;
        if path.starts_with("blobs") {
            assert_eq!((answer.status, &answer.bytes[..]), (400, xml.as_bytes()), "{path}");
        } else {
            assert_eq!(answer.refusal(), refused, "{path}");
        }
        send(&world, &format!("HEAD /v2/my-project/web/{path}"), &[], "").await.expect(200);
    }
    assert_eq!(push_blob(&world, "my-project/web", b"new").await.refusal(), refused);
    let text = manifest(b"{}", &[b"layer"]);
    assert_eq!(push_manifest(&world, "my-project/web", "v2", MANIFEST, &text).await.refusal(), refused);
    // What the key never covered is still there, and lists need no key.
    get(&world, "/v2/my-project/open/manifests/v1").await.expect(200);
    assert_eq!(get(&world, "/v2/my-project/web/tags/list").await.expect(200).json()["tags"], json!(["v1"]));

    set_version(&world, "ENABLED").await;
    for path in &paths {
        get(&world, &format!("/v2/my-project/web/{path}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_lost_grant_denies() {
    let world = World::new().await;
    key(&world).await;
    push_image(&world, "my-project/web", "v0", b"first").await;
    protect_bucket(&world).await;
    push_image(&world, "my-project/web", "v1", b"layer").await;
    world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {}})).await.ok();
    let refused = (403, "DENIED".to_owned(), UNGRANTED.to_owned());
    assert_eq!(get(&world, "/v2/my-project/web/manifests/v1").await.refusal(), refused);
    assert_eq!(push_blob(&world, "my-project/web", b"new").await.refusal(), refused);
    let blob = get(&world, &format!("/v2/my-project/web/blobs/{}", digest(b"layer"))).await;
    let xml = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>{UNGRANTED}</Message></Error>"
    );
    assert_eq!((blob.status, &blob.bytes[..]), (403, xml.as_bytes()), "as Storage says it to the client");
}

/// 4.3, push: a key that goes while the bytes come refuses the piece, the end and the manifest; nothing of it is there.
#[tokio::test]
async fn a_key_lost_during_a_push_refuses_its_rest() {
    for (row, refused) in [
        ("disabled", (400, "UNKNOWN".to_owned(), DISABLED.to_owned())),
        ("ungranted", (403, "DENIED".to_owned(), UNGRANTED.to_owned())),
    ] {
        let world = World::new().await;
        key(&world).await;
        push_image(&world, "my-project/web", "v0", b"first").await;
        protect_bucket(&world).await;
        push_image(&world, "my-project/web", "v1", b"layer").await;
        let before = objects(&world, BUCKET).await.len();
        let mut ends = Vec::new();
        for _ in 0..2 {
            let at = send(&world, "POST /v2/my-project/web/blobs/uploads/", &[], "").await.expect(202);
            let at = send(&world, &format!("PATCH {}", at.headers["location"]), &[], "la").await.expect(202);
            ends.push(at.headers["location"].clone());
        }
        match row {
            "disabled" => set_version(&world, "DISABLED").await,
            _ => {
                world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {}})).await.ok();
            }
        }
        let text = manifest(b"{}", &[b"layer"]);
        let start = format!("POST /v2/my-project/web/blobs/uploads/?digest={}", digest(b"new"));
        for (call, answer) in [
            ("POST", send(&world, "POST /v2/my-project/web/blobs/uploads/", &[], "").await),
            ("POST, whole", send(&world, &start, &[], "new").await),
            ("PATCH", send(&world, &format!("PATCH {}", ends[0]), &[], "yer").await),
            ("PUT", send(&world, &format!("PUT {}&digest={}", ends[1], digest(b"late")), &[], "te").await),
            ("manifest", push_manifest(&world, "my-project/web", "v2", MANIFEST, &text).await),
            ("another tag", push_manifest(&world, "my-project/web", "v3", MANIFEST, &text).await),
        ] {
            assert_eq!(answer.refusal(), refused, "{row}: {call}");
        }
        assert_eq!(objects(&world, BUCKET).await.len(), before, "{row}: nothing new is there");
        // A blob that is there already is not sent again: only the manifest fails.
        send(&world, &format!("HEAD /v2/my-project/web/blobs/{}", digest(b"first")), &[], "").await.expect(200);
    }
}

/// Section 3, last row but one: the bucket cannot be made without a key, and the topic neither.
#[tokio::test]
async fn policy_refuses_the_first_push() {
    let world = World::new().await;
    let constraint = "gcp.restrictNonCmekServices";
    let body = json!({"name": format!("projects/my-project/policies/{constraint}"),
        "spec": {"rules": [{"values": {"deniedValues": ["storage.googleapis.com"]}}]}});
    world.post("/v2/projects/my-project/policies", body).await.ok();
    let text = "Request violates constraint 'constraints/gcp.restrictNonCmekServices'";
    let refused = push_blob(&world, "my-project/web", b"layer").await;
    assert_eq!(refused.refusal(), (412, "UNKNOWN".to_owned(), text.to_owned()));
    assert_eq!(world.get(&format!("/storage/v1/b/{BUCKET}")).await.status, 404);
    let text = manifest(b"{}", &[b"layer"]);
    let put = push_manifest(&world, "my-project/web", "v1", MANIFEST, &text).await;
    assert_eq!((put.status, put.refusal().1.as_str()), (412, "UNKNOWN"));
    // 4.3: nobody can make the bucket by hand.
    let by_hand = world.post("/storage/v1/b?project=my-project", json!({"name": BUCKET})).await;
    let text = "The bucket you tried to create is a domain name owned by another user.";
    assert_eq!((by_hand.status, by_hand.message()), (403, text));
    // The API is in use from now on all the same.
    world.get("/v1/projects/my-project/topics/gcr").await.ok();
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing() {
    let world = World::new().await;
    let name = "my-project/web";
    let location =
        send(&world, &format!("POST /v2/{name}/blobs/uploads/"), &[], "").await.expect(202).headers["location"].clone();
    let wrong = digest(b"something else");
    let refused = send(&world, &format!("PUT {location}&digest={wrong}"), &[], "layer").await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "DIGEST_INVALID"));
    assert!(objects(&world, BUCKET).await.is_empty());
    let again = send(&world, &format!("PUT {location}&digest={}", digest(b"layer")), &[], "layer").await;
    assert_eq!((again.status, again.refusal().1.as_str()), (404, "BLOB_UPLOAD_UNKNOWN"));

    let text = manifest(b"{}", &[b"never pushed"]);
    let refused = push_manifest(&world, name, "v1", MANIFEST, &text).await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "MANIFEST_BLOB_UNKNOWN"));
    assert!(objects(&world, BUCKET).await.is_empty());
    for (reference, body, code) in [
        ("v1", "no json", "MANIFEST_INVALID"),
        (wrong.as_str(), text.as_str(), "DIGEST_INVALID"),
        (".bad", text.as_str(), "MANIFEST_INVALID"),
    ] {
        assert_eq!(push_manifest(&world, name, reference, MANIFEST, body).await.refusal().1, code, "{reference}");
    }
    assert_eq!(get(&world, "/v2/my-project/Upper/manifests/v1").await.refusal().1, "NAME_INVALID");
}

/// An upload's data key is its bucket's: another host's repository does not know the upload.
#[tokio::test]
async fn an_upload_stays_with_its_bucket() {
    let world = World::new().await;
    let at = send(&world, "POST /v2/my-project/web/blobs/uploads/", &[], "").await.expect(202);
    let id = &at.headers["docker-upload-uuid"];
    let elsewhere = send(&world, &format!("PATCH /v2/eu.gcr.io/my-project/web/blobs/uploads/{id}"), &[], "layer").await;
    assert_eq!((elsewhere.status, elsewhere.refusal().1.as_str()), (404, "BLOB_UPLOAD_UNKNOWN"));
    send(&world, &format!("PATCH {}", at.headers["location"]), &[], "layer").await.expect(202);
    send(&world, &format!("DELETE {}", at.headers["location"]), &[], "").await.expect(204);
    let gone = get(&world, &at.headers["location"]).await;
    assert_eq!((gone.status, gone.refusal().1.as_str()), (404, "BLOB_UPLOAD_UNKNOWN"));
}

#[tokio::test]
async fn the_shut_down_registry_says_farewell() {
    let world = World(Builder::default().gcr_era(GcrEra::ShutDown).seed(7).build().await.unwrap());
    let blob = digest(b"x");
    for line in [
        "GET /v2/my-project/web/manifests/v1".to_owned(),
        "PUT /v2/my-project/web/manifests/v1".to_owned(),
        "DELETE /v2/my-project/web/manifests/v1".to_owned(),
        "GET /v2/my-project/web/tags/list".to_owned(),
        format!("HEAD /v2/my-project/web/blobs/{blob}"),
        format!("GET /v2/my-project/web/blobs/{blob}"),
        "POST /v2/my-project/web/blobs/uploads/".to_owned(),
    ] {
        let refused = send(&world, &line, &[], "").await.refusal();
        assert_eq!(refused, (412, "UNKNOWN".to_owned(), FAREWELL.to_owned()), "{line}");
    }
    assert_eq!(world.get(&format!("/storage/v1/b/{BUCKET}")).await.status, 404);
}
