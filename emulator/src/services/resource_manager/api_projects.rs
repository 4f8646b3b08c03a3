//! Resource Manager v3: projects.

use std::collections::BTreeMap;

use gcp_schema::iam::{
    GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest, TestIamPermissionsResponse,
};
use gcp_schema::longrunning::Operation;
use gcp_schema::resourcemanager::{
    CreateProjectMetadata, CreateProjectRequest, DeleteProjectMetadata, DeleteProjectRequest, GetProjectRequest,
    ListProjectsRequest, ListProjectsResponse, MoveProjectMetadata, MoveProjectRequest, Project, SearchProjectsRequest,
    SearchProjectsResponse, UndeleteProjectMetadata, UndeleteProjectRequest, UpdateProjectMetadata,
    UpdateProjectRequest, project,
};
use gcp_schema::services::resourcemanager::Projects;
use prost::Message;

use super::model::{self, PROJECTS, ProjectRow};
use super::query::{self, Term};
use super::{API, PACKAGE, ResourceManager, page_of, requested_version, visible};
use crate::doors;
use crate::kernel::operations::{any, finish};
use crate::kernel::{Call, Error, Result, Time, etag, mask, paging};

pub fn render(call: &Call, row: &ProjectRow) -> Project {
    let state = if row.deleted == 0 { project::State::Active } else { project::State::DeleteRequested };
    Project {
        name: row.name(),
        parent: row.parent.clone(),
        project_id: row.id.clone(),
        state: state as i32,
        display_name: row.display_name.clone(),
        create_time: Some(Time(row.created).to_proto()),
        update_time: Some(Time(row.updated).to_proto()),
        delete_time: (row.deleted != 0).then(|| Time(row.deleted).to_proto()),
        etag: etag_of(call, row),
        labels: row.labels.clone(),
    }
}

fn etag_of(call: &Call, row: &ProjectRow) -> String {
    etag::of(&call.kernel.entropy, &row.name(), row.revision)
}

/// The project of a request's name, which holds its id or its number.
fn named(call: &mut Call, name: &str) -> Result<ProjectRow> {
    match name.strip_prefix("projects/") {
        Some(id) if !id.contains('/') => model::find_any(call, id),
        _ => Err(Error::invalid_argument(format!("'{name}' is not the name of a project: write projects/ID."))),
    }
}

fn active(call: &mut Call, name: &str) -> Result<ProjectRow> {
    named(call, name).and_then(|row| if row.deleted == 0 { Ok(row) } else { Err(not_active(&row)) })
}

fn not_active(row: &ProjectRow) -> Error {
    Error::failed_precondition(format!("Project {} is not active: its deletion has been requested.", row.id))
}

fn save(call: &mut Call, row: &mut ProjectRow) -> Result<()> {
    row.revision += 1;
    row.updated = call.now.0;
    model::put(&mut call.txn, row)
}

/// The finished operation of every change.
fn done<M: Message>(call: &mut Call, row: &ProjectRow, name: &str, metadata: &M) -> Result<Operation> {
    let metadata = any(&format!("{PACKAGE}.{name}Metadata"), metadata);
    let response = any(&format!("{PACKAGE}.Project"), &render(call, row));
    finish(call, "", Some(metadata), Ok(response))
}

/// Projects that the caller may see, oldest id first.
pub fn list(call: &mut Call, keep: impl Fn(&ProjectRow) -> bool) -> Result<Vec<(String, ProjectRow)>> {
    let rows = call.txn.list(&PROJECTS, "")?;
    let mut seen = Vec::new();
    for (id, row) in rows {
        if keep(&row) && visible(call, &format!("projects/{id}"), "resourcemanager.projects.get")? {
            seen.push((id, row));
        }
    }
    Ok(seen)
}

/// Whether a project fits a list's filter, in the fields of v1 and of v3.
pub fn fits(row: &ProjectRow, terms: &[Term]) -> bool {
    let state = if row.deleted == 0 { "ACTIVE" } else { "DELETE_REQUESTED" };
    let (parent_type, parent_id) = row.parent.split_once('/').unwrap_or_default();
    terms.iter().all(|term| match term.field.as_str() {
        "id" | "projectId" => term.fits(&row.id),
        "name" | "displayName" => term.fits(&row.display_name),
        "state" | "lifecycleState" => term.fits(state),
        "parent" => term.fits(&row.parent),
        "parent.type" => term.fits(parent_type.trim_end_matches('s')),
        "parent.id" => term.fits(parent_id),
        "projectNumber" => term.fits(&row.number.to_string()),
        field => {
            let key = field.strip_prefix("labels.").unwrap_or_default();
            row.labels.get(key).is_some_and(|value| term.value == "*" || term.fits(value))
        }
    })
}

