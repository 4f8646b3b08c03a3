//! Stories about enabled services and their agents.

use serde_json::{Value, json};

use super::GAPS;
use crate::doors;
use crate::kernel::Mode;
use crate::testing::World;

/// A project as production makes it.
async fn created(world: &World) -> String {
    let made = world.post("/v1/projects", json!({"projectId": "my-shop-1"})).await.ok();
    made["response"]["projectNumber"].as_str().unwrap_or_default().to_owned()
}

async fn state(world: &World, project: &str, service: &str) -> String {
    let found = world.get(&format!("/v1/projects/{project}/services/{service}")).await.ok();
    found["state"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    assert_eq!(World::new().await.unimplemented("/google.api.serviceusage.").await, GAPS);
}

#[tokio::test]
async fn what_is_enabled_from_the_start() {
    let world = World::new().await;
    created(&world).await;
    for (service, automatic, new) in [
        ("cloudkms.googleapis.com", "ENABLED", "DISABLED"),
        ("pubsub.googleapis.com", "ENABLED", "DISABLED"),
        ("storage.googleapis.com", "ENABLED", "ENABLED"),
        ("serviceusage.googleapis.com", "ENABLED", "ENABLED"),
        ("containerregistry.googleapis.com", "DISABLED", "DISABLED"),
        ("artifactregistry.googleapis.com", "DISABLED", "DISABLED"),
        ("compute.googleapis.com", "DISABLED", "DISABLED"),
    ] {
        assert_eq!(state(&world, "my-project", service).await, automatic, "decisions, auto mode: {service}");
        assert_eq!(state(&world, "my-shop-1", service).await, new, "decisions, created: {service}");
    }
}

#[tokio::test]
async fn a_call_to_a_disabled_api_is_refused_with_all_details() {
    let world = World::new().await;
    let number = created(&world).await;
    let said = world.get("/v1/projects/my-shop-1/locations/us/keyRings").await;
    let url =
        format!("https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project={number}");
    let message = format!(
        "Cloud Key Management Service (KMS) API has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    );
    let expected = json!({"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com",
         "metadata": {"service": "cloudkms.googleapis.com", "serviceTitle": "Cloud Key Management Service (KMS) API",
             "consumer": format!("projects/{number}"), "containerInfo": number, "activationUrl": url}},
        {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message},
        {"@type": "type.googleapis.com/google.rpc.Help",
         "links": [{"description": "Google developers console API activation", "url": url}]}]}});
    assert_eq!((said.status, said.body), (403, expected), "4.5 API not enabled");
    world.post("/v1/projects/my-shop-1/services/cloudkms.googleapis.com:enable", json!({})).await.ok();
    assert_eq!(world.get("/v1/projects/my-shop-1/locations/us/keyRings").await.status, 200);
}

