//! The v1 and v2 REST of Resource Manager that gcloud still speaks; no published messages describe it.

use std::collections::BTreeMap;
use std::sync::Arc;

use gcp_gateway::ApiHint;
use gcp_schema::iam::Policy;
use gcp_schema::resourcemanager::Project;
use http::Method;
use serde_json::{Map, Value, json};

use super::model::{self, FolderRow, ProjectRow};
use super::{API, CUSTOMER, api_folders, api_projects, bodies, page_of, query};
use crate::doors;
use crate::kernel::{Call, Error, Kernel, Mode, Result, Time, paging};
use crate::rest::{self, Answer, Query, Request};
use crate::shape;

const V1_FILTERS: &[&str] = &["id", "projectId", "name", "lifecycleState", "parent.type", "parent.id", "projectNumber"];

/// A call that is ours: what its name is in the audit trail, the permission it asks for, whether it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Action {
    name: &'static str,
    permission: &'static str,
    mode: Mode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    collection: &'static str,
    /// Empty for the collection itself.
    id: String,
    action: Action,
}

/// (version, collection, verb of HTTP, has an id, `:verb`) -> action. What is not here is another service's.
const ACTIONS: &[(&str, &str, &str, bool, &str, Action)] = &[
    ("v1", "projects", "GET", false, "", read("projects.list", "")),
    ("v1", "projects", "POST", false, "", write("projects.create", "resourcemanager.projects.create")),
    ("v1", "projects", "GET", true, "", read("projects.get", "resourcemanager.projects.get")),
    ("v1", "projects", "PUT", true, "", write("projects.update", "resourcemanager.projects.update")),
    ("v1", "projects", "DELETE", true, "", write("projects.delete", "resourcemanager.projects.delete")),
    ("v1", "projects", "POST", true, "undelete", write("projects.undelete", "resourcemanager.projects.undelete")),
    ("v1", "projects", "POST", true, "getAncestry", read("projects.getAncestry", "resourcemanager.projects.get")),
    ("v1", "projects", "POST", true, "getIamPolicy", read("getIamPolicy", "resourcemanager.projects.getIamPolicy")),
    ("v1", "projects", "POST", true, "setIamPolicy", write("setIamPolicy", "resourcemanager.projects.setIamPolicy")),
    ("v1", "projects", "POST", true, "testIamPermissions", read("testIamPermissions", "")),
    ("v1", "organizations", "POST", false, "search", read("organizations.search", "")),
    ("v1", "organizations", "GET", true, "", read("organizations.get", "resourcemanager.organizations.get")),
    (
        "v1",
        "organizations",
        "POST",
        true,
        "getIamPolicy",
        read("getIamPolicy", "resourcemanager.organizations.getIamPolicy"),
    ),
    (
        "v1",
        "organizations",
        "POST",
        true,
        "setIamPolicy",
        write("setIamPolicy", "resourcemanager.organizations.setIamPolicy"),
    ),
    ("v1", "organizations", "POST", true, "testIamPermissions", read("testIamPermissions", "")),
    ("v1", "operations", "GET", true, "", read("operations.get", "")),
    ("v2", "folders", "GET", false, "", read("folders.list", "resourcemanager.folders.list")),
    ("v2", "folders", "POST", false, "", write("folders.create", "resourcemanager.folders.create")),
    ("v2", "folders", "POST", false, "search", read("folders.search", "")),
    ("v2", "folders", "GET", true, "", read("folders.get", "resourcemanager.folders.get")),
    ("v2", "folders", "PATCH", true, "", write("folders.patch", "resourcemanager.folders.update")),
    ("v2", "folders", "DELETE", true, "", write("folders.delete", "resourcemanager.folders.delete")),
    ("v2", "folders", "POST", true, "undelete", write("folders.undelete", "resourcemanager.folders.undelete")),
    ("v2", "folders", "POST", true, "move", write("folders.move", "resourcemanager.folders.move")),
    ("v2", "folders", "POST", true, "getIamPolicy", read("getIamPolicy", "resourcemanager.folders.getIamPolicy")),
    ("v2", "folders", "POST", true, "setIamPolicy", write("setIamPolicy", "resourcemanager.folders.setIamPolicy")),
    ("v2", "folders", "POST", true, "testIamPermissions", read("testIamPermissions", "")),
];

const fn read(name: &'static str, permission: &'static str) -> Action {
    Action { name, permission, mode: Mode::Read }
}

const fn write(name: &'static str, permission: &'static str) -> Action {
    Action { name, permission, mode: Mode::Write }
}

