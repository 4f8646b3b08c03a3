//! Reference 1.4 and 1.5 for every state, also those that no call here brings about: the rows are laid into the store.

use gcp_names::KeyVersionName;
use gcp_schema::kms::crypto_key_version::CryptoKeyVersionState as State;
use serde_json::{Value, json};

use super::*;
use crate::kernel::Mode;
use crate::services::kms::model;

const UNUSABLE: [State; 7] = [
    State::Disabled,
    State::DestroyScheduled,
    State::Destroyed,
    State::PendingGeneration,
    State::PendingImport,
    State::ImportFailed,
    State::GenerationFailed,
];

async fn lay(world: &World, name: &str, state: State) {
    let name = KeyVersionName::parse(name).expect("a name");
    world
        .inside(Mode::Write, |call| {
            let mut row = model::version(call, &name)?;
            row.set_state(state);
            model::put_version(call, &name, &row)
        })
        .await
        .expect("laid");
}

/// 1.4: the forbidden moves out of states that only generating and importing lead to.
#[tokio::test]
async fn what_is_pending_or_failed_does_not_move() {
    let world = world().await;
    let pending_or_failed = &UNUSABLE[3..];
    for state in pending_or_failed {
        lay(&world, &version(1), *state).await;
        let name = state.as_str_name();
        let text = format!(
            "The request cannot be fulfilled. Resource {} has value {name} in field crypto_key_version.state.",
            version(1)
        );
        for (row, said) in [
            ("1.4 update to ENABLED", set_state(&world, 1, "ENABLED").await),
            ("1.4 update to DISABLED", set_state(&world, 1, "DISABLED").await),
            ("1.4 destroy", verb(&world, &version(1), "destroy", json!({})).await),
            ("1.4 restore", verb(&world, &version(1), "restore", json!({})).await),
        ] {
            assert_eq!(said.message(), text, "{row} from {name}");
            refused(&said, 400, "FAILED_PRECONDITION", &text);
            assert_eq!(state_of(&world, 1).await, name, "{row}");
        }
    }
    for state in [State::PendingGeneration, State::PendingImport, State::Enabled, State::DestroyScheduled] {
        lay(&world, &version(1), state).await;
        let text = format!(
            "The request cannot be fulfilled. Resource {} has value {} in field crypto_key_version.state.",
            version(1),
            state.as_str_name()
        );
        refused(&world.delete(&format!("/v1/{}", version(1))).await, 400, "FAILED_PRECONDITION", &text);
        assert_eq!(state_of(&world, 1).await, state.as_str_name(), "1.4 delete");
    }
    for (number, state) in [(1, State::ImportFailed), (2, State::GenerationFailed), (3, State::Destroyed)] {
        if number > 1 {
            world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
        }
        lay(&world, &version(number), state).await;
        let operation = world.delete(&format!("/v1/{}", version(number))).await.ok();
        assert_eq!(operation["response"], json!({"@type": "type.googleapis.com/google.protobuf.Empty"}));
        let text = format!("CryptoKeyVersion {} not found.", version(number));
        refused(&world.get(&format!("/v1/{}", version(number))).await, 404, "NOT_FOUND", &text);
    }
}

/// 1.5: one refusal for every use of every state, with the violation; the version stays as it is.
#[tokio::test]
async fn no_use_of_a_version_that_is_not_enabled() {
    let world = world().await;
    let sealed = encrypt(&world, "aGVsbG8=").await;
    for (id, purpose, algorithm) in
        [("signing", "ASYMMETRIC_SIGN", "EC_SIGN_P256_SHA256"), ("mac", "MAC", "HMAC_SHA256")]
    {
        make(&world, id, json!({"purpose": purpose, "versionTemplate": {"algorithm": algorithm}})).await.ok();
    }
    let of = |id: &str| KEY.replace("cryptoKeys/key", &format!("cryptoKeys/{id}/cryptoKeyVersions/1"));
    let (signing, mac) = (of("signing"), of("mac"));
    for state in UNUSABLE {
        for name in [&version(1), &signing, &mac] {
            lay(&world, name, state).await;
        }
        let data = json!({"data": "aGVsbG8="});
        let state = state.as_str_name();
        for (row, name, said) in [
            ("encrypt by key", &version(1), verb(&world, KEY, "encrypt", json!({"plaintext": ""})).await),
            ("encrypt by version", &version(1), verb(&world, &version(1), "encrypt", json!({"plaintext": ""})).await),
            ("decrypt", &version(1), verb(&world, KEY, "decrypt", json!({"ciphertext": sealed})).await),
            ("sign", &signing, verb(&world, &signing, "asymmetricSign", data.clone()).await),
            ("public key", &signing, world.get(&format!("/v1/{signing}/publicKey")).await),
            ("macSign", &mac, verb(&world, &mac, "macSign", data).await),
            ("macVerify", &mac, verb(&world, &mac, "macVerify", json!({"data": "", "mac": "AA=="})).await),
        ] {
            let expected: Value = json!({"error": {
                "code": 400, "status": "FAILED_PRECONDITION",
                "message": format!("{name} is not enabled, current state is: {state}."),
                "details": [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                    "violations": [{"type": format!("KEY_{state}"), "subject": name}]}],
            }});
            assert_eq!((said.status, said.body), (400, expected), "1.5 {row}, {state}");
            assert_eq!(world.get(&format!("/v1/{name}")).await.ok()["state"], state, "1.5 {row}");
        }
    }
}

/// 1.4: symmetric and MAC versions are there at once, asymmetric ones a moment later, by themselves.
#[tokio::test]
async fn an_asymmetric_version_is_pending_until_it_is_generated() {
    let world = world().await;
    let mac = json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}});
    make(&world, "mac", mac).await.ok();
    let signing = json!({"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {"algorithm": "EC_SIGN_P256_SHA256"}});
    make(&world, "signing", signing).await.ok();
    for (row, id, at_first) in [
        ("1.4 create symmetric", "key", "ENABLED"),
        ("1.4 create MAC", "mac", "ENABLED"),
        ("1.4 create asymmetric", "signing", "PENDING_GENERATION"),
    ] {
        let path = format!("/v1/{}/cryptoKeyVersions", KEY.replace("cryptoKeys/key", &format!("cryptoKeys/{id}")));
        let made = world.post(&path, json!({})).await.ok();
        assert_eq!(made["state"], at_first, "{row}");
        assert_eq!(made.get("generateTime").is_some(), at_first == "ENABLED", "{row}");
        let later = world.get(&format!("{path}/2")).await.ok();
        assert_eq!(
            (&later["state"], &later["generateTime"]),
            (&json!("ENABLED"), &json!("2026-01-05T09:00:00Z")),
            "{row}"
        );
    }
}
