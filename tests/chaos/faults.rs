//! One world, and a fault at each of its calls in turn.

use cmek_emulator::Emulator;

use super::{clear, fault, fingerprint, left, user};
use crate::bench::{KEY, call, done, emulator, key_for_storage, push};

const LINE: &str = "configure gcr.io --kms-key=projects/my-project/locations/us/keyRings/r/cryptoKeys/k --create-key --topic --rewrite-existing";

/// Three images on Google-managed encryption and a bare topic; no ring, no key.
async fn before() -> Emulator {
    let world = emulator().await;
    for (tag, layer) in [("v1", b"one"), ("v2", b"two")] {
        assert_eq!(push(&world, "my-project/web", tag, layer).await.status, 201);
    }
    world
}

/// What must be so in the end, however it was reached: all but the counters that repetitions move.
async fn reached(world: &Emulator) -> serde_json::Value {
    let mut seen = fingerprint(world).await;
    for (name, value) in seen.as_object_mut().expect("an object") {
        if name.ends_with(" bucket") {
            value.as_object_mut().map(|bucket| bucket.remove("metageneration"));
        }
        for object in value.get_mut("items").and_then(|items| items.as_array_mut()).into_iter().flatten() {
            object.as_object_mut().map(|object| object.remove("generation"));
        }
    }
    seen
}

#[tokio::test]
async fn a_run_that_is_cut_off_at_any_call_is_finished_by_the_next() {
    let whole = before().await;
    assert_eq!(user(&whole).run(&format!("{LINE} --quiet")).await, 0);
    let goal = reached(&whole).await;
    let mut cut_off = 0;
    for at in 0.. {
        assert!(at < 400, "the run never ends");
        let world = before().await;
        // From here on nothing gets through, as when the process is killed.
        fault(&world, "", "drop", "", at, 1 << 20).await;
        let mut terminal = user(&world);
        let code = terminal.run(&format!("{LINE} --quiet")).await;
        clear(&world).await;
        if code == 0 {
            break;
        }
        cut_off += 1;
        let mut again = user(&world);
        let code = again.run(&format!("{LINE} --quiet")).await;
        assert_eq!(code, 0, "cut off at call {at}:\n{}\nthen:\n{}", terminal.transcript, again.transcript);
        assert_eq!(reached(&world).await, goal, "cut off at call {at}");
        assert!(left(&world, LINE).await.is_empty());
    }
    assert!(cut_off > 20, "only {cut_off} calls were cut off");
}

#[tokio::test]
async fn no_fault_makes_it_lie() {
    let kinds = [
        ("refuse", "RESOURCE_EXHAUSTED"),
        ("refuse", "UNAVAILABLE"),
        ("refuse", "INTERNAL"),
        ("refuse", "ABORTED"),
        ("refuse", "PERMISSION_DENIED"),
        ("drop", ""),
        ("lose", ""),
    ];
    let mut outcomes = std::collections::BTreeMap::new();
    for (kind, code) in kinds {
        for (at, times) in (0..48).flat_map(|at| [(at, 1), (at, 9)]) {
            let world = before().await;
            let untouched = fingerprint(&world).await;
            fault(&world, "", kind, code, at, times).await;
            let mut terminal = user(&world);
            let exit = terminal.run(&format!("{LINE} --quiet")).await;
            clear(&world).await;
            let said = &terminal.transcript;
            let case = format!("{kind} {code} at call {at}, {times} times:\n{said}");
            *outcomes.entry((kind, code, exit)).or_insert(0) += 1;
            if exit == 0 {
                assert!(said.contains("Looked again: everything is as planned."), "{case}");
                assert!(left(&world, LINE).await.is_empty(), "{case}");
                continue;
            }
            assert_eq!(exit, 1, "{case}");
            assert!(said.contains("ERROR: (cmek.configure)"), "{case}");
            if said.contains("Nothing was changed.") {
                assert_eq!(fingerprint(&world).await, untouched, "{case}");
            }
            let mut again = user(&world);
            assert_eq!(again.run(&format!("{LINE} --quiet")).await, 0, "{case}\nthen:\n{}", again.transcript);
        }
    }
    // What a service says it did not do is done in the end; patience ends where nothing else helps.
    assert!(outcomes.contains_key(&("refuse", "UNAVAILABLE", 1)), "{outcomes:?}");
    assert!(outcomes[&("refuse", "RESOURCE_EXHAUSTED", 0)] >= 40, "{outcomes:?}");
}

#[tokio::test]
async fn a_grant_that_takes_its_time_is_waited_for() {
    let world = before().await;
    fault(&world, "agent.useKey", "refuse", "PERMISSION_DENIED", 0, 4).await;
    let mut terminal = user(&world);
    assert_eq!(terminal.run(&format!("{LINE} --quiet")).await, 0, "{}", terminal.transcript);
    assert!(left(&world, LINE).await.is_empty());
    let world = before().await;
    fault(&world, "agent.useKey", "refuse", "PERMISSION_DENIED", 0, 1 << 20).await;
    let mut terminal = user(&world);
    assert_eq!(terminal.run(&format!("{LINE} --quiet")).await, 1);
    assert!(terminal.transcript.contains("Permission denied on Cloud KMS key."), "{}", terminal.transcript);
    assert!(terminal.transcript.contains("Steps 1 to"), "{}", terminal.transcript);
}

#[tokio::test]
async fn a_rewrite_that_is_cut_off_goes_on_where_it_was() {
    let objects = 2500;
    let world = emulator().await;
    key_for_storage(&world).await;
    assert_eq!(push(&world, "my-project/web", "v1", b"one").await.status, 201);
    for number in 0..objects {
        let path =
            format!("/upload/storage/v1/b/artifacts.my-project.appspot.com/o?uploadType=media&name=n{number:05}");
        assert_eq!(call(&world, "POST", &path, "x").await.status, 200);
    }
    let body = format!(r#"{{"encryption":{{"defaultKmsKeyName":"{KEY}"}}}}"#);
    done(&world, "PATCH", "/storage/v1/b/artifacts.my-project.appspot.com", body).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("place.json");
    let line = format!("rewrite gcr.io --engine=client --resume-file={}", place.display());
    let rewrites = |world: &Emulator| {
        world.audit().iter().filter(|entry| entry.method.contains("rewrite") && entry.code == "OK").count()
    };
    let mut seen = Vec::new();
    for at in [900, 1800] {
        fault(&world, "", "drop", "", at, 1 << 20).await;
        let mut terminal = user(&world);
        assert_ne!(terminal.run(&line).await, 0, "{}", terminal.transcript);
        clear(&world).await;
        seen.push(rewrites(&world));
    }
    let mut terminal = user(&world);
    assert_eq!(terminal.run(&line).await, 0, "{}", terminal.transcript);
    assert!(!place.exists(), "all is done: nothing is left to go on from");
    let listed = done(&world, "GET", "/storage/v1/b/artifacts.my-project.appspot.com/o?maxResults=5000", "").await;
    assert!(listed["items"].as_array().expect("objects").iter().all(|object| object["kmsKeyName"].is_string()));
    let mut terminal = user(&world);
    assert_eq!(terminal.run("rewrite gcr.io").await, 0);
    assert!(terminal.transcript.contains("Nothing to do"), "{}", terminal.transcript);
    assert!(seen[0] > 0, "{seen:?}");
}
