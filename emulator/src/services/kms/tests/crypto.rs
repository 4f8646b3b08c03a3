//! Reference 1.5 and 1.6: use of versions in each state, and what Encrypt and Decrypt check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const UNDECIPHERABLE: &str = "Decryption failed: verify that 'name' refers to the correct CryptoKey.";

fn crc(text: &str) -> String {
    envelope::crc32c(&STANDARD.decode(text).expect("base64")).to_string()
}

async fn decrypt(world: &World, name: &str, ciphertext: &str) -> Said {
    verb(world, name, "decrypt", json!({"ciphertext": ciphertext})).await
}

/// Reference 1.5, each state: the same refusal for Encrypt and Decrypt, with the violation.
#[tokio::test]
async fn a_version_that_is_not_enabled_is_of_no_use() {
    for state in ["DISABLED", "DESTROY_SCHEDULED", "DESTROYED"] {
        let world = world().await;
        let sealed = encrypt(&world, "aGVsbG8=").await;
        if state == "DISABLED" {
            set_state(&world, 1, state).await.ok();
        } else {
            verb(&world, &version(1), "destroy", json!({})).await.ok();
        }
        if state == "DESTROYED" {
            advance(&world, 30 * DAY).await;
        }
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
            "violations": [{"type": format!("KEY_{state}"), "subject": version(1)}],
        }]);
        let plain = json!({"plaintext": "aGVsbG8="});
        for said in [
            verb(&world, KEY, "encrypt", plain.clone()).await,
            verb(&world, &version(1), "encrypt", plain).await,
            decrypt(&world, KEY, &sealed).await,
        ] {
            let text = format!("{} is not enabled, current state is: {state}.", version(1));
            refused(&said, 400, "FAILED_PRECONDITION", &text);
            assert_eq!(said.body["error"]["details"], details);
        }
    }
}

#[tokio::test]
async fn enabling_again_brings_the_data_back() {
    let world = world().await;
    let sealed = encrypt(&world, "aGVsbG8=").await;
    verb(&world, &version(1), "destroy", json!({})).await.ok();
    verb(&world, &version(1), "restore", json!({})).await.ok();
    set_state(&world, 1, "ENABLED").await.ok();
    assert_eq!(decrypt(&world, KEY, &sealed).await.ok()["plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn the_ciphertext_names_the_version_and_the_primary_need_not_be_enabled() {
    let world = world().await;
    let old = encrypt(&world, "aGVsbG8=").await;
    world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    // A new version is not the primary by itself.
    assert_eq!(decrypt(&world, KEY, &old).await.ok()["usedPrimary"], true);
    verb(&world, KEY, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "2"})).await.ok();
    let sealed = verb(&world, KEY, "encrypt", json!({"plaintext": "aGVsbG8="})).await.ok();
    assert_eq!(sealed["name"], version(2));
    set_state(&world, 2, "DISABLED").await.ok();
    let opened = decrypt(&world, KEY, &old).await.ok();
    assert_eq!((opened["plaintext"].as_str(), opened.get("usedPrimary")), (Some("aGVsbG8="), None));
    // A version can be asked for by name.
    let sealed = verb(&world, &version(1), "encrypt", json!({"plaintext": "aGVsbG8="})).await.ok();
    assert_eq!(sealed["name"], version(1));
}

