//! Resource Manager v3: projects, folders, organizations.

use gcp_schema::iam::{GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest, TestIamPermissionsResponse};
use gcp_schema::longrunning::Operation;
use gcp_schema::resourcemanager::{
    CreateFolderRequest, CreateProjectRequest, DeleteProjectRequest, Folder, GetFolderRequest, GetOrganizationRequest,
    GetProjectRequest, ListFoldersRequest, ListFoldersResponse, ListProjectsRequest, ListProjectsResponse,
    Organization, Project, SearchOrganizationsRequest, SearchOrganizationsResponse, SearchProjectsRequest,
    SearchProjectsResponse, folder, organization, project,
};
use gcp_schema::services::resourcemanager::{Folders, Organizations, Projects};

use super::ResourceManager;
use super::model::{self, FOLDERS, FolderRow, PROJECTS, ProjectRow};
use crate::doors;
use crate::kernel::operations::{any, finish};
use crate::kernel::{Call, Error, Result, Time, etag, paging};

pub fn render(call: &Call, row: &ProjectRow) -> Project {
    let state = if row.deleted { project::State::DeleteRequested } else { project::State::Active };
    Project {
        name: format!("projects/{}", row.number),
        parent: row.parent.clone(),
        project_id: row.id.clone(),
        state: state as i32,
        display_name: row.display_name.clone(),
        create_time: Some(Time(row.created).to_proto()),
        update_time: Some(Time(row.updated).to_proto()),
        etag: etag::of(&call.kernel.entropy, &row.id, row.updated as u64),
        labels: row.labels.clone(),
        ..Project::default()
    }
}

fn render_folder(call: &Call, row: &FolderRow) -> Folder {
    let name = format!("folders/{}", row.number);
    Folder {
        etag: etag::of(&call.kernel.entropy, &name, row.updated as u64),
        name,
        parent: row.parent.clone(),
        display_name: row.display_name.clone(),
        state: folder::State::Active as i32,
        create_time: Some(Time(row.created).to_proto()),
        update_time: Some(Time(row.updated).to_proto()),
        ..Folder::default()
    }
}

fn render_organization(call: &Call) -> Organization {
    Organization {
        name: model::organization(call),
        display_name: call.kernel.settings.organization_domain.clone(),
        state: organization::State::Active as i32,
        etag: etag::of(&call.kernel.entropy, "organization", 1),
        owner: Some(organization::Owner::DirectoryCustomerId("C0cmek000".to_owned())),
        ..Organization::default()
    }
}

/// `projects/ID` of a request's name, which may hold the number.
fn project_row(call: &mut Call, name: &str) -> Result<ProjectRow> {
    let id = name.strip_prefix("projects/").ok_or_else(|| Error::invalid_argument(format!("'{name}' names no project.")))?;
    model::find(call, id)
}

fn list_projects(call: &Call, parent: &str, size: i32, token: &str) -> Result<(Vec<Project>, String)> {
    let size = paging::size(size, 100, 1000)?;
    let page = paging::page(&call.txn, &PROJECTS, "", size, token, |_, row| {
        Ok((!row.deleted && (parent.is_empty() || row.parent == parent)).then_some(row))
    })?;
    Ok((page.items.iter().map(|row| render(call, row)).collect(), page.next_token))
}

impl Projects<Call> for ResourceManager {
    fn get_project(&self, call: &mut Call, request: GetProjectRequest) -> Result<Project> {
        let row = project_row(call, &request.name)?;
        Ok(render(call, &row))
    }

    fn list_projects(&self, call: &mut Call, request: ListProjectsRequest) -> Result<ListProjectsResponse> {
        let (projects, next_page_token) = list_projects(call, &request.parent, request.page_size, &request.page_token)?;
        Ok(ListProjectsResponse { projects, next_page_token })
    }

    fn search_projects(&self, call: &mut Call, request: SearchProjectsRequest) -> Result<SearchProjectsResponse> {
        let (projects, next_page_token) = list_projects(call, "", request.page_size, &request.page_token)?;
        Ok(SearchProjectsResponse { projects, next_page_token })
    }

    fn create_project(&self, call: &mut Call, request: CreateProjectRequest) -> Result<Operation> {
        let wanted = request.project.unwrap_or_default();
        let row = create_project(call, &wanted.project_id, &wanted.parent, &wanted.display_name, wanted.labels)?;
        let response = any("google.cloud.resourcemanager.v3.Project", &render(call, &row));
        finish(call, "", None, Ok(response))
    }

    fn delete_project(&self, call: &mut Call, request: DeleteProjectRequest) -> Result<Operation> {
        let mut row = project_row(call, &request.name)?;
        row.deleted = true;
        row.updated = call.now.0;
        model::put(call, &row)?;
        let response = any("google.cloud.resourcemanager.v3.Project", &render(call, &row));
        finish(call, "", None, Ok(response))
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        let name = doors::canonical(call, &request.resource)?;
        project_row(call, &name)?;
        doors::policy(call, &name)
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        let name = doors::canonical(call, &request.resource)?;
        project_row(call, &name)?;
        doors::replace_policy(call, &name, request.policy.unwrap_or_default())
    }

