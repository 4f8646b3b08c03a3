//! Where the source crates lie on this machine.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The files of prost's output that the chosen features select.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let code = folder.join("src/bytes_btree_map");
    let mut files: Vec<_> = fs::read_dir(&code)
        .unwrap_or_else(|error| panic!("{}: {error}", code.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files
}

/// Package name and folder of each source crate: as the lock file names them, in cargo's own store, else where cargo says.
///
/// Asking cargo first would need every package of the lock file on the machine, also those that nothing here builds.
pub fn find(home: &Path) -> Vec<(String, PathBuf)> {
    let lock = fs::read_to_string(home.join("../../Cargo.lock")).expect("the workspace's lock file");
    let wanted: Vec<(String, String)> = lock
        .split("[[package]]")
        .filter_map(|entry| Some((quoted(entry, "name")?, quoted(entry, "version")?)))
        .filter(|(name, _)| name.starts_with("googleapis-tonic-"))
        .collect();
    assert!(!wanted.is_empty(), "no googleapis-tonic-* crate among the dependencies");
    let stores: Vec<PathBuf> = cargo_home()
        .and_then(|home| fs::read_dir(home.join("registry/src")).ok())
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    let found: Vec<_> = wanted
        .iter()
        .filter_map(|(name, version)| {
            let package = format!("{name}-{version}");
            let folder = stores.iter().map(|store| store.join(&package)).find(|folder| folder.is_dir())?;
            Some((name.clone(), folder))
        })
        .collect();
    if found.len() == wanted.len() { found } else { ask_cargo(home) }
}

fn quoted(entry: &str, key: &str) -> Option<String> {
    let line = entry.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
    Some(line.trim().trim_matches('"').to_owned())
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
}

/// For vendored sources and other stores.
fn ask_cargo(home: &Path) -> Vec<(String, PathBuf)> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(home.join("Cargo.toml"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let mut found: Vec<_> = metadata["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str()?;
            let manifest = PathBuf::from(package["manifest_path"].as_str()?);
            name.starts_with("googleapis-tonic-")
                .then(|| (name.to_owned(), manifest.parent().expect("a folder").to_owned()))
        })
        .collect();
    found.sort();
    found
}
