//! The tree itself: arrows between crates, files that belong nowhere, and what no file may say.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// The only arrows between our crates; tests may use them all.
const ARROWS: [(&str, &[&str]); 9] = [
    ("crates/cmek", &["cmek-emulator", "cmek-plan", "gcp-client", "gcp-format", "gcp-names", "gcp-schema"]),
    ("crates/cmek-plan", &["gcp-names"]),
    ("crates/envelope", &[]),
    ("crates/gcp-client", &["gcp-schema"]),
    ("crates/gcp-format", &[]),
    ("crates/gcp-gateway", &["gcp-schema"]),
    ("crates/gcp-names", &[]),
    ("crates/gcp-schema", &[]),
    ("emulator", &["envelope", "gcp-gateway", "gcp-names", "gcp-schema"]),
];

#[test]
fn crates_lean_only_where_the_design_says() {
    let ours = [
        "cmek-emulator",
        "cmek-plan",
        "envelope",
        "gcp-client",
        "gcp-format",
        "gcp-gateway",
        "gcp-names",
        "gcp-schema",
    ];
    for (folder, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for name in ours.iter().filter(|name| {
            dependencies.lines().any(|line| line.split('=').next().is_some_and(|word| word.trim() == **name))
        }) {
            assert!(allowed.contains(name), "{folder} leans on {name}");
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", ".git", "node_modules", ".cache"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if [".rs", ".md", ".toml", ".sh", ".py", ".txt", ".snap", ".mjs"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            found.push(path);
        }
    }
}

#[test]
fn services_meet_only_at_the_doors() {
    let services = root().join("emulator/src/services");
    let names: Vec<String> = std::fs::read_dir(&services)
        .expect("the services")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    for name in &names {
        let mut files = Vec::new();
        sources(&services.join(name), &mut files);
        for file in files.iter().filter(|file| !file.to_string_lossy().contains("tests")) {
            let text = std::fs::read_to_string(file).expect("a file");
            for other in names.iter().filter(|other| *other != name) {
                assert!(
                    !text.contains(&format!("services::{other}"))
                        || text.contains(&format!("gcp_schema::services::{other}")),
                    "{} reaches for {other}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn every_rust_file_says_what_it_is_and_none_is_too_long() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        let text = std::fs::read_to_string(file).expect("a file");
        assert!(
            text.starts_with("//!") || text.starts_with("#![") || text.starts_with("#!["),
            "{} begins without a line of what it is",
            file.display()
        );
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(lines <= 600, "{} has {lines} lines: two nouns in one room?", file.display());
    }
}

#[test]
fn nothing_names_a_machine_or_waits_for_a_person() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    // Put together here, so that this file does not hold them.
    let forbidden = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["todo", "!("].concat(), ["FIX", "ME"].concat()];
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        for word in &forbidden {
            assert!(!text.contains(word.as_str()), "{} says {word}", file.display());
        }
    }
}
