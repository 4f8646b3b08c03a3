//! Reference 1.2, 1.3, 1.7 and 1.9: names, fields and rules of rings and keys, and lists.

use serde_json::json;

use super::*;

/// Reference 1.3: the recorded answer, with the project's id whether it was named by id or number.
#[tokio::test]
async fn a_new_key_reads_as_recorded() {
    let world = world().await;
    let number = world.get("/v1/projects/my-project").await.ok()["projectNumber"].as_str().expect("text").to_owned();
    let expected = json!({
        "name": KEY,
        "primary": {
            "name": version(1), "state": "ENABLED", "createTime": "2026-01-05T09:00:00Z", "protectionLevel": "SOFTWARE",
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "generateTime": "2026-01-05T09:00:00Z",
        },
        "purpose": "ENCRYPT_DECRYPT",
        "createTime": "2026-01-05T09:00:00Z",
        "versionTemplate": {"protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
        "destroyScheduledDuration": "2592000s",
    });
    for project in ["my-project", number.as_str()] {
        let path = KEY.replace("my-project", project);
        assert_eq!(world.get(&format!("/v1/{path}")).await.ok(), expected, "{project}");
    }
}

/// Reference 1.7.
#[tokio::test]
async fn the_plain_errors() {
    let world = world().await;
    let no_ring = RING.replace("keyRings/ring", "keyRings/none");
    let text = format!("KeyRing {no_ring} not found.");
    refused(&world.get(&format!("/v1/{no_ring}")).await, 404, "NOT_FOUND", &text);
    refused(&world.get(&format!("/v1/{no_ring}/cryptoKeys")).await, 404, "NOT_FOUND", &text);
    let body = json!({"purpose": "ENCRYPT_DECRYPT"});
    refused(
        &world.post(&format!("/v1/{no_ring}/cryptoKeys?cryptoKeyId=k"), body.clone()).await,
        404,
        "NOT_FOUND",
        &text,
    );
    refused(&make(&world, "key", body).await, 409, "ALREADY_EXISTS", &format!("CryptoKey {KEY} already exists."));
    let said = world.post("/v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await;
    refused(&said, 409, "ALREADY_EXISTS", &format!("KeyRing {RING} already exists."));
    let none = KEY.replace("cryptoKeys/key", "cryptoKeys/none");
    refused(&world.get(&format!("/v1/{none}")).await, 404, "NOT_FOUND", &format!("CryptoKey {none} not found."));
    let said = world.get(&format!("/v1/{}", version(9))).await;
    refused(&said, 404, "NOT_FOUND", &format!("CryptoKeyVersion {} not found.", version(9)));
}

/// Reference 1.2: ids and locations.
#[tokio::test]
async fn names_are_checked() {
    let world = world().await;
    for id in ["", "a.b", "ümlaut", &"x".repeat(64)] {
        let path = format!("/v1/{RING}/cryptoKeys?cryptoKeyId={}", id.replace('ü', "%C3%BC"));
        assert_eq!(world.post(&path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.code(), "INVALID_ARGUMENT", "{id}");
    }
    for location in ["eu", "mars-west1", "-"] {
        let said = world.get(&format!("/v1/projects/my-project/locations/{location}/keyRings")).await;
        assert_eq!(said.code(), "NOT_FOUND", "{location}");
        assert!(
            said.message().starts_with(&format!("The request concerns location '{location}'")),
            "{}",
            said.message()
        );
    }
    for location in ["global", "us", "europe-west1", "eur4"] {
        let path = format!("/v1/projects/my-project/locations/{location}/keyRings?keyRingId=r");
        world.post(&path, json!({})).await.ok();
    }
    for name in [
        format!("{KEY}/cryptoKeyVersions/01"),
        format!("{KEY}/cryptoKeyVersions/18446744073709551616"),
        RING.replace("keyRings/ring", "keyRings/a.b"),
        KEY.replace("cryptoKeys/key", "cryptoKeys/a%20b"),
    ] {
        let text = format!("Resource name [{}] is malformed.", name.replace("%20", " "));
        refused(&world.get(&format!("/v1/{name}")).await, 400, "INVALID_ARGUMENT", &text);
    }
}

/// Reference 1.3: what a key may ask for.
#[tokio::test]
async fn the_rules_of_keys() {
    let world = world().await;
    let labels: serde_json::Map<_, _> = (0..65).map(|i| (format!("l{i}"), json!("x"))).collect();
    let rows = [
        (json!({}), "INVALID_ARGUMENT"),
        (json!({"purpose": "MAC"}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ASYMMETRIC_SIGN"}), "INVALID_ARGUMENT"),
        (json!({"purpose": "MAC", "versionTemplate": {"algorithm": "EC_SIGN_P256_SHA256"}}), "INVALID_ARGUMENT"),
        (
            json!({"purpose": "ASYMMETRIC_DECRYPT", "versionTemplate": {"algorithm": "RSA_DECRYPT_OAEP_2048_SHA256"}}),
            "UNIMPLEMENTED",
        ),
        (json!({"purpose": "ENCRYPT_DECRYPT", "versionTemplate": {"protectionLevel": "EXTERNAL"}}), "UNIMPLEMENTED"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "86399s"}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "10368000.5s"}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "destroyScheduledDuration": "10368000s"}), ""),
        (json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s"}), "INVALID_ARGUMENT"),
        (
            json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "86399s", "nextRotationTime": "2030-01-01T00:00:00Z"}),
            "INVALID_ARGUMENT",
        ),
        (
            json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "3153600001s", "nextRotationTime": "2030-01-01T00:00:00Z"}),
            "INVALID_ARGUMENT",
        ),
        (
            json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "86400s", "nextRotationTime": "2026-01-05T09:00:00Z"}),
            "INVALID_ARGUMENT",
        ),
        (json!({"purpose": "ENCRYPT_DECRYPT", "nextRotationTime": "2030-01-01T00:00:00Z"}), ""),
        (
            json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}, "nextRotationTime": "2030-01-01T00:00:00Z"}),
            "INVALID_ARGUMENT",
        ),
        (json!({"purpose": "ENCRYPT_DECRYPT", "labels": {"Team": "x"}}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "labels": labels}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "importOnly": true}), "INVALID_ARGUMENT"),
        // What the API knows and the emulator lacks is told from what nobody knows.
        (json!({"purpose": "AES_WRAPPING"}), "UNIMPLEMENTED"),
        (json!({"purpose": 99}), "INVALID_ARGUMENT"),
        (json!({"purpose": "KEY_ENCAPSULATION", "versionTemplate": {"algorithm": "ML_KEM_768"}}), "UNIMPLEMENTED"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "versionTemplate": {"protectionLevel": 99}}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "versionTemplate": {"algorithm": 999}}), "INVALID_ARGUMENT"),
        (json!({"purpose": "ENCRYPT_DECRYPT", "keyAccessJustificationsPolicy": {}}), "UNIMPLEMENTED"),
        (
            json!({"purpose": "ENCRYPT_DECRYPT", "cryptoKeyBackend": "projects/my-project/locations/us/ekmConnections/e"}),
            "INVALID_ARGUMENT",
        ),
    ];
    for (number, (key, code)) in rows.into_iter().enumerate() {
        let said = make(&world, &format!("k{number}"), key.clone()).await;
        assert_eq!(said.code(), code, "{key}: {:#}", said.body);
    }
}

