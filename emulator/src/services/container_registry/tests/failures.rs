//! Pushes and pulls that fail: keys, policy, wrong digests, the end of the registry.

use super::*;
use crate::{Builder, GcrEra, ProjectMode};

const BUCKET: &str = "artifacts.my-project.appspot.com";
const KEY: &str = "projects/my-project/locations/us/keyRings/ring/cryptoKeys/images";
const DISABLED: &str = "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.";
const UNGRANTED: &str = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.";

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
    for path in &paths {
        assert_eq!(get(&world, &format!("/v2/my-project/web/{path}")).await.refusal(), refused, "{path}");
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
    let (status, _, text) = get(&world, "/v2/my-project/web/manifests/v1").await.refusal();
    assert_eq!(
        (status, text.as_str()),
        (
            412,
            "Container Registry is deprecated and shutting down, please use the auto migration tool to migrate to Artifact Registry (gcloud artifacts docker upgrade migrate --projects='my-project'). For more details see: https://cloud.google.com/artifact-registry/docs/transition/auto-migrate-gcr-ar"
        )
    );
}

/// 4.3 API disabled: in a project that somebody created, the API must be enabled first.
#[tokio::test]
async fn a_disabled_api_refuses_the_push() {
    let world = World(Builder::default().projects(ProjectMode::Strict).seed(7).build().await.unwrap());
    let body = json!({"projectId": "my-project", "parent": "organizations/123456789012"});
    world.post("/v3/projects", body).await.ok();
    let (status, code, text) = push_blob(&world, "my-project/web", b"layer").await.refusal();
    assert_eq!((status, code.as_str()), (403, "DENIED"));
    assert_eq!(
        text,
        "Token exchange failed for project 'my-project'. Please enable or contact project owners to enable the Google Container Registry API in Cloud Console at https://console.cloud.google.com/apis/api/containerregistry.googleapis.com/overview?project=my-project before performing this operation."
    );
}
