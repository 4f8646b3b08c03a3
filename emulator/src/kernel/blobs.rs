//! Segment files: sealed bodies of more than one chunk. A folder of the data directory, or one of the machine's
//! temporary folder in memory mode (sealed all the same), made when the first large body comes.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::vault::sync_folder;
use super::{Code, Error, Result};

pub struct Blobs {
    folder: Option<PathBuf>,
    temporary: OnceLock<tempfile::TempDir>,
}

/// A segment on its way: it has a temporary name until it is complete.
pub struct Segment {
    id: String,
    file: File,
    temporary: PathBuf,
    complete: bool,
}

fn broken(path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("blobs: {}: {error}", path.display()))
}

impl Blobs {
    pub fn in_memory() -> Self {
        Self { folder: None, temporary: OnceLock::new() }
    }

    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder), temporary: OnceLock::new() }
    }

    fn folder(&self) -> Result<&Path> {
        if let Some(folder) = &self.folder {
            return Ok(folder);
        }
        if self.temporary.get().is_none() {
            let folder = tempfile::Builder::new()
                .prefix("cmek-")
                .tempdir()
                .map_err(|error| Error::internal(format!("blobs: no temporary folder: {error}")))?;
            // Two first bodies at once: one folder wins, the other is removed again.
            let _ = self.temporary.set(folder);
        }
        self.temporary.get().map(tempfile::TempDir::path).ok_or_else(|| Error::internal("blobs: no folder"))
    }

    fn path(&self, id: &str) -> Result<PathBuf> {
        Ok(self.folder()?.join(format!("{id}.seg")))
    }

    pub fn begin(&self) -> Result<Segment> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random source failed"))?;
        let id = format!("{:032x}", u128::from_be_bytes(bytes));
        let temporary = self.folder()?.join(format!("{id}.tmp"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .map_err(|error| broken(&temporary, &error))?;
        Ok(Segment { id, file, temporary, complete: false })
    }

    /// Gives the segment its name. In a data directory it is on disk when this returns.
    pub fn complete(&self, mut segment: Segment) -> Result<String> {
        let path = self.path(&segment.id)?;
        let durable = self.folder.is_some();
        let finish = || {
            if durable {
                segment.file.sync_all()?;
            }
            std::fs::rename(&segment.temporary, &path)?;
            if durable { sync_folder(&path) } else { Ok(()) }
        };
        finish().map_err(|error| broken(&path, &error))?;
        segment.complete = true;
        Ok(segment.id.clone())
    }

    /// Opens a segment and makes sure that nothing of it is missing.
    pub fn open(&self, id: &str, sealed_length: u64) -> Result<File> {
        let path = self.path(id)?;
        let lost = |what: String| {
            Error::new(
                Code::DataLoss,
                format!("The stored bytes cannot be read: blobs/{id}.seg {what} in the data directory."),
            )
        };
        let file = File::open(&path).map_err(|error| lost(format!("cannot be opened ({})", error.kind())))?;
        let length = file.metadata().map_err(|error| broken(&path, &error))?.len();
        if length != sealed_length {
            return Err(lost(format!("has {length} bytes instead of {sealed_length}")));
        }
        Ok(file)
    }

    /// Best effort: a segment that no row knows is removed at the next start too.
    pub fn remove(&self, id: &str) {
        if let Ok(path) = self.path(id) {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Something in the folder that is none of our files, if there is any.
    pub fn stranger(&self) -> std::io::Result<Option<String>> {
        Ok(self.names()?.into_iter().find(|name| segment_of(name).is_none()))
    }

    fn names(&self) -> std::io::Result<Vec<String>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Removes what no row knows: segments that were never finished, or whose call was cut off before its commit.
    pub fn sweep(&self, known: impl Fn(&str) -> bool) -> std::io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for name in self.names()? {
            let keep = match segment_of(&name) {
                Some((id, "seg")) => known(id),
                Some(_) => false,
                None => true,
            };
            if !keep {
                std::fs::remove_file(folder.join(name))?;
            }
        }
        Ok(())
    }
}

impl Segment {
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if !self.complete {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// The id and ending of a segment's file.
fn segment_of(name: &str) -> Option<(&str, &str)> {
    let (id, ending) = name.split_once('.')?;
    let ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && ["seg", "tmp"].contains(&ending);
    ours.then_some((id, ending))
}

/// Reads exactly `length` bytes; a short file is an error that says so.
pub fn read_exactly(file: &mut File, length: u64) -> Result<Vec<u8>> {
    let short = |why: String| Error::new(Code::DataLoss, "The stored bytes end early.").with_log(why);
    let mut bytes = Vec::with_capacity(length as usize);
    // Into memory that nobody has written zeros to.
    let read = file.take(length).read_to_end(&mut bytes).map_err(|error| short(error.to_string()))?;
    if read as u64 == length { Ok(bytes) } else { Err(short(format!("{read} bytes instead of {length}"))) }
}