#[tokio::test]
async fn every_checksum_is_verified_also_that_of_nothing() {
    let world = world().await;
    let sealed = verb(
        &world,
        KEY,
        "encrypt",
        json!({
            "plaintext": "aGVsbG8=", "plaintextCrc32c": crc("aGVsbG8="), "additionalAuthenticatedDataCrc32c": "0",
        }),
    )
    .await
    .ok();
    assert_eq!(sealed["verifiedPlaintextCrc32c"], true);
    assert_eq!(sealed["verifiedAdditionalAuthenticatedDataCrc32c"], true);
    assert_eq!(sealed["protectionLevel"], "SOFTWARE");
    let ciphertext = sealed["ciphertext"].as_str().expect("text");
    assert_eq!(sealed["ciphertextCrc32c"], crc(ciphertext));
    let opened = verb(
        &world,
        KEY,
        "decrypt",
        json!({
            "ciphertext": ciphertext, "ciphertextCrc32c": crc(ciphertext), "additionalAuthenticatedDataCrc32c": "0",
        }),
    )
    .await
    .ok();
    assert_eq!(
        opened,
        json!({
            "plaintext": "aGVsbG8=", "plaintextCrc32c": crc("aGVsbG8="), "usedPrimary": true, "protectionLevel": "SOFTWARE",
        })
    );
    let unchecked = verb(&world, KEY, "encrypt", json!({"plaintext": "aGVsbG8="})).await.ok();
    assert_eq!(unchecked.get("verifiedPlaintextCrc32c"), None);

    for (method, body, field) in [
        ("encrypt", json!({"plaintext": "aGVsbG8=", "plaintextCrc32c": "1"}), "plaintext"),
        (
            "encrypt",
            json!({"plaintext": "aGVsbG8=", "additionalAuthenticatedDataCrc32c": "1"}),
            "additional_authenticated_data",
        ),
        ("decrypt", json!({"ciphertext": ciphertext, "ciphertextCrc32c": "-1"}), "ciphertext"),
        (
            "decrypt",
            json!({"ciphertext": ciphertext, "additionalAuthenticatedDataCrc32c": "7"}),
            "additional_authenticated_data",
        ),
    ] {
        let text = format!("The checksum in field {field}_crc32c did not match the data in field {field}.");
        refused(&verb(&world, KEY, method, body).await, 400, "INVALID_ARGUMENT", &text);
    }
}

