//! Reference 1.8 and the row of 3.4 on Cloud KMS: what organization policy refuses, what it leaves alone.

use serde_json::{Value, json};

use super::*;

async fn set_policy(world: &World, constraint: &str, rule: Value) {
    let path = "/v2/projects/my-project/policies";
    let policy = json!({"name": format!("projects/my-project/policies/{constraint}"), "spec": {"rules": [rule]}});
    world.post(path, policy).await.ok();
}

fn allow(values: &[&str]) -> Value {
    json!({"values": {"allowedValues": values}})
}

/// 3.4: the shape of every protobuf service.
#[track_caller]
fn violates(row: &str, said: &Said, constraint: &str, method: &str, value: &str) {
    let text = format!(
        "Constraint 'constraints/{constraint}' violated for 'projects/my-project' attempting to perform the operation 'google.cloud.kms.v1.KeyManagementService.{method}' with violated value '{value}'. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information."
    );
    let expected = json!({"error": {"code": 400, "message": text, "status": "FAILED_PRECONDITION", "details": [
        {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{
            "type": format!("constraints/{constraint}"), "subject": "orgpolicy:projects/my-project",
            "description": text}]}]}});
    assert_eq!((said.status, &said.body), (400, &expected), "{row}");
}

/// All that there is in the ring, to see that a refusal left nothing.
async fn all(world: &World) -> Value {
    let keys = world.get(&format!("/v1/{RING}/cryptoKeys")).await.ok();
    let versions = world.get(&format!("/v1/{KEY}/cryptoKeyVersions")).await.ok();
    let rings = world.get("/v1/projects/my-project/locations/europe/keyRings").await.ok();
    json!([keys, versions, rings])
}

#[tokio::test]
async fn what_new_resources_may_not_be() {
    const LOCATIONS: &str = "gcp.resourceLocations";
    const LEVELS: &str = "cloudkms.allowedProtectionLevels";
    const DURATION: &str = "cloudkms.minimumDestroyScheduledDuration";
    const DISABLE: &str = "cloudkms.disableBeforeDestroy";
    let ring = "/v1/projects/my-project/locations/europe/keyRings?keyRingId=ring".to_owned();
    let key = format!("/v1/{RING}/cryptoKeys?cryptoKeyId=new");
    let made = format!("/v1/{KEY}/cryptoKeyVersions");
    let plain = json!({"purpose": "ENCRYPT_DECRYPT"});
    let hard = json!({"purpose": "ENCRYPT_DECRYPT", "versionTemplate": {"protectionLevel": "HSM"}});
    let short = json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "5183999s"});
    let rows = [
        ("1.8 locations: ring", LOCATIONS, allow(&["in:us-locations"]), ring, json!({}), "CreateKeyRing", "europe"),
        ("1.8 locations: key", LOCATIONS, allow(&["us-east1"]), key.clone(), plain.clone(), "CreateCryptoKey", "us"),
        (
            "1.8 locations: version",
            LOCATIONS,
            allow(&["europe"]),
            made.clone(),
            json!({}),
            "CreateCryptoKeyVersion",
            "us",
        ),
        (
            "1.8 locations: denied",
            LOCATIONS,
            json!({"values": {"deniedValues": ["us"]}}),
            made.clone(),
            json!({}),
            "CreateCryptoKeyVersion",
            "us",
        ),
        ("1.8 levels: key", LEVELS, allow(&["SOFTWARE"]), key.clone(), hard, "CreateCryptoKey", "HSM"),
        ("1.8 levels: key", LEVELS, allow(&["HSM"]), key.clone(), plain.clone(), "CreateCryptoKey", "SOFTWARE"),
        ("1.8 levels: version", LEVELS, allow(&["HSM"]), made, json!({}), "CreateCryptoKeyVersion", "SOFTWARE"),
        ("1.8 duration: the default", DURATION, allow(&["in:60d"]), key.clone(), plain, "CreateCryptoKey", "2592000s"),
        ("1.8 duration: a second less", DURATION, allow(&["in:60d"]), key, short, "CreateCryptoKey", "5183999s"),
        (
            "1.8 disable before destroy",
            DISABLE,
            json!({"enforce": true}),
            format!("/v1/{}:destroy", version(1)),
            json!({}),
            "DestroyCryptoKeyVersion",
            "ENABLED",
        ),
    ];
    for (row, constraint, rule, path, body, method, value) in rows {
        let world = world().await;
        let sealed = encrypt(&world, "aGVsbG8=").await;
        set_policy(&world, constraint, rule).await;
        let before = all(&world).await;
        violates(row, &world.post(&path, body).await, constraint, method, value);
        assert_eq!(all(&world).await, before, "{row}: nothing came of it");
        // What was there before the policy works on.
        let opened = verb(&world, KEY, "decrypt", json!({"ciphertext": sealed})).await.ok();
        assert_eq!(opened["plaintext"], "aGVsbG8=", "{row}");
        encrypt(&world, "aGVsbG8=").await;
    }
}

