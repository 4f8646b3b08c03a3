//! Stories: what happens to real bytes when keys, clocks and folders change.

use std::path::Path;
use std::time::Duration;

use crate::bench::{KEY, call, done, emulator, emulator_in, key_for_storage, push};

const DAY: Duration = Duration::from_hours(24);

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    found
}

fn is_key(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "key")
}

fn holding(folder: &Path, needle: &[u8]) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    files(folder).into_iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect()
}

/// After DESTROYED no plaintext is in any file and no copy of the folder can be read; before it the same search finds
/// none.
#[tokio::test]
async fn what_is_shredded_is_gone_from_every_file_and_every_later_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let world = emulator_in(&state).await;
    key_for_storage(&world).await;
    let body =
        serde_json::json!({"name": "my-data", "location": "US", "encryption": {"defaultKmsKeyName": KEY}}).to_string();
    done(&world, "POST", "/storage/v1/b?project=my-project", body).await;
    let secret = b"the plaintext that must not be found anywhere";
    let large: Vec<u8> = secret.iter().copied().cycle().take(300_000).collect();
    for (name, bytes) in [("small", secret.to_vec()), ("large", large)] {
        done(&world, "POST", &format!("/upload/storage/v1/b/my-data/o?uploadType=media&name={name}"), bytes).await;
    }
    assert_eq!(holding(&state, secret), Vec::<String>::new(), "nothing lies in clear before");
    let keys = |files: Vec<(String, Vec<u8>)>| files.into_iter().filter(|(name, _)| is_key(name)).collect::<Vec<_>>();
    let before = keys(files(&state));
    done(&world, "POST", &format!("/v1/{KEY}/cryptoKeyVersions/1:destroy"), "{}").await;
    world.advance(30 * DAY).await.expect("time passes");
    let version = done(&world, "GET", &format!("/v1/{KEY}/cryptoKeyVersions/1"), "").await;
    assert_eq!(version["state"], "DESTROYED");
    assert!(version["destroyEventTime"].is_string() && version.get("destroyTime").is_none());
    let after = keys(files(&state));
    let gone: Vec<_> = before.iter().filter(|(name, _)| !after.iter().any(|(left, _)| left == name)).collect();
    assert_eq!(gone.len(), 1, "one key file is gone");
    assert_eq!(holding(&state, &gone[0].1), Vec::<String>::new(), "not even its sealed bytes are left");
    assert_eq!(holding(&state, secret), Vec::<String>::new());
    drop(world);
    let copy = folder.path().join("copy");
    copy_folder(&state, &copy);
    let world = emulator_in(&copy).await;
    for name in ["small", "large"] {
        let answer = call(&world, "GET", &format!("/storage/v1/b/my-data/o/{name}?alt=media"), "").await;
        assert_eq!(answer.status, 400, "a copy taken afterwards cannot be read either");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).map(|_| ()).expect("a copy");
        }
    }
}

#[tokio::test]
async fn a_folder_keeps_its_world_and_its_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let world = emulator_in(folder.path()).await;
        key_for_storage(&world).await;
        assert_eq!(push(&world, "my-project/web", "v1", &vec![7; 200_000]).await.status, 201);
        world.advance(3 * DAY).await.expect("time passes");
    }
    let world = emulator_in(folder.path()).await;
    assert_eq!(world.now(), "2026-01-08T09:00:00Z");
    assert_eq!(done(&world, "GET", &format!("/v1/{KEY}"), "").await["primary"]["state"], "ENABLED");
    let blob = cmek_emulator::sha256_digest(&vec![7; 200_000]);
    let answer = call(&world, "GET", &format!("/v2/my-project/web/blobs/{blob}"), "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 200_000));
}

