//! Resource Manager v3: folders and the organization.

use gcp_schema::iam::{
    GetIamPolicyRequest, Policy, SetIamPolicyRequest, TestIamPermissionsRequest, TestIamPermissionsResponse,
};
use gcp_schema::longrunning::Operation;
use gcp_schema::resourcemanager::{
    CreateFolderMetadata, CreateFolderRequest, DeleteFolderMetadata, DeleteFolderRequest, Folder, GetFolderRequest,
    GetOrganizationRequest, ListFoldersRequest, ListFoldersResponse, MoveFolderMetadata, MoveFolderRequest,
    Organization, SearchFoldersRequest, SearchFoldersResponse, SearchOrganizationsRequest, SearchOrganizationsResponse,
    UndeleteFolderMetadata, UndeleteFolderRequest, UpdateFolderMetadata, UpdateFolderRequest, folder, organization,
};
use gcp_schema::services::resourcemanager::{Folders, Organizations};
use prost::Message;

use super::model::{self, FOLDERS, FolderRow, PROJECTS};
use super::{API, CUSTOMER, PACKAGE, ResourceManager, page_of, query, requested_version, visible};
use crate::doors;
use crate::kernel::operations::{any, finish};
use crate::kernel::{Call, Error, Result, Time, etag, mask, paging};

pub fn render(call: &Call, row: &FolderRow) -> Folder {
    let state = if row.deleted == 0 { folder::State::Active } else { folder::State::DeleteRequested };
    Folder {
        name: row.name(),
        parent: row.parent.clone(),
        display_name: row.display_name.clone(),
        state: state as i32,
        create_time: Some(Time(row.created).to_proto()),
        update_time: Some(Time(row.updated).to_proto()),
        delete_time: (row.deleted != 0).then(|| Time(row.deleted).to_proto()),
        etag: etag_of(call, row),
    }
}

fn etag_of(call: &Call, row: &FolderRow) -> String {
    etag::of(&call.kernel.entropy, &row.name(), row.revision)
}

fn save(call: &mut Call, row: &mut FolderRow) -> Result<()> {
    row.revision += 1;
    row.updated = call.now.0;
    call.txn.put(&FOLDERS, &row.name(), row)
}

fn done<M: Message>(call: &mut Call, row: &FolderRow, name: &str, metadata: &M) -> Result<Operation> {
    let metadata = any(&format!("{PACKAGE}.{name}Metadata"), metadata);
    let response = any(&format!("{PACKAGE}.Folder"), &render(call, row));
    finish(call, "", Some(metadata), Ok(response))
}

fn active(call: &Call, name: &str) -> Result<FolderRow> {
    let row = model::folder_any(call, name)?;
    if row.deleted == 0 {
        return Ok(row);
    }
    Err(Error::failed_precondition(format!("{name} is not active: its deletion has been requested.")))
}

pub fn list(call: &mut Call, keep: impl Fn(&FolderRow) -> bool) -> Result<Vec<(String, FolderRow)>> {
    let rows = call.txn.list(&FOLDERS, "")?;
    let mut seen = Vec::new();
    for (name, row) in rows {
        if keep(&row) && visible(call, &name, "resourcemanager.folders.get")? {
            seen.push((name, row));
        }
    }
    Ok(seen)
}

pub fn create(call: &mut Call, parent: &str, display_name: &str) -> Result<FolderRow> {
    model::check_parent(call, parent)?;
    model::check_nesting(call, None, parent)?;
    let sequence = call.count("folders")?;
    let mut row = FolderRow {
        number: call.kernel.entropy.number(&format!("folder:{sequence}"), 12),
        parent: parent.to_owned(),
        display_name: display_name.to_owned(),
        created: call.now.0,
        ..FolderRow::default()
    };
    model::check_display_name(call, &row)?;
    save(call, &mut row)?;
    Ok(row)
}

pub fn rename(call: &mut Call, name: &str, display_name: &str) -> Result<FolderRow> {
    let mut row = active(call, name)?;
    display_name.clone_into(&mut row.display_name);
    model::check_display_name(call, &row)?;
    save(call, &mut row)?;
    Ok(row)
}

