//! Reference 1.3 and client calls 0.2, 0.5, 0.7, 0.8: how bytes come in.

use serde_json::{Value, json};

use super::{Reply, World};

const MIB: usize = 1 << 20;

/// Bytes that differ from chunk to chunk.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 251 + at) as u8).collect()
}

async fn session(world: &World, path: &str) -> String {
    let headers = [("content-type", "application/json"), ("x-upload-content-type", "a/b")];
    let answer = world.send("POST", path, &headers, r#"{"name":"big"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("location")
}

/// The session's URL is absolute, from the Host of the request; in the process only its path counts.
fn path_of(url: &str) -> &str {
    url.strip_prefix("http://127.0.0.1:8787").expect("a URL at this host")
}

async fn chunk(world: &World, url: &str, range: &str, bytes: &[u8]) -> Reply {
    let length = bytes.len().to_string();
    let headers = [("content-range", range), ("content-length", length.as_str())];
    let headers = if bytes.is_empty() { &headers[..] } else { &headers[..1] };
    world.send("PUT", path_of(url), headers, bytes.to_vec()).await
}

#[tokio::test]
async fn both_places_of_resumable_uploads_take_chunks_in_every_form() {
    let world = World::new().await;
    world.bucket("images").await;
    let bytes = pattern(MIB + 5);
    let half = 512 * 1024;
    for start in ["/upload/storage/v1", "/resumable/upload/storage/v1", "/storage/v1/upload/storage/v1"] {
        let url = session(&world, &format!("{start}/b/images/o?uploadType=resumable")).await;
        let first = chunk(&world, &url, &format!("bytes 0-{}/*", half - 1), &bytes[..half]).await;
        assert_eq!((first.status, first.header("range")), (308, format!("bytes=0-{}", half - 1)));
        let asked = chunk(&world, &url, "bytes */*", b"").await;
        assert_eq!((asked.status, asked.header("range")), (308, format!("bytes=0-{}", half - 1)));
        let rest = format!("bytes {half}-{}/*", bytes.len() - 1);
        assert_eq!(chunk(&world, &url, &rest, &bytes[half..]).await.status, 308);
        // gcloud, from a pipe: the length is known last.
        let done = chunk(&world, &url, &format!("bytes */{}", bytes.len()), b"").await.ok();
        assert_eq!((&done["size"], &done["contentType"]), (&json!(bytes.len().to_string()), &json!("a/b")));
        // A client that missed the answer gets it again.
        assert_eq!(chunk(&world, &url, "bytes */*", b"").await.ok(), done);
        assert!(world.read("images", "big").await.body == bytes, "{start}");
    }
}

#[tokio::test]
async fn one_request_can_carry_a_whole_resumable_upload() {
    let world = World::new().await;
    world.bucket("images").await;
    let bytes = pattern(300_000);
    // Node's form, gcloud's form, and none at all.
    for range in ["bytes 0-*/*", "bytes 0-299999/300000", ""] {
        let url = session(&world, "/upload/storage/v1/b/images/o?uploadType=resumable").await;
        let headers: &[(&str, &str)] = if range.is_empty() { &[] } else { &[("content-range", range)] };
        let verb = if range.is_empty() { "POST" } else { "PUT" };
        world.send(verb, path_of(&url), headers, bytes.clone()).await.ok();
        assert!(world.read("images", "big").await.body == bytes, "{range}");
    }
    let url = session(&world, "/upload/storage/v1/b/images/o?uploadType=resumable").await;
    assert_eq!(chunk(&world, &url, "bytes */0", b"").await.ok()["size"], json!("0"));
}

#[tokio::test]
async fn a_session_is_cancelled_with_499_and_gone_with_410() {
    let world = World::new().await;
    world.bucket("images").await;
    let url = session(&world, "/upload/storage/v1/b/images/o?uploadType=resumable").await;
    chunk(&world, &url, "bytes 0-262143/*", &pattern(262_144)).await;
    assert_eq!(world.send("DELETE", path_of(&url), &[], "").await.status, 499);
    assert_eq!(chunk(&world, &url, "bytes */*", b"").await.status, 410);
    assert_eq!(world.object("images", "big").await.status, 404, "nothing is visible of it");
}

#[tokio::test]
async fn a_chunk_must_start_where_the_last_ended_and_hold_what_it_says() {
    let world = World::new().await;
    world.bucket("images").await;
    let url = session(&world, "/upload/storage/v1/b/images/o?uploadType=resumable").await;
    assert_eq!(chunk(&world, &url, "bytes 262144-524287/*", &pattern(262_144)).await.status, 503);
    assert_eq!(chunk(&world, &url, "bytes 0-9/*", &pattern(20)).await.refusal().1, "invalid");
    assert_eq!(chunk(&world, &url, "bytes 9-0/*", &pattern(20)).await.refusal().1, "invalid");
    let asked = chunk(&world, &url, "bytes */*", b"").await;
    assert_eq!((asked.status, asked.header("range").as_str()), (308, ""), "none of them counted");
    assert_eq!(chunk(&world, &url, "bytes 0-9/10", &pattern(10)).await.ok()["size"], json!("10"));
}

/// A refusal by the key comes with the first call of a session, and again at the end (1.3).
#[tokio::test]
async fn a_key_that_dies_during_an_upload_refuses_it() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    let path = "/upload/storage/v1/b/keyed/o?uploadType=resumable";
    let url = session(&world, path).await;
    world.version(&key, 1, "DISABLED").await;
    let refused = chunk(&world, &url, "bytes 0-4/5", b"hello").await;
    refused.refused(400, "cloudKmsDisabledKey", super::DISABLED);
    world.call("POST", path, json!({"name": "other"})).await.refused(400, "cloudKmsDisabledKey", super::DISABLED);
    assert_eq!(world.names("keyed", "").await, Vec::<String>::new());
    world.version(&key, 1, "ENABLED").await;
    chunk(&world, &url, "bytes 0-4/5", b"hello").await.ok();
}

