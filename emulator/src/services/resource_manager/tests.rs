//! Stories about projects, folders and the organization.

use serde_json::{Value, json};

use super::GAPS;
use crate::kernel::Mode;
use crate::testing::World;

const ORG: &str = "organizations/123456789012";

async fn folder(world: &World, parent: &str, name: &str) -> String {
    let made = world.post(&format!("/v2/folders?parent={parent}"), json!({"displayName": name})).await.ok();
    made["response"]["name"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    assert_eq!(World::new().await.unimplemented("/google.cloud.resourcemanager.").await, GAPS);
}

#[tokio::test]
async fn a_project_that_a_call_names_exists_and_its_number_leads_back_to_it() {
    let world = World::new().await;
    let v1 = world.get("/v1/projects/my-project").await.ok();
    let number = v1["projectNumber"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        v1,
        json!({"projectNumber": number, "projectId": "my-project", "lifecycleState": "ACTIVE", "name": "my-project",
            "createTime": "2026-01-05T09:00:00Z", "parent": {"type": "organization", "id": "123456789012"}}),
        "4.4 project v1"
    );
    let v3 = world.get(&format!("/v3/projects/{number}")).await.ok();
    assert_eq!(v3["name"], format!("projects/{number}"), "4.4 project v3");
    assert_eq!((&v3["projectId"], &v3["parent"], &v3["state"]), (&json!("my-project"), &json!(ORG), &json!("ACTIVE")));
    // The same seed, another order of calls: the same number.
    let other = World::new().await;
    other.get("/v1/projects/another-project").await.ok();
    assert_eq!(other.get("/v1/projects/my-project").await.ok()["projectNumber"], number);
}

#[tokio::test]
async fn what_is_not_there_is_hidden() {
    let hidden = json!({"error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}});
    let strict = World::strict().await;
    for path in ["/v1/projects/my-project", "/v3/projects/my-project", "/v2/folders/12", "/v1/organizations/12"] {
        let said = strict.get(path).await;
        assert_eq!((said.status, &said.body), (403, &hidden), "4.4 unknown project: {path}");
    }
    let auto = World::new().await;
    assert_eq!(auto.get("/v1/projects/123").await.body, hidden, "a number that belongs to no project");
    assert_eq!(auto.get("/v1/projects/No_Such_Id").await.status, 400);
    assert_eq!(auto.get("/v1/projects").await.ok(), json!({}));
}

#[tokio::test]
async fn a_created_project_is_listed_renamed_deleted_and_brought_back() {
    let world = World::strict().await;
    let parent = folder(&world, ORG, "Shops").await;
    let made = world
        .post(
            "/v1/projects",
            json!({"projectId": "my-shop-1", "name": "My shop", "labels": {"team": "a"},
                "parent": {"type": "folder", "id": parent.trim_start_matches("folders/")}}),
        )
        .await
        .ok();
    assert_eq!((&made["done"], &made["response"]["projectId"]), (&json!(true), &json!("my-shop-1")));
    let polled = world.get(&format!("/v1/{}", made["name"].as_str().unwrap_or_default())).await.ok();
    assert_eq!(polled, made, "gcloud polls what is done");
    let again = world.post("/v1/projects", json!({"projectId": "my-shop-1"})).await;
    assert_eq!((again.status, again.code()), (409, "ALREADY_EXISTS"));

    let listed = world.get("/v1/projects?filter=lifecycleState:ACTIVE%20AND%20labels.team:a&pageSize=500").await.ok();
    assert_eq!(listed["projects"][0]["name"], "My shop");
    let renamed = world
        .call(
            "PATCH /v3/projects/my-shop-1?updateMask=displayName",
            json!({"displayName": "Our shop", "labels": {"x": "y"}}),
        )
        .await
        .ok();
    assert_eq!(
        renamed["metadata"]["@type"],
        "type.googleapis.com/google.cloud.resourcemanager.v3.UpdateProjectMetadata"
    );
    let response = &renamed["response"];
    assert_eq!(response["@type"], "type.googleapis.com/google.cloud.resourcemanager.v3.Project");
    assert_eq!((&response["displayName"], &response["labels"]), (&json!("Our shop"), &json!({"team": "a"})));
    assert_eq!(world.get(&format!("/v3/{}", renamed["name"].as_str().unwrap_or_default())).await.ok(), renamed);

    assert_eq!(world.delete("/v1/projects/my-shop-1").await.ok(), json!({}));
    assert_eq!(world.get("/v3/projects/my-shop-1").await.ok()["state"], "DELETE_REQUESTED");
    assert_eq!(world.get("/v1/projects?filter=lifecycleState:ACTIVE").await.ok(), json!({}));
    assert_eq!(world.get("/v1/projects/my-shop-1/services").await.status, 403, "closed to other services");
    let twice = world.delete("/v1/projects/my-shop-1").await;
    assert_eq!((twice.status, twice.code()), (400, "FAILED_PRECONDITION"));
    assert_eq!(world.post("/v1/projects/my-shop-1:undelete", json!({})).await.ok(), json!({}));
    assert_eq!(world.get("/v1/projects/my-shop-1/services").await.status, 200);
}

#[tokio::test]
async fn ids_names_and_labels_follow_production() {
    let world = World::new().await;
    for (what, body) in [
        ("short id", json!({"projectId": "abc"})),
        ("upper case", json!({"projectId": "My-project"})),
        ("short name", json!({"projectId": "my-project", "name": "abc"})),
        ("label", json!({"projectId": "my-project", "labels": {"Team": "a"}})),
    ] {
        let said = world.post("/v1/projects", body).await;
        assert_eq!((said.status, said.code()), (400, "INVALID_ARGUMENT"), "{what}: {}", said.body);
    }
    let said =
        world.post("/v1/projects", json!({"projectId": "my-project", "parent": {"type": "folder", "id": "9"}})).await;
    assert_eq!(said.status, 403, "a parent that is not there");
}

#[tokio::test]
async fn an_update_with_an_old_etag_is_aborted() {
    let world = World::new().await;
    let etag = world.get("/v3/projects/my-project").await.ok()["etag"].clone();
    let patch = |name: &str| json!({"etag": etag, "displayName": name});
    world.call("PATCH /v3/projects/my-project?updateMask=display_name", patch("First one")).await.ok();
    let late = world.call("PATCH /v3/projects/my-project?updateMask=display_name", patch("Second one")).await;
    assert_eq!((late.status, late.code()), (409, "ABORTED"));
    assert_eq!(world.get("/v3/projects/my-project").await.ok()["displayName"], "First one");
}

#[tokio::test]
async fn folders_are_a_tree() {
    let world = World::new().await;
    let upper = folder(&world, ORG, "Upper").await;
    let lower = folder(&world, &upper, "Lower").await;
    world.get("/v1/projects/my-project").await.ok();
    let moved = world.post("/v3/projects/my-project:move", json!({"destinationParent": lower})).await.ok();
    assert_eq!(moved["response"]["parent"], lower);

    let ancestors = world.post("/v1/projects/my-project:getAncestry", json!({})).await.ok();
    let types: Vec<_> =
        ancestors["ancestor"].as_array().into_iter().flatten().map(|row| &row["resourceId"]["type"]).collect();
    assert_eq!(types, ["project", "folder", "folder", "organization"], "4.4 ancestry v1");

    let listed = world.get(&format!("/v2/folders?parent={upper}")).await.ok();
    assert_eq!(listed["folders"][0]["displayName"], "Lower");
    assert_eq!(world.get(&format!("/v3/folders?parent={upper}")).await.ok()["folders"][0]["name"], lower);

    for (what, line, body) in [
        ("into itself", format!("POST /v3/{upper}:move"), json!({"destinationParent": lower})),
        ("not empty", format!("DELETE /v3/{upper}"), Value::Null),
        ("a sibling's name", format!("POST /v2/folders?parent={ORG}"), json!({"displayName": "Upper"})),
        ("active", format!("POST /v3/{lower}:undelete"), json!({})),
    ] {
        let said = world.call(&line, body).await;
        assert_eq!((said.status, said.code()), (400, "FAILED_PRECONDITION"), "{what}: {}", said.body);
    }
    let renamed =
        world.call(&format!("PATCH /v3/{lower}?updateMask=displayName"), json!({"displayName": "Cellar"})).await.ok();
    assert_eq!(renamed["response"]["displayName"], "Cellar");
    world.post("/v3/projects/my-project:move", json!({"destinationParent": ORG})).await.ok();
    assert_eq!(world.delete(&format!("/v2/{lower}")).await.ok()["lifecycleState"], "DELETE_REQUESTED");
    assert_eq!(world.get(&format!("/v3/folders?parent={upper}")).await.ok(), json!({}));
}

#[tokio::test]
async fn folders_nest_ten_deep_and_no_deeper() {
    let world = World::new().await;
    let mut parent = ORG.to_owned();
    for level in 1..=10 {
        parent = folder(&world, &parent, &format!("Level {level}")).await;
    }
    let said = world.post(&format!("/v2/folders?parent={parent}"), json!({"displayName": "Level 11"})).await;
    assert_eq!((said.status, said.code()), (400, "FAILED_PRECONDITION"));
}

#[tokio::test]
async fn the_organization_is_there_from_the_start() {
    let world = World::new().await;
    let found = world.post("/v1/organizations:search", json!({})).await.ok();
    assert_eq!(found["organizations"][0]["name"], ORG);
    assert_eq!(world.get("/v1/organizations/123456789012").await.ok()["displayName"], "example.com");
    assert_eq!(world.get(&format!("/v3/{ORG}")).await.ok()["state"], "ACTIVE");
    assert_eq!(world.post("/v1/organizations:search", json!({"filter": "domain:other.org"})).await.ok(), json!({}));
}

#[tokio::test]
async fn one_policy_is_seen_through_every_address_of_a_project() {
    let world = World::new().await;
    let read = json!({"options": {"requestedPolicyVersion": 3}});
    assert_eq!(
        world.post("/v1/projects/my-project:getIamPolicy", read.clone()).await.ok(),
        json!({"etag": "ACAB"}),
        "4.1 never set"
    );
    let binding = json!({"role": "roles/viewer", "members": ["user:ann@example.com"]});
    let set = world
        .post(
            "/v1/projects/my-project:setIamPolicy",
            json!({"policy": {"etag": "ACAB", "version": 3, "bindings": [binding]}}),
        )
        .await
        .ok();
    assert_eq!((&set["version"], &set["bindings"][0]), (&json!(1), &binding));
    let number =
        world.get("/v1/projects/my-project").await.ok()["projectNumber"].as_str().unwrap_or_default().to_owned();
    assert_eq!(world.post(&format!("/v3/projects/{number}:getIamPolicy"), read).await.ok(), set);
    let late = world.post("/v3/projects/my-project:setIamPolicy", json!({"policy": {"etag": "ACAB"}})).await;
    assert_eq!(
        (late.status, late.message()),
        (
            409,
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
        ),
        "4.1 etag mismatch"
    );
    let conditional = json!({"policy": {"version": 3, "bindings": [{"role": "roles/viewer", "members": ["user:ann@example.com"],
        "condition": {"title": "t", "expression": "true"}}]}});
    world.post("/v3/projects/my-project:setIamPolicy", conditional).await.ok();
    let plain = world.post("/v1/projects/my-project:getIamPolicy", json!({})).await.ok();
    assert_eq!((&plain["version"], plain.pointer("/bindings/0/condition")), (&json!(1), None), "4.1 conditions hidden");
}

/// 4.1: folders and the organization, each at both of its addresses.
#[tokio::test]
async fn folders_and_the_organization_have_policies_too() {
    let world = World::new().await;
    let folder = folder(&world, ORG, "Shops").await;
    for (older, newer) in
        [(format!("/v2/{folder}"), format!("/v3/{folder}")), (format!("/v1/{ORG}"), format!("/v3/{ORG}"))]
    {
        for address in [&older, &newer] {
            let unset = world.post(&format!("{address}:getIamPolicy"), json!({})).await.ok();
            assert_eq!(unset, json!({"etag": "ACAB"}), "4.1 never set: {address}");
        }
        let policy = json!({"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:ann@example.com"]}]}});
        let set = world.post(&format!("{older}:setIamPolicy"), policy).await.ok();
        assert_eq!(world.post(&format!("{newer}:getIamPolicy"), json!({})).await.ok(), set, "4.1 {newer}");
        let late = json!({"policy": {"etag": "ACAB"}, "updateMask": "bindings,etag"});
        assert_eq!(world.post(&format!("{newer}:setIamPolicy"), late).await.code(), "ABORTED", "4.1 {newer}");
        assert_eq!(world.post(&format!("{older}:getIamPolicy"), json!({})).await.ok(), set, "4.1 {older}");
        let kept = json!({"policy": {}, "updateMask": "version"});
        let kept = world.post(&format!("{older}:setIamPolicy"), kept).await.ok();
        assert_eq!(kept["bindings"], set["bindings"], "4.1 updateMask: {older}");
        let asked = json!({"permissions": ["resourcemanager.folders.get"]});
        assert_eq!(world.post(&format!("{newer}:testIamPermissions"), asked.clone()).await.ok(), asked, "4.1 {newer}");
    }
}