    fn test_iam_permissions(&self, call: &mut Call, request: TestIamPermissionsRequest) -> Result<TestIamPermissionsResponse> {
        let name = doors::canonical(call, &request.resource)?;
        Ok(TestIamPermissionsResponse { permissions: doors::held_permissions(call, &name, &request.permissions)? })
    }
}

pub fn create_project(
    call: &mut Call,
    id: &str,
    parent: &str,
    display_name: &str,
    labels: std::collections::BTreeMap<String, String>,
) -> Result<ProjectRow> {
    if !gcp_names::is_project_id(id) {
        return Err(Error::invalid_argument(format!(
            "field [projectId] has issue [project_id must be at least 6 and at most 30 characters of lower-case letters, digits and dashes; it is '{id}']"
        )));
    }
    if call.txn.has(&PROJECTS, id)? {
        return Err(Error::already_exists("Requested entity already exists"));
    }
    let parent = if parent.is_empty() { model::organization(call) } else { parent.to_owned() };
    model::check_parent(call, &parent)?;
    let row = ProjectRow {
        id: id.to_owned(),
        number: call.kernel.entropy.number(&format!("project:{id}"), 12),
        parent,
        display_name: if display_name.is_empty() { id.to_owned() } else { display_name.to_owned() },
        created: call.now.0,
        updated: call.now.0,
        labels,
        ..ProjectRow::default()
    };
    model::put(call, &row)?;
    Ok(row)
}

impl Folders<Call> for ResourceManager {
    fn get_folder(&self, call: &mut Call, request: GetFolderRequest) -> Result<Folder> {
        let row = model::folder(call, &request.name)?;
        Ok(render_folder(call, &row))
    }

    fn list_folders(&self, call: &mut Call, request: ListFoldersRequest) -> Result<ListFoldersResponse> {
        let size = paging::size(request.page_size, 100, 1000)?;
        let page = paging::page(&call.txn, &FOLDERS, "", size, &request.page_token, |_, row| {
            Ok((!row.deleted && row.parent == request.parent).then_some(row))
        })?;
        let folders = page.items.iter().map(|row| render_folder(call, row)).collect();
        Ok(ListFoldersResponse { folders, next_page_token: page.next_token })
    }

    fn create_folder(&self, call: &mut Call, request: CreateFolderRequest) -> Result<Operation> {
        let wanted = request.folder.unwrap_or_default();
        if wanted.display_name.is_empty() {
            return Err(Error::invalid_argument("folder.display_name must be set."));
        }
        model::check_parent(call, &wanted.parent)?;
        let sequence = call.count("folders")?;
        let row = FolderRow {
            number: call.kernel.entropy.number(&format!("folder:{sequence}"), 12),
            parent: wanted.parent,
            display_name: wanted.display_name,
            created: call.now.0,
            updated: call.now.0,
            deleted: false,
        };
        call.txn.put(&FOLDERS, &format!("folders/{}", row.number), &row)?;
        let response = any("google.cloud.resourcemanager.v3.Folder", &render_folder(call, &row));
        finish(call, "", None, Ok(response))
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        model::folder(call, &request.resource)?;
        doors::policy(call, &request.resource)
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        model::folder(call, &request.resource)?;
        doors::replace_policy(call, &request.resource, request.policy.unwrap_or_default())
    }

    fn test_iam_permissions(&self, call: &mut Call, request: TestIamPermissionsRequest) -> Result<TestIamPermissionsResponse> {
        Ok(TestIamPermissionsResponse { permissions: doors::held_permissions(call, &request.resource, &request.permissions)? })
    }
}

fn check_organization(call: &Call, name: &str) -> Result<()> {
    if name == model::organization(call) { Ok(()) } else { Err(model::hidden()) }
}

impl Organizations<Call> for ResourceManager {
    fn get_organization(&self, call: &mut Call, request: GetOrganizationRequest) -> Result<Organization> {
        check_organization(call, &request.name)?;
        Ok(render_organization(call))
    }

    fn search_organizations(&self, call: &mut Call, _: SearchOrganizationsRequest) -> Result<SearchOrganizationsResponse> {
        Ok(SearchOrganizationsResponse { organizations: vec![render_organization(call)], next_page_token: String::new() })
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        check_organization(call, &request.resource)?;
        doors::policy(call, &request.resource)
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        check_organization(call, &request.resource)?;
        doors::replace_policy(call, &request.resource, request.policy.unwrap_or_default())
    }

    fn test_iam_permissions(&self, call: &mut Call, request: TestIamPermissionsRequest) -> Result<TestIamPermissionsResponse> {
        Ok(TestIamPermissionsResponse { permissions: doors::held_permissions(call, &request.resource, &request.permissions)? })
    }
}
