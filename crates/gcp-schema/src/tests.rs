//! What was derived: that it loads, that it is complete, and that it says what Google says.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

use super::*;

/// JSON to the message of this name, as a strict reader takes it.
fn read(message: &str, json: &Value) -> Result<DynamicMessage, serde_json::Error> {
    DynamicMessage::deserialize(pool().get_message_by_name(message).expect("a known message"), json)
}

#[test]
fn a_key_survives_json_with_labels_durations_and_enums() {
    let said = json!({
        "name": "k",
        "primary": {"name": "k/1", "state": "ENABLED"},
        "purpose": "ENCRYPT_DECRYPT",
        "createTime": "2026-01-05T09:00:00.500Z",
        "nextRotationTime": "2030-01-01T00:00:00Z",
        "rotationPeriod": "7776000s",
        "labels": {"a": "b"},
    });
    let message = read("google.cloud.kms.v1.CryptoKey", &said).expect("reads");
    let typed: kms::CryptoKey = message.transcode_to().expect("the same message");
    assert_eq!(typed.labels["a"], "b");
    assert_eq!(typed.purpose(), kms::crypto_key::CryptoKeyPurpose::EncryptDecrypt);
    assert_eq!(typed.create_time.map(|time| time.nanos), Some(500_000_000));
    assert_eq!(serde_json::to_value(&message).expect("prints"), said);
}

#[test]
fn checksums_are_texts_and_bytes_are_base64() {
    let said = json!({"name": "k", "plaintext": "aGk=", "plaintextCrc32c": "2591144780"});
    let message = read("google.cloud.kms.v1.EncryptRequest", &said).expect("reads");
    let typed: kms::EncryptRequest = message.transcode_to().expect("the same message");
    assert_eq!((&typed.plaintext[..], typed.plaintext_crc32c), (&b"hi"[..], Some(2_591_144_780)));
    assert_eq!(serde_json::to_value(&message).expect("prints"), said);
}

#[test]
fn a_mask_is_one_text_in_json_and_paths_inside() {
    let said = json!({"cryptoKey": {"name": "k"}, "updateMask": "rotationPeriod,versionTemplate.algorithm"});
    let message = read("google.cloud.kms.v1.UpdateCryptoKeyRequest", &said).expect("reads");
    let typed: kms::UpdateCryptoKeyRequest = message.transcode_to().expect("the same message");
    assert_eq!(typed.update_mask.expect("a mask").paths, ["rotation_period", "version_template.algorithm"]);
}

#[test]
fn of_a_oneof_only_one_is_taken() {
    let rule = "google.cloud.orgpolicy.v2.PolicySpec.PolicyRule";
    assert!(read(rule, &json!({"allowAll": true})).is_ok());
    assert!(read(rule, &json!({"allowAll": true, "denyAll": true})).is_err());
}

#[test]
fn an_optional_scalar_tells_zero_from_absent() {
    let said = json!({"resource": {"name": "o"}, "ifGenerationMatch": "0"});
    let typed: storage::WriteObjectSpec =
        read("google.storage.v2.WriteObjectSpec", &said).expect("reads").transcode_to().expect("the same message");
    assert_eq!((typed.if_generation_match, typed.if_metageneration_match), (Some(0), None));
}

/// The official Rust client sends the first of these with every key that it creates.
#[test]
fn fields_and_values_newer_than_the_crates_are_understood() {
    let create = "google.cloud.kms.v1.CreateCryptoKeyRequest";
    assert!(read(create, &json!({"trustedWrappingEnabled": true})).is_ok());
    assert!(read(create, &json!({"neverHeardOf": true})).is_err());
    assert!(read("google.cloud.kms.v1.CryptoKey", &json!({"purpose": "AES_WRAPPING"})).is_ok());
    assert!(read("google.cloud.kms.v1.Digest", &json!({"sha256": "aGk=", "externalMu": "aGk="})).is_err());
}

#[test]
fn encrypt_is_a_read_that_asks_for_a_permission_on_its_name() {
    let encrypt = method("/google.cloud.kms.v1.KeyManagementService/Encrypt").expect("known");
    assert_eq!(encrypt.permission, "cloudkms.cryptoKeyVersions.useToEncrypt");
    assert_eq!((encrypt.resource, encrypt.read_only), (&[1][..], true));
    let [rule] = encrypt.http else { panic!("one rule") };
    assert_eq!((rule.api, rule.verb, rule.body), ("cloudkms.googleapis.com", Verb::Post, Body::Whole));
    assert_eq!(rule.template, "/v1/{name=projects/*/locations/*/keyRings/*/cryptoKeys/**}:encrypt");
}