#[tokio::test]
async fn enabling_is_an_operation_and_enabling_again_is_none() {
    let world = World::new().await;
    let number = created(&world).await;
    let path = "/v1/projects/my-shop-1/services/pubsub.googleapis.com:enable";
    let first = world.post(path, json!({})).await.ok();
    let service = json!({"name": format!("projects/{number}/services/pubsub.googleapis.com"),
        "config": {"name": "pubsub.googleapis.com", "title": "Cloud Pub/Sub API"}, "state": "ENABLED",
        "parent": format!("projects/{number}")});
    assert_eq!(first["done"], json!(true));
    assert_eq!(
        first["response"],
        json!({"@type": "type.googleapis.com/google.api.serviceusage.v1.EnableServiceResponse", "service": service}),
        "4.4 enable response"
    );
    assert_eq!(world.get(&format!("/v1/{}", first["name"].as_str().unwrap_or_default())).await.ok(), first);
    let second = world.post(path, json!({})).await.ok();
    assert_eq!(second["name"], "operations/noop.DONE_OPERATION", "4.4 already enabled");
    assert_eq!(world.get("/v1/operations/noop.DONE_OPERATION").await.ok()["done"], json!(true));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = World::new().await;
    let enabled = world.get("/v1/projects/my-project/services?filter=state:ENABLED&pageSize=200").await.ok();
    let all = world.get("/v1/projects/my-project/services?pageSize=200").await.ok();
    let count = |value: &Value| value["services"].as_array().map_or(0, Vec::len);
    assert!(count(&enabled) > 10 && count(&enabled) < count(&all));
    let (mut token, mut seen) = (String::new(), 0);
    loop {
        let page = world.get(&format!("/v1/projects/my-project/services?pageSize=7&pageToken={token}")).await.ok();
        seen += count(&page);
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(seen, count(&all));
    assert_eq!(world.get("/v1/projects/my-project/services?filter=name:kms").await.status, 400);
    let batch = "/v1/projects/my-project/services:batchGet?names=projects/my-project/services/cloudkms.googleapis.com";
    assert_eq!(world.get(batch).await.ok()["services"][0]["state"], "ENABLED");
}

#[tokio::test]
async fn a_batch_enables_all_or_nothing() {
    let world = World::new().await;
    created(&world).await;
    let path = "/v1/projects/my-shop-1/services:batchEnable";
    let odd = world.post(path, json!({"serviceIds": ["cloudkms.googleapis.com", "no-such.googleapis.com"]})).await;
    assert_eq!(
        (odd.status, odd.message()),
        (403, "Not found or permission denied for service(s): no-such.googleapis.com.")
    );
    assert_eq!(state(&world, "my-shop-1", "cloudkms.googleapis.com").await, "DISABLED");
    let services = ["containerregistry.googleapis.com", "artifactregistry.googleapis.com"];
    let done = world.post(path, json!({"serviceIds": services})).await.ok();
    assert_eq!(done["response"]["services"].as_array().map(Vec::len), Some(2));
    let many: Vec<_> = (0..21).map(|n| format!("s{n}.googleapis.com")).collect();
    assert_eq!(world.post(path, json!({"serviceIds": many})).await.status, 400, "4.4 at most 20");
}

#[tokio::test]
async fn what_depends_on_a_service_goes_with_it_or_keeps_it() {
    let world = World::new().await;
    let path = |service: &str, verb: &str| format!("/v1/projects/my-project/services/{service}.googleapis.com:{verb}");
    world.post(&path("containerregistry", "enable"), json!({})).await.ok();
    let kept = world.post(&path("pubsub", "disable"), json!({})).await;
    assert_eq!((kept.status, kept.code()), (400, "FAILED_PRECONDITION"));
    assert_eq!(state(&world, "my-project", "pubsub.googleapis.com").await, "ENABLED");
    let body = json!({"checkIfServiceHasUsage": "SKIP", "disableDependentServices": true});
    world.post(&path("pubsub", "disable"), body).await.ok();
    assert_eq!(state(&world, "my-project", "containerregistry.googleapis.com").await, "DISABLED");
    let twice = world.post(&path("pubsub", "disable"), json!({})).await;
    assert_eq!((twice.status, twice.code()), (400, "FAILED_PRECONDITION"));
}

#[tokio::test]
async fn a_topic_that_cannot_be_made_is_noted_and_fails_nothing() {
    let world = World::new().await;
    created(&world).await;
    // Pub/Sub is not enabled here, so topic gcr is refused.
    world.post("/v1/projects/my-shop-1/services/artifactregistry.googleapis.com:enable", json!({})).await.ok();
    assert_eq!(state(&world, "my-shop-1", "artifactregistry.googleapis.com").await, "ENABLED");
    let notes: Vec<_> = world.0.audit().into_iter().flat_map(|entry| entry.notes).collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("topic projects/my-shop-1/topics/gcr was not created: Cloud Pub/Sub API"), "{notes:?}");
}

#[tokio::test]
async fn an_agent_can_be_granted_once_it_exists() {
    let world = World::new().await;
    let number = created(&world).await;
    let email = format!("service-{number}@gcp-sa-artifactregistry.iam.gserviceaccount.com");
    let grant =
        json!({"policy": {"bindings": [{"role": "roles/viewer", "members": [format!("serviceAccount:{email}")]}]}});
    let early = world.post("/v1/projects/my-shop-1:setIamPolicy", grant.clone()).await;
    assert_eq!(
        (early.status, early.message()),
        (400, format!("Service account {email} does not exist.").as_str()),
        "4.1"
    );
    let path = "/v1beta1/projects/my-shop-1/services/artifactregistry.googleapis.com:generateServiceIdentity";
    let made = world.post(path, Value::Null).await.ok();
    assert_eq!(made["done"], json!(true));
    assert_eq!(made["response"]["@type"], "type.googleapis.com/google.api.serviceusage.v1beta1.ServiceIdentity");
    assert_eq!(made["response"]["email"], email.as_str());
    assert_eq!(world.post(path, Value::Null).await.ok(), made, "4.4 idempotent");
    world.post("/v1/projects/my-shop-1:setIamPolicy", grant).await.ok();
    assert_eq!(state(&world, "my-shop-1", "artifactregistry.googleapis.com").await, "DISABLED");
}

