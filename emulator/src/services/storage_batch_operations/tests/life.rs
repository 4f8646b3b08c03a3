//! How a job goes on and ends: by itself, cancelled, deleted, taken up again by the next emulator.

use std::path::Path;

use super::*;
use crate::Builder;
use crate::doors;

async fn open(folder: &Path) -> World {
    let builder = Builder::default().frozen_at("2026-01-05T09:00:00Z").seed(7).data_dir(folder);
    World(builder.build().await.expect("an emulator in a folder"))
}

/// 300 objects, of which a round changes some, and a job that waits for rounds by hand.
async fn held(world: &World) {
    furnish(world).await;
    for number in 0..300 {
        put(world, &format!("{number:04}"), "x").await;
    }
    world.0.kernel().worker.hold();
    create(world, "j", rewrite()).await.ok();
}

async fn round(world: &World) {
    assert!(doors::work(world.0.kernel()).await.expect("a round"), "there is work");
}

/// Nobody looks at the job, only at what it is about.
#[tokio::test]
async fn a_job_goes_on_though_nobody_asks_for_it() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "a", "x").await;
    create(&world, "j", rewrite()).await.ok();
    for _ in 0..5000 {
        if !key_of(&world, "a").await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("nothing happens");
}

#[tokio::test]
async fn between_two_rounds_a_job_is_seen_as_far_as_it_has_come() {
    let world = World::new().await;
    held(&world).await;
    assert_eq!(counted(&job(&world, "j").await), ["0", "0", "0"]);
    round(&world).await;
    let seen = job(&world, "j").await;
    assert_eq!((seen["state"].as_str(), counted(&seen)), (Some("RUNNING"), ["64", "64", "0"]));
    let operations = world.get(&format!("/storagebatchoperations.googleapis.com{GLOBAL}/operations")).await.ok();
    assert_eq!(operations["operations"][0]["metadata"]["job"], seen, "its operation tells the same");
    let refused = world.delete(&format!("{GLOBAL}/jobs/j")).await;
    assert_eq!((refused.status, refused.code()), (400, "FAILED_PRECONDITION"));
    put(&world, "0000a", "made behind it").await;
    put(&world, "9999", "made before it").await;
    while job(&world, "j").await["state"] == "RUNNING" {
        round(&world).await;
    }
    let seen = job(&world, "j").await;
    assert_eq!((seen["state"].as_str(), counted(&seen)), (Some("SUCCEEDED"), ["301", "301", "0"]));
    assert!(!doors::work(world.0.kernel()).await.expect("a round"), "nothing is left");
    world.delete(&format!("{GLOBAL}/jobs/j")).await.ok();
    assert_eq!(world.get(&format!("{GLOBAL}/jobs/j")).await.status, 404);
}

#[tokio::test]
async fn what_is_cancelled_stops_where_it_is() {
    for by_operation in [false, true] {
        let world = World::new().await;
        held(&world).await;
        round(&world).await;
        let operations = world.get(&format!("/storagebatchoperations.googleapis.com{GLOBAL}/operations")).await.ok();
        let operation = operations["operations"][0]["name"].as_str().expect("a name").to_owned();
        let path = if by_operation { format!("/v1/{operation}:cancel") } else { format!("{GLOBAL}/jobs/j:cancel") };
        assert_eq!(world.post(&path, json!({})).await.ok(), json!({}));
        let seen = job(&world, "j").await;
        assert_eq!((seen["state"].as_str(), counted(&seen)), (Some("CANCELED"), ["64", "64", "0"]));
        assert_eq!(seen["completeTime"], "2026-01-05T09:00:00Z");
        assert!(!doors::work(world.0.kernel()).await.expect("a round"), "nothing is left to do");
        assert_eq!(key_of(&world, "0299").await, "");
        let ended = world.get(&format!("/v1/{operation}")).await.ok();
        assert_eq!((&ended["done"], &ended["error"]["code"]), (&json!(true), &json!(1)));
        assert_eq!(ended["metadata"]["requestedCancellation"], json!(true));
        assert_eq!(world.post(&path, json!({})).await.ok(), json!({}), "again: nothing more happens");
        assert_eq!(job(&world, "j").await, seen);
    }
    let world = World::new().await;
    assert_eq!(world.post(&format!("{GLOBAL}/jobs/none:cancel"), json!({})).await.status, 404);
}

