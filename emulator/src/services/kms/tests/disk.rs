//! What lies in a data directory: sealed material, nothing after its destruction, and the check at the start.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::builder::{BuildError, Builder};
use crate::kernel::table::NumberRow;
use crate::kernel::vault::Vault;
use crate::kernel::{Mode, Time, due};
use crate::services::kms::model::{DOOMED, SHRED};

async fn open(path: &Path) -> Result<World, BuildError> {
    Ok(World(Builder::default().frozen_at("2026-01-05T09:00:00Z").seed(7).data_dir(path).build().await?))
}

async fn refusal(path: &Path) -> String {
    open(path).await.err().expect("a refusal").to_string()
}

fn file_of(path: &Path, number: u32) -> PathBuf {
    path.join("vault").join(Vault::file_name(&version(number)))
}

fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).expect("a folder") {
        let entry = entry.expect("an entry").path();
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.push((entry.clone(), std::fs::read(&entry).expect("a file")));
        }
    }
    found.sort();
    found
}

fn holds(files: &[(PathBuf, Vec<u8>)], needle: &[u8]) -> bool {
    files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle))
}

#[tokio::test]
async fn no_byte_of_a_destroyed_version_is_in_any_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = open(folder.path()).await.expect("opens");
    furnish(&world).await;
    let sealed = encrypt(&world, "aGVsbG8=").await;
    let name = version(1);
    let material = world.inside(Mode::Read, |call| call.kernel.vault.get(&name)).await.expect("material").to_vec();
    assert!(!holds(&files(folder.path()), &material), "never in clear");
    let lying = std::fs::read(file_of(folder.path(), 1)).expect("a file of its own");
    assert!(holds(&files(folder.path()), &lying[..32]));

    verb(&world, &version(1), "destroy", json!({})).await.ok();
    assert!(file_of(folder.path(), 1).exists(), "restorable until its time");
    advance(&world, 30 * DAY).await;
    assert_eq!(state_of(&world, 1).await, "DESTROYED");
    let left = files(folder.path());
    assert!(!file_of(folder.path(), 1).exists());
    assert!(!holds(&left, &material) && !holds(&left, &lying[..32]) && !holds(&left, &lying[lying.len() - 32..]));

    drop(world);
    let world = open(folder.path()).await.expect("opens again");
    assert_eq!(state_of(&world, 1).await, "DESTROYED");
    let said = verb(&world, KEY, "decrypt", json!({"ciphertext": sealed})).await;
    refused(&said, 400, "FAILED_PRECONDITION", &format!("{} is not enabled, current state is: DESTROYED.", version(1)));
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = open(folder.path()).await.expect("opens");
    furnish(&world).await;
    let sealed = encrypt(&world, "aGVsbG8=").await;
    drop(world);
    let world = open(folder.path()).await.expect("opens again");
    let opened = verb(&world, KEY, "decrypt", json!({"ciphertext": sealed})).await.ok();
    assert_eq!(opened["plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn a_lost_file_is_named_and_nothing_is_changed() {
    for state in ["ENABLED", "DISABLED", "DESTROY_SCHEDULED"] {
        let folder = tempfile::tempdir().expect("a folder");
        let world = open(folder.path()).await.expect("opens");
        furnish(&world).await;
        world.post(&format!("/v1/{KEY}/cryptoKeyVersions"), json!({})).await.ok();
        match state {
            "DISABLED" => drop(set_state(&world, 2, state).await.ok()),
            "DESTROY_SCHEDULED" => drop(verb(&world, &version(2), "destroy", json!({})).await.ok()),
            _ => {}
        }
        drop(world);
        let kept = std::fs::read(file_of(folder.path(), 2)).expect("a file");
        std::fs::remove_file(file_of(folder.path(), 2)).expect("lost");
        // A stray file would be swept by a start that goes on.
        std::fs::write(folder.path().join("vault").join(format!("{:032x}.key", 0x123)), "stray").expect("written");
        let vault = files(&folder.path().join("vault"));
        let file = Vault::file_name(&version(2));
        assert_eq!(
            refusal(folder.path()).await,
            format!(
                "The data directory lacks vault/{file}, the key material of {} ({state}). Nothing was changed.",
                version(2)
            )
        );
        assert_eq!(files(&folder.path().join("vault")), vault, "{state}");
        // Given back, all is well, and the stray file is gone.
        std::fs::write(file_of(folder.path(), 2), kept).expect("written");
        let world = open(folder.path()).await.expect("opens");
        assert_eq!(state_of(&world, 2).await, state);
        assert!(!folder.path().join("vault").join(format!("{:032x}.key", 0x123)).exists());
    }
}

/// A crash after the file is shredded and before the state is: the destruction is completed, not taken for a loss. The
/// clock that brought it about may be forgotten by then.
#[tokio::test]
async fn an_interrupted_destruction_is_completed_at_the_start() {
    for shredded in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let world = open(folder.path()).await.expect("opens");
        furnish(&world).await;
        verb(&world, &version(1), "destroy", json!({})).await.ok();
        let at = Time::parse("2026-02-04T09:00:00Z").expect("a time");
        world
            .inside(Mode::Write, |call| {
                call.txn.put(&DOOMED, &version(1), &NumberRow { number: at.0 as u64 })?;
                due::schedule(call, at, SHRED, &version(1))
            })
            .await
            .expect("marked");
        drop(world);
        if shredded {
            std::fs::remove_file(file_of(folder.path(), 1)).expect("shredded");
        }
        let world = open(folder.path()).await.expect("opens");
        let found = world.get(&format!("/v1/{}", version(1))).await.ok();
        assert_eq!(
            (found["state"].as_str(), found["destroyEventTime"].as_str()),
            (Some("DESTROYED"), Some("2026-02-04T09:00:00Z"))
        );
        assert!(!file_of(folder.path(), 1).exists());
        // What is still on the list for that moment finds nothing to do.
        advance(&world, 31 * DAY).await;
        assert_eq!(state_of(&world, 1).await, "DESTROYED");
    }
}