#[tokio::test]
async fn what_does_not_decrypt_has_one_text() {
    let world = world().await;
    make(&world, "other", json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    let body = json!({"plaintext": "aGVsbG8=", "additionalAuthenticatedData": "YQ=="});
    let sealed = verb(&world, KEY, "encrypt", body).await.ok();
    let sealed = sealed["ciphertext"].as_str().expect("text");
    let mut altered = STANDARD.decode(sealed).expect("base64");
    *altered.last_mut().expect("bytes") ^= 1;
    let altered = STANDARD.encode(altered);
    let mut later = STANDARD.decode(sealed).expect("base64");
    later[12] = 2;
    let other = KEY.replace("cryptoKeys/key", "cryptoKeys/other");
    // The state of another key's version 1 says nothing about this ciphertext.
    patch(&world, &format!("{other}/cryptoKeyVersions/1"), "state", json!({"state": "DISABLED"})).await.ok();
    let with = |name: &str, ciphertext: &str, additional: &str| {
        let body = json!({"ciphertext": ciphertext, "additionalAuthenticatedData": additional});
        (name.to_owned(), body)
    };
    for (name, body) in [
        with(&other, sealed, "YQ=="),
        with(KEY, sealed, "Yg=="),
        with(KEY, sealed, ""),
        with(KEY, &altered, "YQ=="),
        with(KEY, &STANDARD.encode(later), "YQ=="),
        with(KEY, &sealed[..16], "YQ=="),
        with(KEY, "YQ==", "YQ=="),
        with(KEY, "", "YQ=="),
    ] {
        refused(&verb(&world, &name, "decrypt", body).await, 400, "INVALID_ARGUMENT", UNDECIPHERABLE);
    }
    let (name, body) = with(KEY, sealed, "YQ==");
    assert_eq!(verb(&world, &name, "decrypt", body).await.ok()["plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn sizes_have_limits_each_field_for_itself_and_in_hsm_together() {
    let world = world().await;
    make(&world, "hard", json!({"purpose": "ENCRYPT_DECRYPT", "versionTemplate": {"protectionLevel": "HSM"}}))
        .await
        .ok();
    let hard = KEY.replace("cryptoKeys/key", "cryptoKeys/hard");
    let zeros = |length: usize| STANDARD.encode(vec![0; length]);
    let long = "The field plaintext is 65537 bytes long; the maximum is 65536.";
    let long_data = "The field additional_authenticated_data is 65537 bytes long; the maximum is 65536.";
    let together = "The fields plaintext and additional_authenticated_data are 8193 bytes long together; the maximum with the protection level HSM is 8192.";
    for (name, plaintext, additional, refusal) in [
        (KEY, 65_536, 65_536, None),
        (KEY, 65_537, 0, Some(long)),
        (KEY, 0, 65_537, Some(long_data)),
        (KEY, 0, 0, None),
        (&hard, 8_000, 192, None),
        (&hard, 8_000, 193, Some(together)),
    ] {
        let body = json!({"plaintext": zeros(plaintext), "additionalAuthenticatedData": zeros(additional)});
        let said = verb(&world, name, "encrypt", body).await;
        match refusal {
            None => drop(said.ok()),
            Some(text) => refused(&said, 400, "INVALID_ARGUMENT", text),
        }
    }
    let data = json!({"ciphertext": "YQ==", "additionalAuthenticatedData": zeros(65_537)});
    refused(&verb(&world, KEY, "decrypt", data).await, 400, "INVALID_ARGUMENT", long_data);
    // Nothing at all goes in and comes out again.
    let sealed = encrypt(&world, "").await;
    assert_eq!(decrypt(&world, KEY, &sealed).await.ok().get("plaintext"), None);
    assert_ne!(sealed, encrypt(&world, "").await, "each encryption differs");
}

#[tokio::test]
async fn no_primary_and_wrong_purpose_and_nothing_there() {
    let world = world().await;
    let path = format!("/v1/{RING}/cryptoKeys?cryptoKeyId=bare&skipInitialVersionCreation=True");
    let bare = world.post(&path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    assert_eq!(bare.get("primary"), None);
    let signing = json!({"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {"algorithm": "EC_SIGN_P256_SHA256"}});
    let made = make(&world, "signing", signing).await.ok();
    assert_eq!(made.get("primary"), None);
    let named = |id: &str| KEY.replace("cryptoKeys/key", &format!("cryptoKeys/{id}"));
    let (bare, signing, missing) = (named("bare"), named("signing"), named("missing"));

    let plain = json!({"plaintext": "aGVsbG8="});
    let said = verb(&world, &bare, "encrypt", plain.clone()).await;
    refused(&said, 400, "FAILED_PRECONDITION", &format!("{bare} does not have a primary version."));
    let path = format!("/v1/{RING}/cryptoKeys?cryptoKeyId=imported&skipInitialVersionCreation=true");
    world.post(&path, json!({"purpose": "ENCRYPT_DECRYPT", "importOnly": true})).await.ok();
    let imported = named("imported");
    let said = verb(&world, &imported, "encrypt", plain.clone()).await;
    refused(&said, 400, "FAILED_PRECONDITION", &format!("{imported} does not have a primary version."));
    let said = world.post(&format!("/v1/{imported}/cryptoKeyVersions"), json!({})).await;
    let text = format!("CryptoKey {imported} is import_only: it takes imported versions.");
    refused(&said, 400, "FAILED_PRECONDITION", &text);
    assert_eq!(world.get(&format!("/v1/{imported}/cryptoKeyVersions")).await.ok(), json!({}));
    let wrong = format!(
        "The request cannot be fulfilled. Resource {signing} has value ASYMMETRIC_SIGN in field crypto_key.purpose."
    );
    for said in [
        verb(&world, &signing, "encrypt", plain.clone()).await,
        verb(&world, &signing, "decrypt", json!({"ciphertext": "YQ=="})).await,
        verb(&world, &format!("{signing}/cryptoKeyVersions/1"), "macSign", json!({"data": "YQ=="})).await,
        verb(&world, &signing, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "1"})).await,
    ] {
        refused(&said, 400, "FAILED_PRECONDITION", &wrong);
    }
    let wrong = format!(
        "The request cannot be fulfilled. Resource {KEY} has value ENCRYPT_DECRYPT in field crypto_key.purpose."
    );
    for said in [
        verb(&world, &version(1), "asymmetricSign", json!({"data": "YQ=="})).await,
        verb(&world, &version(1), "macSign", json!({"data": "YQ=="})).await,
        verb(&world, &version(1), "macVerify", json!({"data": "YQ==", "mac": "YQ=="})).await,
        world.get(&format!("/v1/{}/publicKey", version(1))).await,
    ] {
        refused(&said, 400, "FAILED_PRECONDITION", &wrong);
    }
    let said = verb(&world, &missing, "encrypt", plain.clone()).await;
    refused(&said, 404, "NOT_FOUND", &format!("CryptoKey {missing} not found."));
    let said = verb(&world, &version(9), "encrypt", plain).await;
    refused(&said, 404, "NOT_FOUND", &format!("CryptoKeyVersion {} not found.", version(9)));
}

#[tokio::test]
async fn a_signature_is_good_under_the_public_key() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    let world = world().await;
    let signing = json!({"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {"algorithm": "EC_SIGN_P256_SHA256"}});
    make(&world, "signing", signing).await.ok();
    let name = KEY.replace("cryptoKeys/key", "cryptoKeys/signing/cryptoKeyVersions/1");
    let shown = world.get(&format!("/v1/{name}/publicKey")).await.ok();
    let pem = shown["pem"].as_str().expect("a PEM");
    assert_eq!(shown["pemCrc32c"], envelope::crc32c(pem.as_bytes()).to_string());
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).expect("base64");
    let other = world.get(&format!("/v1/{name}/publicKey?publicKeyFormat=DER")).await.ok();
    assert_eq!(other["publicKey"]["data"], STANDARD.encode(&der));

    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"hello");
    let digest = STANDARD.encode(digest.as_ref());
    let by_data = json!({"data": "aGVsbG8=", "dataCrc32c": crc("aGVsbG8=")});
    let by_digest = json!({"digest": {"sha256": digest}, "digestCrc32c": crc(&digest)});
    for (body, flag) in [(by_data, "verifiedDataCrc32c"), (by_digest, "verifiedDigestCrc32c")] {
        let signed = verb(&world, &name, "asymmetricSign", body).await.ok();
        assert_eq!(signed[flag], true);
        let signature = STANDARD.decode(signed["signature"].as_str().expect("text")).expect("base64");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der).verify(b"hello", &signature).expect("a good signature");
        assert!(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der).verify(b"hullo", &signature).is_err());
    }
    for body in [
        json!({}),
        json!({"digest": {"sha256": "YQ=="}}),
        json!({"digest": {"sha512": digest}}),
        json!({"digest": {"sha256": digest}, "data": "YQ=="}),
    ] {
        assert_eq!(verb(&world, &name, "asymmetricSign", body).await.code(), "INVALID_ARGUMENT");
    }
    for (body, field) in [
        (json!({"data": "YQ==", "dataCrc32c": "1"}), "data"),
        (json!({"digest": {"sha256": digest}, "digestCrc32c": "1"}), "digest"),
    ] {
        let text = format!("The checksum in field {field}_crc32c did not match the data in field {field}.");
        refused(&verb(&world, &name, "asymmetricSign", body).await, 400, "INVALID_ARGUMENT", &text);
    }
}

#[tokio::test]
async fn a_mac_is_verified_or_not() {
    let world = world().await;
    make(&world, "mac", json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}})).await.ok();
    let name = KEY.replace("cryptoKeys/key", "cryptoKeys/mac/cryptoKeyVersions/1");
    let signed = verb(&world, &name, "macSign", json!({"data": "aGVsbG8=", "dataCrc32c": crc("aGVsbG8=")})).await.ok();
    let mac = signed["mac"].as_str().expect("a mac");
    assert_eq!((signed["verifiedDataCrc32c"].as_bool(), STANDARD.decode(mac).expect("base64").len()), (Some(true), 32));
    let verified = verb(&world, &name, "macVerify", json!({"data": "aGVsbG8=", "mac": mac})).await.ok();
    assert_eq!((&verified["success"], &verified["verifiedSuccessIntegrity"]), (&json!(true), &json!(true)));
    let verified = verb(&world, &name, "macVerify", json!({"data": "aGVsbG9v", "mac": mac})).await.ok();
    assert_eq!(verified.get("success"), None);
    for (method, body, field) in [
        ("macSign", json!({"data": "YQ==", "dataCrc32c": "1"}), "data"),
        ("macVerify", json!({"data": "YQ==", "dataCrc32c": "1", "mac": mac}), "data"),
        ("macVerify", json!({"data": "YQ==", "mac": mac, "macCrc32c": "1"}), "mac"),
    ] {
        let text = format!("The checksum in field {field}_crc32c did not match the data in field {field}.");
        refused(&verb(&world, &name, method, body).await, 400, "INVALID_ARGUMENT", &text);
    }
}

#[tokio::test]
async fn random_bytes_come_from_hsm_only() {
    let world = world().await;
    let ask = |length: i32, level: &str| {
        let body = json!({"lengthBytes": length, "protectionLevel": level});
        let world = &world;
        async move { world.post("/v1/projects/my-project/locations/us:generateRandomBytes", body).await }
    };
    let given = ask(8, "HSM").await.ok();
    assert_eq!(STANDARD.decode(given["data"].as_str().expect("text")).expect("base64").len(), 8);
    assert_eq!(given["dataCrc32c"], Value::from(crc(given["data"].as_str().expect("text"))));
    for (length, level) in [(7, "HSM"), (1025, "HSM"), (32, "SOFTWARE")] {
        assert_eq!(ask(length, level).await.code(), "INVALID_ARGUMENT", "{length} {level}");
    }
}
