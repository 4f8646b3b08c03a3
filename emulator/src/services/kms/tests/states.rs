//! Reference 1.4: the state machine of versions, and every move that it forbids.

use serde_json::json;

use super::*;

/// Brings version 1 into a state.
async fn bring(world: &World, state: &str) {
    match state {
        "ENABLED" => {}
        "DISABLED" => drop(set_state(world, 1, "DISABLED").await.ok()),
        _ => {
            verb(world, &version(1), "destroy", json!({})).await.ok();
            if state == "DESTROYED" {
                advance(world, 31 * DAY).await;
            }
        }
    }
    assert_eq!(state_of(world, 1).await, state);
}

#[tokio::test]
async fn the_table_of_moves() {
    let rows = [
        // (from, call, what it is then); the same state for a refusal.
        ("ENABLED", "enable", "ENABLED"),
        ("ENABLED", "disable", "DISABLED"),
        ("ENABLED", "destroy", "DESTROY_SCHEDULED"),
        ("ENABLED", "restore", "refused"),
        ("DISABLED", "enable", "ENABLED"),
        ("DISABLED", "disable", "DISABLED"),
        ("DISABLED", "destroy", "DESTROY_SCHEDULED"),
        ("DISABLED", "restore", "refused"),
        ("DESTROY_SCHEDULED", "enable", "refused"),
        ("DESTROY_SCHEDULED", "disable", "refused"),
        ("DESTROY_SCHEDULED", "destroy", "refused"),
        ("DESTROY_SCHEDULED", "restore", "DISABLED"),
        ("DESTROYED", "enable", "refused"),
        ("DESTROYED", "disable", "refused"),
        ("DESTROYED", "destroy", "refused"),
        ("DESTROYED", "restore", "refused"),
    ];
    for (from, call, to) in rows {
        let world = world().await;
        bring(&world, from).await;
        let said = match call {
            "enable" => set_state(&world, 1, "ENABLED").await,
            "disable" => set_state(&world, 1, "DISABLED").await,
            other => verb(&world, &version(1), other, json!({})).await,
        };
        if to == "refused" {
            let text = format!(
                "The request cannot be fulfilled. Resource {} has value {from} in field crypto_key_version.state.",
                version(1)
            );
            refused(&said, 400, "FAILED_PRECONDITION", &text);
            assert_eq!(state_of(&world, 1).await, from, "{from} {call}");
        } else {
            assert_eq!(said.ok()["state"], to, "{from} {call}");
            assert_eq!(state_of(&world, 1).await, to, "{from} {call}");
        }
    }
}

#[tokio::test]
async fn a_state_is_set_to_enabled_or_disabled_with_the_mask_that_says_so() {
    let world = world().await;
    for state in ["DESTROYED", "DESTROY_SCHEDULED", "PENDING_GENERATION", "CRYPTO_KEY_VERSION_STATE_UNSPECIFIED"] {
        let text = format!("A version's state can be set to ENABLED or DISABLED, not to {state}.");
        refused(&set_state(&world, 1, state).await, 400, "INVALID_ARGUMENT", &text);
    }
    let other = |field: &str| format!("Invalid update_mask: the field '{field}' is unknown or cannot be changed.");
    for (mask, text) in [
        ("", "Invalid update_mask: it must name at least one field.".to_owned()),
        ("algorithm", other("algorithm")),
        ("state,name", other("name")),
        ("state.deeper", other("state.deeper")),
        ("externalProtectionLevelOptions", other("external_protection_level_options")),
    ] {
        let said = patch(&world, &version(1), mask, json!({"state": "DISABLED"})).await;
        refused(&said, 400, "INVALID_ARGUMENT", &text);
    }
    assert_eq!(state_of(&world, 1).await, "ENABLED");
}

#[tokio::test]
async fn times_come_and_go_with_the_states() {
    let world = world().await;
    let scheduled = verb(&world, &version(1), "destroy", json!({})).await.ok();
    assert_eq!(scheduled["destroyTime"], "2026-02-04T09:00:00Z");
    let restored = verb(&world, &version(1), "restore", json!({})).await.ok();
    assert_eq!(restored.get("destroyTime"), None);
    // What was taken back does not happen.
    advance(&world, 31 * DAY).await;
    assert_eq!(state_of(&world, 1).await, "DISABLED");

    verb(&world, &version(1), "destroy", json!({})).await.ok();
    advance(&world, 30 * DAY - 1).await;
    assert_eq!(state_of(&world, 1).await, "DESTROY_SCHEDULED");
    advance(&world, 1).await;
    let destroyed = world.get(&format!("/v1/{}", version(1))).await.ok();
    assert_eq!(destroyed["state"], "DESTROYED");
    assert_eq!(destroyed["destroyEventTime"], "2026-03-07T09:00:00Z");
    assert_eq!(destroyed.get("destroyTime"), None);
}

