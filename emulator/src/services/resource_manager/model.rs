//! Projects, folders and the organization: rows, numbers, the tree.

use std::collections::{BTreeMap, BTreeSet};

use gcp_names::{is_project_id, is_project_number};
use prost::Message;

use super::door::Project;
use crate::kernel::settings::ProjectMode;
use crate::kernel::table::{TextRow, ids};
use crate::kernel::txn::Txn;
use crate::kernel::{Call, Error, Kernel, Result, Table};

/// By id.
pub static PROJECTS: Table<ProjectRow> = Table::new(ids::RESOURCE_MANAGER);
/// A project's number -> its id.
static NUMBERS: Table<TextRow> = Table::new(ids::RESOURCE_MANAGER + 1);
/// By `folders/NUMBER`.
pub static FOLDERS: Table<FolderRow> = Table::new(ids::RESOURCE_MANAGER + 2);

/// How deep production lets folders nest.
const MAX_DEPTH: usize = 10;

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
    /// When its deletion was requested; zero while it is active.
    #[prost(int64, tag = "7")]
    pub deleted: i64,
    #[prost(btree_map = "string, string", tag = "8")]
    pub labels: BTreeMap<String, String>,
    /// Named by a call in auto mode, not created: the emulator's services are enabled in it.
    #[prost(bool, tag = "9")]
    pub automatic: bool,
    #[prost(uint64, tag = "10")]
    pub revision: u64,
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
    #[prost(int64, tag = "6")]
    pub deleted: i64,
    #[prost(uint64, tag = "7")]
    pub revision: u64,
}

impl ProjectRow {
    pub fn as_project(&self) -> Project {
        Project { id: self.id.clone(), number: self.number, parent: self.parent.clone(), automatic: self.automatic }
    }

    pub fn name(&self) -> String {
        format!("projects/{}", self.number)
    }
}

impl FolderRow {
    pub fn name(&self) -> String {
        format!("folders/{}", self.number)
    }
}

pub fn organization(kernel: &Kernel) -> String {
    format!("organizations/{}", kernel.settings.organization_number)
}

/// Production hides what is not there.
pub fn hidden() -> Error {
    Error::permission_denied("The caller does not have permission")
}

/// By id or number, also when its deletion was requested.
pub fn find_any(call: &mut Call, id_or_number: &str) -> Result<ProjectRow> {
    if is_project_number(id_or_number) {
        let id = call.txn.get(&NUMBERS, id_or_number)?.ok_or_else(hidden)?.text;
        return call.txn.get(&PROJECTS, &id)?.ok_or_else(hidden);
    }
    if let Some(row) = call.txn.get(&PROJECTS, id_or_number)? {
        return Ok(row);
    }
    if call.kernel.settings.projects == ProjectMode::Strict {
        return Err(hidden());
    }
    if !is_lenient_id(id_or_number) {
        return Err(Error::invalid_argument(format!(
            "Invalid project '{id_or_number}': an id has lower-case letters, digits and dashes, starts with a letter and is no longer than 30."
        )));
    }
    let row = ProjectRow { automatic: true, ..new_project(call, id_or_number)? };
    if call.txn.writable() {
        put(&mut call.txn, &row)?;
    }
    // Its number may be in the answer, and in a refusal's text: whoever reads it there must be able to use it.
    let named = row.clone();
    call.after_any_outcome(move |kernel| remember(kernel, &named));
    Ok(row)
}

/// By id or number, if it is active. In auto mode a well-formed id that nobody used yet is a project from now on.
pub fn find(call: &mut Call, id_or_number: &str) -> Result<ProjectRow> {
    find_any(call, id_or_number).and_then(|row| if row.deleted == 0 { Ok(row) } else { Err(hidden()) })
}

/// Production's rule, without its lower bound: test projects are often called `p` or `demo`.
fn is_lenient_id(id: &str) -> bool {
    is_project_id(id) || (id.len() < 6 && !id.ends_with('-') && is_project_id(&format!("{id}-padded")))
}

/// An active project under the organization, not yet stored.
pub fn new_project(call: &Call, id: &str) -> Result<ProjectRow> {
    let mut number = call.kernel.entropy.number(&format!("project:{id}"), 12);
    while call.txn.has(&NUMBERS, &number.to_string())? {
        number += 1;
    }
    Ok(ProjectRow {
        id: id.to_owned(),
        number,
        parent: organization(&call.kernel),
        display_name: id.to_owned(),
        created: call.now.0,
        updated: call.now.0,
        revision: 1,
        ..ProjectRow::default()
    })
}

