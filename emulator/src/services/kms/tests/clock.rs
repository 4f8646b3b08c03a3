//! Rotation and destruction by the clock.

use serde_json::json;

use super::*;

#[tokio::test]
async fn rotation_makes_a_version_and_makes_it_the_primary() {
    let world = world().await;
    let old = encrypt(&world, "aGVsbG8=").await;
    let rotation = json!({"rotationPeriod": "86400s", "nextRotationTime": "2026-01-06T00:00:00Z"});
    patch(&world, KEY, "rotationPeriod,nextRotationTime", rotation).await.ok();
    advance(&world, 15 * HOUR - 1).await;
    assert_eq!(world.get(&format!("/v1/{KEY}")).await.ok()["primary"]["name"], version(1));
    advance(&world, 1).await;
    let key = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!(key["primary"]["name"], version(2));
    assert_eq!(key["primary"]["createTime"], "2026-01-06T00:00:00Z");
    assert_eq!(key["nextRotationTime"], "2026-01-07T00:00:00Z");
    // A long sleep makes up for each period at its own time.
    advance(&world, 3 * DAY).await;
    let key = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!(
        (key["primary"]["name"].as_str(), key["primary"]["createTime"].as_str()),
        (Some(version(5).as_str()), Some("2026-01-09T00:00:00Z"))
    );
    // Manual rotation does not move the schedule; old data stay readable.
    verb(&world, KEY, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "1"})).await.ok();
    assert_eq!(world.get(&format!("/v1/{KEY}")).await.ok()["nextRotationTime"], "2026-01-10T00:00:00Z");
    let opened = verb(&world, KEY, "decrypt", json!({"ciphertext": old})).await.ok();
    assert_eq!(opened["plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn a_schedule_that_is_moved_or_removed_does_not_fire_at_its_old_time() {
    let world = world().await;
    let at = |time: &str| json!({"nextRotationTime": time});
    patch(&world, KEY, "nextRotationTime", at("2026-01-06T00:00:00Z")).await.ok();
    patch(&world, KEY, "nextRotationTime", at("2026-01-08T00:00:00Z")).await.ok();
    advance(&world, 2 * DAY).await;
    assert_eq!(world.get(&format!("/v1/{KEY}")).await.ok()["primary"]["name"], version(1));
    advance(&world, DAY).await;
    // Without a period it rotates once.
    let key = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!((key["primary"]["name"].as_str(), key.get("nextRotationTime")), (Some(version(2).as_str()), None));
    patch(&world, KEY, "nextRotationTime", at("2026-02-01T00:00:00Z")).await.ok();
    patch(&world, KEY, "nextRotationTime", json!({})).await.ok();
    advance(&world, 60 * DAY).await;
    assert_eq!(world.get(&format!("/v1/{KEY}")).await.ok()["primary"]["name"], version(2));
}

#[tokio::test]
async fn destruction_takes_the_key_s_own_time_and_is_in_the_audit_trail() {
    let world = world().await;
    make(&world, "short", json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "86400s"})).await.ok();
    let name = KEY.replace("cryptoKeys/key", "cryptoKeys/short/cryptoKeyVersions/1");
    verb(&world, &name, "destroy", json!({})).await.ok();
    verb(&world, &version(1), "destroy", json!({})).await.ok();
    advance(&world, DAY).await;
    assert_eq!(world.get(&format!("/v1/{name}")).await.ok()["state"], "DESTROYED");
    assert_eq!(state_of(&world, 1).await, "DESTROY_SCHEDULED");
    let noted = format!("{name} is destroyed");
    assert!(world.0.audit().iter().any(|entry| format!("{entry:?}").contains(&noted)), "{noted}");
}
