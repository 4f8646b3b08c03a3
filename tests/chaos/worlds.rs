//! Generated worlds: whatever is there before, one run leaves nothing to do, or refuses and touches nothing.

use cmek_emulator::Emulator;
use proptest::prelude::*;

use super::{CONFIGURE, fingerprint, left, user};
use crate::bench::{KEY, RING, agent, call, done, emulator, push};

/// What may be there already.
#[derive(Clone, Debug)]
struct World {
    /// Images pushed to gcr.io and eu.gcr.io before anything else.
    pushed: (u8, u8),
    ring: bool,
    key: bool,
    /// Further versions, the last of them primary.
    rotations: u8,
    /// What was done to the primary: nothing, disabled, scheduled.
    primary: u8,
    /// Who may use the key: nobody, Storage's agent, both, on the key or on its ring.
    grants: u8,
    on_ring: bool,
    default_key: bool,
    pushed_after: bool,
    /// No topic, a bare one, one with the key.
    topic: u8,
    /// No rule, Storage and Pub/Sub need keys, keys of another project only.
    policy: u8,
    disabled_api: bool,
    create: bool,
    rewrite: bool,
    with_topic: bool,
}

fn worlds() -> impl Strategy<Value = World> {
    (
        ((0..3_u8, 0..2_u8), any::<bool>(), any::<bool>(), 0..3_u8, prop_oneof![4 => Just(0_u8), 1 => 1..3_u8]),
        (0..3_u8, any::<bool>(), any::<bool>(), any::<bool>(), 0..3_u8),
        (
            prop_oneof![4 => Just(0_u8), 1 => 1..3_u8],
            prop::bool::weighted(0.1),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(
            |(
                (pushed, ring, key, rotations, primary),
                (grants, on_ring, default_key, pushed_after, topic),
                (policy, disabled_api, create, rewrite, with_topic),
            )| World {
                pushed,
                ring,
                key,
                rotations,
                primary,
                grants,
                on_ring,
                default_key,
                pushed_after,
                topic,
                policy,
                disabled_api,
                create,
                rewrite,
                with_topic,
            },
        )
}

async fn made(wanted: &World) -> Emulator {
    let world = emulator().await;
    for number in 0..wanted.pushed.0 {
        push(&world, "my-project/web", &format!("v{number}"), &[number; 50]).await;
    }
    for number in 0..wanted.pushed.1 {
        push(&world, "eu.gcr.io/my-project/web", &format!("v{number}"), &[number; 50]).await;
    }
    if wanted.ring || wanted.key {
        done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    }
    if wanted.key {
        done(&world, "POST", &format!("{RING}/r/cryptoKeys?cryptoKeyId=k"), r#"{"purpose":"ENCRYPT_DECRYPT"}"#).await;
        grant(&world, wanted).await;
        for number in 0..wanted.rotations {
            done(&world, "POST", &format!("/v1/{KEY}/cryptoKeyVersions"), "{}").await;
            let body = format!(r#"{{"cryptoKeyVersionId":"{}"}}"#, number + 2);
            done(&world, "POST", &format!("/v1/{KEY}:updatePrimaryVersion"), body).await;
        }
        // Only what the world allows so far happens; a refusal leaves it as it is.
        if wanted.default_key {
            let body = format!(r#"{{"encryption":{{"defaultKmsKeyName":"{KEY}"}}}}"#);
            call(&world, "PATCH", "/storage/v1/b/artifacts.my-project.appspot.com", body).await;
        }
        if wanted.pushed_after {
            push(&world, "my-project/web", "after", b"after").await;
        }
    }
    match wanted.topic {
        1 => _ = call(&world, "PUT", "/v1/projects/my-project/topics/gcr", "{}").await,
        2 => {
            let body = format!(r#"{{"kmsKeyName":"{KEY}"}}"#);
            call(&world, "PUT", "/v1/projects/my-project/topics/gcr", body).await;
        }
        _ => _ = call(&world, "DELETE", "/v1/projects/my-project/topics/gcr", "").await,
    }
    if wanted.key && wanted.primary > 0 {
        let version = format!("/v1/{KEY}/cryptoKeyVersions/{}", wanted.rotations + 1);
        if wanted.primary == 1 {
            done(&world, "PATCH", &format!("{version}?updateMask=state"), r#"{"state":"DISABLED"}"#).await;
        } else {
            done(&world, "POST", &format!("{version}:destroy"), "{}").await;
        }
    }
    if wanted.policy > 0 {
        let (name, values) = match wanted.policy {
            1 => (
                "gcp.restrictNonCmekServices",
                r#"{"deniedValues":["storage.googleapis.com","pubsub.googleapis.com"]}"#,
            ),
            _ => ("gcp.restrictCmekCryptoKeyProjects", r#"{"allowedValues":["projects/other-project"]}"#),
        };
        let body =
            format!(r#"{{"name":"projects/my-project/policies/{name}","spec":{{"rules":[{{"values":{values}}}]}}}}"#);
        done(&world, "POST", "/v2/projects/my-project/policies", body).await;
    }
    if wanted.disabled_api {
        let path = "/serviceusage.googleapis.com/v1/projects/my-project/services/cloudkms.googleapis.com:disable";
        done(&world, "POST", path, "{}").await;
    }
    world
}

async fn grant(world: &Emulator, wanted: &World) {
    if wanted.grants == 0 {
        return;
    }
    let storage = agent(world).await;
    let number = storage.trim_start_matches("serviceAccount:service-").split('@').next().unwrap_or_default().to_owned();
    let mut members = vec![storage];
    if wanted.grants == 2 {
        members.push(format!("serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"));
    }
    let resource = if wanted.on_ring { "projects/my-project/locations/us/keyRings/r" } else { KEY };
    let binding = serde_json::json!({"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": members});
    let body = serde_json::json!({"policy": {"bindings": [binding]}}).to_string();
    done(world, "POST", &format!("/v1/{resource}:setIamPolicy"), body).await;
}

async fn holds(wanted: World) {
    let world = made(&wanted).await;
    let before = fingerprint(&world).await;
    // eu.gcr.io takes no key of us: that is a blocker of its own, so it is asked for only where it has no part.
    let mut line = CONFIGURE.replace(" eu.gcr.io", "");
    for (on, flag) in
        [(wanted.create, "create-key"), (wanted.rewrite, "rewrite-existing"), (wanted.with_topic, "topic")]
    {
        if on {
            line.push_str(&format!(" --{flag}"));
        }
    }
    assert!(!matches!(user(&world).run(&format!("{line} --dry-run")).await, 2..), "{wanted:?}");
    assert_eq!(fingerprint(&world).await, before, "a rehearsal changed something: {wanted:?}");
    let mut terminal = user(&world);
    match terminal.run(&format!("{line} --quiet")).await {
        0 => {
            let steps = left(&world, &line).await;
            assert!(steps.is_empty(), "{wanted:?} leaves {steps:?}\n{}", terminal.transcript);
        }
        1 => {
            assert!(terminal.transcript.contains("Nothing was changed."), "{wanted:?}\n{}", terminal.transcript);
            assert_eq!(
                fingerprint(&world).await,
                before,
                "a refusal changed something: {wanted:?}\n{}",
                terminal.transcript
            );
        }
        code => panic!("exit code {code}: {wanted:?}\n{}", terminal.transcript),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn one_run_is_enough_or_refuses_and_touches_nothing(wanted in worlds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(holds(wanted));
    }
}