fn shape(method: &Method, path: &str) -> Option<Shape> {
    let segments = rest::segments(path)?;
    let (version, collection, id) = match segments.as_slice() {
        [version, collection] => (version.as_str(), collection.as_str(), None),
        [version, collection, id] => (version.as_str(), collection.as_str(), Some(id.as_str())),
        _ => return None,
    };
    let (name, verb) = id.unwrap_or(collection).rsplit_once(':').unwrap_or((id.unwrap_or(collection), ""));
    // Ids of older projects have a domain: `example.com:my-project`.
    let (name, verb) =
        if verb.contains('-') || verb.contains('.') { (id.unwrap_or(collection), "") } else { (name, verb) };
    let wanted = if id.is_some() { collection } else { name };
    let &(_, collection, _, has_id, _, action) = ACTIONS.iter().find(|row| {
        row.0 == version && row.1 == wanted && row.2 == method.as_str() && row.3 == id.is_some() && row.4 == verb
    })?;
    let id = if has_id { name.to_owned() } else { String::new() };
    if collection == "operations" && operation_number(&id).is_none() {
        return None;
    }
    Some(Shape { collection, id, action })
}

/// Our operations, unlike v3's, say in their name what they made: `cp.PROJECT_NUMBER`, `fc.FOLDER_NUMBER`.
fn operation_number(id: &str) -> Option<(&str, &str)> {
    id.split_once('.')
        .filter(|(kind, number)| ["cp", "fc", "fm"].contains(kind) && gcp_names::is_project_number(number))
}

pub fn claims(request: &Request) -> bool {
    let hint = request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref());
    hint.is_none_or(|api| api == API) && shape(request.method(), request.uri().path()).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    match answer(kernel, request, &query).await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request, query: &Query) -> Result<Value> {
    let shape = shape(request.method(), request.uri().path()).ok_or_else(|| Error::not_found("Method not found."))?;
    let Shape { collection, id, action } = shape;
    let name = format!("{collection}/{id}");
    let resource = if id.is_empty() { String::new() } else { name.clone() };
    let mut spec = rest::spec(&request, action.name, API, action.permission, resource, action.mode);
    let body = bodies::read(request.into_body(), action.name).await?;
    if action.name == "projects.create" {
        spec.resource = parent_of(&body)?.unwrap_or_else(|| model::organization(kernel));
    } else if collection == "folders" && id.is_empty() {
        query.get("parent").unwrap_or_default().clone_into(&mut spec.resource);
    }
    kernel.run(spec, |call| run(call, collection, &id, action, &body, query)).await
}

fn run(call: &mut Call, collection: &str, id: &str, action: Action, body: &Value, query: &Query) -> Result<Value> {
    let name = format!("{collection}/{id}");
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
    match action.name {
        "projects.list" => list_projects(call, query),
        "projects.create" => {
            let parent = parent_of(body)?.unwrap_or_default();
            let row = api_projects::create(call, text("projectId"), &parent, text("name"), labels_of(body))?;
            Ok(created_project(&row))
        }
        "projects.get" => model::find_any(call, id).map(|row| v1_project(&row)),
        "projects.update" => update_project(call, &name, body),
        "projects.delete" => api_projects::delete(call, &name).map(|_| json!({})),
        "projects.undelete" => api_projects::undelete(call, &name).map(|_| json!({})),
        "projects.getAncestry" => ancestry(call, id),
        "organizations.search" => {
            let found = api_folders::search(call, text("filter"))?;
            Ok(found.map_or_else(|| json!({}), |_| json!({"organizations": [v1_organization(call)]})))
        }
        "organizations.get" => {
            api_folders::check_organization(call, &name)?;
            Ok(v1_organization(call))
        }
        "operations.get" => operation(call, id),
        "folders.list" => list_folders(call, query),
        "folders.search" => {
            let terms = query::parse(text("query"), &["displayName", "lifecycleState", "parent"])?;
            let rows = api_folders::list(call, |row| {
                terms.iter().all(|term| match term.field.as_str() {
                    "displayName" => term.fits(&row.display_name),
                    "parent" => term.fits(&row.parent),
                    _ => term.fits(state(row.deleted)),
                })
            })?;
            page("folders", rows, body.get("pageSize").and_then(shape::number), text("pageToken"), v2_folder)
        }
        "folders.create" => {
            let parent = query.get("parent").unwrap_or_default();
            let row = api_folders::create(call, parent, text("displayName"))?;
            Ok(folder_operation("fc", &row))
        }
        "folders.get" => model::folder_any(call, &name).map(|row| v2_folder(&row)),
        "folders.patch" => api_folders::rename(call, &name, text("displayName")).map(|row| v2_folder(&row)),
        "folders.delete" => api_folders::delete(call, &name).map(|row| v2_folder(&row)),
        "folders.undelete" => api_folders::undelete(call, &name).map(|row| v2_folder(&row)),
        "folders.move" => {
            let row = api_folders::relocate(call, &name, text("destinationParent"))?;
            Ok(folder_operation("fm", &row))
        }
        "getIamPolicy" => {
            let name = checked(call, &name)?;
            let version = body.pointer("/options/requestedPolicyVersion").and_then(shape::number).unwrap_or(0);
            let policy = doors::policy_for(call, &name, version)?;
            rest::to_json("google.iam.v1.Policy", &policy)
        }
        "setIamPolicy" => {
            let name = checked(call, &name)?;
            let given = body.get("policy").filter(|given| !given.is_null()).cloned().unwrap_or_else(|| json!({}));
            let policy: Policy = gcp_gateway::message_of_json("google.iam.v1.Policy", given)?
                .transcode_to()
                .map_err(|error| Error::internal(error.to_string()))?;
            let paths = text("updateMask").split(',').filter(|path| !path.is_empty()).map(str::to_owned).collect();
            let policy = doors::set_policy(call, &name, policy, Some(&prost_types::FieldMask { paths }))?;
            rest::to_json("google.iam.v1.Policy", &policy)
        }
        "testIamPermissions" => {
            let name = checked(call, &name)?;
            let asked = body.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
            let asked: Vec<_> = asked.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let held = doors::held_permissions(call, &name, &asked)?;
            Ok(if held.is_empty() { json!({}) } else { json!({"permissions": held}) })
        }
        other => Err(Error::internal(format!("no handler for {other}"))),
    }
}