/// An operation that is deleted does not come back, and its job goes on.
#[tokio::test]
async fn a_deleted_operation_stays_away() {
    let world = World::new().await;
    held(&world).await;
    let operations = format!("/storagebatchoperations.googleapis.com{GLOBAL}/operations");
    let listed = world.get(&operations).await.ok();
    world.delete(&format!("/v1/{}", listed["operations"][0]["name"].as_str().expect("a name"))).await.ok();
    while job(&world, "j").await["state"] == "RUNNING" {
        round(&world).await;
    }
    assert_eq!(counted(&job(&world, "j").await), ["300", "300", "0"]);
    assert_eq!(world.get(&operations).await.ok(), json!({}));
}

#[tokio::test]
async fn the_next_emulator_takes_a_job_up_where_it_was_left() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let world = open(folder.path()).await;
        held(&world).await;
        round(&world).await;
    }
    let world = open(folder.path()).await;
    let seen = ended(&world, "j").await;
    assert_eq!((seen["state"].as_str(), counted(&seen)), (Some("SUCCEEDED"), ["300", "300", "0"]));
    assert_eq!(key_of(&world, "0299").await, format!("{KEY}/cryptoKeyVersions/1"));
}

/// Dropping an emulator in the middle of a job closes its folder there and then.
#[tokio::test]
async fn an_emulator_that_goes_lets_its_folder_go() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let world = open(folder.path()).await;
        furnish(&world).await;
        put(&world, "large", &"x".repeat(5 << 20)).await;
        for number in 0..300 {
            put(&world, &format!("{number:04}"), "x").await;
        }
        create(&world, "j", rewrite()).await.ok();
    }
    for _ in 0..3 {
        drop(open(folder.path()).await);
    }
    let world = open(folder.path()).await;
    let seen = ended(&world, "j").await;
    assert_eq!((seen["state"].as_str(), counted(&seen)), (Some("SUCCEEDED"), ["301", "301", "0"]));
}

/// What changes between two halves of a rewrite is not overwritten with what it was.
#[tokio::test]
async fn an_object_that_changes_meanwhile_keeps_its_new_bytes() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "large", &"old".repeat(50_000)).await;
    let mode = crate::kernel::Mode::Read;
    let find = |call: &mut crate::kernel::Call| doors::find_generation(call, "data", "large", None);
    let found = world.inside(mode, find).await.expect("it is there");
    let begin = |call: &mut crate::kernel::Call| doors::begin_rewrite(call, &found, KEY);
    let begun = world.inside(mode, begin).await.expect("allowed").expect("unchanged");
    let copied = begun.copy(world.0.kernel(), || false).await.expect("copied").expect("to the end");
    put(&world, "large", "new").await;
    let finish = |call: &mut crate::kernel::Call| doors::finish_rewrite(call, copied);
    assert!(!world.inside(crate::kernel::Mode::Write, finish).await.expect("no fault"), "it is another object now");
    assert!(world.inside(mode, begin).await.expect("no fault").is_none());
    assert_eq!(world.send("GET", "/storage/v1/b/data/o/large?alt=media", "").await.text, "new");
    let begun = world.inside(mode, find).await.expect("it is there");
    let begin = |call: &mut crate::kernel::Call| doors::begin_rewrite(call, &begun, KEY);
    let begun = world.inside(mode, begin).await.expect("allowed").expect("unchanged");
    assert!(begun.copy(world.0.kernel(), || true).await.expect("no fault").is_none(), "stopped on the way");
}
