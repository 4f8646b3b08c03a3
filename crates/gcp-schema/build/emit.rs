//! The generated Rust: traits, registration, the table of methods.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::parse::{Kind, Schema, Service, snake};
use crate::routes::Route;

/// Package -> alias of its modules, and the API that serves it.
const PACKAGES: [(&str, &str, &str); 8] = [
    ("google.api.serviceusage.v1", "serviceusage", "serviceusage.googleapis.com"),
    ("google.cloud.kms.v1", "kms", "cloudkms.googleapis.com"),
    ("google.cloud.location", "location", ""),
    ("google.cloud.orgpolicy.v2", "orgpolicy", "orgpolicy.googleapis.com"),
    ("google.cloud.resourcemanager.v3", "resourcemanager", "cloudresourcemanager.googleapis.com"),
    ("google.iam.v1", "iam", ""),
    ("google.longrunning", "longrunning", ""),
    ("google.pubsub.v1", "pubsub", "pubsub.googleapis.com"),
];
const STORAGE: (&str, &str, &str) = ("google.storage.v2", "storage", "storage.googleapis.com");

fn package(name: &str) -> (&'static str, &'static str) {
    PACKAGES
        .iter()
        .chain([&STORAGE])
        .find(|(package, ..)| *package == name)
        .map(|(_, alias, api)| (*alias, *api))
        .unwrap_or_else(|| panic!("{name} has services but no alias"))
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

pub fn methods(schema: &Schema, routes: &BTreeMap<String, Vec<Route>>) -> String {
    let mut rows = BTreeMap::new();
    for service in &schema.services {
        let (_, api) = package(&service.package);
        for rpc in &service.methods {
            let input = schema.proto_name(&rpc.input);
            let found = routes.get(&rpc.path).map_or(&[][..], Vec::as_slice);
            let first = found.first();
            let resource = first.map(|route| resource(schema, &input, &route.template)).unwrap_or_default();
            let rules: String = found
                .iter()
                .map(|route| {
                    let body = match route.body.as_str() {
                        "-" => "Body::None".to_owned(),
                        "*" => "Body::Whole".to_owned(),
                        field => {
                            assert!(field_number(schema, &input, field).is_some(), "{}: no field {field}", rpc.path);
                            format!("Body::Field({field:?})")
                        }
                    };
                    let verb = route.verb[..1].to_owned() + &route.verb[1..].to_lowercase();
                    format!(
                        "Rule {{ api: {:?}, verb: Verb::{verb}, template: {:?}, body: {body} }},",
                        route.api, route.template
                    )
                })
                .collect();
            let (service_name, name) = rpc.path.trim_start_matches('/').split_once('/').expect("service/method");
            rows.insert(
                rpc.path.clone(),
                format!(
                    "Method {{ path: {:?}, service: {service_name:?}, name: {name:?}, input: {input:?}, output: {:?}, client_streaming: {}, server_streaming: {}, api: {api:?}, http: &[{rules}], permission: {:?}, resource: &{resource:?}, read_only: {} }},",
                    rpc.path,
                    schema.proto_name(&rpc.output),
                    rpc.client_streaming,
                    rpc.server_streaming,
                    first.map_or("", |route| &route.permission),
                    first.is_some_and(|route| route.read_only),
                ),
            );
        }
    }
    for path in routes.keys() {
        assert!(rows.contains_key(path), "routes: there is no method {path}");
    }
    let rows: String = rows.into_values().map(|row| row + "\n").collect();
    format!("/// Every method, by path.\npub static METHODS: &[Method] = &[\n{rows}];\n")
}

/// Field numbers of the first variable in a template: the resource that the call is about.
fn resource(schema: &Schema, message: &str, template: &str) -> Vec<u32> {
    let Some(start) = template.find('{') else { return Vec::new() };
    let variable = template[start + 1..].split(['=', '}']).next().expect("a name");
    let mut owner = message.to_owned();
    let mut numbers = Vec::new();
    for word in variable.split('.') {
        let (number, next) =
            field_number(schema, &owner, word).unwrap_or_else(|| panic!("{template}: no field {word} in {owner}"));
        numbers.push(number as u32);
        owner = next;
    }
    numbers
}

fn field_number(schema: &Schema, message: &str, field: &str) -> Option<(i32, String)> {
    let field = schema.messages.get(message)?.fields.iter().find(|known| known.name == field)?;
    let next = match &field.kind {
        Kind::Named(name) => name.clone(),
        _ => String::new(),
    };
    Some((field.number, next))
}
