//! What other services ask of Resource Manager.

use std::ops::ControlFlow;

use super::model::{self, FOLDERS, PROJECTS, ProjectRow};
use crate::kernel::assets::{self, Asset, Lineage};
use crate::kernel::{Call, Result};

/// A project as other services need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub number: u64,
    /// `folders/1` or `organizations/1`.
    pub parent: String,
    /// Named by a call in the default mode, not created.
    pub automatic: bool,
}

/// By id or number. In the default mode it exists from now on, also when the call itself may not write.
pub fn project(call: &mut Call, id_or_number: &str) -> Result<Project> {
    Ok(model::find(call, id_or_number)?.as_project())
}

/// A project, any resource of one, a folder or an organization -> itself and all above, nearest first.
pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    model::ancestry(call, resource)
}

/// Whether a folder or organization is there (and not about to be deleted).
pub fn container_exists(call: &mut Call, name: &str) -> Result<bool> {
    match model::check_parent(call, name) {
        Ok(()) => Ok(true),
        Err(error) if error.code() == crate::kernel::Code::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a project stands, also one whose deletion was requested. `None` when there is no such project.
pub fn lineage(call: &Call, project: &str) -> Result<Option<Lineage>> {
    let Some(row) = call.txn.get(&PROJECTS, project)? else { return Ok(None) };
    let mut lineage = above(call, &row.parent)?;
    lineage.number = row.number;
    Ok(Some(lineage))
}

/// A folder's or organization's own lineage, itself included.
pub fn above(call: &Call, container: &str) -> Result<Lineage> {
    let (folders, rest): (Vec<_>, Vec<_>) =
        model::above(call, container)?.into_iter().partition(|name| name.starts_with("folders/"));
    Ok(Lineage { number: 0, folders, organization: rest.into_iter().next().unwrap_or_default() })
}

const HOST: &str = "//cloudresourcemanager.googleapis.com";

/// Up to `limit` projects, folders or organizations from a place on; of folders and organizations none when one project
/// is asked for.
pub fn assets(call: &Call, kind: &'static str, project: Option<&str>, from: &str, limit: usize) -> Result<Vec<Asset>> {
    let mut found = Vec::new();
    let goes_on =
        |found: &Vec<Asset>| Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) });
    match (kind, project) {
        (assets::PROJECT, Some(project)) => {
            let row = call.txn.get(&PROJECTS, project)?.filter(|_| project >= from);
            found.extend(row.map(project_asset));
        }
        (assets::PROJECT, None) => call.txn.each(&PROJECTS, "", from, |_, row| {
            found.push(project_asset(row));
            goes_on(&found)
        })?,
        (assets::FOLDER, None) => call.txn.each(&FOLDERS, "", from, |name, row| {
            found.push(Asset {
                place: name.to_owned(),
                kind: assets::FOLDER,
                name: format!("{HOST}/{name}"),
                display_name: row.display_name,
                state: state(row.deleted),
                created: row.created,
                updated: row.updated,
                parent_kind: kind_of(&row.parent),
                parent: format!("{HOST}/{}", row.parent),
                ..Asset::default()
            });
            goes_on(&found)
        })?,
        (assets::ORGANIZATION, None) => {
            let name = model::organization(&call.kernel);
            if name.as_str() >= from {
                found.push(Asset {
                    kind: assets::ORGANIZATION,
                    name: format!("{HOST}/{name}"),
                    place: name,
                    display_name: call.kernel.settings.organization_domain.clone(),
                    state: state(0),
                    ..Asset::default()
                });
            }
        }
        _ => {}
    }
    Ok(found)
}

fn project_asset(row: ProjectRow) -> Asset {
    Asset {
        place: row.id.clone(),
        kind: assets::PROJECT,
        name: format!("{HOST}/projects/{}", row.id),
        parent_kind: kind_of(&row.parent),
        parent: format!("{HOST}/{}", row.parent),
        display_name: row.display_name,
        labels: row.labels,
        state: state(row.deleted),
        created: row.created,
        updated: row.updated,
        attributes: [("projectId".to_owned(), row.id.clone())].into(),
        project: row.id,
        ..Asset::default()
    }
}

fn kind_of(container: &str) -> &'static str {
    if container.starts_with("folders/") { assets::FOLDER } else { assets::ORGANIZATION }
}

fn state(deleted: i64) -> String {
    if deleted == 0 { "ACTIVE" } else { "DELETE_REQUESTED" }.to_owned()
}
