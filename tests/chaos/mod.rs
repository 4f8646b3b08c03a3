//! Worlds that nobody thought of, faults at every call, and runs that are cut off: `configure` and `rewrite` end in
//! success that was looked at, or in a failure that says what was done; and the same command again gets there.

mod faults;
mod worlds;

use cmek_emulator::Emulator;
use serde_json::Value;

use crate::bench::{KEY, Terminal, call, done};

const CONFIGURE: &str = "configure gcr.io eu.gcr.io --kms-key=projects/my-project/locations/us/keyRings/r/cryptoKeys/k";
const BUCKETS: [&str; 4] = ["artifacts", "us.artifacts", "eu.artifacts", "asia.artifacts"];

/// Everything that `configure` may change, as it is now.
pub async fn fingerprint(world: &Emulator) -> Value {
    let mut seen = serde_json::Map::new();
    let mut look = async |name: &str, path: String, fields: &[&str]| {
        let answer = call(world, "GET", &path, "").await;
        let kept: Value = if answer.status == 200 {
            let json = answer.json();
            fields.iter().map(|field| ((*field).to_owned(), json.get(*field).cloned().unwrap_or_default())).collect()
        } else {
            Value::Null
        };
        seen.insert(name.to_owned(), kept);
    };
    for prefix in BUCKETS {
        let bucket = format!("/storage/v1/b/{prefix}.my-project.appspot.com");
        look(&format!("{prefix} bucket"), bucket.clone(), &["encryption", "metageneration"]).await;
        look(&format!("{prefix} objects"), format!("{bucket}/o?fields=items(name,kmsKeyName,generation)"), &["items"])
            .await;
    }
    look("ring", "/v1/projects/my-project/locations/us/keyRings/r".to_owned(), &["name"]).await;
    look("key", format!("/v1/{KEY}"), &["primary"]).await;
    look("grants", format!("/v1/{KEY}:getIamPolicy"), &["bindings"]).await;
    look("topic", "/v1/projects/my-project/topics/gcr".to_owned(), &["kmsKeyName", "name"]).await;
    Value::Object(seen)
}

/// A fault for the calls to come: after `skip` of them, `times` of them.
pub async fn fault(world: &Emulator, method: &str, kind: &str, code: &str, skip: u32, times: u32) {
    let body = serde_json::json!({"method": method, "kind": kind, "code": code, "skip": skip, "times": times});
    done(world, "POST", "/_emulator/v1/faults", body.to_string()).await;
}

pub async fn clear(world: &Emulator) {
    done(world, "DELETE", "/_emulator/v1/faults", "").await;
}

/// A user who works on this world; waiting costs no time.
pub fn user(world: &Emulator) -> Terminal {
    Terminal::on(world.clone())
}

/// The plan that is left, by its steps; blockers count as none.
pub async fn left(world: &Emulator, line: &str) -> Vec<Value> {
    let (said, _) = user(world).output(&format!("{line} --dry-run --format=json")).await;
    let plan: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{line} printed no plan: {said}"));
    plan["steps"].as_array().expect("steps").clone()
}
