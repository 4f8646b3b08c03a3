//! Reference 1.1, 1.4 and 2.4: the XML API, as far as it is here.

use serde_json::json;

use super::{DISABLED, Reply, World};

const HOST: &str = "/storage.googleapis.com";

fn error(code: &str, text: &str) -> String {
    format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>")
}

/// 2.4, the XML form: the same sentence, the code with a capital letter.
#[tokio::test]
async fn an_object_can_be_read_at_its_xml_address() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    world.put("keyed", "a%2Fb", "", "secret").await.ok();
    for path in ["/keyed/a/b", "/keyed/a%2Fb"] {
        let read = world.get(&format!("{HOST}{path}")).await;
        assert_eq!((read.status, read.text().as_str()), (200, "secret"));
        assert_eq!(read.header("x-goog-encryption-kms-key-name"), format!("{key}/cryptoKeyVersions/1"));
    }
    let signed = world.get(&format!("{HOST}/keyed/a/b?X-Goog-Expires=9&X-Goog-Signature=00")).await;
    assert_eq!((signed.status, signed.text().as_str()), (200, "secret"), "2.5, a signed URL");
    let own = world.send("GET", "/a/b", &[("host", "keyed.storage.googleapis.com")], "").await;
    assert_eq!((own.status, own.text().as_str()), (200, "secret"), "at the bucket's own host");
    world.version(&key, 1, "DISABLED").await;
    let refused = world.get(&format!("{HOST}/keyed/a/b")).await;
    assert_eq!((refused.status, refused.text()), (400, error("CloudKmsDisabledKey", DISABLED)));
    for (path, status, code, text) in [
        ("/keyed/none", 404, "NoSuchKey", "No such object: keyed/none"),
        ("/none/o", 404, "NoSuchBucket", "The specified bucket does not exist."),
        ("/keyed/%FF", 400, "InvalidArgument", "The path is not valid UTF-8."),
    ] {
        let refused = world.get(&format!("{HOST}{path}")).await;
        assert_eq!((refused.status, refused.text()), (status, error(code, text)), "{path}");
    }
    // Without the service's name in the address the path means nothing.
    assert_eq!(world.get("/keyed/a/b").await.status, 404);
}

/// 1.4, last row: the key is named in a header, and so is the version in the answer.
#[tokio::test]
async fn an_object_can_be_put_and_deleted_at_its_xml_address() {
    let world = World::new().await;
    let (key, other) = (world.key("k").await, world.key("other").await);
    world.bucket_with_key("keyed", &other).await;
    let address = format!("{HOST}/keyed/dir/o");
    let put = async |headers: &[(&str, &str)], body: &'static str| world.send("PUT", &address, headers, body).await;
    let headers = [
        ("x-goog-encryption-kms-key-name", key.as_str()),
        ("content-type", "a/b"),
        ("x-goog-meta-who", "ann"),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
    ];
    let made = put(&headers, "hello").await;
    assert_eq!((made.status, made.body.len()), (200, 0));
    assert_eq!(made.header("x-goog-encryption-kms-key-name"), format!("{key}/cryptoKeyVersions/1"));
    let object = world.object("keyed", "dir%2Fo").await.ok();
    assert_eq!(
        (&object["contentType"], &object["metadata"], &object["generation"]),
        (&json!("a/b"), &json!({"who": "ann"}), &json!(made.header("x-goog-generation")))
    );
    assert_eq!(world.get(&address).await.header("x-goog-meta-who"), "ann");
    let refused = |reply: &Reply| (reply.status, reply.text());
    let unmet = "At least one of the pre-conditions you specified did not hold.";
    let generation = [("x-goog-if-generation-match", "0")];
    assert_eq!(refused(&put(&generation, "x").await), (412, error("PreconditionFailed", unmet)));
    let wrong = put(&[("x-goog-hash", "crc32c=AAAAAA==")], "x").await;
    assert!(wrong.status == 400 && wrong.text().contains("<Code>InvalidArgument</Code>"), "{}", wrong.text());
    assert_eq!(world.object("keyed", "dir%2Fo").await.ok(), object, "nothing has changed");
    // Without the header the bucket's default.
    let by_default = put(&[], "x").await;
    assert_eq!(by_default.header("x-goog-encryption-kms-key-name"), format!("{other}/cryptoKeyVersions/1"));
    assert_eq!(world.send("DELETE", &address, &[], "").await.status, 204);
    assert_eq!(world.get(&address).await.status, 404);
}

#[tokio::test]
async fn the_rest_of_the_xml_api_says_that_it_is_missing() {
    let world = World::new().await;
    world.bucket("plain").await;
    world.put("plain", "o", "", "x").await.ok();
    for (verb, path, headers) in [
        ("GET", "/plain", vec![]),
        ("GET", "/plain/o?acl", vec![]),
        ("PUT", "/plain", vec![]),
        ("PUT", "/plain/o?tagging", vec![]),
        ("PUT", "/plain/p", vec![("x-goog-copy-source", "/plain/o")]),
        ("POST", "/plain/p?uploads", vec![]),
        ("POST", "/plain/p", vec![]),
        ("DELETE", "/plain", vec![]),
    ] {
        let answer = world.send(verb, &format!("{HOST}{path}"), &headers, "").await;
        let text = format!("Method {verb} of the XML API is not implemented by this emulator.");
        assert_eq!((answer.status, answer.text()), (501, error("NotImplemented", &text)), "{verb} {path}");
    }
    assert_eq!(world.names("plain", "").await, ["o"]);
}