#[tokio::test]
async fn where_callers_are_checked_lists_show_what_they_may_see() {
    let world = World::enforcing().await;
    let ann = "ann@example.com";
    let refused = world.call_as(ann, "POST /v3/projects", json!({"projectId": "my-shop-1"})).await;
    assert_eq!(
        refused.message(),
        format!(
            "Permission 'resourcemanager.projects.create' denied on resource '//cloudresourcemanager.googleapis.com/{ORG}' (or it may not exist)."
        )
    );
    let v1 = world.call_as(ann, "POST /v1/projects", json!({"projectId": "my-shop-1"})).await;
    assert_eq!(v1.body, refused.body);
    for line in [format!("GET /v3/projects?parent={ORG}"), format!("GET /v3/folders?parent={ORG}")] {
        assert_eq!(world.call_as(ann, &line, Value::Null).await.status, 403, "{line}");
    }

    world
        .inside(Mode::Write, |call| {
            crate::doors::project(call, "ann-project")?;
            crate::doors::project(call, "bob-project")?;
            let binding = gcp_schema::iam::Binding {
                role: "roles/owner".to_owned(),
                members: vec!["user:ann@example.com".to_owned()],
                ..Default::default()
            };
            let policy = gcp_schema::iam::Policy { bindings: vec![binding], ..Default::default() };
            crate::doors::replace_policy(call, "projects/ann-project", policy)
        })
        .await
        .unwrap();
    let seen = world.call_as(ann, "GET /v3/projects:search", Value::Null).await.ok();
    let ids: Vec<_> = seen["projects"].as_array().into_iter().flatten().map(|project| &project["projectId"]).collect();
    assert_eq!(ids, ["ann-project"]);
}