#[tokio::test]
async fn what_policy_lets_through() {
    let world = world().await;
    set_policy(&world, "gcp.resourceLocations", allow(&["in:us-locations"])).await;
    set_policy(&world, "cloudkms.allowedProtectionLevels", allow(&["HSM"])).await;
    set_policy(&world, "cloudkms.minimumDestroyScheduledDuration", allow(&["in:60d", "in:90d"])).await;
    let long = json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "5184000s",
        "versionTemplate": {"protectionLevel": "HSM"}});
    assert_eq!(make(&world, "hard", long).await.ok()["primary"]["protectionLevel"], "HSM");
    let effective = "/v2/projects/my-project/policies/cloudkms.minimumDestroyScheduledDuration:getEffectivePolicy";
    assert_eq!(
        world.get(effective).await.ok()["spec"]["rules"],
        json!([{"values": {"allowedValues": ["120d", "60d", "90d"]}}]),
        "1.8: the value and all longer ones, without prefix"
    );
    // 3.4: the CMEK constraints are not about Cloud KMS itself.
    set_policy(&world, "gcp.restrictCmekCryptoKeyProjects", allow(&["projects/other-project"])).await;
    let services = json!({"values": {"deniedValues": ["storage.googleapis.com", "pubsub.googleapis.com"]}});
    set_policy(&world, "gcp.restrictNonCmekServices", services).await;
    let again = json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "5184000s",
        "versionTemplate": {"protectionLevel": "HSM"}});
    make(&world, "another", again).await.ok();
    encrypt(&world, "aGVsbG8=").await;
    // 1.8: a version that is disabled may go.
    set_policy(&world, "cloudkms.disableBeforeDestroy", json!({"enforce": true})).await;
    set_state(&world, 1, "DISABLED").await.ok();
    assert_eq!(verb(&world, &version(1), "destroy", json!({})).await.ok()["state"], "DESTROY_SCHEDULED");
}

/// 1.8: auto-rotation into a disallowed location or level fails; it is tried again after the next period.
#[tokio::test]
async fn a_rotation_that_policy_refuses_is_noted_and_tried_again() {
    for (constraint, value) in [("gcp.resourceLocations", "europe"), ("cloudkms.allowedProtectionLevels", "HSM")] {
        let world = world().await;
        let rotation = json!({"rotationPeriod": "86400s", "nextRotationTime": "2026-01-06T09:00:00Z"});
        patch(&world, KEY, "rotationPeriod,nextRotationTime", rotation).await.ok();
        set_policy(&world, constraint, allow(&[value])).await;
        advance(&world, DAY).await;
        let key = world.get(&format!("/v1/{KEY}")).await.ok();
        assert_eq!(key["primary"]["name"], version(1), "1.8 {constraint}");
        assert_eq!(key["nextRotationTime"], "2026-01-07T09:00:00Z", "1.8 {constraint}");
        let notes: Vec<_> = world.0.audit().into_iter().flat_map(|entry| entry.notes).collect();
        assert!(
            notes.iter().any(|note| note
                .starts_with(&format!("{KEY} was not rotated: Constraint 'constraints/{constraint}' violated"))),
            "{notes:?}"
        );
        world.delete(&format!("/v2/projects/my-project/policies/{constraint}")).await.ok();
        advance(&world, DAY).await;
        assert_eq!(world.get(&format!("/v1/{KEY}")).await.ok()["primary"]["name"], version(2), "1.8 {constraint}");
    }
}
