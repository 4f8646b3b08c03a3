//! Topics with keys: what is checked, what a lost key stops, what policy refuses.

use super::*;
use crate::services::pubsub::door;

pub const KEY: &str = "projects/keys-project/locations/global/keyRings/ring/cryptoKeys/key";

pub async fn key(world: &World, name: &str) {
    let (ring, id) = name.rsplit_once("/cryptoKeys/").unwrap();
    let (location, ring_id) = ring.rsplit_once("/keyRings/").unwrap();
    world.post(&format!("/v1/{location}/keyRings?keyRingId={ring_id}"), json!({})).await;
    world.post(&format!("/v1/{ring}/cryptoKeys?cryptoKeyId={id}"), json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
}

pub async fn agent(world: &World) -> String {
    let number = world.inside(Mode::Write, |call| Ok(doors::project(call, "my-project")?.number)).await.unwrap();
    format!("service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com")
}

pub async fn grant(world: &World, name: &str) {
    let member = format!("serviceAccount:{}", agent(world).await);
    let policy = json!({"bindings": [{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [member]}]});
    world.post(&format!("/v1/{name}:setIamPolicy"), json!({"policy": policy})).await.ok();
}

pub async fn set_version(world: &World, name: &str, state: &str) {
    let path = format!("PATCH /v1/{name}/cryptoKeyVersions/1?updateMask=state");
    world.call(&path, json!({"state": state})).await.ok();
}

pub async fn create(world: &World, key: &str) -> Said {
    world.call(&format!("PUT {TOPIC}"), json!({"kmsKeyName": key})).await
}

pub async fn set_key(world: &World, key: Value) -> Said {
    world.call(&format!("PATCH {TOPIC}"), json!({"topic": {"kmsKeyName": key}, "updateMask": "kmsKeyName"})).await
}

/// 2.4 missing grant; a key that does not exist reads the same to an agent without rights.
#[tokio::test]
async fn an_agent_without_a_grant_stops_the_creation() {
    let world = World::new().await;
    let agent = agent(&world).await;
    let text = format!(
        "Cloud Pub/Sub did not have the necessary permissions configured to support this operation. Please verify that the service account {agent} was granted the Cloud KMS CryptoKey Encrypter/Decrypter role for the project containing the CryptoKey resource {KEY}."
    );
    for step in ["no key", "no grant"] {
        let said = create(&world, KEY).await;
        assert_eq!((said.status, said.code(), said.message()), (400, "FAILED_PRECONDITION", text.as_str()), "{step}");
        assert_eq!(world.get(TOPIC).await.status, 404, "{step}");
        if step == "no key" {
            key(&world, KEY).await;
        }
    }
    grant(&world, KEY).await;
    assert_eq!(create(&world, KEY).await.ok()["kmsKeyName"], KEY);
}

/// 2.4 any location is accepted.
#[tokio::test]
async fn a_key_of_any_location_will_do() {
    let world = World::new().await;
    for location in ["us-east1", "europe"] {
        let name = format!("projects/keys-project/locations/{location}/keyRings/ring/cryptoKeys/key");
        key(&world, &name).await;
        grant(&world, &name).await;
        let topic = format!("PUT /v1/projects/my-project/topics/in-{location}");
        assert_eq!(world.call(&topic, json!({"kmsKeyName": name})).await.ok()["kmsKeyName"], name);
    }
}

/// 2.4 key disabled: publish and pull fail with the sentence of 1.5, the topic stays readable; then everything is back.
#[tokio::test]
async fn a_disabled_key_stops_publish_and_pull_until_it_is_enabled() {
    let world = World::new().await;
    key(&world, KEY).await;
    grant(&world, KEY).await;
    create(&world, KEY).await.ok();
    subscribe(&world, "reader", json!({})).await;
    publish(&world, json!([message("secret")])).await.ok();

    set_version(&world, KEY, "DISABLED").await;
    let text = format!("{KEY}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.");
    let pulled = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1})).await;
    for said in [publish(&world, json!([message("more")])).await, pulled, create_other(&world).await] {
        assert_eq!((said.status, said.code(), said.message()), (400, "FAILED_PRECONDITION", text.as_str()));
        assert_eq!(
            said.body["error"]["details"],
            json!([{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [{"type": "KEY_DISABLED", "subject": format!("{KEY}/cryptoKeyVersions/1")}]}])
        );
    }
    assert_eq!(world.get(TOPIC).await.ok(), json!({"name": "projects/my-project/topics/gcr", "kmsKeyName": KEY}));
    assert_eq!(world.get("/v1/projects/my-project/topics/other").await.status, 404);

    set_version(&world, KEY, "ENABLED").await;
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["secret"], "the refused publish left nothing");
}

async fn create_other(world: &World) -> Said {
    world.call("PUT /v1/projects/my-project/topics/other", json!({"kmsKeyName": KEY})).await
}

/// 2.4 existing messages stay under the old key; what lies before a lost one is still delivered.
#[tokio::test]
async fn a_new_key_protects_what_comes_after_it() {
    let world = World::new().await;
    let other = "projects/keys-project/locations/global/keyRings/ring/cryptoKeys/other";
    for name in [KEY, other] {
        key(&world, name).await;
        grant(&world, name).await;
    }
    topic(&world).await;
    subscribe(&world, "reader", json!({})).await;
    publish(&world, json!([message("google's")])).await.ok();
    set_key(&world, json!(KEY)).await.ok();
    publish(&world, json!([message("ours")])).await.ok();
    assert_eq!(set_key(&world, json!(other)).await.ok()["kmsKeyName"], other);
    set_version(&world, KEY, "DISABLED").await;
    publish(&world, json!([message("the other's")])).await.ok();

    assert_eq!(texts(&pull(&world, "reader", 10).await), ["google's"]);
    let refused = world.post(&format!("{READER}:pull"), json!({"maxMessages": 10})).await;
    assert_eq!(refused.code(), "FAILED_PRECONDITION");
    set_version(&world, KEY, "ENABLED").await;
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["ours", "the other's"]);
    let cleared = set_key(&world, Value::Null).await.ok();
    assert_eq!(cleared, json!({"name": "projects/my-project/topics/gcr"}), "mask kmsKeyName with the field unset");
}

