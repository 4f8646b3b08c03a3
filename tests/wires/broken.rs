//! Bad input: Google's code and a clear message, no panic, nothing half-done.

use crate::bench::{KEY, RING, call, call_with, done, emulator, key_for_storage};

#[tokio::test]
async fn bad_json_and_bad_ids() {
    let world = emulator().await;
    key_for_storage(&world).await;
    let long = "x".repeat(64);
    let rows = [
        ("cut JSON", "POST", format!("/v1/{KEY}:encrypt"), "{\"plaintext\":".to_owned(), 400),
        ("a list", "POST", format!("/v1/{KEY}:encrypt"), "[]".to_owned(), 400),
        ("an unknown field", "POST", format!("/v1/{KEY}:encrypt"), r#"{"plainText":"eA=="}"#.to_owned(), 400),
        ("bad base64", "POST", format!("/v1/{KEY}:encrypt"), r#"{"plaintext":"!!"}"#.to_owned(), 400),
        ("a ring's id", "POST", format!("{RING}?keyRingId=a.b"), "{}".to_owned(), 400),
        ("a ring's long id", "POST", format!("{RING}?keyRingId={long}"), "{}".to_owned(), 400),
        (
            "a place that is none",
            "POST",
            "/v1/projects/my-project/locations/mars/keyRings?keyRingId=r".to_owned(),
            "{}".to_owned(),
            404,
        ),
        (
            "a purpose that is none",
            "POST",
            format!("{RING}/r/cryptoKeys?cryptoKeyId=p"),
            r#"{"purpose":"DANCE"}"#.to_owned(),
            400,
        ),
        ("no mask", "PATCH", format!("/v1/{KEY}"), "{}".to_owned(), 400),
        ("a bucket's name", "POST", "/storage/v1/b?project=my-project".to_owned(), r#"{"name":"No"}"#.to_owned(), 400),
        ("no project", "POST", "/storage/v1/b".to_owned(), r#"{"name":"my-data"}"#.to_owned(), 400),
        ("nothing there", "GET", "/v9/nothing".to_owned(), String::new(), 404),
        ("a project's id", "GET", "/v1/projects/NO!/topics".to_owned(), String::new(), 400),
        ("a topic's id", "PUT", "/v1/projects/my-project/topics/goog-x".to_owned(), "{}".to_owned(), 400),
        ("a page token", "GET", "/storage/v1/b?project=my-project&pageToken=!".to_owned(), String::new(), 400),
    ];
    for (row, verb, path, body, status) in rows {
        let answer = call(&world, verb, &path, body).await;
        assert_eq!(answer.status, status, "{row}: {}", answer.message());
        assert!(
            answer.json()["error"]["message"].as_str().is_some_and(|text| text.len() > 8),
            "{row} says what is wrong"
        );
    }
}

#[tokio::test]
async fn an_upload_that_is_not_what_it_says_leaves_nothing() {
    let world = emulator().await;
    done(&world, "POST", "/storage/v1/b?project=my-project", r#"{"name":"my-data"}"#).await;
    let upload = "/upload/storage/v1/b/my-data/o?uploadType=media&name=o";
    let wrong = call_with(&world, "POST", upload, &[("x-goog-hash", "crc32c=AAAAAA==")], "hello").await;
    assert_eq!(wrong.status, 400, "{}", wrong.message());
    assert!(wrong.message().contains("CRC32C"), "{}", wrong.message());
    assert_eq!(call(&world, "GET", "/storage/v1/b/my-data/o/o", "").await.status, 404);
    let start = call(&world, "POST", "/upload/storage/v1/b/my-data/o?uploadType=resumable&name=o", "{}").await;
    let path =
        start.headers["location"].to_str().expect("an address").trim_start_matches("http://127.0.0.1:8787").to_owned();
    for range in ["bytes 5-1/9", "bytes x", "bytes 9-10/11"] {
        let answer = call_with(&world, "PUT", &path, &[("content-range", range)], "hello").await;
        assert!(answer.status >= 400, "{range}");
    }
    let short = call_with(&world, "PUT", &path, &[("content-range", "bytes 0-9/10")], "hello").await;
    assert_eq!(short.status, 400, "five bytes cannot be ten: {}", short.message());
    assert_eq!(
        call(&world, "GET", "/storage/v1/b/my-data/o/o", "").await.status,
        404,
        "nothing is visible before the end"
    );
    assert_eq!(call(&world, "DELETE", &path, "").await.status, 499);
    assert_eq!(call_with(&world, "PUT", &path, &[("content-range", "bytes */10")], "").await.status, 410);
    let missing = call(&world, "GET", "/storage/v1/b/my-data/o/o?alt=media", "").await;
    assert_eq!((missing.status, missing.message().as_str()), (404, "No such object: my-data/o"));
    done(&world, "POST", upload, "hello").await;
    let range = call_with(&world, "GET", "/storage/v1/b/my-data/o/o?alt=media", &[("range", "bytes=9-")], "").await;
    assert_eq!(range.status, 416);
}

#[tokio::test]
async fn a_push_whose_digest_is_wrong_leaves_nothing() {
    let world = emulator().await;
    let digest = cmek_emulator::sha256_digest(b"something else");
    let answer = call(&world, "POST", &format!("/v2/my-project/web/blobs/uploads/?digest={digest}"), "layer").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"][0]["code"], "DIGEST_INVALID");
    assert_eq!(call(&world, "HEAD", &format!("/v2/my-project/web/blobs/{digest}"), "").await.status, 404);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{{"digest":"{digest}"}}]}}"#
    );
    let answer = call(&world, "PUT", "/v2/my-project/web/manifests/v1", manifest).await;
    assert_eq!(answer.json()["errors"][0]["code"], "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(call(&world, "GET", "/v2/my-project/web/manifests/v1", "").await.status, 404);
    for name in ["UPPER/x", "my-project/../x", "my-project"] {
        assert_eq!(call(&world, "POST", &format!("/v2/{name}/blobs/uploads/"), "").await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn strangers_are_kept_out() {
    let world = emulator().await;
    let request = http::Request::builder().uri("/storage/v1/b?project=my-project").header("host", "evil.example");
    assert_eq!(world.send(request.body(bytes::Bytes::new()).expect("a request")).await.status(), 403);
    let answer =
        call_with(&world, "GET", "/storage/v1/b?project=my-project", &[("origin", "https://evil.example")], "").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = emulator().await;
    key_for_storage(&world).await;
    let body = format!(r#"{{"plaintext":"{}"}}"#, "A".repeat(11 << 20));
    let answer = call(&world, "POST", &format!("/v1/{KEY}:encrypt"), body).await;
    assert!(answer.message().contains("exceeds the limit"), "{} {}", answer.status, answer.message());
    let body = format!(r#"{{"plaintext":"{}"}}"#, "A".repeat(90_000));
    assert_eq!(
        call(&world, "POST", &format!("/v1/{KEY}:encrypt"), body).await.status,
        400,
        "more than 64 KiB of plaintext"
    );
}