/// 4.4: the shapes of v3, and of v1 with labels.
#[tokio::test]
async fn resources_have_the_shapes_of_the_reference() {
    let world = World::new().await;
    let parent = folder(&world, ORG, "Shops").await;
    let body = json!({"projectId": "my-shop-1", "name": "My shop", "labels": {"team": "a"},
        "parent": {"type": "folder", "id": parent.trim_start_matches("folders/")}});
    let made = world.post("/v1/projects", body).await.ok();
    let number = made["response"]["projectNumber"].as_str().unwrap_or_default().to_owned();
    let v1 = world.get("/v1/projects/my-shop-1").await.ok();
    assert_eq!(
        v1,
        json!({"projectNumber": number, "projectId": "my-shop-1", "lifecycleState": "ACTIVE", "name": "My shop",
            "createTime": "2026-01-05T09:00:00Z", "labels": {"team": "a"},
            "parent": {"type": "folder", "id": parent.trim_start_matches("folders/")}}),
        "4.4 project v1"
    );
    let v3 = world.get("/v3/projects/my-shop-1").await.ok();
    assert_eq!(
        v3,
        json!({"name": format!("projects/{number}"), "projectId": "my-shop-1", "parent": parent, "state": "ACTIVE",
            "displayName": "My shop", "createTime": "2026-01-05T09:00:00Z", "updateTime": "2026-01-05T09:00:00Z",
            "etag": v3["etag"], "labels": {"team": "a"}}),
        "4.4 project v3"
    );
    let shown = world.get(&format!("/v3/{parent}")).await.ok();
    assert_eq!(
        shown,
        json!({"name": parent, "parent": ORG, "displayName": "Shops", "state": "ACTIVE",
            "createTime": "2026-01-05T09:00:00Z", "updateTime": "2026-01-05T09:00:00Z", "etag": shown["etag"]}),
        "4.4 folder v3"
    );
    let shown = world.get(&format!("/v3/{ORG}")).await.ok();
    assert_eq!(
        shown,
        json!({"name": ORG, "displayName": "example.com", "directoryCustomerId": super::CUSTOMER, "state": "ACTIVE",
            "etag": shown["etag"]}),
        "4.4 organization v3"
    );
}

