//! Stories over REST and through the door, each naming the row of the reference that it plays.

mod clock;
mod crypto;
mod disk;
mod door;
mod keys;
mod permissions;
mod policy;
mod rows;
mod states;

use serde_json::{Value, json};

use crate::testing::{Said, World};

const RING: &str = "projects/my-project/locations/us/keyRings/ring";
const KEY: &str = "projects/my-project/locations/us/keyRings/ring/cryptoKeys/key";
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn version(number: u32) -> String {
    format!("{KEY}/cryptoKeyVersions/{number}")
}

/// An emulator with the ring and, in it, `key` with one version.
async fn world() -> World {
    let world = World::new().await;
    furnish(&world).await;
    world
}

async fn furnish(world: &World) {
    world.post("/v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await.ok();
    make(world, "key", json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
}

async fn make(world: &World, id: &str, key: Value) -> Said {
    world.post(&format!("/v1/{RING}/cryptoKeys?cryptoKeyId={id}"), key).await
}

async fn patch(world: &World, name: &str, mask: &str, body: Value) -> Said {
    world.call(&format!("PATCH /v1/{name}?updateMask={mask}"), body).await
}

async fn set_state(world: &World, number: u32, state: &str) -> Said {
    patch(world, &version(number), "state", json!({"state": state})).await
}

async fn verb(world: &World, name: &str, verb: &str, body: Value) -> Said {
    world.post(&format!("/v1/{name}:{verb}"), body).await
}

async fn state_of(world: &World, number: u32) -> String {
    let found = world.get(&format!("/v1/{}", version(number))).await.ok();
    found["state"].as_str().unwrap_or_default().to_owned()
}

async fn advance(world: &World, seconds: u64) {
    world.0.advance(std::time::Duration::from_secs(seconds)).await.expect("the clock moves");
}

/// The ciphertext of a plaintext, both in base64.
async fn encrypt(world: &World, plaintext: &str) -> String {
    let sealed = verb(world, KEY, "encrypt", json!({"plaintext": plaintext})).await.ok();
    sealed["ciphertext"].as_str().expect("a ciphertext").to_owned()
}

#[track_caller]
fn refused(said: &Said, status: u16, code: &str, message: &str) {
    assert_eq!((said.status, said.code(), said.message()), (status, code, message), "{:#}", said.body);
}
