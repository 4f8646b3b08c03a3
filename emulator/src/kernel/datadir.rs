//! A data directory: what lies in it, and the checks before anything in it is touched.
//!
//! `cmek-emulator.json` (marker, format and seed), `root.key`, `state.redb`, `vault/`, `blobs/`. Anything else is not
//! ours: the directory is refused and left as it is.

use std::path::{Path, PathBuf};

use envelope::Key;
use serde::{Deserialize, Serialize};

use super::blobs::Blobs;
use super::store::Store;
use super::vault::{Vault, write_new};

const MARKER: &str = "cmek-emulator.json";
const ROOT: &str = "root.key";
const STATE: &str = "state.redb";
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u32,
    seed: u64,
}

/// Why a data directory was not opened. Each names the file that it is about.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("{} is not a cmek data directory: it holds {found}. Nothing was changed.", path.display())]
    Foreign { path: PathBuf, found: String },
    #[error("{} is missing or damaged: {reason}. Nothing was changed.", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{} was written by a newer cmek (format {format}, this one reads {FORMAT}). Nothing was changed.", path.display())]
    Newer { path: PathBuf, format: u32 },
    #[error("{} is in use by another cmek.", path.display())]
    InUse { path: PathBuf },
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

pub struct DataDir {
    pub store: std::sync::Arc<Store>,
    pub vault: Vault,
    pub blobs: Blobs,
    pub seed: u64,
}

type Opened<T> = Result<T, DataDirError>;

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> DataDirError + '_ {
    move |source| DataDirError::Io { path: path.to_owned(), source }
}

impl DataDir {
    /// Opens the directory, or makes it when it does not exist or is empty. `seed` is for a new one.
    pub fn open(path: &Path, seed: u64) -> Opened<Self> {
        std::fs::create_dir_all(path).map_err(io(path))?;
        let names = list(path)?;
        if names.is_empty() {
            create(path, seed)?;
        } else {
            check_names(path, &names)?;
        }
        let marker = read_marker(&path.join(MARKER))?;
        let root = read_root(&path.join(ROOT))?;
        for folder in ["vault", "blobs"] {
            let folder = path.join(folder);
            if !folder.is_dir() {
                return Err(DataDirError::Damaged { path: folder, reason: "the folder is not there".to_owned() });
            }
        }
        let state = path.join(STATE);
        if !names.is_empty() && !state.is_file() {
            return Err(DataDirError::Damaged { path: state, reason: "the database is not there".to_owned() });
        }
        let store = Store::open(&state).map_err(|error| match error {
            redb::Error::DatabaseAlreadyOpen => DataDirError::InUse { path: path.to_owned() },
            other => DataDirError::Damaged { path: state.clone(), reason: other.to_string() },
        })?;
        Ok(Self {
            store,
            vault: Vault::in_folder(path.join("vault"), root),
            blobs: Blobs::in_folder(path.join("blobs")),
            seed: marker.seed,
        })
    }
}

fn list(path: &Path) -> Opened<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io(path))? {
        names.push(entry.map_err(io(path))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn check_names(path: &Path, names: &[String]) -> Opened<()> {
    let ours = [MARKER, ROOT, STATE, "vault", "blobs"];
    if let Some(found) = names.iter().find(|name| !ours.contains(&name.as_str())) {
        return Err(DataDirError::Foreign { path: path.to_owned(), found: found.clone() });
    }
    Ok(())
}

fn create(path: &Path, seed: u64) -> Opened<()> {
    for folder in ["vault", "blobs"] {
        let folder = path.join(folder);
        std::fs::create_dir(&folder).map_err(io(&folder))?;
    }
    let root = path.join(ROOT);
    let key =
        Key::generate().map_err(|error| DataDirError::Damaged { path: root.clone(), reason: error.to_string() })?;
    write_new(&root, key.as_bytes()).map_err(io(&root))?;
    // The marker is the last: a directory without one was never finished.
    let marker = path.join(MARKER);
    let text = serde_json::to_vec(&Marker { format: FORMAT, seed })
        .map_err(|error| DataDirError::Damaged { path: marker.clone(), reason: error.to_string() })?;
    write_new(&marker, &text).map_err(io(&marker))
}

fn read_marker(path: &Path) -> Opened<Marker> {
    let bytes = std::fs::read(path)
        .map_err(|error| DataDirError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    let marker: Marker = serde_json::from_slice(&bytes)
        .map_err(|error| DataDirError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    if marker.format > FORMAT {
        return Err(DataDirError::Newer { path: path.to_owned(), format: marker.format });
    }
    Ok(marker)
}

fn read_root(path: &Path) -> Opened<Key> {
    let damaged = |reason: String| DataDirError::Damaged { path: path.to_owned(), reason };
    let bytes = zeroize::Zeroizing::new(std::fs::read(path).map_err(|error| damaged(error.to_string()))?);
    Key::from_slice(&bytes).map_err(|_| damaged(format!("it holds {} bytes, not 32", bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let refusal = DataDir::open(folder.path(), 1).err().expect("a refusal").to_string();
        assert!(refusal.contains("it holds thesis.txt"), "{refusal}");
        assert_eq!(list(folder.path()).unwrap(), ["thesis.txt"]);
    }

    #[test]
    fn a_missing_or_cut_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataDir::open(folder.path(), 7).unwrap());
        assert_eq!(DataDir::open(folder.path(), 8).unwrap().seed, 7);
        let root = folder.path().join(ROOT);
        std::fs::write(&root, [1; 5]).unwrap();
        assert!(DataDir::open(folder.path(), 7).err().unwrap().to_string().contains("root.key"));
        std::fs::remove_file(&root).unwrap();
        assert!(DataDir::open(folder.path(), 7).err().unwrap().to_string().contains("root.key"));
        assert!(!root.exists());
    }

    #[test]
    fn two_at_once_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataDir::open(folder.path(), 7).unwrap();
        assert!(matches!(DataDir::open(folder.path(), 7), Err(DataDirError::InUse { .. })));
    }
}