/// JSON cannot say these; a gRPC caller can. Stored, they could never be shown again.
#[tokio::test]
async fn times_that_cannot_be_printed_are_not_stored() {
    use gcp_schema::kms::crypto_key::{CryptoKeyPurpose, RotationSchedule};
    use gcp_schema::kms::{CreateCryptoKeyRequest, CryptoKey};
    use gcp_schema::services::kms::KeyManagementService as _;
    use prost_types::{Duration, Timestamp};

    let world = world().await;
    let far = Timestamp { seconds: 253_402_300_800, nanos: 0 };
    let soon = Timestamp { seconds: 1_800_000_000, nanos: 0 };
    let broken = Timestamp { seconds: 1_800_000_000, nanos: -1 };
    let day = Duration { seconds: 86_400, nanos: -1 };
    for (key, text) in [
        (
            CryptoKey { next_rotation_time: Some(far), ..CryptoKey::default() },
            "CryptoKey.next_rotation_time is no time between the years 1 and 9999.",
        ),
        (
            CryptoKey { next_rotation_time: Some(broken), ..CryptoKey::default() },
            "CryptoKey.next_rotation_time is no time between the years 1 and 9999.",
        ),
        (
            CryptoKey { destroy_scheduled_duration: Some(day), ..CryptoKey::default() },
            "CryptoKey.destroy_scheduled_duration must be at least 24 hours and at most 120 days.",
        ),
        (
            CryptoKey {
                next_rotation_time: Some(soon),
                rotation_schedule: Some(RotationSchedule::RotationPeriod(day)),
                ..CryptoKey::default()
            },
            "CryptoKey.rotation_period must be at least 24 hours and at most 876,000 hours.",
        ),
    ] {
        let crypto_key = Some(CryptoKey { purpose: CryptoKeyPurpose::EncryptDecrypt as i32, ..key });
        let request = CreateCryptoKeyRequest {
            parent: RING.into(),
            crypto_key_id: "odd".into(),
            crypto_key,
            skip_initial_version_creation: false,
        };
        let said = world
            .inside(crate::kernel::Mode::Write, |call| crate::services::kms::Kms.create_crypto_key(call, request))
            .await
            .expect_err(text);
        assert_eq!((said.code(), said.message()), (crate::kernel::Code::InvalidArgument, text));
        let missing = KEY.replace("cryptoKeys/key", "cryptoKeys/odd");
        assert_eq!(world.get(&format!("/v1/{missing}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_patch_changes_what_its_mask_names() {
    let world = world().await;
    let rotation =
        json!({"rotationPeriod": "7776000s", "nextRotationTime": "2026-04-01T00:00:00Z", "labels": {"a": "b"}});
    let key = patch(&world, KEY, "rotationPeriod,nextRotationTime", rotation).await.ok();
    assert_eq!((key["rotationPeriod"].as_str(), key.get("labels")), (Some("7776000s"), None));
    let key = patch(&world, KEY, "labels", json!({"labels": {"a": "1", "b": "2"}})).await.ok();
    assert_eq!(key["labels"], json!({"a": "1", "b": "2"}));
    let key = patch(&world, KEY, "labels.a", json!({"labels": {"a": "3"}})).await.ok();
    assert_eq!(key["labels"], json!({"a": "3", "b": "2"}));
    // gcloud's --remove-rotation-schedule: the masked fields are absent.
    let key = patch(&world, KEY, "rotationPeriod,nextRotationTime", json!({})).await.ok();
    assert_eq!((key.get("rotationPeriod"), key.get("nextRotationTime")), (None, None));
    for (mask, body) in [
        ("", json!({"labels": {}})),
        ("purpose", json!({"purpose": "MAC"})),
        ("destroyScheduledDuration", json!({"destroyScheduledDuration": "86400s"})),
        ("versionTemplate.protectionLevel", json!({"versionTemplate": {"protectionLevel": "HSM"}})),
        ("versionTemplate.algorithm", json!({"versionTemplate": {"algorithm": "HMAC_SHA256"}})),
        ("colour", json!({})),
        ("labels.", json!({"labels": {"a": "1"}})),
        ("rotationPeriod.seconds", json!({})),
        ("versionTemplate.algorithm", json!({"versionTemplate": {"algorithm": 999}})),
        ("rotationPeriod", json!({"rotationPeriod": "7776000s"})),
    ] {
        assert_eq!(patch(&world, KEY, mask, body).await.code(), "INVALID_ARGUMENT", "{mask}");
    }
    let justified = json!({"keyAccessJustificationsPolicy": {"allowedAccessReasons": [1]}});
    assert_eq!(patch(&world, KEY, "keyAccessJustificationsPolicy", justified).await.code(), "UNIMPLEMENTED");
    let after = world.get(&format!("/v1/{KEY}")).await.ok();
    assert_eq!(after["labels"], json!({"a": "3", "b": "2"}), "what was refused has changed nothing");
}

/// Reference 1.9.
#[tokio::test]
async fn lists_are_paged_ordered_and_filtered() {
    let world = world().await;
    for id in ["b", "a"] {
        make(&world, id, json!({"purpose": "ENCRYPT_DECRYPT", "labels": {"team": id}})).await.ok();
    }
    for _ in 0..10 {
        world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    }
    let path = format!("/v1/{RING}/cryptoKeys");
    let ids = |said: &serde_json::Value| -> Vec<String> {
        let name = |key: &serde_json::Value| {
            key["name"].as_str().expect("a name").rsplit('/').next().expect("an id").to_owned()
        };
        let list = said.get("cryptoKeys").or(said.get("cryptoKeyVersions")).and_then(|list| list.as_array());
        list.map(|list| list.iter().map(name).collect()).unwrap_or_default()
    };
    for (order, expected) in [("", ["a", "b", "key"]), ("&orderBy=name%20desc", ["key", "b", "a"])] {
        let mut seen = Vec::new();
        let mut token = String::new();
        for _ in 0..3 {
            let page = world.get(&format!("{path}?pageSize=1&pageToken={token}{order}")).await.ok();
            assert_eq!(page["totalSize"], 3);
            seen.extend(ids(&page));
            token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!((seen, token.as_str()), (expected.map(String::from).to_vec(), ""), "{order}");
    }
    let page = world.get(&format!("{path}?filter=labels.team%3Ab%20OR%20labels.team%3Aa&pageSize=1")).await.ok();
    assert_eq!(
        (ids(&page), page.get("totalSize"), page.get("nextPageToken").is_some()),
        (vec!["a".to_owned()], None, true)
    );
    set_state(&world, 1, "DISABLED").await.ok();
    let page = world.get(&format!("{path}?filter=primary.state%3DDISABLED")).await.ok();
    assert_eq!((ids(&page), page.get("nextPageToken")), (vec!["key".to_owned()], None));
    let none = world.get(&format!("{path}?filter=purpose%3DMAC")).await.ok();
    assert_eq!(none, json!({}));
    // Versions come in order of their number, not of its text.
    let versions = world.get(&format!("/v1/{KEY}/cryptoKeyVersions?filter=state%3DENABLED")).await.ok();
    assert_eq!(ids(&versions).last().map(String::as_str), Some("11"));
    let token = "Invalid page_token: it is not one that this service gave out.";
    let other = world.get(&format!("/v1/{KEY}/cryptoKeyVersions?pageSize=1")).await.ok();
    let other = other["nextPageToken"].as_str().expect("a token");
    for (query, text) in [
        ("orderBy=createTime", "Invalid order_by 'createTime': only 'name' and 'name desc' are supported."),
        ("pageSize=-1", "Invalid page_size: -1. It must not be negative."),
        ("pageSize=many", "Invalid value at 'page_size' (TYPE_INT32), \"many\""),
        ("pageSize=4294967296", "Invalid value at 'page_size' (TYPE_INT32), \"4294967296\""),
        ("pageToken=%21", token),
        ("pageToken=YQ", token),
        (&format!("pageToken={other}"), token),
        ("filter=colour%3Dred", "Invalid filter 'colour=red': 'colour' is no field of CryptoKey (at byte 6)."),
    ] {
        refused(&world.get(&format!("{path}?{query}")).await, 400, "INVALID_ARGUMENT", text);
    }
    let whole = world.get(&format!("{path}?pageSize=2147483647")).await.ok();
    assert_eq!(ids(&whole).len(), 3, "a huge page is as large as it can be");
}

/// The card's gaps are the methods that answer UNIMPLEMENTED, and no others.
#[tokio::test]
async fn the_gaps_are_those_of_the_card() {
    let world = World::new().await;
    let found = world.unimplemented("/google.cloud.kms.v1.").await;
    assert!(!found.is_empty());
    for method in &found {
        assert!(
            super::super::GAPS.iter().any(|gap| method == gap || gap.ends_with('/') && method.starts_with(gap)),
            "{method} is no listed gap"
        );
    }
    for gap in super::super::GAPS {
        assert!(
            found.iter().any(|method| method == gap || gap.ends_with('/') && method.starts_with(gap)),
            "{gap} is implemented"
        );
    }
}
