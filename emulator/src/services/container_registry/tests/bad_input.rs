//! Bad input: a code of the protocol, a sentence that says what is wrong, no panic, and nothing visible of it.

use super::*;

const NAME: &str = "my-project/web";
const BUCKET: &str = "artifacts.my-project.appspot.com";

#[track_caller]
fn refused(row: &str, answer: &Answer, status: u16, code: &str, words: &str) {
    let (found, given, text) = answer.refusal();
    assert_eq!((found, given.as_str()), (status, code), "{row}: {text}");
    assert!(text.contains(words), "{row}: {text}");
}

#[tokio::test]
async fn manifests_that_are_none() {
    let world = World::new().await;
    push_image(&world, NAME, "v1", b"layer").await;
    let before = objects(&world, BUCKET).await.len();
    let (layer, config) = (digest(b"layer"), digest(b"{}"));
    let with = |more: Value| {
        let mut whole = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": config, "size": 2},
            "layers": [{"digest": layer, "size": 5}]});
        for (name, value) in more.as_object().expect("fields") {
            whole[name] = value.clone();
        }
        whole.to_string()
    };
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let escape = json!([{"digest": "sha256:../../repositories/library/web/tag_v1", "size": 1}]);
    let rows = [
        ("nothing", String::new(), "no JSON"),
        ("cut off", with(json!({}))[..40].to_owned(), "no JSON"),
        ("very deep", deep, "no JSON"),
        ("a list", "[]".to_owned(), "no JSON object"),
        ("a number", "5".to_owned(), "no JSON object"),
        ("null", "null".to_owned(), "no JSON object"),
        ("another media type", with(json!({"mediaType": "text/plain"})), "'text/plain' is not supported"),
        ("no schemaVersion", with(json!({"schemaVersion": null})), "schemaVersion must be 2"),
        ("another schemaVersion", with(json!({"schemaVersion": 1})), "schemaVersion must be 2"),
        ("layers that are no list", with(json!({"layers": {}})), "layers is no list"),
        ("a layer that is a text", with(json!({"layers": ["x"]})), "no valid digest"),
        ("a layer without a digest", with(json!({"layers": [{"size": 1}]})), "no valid digest"),
        ("a layer with a path for a digest", with(json!({"layers": escape})), "no valid digest"),
        ("a layer with another hash", with(json!({"layers": [{"digest": "md5:00", "size": 1}]})), "no valid digest"),
        ("a negative size", with(json!({"layers": [{"digest": layer, "size": -1}]})), "no valid size"),
        ("a size that is a text", with(json!({"layers": [{"digest": layer, "size": "5"}]})), "no valid size"),
        (
            "sizes beyond all numbers",
            with(json!({"layers": [{"digest": layer, "size": u64::MAX}, {"digest": layer, "size": 1}]})),
            "too large",
        ),
        ("a configuration that is a list", with(json!({"config": []})), "no valid digest"),
        ("an index of nothing", with(json!({"mediaType": INDEX, "manifests": [{}]})), "no valid digest"),
    ];
    for (row, text, words) in rows {
        let answer = push_manifest(&world, NAME, "bad", MANIFEST, &text).await;
        refused(row, &answer, 400, "MANIFEST_INVALID", words);
        assert_eq!(objects(&world, BUCKET).await.len(), before, "{row}: nothing was stored");
    }
    let none = send(&world, &format!("PUT /v2/{NAME}/manifests/bad"), &[], r#"{"schemaVersion":2}"#).await;
    refused("no media type at all", &none, 400, "MANIFEST_INVALID", "media type ''");
    let unknown = digest(b"never pushed");
    for (row, more) in [
        ("a layer that is not there", json!({"layers": [{"digest": unknown, "size": 1}]})),
        ("a configuration that is not there", json!({"config": {"digest": unknown, "size": 1}})),
        ("an index whose image is not there", json!({"mediaType": INDEX, "manifests": [{"digest": unknown}]})),
    ] {
        let answer = push_manifest(&world, NAME, "bad", MANIFEST, &with(more)).await;
        refused(row, &answer, 400, "MANIFEST_BLOB_UNKNOWN", &unknown);
    }
    let foreign = json!({"layers": [{"digest": unknown, "size": 1, "urls": ["https://elsewhere/layer"]}]});
    push_manifest(&world, NAME, "foreign", MANIFEST, &with(foreign)).await.expect(201);
    assert_eq!(get(&world, &format!("/v2/{NAME}/manifests/bad")).await.status, 404);
}

