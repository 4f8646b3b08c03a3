//! Rows of the reference's section 4 that are about policies, agents and refusals.

use super::*;

const ANN: &str = "user:ann@example.com";

async fn put(world: &World, name: &str, body: Value) -> Said {
    world.post(&format!("/v1/{name}:setIamPolicy"), body).await
}

/// 4.1: what a set changes, and what it leaves as it was.
#[tokio::test]
async fn what_a_set_changes() {
    let world = world().await;
    let first = set(&world, KEY, binding("roles/viewer", ANN)).await.ok();
    let editor = binding("roles/editor", ANN);
    for (row, body, status, code, text) in [
        (
            "4.1 etag mismatch",
            json!({"policy": {"etag": "BwAAAAAAAAA=", "bindings": editor["bindings"]}}),
            409,
            "ABORTED",
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
        ),
        (
            "4.1 etag mismatch under a mask",
            json!({"policy": {"etag": "ACAB", "bindings": editor["bindings"]}, "updateMask": "bindings,etag"}),
            409,
            "ABORTED",
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
        ),
        (
            "4.1 an etag is base64",
            json!({"policy": {"etag": "no etag!"}}),
            400,
            "INVALID_ARGUMENT",
            "Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"no etag!\"",
        ),
        (
            "an unknown mask",
            json!({"policy": editor, "updateMask": "bindings,colour"}),
            400,
            "INVALID_ARGUMENT",
            "Invalid update_mask: 'colour' is not one of bindings, etag, version and auditConfigs.",
        ),
        (
            "an unknown field",
            json!({"policy": {"binding": []}}),
            400,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received. Unknown name \"binding\" at 'policy': Cannot find field.",
        ),
        (
            "4.1 conditions need version 3",
            json!({"policy": {"version": 1, "bindings": [{"role": "roles/viewer", "members": [ANN],
                "condition": {"title": "t", "expression": "true"}}]}, "updateMask": "bindings"}),
            400,
            "INVALID_ARGUMENT",
            "Bindings with conditions need a policy of version 3.",
        ),
        (
            "4.1 version",
            json!({"policy": {"version": 4}}),
            400,
            "INVALID_ARGUMENT",
            "Invalid policy version 4: it must be 0, 1 or 3.",
        ),
    ] {
        let said = put(&world, KEY, body).await;
        assert_eq!((said.status, said.code(), said.message()), (status, code, text), "{row}");
        assert_eq!(get(&world, KEY, 3).await, first, "{row}: nothing has changed");
    }
    // A mask that does not name the bindings leaves them, and one that does not name the etag does not ask about it.
    let kept = put(&world, KEY, json!({"policy": {"etag": "ACAB"}, "updateMask": "version"})).await.ok();
    assert_eq!(kept["bindings"], first["bindings"], "4.1 updateMask");
    let masked =
        json!({"policy": {"etag": kept["etag"], "bindings": editor["bindings"]}, "updateMask": "bindings,etag"});
    assert_eq!(put(&world, KEY, masked).await.ok()["bindings"], editor["bindings"], "4.1 gcloud's mask");
    assert_eq!(set(&world, KEY, binding("roles/viewer", ANN)).await.status, 200, "4.1 no etag: the last writer wins");
}

/// 4.1: an unknown resource is no refusal for a test of permissions.
#[tokio::test]
async fn permissions_can_be_asked_of_what_is_not_there() {
    let world = World::enforcing().await;
    for name in ["projects/my-project/locations/us/keyRings/none", "projects/my-project/topics/none"] {
        let body = json!({"permissions": ["cloudkms.keyRings.get"]});
        let said = world.call_as("ann@example.com", &format!("POST /v1/{name}:testIamPermissions"), body).await;
        assert_eq!(said.ok(), json!({}), "{name}");
    }
}