#[tokio::test]
async fn a_broken_folder_is_named_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let world = emulator_in(folder.path()).await;
        key_for_storage(&world).await;
        done(&world, "POST", "/storage/v1/b?project=my-project", r#"{"name":"my-data"}"#).await;
        done(&world, "POST", "/upload/storage/v1/b/my-data/o?uploadType=media&name=o", vec![7; 200_000]).await;
    }
    let open =
        || cmek_emulator::Emulator::builder().seed(7).frozen_at(crate::bench::START).data_dir(folder.path()).build();
    let find =
        |ending: &str| files(folder.path()).into_iter().find(|(name, _)| name.ends_with(ending)).expect("such a file");
    // A segment that was cut is named when it is read.
    let (segment, bytes) = find(".seg");
    std::fs::write(&segment, &bytes[..bytes.len() - 1]).expect("cut");
    {
        let world = open().await.expect("it opens");
        let answer = call(&world, "GET", "/storage/v1/b/my-data/o/o?alt=media", "").await;
        assert_eq!(answer.status, 500);
        assert!(
            answer.message().contains(".seg") && answer.message().contains("bytes instead of"),
            "{}",
            answer.message()
        );
    }
    std::fs::write(&segment, &bytes).expect("mended");
    // A foreign file among the blobs or the keys is named at the start, and left alone.
    for name in ["blobs/notes.txt", "vault/notes.txt", "vault/mine.key"] {
        let foreign = folder.path().join(name);
        std::fs::write(&foreign, "mine").expect("a file");
        let refusal = open().await.err().expect("a refusal").to_string();
        assert!(refusal.contains(name), "{refusal}");
        assert_eq!(std::fs::read_to_string(&foreign).expect("still there"), "mine");
        std::fs::remove_file(&foreign).expect("gone");
    }
    // Key material that is missing is named at the start, with its version.
    let version_file = files(folder.path()).into_iter().filter(|(name, _)| is_key(name) && name.contains("vault"));
    for (name, bytes) in version_file.collect::<Vec<_>>() {
        std::fs::remove_file(&name).expect("gone");
        if let Err(refusal) = open().await {
            assert!(refusal.to_string().contains("cryptoKeyVersions/1"), "{refusal}");
            return;
        }
        std::fs::write(&name, bytes).expect("back");
    }
    panic!("no missing key file was noticed");
}

#[tokio::test]
async fn two_emulators_of_one_process_know_nothing_of_each_other() {
    let one = cmek_emulator::Emulator::builder().seed(1).frozen_at(crate::bench::START).build().await.expect("one");
    let two = cmek_emulator::Emulator::builder().seed(2).frozen_at(crate::bench::START).build().await.expect("two");
    key_for_storage(&one).await;
    assert_eq!(call(&two, "GET", &format!("/v1/{KEY}"), "").await.status, 404);
    let number = |answer: serde_json::Value| answer["projectNumber"].as_str().expect("a number").to_owned();
    let first = number(done(&one, "GET", "/v1/projects/my-project", "").await);
    let second = number(done(&two, "GET", "/v1/projects/my-project", "").await);
    assert_ne!(first, second, "other seeds, other names");
    let again = cmek_emulator::Emulator::builder().seed(1).frozen_at(crate::bench::START).build().await.expect("again");
    assert_eq!(
        first,
        number(done(&again, "GET", "/v1/projects/my-project", "").await),
        "the same seed, the same names"
    );
    one.advance(DAY).await.expect("time passes");
    assert_ne!(one.now(), two.now());
}

#[tokio::test]
async fn keys_rotate_by_the_clock() {
    let world = emulator().await;
    key_for_storage(&world).await;
    let mask = "updateMask=rotationPeriod,nextRotationTime";
    let body = r#"{"rotationPeriod":"86400s","nextRotationTime":"2026-01-06T09:00:00Z"}"#;
    done(&world, "PATCH", &format!("/v1/{KEY}?{mask}"), body).await;
    world.advance(3 * DAY).await.expect("time passes");
    let key = done(&world, "GET", &format!("/v1/{KEY}"), "").await;
    assert_eq!(key["primary"]["name"], format!("{KEY}/cryptoKeyVersions/4"));
    assert_eq!(key["nextRotationTime"], "2026-01-09T09:00:00Z");
}