/// What is no request of Resource Manager's, in v1 and v2 as in v3; nothing comes of it.
#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_same_words() {
    let world = World::new().await;
    let unknown = "Invalid JSON payload received. Unknown name \"colour\": Cannot find field.";
    let nested = "Invalid JSON payload received. Unknown name \"colour\" at 'project': Cannot find field.";
    let parent = "Invalid parent of type 'folder' and id '': it is a folder or an organization by its number.";
    let planet = "Invalid parent of type 'planet' and id '1': it is a folder or an organization by its number.";
    let bare = "Invalid parent 'projects/x': write folders/NUMBER or organizations/NUMBER.";
    let token = "Invalid page_token: it is not one that this service gave out.";
    let mask = "Invalid update_mask: the field 'state' is unknown or cannot be changed.";
    for (line, body, text) in [
        ("POST /v1/projects", json!({"projectId": "my-shop-1", "colour": "red"}), unknown),
        ("POST /v3/projects", json!({"projectId": "my-shop-1", "colour": "red"}), nested),
        ("POST /v1/projects", json!({"projectId": 7}), "Invalid value at 'project_id' (TYPE_STRING), 7"),
        ("POST /v3/projects", json!({"projectId": 7}), "Invalid value at 'project.project_id' (TYPE_STRING), 7"),
        (
            "POST /v1/projects",
            json!({"projectId": "my-shop-1", "labels": ["a"]}),
            "Invalid value at 'labels' (an object), [\"a\"]",
        ),
        ("POST /v1/projects", json!({"projectId": "my-shop-1", "parent": {"type": "folder"}}), parent),
        ("POST /v1/projects", json!({"projectId": "my-shop-1", "parent": {"type": "planet", "id": "1"}}), planet),
        ("POST /v3/projects", json!({"projectId": "my-shop-1", "parent": "projects/x"}), bare),
        ("POST /v2/folders?parent=projects/x", json!({"displayName": "Shops"}), bare),
        ("POST /v3/folders", json!({"displayName": "Shops", "parent": "projects/x"}), bare),
        ("GET /v1/projects?pageSize=many", Value::Null, "Invalid value at 'page_size' (TYPE_INT32), \"many\""),
        ("GET /v3/projects:search?pageSize=many", Value::Null, "Invalid value at 'page_size' (TYPE_INT32), \"many\""),
        ("GET /v1/projects?pageSize=-1", Value::Null, "Invalid page_size: -1. It must not be negative."),
        ("GET /v1/projects?pageToken=YQ", Value::Null, token),
        ("GET /v3/projects:search?pageToken=YQ", Value::Null, token),
        (
            "GET /v1/projects?filter=colour:red",
            Value::Null,
            "Invalid filter: 'colour:red' is not understood. Write field:value, joined by AND.",
        ),
        ("PATCH /v3/projects/my-project?updateMask=state", json!({"state": "ACTIVE"}), mask),
        (
            "PATCH /v3/projects/my-project?updateMask=displayName.deeper",
            json!({"displayName": "Other"}),
            "Invalid update_mask: the field 'display_name.deeper' is unknown or cannot be changed.",
        ),
        (
            "POST /v1/projects/my-project:getIamPolicy",
            json!({"options": {"requestedPolicyVersion": 2}}),
            "Invalid requested_policy_version 2: it must be 0, 1 or 3.",
        ),
        (
            "POST /v3/projects/my-project:getIamPolicy",
            json!({"options": {"requestedPolicyVersion": 2}}),
            "Invalid requested_policy_version 2: it must be 0, 1 or 3.",
        ),
        (
            "POST /v1/projects/my-project:setIamPolicy",
            json!({"policy": {"etag": "no etag!"}}),
            "Invalid value at 'etag' (TYPE_BYTES), Base64 decoding failed for \"no etag!\"",
        ),
        (
            "POST /v1/projects/my-project:setIamPolicy",
            json!({"policy": {}, "updateMask": "colour"}),
            "Invalid update_mask: 'colour' is not one of bindings, etag, version and auditConfigs.",
        ),
        (
            "POST /v1/projects/my-project:testIamPermissions",
            json!({"permissions": "x"}),
            "Invalid value at 'permissions' (repeated TYPE_STRING), \"x\"",
        ),
        ("POST /v1/projects/my-project:undelete", json!({"colour": "red"}), unknown),
    ] {
        let said = world.call(line, body).await;
        assert_eq!((said.status, said.code(), said.message()), (400, "INVALID_ARGUMENT", text), "{line}");
        assert_eq!(said.body["error"].get("errors"), None, "4.5 no errors[] of the older envelope: {line}");
    }
    assert_eq!(world.get(&format!("/v3/folders?parent={ORG}")).await.ok(), json!({}));
    let projects = world.get("/v1/projects").await.ok();
    let ids: Vec<_> = projects["projects"].as_array().into_iter().flatten().map(|row| &row["projectId"]).collect();
    assert_eq!(ids, ["my-project"], "what was refused made no project");
}
