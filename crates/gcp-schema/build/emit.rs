//! The generated Rust: a trait and its registration for each service.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::parse::{Schema, Service};
use crate::types::snake;

/// Package, the alias of its modules, and the API that serves it.
const PACKAGES: [(&str, &str, &str); 12] = [
    ("google.api.serviceusage.v1", "serviceusage", "serviceusage.googleapis.com"),
    ("google.cloud.asset.v1", "cloudasset", "cloudasset.googleapis.com"),
    ("google.cloud.kms.inventory.v1", "kmsinventory", "kmsinventory.googleapis.com"),
    ("google.cloud.kms.v1", "kms", "cloudkms.googleapis.com"),
    ("google.cloud.location", "location", ""),
    ("google.cloud.orgpolicy.v2", "orgpolicy", "orgpolicy.googleapis.com"),
    ("google.cloud.resourcemanager.v3", "resourcemanager", "cloudresourcemanager.googleapis.com"),
    ("google.cloud.storagebatchoperations.v1", "storagebatchoperations", "storagebatchoperations.googleapis.com"),
    ("google.iam.v1", "iam", ""),
    ("google.longrunning", "longrunning", ""),
    ("google.pubsub.v1", "pubsub", "pubsub.googleapis.com"),
    ("google.storage.v2", "storage", "storage.googleapis.com"),
];

pub fn package(name: &str) -> (&'static str, &'static str) {
    PACKAGES
        .iter()
        .find(|(package, ..)| *package == name)
        .map_or_else(|| panic!("{name} has services but no alias"), |(_, alias, api)| (*alias, *api))
}

pub fn services(schema: &Schema) -> String {
    let mut out = String::new();
    let packages: BTreeSet<_> = schema.services.iter().map(|service| service.package.as_str()).collect();
    for name in packages {
        let (alias, _) = package(name);
        let _ = writeln!(out, "pub mod {alias} {{");
        for service in schema.services.iter().filter(|service| service.package == name) {
            trait_of(schema, service, &mut out);
        }
        out.push_str("}\n");
    }
    out
}

fn rust_type(schema: &Schema, path: &str) -> String {
    if path == "prost_types::Empty" {
        return "()".to_owned();
    }
    if path.starts_with("prost_types::") {
        return format!("::{path}");
    }
    let package = schema
        .crates
        .keys()
        .filter(|package| path.starts_with(&format!("{}::", package.replace('.', "::"))))
        .max_by_key(|package| package.len())
        .unwrap_or_else(|| panic!("no crate of {path}"));
    format!("::{}::{}", schema.crates[package], path.replace("::type::", "::r#type::"))
}

fn trait_of(schema: &Schema, service: &Service, out: &mut String) {
    let name = &service.name;
    let _ = writeln!(
        out,
        "/// Unary methods of `{}.{name}`; each answers UNIMPLEMENTED until it is written.",
        service.package
    );
    let _ = writeln!(out, "pub trait {name}<C>: Send + Sync + 'static {{");
    let unary = || service.methods.iter().filter(|rpc| !rpc.client_streaming && !rpc.server_streaming);
    for rpc in unary() {
        let (input, output) = (rust_type(schema, &rpc.input), rust_type(schema, &rpc.output));
        let _ = writeln!(
            out,
            "fn {}(&self, context: &mut C, request: {input}) -> Result<{output}, crate::Error> {{ let _ = (context, request); Err(crate::Error::unimplemented({:?})) }}",
            rpc.rust_name, rpc.path
        );
    }
    out.push_str("}\n");
    let _ = writeln!(
        out,
        "/// Puts every unary method into the registry.\npub fn register_{}<C: 'static, S: {name}<C>>(registry: &mut crate::Registry<C>, service: &std::sync::Arc<S>) {{",
        snake(name)
    );
    for rpc in unary() {
        let _ = writeln!(out, "registry.unary({:?}, service, S::{});", rpc.path, rpc.rust_name);
    }
    if unary().next().is_none() {
        out.push_str("let _ = (registry, service);\n");
    }
    out.push_str("}\n");
}