pub fn relocate(call: &mut Call, name: &str, parent: &str) -> Result<FolderRow> {
    let mut row = active(call, name)?;
    model::check_parent(call, parent)?;
    model::check_nesting(call, Some(&row), parent)?;
    parent.clone_into(&mut row.parent);
    model::check_display_name(call, &row)?;
    save(call, &mut row)?;
    Ok(row)
}

/// Only what holds nothing active can be deleted.
pub fn delete(call: &mut Call, name: &str) -> Result<FolderRow> {
    let mut row = active(call, name)?;
    let holds_projects = call.txn.list(&PROJECTS, "")?.iter().any(|(_, row)| row.parent == name && row.deleted == 0);
    let holds_folders = call.txn.list(&FOLDERS, "")?.iter().any(|(_, row)| row.parent == name && row.deleted == 0);
    if holds_projects || holds_folders {
        return Err(Error::failed_precondition(format!("FOLDER_TO_DELETE_NON_EMPTY_VIOLATION: {name} is not empty.")));
    }
    row.deleted = call.now.0;
    save(call, &mut row)?;
    Ok(row)
}

pub fn undelete(call: &mut Call, name: &str) -> Result<FolderRow> {
    let mut row = model::folder_any(call, name)?;
    if row.deleted == 0 {
        return Err(Error::failed_precondition(format!("{name} is active: nobody requested its deletion.")));
    }
    model::check_parent(call, &row.parent)?;
    row.deleted = 0;
    model::check_display_name(call, &row)?;
    save(call, &mut row)?;
    Ok(row)
}

impl Folders<Call> for ResourceManager {
    fn get_folder(&self, call: &mut Call, request: GetFolderRequest) -> Result<Folder> {
        let row = model::folder_any(call, &request.name)?;
        Ok(render(call, &row))
    }

    fn list_folders(&self, call: &mut Call, request: ListFoldersRequest) -> Result<ListFoldersResponse> {
        doors::require_permission(call, "resourcemanager.folders.list", &request.parent, API)?;
        model::check_parent(call, &request.parent)?;
        let rows = list(call, |row| row.parent == request.parent && (row.deleted == 0 || request.show_deleted))?;
        let page = page_of(rows, paging::size(request.page_size, 100, 1000)?, &request.page_token)?;
        let folders = page.items.iter().map(|row| render(call, row)).collect();
        Ok(ListFoldersResponse { folders, next_page_token: page.next_token })
    }

    fn search_folders(&self, call: &mut Call, request: SearchFoldersRequest) -> Result<SearchFoldersResponse> {
        let terms = query::parse(&request.query, &["displayName", "state", "lifecycleState", "parent"])?;
        let rows = list(call, |row| {
            let state = if row.deleted == 0 { "ACTIVE" } else { "DELETE_REQUESTED" };
            terms.iter().all(|term| match term.field.as_str() {
                "displayName" => term.fits(&row.display_name),
                "parent" => term.fits(&row.parent),
                _ => term.fits(state),
            })
        })?;
        let page = page_of(rows, paging::size(request.page_size, 100, 1000)?, &request.page_token)?;
        let folders = page.items.iter().map(|row| render(call, row)).collect();
        Ok(SearchFoldersResponse { folders, next_page_token: page.next_token })
    }

    fn create_folder(&self, call: &mut Call, request: CreateFolderRequest) -> Result<Operation> {
        let wanted = request.folder.unwrap_or_default();
        doors::require_permission(call, "resourcemanager.folders.create", &wanted.parent, API)?;
        let row = create(call, &wanted.parent, &wanted.display_name)?;
        let metadata = CreateFolderMetadata { display_name: wanted.display_name, parent: wanted.parent };
        done(call, &row, "CreateFolder", &metadata)
    }

    fn update_folder(&self, call: &mut Call, request: UpdateFolderRequest) -> Result<Operation> {
        mask::require(request.update_mask.as_ref(), &["display_name"])?;
        let wanted = request.folder.unwrap_or_default();
        if !wanted.etag.is_empty() && wanted.etag != etag_of(call, &active(call, &wanted.name)?) {
            return Err(Error::aborted("The folder was changed by another caller. Read it again and retry."));
        }
        let row = rename(call, &wanted.name, &wanted.display_name)?;
        done(call, &row, "UpdateFolder", &UpdateFolderMetadata {})
    }