/// The name by which IAM knows something that exists.
fn checked(call: &mut Call, name: &str) -> Result<String> {
    match name.split_once('/') {
        Some(("projects", id)) => Ok(format!("projects/{}", model::find_any(call, id)?.id)),
        Some(("folders", _)) => model::folder_any(call, name).map(|_| name.to_owned()),
        _ => api_folders::check_organization(call, name).map(|()| name.to_owned()),
    }
}

/// The parent that a body names: with both its parts, or not at all.
fn parent_of(body: &Value) -> Result<Option<String>> {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match (text("/parent/type"), text("/parent/id")) {
        ("", "") => Ok(None),
        (kind @ ("folder" | "organization"), id) if !id.is_empty() => Ok(Some(format!("{kind}s/{id}"))),
        (kind, id) => Err(Error::invalid_argument(format!(
            "Invalid parent of type '{kind}' and id '{id}': it is a folder or an organization by its number."
        ))),
    }
}

fn labels_of(body: &Value) -> BTreeMap<String, String> {
    let labels = body.get("labels").and_then(Value::as_object).into_iter().flatten();
    labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// How many a page holds, as the query says it.
fn page_size(query: &Query) -> Result<Option<i32>> {
    match query.get("pageSize").filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Error::invalid_argument(format!("Invalid value at 'page_size' (TYPE_INT32), {}", json!(text)))
        }),
    }
}

fn list_projects(call: &mut Call, query: &Query) -> Result<Value> {
    let terms = query::parse(query.get("filter").unwrap_or_default(), V1_FILTERS)?;
    let rows = api_projects::list(call, |row| api_projects::fits(row, &terms))?;
    page("projects", rows, page_size(query)?, query.get("pageToken").unwrap_or_default(), v1_project)
}

fn list_folders(call: &mut Call, query: &Query) -> Result<Value> {
    let parent = query.get("parent").unwrap_or_default();
    model::check_parent(call, parent)?;
    let deleted = query.flag("showDeleted");
    let rows = api_folders::list(call, |row| row.parent == parent && (row.deleted == 0 || deleted))?;
    page("folders", rows, page_size(query)?, query.get("pageToken").unwrap_or_default(), v2_folder)
}

fn page<T>(
    field: &str,
    rows: Vec<(String, T)>,
    size: Option<i32>,
    token: &str,
    render: impl Fn(&T) -> Value,
) -> Result<Value> {
    let page = page_of(rows, paging::size(size.unwrap_or(0), 500, 1000)?, token)?;
    let mut answer = Map::new();
    if !page.items.is_empty() {
        answer.insert(field.to_owned(), page.items.iter().map(render).collect());
    }
    if !page.next_token.is_empty() {
        answer.insert("nextPageToken".to_owned(), json!(page.next_token));
    }
    Ok(Value::Object(answer))
}

/// PUT sends the whole project back; its name, labels and parent can change.
fn update_project(call: &mut Call, name: &str, body: &Value) -> Result<Value> {
    let mut wanted = Project { labels: labels_of(body), ..Project::default() };
    body.get("name").and_then(Value::as_str).unwrap_or_default().clone_into(&mut wanted.display_name);
    let paths = ["display_name".to_owned(), "labels".to_owned()];
    let mut row = api_projects::update(call, name, wanted, &paths)?;
    if let Some(parent) = parent_of(body)?.filter(|parent| *parent != row.parent) {
        row = api_projects::relocate(call, name, &parent)?;
    }
    Ok(v1_project(&row))
}