/// Destroying the version shreds what was published under it; nothing brings it back.
#[tokio::test]
async fn messages_go_with_their_key() {
    let world = World::new().await;
    let ring = KEY.strip_suffix("/cryptoKeys/key").unwrap();
    world.post("/v1/projects/keys-project/locations/global/keyRings?keyRingId=ring", json!({})).await.ok();
    let short = json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "86400s"});
    world.post(&format!("/v1/{ring}/cryptoKeys?cryptoKeyId=key"), short).await.ok();
    grant(&world, KEY).await;
    create(&world, KEY).await.ok();
    subscribe(&world, "reader", json!({})).await;
    publish(&world, json!([message("secret")])).await.ok();
    world.post(&format!("/v1/{KEY}/cryptoKeyVersions/1:destroy"), json!({})).await.ok();
    world.0.advance(Duration::from_hours(24)).await.unwrap();
    let text = format!("{KEY}/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.");
    let pulled = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1})).await;
    for said in [pulled, publish(&world, json!([message("more")])).await] {
        assert_eq!((said.status, said.code(), said.message()), (400, "FAILED_PRECONDITION", text.as_str()));
    }
    // A new primary version writes again; the old message stays lost.
    world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    world.post(&format!("/v1/{KEY}:updatePrimaryVersion"), json!({"cryptoKeyVersionId": "2"})).await.ok();
    publish(&world, json!([message("more")])).await.ok();
    let pulled = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1})).await;
    assert_eq!(pulled.message(), text);
}

#[tokio::test]
async fn a_lost_grant_is_a_note_to_who_announces() {
    let world = World::new().await;
    key(&world, KEY).await;
    grant(&world, KEY).await;
    create(&world, KEY).await.ok();
    world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {}})).await.ok();
    let notes = world
        .inside(Mode::Write, |call| {
            let project = doors::project(call, "my-project")?;
            door::announce(call, &project, "gcr", b"{}".to_vec())?;
            Ok(call.notes.clone())
        })
        .await
        .unwrap();
    assert!(
        notes[0].starts_with("topic gcr was not told: Cloud Pub/Sub did not have the necessary permissions"),
        "{notes:?}"
    );
}

pub async fn policy(world: &World, constraint: &str, values: Value) {
    let name = format!("projects/my-project/policies/{constraint}");
    let body = json!({"name": name, "spec": {"rules": [{"values": values}]}});
    world.post("/v2/projects/my-project/policies", body).await.ok();
}

pub fn violation(constraint: &str, operation: &str, value: &str) -> Value {
    let text = format!(
        "Constraint 'constraints/{constraint}' violated for 'projects/my-project' attempting to perform the operation 'google.pubsub.v1.Publisher.{operation}' with violated value '{value}'. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information."
    );
    json!({"error": {"code": 400, "message": text, "status": "FAILED_PRECONDITION",
        "details": [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
            "violations": [{"type": format!("constraints/{constraint}"), "subject": "orgpolicy:projects/my-project", "description": text}]}]}})
}

/// 3.3 and 3.4: creating without a key and removing one are violations; old topics keep working.
#[tokio::test]
async fn policy_may_demand_a_key() {
    let world = World::new().await;
    key(&world, KEY).await;
    grant(&world, KEY).await;
    world.call("PUT /v1/projects/my-project/topics/old", json!({})).await.ok();
    policy(&world, "gcp.restrictNonCmekServices", json!({"deniedValues": ["pubsub.googleapis.com"]})).await;

    let refused = create(&world, "").await;
    assert_eq!(refused.body, violation("gcp.restrictNonCmekServices", "CreateTopic", "pubsub.googleapis.com"));
    assert_eq!(world.get(TOPIC).await.status, 404);
    create(&world, KEY).await.ok();
    let refused = set_key(&world, Value::Null).await;
    assert_eq!(refused.body, violation("gcp.restrictNonCmekServices", "UpdateTopic", "pubsub.googleapis.com"));
    assert_eq!(world.get(TOPIC).await.ok()["kmsKeyName"], KEY);
    let labelled = json!({"topic": {"labels": {"a": "b"}}, "updateMask": "labels"});
    world.call("PATCH /v1/projects/my-project/topics/old", labelled).await.ok();
    world.post("/v1/projects/my-project/topics/old:publish", json!({"messages": [message("x")]})).await.ok();
}

#[tokio::test]
async fn policy_may_say_whose_keys() {
    let world = World::new().await;
    key(&world, KEY).await;
    grant(&world, KEY).await;
    policy(&world, "gcp.restrictCmekCryptoKeyProjects", json!({"allowedValues": ["projects/trusted-keys"]})).await;
    let refused = create(&world, KEY).await;
    assert_eq!(refused.body, violation("gcp.restrictCmekCryptoKeyProjects", "CreateTopic", "projects/keys-project"));
    // A topic without any key is not this constraint's concern.
    create(&world, "").await.ok();
    let refused = set_key(&world, json!(KEY)).await;
    assert_eq!(refused.body, violation("gcp.restrictCmekCryptoKeyProjects", "UpdateTopic", "projects/keys-project"));
}