#[test]
fn the_resource_may_lie_inside_a_message() {
    let resource = |path| method(path).expect("known").resource;
    assert_eq!(resource("/google.pubsub.v1.Publisher/UpdateTopic"), [1, 1]);
    // No variable in the template: the route says which field.
    assert_eq!(resource("/google.cloud.resourcemanager.v3.TagKeys/CreateTagKey"), [1, 2]);
    assert_eq!(resource("/google.cloud.resourcemanager.v3.Projects/SearchProjects"), [] as [u32; 0]);
}

#[test]
fn no_permission_is_asked_on_nothing_or_of_another_api() {
    for method in methods().iter().filter(|method| !method.permission.is_empty()) {
        assert!(!method.resource.is_empty(), "{}", method.path);
        let family = method.permission.split('.').next().expect("a family");
        let host = method.api.strip_suffix(".googleapis.com").expect("a host");
        // Cloud KMS's inventory has no permissions of its own.
        let host = if host == "kmsinventory" { "cloudkms" } else { host };
        assert!(host.ends_with(family), "{}: {}", method.path, method.permission);
    }
}

#[test]
fn what_changes_state_is_a_write_and_a_get_is_a_read() {
    for method in methods() {
        for rule in method.http {
            let expected = match rule.verb {
                Verb::Get => true,
                Verb::Put | Verb::Patch | Verb::Delete => false,
                Verb::Post => method.read_only,
            };
            assert_eq!(method.read_only, expected, "{}", method.path);
        }
    }
    assert!(!method("/google.pubsub.v1.Subscriber/Pull").expect("known").read_only);
}

/// What is reachable is counted, so that a new crate version cannot lose or bring methods unseen.
#[test]
fn the_surface_is_counted() {
    let services: BTreeSet<_> = methods().iter().map(|method| method.service).collect();
    assert_eq!((services.len(), methods().len()), (25, 227));
    assert!(methods().is_sorted_by_key(|method| method.path));
    // Storage has a REST of its own, written by hand; these two exist over gRPC only.
    let bare = methods().iter().filter(|method| method.http.is_empty()).map(|method| method.path);
    let (storage, other): (Vec<_>, Vec<_>) = bare.partition(|path| path.starts_with("/google.storage.v2."));
    assert_eq!(storage.len(), methods().iter().filter(|method| method.service == "google.storage.v2.Storage").count());
    assert_eq!(other, ["/google.longrunning.Operations/WaitOperation", "/google.pubsub.v1.Subscriber/StreamingPull"]);
}

#[test]
fn streams_are_told_by_their_flags() {
    let flags = |path| method(path).map(|method| (method.client_streaming, method.server_streaming));
    assert_eq!(flags("/google.pubsub.v1.Subscriber/StreamingPull"), Some((true, true)));
    assert_eq!(flags("/google.storage.v2.Storage/ReadObject"), Some((false, true)));
    assert_eq!(flags("/google.storage.v2.Storage/WriteObject"), Some((true, false)));
    assert_eq!(flags("/google.pubsub.v1.Publisher/Publish"), Some((false, false)));
}

/// A service that knows one method, and a context that counts.
struct Half;

impl services::kms::KeyManagementService<u32> for Half {
    fn get_key_ring(&self, calls: &mut u32, request: kms::GetKeyRingRequest) -> Result<kms::KeyRing, Error> {
        *calls += 1;
        Ok(kms::KeyRing { name: request.name, ..kms::KeyRing::default() })
    }
}

#[test]
fn a_method_that_is_written_is_called_and_the_rest_is_unimplemented() {
    let mut registry = Registry::default();
    services::kms::register_key_management_service(&mut registry, &Arc::new(Half));
    let (mut calls, request) = (0, kms::GetKeyRingRequest { name: "r".to_owned() });
    let path = "/google.cloud.kms.v1.KeyManagementService/GetKeyRing";
    let answer = registry.call(path, &mut calls, Bytes::from(request.encode_to_vec())).expect("answers");
    assert_eq!((kms::KeyRing::decode(answer).expect("a ring").name.as_str(), calls), ("r", 1));
    let refused = registry.call("/google.cloud.kms.v1.KeyManagementService/Encrypt", &mut calls, Bytes::new());
    assert_eq!(refused.expect_err("not written").code(), Code::Unimplemented);
    let garbled = registry.call(path, &mut calls, Bytes::from_static(b"\xff"));
    assert_eq!(garbled.expect_err("not a message").code(), Code::InvalidArgument);
}
