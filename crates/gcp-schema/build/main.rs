#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
//! Derives the schema from the published source of the `googleapis-tonic-*` crates: descriptors, traits, methods.
//!
//! Nothing is downloaded and nothing generated is committed; where the crates lie is asked of cargo.

mod descriptors;
mod emit;
mod parse;
mod routes;

use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=routes");
    println!("cargo:rerun-if-changed=overlay.txt");
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    let home = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));

    let mut schema = parse::Schema::default();
    for (name, folder) in sources(&home) {
        let code = folder.join("src/bytes_btree_map");
        let mut files: Vec<_> = fs::read_dir(&code)
            .unwrap_or_else(|error| panic!("{}: {error}", code.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        files.sort();
        for file in files {
            parse::file(&mut schema, &name, &file);
        }
    }
    schema.resolve();
    overlay(&mut schema, &home.join("overlay.txt"));
    let set = descriptors::build(&schema);
    fs::write(out.join("descriptors.bin"), set.encode_to_vec()).expect("OUT_DIR is writable");
    fs::write(out.join("services.rs"), emit::services(&schema)).expect("OUT_DIR is writable");
    let routes = routes::read(&home.join("routes"));
    fs::write(out.join("methods.rs"), emit::methods(&schema, &routes)).expect("OUT_DIR is writable");
}

/// Package name and folder of each source crate: as the lock file names them, in cargo's own store, else where cargo says.
///
/// Asking cargo first would need every package of the lock file on the machine, also those that nothing here builds.
fn sources(home: &Path) -> Vec<(String, PathBuf)> {
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
            let folder = stores.iter().map(|store| store.join(format!("{name}-{version}"))).find(|folder| folder.is_dir())?;
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
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
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

/// Fields that Google's clients already send and the crates do not know: `message field number kind [repeated]`.
fn overlay(schema: &mut parse::Schema, path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [message, field, number, kind, ref rest @ ..] = words[..] else { panic!("overlay: {line}") };
        let number: i32 = number.parse().unwrap_or_else(|_| panic!("overlay: no number: {line}"));
        let kind = match kind {
            "bool" | "string" | "bytes" | "int32" | "int64" => parse::Kind::Scalar(kind.to_owned()),
            name => parse::Kind::Named(name.to_owned()),
        };
        let found = schema
            .messages
            .get_mut(message)
            .unwrap_or_else(|| panic!("overlay: no message {message}; drop the line or mend it"));
        assert!(
            found.fields.iter().all(|known| known.number != number && known.name != field),
            "overlay: {message}.{field} is in the crates now; drop the line"
        );
        found.fields.push(parse::Field {
            name: field.to_owned(),
            number,
            kind,
            repeated: rest.contains(&"repeated"),
            optional: rest.contains(&"optional"),
            oneof: None,
        });
    }
}