pub fn put(txn: &mut Txn, row: &ProjectRow) -> Result<()> {
    txn.put(&PROJECTS, &row.id, row)?;
    txn.put(&NUMBERS, &row.number.to_string(), &TextRow { text: row.id.clone() })
}

/// Stores what a reading or refused call made up, unless a writer came first.
fn remember(kernel: &Kernel, row: &ProjectRow) {
    let stored = kernel.store.write().and_then(|writing| {
        let mut txn = writing.txn()?;
        if txn.has(&PROJECTS, &row.id)? {
            return Ok(());
        }
        put(&mut txn, row)?;
        writing.apply(txn).map(drop)
    });
    // The reading call is answered already; a store that is broken tells the next writer.
    drop(stored);
}

/// A folder, also when its deletion was requested.
pub fn folder_any(call: &Call, name: &str) -> Result<FolderRow> {
    call.txn.get(&FOLDERS, name)?.ok_or_else(hidden)
}

pub fn folder(call: &Call, name: &str) -> Result<FolderRow> {
    folder_any(call, name).and_then(|row| if row.deleted == 0 { Ok(row) } else { Err(hidden()) })
}

/// A parent must exist: the organization, or a folder of it.
pub fn check_parent(call: &Call, parent: &str) -> Result<()> {
    let number = parent.strip_prefix("folders/").or_else(|| parent.strip_prefix("organizations/"));
    if !number.is_some_and(is_project_number) {
        return Err(Error::invalid_argument(format!(
            "Invalid parent '{parent}': write folders/NUMBER or organizations/NUMBER."
        )));
    }
    if parent == organization(&call.kernel) { Ok(()) } else { folder(call, parent).map(drop) }
}

/// A folder may go under `parent` if the tree stays a tree, and not too deep a one.
pub fn check_nesting(call: &Call, moved: Option<&FolderRow>, parent: &str) -> Result<()> {
    let above = above(call, parent)?;
    let name = moved.map(FolderRow::name).unwrap_or_default();
    if above.contains(&name) {
        return Err(Error::failed_precondition(format!("{name} cannot be moved to {parent}, which lies in it.")));
    }
    if above.len() > MAX_DEPTH {
        return Err(Error::failed_precondition(format!("Folders cannot nest more than {MAX_DEPTH} deep.")));
    }
    Ok(())
}

/// Sibling folders have different names.
pub fn check_display_name(call: &Call, row: &FolderRow) -> Result<()> {
    let fits = (3..=30).contains(&row.display_name.chars().count())
        && row.display_name.chars().all(|c| c.is_alphanumeric() || " -_".contains(c))
        && row.display_name.starts_with(char::is_alphanumeric)
        && row.display_name.ends_with(char::is_alphanumeric);
    if !fits {
        return Err(Error::invalid_argument(format!(
            "Invalid folder display_name '{}': it has 3 to 30 letters, digits, spaces, hyphens and underscores, and starts and ends with a letter or digit.",
            row.display_name
        )));
    }
    let taken = call.txn.list(&FOLDERS, "")?.into_iter().any(|(_, other)| {
        other.number != row.number
            && other.deleted == 0
            && other.parent == row.parent
            && other.display_name == row.display_name
    });
    if taken {
        return Err(Error::failed_precondition(format!(
            "FOLDER_NAME_UNIQUENESS_VIOLATION: {} already has a folder called '{}'.",
            row.parent, row.display_name
        )));
    }
    Ok(())
}

/// A parent and what is above it, nearest first.
pub fn above(call: &Call, parent: &str) -> Result<Vec<String>> {
    let mut chain = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = parent.to_owned();
    // A move keeps the tree free of circles; `seen` is for rows that were damaged.
    while !next.is_empty() && seen.insert(next.clone()) {
        let parent = call.txn.get(&FOLDERS, &next)?.map(|row| row.parent).unwrap_or_default();
        chain.push(std::mem::replace(&mut next, parent));
    }
    Ok(chain)
}

/// `projects/ID` (or whatever lies in it), a folder or an organization, then all above.
pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    let mut words = resource.split('/');
    match (words.next(), words.next()) {
        (Some("projects"), Some(id)) => {
            let row = find(call, id)?;
            let mut chain = vec![format!("projects/{}", row.id)];
            chain.extend(above(call, &row.parent)?);
            Ok(chain)
        }
        (Some(kind @ ("folders" | "organizations")), Some(number)) => above(call, &format!("{kind}/{number}")),
        _ => Ok(Vec::new()),
    }
}