fn ancestry(call: &mut Call, id: &str) -> Result<Value> {
    let chain = model::ancestry(call, &format!("projects/{id}"))?;
    let rows: Vec<Value> = chain
        .iter()
        .filter_map(|name| name.split_once('/'))
        .map(|(kind, id)| json!({"resourceId": {"type": kind.trim_end_matches('s'), "id": id}}))
        .collect();
    Ok(json!({"ancestor": rows}))
}

fn operation(call: &mut Call, id: &str) -> Result<Value> {
    let (kind, number) = operation_number(id).unwrap_or_default();
    match kind {
        "cp" => model::find_any(call, number).map(|row| created_project(&row)),
        kind => model::folder_any(call, &format!("folders/{number}")).map(|row| folder_operation(kind, &row)),
    }
}

fn created_project(row: &ProjectRow) -> Value {
    let mut response = v1_project(row);
    response["@type"] = json!("type.googleapis.com/google.cloudresourcemanager.v1.Project");
    json!({
        "name": format!("operations/cp.{}", row.number),
        "metadata": {
            "@type": "type.googleapis.com/google.cloudresourcemanager.v1.ProjectCreationStatus",
            "createTime": Time(row.created).rfc3339(),
            "gettable": true,
            "ready": true,
        },
        "done": true,
        "response": response,
    })
}

fn folder_operation(kind: &str, row: &FolderRow) -> Value {
    let mut response = v2_folder(row);
    response["@type"] = json!("type.googleapis.com/google.cloud.resourcemanager.v2.Folder");
    json!({
        "name": format!("operations/{kind}.{}", row.number),
        "metadata": {
            "@type": "type.googleapis.com/google.cloud.resourcemanager.v2.FolderOperation",
            "displayName": row.display_name,
            "operationType": if kind == "fc" { "CREATE" } else { "MOVE" },
            "destinationParent": row.parent,
        },
        "done": true,
        "response": response,
    })
}

fn state(deleted: i64) -> &'static str {
    if deleted == 0 { "ACTIVE" } else { "DELETE_REQUESTED" }
}

fn v1_project(row: &ProjectRow) -> Value {
    let mut value = json!({
        "projectNumber": row.number.to_string(),
        "projectId": row.id,
        "lifecycleState": state(row.deleted),
        "name": row.display_name,
        "createTime": Time(row.created).rfc3339(),
    });
    if !row.labels.is_empty() {
        value["labels"] = json!(row.labels);
    }
    if let Some((kind, id)) = row.parent.split_once('/') {
        value["parent"] = json!({"type": kind.trim_end_matches('s'), "id": id});
    }
    value
}

fn v2_folder(row: &FolderRow) -> Value {
    json!({
        "name": row.name(),
        "parent": row.parent,
        "displayName": row.display_name,
        "lifecycleState": state(row.deleted),
        "createTime": Time(row.created).rfc3339(),
    })
}

fn v1_organization(call: &Call) -> Value {
    json!({
        "name": model::organization(&call.kernel),
        "displayName": call.kernel.settings.organization_domain,
        "lifecycleState": "ACTIVE",
        "owner": {"directoryCustomerId": CUSTOMER},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_resource_managers_own_paths_are_taken() {
        for (method, path, name) in [
            ("GET", "/v1/projects", "projects.list"),
            ("GET", "/v1/projects/my-project", "projects.get"),
            ("GET", "/v1/projects/example.com:my-project", "projects.get"),
            ("POST", "/v1/projects/example.com:my-project:getAncestry", "projects.getAncestry"),
            ("POST", "/v1/projects/p:setIamPolicy", "setIamPolicy"),
            ("POST", "/v1/organizations:search", "organizations.search"),
            ("GET", "/v2/folders", "folders.list"),
            ("POST", "/v2/folders/1:move", "folders.move"),
            ("GET", "/v1/operations/cp.12", "operations.get"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(shape(&method, path).map(|shape| shape.action.name), Some(name), "{path}");
        }
        for (method, path) in [
            ("GET", "/v1/projects/p/locations"),
            ("GET", "/v1/projects/p/topics"),
            ("POST", "/v1/projects/p:getOrgPolicy"),
            ("GET", "/v2/folders/1/policies"),
            ("GET", "/v2/projects/p"),
            ("GET", "/v1/operations/acat.p2-1-x"),
            ("POST", "/v1/organizations"),
            ("GET", "/v3/projects"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(shape(&method, path), None, "{path}");
        }
    }
}
