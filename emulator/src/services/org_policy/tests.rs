//! Stories about policies, through both APIs and through the door.

use gcp_names::constraint::{DISABLE_BEFORE_DESTROY, RESOURCE_LOCATIONS, RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use serde_json::{Value, json};

use super::GAPS;
use crate::doors;
use crate::kernel::Mode;
use crate::testing::World;

mod rows;

const ORG: &str = "organizations/123456789012";

fn deny(services: &[&str]) -> Value {
    json!({"rules": [{"values": {"deniedValues": services}}]})
}

fn allow(projects: &[&str]) -> Value {
    json!({"rules": [{"values": {"allowedValues": projects}}]})
}

/// Creates a policy through v2.
async fn set(world: &World, resource: &str, constraint: &str, spec: Value) -> Value {
    let body = json!({"name": format!("{resource}/policies/{constraint}"), "spec": spec});
    world.post(&format!("/v2/{resource}/policies"), body).await.ok()
}

async fn refuses(world: &World, project: &'static str, constraint: &'static str, value: &'static str) -> bool {
    world.inside(Mode::Write, |call| doors::constraint_refuses(call, project, constraint, value)).await.unwrap()
}

async fn number(world: &World, project: &str) -> String {
    world.get(&format!("/v1/projects/{project}")).await.ok()["projectNumber"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    assert_eq!(World::new().await.unimplemented("/google.cloud.orgpolicy.").await, GAPS);
}

/// client-calls 2.4: GET constraints, GET policy; 404, then POST; the next time PATCH.
#[tokio::test]
async fn gcloud_sets_a_policy() {
    let world = World::new().await;
    let constraints = world.get("/v2/projects/my-project/constraints").await.ok();
    let number = number(&world, "my-project").await;
    let names: Vec<_> = constraints["constraints"].as_array().into_iter().flatten().map(|row| &row["name"]).collect();
    assert!(names.contains(&&json!(format!("projects/{number}/constraints/{RESTRICT_NON_CMEK}"))), "{names:?}");

    let path = format!("/v2/projects/my-project/policies/{RESTRICT_NON_CMEK}");
    let missing = world.get(&path).await;
    assert_eq!(
        (missing.status, missing.body),
        (404, json!({"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}})),
        "3.1 get missing policy"
    );
    let made = set(&world, "projects/my-project", RESTRICT_NON_CMEK, deny(&["storage.googleapis.com"])).await;
    assert_eq!(made["name"], format!("projects/{number}/policies/{RESTRICT_NON_CMEK}"), "3.1 names use the number");
    assert_eq!(made["spec"]["updateTime"], "2026-01-05T09:00:00Z");
    assert_eq!(world.get(&path).await.ok(), made);

    let body = json!({"name": made["name"], "spec": deny(&["pubsub.googleapis.com"])});
    let patched = world.call(&format!("PATCH {path}?updateMask=policy.spec"), body).await.ok();
    assert_eq!(patched["spec"]["rules"], deny(&["pubsub.googleapis.com"])["rules"]);
    assert_ne!(patched["etag"], made["etag"]);
    let listed = world.get("/v2/projects/my-project/policies").await.ok();
    assert_eq!(listed["policies"], json!([patched]));
    assert_eq!(world.delete(&path).await.ok(), json!({}));
    assert_eq!(world.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_v2_refuses() {
    let world = World::new().await;
    set(&world, "projects/my-project", RESTRICT_NON_CMEK, deny(&["storage.googleapis.com"])).await;
    let path = format!("/v2/projects/my-project/policies/{RESTRICT_NON_CMEK}");
    let before = world.get(&path).await.ok();
    let named = |name: &str| json!({"name": format!("projects/my-project/policies/{name}"), "spec": {"reset": true}});
    let bare = |spec: Value| json!({"name": format!("projects/my-project/policies/{RESTRICT_NON_CMEK}"), "spec": spec});
    let tagged = json!({"name": bare(json!({}))["name"], "spec": {"etag": "BwAAAAAAAAA=", "reset": true}});
    for (row, line, body, status, code) in [
        (
            "3.1 create existing",
            "POST /v2/projects/my-project/policies".to_owned(),
            named(RESTRICT_NON_CMEK),
            409,
            "ALREADY_EXISTS",
        ),
        (
            "3.1 unknown constraint",
            "POST /v2/projects/my-project/policies".to_owned(),
            named("gcp.unheardOf"),
            404,
            "NOT_FOUND",
        ),
        (
            "another parent",
            "POST /v2/projects/other-project/policies".to_owned(),
            named(RESTRICT_KEY_PROJECTS),
            400,
            "INVALID_ARGUMENT",
        ),
        ("3.1 etag mismatch", format!("PATCH {path}"), tagged, 409, "ABORTED"),
        ("3.1 etag mismatch", format!("DELETE {path}?etag=BwAAAAAAAAA%3D"), Value::Null, 409, "ABORTED"),
        (
            "3.1 reset",
            format!("PATCH {path}"),
            bare(json!({"reset": true, "inheritFromParent": true})),
            400,
            "INVALID_ARGUMENT",
        ),
        ("3.3 allow list", format!("PATCH {path}"), bare(allow(&["storage.googleapis.com"])), 400, "INVALID_ARGUMENT"),
        ("3.3 deny all", format!("PATCH {path}"), bare(json!({"rules": [{"denyAll": true}]})), 400, "INVALID_ARGUMENT"),
        (
            "unknown mask",
            format!("PATCH {path}?updateMask=name"),
            bare(json!({"reset": true})),
            400,
            "INVALID_ARGUMENT",
        ),
        (
            "nothing to change",
            format!("PATCH /v2/projects/my-project/policies/{RESOURCE_LOCATIONS}"),
            named(RESOURCE_LOCATIONS),
            404,
            "NOT_FOUND",
        ),
        ("unknown folder", "GET /v2/folders/12/policies".to_owned(), Value::Null, 403, "PERMISSION_DENIED"),
    ] {
        let said = world.call(&line, body).await;
        assert_eq!((said.status, said.code()), (status, code), "{row}: {}", said.body);
    }
    assert_eq!(world.get(&path).await.ok(), before, "what was refused has changed nothing");
    let matching = before["etag"].as_str().unwrap_or_default().replace('+', "%2B").replace('=', "%3D");
    world.delete(&format!("{path}?etag={matching}")).await.ok();
}

#[tokio::test]
async fn a_mask_changes_one_spec_and_leaves_the_other() {
    let world = World::new().await;
    let path = format!("/v2/{ORG}/policies/{RESTRICT_NON_CMEK}");
    set(&world, ORG, RESTRICT_NON_CMEK, deny(&["storage.googleapis.com"])).await;
    let trial = json!({"name": path["/v2/".len()..], "dryRunSpec": deny(&["pubsub.googleapis.com"])});
    let both = world.call(&format!("PATCH {path}?updateMask=policy.dryRunSpec"), trial).await.ok();
    assert_eq!(both["spec"]["rules"], deny(&["storage.googleapis.com"])["rules"]);
    assert!(
        !refuses(&world, "my-project", RESTRICT_NON_CMEK, "pubsub.googleapis.com").await,
        "a trial refuses nothing"
    );
    let live = json!({"name": path["/v2/".len()..], "spec": deny(&["storage.googleapis.com"])});
    let whole = world.call(&format!("PATCH {path}"), live).await.ok();
    assert_eq!(whole.get("dryRunSpec"), None, "3.1 without mask: full overwrite");
}

#[tokio::test]
async fn the_effective_policy_is_merged_along_the_tree() {
    let world = World::new().await;
    let path = |constraint: &str| format!("/v2/projects/my-project/policies/{constraint}:getEffectivePolicy");
    let unset = world.get(&path(RESTRICT_NON_CMEK)).await.ok();
    assert_eq!(unset["spec"]["rules"], json!([{"allowAll": true}]), "3.1 effective, nothing set");
    let boolean = world.get(&path(DISABLE_BEFORE_DESTROY)).await.ok();
    assert_eq!(boolean["spec"]["rules"], json!([{"enforce": false}]));

    set(&world, ORG, RESTRICT_NON_CMEK, deny(&["storage.googleapis.com"])).await;
    let mut own = deny(&["pubsub.googleapis.com"]);
    own["inheritFromParent"] = json!(true);
    set(&world, "projects/my-project", RESTRICT_NON_CMEK, own).await;
    let merged = world.get(&path(RESTRICT_NON_CMEK)).await.ok();
    assert_eq!(merged["spec"], deny(&["pubsub.googleapis.com", "storage.googleapis.com"]), "no etag, no time");
    assert_eq!(merged["name"], format!("projects/{}/policies/{RESTRICT_NON_CMEK}", number(&world, "my-project").await));
}

/// client-calls 2.4, the older commands: get, then set; v2 sees the same.
#[tokio::test]
async fn both_apis_view_one_policy() {
    let world = World::new().await;
    let constraint = json!({"constraint": format!("constraints/{RESTRICT_NON_CMEK}")});
    let unset = world.post("/v1/projects/my-project:getOrgPolicy", constraint.clone()).await.ok();
    assert_eq!(
        unset.as_object().map(|map| map.keys().map(String::as_str).collect()),
        Some(vec!["constraint", "etag"]),
        "3.5"
    );

    let policy = json!({"constraint": constraint["constraint"], "etag": unset["etag"],
        "listPolicy": {"deniedValues": ["storage.googleapis.com"]}});
    let made = world.post("/v1/projects/my-project:setOrgPolicy", json!({"policy": policy})).await.ok();
    assert_eq!(made["listPolicy"], policy["listPolicy"]);
    let late = world.post("/v1/projects/my-project:setOrgPolicy", json!({"policy": policy})).await;
    assert_eq!((late.status, late.code()), (409, "ABORTED"));

    let path = format!("/v2/projects/my-project/policies/{RESTRICT_NON_CMEK}");
    let v2 = world.get(&path).await.ok();
    assert_eq!(v2["spec"]["rules"], deny(&["storage.googleapis.com"])["rules"]);
    assert_eq!(v2["etag"], made["etag"]);
    assert_eq!(world.post("/v1/projects/my-project:getOrgPolicy", constraint.clone()).await.ok(), made);
    assert_eq!(
        world.post("/v1/projects/my-project:listOrgPolicies", json!({})).await.ok(),
        json!({"policies": [made]})
    );
    let effective = world.post("/v1/projects/my-project:getEffectiveOrgPolicy", constraint.clone()).await.ok();
    assert_eq!(
        effective,
        json!({"constraint": constraint["constraint"], "listPolicy": {"deniedValues": ["storage.googleapis.com"]}})
    );

    assert_eq!(world.post("/v1/projects/my-project:clearOrgPolicy", constraint.clone()).await.ok(), json!({}));
    assert_eq!(world.get(&path).await.status, 404);
    let effective = world.post(&format!("/v1/{ORG}:getEffectiveOrgPolicy"), constraint).await.ok();
    assert_eq!(effective["listPolicy"], json!({"allValues": "ALLOW"}), "3.5 effective unset list");
    let off = json!({"constraint": format!("constraints/{DISABLE_BEFORE_DESTROY}")});
    let effective = world.post("/v1/projects/my-project:getEffectiveOrgPolicy", off).await.ok();
    assert_eq!(effective["booleanPolicy"], json!({}), "3.5 effective unset boolean");
    let known = world.post("/v1/projects/my-project:listAvailableOrgPolicyConstraints", json!({})).await.ok();
    let names: Vec<_> = known["constraints"].as_array().into_iter().flatten().map(|row| &row["name"]).collect();
    assert!(names.contains(&&json!(format!("constraints/{DISABLE_BEFORE_DESTROY}"))), "{names:?}");
}

#[tokio::test]
async fn a_policy_with_tags_reads_back_in_v1_as_version_2() {
    let world = World::new().await;
    let spec = json!({"rules": [
        {"values": {"deniedValues": ["storage.googleapis.com"]},
         "condition": {"expression": "resource.matchTagId('tagKeys/1', 'tagValues/2')"}},
        {"values": {"deniedValues": ["pubsub.googleapis.com"]}}]});
    set(&world, "projects/my-project", RESTRICT_NON_CMEK, spec).await;
    let body = json!({"constraint": format!("constraints/{RESTRICT_NON_CMEK}")});
    let v1 = world.post("/v1/projects/my-project:getOrgPolicy", body).await.ok();
    assert_eq!(v1["version"], 2, "3.5");
    assert!(!refuses(&world, "my-project", RESTRICT_NON_CMEK, "storage.googleapis.com").await);
    assert!(refuses(&world, "my-project", RESTRICT_NON_CMEK, "pubsub.googleapis.com").await);
}

#[tokio::test]
async fn services_ask_whether_policy_refuses() {
    let world = World::new().await;
    for token in ["storage.googleapis.com", "containerregistry.googleapis.com"] {
        assert!(!refuses(&world, "my-project", RESTRICT_NON_CMEK, token).await, "nothing set: {token}");
    }
    set(&world, ORG, RESTRICT_NON_CMEK, deny(&["storage.googleapis.com", "is:pubsub.googleapis.com"])).await;
    for (token, refused) in [
        ("storage.googleapis.com", true),
        ("pubsub.googleapis.com", true),
        ("artifactregistry.googleapis.com", false),
        ("containerregistry.googleapis.com", false),
    ] {
        assert_eq!(refuses(&world, "my-project", RESTRICT_NON_CMEK, token).await, refused, "3.3 {token}");
    }
    set(&world, "projects/my-project", RESTRICT_NON_CMEK, json!({"reset": true})).await;
    assert!(!refuses(&world, "my-project", RESTRICT_NON_CMEK, "storage.googleapis.com").await, "3.2 reset");
    assert!(refuses(&world, "other-project", RESTRICT_NON_CMEK, "storage.googleapis.com").await);
}

/// 3.3: `under:` uses the key project's ancestry, not the resource's.
#[tokio::test]
async fn keys_may_come_from_where_the_policy_says() {
    let world = World::new().await;
    let made = world.post(&format!("/v2/folders?parent={ORG}"), json!({"displayName": "Keys"})).await.ok();
    let folder = made["response"]["name"].as_str().unwrap_or_default().to_owned();
    for project in ["key-project", "sole-keys"] {
        world.get(&format!("/v1/projects/{project}")).await.ok();
    }
    world.post("/v3/projects/key-project:move", json!({"destinationParent": folder})).await.ok();
    let sole = format!("projects/{}", number(&world, "sole-keys").await);
    set(&world, "projects/my-project", RESTRICT_KEY_PROJECTS, allow(&[&format!("under:{folder}"), &sole])).await;
    for (value, refused) in [
        ("projects/key-project", false),
        ("projects/sole-keys", false),
        ("projects/my-project", true),
        ("projects/other-keys", true),
    ] {
        assert_eq!(refuses(&world, "my-project", RESTRICT_KEY_PROJECTS, value).await, refused, "{value}");
    }
    world.post("/v3/projects/key-project:move", json!({"destinationParent": ORG})).await.ok();
    assert!(refuses(&world, "my-project", RESTRICT_KEY_PROJECTS, "projects/key-project").await, "moved out");
    assert!(!refuses(&world, "other-project", RESTRICT_KEY_PROJECTS, "projects/other-keys").await);
}

#[tokio::test]
async fn boolean_constraints_are_enforced_by_the_nearest_policy() {
    let world = World::new().await;
    let enforced = async |project: &'static str| {
        world
            .inside(Mode::Read, |call| doors::constraint_enforced(call, project, DISABLE_BEFORE_DESTROY))
            .await
            .unwrap()
    };
    assert!(!enforced("my-project").await);
    set(&world, ORG, DISABLE_BEFORE_DESTROY, json!({"rules": [{"enforce": true}]})).await;
    assert!(enforced("my-project").await);
    let body = json!({"policy": {"constraint": format!("constraints/{DISABLE_BEFORE_DESTROY}"), "booleanPolicy": {}}});
    world.post("/v1/projects/my-project:setOrgPolicy", body).await.ok();
    assert!(!enforced("my-project").await);
}

#[test]
fn a_violation_reads_as_google_prints_it() {
    let error = doors::policy_violation(
        RESTRICT_NON_CMEK,
        "my-project",
        "google.pubsub.v1.Publisher.CreateTopic",
        "pubsub.googleapis.com",
    );
    let text = "Constraint 'constraints/gcp.restrictNonCmekServices' violated for 'projects/my-project' attempting to perform the operation 'google.pubsub.v1.Publisher.CreateTopic' with violated value 'pubsub.googleapis.com'. See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information.";
    assert_eq!(
        gcp_gateway::error_json(&error),
        json!({"error": {"code": 400, "message": text, "status": "FAILED_PRECONDITION", "details": [
            {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [
                {"type": "constraints/gcp.restrictNonCmekServices", "subject": "orgpolicy:projects/my-project",
                 "description": text}]}]}}),
        "3.4"
    );
}
