//! gcloud's folder: which configuration is active, and what it sets.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::ini::{self, Sections};
use crate::failure::{Failure, Outcome};

/// Sets nothing, and has no file.
const NONE: &str = "NONE";
const DEFAULT: &str = "default";

/// `~/.config/gcloud`, or where `CLOUDSDK_CONFIG` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// One configuration; a name without a file sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    pub name: String,
    /// Where it is or would be; `None` for `NONE`.
    pub file: Option<PathBuf>,
    pub values: Sections,
}

impl Folder {
    /// `None` when the environment names no home.
    pub fn of(environment: &BTreeMap<String, String>) -> Option<Self> {
        let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("CLOUDSDK_CONFIG") {
            return Some(Self(folder.into()));
        }
        if cfg!(windows) {
            return set("APPDATA").map(|data| Self(Path::new(data).join("gcloud")));
        }
        set("HOME").map(|home| Self(Path::new(home).join(".config").join("gcloud")))
    }

    #[cfg(test)]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// By the flag, the environment's `CLOUDSDK_ACTIVE_CONFIG_NAME`, or the file that `gcloud config configurations
    /// activate` writes.
    pub fn active(&self, flag: Option<&str>, environment: &BTreeMap<String, String>) -> Outcome<String> {
        if let Some(name) = named(flag, environment) {
            return Ok(name);
        }
        let path = self.0.join("active_config");
        match std::fs::read_to_string(&path) {
            // A name that cannot be one is what gcloud throws away.
            Ok(name) if is_name(&name) => Ok(name),
            Ok(_) => Ok(DEFAULT.to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(DEFAULT.to_owned()),
            Err(error) => Err(Failure::new(format!(
                "Active configuration name could not be read from: [{}]. Ensure you have sufficient read permissions on \
                 required active configuration in [{}].\n  {error}",
                path.display(),
                self.configurations().display()
            ))),
        }
    }

    /// What a configuration sets; nothing, if there is none of that name.
    pub fn configuration(&self, name: &str) -> Outcome<Configuration> {
        if name == NONE {
            return Ok(Configuration { name: name.to_owned(), ..Configuration::default() });
        }
        let file = self.configurations().join(format!("config_{name}"));
        // Whatever stands in the name, no other folder is looked into.
        let values = if name.contains(['/', '\\']) { Sections::new() } else { read(&file)? };
        Ok(Configuration { name: name.to_owned(), file: Some(file), values })
    }

    /// All that have a file, in order.
    pub fn names(&self) -> Outcome<Vec<String>> {
        let folder = self.configurations();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Failure::new(format!(
                    "List of configurations could not be read from: [{}].\n  {error}",
                    folder.display()
                )));
            }
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_prefix("config_").map(str::to_owned))
            .filter(|name| is_name(name) && name != NONE)
            .collect();
        names.sort();
        Ok(names)
    }

    fn configurations(&self) -> PathBuf {
        self.0.join("configurations")
    }
}

