//! What callers may do when they are checked.

use super::{Reply, World};
use crate::builder::Builder;
use crate::doors;
use crate::kernel::settings::IamMode;
use crate::kernel::{Caller, Mode, Spec};

impl World {
    /// Gives a role on a resource from within: in this world nobody may, to begin with.
    pub async fn allow(&self, resource: &'static str, role: &str, member: &str) {
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

/// Whoever says who he is learns that a bucket is not there; whoever does not is told nothing.
#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_secret_to_a_known_caller() {
    let world = World::with(Builder::default().iam(IamMode::Enforce)).await;
    for path in ["/storage/v1/b/nowhere", "/storage/v1/b/nowhere/o", "/storage/v1/b/nowhere/o/o"] {
        assert_eq!(world.as_caller("ann", "GET", path, "").await.status, 404, "{path}");
        assert_eq!(world.get(path).await.status, 401, "{path}");
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
    // Who may read as well can copy, but neither over an object nor back from what was deleted.
    world.allow("buckets/images", "roles/storage.objectViewer", "user:bob@example.com").await;
    world.as_caller("bob", "POST", "/storage/v1/b/images/o/o/rewriteTo/b/images/o/p", "{}").await.ok();
    let refusals = [
        ("POST", "/storage/v1/b/images/o/o/rewriteTo/b/images/o/o", "storage.objects.delete"),
        ("POST", "/storage/v1/b/images/o/o/copyTo/b/images/o/p", "storage.objects.delete"),
        ("POST", "/storage/v1/b/images/o/p/restore?generation=1", "storage.objects.restore"),
        ("PATCH", "/storage/v1/b/images/o/o", "storage.objects.update"),
        ("PUT", "/storage.googleapis.com/images/o", "storage.objects.delete"),
        ("DELETE", "/storage.googleapis.com/images/o", "storage.objects.delete"),
    ];
    for (method, path, permission) in refusals {
        let answer = world.as_caller("bob", method, path, "{}").await;
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(answer.text().contains(permission), "{method} {path}: {}", answer.text());
    }
    // What came while an upload was on its way is not overwritten either.
    let start = "/upload/storage/v1/b/images/o?uploadType=resumable&name=late";
    let url = world.as_caller("bob", "POST", start, "{}").await.header("location").replace("http://127.0.0.1:8787", "");
    world.as_caller("ann", "POST", "/upload/storage/v1/b/images/o?uploadType=media&name=late", "first").await.ok();
    let last = world.as_caller("bob", "PUT", &url, "second").await;
    assert!(last.status == 403 && last.refusal().2.contains("storage.objects.delete"), "{}", last.text());
    assert_eq!(world.as_caller("ann", "GET", "/storage/v1/b/images/o/late?alt=media", "").await.text(), "first");
    let media = "/storage/v1/b/images/o/o?alt=media";
    assert_eq!(world.as_caller("ann", "GET", media, "").await.text(), "one");
    let listed = world.as_caller("ann", "GET", "/storage/v1/b/images/o", "").await.ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
}
