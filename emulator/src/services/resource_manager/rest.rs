//! The v1 and v2 REST of Resource Manager that gcloud still speaks; no published messages describe it.

use std::sync::Arc;

use gcp_gateway::ApiHint;
use gcp_schema::iam::Policy;
use gcp_schema::resourcemanager::{ListFoldersRequest, Project};
use gcp_schema::services::resourcemanager::{Folders as _, Projects as _};
use serde_json::{Value, json};

use super::{ResourceManager, api, model};
use crate::doors;
use crate::kernel::{Call, Error, Kernel, Mode, Result, Time};
use crate::rest::{self, Answer, Query, Request};

const API: &str = "cloudresourcemanager.googleapis.com";

/// What of a path is ours: (collection, id, verb).
fn shape(request: &Request) -> Option<(&'static str, String, String)> {
    let hint = request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref());
    if hint.is_some_and(|api| api != API) {
        return None;
    }
    let path = request.uri().path();
    let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (name, verb) = match rest.rsplit_once(':') {
        Some((name, verb)) if verb.bytes().all(|b| b.is_ascii_alphabetic()) => (name, verb),
        _ => (rest, ""),
    };
    let (collection, id) = name.split_once('/').unwrap_or((name, ""));
    if id.contains('/') {
        return None;
    }
    let collection = match (version, collection) {
        ("v1", "projects") => "projects",
        ("v1", "organizations") => "organizations",
        ("v2", "folders") => "folders",
        ("v1", "folders") if !verb.is_empty() => "folders",
        _ => return None,
    };
    let known = ["", "search", "getAncestry", "getIamPolicy", "setIamPolicy", "testIamPermissions"].contains(&verb);
    known.then(|| (collection, id.to_owned(), verb.to_owned()))
}