#[tokio::test]
async fn a_push_activates_the_registry_where_the_default_mode_made_the_project() {
    const API: &str = "containerregistry.googleapis.com";
    let world = World::new().await;
    created(&world).await;
    let push = |project: &'static str| {
        world.inside(Mode::Write, move |call| {
            let project = doors::project(call, project)?;
            doors::activate_registry(call, &project, API)
        })
    };
    push("my-project").await.unwrap();
    assert_eq!(state(&world, "my-project", API).await, "ENABLED");
    let refused = push("my-shop-1").await.unwrap_err();
    assert!(refused.message().starts_with("Container Registry API has not been used"), "{refused}");
    // Who switched it off does not find it on again after the next push.
    world.post(&format!("/v1/projects/my-project/services/{API}:disable"), json!({})).await.ok();
    assert!(push("my-project").await.is_err());
    assert_eq!(state(&world, "my-project", API).await, "DISABLED");
}

/// Storage and registry 4.4: the topic is tried once; policy's refusal of it fails nothing.
#[tokio::test]
async fn enabling_a_registry_makes_its_topic_unless_policy_refuses() {
    let world = World::new().await;
    let policy = json!({"name": "projects/sealed-project/policies/gcp.restrictNonCmekServices",
        "spec": {"rules": [{"values": {"deniedValues": ["pubsub.googleapis.com"]}}]}});
    world.post("/v2/projects/sealed-project/policies", policy).await.ok();
    for (project, status) in [("my-project", 200), ("sealed-project", 404)] {
        let path = format!("/v1/projects/{project}/services/containerregistry.googleapis.com:enable");
        assert_eq!(world.post(&path, json!({})).await.ok()["response"]["service"]["state"], "ENABLED", "{project}");
        assert_eq!(world.get(&format!("/v1/projects/{project}/topics/gcr")).await.status, status, "{project}");
    }
    let notes: Vec<_> = world.0.audit().into_iter().flat_map(|entry| entry.notes).collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("Constraint 'constraints/gcp.restrictNonCmekServices' violated"), "{notes:?}");

    // Who deletes the topic does not get it back by switching the registry off and on.
    world.delete("/v1/projects/my-project/topics/gcr").await.ok();
    for verb in ["disable", "enable"] {
        let path = format!("/v1/projects/my-project/services/containerregistry.googleapis.com:{verb}");
        world.post(&path, json!({})).await.ok();
    }
    assert_eq!(world.get("/v1/projects/my-project/topics/gcr").await.status, 404);
}

/// 4.5: the titles by which a refusal names each API.
#[tokio::test]
async fn a_refusal_names_the_api_by_its_title() {
    let world = World::new().await;
    let number = created(&world).await;
    for (service, title, path) in [
        ("cloudkms", "Cloud Key Management Service (KMS) API", "/v1/projects/my-shop-1/locations/us/keyRings"),
        ("pubsub", "Cloud Pub/Sub API", "/v1/projects/my-shop-1/topics"),
        ("orgpolicy", "Organization Policy API", "/v2/projects/my-shop-1/policies"),
        ("serviceusage", "Service Usage API", "/v1/projects/my-shop-1/services"),
    ] {
        let api = format!("{service}.googleapis.com");
        let disable = format!("/v1/projects/my-shop-1/services/{api}:disable");
        if state(&world, "my-shop-1", &api).await == "ENABLED" || service == "orgpolicy" {
            world.post(&format!("/v1/projects/my-shop-1/services/{api}:enable"), json!({})).await.ok();
            world.post(&disable, json!({})).await.ok();
        }
        let said = world.get(path).await;
        let url = format!("https://console.developers.google.com/apis/api/{api}/overview?project={number}");
        let text = format!(
            "{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
        );
        assert_eq!((said.status, said.code(), said.message()), (403, "PERMISSION_DENIED", text.as_str()), "4.5 {api}");
        assert_eq!(said.body["error"]["details"][0]["metadata"]["serviceTitle"], title, "4.5 {api}");
    }
    for (service, title) in [
        ("artifactregistry", "Artifact Registry API"),
        ("cloudresourcemanager", "Cloud Resource Manager API"),
        ("containerregistry", "Container Registry API"),
    ] {
        let path = format!("/v1/projects/my-project/services/{service}.googleapis.com");
        assert_eq!(world.get(&path).await.ok()["config"]["title"], title, "4.5 {service}");
    }
}

