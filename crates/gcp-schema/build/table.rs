//! The table of methods, joined with the routes. What a route names must exist, or the build stops and says where.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::emit::package;
use crate::parse::{Kind, Rpc, Schema};
use crate::routes::Route;

pub fn methods(schema: &Schema, routes: &BTreeMap<String, Vec<Route>>) -> String {
    let mut rows = BTreeMap::new();
    for service in &schema.services {
        let (_, api) = package(&service.package);
        for rpc in &service.methods {
            let found = routes.get(&rpc.path).map_or(&[][..], Vec::as_slice);
            rows.insert(rpc.path.as_str(), row(schema, rpc, api, found));
        }
    }
    for (path, found) in routes {
        assert!(rows.contains_key(path.as_str()), "{}: there is no method {path}", found[0].at);
    }
    let mut out = "/// Every method, by path.\npub static METHODS: &[Method] = &[\n".to_owned();
    for row in rows.into_values() {
        out.push_str(&row);
        out.push('\n');
    }
    out.push_str("];\n");
    out
}

fn row(schema: &Schema, rpc: &Rpc, api: &str, routes: &[Route]) -> String {
    let input = schema.proto_name(&rpc.input);
    let (service, name) = rpc.path.trim_start_matches('/').split_once('/').expect("service/method");
    let mut rules = String::new();
    let mut resource = Vec::new();
    for route in routes {
        let mut bound: Vec<_> = route.variables().map(|field| field_path(schema, &input, field, &route.at)).collect();
        if resource.is_empty() {
            resource = match &route.resource {
                Some(field) => field_path(schema, &input, field, &route.at),
                None if bound.is_empty() => Vec::new(),
                None => bound.swap_remove(0),
            };
        }
        let verb = route.verb[..1].to_owned() + &route.verb[1..].to_lowercase();
        let body = match route.body.as_str() {
            "-" => "Body::None".to_owned(),
            "*" => "Body::Whole".to_owned(),
            field => {
                field_path(schema, &input, field, &route.at);
                format!("Body::Field({field:?})")
            }
        };
        let _ = write!(
            rules,
            "Rule {{ api: {:?}, verb: Verb::{verb}, template: {:?}, body: {body} }},",
            route.api, route.template
        );
    }
    let first = routes.first();
    format!(
        "Method {{ path: {:?}, service: {service:?}, name: {name:?}, input: {input:?}, output: {:?}, client_streaming: {}, server_streaming: {}, api: {api:?}, http: &[{rules}], permission: {:?}, resource: &{resource:?}, read_only: {} }},",
        rpc.path,
        schema.proto_name(&rpc.output),
        rpc.client_streaming,
        rpc.server_streaming,
        first.map_or("", |route| &route.permission),
        first.is_some_and(|route| route.read_only),
    )
}

/// Field numbers along `topic.name`.
fn field_path(schema: &Schema, message: &str, path: &str, at: &str) -> Vec<i32> {
    let mut owner = message;
    let mut numbers = Vec::new();
    for word in path.split('.') {
        let field = schema
            .messages
            .get(owner)
            .and_then(|message| message.fields.iter().find(|field| field.name == word))
            .unwrap_or_else(|| panic!("{at}: {owner} has no field {word}"));
        numbers.push(field.number);
        owner = match &field.kind {
            Kind::Named(name) => name,
            _ => "a scalar",
        };
    }
    numbers
}
