//! Jobs over REST: what they do to objects, what they count, how they are asked for, how they end.

mod changes;
mod life;
mod manifests;
mod refusals;
mod requests;

use serde_json::{Value, json};

use super::GAPS;
use crate::testing::{Said, World};

const GLOBAL: &str = "/v1/projects/my-project/locations/global";
const KEY: &str = "projects/my-project/locations/us/keyRings/r/cryptoKeys/k";

/// Ring `r`, key `k` in `us` that Storage may use, bucket `data` under no key.
async fn furnish(world: &World) {
    world.post("/v1/projects/my-project/locations/us/keyRings?keyRingId=r", json!({})).await.ok();
    let keys = "/v1/projects/my-project/locations/us/keyRings/r/cryptoKeys?cryptoKeyId=k";
    world.post(keys, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    grant(world, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
    world.post("/storage/v1/b?project=my-project", json!({"name": "data"})).await.ok();
}

/// Gives Storage's agent a role on the key; an empty one takes it back.
async fn grant(world: &World, role: &str) {
    let account = world.get("/storage/v1/projects/my-project/serviceAccount").await.ok();
    let member = format!("serviceAccount:{}", account["email_address"].as_str().expect("an address"));
    let bindings = if role.is_empty() { json!([]) } else { json!([{"role": role, "members": [member]}]) };
    world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {"bindings": bindings}})).await.ok();
}

async fn put(world: &World, name: &str, body: &str) {
    put_to(world, "data", name, body).await;
}

async fn put_to(world: &World, bucket: &str, name: &str, body: &str) {
    let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name={}", name.replace('/', "%2F"));
    world.send("POST", &path, body.to_owned()).await.ok();
}

async fn object(world: &World, name: &str) -> Said {
    world.get(&format!("/storage/v1/b/data/o/{}", name.replace('/', "%2F"))).await
}

/// The key that an object lies under, with its version; nothing when it is Google's.
async fn key_of(world: &World, name: &str) -> String {
    object(world, name).await.ok()["kmsKeyName"].as_str().unwrap_or_default().to_owned()
}

/// All objects of `data`, rewritten.
fn rewrite() -> Value {
    chosen(json!({"prefixList": {}}), json!({"rewriteObject": {"kmsKey": KEY}}))
}

/// A job over what is chosen of `data`.
fn chosen(mut objects: Value, transformation: Value) -> Value {
    objects["bucket"] = json!("data");
    let mut job = json!({"bucketList": {"buckets": [objects]}});
    job.as_object_mut().expect("a job").extend(transformation.as_object().expect("a transformation").clone());
    job
}

async fn create(world: &World, id: &str, job: Value) -> Said {
    world.post(&format!("{GLOBAL}/jobs?jobId={id}"), job).await
}

async fn job(world: &World, id: &str) -> Value {
    world.get(&format!("{GLOBAL}/jobs/{id}")).await.ok()
}

/// Looks until the job has ended.
async fn ended(world: &World, id: &str) -> Value {
    for _ in 0..10_000 {
        let job = job(world, id).await;
        if job["state"] != "RUNNING" {
            return job;
        }
    }
    panic!("the job does not end");
}

/// Creates a job and looks until it has ended.
async fn run(world: &World, id: &str, job: Value) -> Value {
    create(world, id, job).await.ok();
    ended(world, id).await
}

fn counted(job: &Value) -> [&str; 3] {
    ["totalObjectCount", "succeededObjectCount", "failedObjectCount"]
        .map(|name| job["counters"][name].as_str().unwrap_or("0"))
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    let world = World::new().await;
    assert_eq!(world.unimplemented("/google.cloud.storagebatchoperations.").await, GAPS);
}
