//! The ten points that broke real clients, each as the client sends it.

use crate::bench::{KEY, RING, call, call_with, done, emulator, key_for_storage};

const BUCKET: &str = "/storage/v1/b?project=my-project";

#[tokio::test]
async fn point_1_bytes_come_in_both_alphabets() {
    let world = emulator().await;
    key_for_storage(&world).await;
    for text in ["-_8=", "-_8", "+/8=", "+/8"] {
        let sealed = done(&world, "POST", &format!("/v1/{KEY}:encrypt"), format!(r#"{{"plaintext":"{text}"}}"#)).await;
        let cipher = sealed["ciphertext"].as_str().expect("a ciphertext");
        let url_safe = cipher.replace('+', "-").replace('/', "_");
        let opened =
            done(&world, "POST", &format!("/v1/{KEY}:decrypt"), format!(r#"{{"ciphertext":"{url_safe}"}}"#)).await;
        assert_eq!(opened["plaintext"], "+/8=", "answers are in the standard alphabet");
    }
}

#[tokio::test]
async fn point_2_multipart_with_single_quotes_and_bare_line_feeds() {
    let world = emulator().await;
    done(&world, "POST", BUCKET, r#"{"name":"my-data"}"#).await;
    let body = "--===1==\nContent-Type: application/json\nMIME-Version: 1.0\n\n{\"name\": \"small.txt\"}\n--===1==\nContent-Type: text/plain\n\nline\n\n--===1==--\n";
    let kind = "multipart/related; boundary='===1=='";
    let answer = call_with(
        &world,
        "POST",
        "/upload/storage/v1/b/my-data/o?uploadType=multipart",
        &[("content-type", kind)],
        body,
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.message());
    assert_eq!(call(&world, "GET", "/storage/v1/b/my-data/o/small.txt?alt=media", "").await.body, "line\n");
}

#[tokio::test]
async fn point_3_true_with_a_capital() {
    let world = emulator().await;
    done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    let path = format!("{RING}/r/cryptoKeys?cryptoKeyId=k&skipInitialVersionCreation=True");
    assert_eq!(done(&world, "POST", &path, r#"{"purpose":"ENCRYPT_DECRYPT"}"#).await.get("primary"), None);
}

#[tokio::test]
async fn point_4_enums_as_numbers() {
    let world = emulator().await;
    done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    let path = format!("{RING}/r/cryptoKeys?cryptoKeyId=k&%24alt=json%3Benum-encoding%3Dint");
    assert_eq!(done(&world, "POST", &path, r#"{"purpose":1}"#).await["purpose"], 1);
}

#[tokio::test]
async fn point_5_output_only_fields_are_no_claims() {
    let world = emulator().await;
    done(&world, "POST", BUCKET, r#"{"name":"my-data"}"#).await;
    done(&world, "POST", "/upload/storage/v1/b/my-data/o?uploadType=media&name=a", "aaa").await;
    let body =
        r#"{"sourceObjects":[{"name":"a"},{"name":"a"}],"destination":{"crc32c":"AAAAAA==","md5Hash":"x","etag":"y"}}"#;
    let made = done(&world, "POST", "/storage/v1/b/my-data/o/both/compose", body).await;
    assert_eq!(made["componentCount"], 2);
    assert_eq!(made.get("md5Hash"), None);
    let body = r#"{"name":"my-data","etag":"z","metageneration":"9","labels":{"a":"b"}}"#;
    assert_eq!(done(&world, "PATCH", "/storage/v1/b/my-data", body).await["metageneration"], "2");
}

#[tokio::test]
async fn point_6_null_clears() {
    let world = emulator().await;
    key_for_storage(&world).await;
    for clear in [r#"{"encryption":null}"#, r#"{"encryption":{"defaultKmsKeyName":null}}"#] {
        let name = format!("bucket-{}", clear.len());
        let body = serde_json::json!({"name": name, "encryption": {"defaultKmsKeyName": KEY}}).to_string();
        done(&world, "POST", BUCKET, body).await;
        let untouched = done(&world, "PATCH", &format!("/storage/v1/b/{name}"), r#"{"encryption":{}}"#).await;
        assert_eq!(untouched["encryption"]["defaultKmsKeyName"], KEY, "an empty object changes nothing");
        assert_eq!(done(&world, "PATCH", &format!("/storage/v1/b/{name}"), clear).await.get("encryption"), None);
    }
}

#[tokio::test]
async fn points_7_and_8_resumable_uploads_at_every_root_in_every_form() {
    let world = emulator().await;
    done(&world, "POST", BUCKET, r#"{"name":"my-data"}"#).await;
    for root in ["/upload/storage/v1", "/resumable/upload/storage/v1", "/storage/v1/upload/storage/v1"] {
        for (row, chunks) in [
            ("whole", vec![("bytes 0-4/5", "hello")]),
            ("length unknown at first", vec![("bytes 0-4/*", "hello"), ("bytes */5", "")]),
            ("Node's open range", vec![("bytes 0-*/*", "hello")]),
        ] {
            let start = call(&world, "POST", &format!("{root}/b/my-data/o?uploadType=resumable&name=o"), "{}").await;
            let location = start.headers["location"].to_str().expect("an address").to_owned();
            assert!(location.starts_with("http://127.0.0.1:8787/upload/"), "built from the request's Host: {location}");
            let mut last = 0;
            for (range, bytes) in chunks {
                let path = location.trim_start_matches("http://127.0.0.1:8787");
                last = call_with(&world, "PUT", path, &[("content-range", range)], bytes).await.status;
            }
            assert_eq!(last, 200, "{root} {row}");
            assert_eq!(call(&world, "GET", "/b/my-data/o/o?alt=media", "").await.body, "hello", "{root} {row}");
        }
    }
}

#[tokio::test]
async fn point_9_a_manifest_is_read_by_a_client_with_many_accept_lines() {
    let world = emulator().await;
    assert_eq!(crate::bench::push(&world, "my-project/web", "v1", b"layer").await.status, 201);
    let accepts = [
        ("accept", "application/vnd.docker.distribution.manifest.v2+json"),
        ("accept", "application/vnd.oci.image.manifest.v1+json"),
    ];
    let answer = call_with(&world, "GET", "/v2/my-project/web/manifests/v1", &accepts, "").await;
    assert_eq!(answer.headers["content-type"], "application/vnd.oci.image.manifest.v1+json");
    assert!(answer.headers.contains_key("docker-content-digest"));
}

/// Nagle's delay costs 44 ms an answer: twenty answers on one connection must not take that long.
#[tokio::test]
async fn point_10_small_answers_do_not_wait() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let running =
        cmek_emulator::Emulator::builder().seed(7).frozen_at(crate::bench::START).start().await.expect("a port");
    let mut socket = tokio::net::TcpStream::connect(running.address()).await.expect("a connection");
    socket.set_nodelay(true).expect("a socket");
    let mut buffer = [0; 4096];
    let exchange = async {
        for _ in 0..20 {
            socket.write_all(b"GET /_emulator/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await.expect("sent");
            let mut answer = String::new();
            while !answer.contains("\"version\"") || !answer.trim_end().ends_with('}') {
                let read = socket.read(&mut buffer).await.expect("read");
                assert!(read > 0, "the connection stays");
                answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_millis(800), exchange)
        .await
        .expect("twenty answers without a pause of 40 ms each");
    running.stop().await;
}