#[tokio::test]
async fn names_digests_and_tags_that_are_none() {
    let world = World::new().await;
    push_image(&world, NAME, "v1", b"layer").await;
    let before = objects(&world, BUCKET).await.len();
    let digests = ["sha256:0a", "sha512:00", "md5:00", "SHA256:00", "x", "sha256:", "sha256:..%2F..%2Fx", "%00"];
    let upper = format!("sha256:{}", "A".repeat(64));
    for bad in digests.into_iter().chain([upper.as_str()]) {
        for line in [
            format!("GET /v2/{NAME}/blobs/{bad}"),
            format!("HEAD /v2/{NAME}/blobs/{bad}"),
            format!("POST /v2/{NAME}/blobs/uploads/?digest={bad}"),
        ] {
            refused(&line, &send(&world, &line, &[], "layer").await, 400, "DIGEST_INVALID", "Invalid digest");
        }
    }
    let long = "x".repeat(129);
    for bad in [".v1", "-v1", "v%201", "v%2F1", "ü", "v1%00", long.as_str(), "sha256:0a"] {
        for verb in ["GET", "PUT", "DELETE"] {
            let answer = send(&world, &format!("{verb} /v2/{NAME}/manifests/{bad}"), &[], "{}").await;
            refused(&format!("{verb} {bad}"), &answer, 400, "MANIFEST_INVALID", "Invalid reference");
        }
    }
    let longest = format!("my-project/{}", "x".repeat(245));
    for bad in [
        "my-project/UPPER",
        "UPPER/web",
        "my-project/..",
        "my-project/../web",
        "my-project//web",
        "my-project/web/",
        "my-project/a___b",
        "my-project/%C3%BC",
        "my-project/a%2F..%2Fb",
        "-project/web",
        "my-project/web%00",
        "my-project",
        "example.com/my-project",
        longest.as_str(),
    ] {
        for line in [format!("POST /v2/{bad}/blobs/uploads/"), format!("GET /v2/{bad}/manifests/v1")] {
            refused(&line, &send(&world, &line, &[], "").await, 400, "NAME_INVALID", "Invalid repository name");
        }
    }
    let mount = format!("POST /v2/{NAME}/blobs/uploads/?mount=sha256:0a&from=my-project/else");
    send(&world, &mount, &[], "").await.expect(202);
    assert_eq!(objects(&world, BUCKET).await.len(), before);
}

