//! Where a rewrite that was cut off goes on: one small file that the user names.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    schema: String,
    bucket: String,
    /// The version that the objects are brought under: under another one, all begins anew.
    version: String,
    page_token: String,
    rewritten: u64,
}

const SCHEMA: &str = "cmek.rewrite/v1";

pub struct Resume {
    path: Option<PathBuf>,
    place: Place,
}

impl Resume {
    /// Reads the file, if one is named and there. A file of other work is not touched.
    pub fn open(path: Option<&Path>, bucket: &str, version: &str) -> Outcome<Self> {
        let fresh = Place {
            schema: SCHEMA.to_owned(),
            bucket: bucket.to_owned(),
            version: version.to_owned(),
            page_token: String::new(),
            rewritten: 0,
        };
        let Some(path) = path else { return Ok(Self { path: None, place: fresh }) };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path: Some(path.to_path_buf()), place: fresh });
            }
            Err(error) => return Err(Failure::new(format!("Unable to read file [{}]: {error}", path.display()))),
            Ok(text) => text,
        };
        let place: Place =
            serde_json::from_str(&text).ok().filter(|place: &Place| place.schema == SCHEMA).ok_or_else(|| {
                Failure::new(format!("[{}] is not a file that a rewrite goes on from.", path.display()))
                    .hint("name another file; this one was not changed")
            })?;
        if place.bucket != bucket {
            return Err(Failure::new(format!(
                "[{}] is of gs://{}, not of gs://{bucket}.",
                path.display(),
                place.bucket
            ))
            .hint("one file for each bucket"));
        }
        let place = if place.version == version { place } else { fresh };
        Ok(Self { path: Some(path.to_path_buf()), place })
    }

    pub fn token(&self) -> &str {
        &self.place.page_token
    }

    /// Whether somebody wants to go on from here.
    pub fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Everything before this page is done.
    pub fn save(&mut self, token: &str, rewritten: u64) -> Outcome<()> {
        let Some(path) = &self.path else { return Ok(()) };
        token.clone_into(&mut self.place.page_token);
        self.place.rewritten = rewritten;
        let text = serde_json::to_string_pretty(&self.place).map_err(|error| Failure::new(error.to_string()))?;
        // Whole or not at all: the old file stays until the new one is written.
        let beside = path.with_extension("new");
        std::fs::write(&beside, text + "\n")
            .and_then(|()| std::fs::rename(&beside, path))
            .map_err(|error| Failure::new(format!("Unable to write file [{}]: {error}", path.display())))
    }

    /// All is done: nothing is left to go on from.
    pub fn finish(self) -> Outcome<()> {
        match self.path.map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_and_strange_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place.json");
        let mut resume = Resume::open(Some(&path), "b", "k/1").unwrap();
        assert_eq!(resume.token(), "");
        resume.save("page-2", 1000).unwrap();
        assert_eq!(Resume::open(Some(&path), "b", "k/1").unwrap().token(), "page-2");
        assert_eq!(Resume::open(Some(&path), "b", "k/2").unwrap().token(), "", "another version: all begins anew");
        assert!(Resume::open(Some(&path), "c", "k/1").is_err());
        let strange = folder.path().join("notes.txt");
        std::fs::write(&strange, "mine").unwrap();
        assert!(Resume::open(Some(&strange), "b", "k/1").is_err());
        assert_eq!(std::fs::read_to_string(&strange).unwrap(), "mine");
        resume.finish().unwrap();
        assert!(!path.exists());
    }
}
