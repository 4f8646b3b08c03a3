//! Projects, folders and the organization: rows, numbers, the tree.

use std::collections::BTreeMap;

use gcp_names::{is_project_id, is_project_number};
use prost::Message;

use super::door::Project;
use crate::kernel::settings::ProjectMode;
use crate::kernel::table::{TextRow, ids};
use crate::kernel::{Call, Error, Result, Table};

pub static PROJECTS: Table<ProjectRow> = Table::new(ids::RESOURCE_MANAGER);
static NUMBERS: Table<TextRow> = Table::new(ids::RESOURCE_MANAGER + 1);
pub static FOLDERS: Table<FolderRow> = Table::new(ids::RESOURCE_MANAGER + 2);

#[derive(Clone, PartialEq, Message)]
pub struct ProjectRow {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(uint64, tag = "2")]
    pub number: u64,
    #[prost(string, tag = "3")]
    pub parent: String,
    #[prost(string, tag = "4")]
    pub display_name: String,
    #[prost(int64, tag = "5")]
    pub created: i64,
    #[prost(int64, tag = "6")]
    pub updated: i64,
    #[prost(bool, tag = "7")]
    pub deleted: bool,
    #[prost(btree_map = "string, string", tag = "8")]
    pub labels: BTreeMap<String, String>,
    /// Named by a call in auto mode, not created: everything is enabled in it.
    #[prost(bool, tag = "9")]
    pub automatic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct FolderRow {
    #[prost(uint64, tag = "1")]
    pub number: u64,
    #[prost(string, tag = "2")]
    pub parent: String,
    #[prost(string, tag = "3")]
    pub display_name: String,
    #[prost(int64, tag = "4")]
    pub created: i64,
    #[prost(int64, tag = "5")]
    pub updated: i64,
    #[prost(bool, tag = "6")]
    pub deleted: bool,
}

pub fn organization(call: &Call) -> String {
    format!("organizations/{}", call.kernel.settings.organization_number)
}

/// Production hides what is not there.
pub fn hidden() -> Error {
    Error::permission_denied("The caller does not have permission")
}

/// By id or number; in auto mode a well-formed id that nobody used yet is a project from now on.
pub fn find(call: &mut Call, id_or_number: &str) -> Result<ProjectRow> {
    let id = if is_project_number(id_or_number) {
        match call.txn.get(&NUMBERS, id_or_number)? {
            Some(row) => row.text,
            None => return Err(hidden()),
        }
    } else {
        id_or_number.to_owned()
    };
    if let Some(row) = call.txn.get(&PROJECTS, &id)? {
        return if row.deleted { Err(hidden()) } else { Ok(row) };
    }
    if call.kernel.settings.projects == ProjectMode::Strict {
        return Err(hidden());
    }
    if !is_lenient_id(&id) {
        return Err(Error::invalid_argument(format!(
            "Invalid project '{id}': an id has 6 to 30 lower-case letters, digits and dashes, and starts with a letter."
        )));
    }
    let row = ProjectRow {
        number: call.kernel.entropy.number(&format!("project:{id}"), 12),
        parent: organization(call),
        display_name: id.clone(),
        created: call.now.0,
        updated: call.now.0,
        automatic: true,
        id,
        ..ProjectRow::default()
    };
    if call.txn.writable() {
        put(call, &row)?;
    }
    Ok(row)
}

/// Production's rule, without its lower bound: test projects are often called `p` or `demo`.
fn is_lenient_id(id: &str) -> bool {
    is_project_id(id) || is_project_id(&format!("{id}-padded")) && id.len() <= 30
}

pub fn put(call: &mut Call, row: &ProjectRow) -> Result<()> {
    call.txn.put(&PROJECTS, &row.id, row)?;
    call.txn.put(&NUMBERS, &row.number.to_string(), &TextRow { text: row.id.clone() })
}

pub fn folder(call: &Call, name: &str) -> Result<FolderRow> {
    call.txn.get(&FOLDERS, name)?.filter(|row| !row.deleted).ok_or_else(hidden)
}

/// A parent must exist: the organization, or a folder of it.
pub fn check_parent(call: &Call, parent: &str) -> Result<()> {
    if parent == organization(call) { Ok(()) } else { folder(call, parent).map(|_| ()) }
}

pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    let mut chain = Vec::new();
    let mut words = resource.split('/');
    let mut parent = match (words.next(), words.next()) {
        (Some("projects"), Some(id)) => {
            let row = find(call, id)?;
            chain.push(format!("projects/{}", row.id));
            row.parent
        }
        (Some("folders" | "organizations"), Some(_)) => resource.to_owned(),
        _ => return Ok(chain),
    };
    // A tree has no circles: a move checks that; the bound is for a row that was damaged.
    for _ in 0..32 {
        let next = call.txn.get(&FOLDERS, &parent)?.map(|row| row.parent);
        let done = next.is_none();
        chain.push(std::mem::replace(&mut parent, next.unwrap_or_default()));
        if done {
            break;
        }
    }
    Ok(chain)
}

impl ProjectRow {
    pub fn as_project(&self) -> Project {
        Project { id: self.id.clone(), number: self.number, parent: self.parent.clone(), automatic: self.automatic }
    }
}