#[tokio::test]
async fn uploads_that_are_not_what_they_say() {
    let world = World::new().await;
    push_image(&world, NAME, "v1", b"base").await;
    let before = objects(&world, BUCKET).await.len();
    let open = async || {
        let at = send(&world, &format!("POST /v2/{NAME}/blobs/uploads/"), &[], "").await.expect(202);
        at.headers["location"].clone()
    };
    let good = digest(b"layer");
    let wrong = digest(b"something else");
    // The digest is looked at before anything is taken: the upload is still there.
    let at = open().await;
    for bad in ["", "&digest=", "&digest=sha256:0a", "&digest=x"] {
        let answer = send(&world, &format!("PUT {at}{bad}"), &[], "layer").await;
        refused(bad, &answer, 400, "DIGEST_INVALID", "Invalid digest");
    }
    send(&world, &format!("PUT {at}&digest={good}"), &[], "layer").await.expect(201);
    let at = open().await;
    let answer = send(&world, &format!("PUT {at}&digest={wrong}"), &[], "layer").await;
    refused("another digest", &answer, 400, "DIGEST_INVALID", &format!("not {wrong}"));
    refused("and it is over", &get(&world, &at).await, 404, "BLOB_UPLOAD_UNKNOWN", "not known");
    let line = format!("POST /v2/{NAME}/blobs/uploads/?digest={wrong}");
    refused("in one request", &send(&world, &line, &[], "layer").await, 400, "DIGEST_INVALID", &wrong);
    for (row, verb, more) in [("a piece", "PATCH", String::new()), ("the end", "PUT", format!("&digest={wrong}"))] {
        let at = open().await;
        let chunks = [Ok(Bytes::from_static(b"lay")), Err(std::io::Error::other("the line broke"))];
        let request = http::Request::builder()
            .method(verb)
            .uri(format!("{at}{more}"))
            .header("host", "127.0.0.1:5000")
            .body(gcp_gateway::stream(futures_util::stream::iter(chunks)))
            .unwrap();
        let answer = world.0.handle(request).await;
        assert_eq!(answer.status(), 400, "{row} that broke off");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("BLOB_UPLOAD_INVALID"), "{row}: {body:?}");
        assert_eq!(get(&world, &at).await.status, 404, "{row}: it is over");
    }
    // Pieces that say where they go.
    let at = open().await;
    let patch = async |range: &str| send(&world, &format!("PATCH {at}"), &[("content-range", range)], "layer").await;
    for (range, status) in [("5-9", 416), ("0-", 400), ("x", 400), ("4-0", 416), ("0-18446744073709551615", 416)] {
        refused(range, &patch(range).await, status, "BLOB_UPLOAD_INVALID", range.split('-').next().unwrap_or(range));
    }
    assert_eq!(patch("0-4").await.expect(202).headers["range"], "0-4");
    assert_eq!(patch("bytes 5-9/10").await.expect(202).headers["range"], "0-9");
    refused("again", &patch("0-4").await, 416, "BLOB_UPLOAD_INVALID", "has 10 bytes");
    refused("shorter than it says", &patch("10-99").await, 400, "BLOB_UPLOAD_INVALID", "not as many bytes");
    refused("and it is over", &get(&world, &at).await, 404, "BLOB_UPLOAD_UNKNOWN", "not known");
    let names: Vec<_> = objects(&world, BUCKET).await.into_iter().map(|object| object.name).collect();
    assert_eq!(names.len(), before + 1, "the one that was right: {names:?}");
    assert!(names.contains(&format!("containers/images/{good}")));
}

#[tokio::test]
async fn ranges_of_a_blob() {
    let world = World::new().await;
    for size in [10, 200_000] {
        let layer: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        push_blob(&world, NAME, &layer).await.expect(201);
        let path = format!("GET /v2/{NAME}/blobs/{}", digest(&layer));
        let last = size - 1;
        for (range, status, from, to) in [
            ("bytes=0-0".to_owned(), 206, 0, 1),
            (format!("bytes={last}-"), 206, last, size),
            ("bytes=-3".to_owned(), 206, size - 3, size),
            (format!("bytes=8-{}", size * 2), 206, 8, size),
            ("bytes=5-2".to_owned(), 200, 0, size),
            ("bytes=x".to_owned(), 200, 0, size),
            ("bytes=0-1,4-5".to_owned(), 200, 0, size),
        ] {
            let answer = send(&world, &path, &[("range", &range)], "").await.expect(status);
            assert!(answer.bytes == layer[from..to], "{range} of {size}");
            assert_eq!(answer.headers["content-length"], (to - from).to_string(), "{range} of {size}");
            if status == 206 {
                assert_eq!(answer.headers["content-range"], format!("bytes {from}-{}/{size}", to - 1));
            }
        }
        for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
            let answer = send(&world, &path, &[("range", &range)], "").await;
            refused(&range, &answer, 416, "UNSUPPORTED", "cannot be satisfied");
        }
    }
}
