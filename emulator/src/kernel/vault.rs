//! Key material: one sealed file a key version, or a zeroised buffer in memory mode. Never in the database or a log.
//!
//! Destroying overwrites the file, syncs, unlinks it and syncs the folder; only then does the state change. On
//! copy-on-write file systems and flash the overwriting is best effort, and the sealing is what remains.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use envelope::Key;
use zeroize::Zeroizing;

use super::{Code, Error, Result};

/// The emulator's own key, under which everything without a customer's key is sealed.
const GOOGLE_MANAGED: &str = "google-managed";

pub type Material = Arc<Zeroizing<Vec<u8>>>;

pub struct Vault {
    /// Where the files are, and what seals them. None in memory mode, where the map below is all there is.
    folder: Option<(PathBuf, Key)>,
    /// Material in use. In memory mode this is all there is.
    open: RwLock<HashMap<String, Material>>,
}

fn refused(action: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("vault: cannot {action} {}: {error}", path.display()))
}

impl Vault {
    pub fn in_memory() -> Self {
        Self { folder: None, open: RwLock::default() }
    }

    pub fn in_folder(folder: PathBuf, root: Key) -> Self {
        Self { folder: Some((folder, root)), open: RwLock::default() }
    }

    /// The file of a version. A hash, so that no name reaches the file system.
    pub fn file_name(name: &str) -> String {
        use std::fmt::Write as _;
        let hash = digest(&SHA256, name.as_bytes());
        hash.as_ref()[..16].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }) + ".key"
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|(folder, _)| folder.join(Self::file_name(name)))
    }

    /// Keeps new material. It is on disk when this returns.
    pub fn create(&self, name: &str, material: Zeroizing<Vec<u8>>) -> Result<()> {
        if let Some((folder, root)) = &self.folder {
            let path = folder.join(Self::file_name(name));
            let sealed =
                envelope::seal(root, name.as_bytes(), &material).map_err(|error| Error::internal(error.to_string()))?;
            write_new(&path, &sealed).map_err(|error| refused("write", &path, &error))?;
        }
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(material));
        Ok(())
    }

    pub fn get(&self, name: &str) -> Result<Material> {
        if let Some(material) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Arc::clone(material));
        }
        let Some((folder, root)) = &self.folder else {
            return Err(lost(name, "its material is gone"));
        };
        let path = folder.join(Self::file_name(name));
        let sealed = std::fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => lost(name, &format!("the file vault/{} is missing", Self::file_name(name))),
            _ => refused("read", &path, &error),
        })?;
        let material = envelope::open(root, name.as_bytes(), &sealed)
            .map_err(|_| lost(name, &format!("the file vault/{} is damaged", Self::file_name(name))))?;
        let material = Arc::new(Zeroizing::new(material));
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&material));
        Ok(material)
    }

    /// Whether the material is there, without reading it.
    pub fn holds(&self, name: &str) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
            || self.path(name).is_some_and(|path| path.is_file())
    }

    /// Makes the material unrecoverable. Doing it again is no error: an interrupted destruction is completed so.
    pub fn shred(&self, name: &str) -> Result<()> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let Some(path) = self.path(name) else { return Ok(()) };
        overwrite_and_unlink(&path).map_err(|error| refused("shred", &path, &error))
    }

    /// The key for what has no customer's key.
    pub fn google_managed(&self) -> Result<Key> {
        if !self.holds(GOOGLE_MANAGED) {
            let key = Key::generate().map_err(|error| Error::internal(error.to_string()))?;
            self.create(GOOGLE_MANAGED, Zeroizing::new(key.as_bytes().to_vec()))?;
        }
        let material = self.get(GOOGLE_MANAGED)?;
        Key::from_slice(&material).map_err(|error| Error::internal(error.to_string()))
    }

    /// Something in the folder that is none of our files, if there is any.
    pub fn stranger(&self) -> std::io::Result<Option<String>> {
        let ours = |name: &str| {
            name.strip_suffix(".key")
                .is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        Ok(self.names()?.into_iter().find(|name| !ours(name)))
    }

    fn names(&self) -> std::io::Result<Vec<String>> {
        let Some((folder, _)) = &self.folder else { return Ok(Vec::new()) };
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Removes files that no row knows: creations that were cut off before their commit.
    pub fn sweep(&self, known: impl Fn(&str) -> bool) -> std::io::Result<()> {
        let Some((folder, _)) = &self.folder else { return Ok(()) };
        let own = Self::file_name(GOOGLE_MANAGED);
        for name in self.names()?.into_iter().filter(|name| *name != own && !known(name)) {
            overwrite_and_unlink(&folder.join(name))?;
        }
        Ok(())
    }
}

fn lost(name: &str, what: &str) -> Error {
    Error::new(Code::DataLoss, format!("The key material of {name} cannot be read: {what} in the data directory."))
}

/// Writes a file that only its owner may read and that must not exist yet; it is on disk when this returns.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(path)
}

fn overwrite_and_unlink(path: &Path) -> std::io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(1 << 20);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    drop(file);
    std::fs::remove_file(path)?;
    sync_folder(path)
}

/// Makes a created, renamed or removed entry of the folder durable.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shredded_material_is_gone_from_memory_and_disk() {
        let folder = tempfile::tempdir().unwrap();
        let root = Key::generate().unwrap();
        let vault = Vault::in_folder(folder.path().to_owned(), Key::from_slice(root.as_bytes()).unwrap());
        vault.create("v1", Zeroizing::new(vec![7; 32])).unwrap();
        let again = Vault::in_folder(folder.path().to_owned(), root);
        assert_eq!(again.get("v1").unwrap().as_slice(), [7; 32]);
        again.shred("v1").unwrap();
        again.shred("v1").unwrap();
        assert_eq!(again.get("v1").unwrap_err().code(), Code::DataLoss);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_moved_to_another_version_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::in_folder(folder.path().to_owned(), Key::generate().unwrap());
        vault.create("v1", Zeroizing::new(vec![7; 32])).unwrap();
        let path = |name| folder.path().join(Vault::file_name(name));
        std::fs::copy(path("v1"), path("v2")).unwrap();
        assert!(vault.get("v2").unwrap_err().message().contains("damaged"));
    }
}