/// The page that the project began with: the topic gcr comes with the registry's first use, unless policy refuses it.
#[tokio::test]
async fn the_first_push_tries_the_topic() {
    let free = emulator().await;
    assert_eq!(call(&free, "GET", "/v1/projects/my-project/topics/gcr", "").await.status, 404, "nobody caused it yet");
    assert_eq!(push(&free, "my-project/web", "v1", b"x").await.status, 201);
    done(&free, "GET", "/v1/projects/my-project/topics/gcr", "").await;
    let bound = emulator().await;
    crate::bench::deny(&bound, &["pubsub.googleapis.com"]).await;
    assert_eq!(push(&bound, "my-project/web", "v1", b"x").await.status, 201, "nothing else fails");
    assert_eq!(call(&bound, "GET", "/v1/projects/my-project/topics/gcr", "").await.status, 404);
    assert!(bound.audit().iter().any(|entry| {
        entry.notes.iter().any(|note| note.contains("topic gcr was not created") || note.contains("gcr"))
    }));
    let strict = emulator().await;
    crate::bench::deny(&strict, &["storage.googleapis.com"]).await;
    let refused = push(&strict, "my-project/web", "v1", b"x").await;
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (412, "Request violates constraint 'constraints/gcp.restrictNonCmekServices'")
    );
}

/// An image that was pushed before its bucket had a key: the inventories find the bucket and not its objects, a batch
/// job puts those under the key too, and then the key decides over all of it.
#[tokio::test]
async fn a_batch_job_puts_an_old_image_under_the_key() {
    let world = emulator().await;
    key_for_storage(&world).await;
    assert_eq!(push(&world, "my-project/web", "v1", &vec![7; 200_000]).await.status, 201);
    let bucket = "artifacts.my-project.appspot.com";
    let key = serde_json::json!({"encryption": {"defaultKmsKeyName": KEY}}).to_string();
    done(&world, "PATCH", &format!("/storage/v1/b/{bucket}"), key).await;
    let search =
        format!("/v1/organizations/123456789012:searchAllResources?query=kmsKeys%3D{}", KEY.replace('/', "%2F"));
    let found = done(&world, "GET", &search, "").await;
    assert_eq!(found["results"][0]["displayName"], bucket);
    let summary = done(&world, "GET", &format!("/v1/{KEY}/protectedResourcesSummary"), "").await;
    assert_eq!(summary["resourceTypes"], serde_json::json!({"storage.googleapis.com/Bucket": "1"}));
    let listed = format!("/storage/v1/b/{bucket}/o?fields=items(kmsKeyName)");
    let keyless = async || {
        let objects = done(&world, "GET", &listed, "").await;
        objects["items"].as_array().expect("objects").iter().filter(|one| one.get("kmsKeyName").is_none()).count()
    };
    let before = keyless().await;
    assert!(before >= 3, "layer, configuration and manifest lie as they lay: {before}");

    let jobs = "/v1/projects/my-project/locations/global/jobs";
    let job = serde_json::json!({"bucketList": {"buckets": [{"bucket": bucket, "prefixList": {}}]},
        "rewriteObject": {"kmsKey": KEY}});
    let operation = done(&world, "POST", &format!("{jobs}?jobId=rescue"), job.to_string()).await;
    assert!(operation.get("done").is_none(), "nobody moved the clock, and still it goes on");
    let mut job = done(&world, "GET", &format!("{jobs}/rescue"), "").await;
    while job["state"] == "RUNNING" {
        job = done(&world, "GET", &format!("{jobs}/rescue"), "").await;
    }
    assert_eq!(job["counters"]["succeededObjectCount"], before.to_string());
    assert_eq!(keyless().await, 0);
    let blob = cmek_emulator::sha256_digest(&vec![7; 200_000]);
    let pull = format!("/v2/my-project/web/blobs/{blob}");
    assert_eq!(call(&world, "GET", &pull, "").await.body.len(), 200_000);
    crate::bench::set_state(&world, 1, "DISABLED").await;
    assert_eq!(call(&world, "GET", &pull, "").await.status, 400, "now it lies under the key");
    let again = serde_json::json!({"bucketList": {"buckets": [{"bucket": bucket, "prefixList": {}}]},
        "rewriteObject": {"kmsKey": KEY}});
    done(&world, "POST", &format!("{jobs}?jobId=late"), again.to_string()).await;
    let mut job = done(&world, "GET", &format!("{jobs}/late"), "").await;
    while job["state"] == "RUNNING" {
        job = done(&world, "GET", &format!("{jobs}/late"), "").await;
    }
    assert_eq!(job["errorSummaries"][0]["errorCode"], "FAILED_PRECONDITION");
    assert_eq!(job["counters"]["failedObjectCount"], before.to_string());
}