pub const FILTERS: &[&str] = &[
    "id",
    "projectId",
    "name",
    "displayName",
    "state",
    "lifecycleState",
    "parent",
    "parent.type",
    "parent.id",
    "projectNumber",
];

/// A new project, with nothing enabled but what production enables.
pub fn create(
    call: &mut Call,
    id: &str,
    parent: &str,
    display_name: &str,
    labels: BTreeMap<String, String>,
) -> Result<ProjectRow> {
    if !gcp_names::is_project_id(id) || id.contains(':') {
        return Err(Error::invalid_argument(format!(
            "Invalid project_id '{id}': it has 6 to 30 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
        )));
    }
    check_display_name(display_name)?;
    check_labels(&labels)?;
    if call.txn.has(&PROJECTS, id)? {
        return Err(Error::already_exists("Requested entity already exists"));
    }
    let mut row = model::new_project(call, id)?;
    if !parent.is_empty() {
        parent.clone_into(&mut row.parent);
    }
    model::check_parent(call, &row.parent)?;
    if !display_name.is_empty() {
        display_name.clone_into(&mut row.display_name);
    }
    row.labels = labels;
    model::put(&mut call.txn, &row)?;
    Ok(row)
}

/// An empty one stands for the id.
fn check_display_name(name: &str) -> Result<()> {
    let fits = name.is_empty()
        || ((4..=30).contains(&name.chars().count())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || " -'\"!".contains(c)));
    if fits {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "Invalid display_name '{name}': it has 4 to 30 letters, digits, spaces, hyphens, quotes and exclamation points."
    )))
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<()> {
    let plain = |text: &str| {
        text.chars().count() <= 63
            && text.chars().all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || c == '-' || c == '_')
    };
    let odd = labels.iter().find(|(key, value)| !plain(key) || !plain(value) || !key.starts_with(char::is_alphabetic));
    match odd {
        _ if labels.len() > 64 => Err(Error::invalid_argument("A project has at most 64 labels.")),
        Some((key, value)) => Err(Error::invalid_argument(format!(
            "Invalid label '{key}={value}': keys and values have up to 63 lower-case letters, digits, hyphens and underscores, and a key starts with a letter."
        ))),
        None => Ok(()),
    }
}

pub fn delete(call: &mut Call, name: &str) -> Result<ProjectRow> {
    let mut row = active(call, name)?;
    row.deleted = call.now.0;
    save(call, &mut row)?;
    Ok(row)
}

pub fn undelete(call: &mut Call, name: &str) -> Result<ProjectRow> {
    let mut row = named(call, name)?;
    if row.deleted == 0 {
        return Err(Error::failed_precondition(format!(
            "Project {} is active: nobody requested its deletion.",
            row.id
        )));
    }
    row.deleted = 0;
    save(call, &mut row)?;
    Ok(row)
}

/// Changes the name and the labels that `paths` name.
pub fn update(call: &mut Call, name: &str, wanted: Project, paths: &[String]) -> Result<ProjectRow> {
    let mut row = active(call, name)?;
    if !wanted.etag.is_empty() && wanted.etag != etag_of(call, &row) {
        return Err(Error::aborted("The project was changed by another caller. Read it again and retry."));
    }
    for path in paths {
        match path.split_once('.').unwrap_or((path, "")) {
            ("display_name", _) => {
                check_display_name(&wanted.display_name)?;
                row.display_name =
                    if wanted.display_name.is_empty() { row.id.clone() } else { wanted.display_name.clone() };
            }
            (_, "") => row.labels.clone_from(&wanted.labels),
            (_, key) => match wanted.labels.get(key) {
                Some(value) => drop(row.labels.insert(key.to_owned(), value.clone())),
                None => drop(row.labels.remove(key)),
            },
        }
    }
    check_labels(&row.labels)?;
    save(call, &mut row)?;
    Ok(row)
}

