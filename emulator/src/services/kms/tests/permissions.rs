//! Reference 1.6, "Permissions per call", and its last two rows: who may, and what he hears who may not.

use serde_json::{Value, json};

use super::*;
use crate::kernel::Mode;

const OWNER: &str = "own@example.com";
const STRANGER: &str = "ann@example.com";

#[tokio::test]
async fn each_call_asks_for_its_permission() {
    let world = World::enforcing().await;
    let binding = json!({"bindings": [{"role": "roles/owner", "members": [format!("user:{OWNER}")]}]});
    let policy: gcp_schema::iam::Policy = crate::rest::from_json("google.iam.v1.Policy", binding).expect("a policy");
    world
        .inside(Mode::Write, |call| crate::doors::replace_policy(call, "projects/my-project", policy))
        .await
        .expect("stored");
    let place = "projects/my-project/locations/us";
    world.call_as(OWNER, &format!("POST /v1/{place}/keyRings?keyRingId=ring"), json!({})).await.ok();
    let symmetric = json!({"purpose": "ENCRYPT_DECRYPT"});
    world.call_as(OWNER, &format!("POST /v1/{RING}/cryptoKeys?cryptoKeyId=key"), symmetric.clone()).await.ok();

    let v = version(1);
    let rows: Vec<(&str, String, Value, &str)> = vec![
        ("keyRings.create", format!("POST /v1/{place}/keyRings?keyRingId=b"), json!({}), place),
        ("keyRings.get", format!("GET /v1/{RING}"), Value::Null, RING),
        ("keyRings.list", format!("GET /v1/{place}/keyRings"), Value::Null, place),
        ("cryptoKeys.create", format!("POST /v1/{RING}/cryptoKeys?cryptoKeyId=b"), symmetric, RING),
        ("cryptoKeys.get", format!("GET /v1/{KEY}"), Value::Null, KEY),
        ("cryptoKeys.list", format!("GET /v1/{RING}/cryptoKeys"), Value::Null, RING),
        ("cryptoKeys.update", format!("PATCH /v1/{KEY}?updateMask=labels"), json!({"labels": {"a": "b"}}), KEY),
        ("cryptoKeys.update", format!("POST /v1/{KEY}:updatePrimaryVersion"), json!({"cryptoKeyVersionId": "1"}), KEY),
        ("cryptoKeys.delete", format!("DELETE /v1/{KEY}"), Value::Null, KEY),
        ("cryptoKeyVersions.create", format!("POST /v1/{KEY}/cryptoKeyVersions"), json!({}), KEY),
        ("cryptoKeyVersions.get", format!("GET /v1/{v}"), Value::Null, &v),
        ("cryptoKeyVersions.list", format!("GET /v1/{KEY}/cryptoKeyVersions"), Value::Null, KEY),
        ("cryptoKeyVersions.update", format!("PATCH /v1/{v}?updateMask=state"), json!({"state": "DISABLED"}), &v),
        ("cryptoKeyVersions.destroy", format!("POST /v1/{v}:destroy"), json!({}), &v),
        ("cryptoKeyVersions.restore", format!("POST /v1/{v}:restore"), json!({}), &v),
        ("cryptoKeyVersions.delete", format!("DELETE /v1/{v}"), Value::Null, &v),
        ("cryptoKeyVersions.useToEncrypt", format!("POST /v1/{KEY}:encrypt"), json!({}), KEY),
        ("cryptoKeyVersions.useToEncrypt", format!("POST /v1/{v}:encrypt"), json!({}), &v),
        ("cryptoKeyVersions.useToDecrypt", format!("POST /v1/{KEY}:decrypt"), json!({}), KEY),
        ("cryptoKeyVersions.useToSign", format!("POST /v1/{v}:asymmetricSign"), json!({}), &v),
        ("cryptoKeyVersions.useToSign", format!("POST /v1/{v}:macSign"), json!({}), &v),
        ("cryptoKeyVersions.useToVerify", format!("POST /v1/{v}:macVerify"), json!({}), &v),
        ("cryptoKeyVersions.viewPublicKey", format!("GET /v1/{v}/publicKey"), Value::Null, &v),
        ("locations.generateRandomBytes", format!("POST /v1/{place}:generateRandomBytes"), json!({}), place),
        ("retiredResources.list", format!("GET /v1/{place}/retiredResources"), Value::Null, place),
    ];
    let everything = async || {
        let mut found = Vec::new();
        for path in [format!("{place}/keyRings"), format!("{RING}/cryptoKeys"), format!("{KEY}/cryptoKeyVersions")] {
            found.push(world.call_as(OWNER, &format!("GET /v1/{path}"), Value::Null).await.ok());
        }
        found
    };
    let before = everything().await;
    for (permission, line, body, resource) in &rows {
        let permission = format!("cloudkms.{permission}");
        let said = world.call_as(STRANGER, line, body.clone()).await;
        let text = format!(
            "Permission '{permission}' denied on resource '//cloudkms.googleapis.com/{resource}' (or it may not exist)."
        );
        assert_eq!(
            (said.status, said.body),
            (
                403,
                json!({"error": {"code": 403, "message": text, "status": "PERMISSION_DENIED", "details": [{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED",
                    "domain": "cloudkms.googleapis.com",
                    "metadata": {"permission": permission, "resource": resource}}]}})
            ),
            "1.6 {line}"
        );
        assert_eq!(world.call_as("", line, body.clone()).await.status, 401, "4.5 without credentials: {line}");
    }
    assert_eq!(everything().await, before, "1.6: what was refused has changed nothing");
    for (_, line, body, _) in &rows {
        assert_ne!(world.call_as(OWNER, line, body.clone()).await.status, 403, "1.6 the owner: {line}");
    }

    // "key missing, caller has permission on an ancestor" is told from "caller lacks permission".
    let missing = KEY.replace("cryptoKeys/key", "cryptoKeys/missing");
    let line = format!("POST /v1/{missing}:encrypt");
    let said = world.call_as(OWNER, &line, json!({})).await;
    refused(&said, 404, "NOT_FOUND", &format!("CryptoKey {missing} not found."));
    assert_eq!(world.call_as(STRANGER, &line, json!({})).await.code(), "PERMISSION_DENIED");
}
