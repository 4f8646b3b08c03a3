//! What callers may do when they are checked, and reading by the XML API's address.

use serde_json::json;

use super::{DISABLED, Reply, World};
use crate::builder::Builder;
use crate::doors;
use crate::kernel::settings::IamMode;
use crate::kernel::{Caller, Mode, Spec};

impl World {
    /// Gives a role on a resource from within: in this world nobody may, to begin with.
    async fn allow(&self, resource: &'static str, role: &str, member: &str) {
        let spec = Spec {
            method: "test",
            api: "",
            permission: "",
            resource: String::new(),
            mode: Mode::Write,
            caller: Caller::default(),
            base_url: String::new(),
        };
        let binding =
            gcp_schema::iam::Binding { role: role.to_owned(), members: vec![member.to_owned()], condition: None };
        let granted = self.emulator.kernel().run(spec, |call| {
            let mut policy = doors::policy(call, resource)?;
            policy.bindings.push(binding);
            doors::replace_policy(call, resource, policy)
        });
        granted.await.expect("a policy");
    }

    async fn as_caller(&self, who: &str, method: &str, path: &str, body: &'static str) -> Reply {
        let token = format!("Bearer {who}@example.com");
        self.send(method, path, &[("authorization", &token), ("content-type", "application/json")], body).await
    }
}

/// Overwriting takes the permission to delete, a copy or composition the one to read its source.
#[tokio::test]
async fn who_may_only_create_can_neither_overwrite_nor_read() {
    let world = World::with(Builder::default().iam(IamMode::Enforce)).await;
    assert_eq!(
        world.as_caller("ann", "POST", "/storage/v1/b?project=my-project", r#"{"name":"images"}"#).await.status,
        403
    );
    world.allow("projects/my-project", "roles/storage.admin", "user:ann@example.com").await;
    world.as_caller("ann", "POST", "/storage/v1/b?project=my-project", r#"{"name":"images"}"#).await.ok();
    world.allow("buckets/images", "roles/storage.objectCreator", "user:bob@example.com").await;
    let put = "/upload/storage/v1/b/images/o?uploadType=media&name=o";
    world.as_caller("bob", "POST", put, "one").await.ok();
    let refusals = [
        ("POST", put, "two", "storage.objects.delete"),
        ("POST", "/upload/storage/v1/b/images/o?uploadType=resumable&name=o", "{}", "storage.objects.delete"),
        ("GET", "/storage/v1/b/images/o/o", "", "storage.objects.get"),
        ("POST", "/storage/v1/b/images/o/o/rewriteTo/b/images/o/p", "{}", "storage.objects.get"),
        ("POST", "/storage/v1/b/images/o/p/compose", r#"{"sourceObjects":[{"name":"o"}]}"#, "storage.objects.get"),
        ("DELETE", "/storage/v1/b/images/o/o", "", "storage.objects.delete"),
    ];
    for (method, path, body, permission) in refusals {
        let (status, reason, text) = world.as_caller("bob", method, path, body).await.refusal();
        assert_eq!((status, reason.as_str()), (403, "forbidden"), "{method} {path}");
        assert!(text.contains(permission), "{method} {path}: {text}");
    }
    let media = "/storage/v1/b/images/o/o?alt=media";
    assert_eq!(world.as_caller("ann", "GET", media, "").await.text(), "one");
    let listed = world.as_caller("ann", "GET", "/storage/v1/b/images/o", "").await.ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
}

/// 2.4, the XML form: the same sentence, the code with a capital letter.
#[tokio::test]
async fn an_object_can_be_read_at_its_xml_address() {
    let world = World::new().await;
    let key = world.key("k").await;
    world.bucket_with_key("keyed", &key).await;
    world.put("keyed", "a%2Fb", "", "secret").await.ok();
    let host = "/storage.googleapis.com";
    for path in ["/keyed/a/b", "/keyed/a%2Fb"] {
        let read = world.get(&format!("{host}{path}")).await;
        assert_eq!((read.status, read.text().as_str()), (200, "secret"));
        assert_eq!(read.header("x-goog-encryption-kms-key-name"), format!("{key}/cryptoKeyVersions/1"));
    }
    world.version(&key, 1, "DISABLED").await;
    let refused = world.get(&format!("{host}/keyed/a/b")).await;
    let error = |code: &str, text: &str| {
        format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>")
    };
    assert_eq!((refused.status, refused.text()), (400, error("CloudKmsDisabledKey", DISABLED)));
    for (path, status, code) in [("/keyed/none", 404, "NoSuchKey"), ("/none/o", 404, "NoSuchBucket")] {
        let refused = world.get(&format!("{host}{path}")).await;
        assert_eq!(refused.status, status);
        assert!(refused.text().contains(&format!("<Code>{code}</Code>")), "{}", refused.text());
    }
    // Without the service's name in the address the path means nothing.
    assert_eq!(world.get("/keyed/a/b").await.status, 404);
    assert_eq!(world.call("PUT", &format!("{host}/keyed/x"), json!({})).await.status, 404);
}