pub fn relocate(call: &mut Call, name: &str, parent: &str) -> Result<ProjectRow> {
    let mut row = active(call, name)?;
    model::check_parent(call, parent)?;
    parent.clone_into(&mut row.parent);
    save(call, &mut row)?;
    Ok(row)
}

impl Projects<Call> for ResourceManager {
    fn get_project(&self, call: &mut Call, request: GetProjectRequest) -> Result<Project> {
        let row = named(call, &request.name)?;
        Ok(render(call, &row))
    }

    fn list_projects(&self, call: &mut Call, request: ListProjectsRequest) -> Result<ListProjectsResponse> {
        doors::require_permission(call, "resourcemanager.projects.list", &request.parent, API)?;
        model::check_parent(call, &request.parent)?;
        let rows = list(call, |row| row.parent == request.parent && (row.deleted == 0 || request.show_deleted))?;
        let page = page_of(rows, paging::size(request.page_size, 100, 1000)?, &request.page_token)?;
        let projects = page.items.iter().map(|row| render(call, row)).collect();
        Ok(ListProjectsResponse { projects, next_page_token: page.next_token })
    }

    fn search_projects(&self, call: &mut Call, request: SearchProjectsRequest) -> Result<SearchProjectsResponse> {
        let terms = query::parse(&request.query, FILTERS)?;
        let rows = list(call, |row| fits(row, &terms))?;
        let page = page_of(rows, paging::size(request.page_size, 100, 1000)?, &request.page_token)?;
        let projects = page.items.iter().map(|row| render(call, row)).collect();
        Ok(SearchProjectsResponse { projects, next_page_token: page.next_token })
    }

    fn create_project(&self, call: &mut Call, request: CreateProjectRequest) -> Result<Operation> {
        let wanted = request.project.unwrap_or_default();
        let parent = if wanted.parent.is_empty() { model::organization(&call.kernel) } else { wanted.parent.clone() };
        doors::require_permission(call, "resourcemanager.projects.create", &parent, API)?;
        let row = create(call, &wanted.project_id, &wanted.parent, &wanted.display_name, wanted.labels)?;
        let create_time = Some(Time(row.created).to_proto());
        done(call, &row, "CreateProject", &CreateProjectMetadata { create_time, gettable: true, ready: true })
    }

    fn update_project(&self, call: &mut Call, request: UpdateProjectRequest) -> Result<Operation> {
        let paths = match &request.update_mask {
            Some(mask) if !mask.paths.is_empty() => mask::require(Some(mask), &["display_name", "labels", "labels.*"])?,
            _ => ["display_name", "labels"].map(str::to_owned).to_vec(),
        };
        let wanted = request.project.unwrap_or_default();
        let name = wanted.name.clone();
        let row = update(call, &name, wanted, &paths)?;
        done(call, &row, "UpdateProject", &UpdateProjectMetadata {})
    }

    fn move_project(&self, call: &mut Call, request: MoveProjectRequest) -> Result<Operation> {
        let row = relocate(call, &request.name, &request.destination_parent)?;
        done(call, &row, "MoveProject", &MoveProjectMetadata {})
    }

    fn delete_project(&self, call: &mut Call, request: DeleteProjectRequest) -> Result<Operation> {
        let row = delete(call, &request.name)?;
        done(call, &row, "DeleteProject", &DeleteProjectMetadata {})
    }

    fn undelete_project(&self, call: &mut Call, request: UndeleteProjectRequest) -> Result<Operation> {
        let row = undelete(call, &request.name)?;
        done(call, &row, "UndeleteProject", &UndeleteProjectMetadata {})
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        let name = resource(call, &request.resource)?;
        doors::policy_for(call, &name, requested_version(&request))
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        let name = resource(call, &request.resource)?;
        doors::set_policy(call, &name, request.policy.unwrap_or_default(), request.update_mask.as_ref())
    }

    fn test_iam_permissions(
        &self,
        call: &mut Call,
        request: TestIamPermissionsRequest,
    ) -> Result<TestIamPermissionsResponse> {
        let name = resource(call, &request.resource)?;
        Ok(TestIamPermissionsResponse { permissions: doors::held_permissions(call, &name, &request.permissions)? })
    }
}

/// The name by which IAM knows a project: with its id.
fn resource(call: &mut Call, name: &str) -> Result<String> {
    named(call, name).map(|row| format!("projects/{}", row.id))
}