/// The configuration that is asked for without a folder: it can only be empty.
pub fn named(flag: Option<&str>, environment: &BTreeMap<String, String>) -> Option<String> {
    flag.or_else(|| environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME").map(String::as_str))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// The file of an installation's own properties: beside gcloud, by `CLOUDSDK_ROOT_DIR` or where `PATH` finds it.
pub fn installation(environment: &BTreeMap<String, String>) -> Outcome<Option<(PathBuf, Sections)>> {
    let root = match environment.get("CLOUDSDK_ROOT_DIR").filter(|root| !root.is_empty()) {
        Some(root) => Some(PathBuf::from(root)),
        None => environment.get("PATH").and_then(|path| {
            let gcloud = std::env::split_paths(path).map(|folder| folder.join("gcloud")).find(|file| file.is_file())?;
            Some(gcloud.canonicalize().ok()?.parent()?.parent()?.to_owned())
        }),
    };
    let Some(file) = root.map(|root| root.join("properties")).filter(|file| file.is_file()) else { return Ok(None) };
    let values = read(&file)?;
    Ok(Some((file, values)))
}

fn read(file: &Path) -> Outcome<Sections> {
    match std::fs::read_to_string(file) {
        Ok(text) => ini::parse(&text).map_err(|wrong| {
            Failure::new(format!("[{}] cannot be read: line {}: {}.", file.display(), wrong.line, wrong.what))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Sections::new()),
        Err(error) => Err(Failure::new(format!("Properties could not be read from: [{}].\n  {error}", file.display()))),
    }
}

/// A lower-case letter, then such letters, digits and hyphens.
fn is_name(name: &str) -> bool {
    name == NONE
        || name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("configurations")).unwrap();
        for (name, text) in files {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        let folder = Folder::at(root.path());
        (root, folder)
    }

    #[test]
    #[cfg(not(windows))]
    fn the_folder_is_where_the_environment_says() {
        let at = |pairs: &[(&str, &str)]| Folder::of(&environment(pairs)).map(|folder| folder.path().to_owned());
        assert_eq!(at(&[("CLOUDSDK_CONFIG", "/c"), ("HOME", "/h")]), Some("/c".into()));
        assert_eq!(at(&[("CLOUDSDK_CONFIG", ""), ("HOME", "/h")]), Some("/h/.config/gcloud".into()));
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn the_flag_beats_the_environment_and_that_the_file() {
        let (_root, folder) = folder(&[("active_config", "dev")]);
        let variable = environment(&[("CLOUDSDK_ACTIVE_CONFIG_NAME", "prod")]);
        assert_eq!(folder.active(Some("mine"), &variable).unwrap(), "mine");
        assert_eq!(folder.active(None, &variable).unwrap(), "prod");
        assert_eq!(folder.active(None, &environment(&[])).unwrap(), "dev");
        std::fs::write(folder.path().join("active_config"), "Not a name").unwrap();
        assert_eq!(folder.active(None, &environment(&[])).unwrap(), "default");
        std::fs::remove_file(folder.path().join("active_config")).unwrap();
        assert_eq!(folder.active(None, &environment(&[])).unwrap(), "default");
    }

    #[test]
    fn a_configuration_is_its_file_and_nothing_without_one() {
        let (root, folder) = folder(&[
            ("configurations/config_dev", "[core]\nproject = dev-1\n"),
            ("configurations/config_broken", "project\n"),
            ("configurations/notes.txt", ""),
            ("secret", "[core]\nproject = leaked\n"),
        ]);
        assert_eq!(folder.configuration("dev").unwrap().values["core"]["project"], "dev-1");
        assert!(folder.configuration("nope").unwrap().values.is_empty());
        assert!(folder.configuration("x/../../secret").unwrap().values.is_empty());
        assert_eq!(folder.configuration("NONE").unwrap().file, None);
        assert_eq!(folder.names().unwrap(), ["broken", "dev"]);
        let failure = folder.configuration("broken").unwrap_err();
        let path = root.path().join("configurations/config_broken");
        assert_eq!(
            failure.message,
            format!("[{}] cannot be read: line 1: 'project' stands before any section.", path.display())
        );
        assert!(Folder::at("/nowhere").names().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_no_empty_configuration() {
        let (root, folder) = folder(&[]);
        // A folder in the place of a file: unreadable for everybody.
        std::fs::create_dir(root.path().join("configurations/config_dev")).unwrap();
        std::fs::create_dir(root.path().join("active_config")).unwrap();
        let failure = folder.configuration("dev").unwrap_err();
        assert!(failure.message.starts_with("Properties could not be read from: ["), "{}", failure.message);
        let failure = folder.active(None, &environment(&[])).unwrap_err();
        assert!(failure.message.contains("Ensure you have sufficient read permissions"), "{}", failure.message);
    }

    #[test]
    fn an_installation_is_found_by_its_root_or_by_the_path() {
        let root = tempfile::tempdir().unwrap();
        let sdk = root.path().join("google-cloud-sdk");
        std::fs::create_dir_all(sdk.join("bin")).unwrap();
        std::fs::write(sdk.join("bin/gcloud"), "").unwrap();
        let at = |pairs: &[(&str, &str)]| installation(&environment(pairs)).unwrap().map(|(_, values)| values);
        let (root_dir, path) = (sdk.display().to_string(), format!("/nowhere:{}", sdk.join("bin").display()));
        assert_eq!(at(&[("PATH", &path)]), None, "no properties yet");
        std::fs::write(sdk.join("properties"), "[core]\ndisable_color = true\n").unwrap();
        for pair in [("CLOUDSDK_ROOT_DIR", &root_dir), ("PATH", &path)] {
            assert_eq!(at(&[(pair.0, pair.1)]).unwrap()["core"]["disable_color"], "true");
        }
        assert_eq!(at(&[]), None);
    }
}
