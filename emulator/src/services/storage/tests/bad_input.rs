//! Bad input: Google's status and reason, a sentence that says what is wrong, no panic, and nothing half-done.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Reply, World};

/// What each row must look like; the sentence must name what is wrong.
#[track_caller]
fn refused(row: &str, answer: &Reply, status: u16, reason: &str, words: &str) {
    let (found, given, text) = answer.refusal();
    assert_eq!((found, given.as_str()), (status, reason), "{row}: {}", answer.text());
    assert!(text.contains(words), "{row}: {text}");
}

/// A bucket `images` with object `o`.
async fn filled() -> World {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "x").await.ok();
    world
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be() {
    let world = filled().await;
    let before = world.picture("images").await;
    let (bucket, object) = ("/storage/v1/b/images", "/storage/v1/b/images/o/o");
    let insert = "/storage/v1/b?project=my-project";
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let resumable = "/upload/storage/v1/b/images/o?uploadType=resumable&name=new";
    let rows = [
        ("cut JSON", "POST", insert, r#"{"name":"#.to_owned(), "parseError", "Invalid JSON payload"),
        ("a list", "POST", insert, "[]".to_owned(), "parseError", "must be an object"),
        ("no JSON", "PATCH", bucket, "labels=a".to_owned(), "parseError", "Invalid JSON payload"),
        ("no UTF-8", "PATCH", object, "{\"a\":\"\u{1}\"}".to_owned(), "parseError", "Invalid JSON payload"),
        ("very deep", "PATCH", bucket, format!(r#"{{"labels":{deep}}}"#), "parseError", "recursion limit"),
        ("no name", "POST", insert, "{}".to_owned(), "required", "Required parameter: name"),
        ("a name that is a number", "POST", insert, r#"{"name":5}"#.to_owned(), "required", "name"),
        ("a place that is none", "POST", insert, r#"{"name":"fresh","location":"MARS"}"#.to_owned(), "invalid", "MARS"),
        (
            "a place that is a number",
            "POST",
            insert,
            r#"{"name":"fresh","location":5}"#.to_owned(),
            "invalid",
            "location",
        ),
        ("labels", "PATCH", bucket, r#"{"labels":"a"}"#.to_owned(), "invalid", "labels"),
        ("a label", "PATCH", bucket, r#"{"labels":{"a":1}}"#.to_owned(), "invalid", "labels.a"),
        ("versioning", "PATCH", bucket, r#"{"versioning":true}"#.to_owned(), "invalid", "versioning"),
        (
            "versioning.enabled",
            "PATCH",
            bucket,
            r#"{"versioning":{"enabled":"x"}}"#.to_owned(),
            "invalid",
            "versioning",
        ),
        ("lifecycle", "PATCH", bucket, r#"{"lifecycle":"never"}"#.to_owned(), "invalid", "lifecycle"),
        ("cors", "PATCH", bucket, r#"{"cors":{}}"#.to_owned(), "invalid", "cors"),
        ("storageClass", "PATCH", bucket, r#"{"storageClass":"HOT"}"#.to_owned(), "invalid", "HOT"),
        ("encryption", "PATCH", bucket, r#"{"encryption":"none"}"#.to_owned(), "invalid", "encryption"),
        (
            "defaultKmsKeyName",
            "PATCH",
            bucket,
            r#"{"encryption":{"defaultKmsKeyName":5}}"#.to_owned(),
            "invalid",
            "defaultKmsKeyName",
        ),
        (
            "restrictionMode",
            "PATCH",
            bucket,
            r#"{"encryption":{"googleManagedEncryptionEnforcementConfig":{"restrictionMode":"Maybe"}}}"#.to_owned(),
            "invalid",
            "restrictionMode",
        ),
        (
            "uniform access",
            "PATCH",
            bucket,
            r#"{"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":1}}}"#.to_owned(),
            "invalid",
            "uniformBucketLevelAccess",
        ),
        ("contentType", "PATCH", object, r#"{"contentType":5}"#.to_owned(), "invalid", "contentType"),
        ("metadata", "PATCH", object, r#"{"metadata":["a"]}"#.to_owned(), "invalid", "metadata"),
        ("a value of metadata", "PATCH", object, r#"{"metadata":{"k":{}}}"#.to_owned(), "invalid", "metadata.k"),
        ("a hold", "PATCH", object, r#"{"temporaryHold":"yes"}"#.to_owned(), "invalid", "temporaryHold"),
        ("customTime", "PATCH", object, r#"{"customTime":"yesterday"}"#.to_owned(), "invalid", "customTime"),
        ("kmsKeyName", "PATCH", object, r#"{"kmsKeyName":{}}"#.to_owned(), "invalid", "kmsKeyName"),
        ("an upload's metadata", "POST", resumable, r#"{"metadata":{"k":[]}}"#.to_owned(), "invalid", "metadata.k"),
        ("an upload's class", "POST", resumable, r#"{"storageClass":"HOT"}"#.to_owned(), "invalid", "HOT"),
        (
            "a rewrite's class",
            "POST",
            "/storage/v1/b/images/o/o/rewriteTo/b/images/o/new",
            r#"{"storageClass":"HOT"}"#.to_owned(),
            "invalid",
            "HOT",
        ),
        (
            "a composition of nothing",
            "POST",
            "/storage/v1/b/images/o/new/compose",
            "{}".to_owned(),
            "invalid",
            "between 1 and 32",
        ),
        (
            "a source's generation",
            "POST",
            "/storage/v1/b/images/o/new/compose",
            r#"{"sourceObjects":[{"name":"o","generation":"x"}]}"#.to_owned(),
            "invalid",
            "generation",
        ),
        (
            "a source's precondition",
            "POST",
            "/storage/v1/b/images/o/new/compose",
            r#"{"sourceObjects":[{"name":"o","objectPreconditions":{"ifGenerationMatch":"x"}}]}"#.to_owned(),
            "invalid",
            "ifGenerationMatch",
        ),
        (
            "a policy",
            "PUT",
            "/storage/v1/b/images/iam",
            r#"{"bindings":5}"#.to_owned(),
            "parseError",
            "Invalid JSON payload",
        ),
        (
            "a policy's role",
            "PUT",
            "/storage/v1/b/images/iam",
            r#"{"bindings":[{"role":"boss","members":["allUsers"]}]}"#.to_owned(),
            "invalid",
            "boss",
        ),
        (
            "a policy's member",
            "PUT",
            "/storage/v1/b/images/iam",
            r#"{"bindings":[{"role":"roles/storage.objectViewer","members":["ann"]}]}"#.to_owned(),
            "invalid",
            "ann",
        ),
    ];
    for (row, verb, path, body, reason, words) in rows {
        let answer = world.send(verb, path, &[("content-type", "application/json")], body).await;
        refused(row, &answer, 400, reason, words);
        assert_eq!(world.picture("images").await, before, "{row}: nothing has changed");
    }
    let broken = Bytes::from_static(b"{\"labels\":{\"a\":\"\xff\"}}");
    let answer = world.send("PATCH", bucket, &[("content-type", "application/json")], broken).await;
    refused("no UTF-8", &answer, 400, "parseError", "Invalid JSON payload");
    let large = format!(r#"{{"labels":{{"a":"{}"}}}}"#, "x".repeat(11 << 20));
    let answer = world.send("PATCH", bucket, &[], large).await;
    refused("eleven megabytes", &answer, 413, "uploadTooLarge", "exceeds the limit");
    assert_eq!(world.get("/storage/v1/b/fresh").await.status, 404);
    assert_eq!(world.picture("images").await, before);
}

#[tokio::test]
async fn parameters_that_are_not_what_they_should_be() {
    let world = filled().await;
    let before = world.picture("images").await;
    let (list, object) = ("/storage/v1/b/images/o", "/storage/v1/b/images/o/o");
    let upload = "/upload/storage/v1/b/images/o?uploadType=media&name=new";
    let rewrite = "/storage/v1/b/images/o/o/rewriteTo/b/images/o/new";
    let huge = "99999999999999999999";
    let rows = [
        ("GET", "/storage/v1/b".to_owned(), "required", "Required parameter: project"),
        ("GET", "/storage/v1/b?project=".to_owned(), "required", "Required parameter: project"),
        ("POST", "/storage/v1/b".to_owned(), "required", "Required parameter: project"),
        ("GET", "/storage/v1/b?project=NO!".to_owned(), "invalid", "NO!"),
        ("GET", "/storage/v1/b?project=my-project&maxResults=-1".to_owned(), "invalid", "maxResults: '-1'"),
        ("GET", format!("/storage/v1/b?project=my-project&maxResults={huge}"), "invalid", "maxResults"),
        ("GET", "/storage/v1/b?project=my-project&pageToken=!".to_owned(), "invalid", "pageToken: '!'"),
        ("GET", format!("{list}?maxResults=0"), "invalid", "maxResults: '0'"),
        ("GET", format!("{list}?maxResults=-5"), "invalid", "maxResults: '-5'"),
        ("GET", format!("{list}?maxResults=many"), "invalid", "maxResults: 'many'"),
        ("GET", format!("{list}?maxResults={huge}"), "invalid", "maxResults"),
        ("GET", format!("{list}?pageToken=%21"), "invalid", "pageToken: '!'"),
        ("GET", format!("{list}?pageToken=_w"), "invalid", "pageToken: '_w'"),
        ("GET", format!("{list}?matchGlob=%5B"), "invalid", "matchGlob: '['"),
        ("GET", format!("{list}?prefix=%FF"), "invalid", "UTF-8"),
        ("GET", format!("{object}?generation=-1"), "invalid", "generation: '-1'"),
        ("GET", format!("{object}?generation={huge}"), "invalid", "generation"),
        ("GET", format!("{object}?ifGenerationMatch=x"), "invalid", "ifGenerationMatch: 'x'"),
        ("GET", format!("{object}?ifGenerationNotMatch=-1"), "invalid", "ifGenerationNotMatch: '-1'"),
        ("DELETE", format!("{object}?generation=-1"), "invalid", "generation: '-1'"),
        ("DELETE", format!("{object}?ifGenerationMatch=-1"), "invalid", "ifGenerationMatch: '-1'"),
        ("DELETE", format!("{object}?ifMetagenerationMatch=-1"), "invalid", "ifMetagenerationMatch: '-1'"),
        ("PATCH", format!("{object}?generation=1.5"), "invalid", "generation: '1.5'"),
        ("PATCH", "/storage/v1/b/images?ifMetagenerationMatch=x".to_owned(), "invalid", "ifMetagenerationMatch"),
        ("POST", format!("{upload}&ifGenerationMatch=-1"), "invalid", "ifGenerationMatch: '-1'"),
        ("POST", format!("{rewrite}?sourceGeneration=-1"), "invalid", "sourceGeneration: '-1'"),
        ("POST", format!("{rewrite}?ifSourceGenerationMatch=x"), "invalid", "ifSourceGenerationMatch: 'x'"),
        ("POST", format!("{rewrite}?maxBytesRewrittenPerCall=0"), "invalid", "1 MiB"),
        ("POST", format!("{rewrite}?maxBytesRewrittenPerCall=1000"), "invalid", "1 MiB"),
        ("POST", format!("{rewrite}?maxBytesRewrittenPerCall=-1"), "invalid", "maxBytesRewrittenPerCall"),
        ("POST", "/upload/storage/v1/b/images/o?name=new".to_owned(), "invalid", "uploadType"),
        ("POST", "/upload/storage/v1/b/images/o?name=new&uploadType=post".to_owned(), "invalid", "uploadType"),
        ("POST", "/upload/storage/v1/b/images/o?uploadType=media".to_owned(), "required", "Required"),
        ("POST", "/upload/storage/v1/b/images/o?uploadType=media&name=%FF".to_owned(), "invalid", "UTF-8"),
        ("POST", "/upload/storage/v1/b/images/o?uploadType=resumable".to_owned(), "required", "Required"),
    ];
    for (verb, path, reason, words) in rows {
        let row = format!("{verb} {path}");
        let answer = world.send(verb, &path, &[("content-length", "0")], "").await;
        refused(&row, &answer, 400, reason, words);
        assert_eq!(world.picture("images").await, before, "{row}: nothing has changed");
    }
    // What is only large or strange is no mistake.
    for query in ["maxResults=2147483648", "pageToken=", "prefix=%00", "startOffset=z&endOffset=a", "fields=items("] {
        world.get(&format!("{list}?{query}")).await.ok();
    }
    world.get("/storage/v1/b?project=my-project&maxResults=2147483648").await.ok();
    let unknown = [
        ("an upload id", "PUT", "/upload/storage/v1/b/images/o?uploadType=resumable&upload_id=none"),
        ("an upload id, by POST", "POST", "/upload/storage/v1/b/images/o?uploadType=resumable&upload_id=none"),
        ("an upload id to be cancelled", "DELETE", "/upload/storage/v1/b/images/o?upload_id=none"),
    ];
    for (row, verb, path) in unknown {
        refused(row, &world.send(verb, path, &[], "").await, 410, "notFound", "not found or expired");
    }
    let stale = world.call("POST", &format!("{rewrite}?rewriteToken=none"), json!({})).await;
    refused("a rewrite token", &stale, 410, "gone", "not valid any more");
}

/// 1.2 and client calls: names of objects, as they come in paths, queries, metadata and copies.
#[tokio::test]
async fn strange_names_of_objects() {
    let world = World::new().await;
    world.bucket("images").await;
    let escape = super::super::resource::escape;
    let longest = "x".repeat(1024);
    let taken = [
        "a/b",
        "/",
        "//",
        "a//b",
        "./a",
        "../a",
        "a/../b",
        "...",
        " ",
        "a b",
        "a+b",
        "a%b",
        "%2F",
        "a?b#c",
        "ü",
        "e\u{301}",
        "日本語",
        "\u{1f600}",
        "\u{10ffff}",
        "a\tb",
        "a\u{1}b",
        "\u{7f}",
        "a\\b",
        "\"'<>&",
        "compose",
        "a/acl",
        "iam",
        "o",
        ".well-known/other",
        longest.as_str(),
    ];
    for name in taken {
        let made = world.put("images", &escape(name), "", name.to_owned()).await.ok();
        assert_eq!(made["name"], json!(name));
        assert_eq!(world.object("images", &escape(name)).await.ok()["name"], json!(name), "{name:?}");
        assert_eq!(world.read("images", &escape(name)).await.text(), name, "{name:?}");
        let link = made["mediaLink"].as_str().expect("a link").replace("http://127.0.0.1:8787", "");
        assert_eq!(world.get(&link).await.text(), name, "{name:?}: its own link");
    }
    let mut sorted: Vec<String> = taken.iter().map(|name| (*name).to_owned()).collect();
    sorted.sort();
    assert_eq!(world.names("images", "").await, sorted);
    let too_long = "x".repeat(1025);
    let wide = "ü".repeat(513);
    let refusals: [(&str, &str); 10] = [
        ("..", "reserved"),
        (".", "reserved"),
        ("a\nb", "line ends"),
        ("a\rb", "line ends"),
        ("a\0b", "null"),
        ("\0", "null"),
        (".well-known/acme-challenge/x", "reserved"),
        (&too_long, "1024 bytes"),
        (&wide, "1024 bytes"),
        ("", "Required"),
    ];
    for (name, words) in refusals {
        let escaped = escape(name);
        let reason = if name.is_empty() { "required" } else { "invalid" };
        let row = &name.chars().take(12).collect::<String>();
        let mut answers = vec![
            world.put("images", &escaped, "", "x").await,
            world.put_parts("images", "", json!({"name": name}), "x").await,
            world.call("POST", "/upload/storage/v1/b/images/o?uploadType=resumable", json!({"name": name})).await,
        ];
        if !name.is_empty() {
            let object = "/storage/v1/b/images/o/o";
            answers.push(world.call("POST", &format!("{object}/rewriteTo/b/images/o/{escaped}"), json!({})).await);
            answers.push(world.call("POST", &format!("{object}/copyTo/b/images/o/{escaped}"), json!({})).await);
            answers.push(world.call("POST", &format!("{object}/moveTo/o/{escaped}"), json!({})).await);
            let sources = json!({"sourceObjects": [{"name": "o"}]});
            answers.push(world.call("POST", &format!("/storage/v1/b/images/o/{escaped}/compose"), sources).await);
            assert_eq!(world.object("images", &escaped).await.status, 404, "{row:?}: it cannot be there");
        }
        for answer in &answers {
            refused(&format!("{row:?}"), answer, 400, reason, words);
        }
    }
    assert_eq!(world.names("images", "").await, sorted, "nothing came of them");
    let broken = world.get("/storage/v1/b/images/o/%FF").await;
    refused("a name that is no UTF-8", &broken, 400, "invalid", "UTF-8");
    // A bucket's name cannot reach into another bucket's objects.
    for name in ["images%00o", "images%2Fo", "%00", "..", "images%20"] {
        assert_eq!(world.get(&format!("/storage/v1/b/{name}/o/o?generation=1")).await.status, 404, "{name}");
        assert_eq!(world.get(&format!("/storage/v1/b/{name}/o")).await.status, 404, "{name}");
    }
}

/// Uploads that break off or are not what they say: 400, and no object, in the folder neither.
#[tokio::test]
async fn uploads_that_end_early() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::with(crate::builder::Builder::default().data_dir(folder.path())).await;
    world.bucket("images").await;
    let broken = |bytes: Vec<u8>| {
        let chunks = [Ok(Bytes::from(bytes)), Err(std::io::Error::other("the line broke"))];
        gcp_gateway::stream(futures_util::stream::iter(chunks))
    };
    let media = "/upload/storage/v1/b/images/o?uploadType=media&name=new";
    let parts = "/upload/storage/v1/b/images/o?uploadType=multipart";
    let kind = ("content-type", "multipart/related; boundary=b");
    let half = |size: usize| {
        let mut body = b"--b\r\n\r\n{\"name\":\"new\"}\r\n--b\r\n\r\n".to_vec();
        body.extend(vec![7; size]);
        body
    };
    for (row, path, headers, body) in [
        ("a small body", media, vec![("content-length", "10")], vec![7; 5]),
        ("a large body", media, vec![("content-length", "3000000")], vec![7; 2_000_000]),
        ("a body of unknown length", media, vec![], vec![7; 2_000_000]),
        ("multipart", parts, vec![kind], half(10)),
        ("multipart, large", parts, vec![kind], half(2_000_000)),
    ] {
        let answer = world.stream("POST", path, &headers, broken(body)).await;
        refused(row, &answer, 400, "invalid", "before its body was complete");
    }
    for (row, length, body, words) in [
        ("fewer bytes than said", "10", vec![7; 5], "before its body was complete"),
        ("many fewer bytes than said", "3000000", vec![7; 2_000_000], "before its body was complete"),
        ("more bytes than said", "100000", vec![7; 200_000], "more bytes than it says"),
    ] {
        let answer = world.stream("POST", media, &[("content-length", length)], gcp_gateway::full(body)).await;
        refused(row, &answer, 400, "invalid", words);
    }
    let whole = |media: &str| format!("--b\r\n\r\n{{\"name\":\"new\"}}\r\n--b\r\n\r\n{media}\r\n--b--").into_bytes();
    let good = whole("x");
    for (row, headers, body, reason) in [
        ("no boundary", vec![("content-type", "multipart/related")], good.clone(), "badRequest"),
        ("an empty boundary", vec![("content-type", "multipart/related; boundary=")], good.clone(), "badRequest"),
        ("another boundary", vec![("content-type", "multipart/related; boundary=c")], good.clone(), "badRequest"),
        ("no end", vec![kind], good[..good.len() - 2].to_vec(), "badRequest"),
        ("one part", vec![kind], b"--b\r\n\r\n{}\r\n--b--".to_vec(), "badRequest"),
        ("three parts", vec![kind], whole("x\r\n--b\r\n\r\ny"), "badRequest"),
        ("no JSON", vec![kind], b"--b\r\n\r\nname\r\n--b\r\n\r\nx\r\n--b--".to_vec(), "parseError"),
        ("nothing", vec![kind], Vec::new(), "badRequest"),
    ] {
        let answer = world.send("POST", parts, &headers, body).await;
        assert_eq!((answer.status, answer.refusal().1.as_str()), (400, reason), "{row}: {}", answer.text());
    }
    for hash in ["crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA==", "crc32c=?"] {
        for body in [vec![7; 10], vec![7; 200_000]] {
            let answer = world.send("POST", media, &[("x-goog-hash", hash)], body).await;
            refused(hash, &answer, 400, "invalid", "doesn't match calculated");
        }
    }
    assert_eq!(world.names("images", "versions=true").await, Vec::<String>::new(), "no object");
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).expect("a folder").count(), 0, "and no bytes");
}

/// Chunks of a resumable upload: what broke off counts as far as it came, what contradicts itself does not count.
#[tokio::test]
async fn chunks_that_are_not_what_they_say() {
    let world = World::new().await;
    world.bucket("images").await;
    let start = world.call("POST", "/upload/storage/v1/b/images/o?uploadType=resumable&name=new", json!({})).await;
    let url = start.header("location").replace("http://127.0.0.1:8787", "");
    let at = async || world.send("PUT", &url, &[("content-range", "bytes */*")], "").await.header("range");
    for (range, status) in [
        ("bytes 5-1/9", 400),
        ("bytes 0-9/10", 400),
        ("bytes 0-4/3", 400),
        ("bytes 0-18446744073709551615/*", 400),
        ("bytes 0-99999999999999999999/*", 400),
        ("bytes -5/9", 400),
        ("bytes 0-/9", 400),
        ("bytes x", 400),
        ("octets 0-4/5", 400),
        ("bytes 7-11/12", 503),
    ] {
        let answer = world.send("PUT", &url, &[("content-range", range), ("content-length", "5")], "hello").await;
        assert_eq!(answer.status, status, "{range}: {}", answer.text());
        assert!(answer.refusal().2.len() > 8 && at().await.is_empty(), "{range}");
    }
    let chunks = [Ok(Bytes::from(vec![7; 300_000])), Err(std::io::Error::other("the line broke"))];
    let body = gcp_gateway::stream(futures_util::stream::iter(chunks));
    let answer = world.stream("PUT", &url, &[("content-range", "bytes 0-399999/500000")], body).await;
    refused("a chunk that broke off", &answer, 400, "invalid", "before its body was complete");
    assert_eq!(at().await, "bytes=0-299999", "what came stays");
    assert_eq!(world.object("images", "new").await.status, 404);
    let behind = world.send("PUT", &url, &[("content-range", "bytes 0-4/500000")], "hello").await;
    refused("a chunk from before", &behind, 400, "invalid", "has 300000 bytes");
    let wrong = world.send("PUT", &url, &[("content-range", "bytes */200000")], "").await;
    refused("an end before what is there", &wrong, 400, "invalid", "has 300000 bytes");
    let rest = world.send("PUT", &url, &[("content-range", "bytes 300000-499999/500000")], vec![7; 200_000]).await.ok();
    assert_eq!(rest["size"], json!("500000"));
    assert!(world.read("images", "new").await.body == vec![7; 500_000]);
}

#[tokio::test]
async fn ranges_of_a_read() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "0123456789").await.ok();
    world.put("images", "none", "", "").await.ok();
    let path = "/storage/v1/b/images/o/o?alt=media";
    for (range, status, text) in [
        ("bytes=0-0", 206, "0"),
        ("bytes=9-", 206, "9"),
        ("bytes=8-99", 206, "89"),
        ("bytes=-99", 206, "0123456789"),
        ("bytes=10-", 416, "The requested range cannot be satisfied."),
        ("bytes=10-20", 416, "The requested range cannot be satisfied."),
        ("bytes=-0", 416, "The requested range cannot be satisfied."),
        ("bytes=5-2", 200, "0123456789"),
        ("bytes=a-b", 200, "0123456789"),
        ("bytes=0-1,4-5", 200, "0123456789"),
        ("lines=0-1", 200, "0123456789"),
        ("bytes=99999999999999999999-", 200, "0123456789"),
    ] {
        let answer = world.send("GET", path, &[("range", range)], "").await;
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{range}");
    }
    let empty = world.send("GET", "/storage/v1/b/images/o/none?alt=media", &[("range", "bytes=0-")], "").await;
    assert_eq!(empty.status, 416);
    let xml = world.send("GET", "/storage.googleapis.com/images/o", &[("range", "bytes=10-")], "").await;
    assert!(xml.status == 416 && xml.text().contains("<Code>InvalidRange</Code>"), "{}", xml.text());
}

#[tokio::test]
async fn batches_that_are_not_what_they_should_be() {
    let world = filled().await;
    let before = world.picture("images").await;
    let kind = "multipart/mixed; boundary=b";
    let part = |line: &str| format!("--b\nContent-Type: application/http\n\n{line}\n\n\n--b--\n");
    for (row, kind, body) in [
        ("no boundary", "multipart/mixed", part("GET /storage/v1/b/images HTTP/1.1")),
        ("no parts", kind, "nothing".to_owned()),
        ("no request line", kind, part("")),
        ("half a request line", kind, part("GET")),
        ("empty", kind, String::new()),
    ] {
        let answer = world.send("POST", "/batch/storage/v1", &[("content-type", kind)], body).await;
        refused(row, &answer, 400, "badRequest", "Failed to parse batch request");
    }
    for line in [
        "G@T /storage/v1/b/images HTTP/1.1",
        "GET nowhere HTTP/1.1",
        "GET /storage/v1/b/images/o/o?alt=media HTTP/1.1",
        "POST /batch/storage/v1 HTTP/1.1",
        "POST /upload/storage/v1/b/images/o?uploadType=media&name=new HTTP/1.1",
        "GET http:// HTTP/1.1",
    ] {
        let answer = world.send("POST", "/batch/storage/v1", &[("content-type", kind)], part(line)).await;
        assert_eq!(answer.status, 200, "{line}");
        assert!(answer.text().contains("HTTP/1.1 400 "), "{line}: {}", answer.text());
    }
    let large = part(&"x".repeat(11 << 20));
    let answer = world.send("POST", "/batch/storage/v1", &[("content-type", kind)], large).await;
    refused("eleven megabytes", &answer, 413, "uploadTooLarge", "exceeds the limit");
    assert_eq!(world.picture("images").await, before);
}

/// Every refusal of Storage is in the older form, whoever makes it.
#[tokio::test]
async fn each_refusal_has_a_reason() {
    let world = World::with(crate::builder::Builder::default().projects(crate::ProjectMode::Strict)).await;
    let nobody = world.get("/storage/v1/b?project=never-created").await;
    refused("a project that is not there", &nobody, 403, "forbidden", "The caller does not have permission");
    assert_eq!(nobody.json()["error"].get("status"), None);
    let world = filled().await;
    let path = "/v1/projects/my-project/services/storage.googleapis.com:disable";
    world.call("POST", path, json!({"disableDependentServices": true})).await.ok();
    let disabled = world.get("/storage/v1/b/images").await;
    refused("the API is disabled", &disabled, 403, "accessNotConfigured", "it is disabled");
    assert_eq!(disabled.json()["error"]["details"][0]["reason"], json!("SERVICE_DISABLED"));
    assert_eq!(world.get("/storage/v1/nowhere").await.refusal(), (404, "notFound".to_owned(), "Not Found".to_owned()));
    assert_eq!(world.get("/storage/v1/b/images/o/o/iam").await.json()["error"]["code"], Value::from(501));
}
