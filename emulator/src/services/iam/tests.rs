//! Policies over REST, and what they decide.

use serde_json::{Value, json};

use crate::kernel::{Error, Mode};
use crate::testing::{Said, World};

mod roles;
mod rows;

const RING: &str = "projects/my-project/locations/us/keyRings/ring";
const KEY: &str = "projects/my-project/locations/us/keyRings/ring/cryptoKeys/key";
const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";

async fn furnish(world: &World, token: &str) {
    world.call_as(token, "POST /v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await.ok();
    let key = json!({"purpose": "ENCRYPT_DECRYPT"});
    world.call_as(token, &format!("POST /v1/{RING}/cryptoKeys?cryptoKeyId=key"), key).await.ok();
    world.call_as(token, "PUT /v1/projects/my-project/topics/topic", json!({})).await.ok();
}

async fn world() -> World {
    let world = World::new().await;
    furnish(&world, "").await;
    world
}

async fn get(world: &World, name: &str, version: u8) -> Value {
    world.get(&format!("/v1/{name}:getIamPolicy?options.requestedPolicyVersion={version}")).await.ok()
}

async fn set(world: &World, name: &str, policy: Value) -> Said {
    world.post(&format!("/v1/{name}:setIamPolicy"), json!({"policy": policy})).await
}

fn binding(role: &str, member: &str) -> Value {
    json!({"bindings": [{"role": role, "members": [member]}]})
}

/// Whether a member holds a permission, as other services ask.
async fn allowed(world: &World, member: &str, permission: &str, resource: &str) -> bool {
    world.inside(Mode::Write, |call| super::door::allowed(call, member, permission, resource)).await.expect("a call")
}

/// Reference 4.1: never set, set, mismatch, cleared.
#[tokio::test]
async fn the_life_of_a_policy() {
    let world = world().await;
    let reader = json!({"topic": "projects/my-project/topics/topic"});
    world.call("PUT /v1/projects/my-project/subscriptions/reader", reader).await.ok();
    for name in [RING, KEY, "projects/my-project/topics/topic", "projects/my-project/subscriptions/reader"] {
        assert_eq!(get(&world, name, 3).await, json!({"etag": "ACAB"}), "{name}");
        let first = set(&world, name, binding("roles/viewer", "user:ann@example.com")).await.ok();
        assert_eq!((first["version"].as_i64(), first["etag"].as_str().map(str::len)), (Some(1), Some(12)));
        assert_eq!(get(&world, name, 1).await, first);
        let mut stale = first.clone();
        stale["etag"] = json!("ACAB");
        let said = set(&world, name, stale).await;
        assert_eq!((said.status, said.code()), (409, "ABORTED"));
        assert_eq!(
            said.message(),
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
        );
        assert_eq!(get(&world, name, 1).await, first);
        let cleared = set(&world, name, json!({"etag": first["etag"]})).await.ok();
        assert_ne!(cleared["etag"], first["etag"]);
        assert_eq!(cleared, json!({"version": 1, "etag": cleared["etag"]}));
    }
}

#[tokio::test]
async fn conditions_need_version_three_and_never_grant() {
    let world = world().await;
    let conditional = |version: i32| {
        json!({"version": version, "bindings": [{
            "role": "roles/cloudkms.cryptoKeyEncrypter", "members": ["user:ann@example.com"],
            "condition": {"title": "t", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"},
        }]})
    };
    assert_eq!(set(&world, KEY, conditional(1)).await.code(), "INVALID_ARGUMENT");
    assert_eq!(set(&world, KEY, conditional(3)).await.ok()["version"], 3);
    assert_eq!(get(&world, KEY, 3).await["bindings"][0]["condition"]["title"], "t");
    let older = get(&world, KEY, 1).await;
    assert_eq!((older["version"].as_i64(), older["bindings"][0].get("condition")), (Some(1), None));
    assert!(!allowed(&world, "user:ann@example.com", ENCRYPT, KEY).await);
    // Three without a condition comes back as one.
    let mut plain = binding("roles/cloudkms.cryptoKeyEncrypter", "user:ann@example.com");
    plain["version"] = json!(3);
    assert_eq!(set(&world, KEY, plain).await.ok()["version"], 1);
    assert!(allowed(&world, "user:ann@example.com", ENCRYPT, KEY).await);
    let odd = world.get(&format!("/v1/{KEY}:getIamPolicy?options.requestedPolicyVersion=2")).await;
    assert_eq!(odd.code(), "INVALID_ARGUMENT");
    assert_eq!(set(&world, KEY, json!({"version": 2})).await.code(), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn roles_and_members_are_checked_and_nothing_is_stored() {
    let world = world().await;
    let said = set(&world, KEY, binding("roles/unheard.of", "user:ann@example.com")).await;
    assert_eq!(
        (said.code(), said.message()),
        ("INVALID_ARGUMENT", "Role roles/unheard.of is not supported for this resource.")
    );
    for member in [
        "ann@example.com",
        "user:",
        "user:ann",
        "robot:ann@example.com",
        "domain:ann@example.com",
        "everyone",
        "user:a b@c.d",
    ] {
        let said = set(&world, KEY, binding("roles/viewer", member)).await;
        assert_eq!(said.code(), "INVALID_ARGUMENT", "{member}");
    }
    assert_eq!(get(&world, KEY, 3).await, json!({"etag": "ACAB"}));
    for member in [
        "allUsers",
        "allAuthenticatedUsers",
        "group:g@example.com",
        "domain:example.com",
        "principalSet://iam.googleapis.com/x",
        "deleted:user:ann@example.com?uid=1",
        "projectOwner:my-project",
    ] {
        set(&world, KEY, binding("roles/viewer", member)).await.ok();
    }
    let missing = format!("{RING}/cryptoKeys/missing");
    let said = set(&world, &missing, binding("roles/viewer", "allUsers")).await;
    assert_eq!((said.status, said.message()), (404, format!("CryptoKey {missing} not found.").as_str()));
}

/// Reference 4.1: a service agent exists when its service does, here in a strict world where nothing is enabled.
#[tokio::test]
async fn an_agent_that_is_not_there_cannot_be_bound() {
    let world = World::strict().await;
    world
        .post(
            "/v1/projects",
            json!({"projectId": "my-project", "parent": {"type": "organization", "id": "123456789012"}}),
        )
        .await
        .ok();
    world.post("/v1/projects/my-project/services/cloudkms.googleapis.com:enable", json!({})).await.ok();
    world.post("/v1/projects/my-project/locations/us/keyRings?keyRingId=ring", json!({})).await.ok();
    let number = world.get("/v1/projects/my-project").await.ok()["projectNumber"].as_str().expect("text").to_owned();
    let email = format!("service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com");
    let role = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
    let bound = binding(role, &format!("serviceAccount:{email}"));
    let said = set(&world, RING, bound.clone()).await;
    assert_eq!(
        (said.code(), said.message()),
        ("INVALID_ARGUMENT", format!("Service account {email} does not exist.").as_str())
    );
    let path = "/v1beta1/projects/my-project/services/pubsub.googleapis.com:generateServiceIdentity";
    world.post(path, Value::Null).await.ok();
    set(&world, RING, bound).await.ok();
    // Another project's agent, of a project that there is not.
    let stranger = "service-999999999999@gcp-sa-pubsub.iam.gserviceaccount.com";
    let said = set(&world, RING, binding(role, &format!("serviceAccount:{stranger}"))).await;
    assert_eq!(said.message(), format!("Service account {stranger} does not exist."));
    // An API that is not enabled comes before everything else.
    let said = world.get("/v1/projects/my-project/topics/none:getIamPolicy").await;
    assert_eq!((said.status, said.body["error"]["details"][0]["reason"].as_str()), (403, Some("SERVICE_DISABLED")));
}

/// Reference 4.1 inheritance: a grant counts on the resource and on everything above it, and nowhere beside it.
#[tokio::test]
async fn grants_are_inherited_from_every_level() {
    const ANN: &str = "user:ann@example.com";
    let role = "roles/cloudkms.cryptoKeyEncrypter";
    let version = format!("{KEY}/cryptoKeyVersions/1");
    for level in [KEY, RING, "projects/my-project", "organizations/123456789012"] {
        let world = world().await;
        assert!(!allowed(&world, ANN, ENCRYPT, KEY).await);
        let policy: gcp_schema::iam::Policy =
            crate::rest::from_json("google.iam.v1.Policy", binding(role, ANN)).expect("a policy");
        world.inside(Mode::Write, |call| super::door::replace(call, level, policy)).await.expect("stored");
        for (member, permission, resource, expected) in [
            (ANN, ENCRYPT, KEY, true),
            (ANN, ENCRYPT, version.as_str(), true),
            (ANN, "cloudkms.cryptoKeyVersions.useToDecrypt", KEY, false),
            ("user:bob@example.com", ENCRYPT, KEY, false),
            ("", ENCRYPT, KEY, false),
            (
                ANN,
                ENCRYPT,
                "projects/my-project/locations/us/keyRings/other/cryptoKeys/key",
                !level.starts_with("projects/my-project/"),
            ),
            (
                ANN,
                ENCRYPT,
                "projects/other-project/locations/us/keyRings/ring/cryptoKeys/key",
                level.starts_with("org"),
            ),
        ] {
            assert_eq!(
                allowed(&world, member, permission, resource).await,
                expected,
                "{level}: {member} {permission} {resource}"
            );
        }
    }
}

#[tokio::test]
async fn members_that_stand_for_many() {
    let world = world().await;
    let rows = [
        ("allUsers", "", true),
        ("allAuthenticatedUsers", "", false),
        ("allAuthenticatedUsers", "serviceAccount:a@p.iam.gserviceaccount.com", true),
        ("domain:example.com", "user:ann@example.com", true),
        ("domain:example.com", "user:ann@sub.example.com", false),
        ("group:staff@example.com", "user:staff@example.com", false),
        ("deleted:user:ann@example.com?uid=1", "user:ann@example.com", false),
    ];
    for (bound, member, expected) in rows {
        set(&world, KEY, binding("roles/cloudkms.cryptoKeyEncrypter", bound)).await.ok();
        assert_eq!(allowed(&world, member, ENCRYPT, KEY).await, expected, "{bound} {member}");
    }
}

/// `projectOwner:p` in a bucket's policy means the owners of that very project.
#[tokio::test]
async fn convenience_members_are_the_project_s_own() {
    let world = world().await;
    world.post("/storage/v1/b?project=my-project", json!({"name": "the-bucket"})).await.ok();
    let put = |resource: &'static str, policy: Value| {
        let policy: gcp_schema::iam::Policy = crate::rest::from_json("google.iam.v1.Policy", policy).expect("a policy");
        let world = &world;
        async move {
            world.inside(Mode::Write, |call| super::door::set_initial(call, resource, policy)).await.expect("stored");
        }
    };
    put("projects/my-project", binding("roles/viewer", "user:ann@example.com")).await;
    let reads = |world| allowed(world, "user:ann@example.com", "storage.objects.get", "buckets/the-bucket/objects/a/b");
    for (bound, expected) in
        [("projectViewer:my-project", true), ("projectViewer:other-project", false), ("projectOwner:my-project", false)]
    {
        put("buckets/the-bucket", binding("roles/storage.objectViewer", bound)).await;
        assert_eq!(reads(&world).await, expected, "{bound}");
    }
    let mut conditional = binding("roles/storage.objectViewer", "projectViewer:my-project");
    conditional["bindings"][0]["condition"] = json!({"title": "t", "expression": "false"});
    put("buckets/the-bucket", conditional).await;
    assert!(!reads(&world).await, "a condition never applies");
}

/// Reference 4.5: the refusal of each API, before it is said whether the resource exists.
#[tokio::test]
async fn a_caller_without_permission_hears_it_in_the_api_s_words() {
    let world = World::enforcing().await;
    let owner: gcp_schema::iam::Policy =
        crate::rest::from_json("google.iam.v1.Policy", binding("roles/owner", "user:own@example.com"))
            .expect("a policy");
    world.inside(Mode::Write, |call| super::door::replace(call, "projects/my-project", owner)).await.expect("stored");
    furnish(&world, "own@example.com").await;
    let missing = format!("{RING}/cryptoKeys/missing");
    for key in [KEY, missing.as_str()] {
        let body = json!({"plaintext": "YQ=="});
        let said = world.call_as("ann@example.com", &format!("POST /v1/{key}:encrypt"), body).await;
        let text = format!(
            "Permission '{ENCRYPT}' denied on resource '//cloudkms.googleapis.com/{key}' (or it may not exist)."
        );
        assert_eq!((said.status, said.code(), said.message()), (403, "PERMISSION_DENIED", text.as_str()));
        assert_eq!(
            said.body["error"]["details"],
            json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED",
                "domain": "cloudkms.googleapis.com", "metadata": {"permission": ENCRYPT, "resource": key},
            }])
        );
    }
    for verb in ["getIamPolicy", "setIamPolicy"] {
        let method = if verb == "getIamPolicy" { "GET" } else { "POST" };
        let said = world.call_as("ann@example.com", &format!("{method} /v1/{KEY}:{verb}"), json!({})).await;
        assert!(
            said.message().starts_with(&format!("Permission 'cloudkms.cryptoKeys.{verb}' denied")),
            "{}",
            said.message()
        );
    }
    let said = world.call_as("ann@example.com", "GET /v1/projects/my-project/topics/topic", Value::Null).await;
    assert_eq!((said.status, said.message()), (403, "User not authorized to perform this action."));
    let require = |resource: &'static str, permission: &'static str| {
        let world = &world;
        async move {
            let act = |call: &mut crate::kernel::Call| {
                Ok::<_, Error>(
                    super::door::require(call, "user:ann@example.com", permission, resource, "storage.googleapis.com")
                        .err(),
                )
            };
            world.inside(Mode::Write, act).await.expect("a call").expect("a refusal").message().to_owned()
        }
    };
    assert_eq!(
        require("buckets/b/objects/o", "storage.objects.get").await,
        "ann@example.com does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist)."
    );
}

#[tokio::test]
async fn test_iam_permissions_answers_what_is_held() {
    let asked = json!({"permissions": [ENCRYPT, "cloudkms.cryptoKeys.get"]});
    let path = format!("POST /v1/{KEY}:testIamPermissions");
    let open = world().await;
    assert_eq!(open.call(&path, asked.clone()).await.ok(), asked, "callers are not checked");

    let world = World::enforcing().await;
    let policy: gcp_schema::iam::Policy =
        crate::rest::from_json("google.iam.v1.Policy", binding("roles/viewer", "user:ann@example.com"))
            .expect("a policy");
    world.inside(Mode::Write, |call| super::door::replace(call, "projects/my-project", policy)).await.expect("stored");
    let held = world.call_as("ann@example.com", &path, asked.clone()).await.ok();
    assert_eq!(held, json!({"permissions": ["cloudkms.cryptoKeys.get"]}));
    assert_eq!(world.call_as("bob@example.com", &path, asked).await.ok(), json!({}));
}
