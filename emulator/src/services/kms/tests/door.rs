//! What agents of other services are told, in the order of the decisions: permission, existence, purpose, state.

use gcp_names::{KeyName, ServiceAgent};
use serde_json::json;

use super::*;
use crate::doors::{self, KeyRefusal};
use crate::kernel::{Error, Mode};

const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

async fn agent(world: &World) -> String {
    let project = world.inside(Mode::Write, |call| doors::project(call, "my-project")).await.expect("a project");
    ServiceAgent::PubSub.member(project.number)
}

async fn grant(world: &World, name: &str, member: &str) {
    let policy = json!({"policy": {"bindings": [{"role": ROLE, "members": [member]}]}});
    verb(world, name, "setIamPolicy", policy).await.ok();
}

/// What a service hears when its agent wraps under a key.
async fn wrap(world: &World, key: &str, agent: &str) -> Option<KeyRefusal> {
    let key = KeyName::parse(key).expect("a name");
    world.inside(Mode::Read, |call| Ok::<_, Error>(doors::wrap(call, &key, agent).err())).await.expect("a call")
}

#[tokio::test]
async fn refusals_in_the_order_of_the_decisions() {
    let world = world().await;
    let agent = agent(&world).await;
    let missing = KEY.replace("cryptoKeys/key", "cryptoKeys/missing");
    // Without a grant a missing key and a present one look alike.
    assert_eq!(wrap(&world, KEY, &agent).await, Some(KeyRefusal::Denied { key: KEY.into() }));
    assert_eq!(wrap(&world, &missing, &agent).await, Some(KeyRefusal::Denied { key: missing.clone() }));
    grant(&world, KEY, &agent).await;
    assert_eq!(wrap(&world, KEY, &agent).await, None);
    assert_eq!(wrap(&world, &missing, &agent).await, Some(KeyRefusal::Denied { key: missing.clone() }));
    assert_eq!(
        wrap(&world, KEY, "serviceAccount:other@x.iam.gserviceaccount.com").await,
        Some(KeyRefusal::Denied { key: KEY.into() })
    );
    // A grant on the ring tells.
    grant(&world, RING, &agent).await;
    assert_eq!(wrap(&world, &missing, &agent).await, Some(KeyRefusal::NotFound { key: missing }));

    make(&world, "mac", json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}})).await.ok();
    let mac = KEY.replace("cryptoKeys/key", "cryptoKeys/mac");
    assert_eq!(wrap(&world, &mac, &agent).await, Some(KeyRefusal::WrongPurpose { key: mac, purpose: "MAC".into() }));
    let path = format!("/v1/{RING}/cryptoKeys?cryptoKeyId=bare&skipInitialVersionCreation=true");
    world.post(&path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    let bare = KEY.replace("cryptoKeys/key", "cryptoKeys/bare");
    assert_eq!(wrap(&world, &bare, &agent).await, Some(KeyRefusal::NoPrimary { key: bare }));
    set_state(&world, 1, "DISABLED").await.ok();
    let disabled = KeyRefusal::NotEnabled { version: version(1), state: "DISABLED".into() };
    assert_eq!(wrap(&world, KEY, &agent).await, Some(disabled));
}

#[tokio::test]
async fn a_data_key_comes_back_under_its_own_version_only() {
    let world = world().await;
    let agent = agent(&world).await;
    grant(&world, KEY, &agent).await;
    let key = KeyName::parse(KEY).expect("a name");
    let data = world
        .inside(Mode::Read, |call| Ok::<_, Error>(doors::wrap(call, &key, &agent).ok()))
        .await
        .expect("a call")
        .expect("a data key");
    assert_eq!(data.version, version(1));
    let unwrap = |version: String| {
        let (world, agent, wrapped) = (&world, &agent, data.wrapped.clone());
        async move {
            let opened =
                world.inside(Mode::Read, |call| Ok::<_, Error>(doors::unwrap(call, &version, &wrapped, agent))).await;
            opened.expect("a call").map(|key| *key.as_bytes())
        }
    };
    // A new primary changes nothing for what lies under the old one.
    world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
    verb(&world, KEY, "updatePrimaryVersion", json!({"cryptoKeyVersionId": "2"})).await.ok();
    assert_eq!(unwrap(version(1)).await, Ok(*data.key.as_bytes()));
    assert!(matches!(unwrap(version(2)).await, Err(KeyRefusal::Fault(_))));
    assert_eq!(unwrap(version(3)).await, Err(KeyRefusal::NotFound { key: KEY.into() }));
    verb(&world, &version(1), "destroy", json!({})).await.ok();
    let refusal = KeyRefusal::NotEnabled { version: version(1), state: "DESTROY_SCHEDULED".into() };
    assert_eq!(unwrap(version(1)).await, Err(refusal));
    verb(&world, KEY, "setIamPolicy", json!({"policy": {}})).await.ok();
    assert_eq!(unwrap(version(1)).await, Err(KeyRefusal::Denied { key: KEY.into() }));
}