/// 4.4: the bounds of lists and batches; and what is no request. Nothing comes of a refusal.
#[tokio::test]
async fn bounds_and_bad_requests() {
    let world = World::new().await;
    created(&world).await;
    let many: Vec<_> = (0..21).map(|n| format!("s{n}.googleapis.com")).collect();
    let names: String = (0..31).map(|_| "names=projects/my-project/services/run.googleapis.com&").collect();
    let batch = "POST /v1/projects/my-shop-1/services:batchEnable";
    let rows = [
        (
            "4.4 batchEnable",
            batch.to_owned(),
            json!({"serviceIds": many}),
            400,
            "Invalid service_ids: a batch enables 1 to 20 services, not 21.".to_owned(),
        ),
        (
            "4.4 batchEnable of none",
            batch.to_owned(),
            json!({}),
            400,
            "Invalid service_ids: a batch enables 1 to 20 services, not 0.".to_owned(),
        ),
        (
            "4.4 batchGet",
            format!("GET /v1/projects/my-project/services:batchGet?{names}"),
            Value::Null,
            400,
            "Invalid names: a batch reads 1 to 30 services, not 31.".to_owned(),
        ),
        (
            "4.4 batchGet of another project",
            "GET /v1/projects/my-shop-1/services:batchGet?names=projects/my-project/services/run.googleapis.com".to_owned(),
            Value::Null,
            400,
            "projects/my-project/services/run.googleapis.com is not a service of projects/my-shop-1.".to_owned(),
        ),
        (
            "4.4 filter",
            "GET /v1/projects/my-shop-1/services?filter=state:ASLEEP".to_owned(),
            Value::Null,
            400,
            "Invalid filter 'state:ASLEEP': it is state:ENABLED or state:DISABLED.".to_owned(),
        ),
        (
            "page size",
            "GET /v1/projects/my-shop-1/services?pageSize=-1".to_owned(),
            Value::Null,
            400,
            "Invalid page_size: -1. It must not be negative.".to_owned(),
        ),
        (
            "page token",
            "GET /v1/projects/my-shop-1/services?pageToken=YQ".to_owned(),
            Value::Null,
            400,
            "Invalid page_token: it is not one that this service gave out.".to_owned(),
        ),
        (
            "unknown field",
            batch.to_owned(),
            json!({"services": ["run.googleapis.com"]}),
            400,
            "Invalid JSON payload received. Unknown name \"services\": Cannot find field.".to_owned(),
        ),
        (
            "unknown service",
            "POST /v1/projects/my-shop-1/services/none.googleapis.com:enable".to_owned(),
            json!({}),
            403,
            "Not found or permission denied for service(s): none.googleapis.com.".to_owned(),
        ),
        (
            "not a project",
            "POST /v1/folders/12/services/run.googleapis.com:enable".to_owned(),
            json!({}),
            400,
            "Services are enabled in projects, not in folders/12.".to_owned(),
        ),
        (
            "4.4 no identity",
            "POST /v1beta1/projects/my-shop-1/services/run.googleapis.com:generateServiceIdentity".to_owned(),
            json!({}),
            400,
            "Service run.googleapis.com has no service identity.".to_owned(),
        ),
        (
            "4.4 identity with a body",
            "POST /v1beta1/projects/my-shop-1/services/pubsub.googleapis.com:generateServiceIdentity".to_owned(),
            json!({"colour": "red"}),
            400,
            "Invalid JSON payload received. Unknown name \"colour\": Cannot find field.".to_owned(),
        ),
        (
            "4.4 identity of a folder",
            "POST /v1beta1/folders/12/services/pubsub.googleapis.com:generateServiceIdentity".to_owned(),
            json!({}),
            501,
            "Identities of folders and organizations, as for folders/12/services/pubsub.googleapis.com, are not implemented by this emulator.".to_owned(),
        ),
    ];
    let before = world.get("/v1/projects/my-shop-1/services?pageSize=200").await.ok();
    for (row, line, body, status, text) in rows {
        let said = world.call(&line, body).await;
        assert_eq!((said.status, said.message()), (status, text.as_str()), "{row}");
    }
    assert_eq!(world.get("/v1/projects/my-shop-1/services?pageSize=2147483647").await.ok(), before, "a huge page");
    let first = world.get("/v1/projects/my-shop-1/services").await.ok();
    assert_eq!(first, before, "4.4 fifty a page, and there are fewer");
}