#[tokio::test]
async fn sizes_around_a_chunk_come_back_as_they_went_in() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    let chunk = 64 << 10;
    for size in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 4 * chunk, 4 * chunk + 1, 8 * chunk, MIB, 3 * MIB + 7] {
        let bytes = pattern(size);
        let object = world.put("keyed", "o", "", bytes.clone()).await.ok();
        assert_eq!(object["size"], json!(size.to_string()));
        let mut hashes = (envelope::Crc32c::new(), envelope::Md5::new());
        hashes.0.update(&bytes);
        hashes.1.update(&bytes);
        assert_eq!(object["crc32c"], json!(hashes.0.to_base64()), "{size}");
        assert_eq!(object["md5Hash"], json!(hashes.1.finish_base64()), "{size}");
        assert!(world.read("keyed", "o").await.body == bytes, "{size}");
        let path = "/storage/v1/b/keyed/o/o?alt=media";
        for (from, to) in [(0, size / 2), (size / 2, size), (size.saturating_sub(1), size)] {
            if from < to {
                let range = format!("bytes={from}-{}", to - 1);
                let part = world.send("GET", path, &[("range", &range)], "").await;
                assert_eq!(part.status, 206);
                assert!(part.body == bytes[from..to], "{size}: {range}");
            }
        }
    }
}

/// Client calls 0.5: hashes of an upload's metadata are a check of its bytes.
#[tokio::test]
async fn bytes_that_are_not_what_the_client_says_are_not_taken() {
    let world = World::new().await;
    world.bucket("images").await;
    let path = "/upload/storage/v1/b/images/o?uploadType=multipart";
    let kind = [("content-type", "multipart/related; boundary=b")];
    let upload = |metadata: Value| format!("--b\n\n{metadata}\n--b\nContent-Type: text/plain\n\nhello\n--b--\n");
    let wrong =
        [json!({"name": "o", "crc32c": "AAAAAA=="}), json!({"name": "o", "md5Hash": "XUFAKrxLKna5cZ2REBfFkQ=="})];
    for metadata in wrong {
        let (status, reason, text) = world.send("POST", path, &kind, upload(metadata)).await.refusal();
        assert_eq!((status, reason.as_str()), (400, "invalid"), "{text}");
        assert!(text.contains("doesn't match calculated"), "{text}");
    }
    let header = [("x-goog-hash", "crc32c=AAAAAA==")];
    let media = "/upload/storage/v1/b/images/o?uploadType=media&name=o";
    assert_eq!(world.send("POST", media, &header, "hello").await.status, 400);
    assert_eq!(world.object("images", "o").await.status, 404, "nothing is visible");
    let right = json!({"name": "o", "crc32c": "mnG7TA==", "md5Hash": "XUFAKrxLKna5cZ2REBfFkg=="});
    let object = world.send("POST", path, &kind, upload(right.clone())).await.ok();
    assert_eq!((&object["crc32c"], &object["md5Hash"]), (&right["crc32c"], &right["md5Hash"]));
}

#[tokio::test]
async fn names_of_objects_follow_the_rules() {
    let world = World::new().await;
    world.bucket("images").await;
    for (name, status) in [("..", 400), ("a%0Ab", 400), ("", 400), ("a/b", 200), ("a%2Fb%20%3F", 200), ("%C3%BC", 200)]
    {
        assert_eq!(world.put("images", name, "", "x").await.status, status, "{name}");
    }
    assert_eq!(world.names("images", "").await, ["a/b", "a/b ?", "ü"]);
    // Escaped as one segment or with its slashes as they are.
    for path in ["a%2Fb", "a/b"] {
        assert_eq!(world.object("images", path).await.ok()["name"], json!("a/b"));
    }
    let answer = world.put("nowhere", "o", "", "x").await;
    answer.refused(404, "notFound", "The specified bucket does not exist.");
}