pub fn claims(request: &Request) -> bool {
    shape(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    match answer(kernel, request).await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Result<Value> {
    let Some((collection, id, verb)) = shape(&request) else { return Err(Error::not_found("Not found.")) };
    let query = Query::of(&request);
    let method = request.method().clone();
    let name = format!("{collection}/{id}");
    let (audit, permission, mode): (&'static str, &'static str, Mode) = match (method.as_str(), verb.as_str()) {
        ("GET", "") => ("resourcemanager.get", "resourcemanager.projects.get", Mode::Write),
        ("POST", "") => ("resourcemanager.create", "resourcemanager.projects.create", Mode::Write),
        ("DELETE", "") => ("resourcemanager.delete", "resourcemanager.projects.delete", Mode::Write),
        ("POST", "setIamPolicy") => ("resourcemanager.setIamPolicy", "resourcemanager.projects.setIamPolicy", Mode::Write),
        ("POST", "getIamPolicy") => ("resourcemanager.getIamPolicy", "resourcemanager.projects.getIamPolicy", Mode::Write),
        _ => ("resourcemanager.call", "", Mode::Write),
    };
    let permission = if collection == "projects" && !id.is_empty() { permission } else { "" };
    let spec = rest::spec(&request, audit, "", permission, name.clone(), mode);
    let body = rest::read_json(request.into_body()).await?;
    kernel
        .run(spec, move |call| match (method.as_str(), collection, id.as_str(), verb.as_str()) {
            ("GET", "projects", "", "") => list(call),
            ("GET", "projects", id, "") => {
                let row = model::find(call, id)?;
                Ok(v1_project(&api::render(call, &row), row.number))
            }
            ("POST", "projects", "", "") => create(call, &body),
            ("DELETE", "projects", id, "") => {
                let mut row = model::find(call, id)?;
                row.deleted = true;
                model::put(call, &row)?;
                Ok(json!({}))
            }
            ("POST", "projects", id, "getAncestry") => ancestry(call, id),
            ("GET" | "POST", "organizations", "", "search") => Ok(json!({"organizations": [v1_organization(call)]})),
            ("GET", "organizations", _, "") if name == model::organization(call) => Ok(v1_organization(call)),
            ("GET", "folders", "", "") => {
                let parent = query.get("parent").unwrap_or_default().to_owned();
                let found = ResourceManager.list_folders(call, ListFoldersRequest { parent, ..Default::default() })?;
                let folders: Vec<Value> = found
                    .folders
                    .iter()
                    .map(|folder| json!({"name": folder.name, "parent": folder.parent, "displayName": folder.display_name, "lifecycleState": "ACTIVE"}))
                    .collect();
                Ok(if folders.is_empty() { json!({}) } else { json!({"folders": folders}) })
            }
            ("GET", "folders", _, "") => {
                let folder = model::folder(call, &name)?;
                Ok(json!({"name": name, "parent": folder.parent, "displayName": folder.display_name, "lifecycleState": "ACTIVE",
                    "createTime": Time(folder.created).rfc3339()}))
            }
            ("POST", _, _, "getIamPolicy") => {
                let name = checked(call, &name)?;
                policy_json(&doors::policy(call, &name)?)
            }
            ("POST", _, _, "setIamPolicy") => {
                let name = checked(call, &name)?;
                let policy = policy_from_json(body.get("policy").cloned().unwrap_or_default())?;
                policy_json(&doors::replace_policy(call, &name, policy)?)
            }
            ("POST", _, _, "testIamPermissions") => {
                let asked: Vec<String> = body
                    .get("permissions")
                    .and_then(Value::as_array)
                    .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                    .unwrap_or_default();
                Ok(json!({"permissions": doors::held_permissions(call, &name, &asked)?}))
            }
            _ => Err(Error::not_found("Method not found.")),
        })
        .await
}

/// The name with the project's id in it, of something that exists.
fn checked(call: &mut Call, name: &str) -> Result<String> {
    match name.split_once('/') {
        Some(("projects", id)) => Ok(format!("projects/{}", model::find(call, id)?.id)),
        Some(("folders", _)) => model::folder(call, name).map(|_| name.to_owned()),
        _ if name == model::organization(call) => Ok(name.to_owned()),
        _ => Err(model::hidden()),
    }
}

fn list(call: &mut Call) -> Result<Value> {
    let found = ResourceManager.search_projects(call, gcp_schema::resourcemanager::SearchProjectsRequest::default())?;
    let projects: Vec<Value> = found
        .projects
        .iter()
        .map(|project| v1_project(project, project.name.trim_start_matches("projects/").parse().unwrap_or_default()))
        .collect();
    Ok(if projects.is_empty() { json!({}) } else { json!({"projects": projects}) })
}

fn create(call: &mut Call, body: &Value) -> Result<Value> {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let parent = match (text("/parent/type"), text("/parent/id")) {
        ("", _) => String::new(),
        (kind, id) => format!("{kind}s/{id}"),
    };
    let row = api::create_project(call, text("/projectId"), &parent, text("/name"), Default::default())?;
    let mut response = v1_project(&api::render(call, &row), row.number);
    response["@type"] = json!("type.googleapis.com/google.cloudresourcemanager.v1.Project");
    Ok(json!({"name": format!("operations/cp.{}", row.number), "done": true, "response": response}))
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

fn v1_project(project: &Project, number: u64) -> Value {
    let mut value = json!({
        "projectNumber": number.to_string(),
        "projectId": project.project_id,
        "lifecycleState": "ACTIVE",
        "name": project.display_name,
        "createTime": project.create_time.as_ref().map(|time| Time::from_proto(time).rfc3339()),
    });
    if let Some((kind, id)) = project.parent.split_once('/') {
        value["parent"] = json!({"type": kind.trim_end_matches('s'), "id": id});
    }
    if !project.labels.is_empty() {
        value["labels"] = json!(project.labels);
    }
    value
}

fn v1_organization(call: &Call) -> Value {
    json!({"name": model::organization(call), "displayName": call.kernel.settings.organization_domain,
        "lifecycleState": "ACTIVE", "owner": {"directoryCustomerId": "C0cmek000"}})
}

fn policy_json(policy: &Policy) -> Result<Value> {
    crate::rest::to_json("google.iam.v1.Policy", policy)
}

fn policy_from_json(value: Value) -> Result<Policy> {
    crate::rest::from_json("google.iam.v1.Policy", value)
}

