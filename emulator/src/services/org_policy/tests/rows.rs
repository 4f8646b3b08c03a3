//! Rows of the reference's 3.1, 3.3 and 3.5, and what is no policy at all.

use gcp_names::constraint::{ALLOWED_PROTECTION_LEVELS, MINIMUM_DESTROY_DURATION};

use super::*;

/// 3.3: both constraints as they are shown, and 1.8's.
#[tokio::test]
async fn the_catalogue() {
    let world = World::new().await;
    let number = number(&world, "my-project").await;
    let known = world.get("/v2/projects/my-project/constraints").await.ok();
    let v1 = world.post("/v1/projects/my-project:listAvailableOrgPolicyConstraints", json!({})).await.ok();
    let find = |list: &Value, name: &str| {
        list["constraints"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|row| row["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    for (constraint, display, kind, shape) in [
        (RESTRICT_NON_CMEK, "Restrict which services may create resources without CMEK", "listConstraint", json!({})),
        (
            RESTRICT_KEY_PROJECTS,
            "Restrict which projects may supply KMS CryptoKeys for CMEK",
            "listConstraint",
            json!({"supportsUnder": true}),
        ),
        (
            RESOURCE_LOCATIONS,
            "Google Cloud Platform - Resource Location Restriction",
            "listConstraint",
            json!({"supportsIn": true}),
        ),
        (
            MINIMUM_DESTROY_DURATION,
            "Minimum destroy scheduled duration per key",
            "listConstraint",
            json!({"supportsIn": true}),
        ),
        (ALLOWED_PROTECTION_LEVELS, "Restrict which KMS CryptoKey types may be created", "listConstraint", json!({})),
        (DISABLE_BEFORE_DESTROY, "Restrict key destruction to disabled keys", "booleanConstraint", json!({})),
    ] {
        let row = find(&known, &format!("projects/{number}/constraints/{constraint}"));
        assert_eq!(
            (&row["displayName"], &row["constraintDefault"], &row[kind]),
            (&json!(display), &json!("ALLOW"), &shape),
            "3.3 {constraint}"
        );
        let row = find(&v1, &format!("constraints/{constraint}"));
        assert_eq!((&row["displayName"], &row[kind]), (&json!(display), &shape), "3.5 {constraint}");
    }
}

/// 3.3: each service of the list can be named, and no other.
#[tokio::test]
async fn every_service_that_the_constraint_takes() {
    const SERVICES: &str = "aiplatform alloydb apigee artifactregistry backupdr bigquery bigquerydatatransfer bigtable cloudfunctions cloudtasks composer compute contactcenterinsights container dataflow dataform datafusion dataplex dataproc dialogflow discoveryengine documentai eventarc file firestore gkebackup integrations logging looker lustre memorystore netapp notebooks pubsub redis run secretmanager securesourcemanager securitycenter spanner speech sqladmin storage storagetransfer tpu workstations";
    let world = World::new().await;
    let services: Vec<_> = SERVICES.split(' ').map(|name| format!("{name}.googleapis.com")).collect();
    let all: Vec<_> = services.iter().map(String::as_str).collect();
    let made = set(&world, "projects/my-project", RESTRICT_NON_CMEK, deny(&all)).await;
    let path = format!("/v2/projects/my-project/policies/{RESTRICT_NON_CMEK}");
    for (row, value) in [
        ("3.3 not in the list", "containerregistry.googleapis.com"),
        ("3.3 not in the list", "cloudkms.googleapis.com"),
        ("3.3 no wildcard", "*"),
        ("3.3 no wildcard", "*.googleapis.com"),
        ("3.3 no 'all' token", "all"),
        ("3.3 a whole name", "storage"),
    ] {
        let body = json!({"name": made["name"], "spec": deny(&[value])});
        let said = world.call(&format!("PATCH {path}"), body).await;
        let text = format!(
            "Invalid policy for constraints/{RESTRICT_NON_CMEK}: the value '{value}' is no service that takes customer-managed keys; write it as storage.googleapis.com."
        );
        assert_eq!((said.status, said.code(), said.message()), (400, "INVALID_ARGUMENT", text.as_str()), "{row}");
        assert_eq!(world.get(&path).await.ok(), made, "{row}");
    }
}

/// 3.1: the refusal of a caller without the permission.
#[tokio::test]
async fn who_may_not_set_policies() {
    let world = World::enforcing().await;
    let name = format!("projects/my-project/policies/{RESTRICT_NON_CMEK}");
    let body = json!({"name": name, "spec": deny(&["storage.googleapis.com"])});
    for (line, permission, resource) in [
        ("POST /v2/projects/my-project/policies".to_owned(), "orgpolicy.policies.create", "projects/my-project"),
        (format!("PATCH /v2/{name}"), "orgpolicy.policies.update", name.as_str()),
        (format!("DELETE /v2/{name}"), "orgpolicy.policies.delete", name.as_str()),
        (format!("GET /v2/{name}"), "orgpolicy.policy.get", name.as_str()),
    ] {
        let said = world.call_as("ann@example.com", &line, body.clone()).await;
        let text = format!(
            "Permission '{permission}' denied on resource '//orgpolicy.googleapis.com/{resource}' (or it may not exist)."
        );
        assert_eq!((said.status, said.code(), said.message()), (403, "PERMISSION_DENIED", text.as_str()), "3.1 {line}");
    }
    assert!(!refuses(&world, "my-project", RESTRICT_NON_CMEK, "storage.googleapis.com").await, "nothing was set");
}

/// 3.5: what the older verbs refuse; neither API shows a trace of it.
#[tokio::test]
async fn what_v1_refuses() {
    let world = World::new().await;
    let made = set(&world, "projects/my-project", RESTRICT_NON_CMEK, deny(&["storage.googleapis.com"])).await;
    let full = format!("constraints/{RESTRICT_NON_CMEK}");
    let policy = |field: &str, value: Value| json!({"policy": {"constraint": full, field: value}});
    let path = "/v1/projects/my-project";
    for (row, verb, body, status, code, text) in [
        (
            "no constraint",
            "getOrgPolicy",
            json!({}),
            400,
            "INVALID_ARGUMENT",
            "Invalid constraint: it must be named, as in constraints/gcp.restrictNonCmekServices.",
        ),
        (
            "an unknown constraint",
            "getOrgPolicy",
            json!({"constraint": "constraints/gcp.unheardOf"}),
            404,
            "NOT_FOUND",
            "Constraint constraints/gcp.unheardOf was not found.",
        ),
        (
            "a number for a text",
            "getOrgPolicy",
            json!({"constraint": 5}),
            400,
            "INVALID_ARGUMENT",
            "Invalid value at 'constraint' (TYPE_STRING), 5",
        ),
        (
            "an unknown field",
            "getOrgPolicy",
            json!({"constrain": "x"}),
            400,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received. Unknown name \"constrain\": Cannot find field.",
        ),
        ("no policy", "setOrgPolicy", json!({}), 400, "INVALID_ARGUMENT", "Invalid request: it has no policy."),
        (
            "no kind of policy",
            "setOrgPolicy",
            json!({"policy": {"constraint": full}}),
            400,
            "INVALID_ARGUMENT",
            "Invalid policy: it has exactly one of listPolicy, booleanPolicy and restoreDefault.",
        ),
        (
            "a misspelt field deep inside",
            "setOrgPolicy",
            policy("listPolicy", json!({"deniedvalues": ["pubsub.googleapis.com"]})),
            400,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received. Unknown name \"deniedvalues\" at 'policy.list_policy': Cannot find field.",
        ),
        (
            "a text for a list",
            "setOrgPolicy",
            policy("listPolicy", json!({"deniedValues": "pubsub.googleapis.com"})),
            400,
            "INVALID_ARGUMENT",
            "Invalid value at 'policy.list_policy.denied_values' (repeated TYPE_STRING), \"pubsub.googleapis.com\"",
        ),
        (
            "a boolean policy for a list",
            "setOrgPolicy",
            policy("booleanPolicy", json!({"enforced": true})),
            400,
            "INVALID_ARGUMENT",
            "Invalid policy for constraints/gcp.restrictNonCmekServices: the constraint is a list, so enforce does not apply.",
        ),
        (
            "3.3 allow list",
            "setOrgPolicy",
            policy("listPolicy", json!({"allowedValues": ["pubsub.googleapis.com"]})),
            400,
            "INVALID_ARGUMENT",
            "Invalid policy for constraints/gcp.restrictNonCmekServices: allowedValues are not allowed; it takes a list of deniedValues only.",
        ),
        (
            "an etag that is none",
            "clearOrgPolicy",
            json!({"constraint": full, "etag": "no etag!"}),
            400,
            "INVALID_ARGUMENT",
            "Invalid value at 'etag' (TYPE_BYTES), \"no etag!\"",
        ),
        (
            "a page token",
            "listOrgPolicies",
            json!({"pageToken": "YQ"}),
            400,
            "INVALID_ARGUMENT",
            "Invalid page_token: it is not one that this service gave out.",
        ),
        (
            "a page size",
            "listOrgPolicies",
            json!({"pageSize": -1}),
            400,
            "INVALID_ARGUMENT",
            "Invalid page_size: -1. It must not be negative.",
        ),
    ] {
        let said = world.post(&format!("{path}:{verb}"), body).await;
        assert_eq!((said.status, said.code(), said.message()), (status, code, text), "3.5 {row}");
        assert_eq!(
            world.get(&format!("/v2/projects/my-project/policies/{RESTRICT_NON_CMEK}")).await.ok(),
            made,
            "{row}"
        );
    }
    let late = world.post(&format!("{path}:clearOrgPolicy"), json!({"constraint": full, "etag": "BwAAAAAAAAA="})).await;
    assert_eq!((late.status, late.code()), (409, "ABORTED"), "3.5 etag mismatch");
    // 3.5: folders and the organization alike; a policy is restored to the default.
    let made = world.post(&format!("/v2/folders?parent={ORG}"), json!({"displayName": "Keys"})).await.ok();
    let folder = made["response"]["name"].as_str().unwrap_or_default().to_owned();
    for resource in [folder.as_str(), ORG] {
        let body = policy("restoreDefault", json!({}));
        let set = world.post(&format!("/v1/{resource}:setOrgPolicy"), body).await.ok();
        assert_eq!(set["restoreDefault"], json!({}), "3.5 {resource}");
        let cleared = world.post(&format!("/v1/{resource}:clearOrgPolicy"), json!({"constraint": full})).await.ok();
        assert_eq!(cleared, json!({}), "3.5 {resource}");
    }
}