/// 4.3: each service's agent has its address; it can be bound once its service is enabled or its identity generated.
#[tokio::test]
async fn agents_come_with_their_services() {
    let world = World::strict().await;
    let made = world.post("/v1/projects", json!({"projectId": "my-project"})).await.ok();
    let number = made["response"]["projectNumber"].as_str().expect("text").to_owned();
    for (service, host, enable) in [
        ("pubsub", "gcp-sa-pubsub", true),
        ("artifactregistry", "gcp-sa-artifactregistry", false),
        ("containerregistry", "containerregistry", true),
        ("cloudkms", "gcp-sa-cloudkms", false),
    ] {
        let email = format!("service-{number}@{host}.iam.gserviceaccount.com");
        let policy = json!({"policy": binding("roles/viewer", &format!("serviceAccount:{email}"))});
        let early = world.post("/v1/projects/my-project:setIamPolicy", policy.clone()).await;
        let text = format!("Service account {email} does not exist.");
        assert_eq!(
            (early.status, early.code(), early.message()),
            (400, "INVALID_ARGUMENT", text.as_str()),
            "4.3 {service}"
        );
        let unset = world.post("/v1/projects/my-project:getIamPolicy", json!({})).await.ok();
        assert!(!unset.to_string().contains(host), "4.3 {service}: {unset}");
        let path = format!("projects/my-project/services/{service}.googleapis.com");
        if enable {
            world.post(&format!("/v1/{path}:enable"), json!({})).await.ok();
        } else {
            let made = world.post(&format!("/v1beta1/{path}:generateServiceIdentity"), json!({})).await.ok();
            assert_eq!(made["response"]["email"], email.as_str(), "4.3 {service}");
        }
        world.post("/v1/projects/my-project:setIamPolicy", policy).await.ok();
    }
    let storage = world.get("/storage/v1/projects/my-project/serviceAccount").await.ok();
    let email = format!("service-{number}@gs-project-accounts.iam.gserviceaccount.com");
    assert_eq!(storage["email_address"], email.as_str(), "4.3 Storage: on the first question");
    // Accounts that are no agents are taken as they are.
    for account in [
        format!("{number}@cloudservices.gserviceaccount.com"),
        format!("{number}-compute@developer.gserviceaccount.com"),
        "my-project@appspot.gserviceaccount.com".to_owned(),
    ] {
        let policy = json!({"policy": binding("roles/viewer", &format!("serviceAccount:{account}"))});
        world.post("/v1/projects/my-project:setIamPolicy", policy).await.ok();
    }
}

/// 4.5: who comes without credentials where callers are checked.
#[tokio::test]
async fn a_caller_without_credentials_is_not_authenticated() {
    const TEXT: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";
    let world = World::enforcing().await;
    for (line, service) in [
        (format!("GET /v1/{KEY}"), "cloudkms.googleapis.com"),
        ("PUT /v1/projects/my-project/topics/topic".to_owned(), "pubsub.googleapis.com"),
        ("GET /v2/projects/my-project/policies".to_owned(), "orgpolicy.googleapis.com"),
        ("GET /v1/projects/my-project".to_owned(), "cloudresourcemanager.googleapis.com"),
        ("GET /v1/projects/my-project/services".to_owned(), "serviceusage.googleapis.com"),
    ] {
        let said = world.call_as("", &line, json!({})).await;
        let expected = json!({"error": {"code": 401, "message": TEXT, "status": "UNAUTHENTICATED", "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CREDENTIALS_MISSING",
            "domain": "googleapis.com", "metadata": {"service": service}}]}});
        assert_eq!((said.status, said.body), (401, expected), "4.5 {line}");
        assert_eq!(world.call_as("ann@example.com", &line, json!({})).await.status, 403, "{line}");
    }
    // What everybody may, nobody needs a name for.
    let policy = binding("roles/viewer", "allUsers");
    let policy: gcp_schema::iam::Policy = crate::rest::from_json("google.iam.v1.Policy", policy).expect("a policy");
    world
        .inside(Mode::Write, |call| super::super::door::replace(call, "projects/my-project", policy))
        .await
        .expect("stored");
    assert_eq!(world.call_as("", "GET /v1/projects/my-project", Value::Null).await.status, 200);
}

/// 4.5: each code with its status, and quota and outage in Google's words; a call that is struck does nothing.
#[tokio::test]
async fn every_code_has_its_status() {
    let quota = "Quota exceeded for quota metric 'Cryptographic requests' and limit 'Cryptographic requests per minute' of service 'cloudkms.googleapis.com' for consumer 'project_number:1'.";
    let world = world().await;
    for (code, status, message) in [
        ("INVALID_ARGUMENT", 400, "x"),
        ("FAILED_PRECONDITION", 400, "x"),
        ("OUT_OF_RANGE", 400, "x"),
        ("UNAUTHENTICATED", 401, "x"),
        ("PERMISSION_DENIED", 403, "Request had insufficient authentication scopes."),
        ("NOT_FOUND", 404, "x"),
        ("ALREADY_EXISTS", 409, "x"),
        ("ABORTED", 409, "x"),
        ("RESOURCE_EXHAUSTED", 429, quota),
        ("CANCELLED", 499, "x"),
        ("UNKNOWN", 500, "x"),
        ("INTERNAL", 500, "x"),
        ("DATA_LOSS", 500, "x"),
        ("UNIMPLEMENTED", 501, "x"),
        ("UNAVAILABLE", 503, "The service is currently unavailable."),
        ("DEADLINE_EXCEEDED", 504, "x"),
    ] {
        let fault = json!({"method": "/CreateKeyRing", "code": code, "message": message});
        world.post("/_emulator/v1/faults", fault).await.ok();
        let path = "/v1/projects/my-project/locations/us/keyRings?keyRingId=struck";
        let said = world.post(path, json!({})).await;
        let expected = json!({"error": {"code": status, "message": message, "status": code}});
        assert_eq!((said.status, said.body), (status, expected), "4.5 {code}");
        assert_eq!(world.get("/v1/projects/my-project/locations/us/keyRings/struck").await.status, 404, "4.5 {code}");
    }
}