    fn move_folder(&self, call: &mut Call, request: MoveFolderRequest) -> Result<Operation> {
        let source_parent = active(call, &request.name)?.parent;
        let row = relocate(call, &request.name, &request.destination_parent)?;
        let metadata = MoveFolderMetadata {
            display_name: row.display_name.clone(),
            source_parent,
            destination_parent: request.destination_parent,
        };
        done(call, &row, "MoveFolder", &metadata)
    }

    fn delete_folder(&self, call: &mut Call, request: DeleteFolderRequest) -> Result<Operation> {
        let row = delete(call, &request.name)?;
        done(call, &row, "DeleteFolder", &DeleteFolderMetadata {})
    }

    fn undelete_folder(&self, call: &mut Call, request: UndeleteFolderRequest) -> Result<Operation> {
        let row = undelete(call, &request.name)?;
        done(call, &row, "UndeleteFolder", &UndeleteFolderMetadata {})
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        model::folder_any(call, &request.resource)?;
        doors::policy_for(call, &request.resource, requested_version(&request))
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        model::folder_any(call, &request.resource)?;
        doors::set_policy(call, &request.resource, request.policy.unwrap_or_default(), request.update_mask.as_ref())
    }

    fn test_iam_permissions(
        &self,
        call: &mut Call,
        request: TestIamPermissionsRequest,
    ) -> Result<TestIamPermissionsResponse> {
        model::folder_any(call, &request.resource)?;
        let permissions = doors::held_permissions(call, &request.resource, &request.permissions)?;
        Ok(TestIamPermissionsResponse { permissions })
    }
}

pub fn render_organization(call: &Call) -> Organization {
    let name = model::organization(&call.kernel);
    Organization {
        etag: etag::of(&call.kernel.entropy, &name, 1),
        name,
        display_name: call.kernel.settings.organization_domain.clone(),
        state: organization::State::Active as i32,
        owner: Some(organization::Owner::DirectoryCustomerId(CUSTOMER.to_owned())),
        ..Organization::default()
    }
}

pub fn check_organization(call: &Call, name: &str) -> Result<()> {
    if name == model::organization(&call.kernel) { Ok(()) } else { Err(model::hidden()) }
}

/// The one organization, if the caller may see it and it fits (`domain:`, `displayName:`, `directoryCustomerId:`).
pub fn search(call: &mut Call, filter: &str) -> Result<Option<Organization>> {
    let terms = query::parse(filter, &["domain", "displayName", "directoryCustomerId", "owner.directoryCustomerId"])?;
    let domain = call.kernel.settings.organization_domain.clone();
    let fits = terms.iter().all(|term| term.fits(if term.field.ends_with("CustomerId") { CUSTOMER } else { &domain }));
    let name = model::organization(&call.kernel);
    let seen = fits && visible(call, &name, "resourcemanager.organizations.get")?;
    Ok(seen.then(|| render_organization(call)))
}

impl Organizations<Call> for ResourceManager {
    fn get_organization(&self, call: &mut Call, request: GetOrganizationRequest) -> Result<Organization> {
        check_organization(call, &request.name)?;
        Ok(render_organization(call))
    }

    fn search_organizations(
        &self,
        call: &mut Call,
        request: SearchOrganizationsRequest,
    ) -> Result<SearchOrganizationsResponse> {
        let organizations = search(call, &request.query)?.into_iter().collect();
        Ok(SearchOrganizationsResponse { organizations, next_page_token: String::new() })
    }

    fn get_iam_policy(&self, call: &mut Call, request: GetIamPolicyRequest) -> Result<Policy> {
        check_organization(call, &request.resource)?;
        doors::policy_for(call, &request.resource, requested_version(&request))
    }

    fn set_iam_policy(&self, call: &mut Call, request: SetIamPolicyRequest) -> Result<Policy> {
        check_organization(call, &request.resource)?;
        doors::set_policy(call, &request.resource, request.policy.unwrap_or_default(), request.update_mask.as_ref())
    }

    fn test_iam_permissions(
        &self,
        call: &mut Call,
        request: TestIamPermissionsRequest,
    ) -> Result<TestIamPermissionsResponse> {
        check_organization(call, &request.resource)?;
        let permissions = doors::held_permissions(call, &request.resource, &request.permissions)?;
        Ok(TestIamPermissionsResponse { permissions })
    }
}
