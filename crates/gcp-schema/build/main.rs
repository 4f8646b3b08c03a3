#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
//! Derives the schema from the published source of the `googleapis-tonic-*` crates: descriptors, traits, methods.
//!
//! Nothing is downloaded and nothing generated is committed; where the crates lie is asked of cargo.

mod descriptors;
mod emit;
mod enums;
mod overlay;
mod parse;
mod reach;
mod routes;
mod rpc;
mod sources;
mod table;
mod types;

use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

/// Packages that Cloud Asset's messages mention: only what is reached from there, and none of their services.
const COMPANIONS: [&str; 4] = [
    "google.cloud.orgpolicy.v1",
    "google.cloud.osconfig.v1",
    "google.identity.accesscontextmanager.type",
    "google.identity.accesscontextmanager.v1",
];

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=routes");
    println!("cargo:rerun-if-changed=overlay.txt");
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    let home = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let write = |name: &str, content: &[u8]| fs::write(out.join(name), content).expect("OUT_DIR is writable");

    let mut schema = parse::Schema::default();
    for (name, folder) in sources::find(&home) {
        for file in sources::files(&folder) {
            parse::file(&mut schema, &name, &file);
        }
    }
    schema.resolve();
    reach::leave_out(&mut schema, &COMPANIONS);
    overlay::apply(&mut schema, &home.join("overlay.txt"));
    let descriptors = descriptors::build(&schema);
    write("descriptors.bin", &descriptors.encode_to_vec());
    // What an `Any` carries may be of any package: those that hold one are read with all descriptors.
    let own: Vec<_> = schema.crates.keys().filter(|package| !reach::holds_any(&schema, package)).collect();
    let mut packages = format!("pub static PACKAGES: [Package; {}] = [\n", own.len());
    for package in own {
        let file = format!("{package}.bin");
        write(&file, &descriptors::needed(&descriptors, package).encode_to_vec());
        packages.push_str(&format!(
            "Package {{ name: \"{package}\", set: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")), pool: OnceLock::new() }},\n"
        ));
    }
    write("packages.rs", (packages + "];\n").as_bytes());
    write("services.rs", emit::services(&schema).as_bytes());
    let routes = routes::read(&home.join("routes"));
    write("methods.rs", table::methods(&schema, &routes).as_bytes());
}