#[tokio::test]
async fn the_primary_stays_the_primary_whatever_its_state() {
    let world = world().await;
    let second = world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    assert_eq!((second["name"].as_str(), second["state"].as_str()), (Some(version(2).as_str()), Some("ENABLED")));
    verb(&world, &version(1), "destroy", json!({})).await.ok();
    let key = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!(key["primary"]["name"], version(1));
    assert_eq!(key["primary"]["state"], "DESTROY_SCHEDULED");

    // A version that is not enabled may become the primary; one that is not there may not.
    set_state(&world, 2, "DISABLED").await.ok();
    let moved = verb(&world, KEY, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "2"})).await.ok();
    assert_eq!(
        moved["primary"],
        json!({
            "name": version(2), "state": "DISABLED", "createTime": "2026-01-05T09:00:00Z",
            "generateTime": "2026-01-05T09:00:00Z", "protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
        })
    );
    let missing = verb(&world, KEY, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "9"})).await;
    refused(&missing, 404, "NOT_FOUND", &format!("CryptoKeyVersion {} not found.", version(9)));
}

/// Reference 1.8: deletion of what is spent, and the name that stays taken.
#[tokio::test]
async fn what_is_spent_can_be_deleted_and_its_name_stays_taken() {
    let world = world().await;
    let text = format!("CryptoKey {KEY} cannot be deleted: its version {} has not been deleted.", version(1));
    refused(&world.delete(&format!("/v1/{KEY}")).await, 400, "FAILED_PRECONDITION", &text);
    assert_eq!(world.delete(&format!("/v1/{RING}")).await.status, 404, "key rings cannot be deleted: no such method");
    world.get(&format!("/v1/{RING}")).await.ok();

    verb(&world, &version(1), "destroy", json!({})).await.ok();
    advance(&world, 30 * DAY).await;
    let operation = world.delete(&format!("/v1/{}", version(1))).await.ok();
    assert_eq!(operation["done"], true, "{operation:#}");
    let gone = world.get(&format!("/v1/{}", version(1))).await;
    refused(&gone, 404, "NOT_FOUND", &format!("CryptoKeyVersion {} not found.", version(1)));
    let key = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!(key.get("primary"), None);
    // Numbers are not used again.
    let next = world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    assert_eq!(next["name"], version(2));
    verb(&world, &version(2), "destroy", json!({})).await.ok();
    advance(&world, 30 * DAY).await;
    world.delete(&format!("/v1/{}", version(2))).await.ok();

    let next = json!({"nextRotationTime": "2030-01-01T00:00:00Z"});
    patch(&world, KEY, "nextRotationTime", next).await.ok();
    let text = format!("CryptoKey {KEY} cannot be deleted: it has a rotation schedule.");
    refused(&world.delete(&format!("/v1/{KEY}")).await, 400, "FAILED_PRECONDITION", &text);
    world.get(&format!("/v1/{KEY}")).await.ok();
    patch(&world, KEY, "nextRotationTime", json!({})).await.ok();

    let operation = world.delete(&format!("/v1/{KEY}")).await.ok();
    let record = operation["metadata"]["retiredResource"].as_str().expect("a record").to_owned();
    assert_eq!(
        world.get(&format!("/v1/{record}")).await.ok(),
        json!({"name": record, "originalResource": KEY, "resourceType": "cloudkms.googleapis.com/CryptoKey",
            "deleteTime": "2026-03-06T09:00:00Z"})
    );
    let all = world.get("/v1/projects/my-project/locations/us/retiredResources").await.ok();
    assert_eq!(all["retiredResources"][0]["name"], record.as_str());
    let name = operation["name"].as_str().expect("a name");
    assert_eq!(world.get(&format!("/v1/{name}")).await.ok()["done"], true);
    let again = make(&world, "key", json!({"purpose": "ENCRYPT_DECRYPT"})).await;
    let text = format!("CryptoKey {KEY} was deleted, see {record}; its name cannot be used again.");
    refused(&again, 409, "ALREADY_EXISTS", &text);
    refused(&world.get(&format!("/v1/{KEY}")).await, 404, "NOT_FOUND", &format!("CryptoKey {KEY} not found."));
}
