//! `config`: sections of `name = value`, or commands that set (or unset) environment variables.

use serde_json::{Map, Value};

use super::Body;
use crate::error::Result;
use crate::projection::{Attributes, Projector};
use crate::text::plain;
use crate::transform::sorted;

#[derive(Clone, Copy)]
enum Kind {
    Sections,
    Export,
    Unset,
}

pub(super) struct Config {
    kind: Kind,
}

impl Config {
    pub fn new(attributes: &Attributes) -> Self {
        let kind = if attributes.has("export") {
            Kind::Export
        } else if attributes.has("unset") {
            Kind::Unset
        } else {
            Kind::Sections
        };
        Self { kind }
    }
}

impl Body for Config {
    fn record(&mut self, projector: &Projector, record: &Value, _: bool, out: &mut String) -> Result<()> {
        let record = projector.record(record)?;
        if let Value::Object(entries) = record.as_ref() {
            match self.kind {
                Kind::Sections => out.push_str(&section(&mut Vec::new(), entries_of(entries))),
                kind => variables(kind, "", entries, out),
            }
        }
        Ok(())
    }
}

fn entries_of(entries: &Map<String, Value>) -> impl Iterator<Item = (String, &Value)> {
    sorted(entries).into_iter().map(|(name, value)| (name.clone(), value))
}

/// What belongs to the section itself first, then the sections below it.
fn section<'a>(path: &mut Vec<String>, entries: impl Iterator<Item = (String, &'a Value)>) -> String {
    let mut own = String::new();
    let mut below = String::new();
    for (name, value) in entries {
        match value {
            Value::Object(entries) => {
                path.push(name);
                below.push_str(&section(path, Box::new(entries_of(entries)) as Box<dyn Iterator<Item = _>>));
                path.pop();
            }
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(at, item)| (at.to_string(), item));
                path.push(name);
                below.push_str(&section(path, Box::new(items) as Box<dyn Iterator<Item = _>>));
                path.pop();
            }
            Value::Null => own.push_str(&format!("{name} (unset)\n")),
            value => own.push_str(&format!("{name} = {}\n", plain(value))),
        }
    }
    let has_own_line = !own.is_empty() || !below.is_empty() && !below.starts_with('[');
    let heading = if !path.is_empty() && has_own_line { format!("[{}]\n", path.join(".")) } else { String::new() };
    heading + &own + &below
}

fn variables(kind: Kind, prefix: &str, entries: &Map<String, Value>, out: &mut String) {
    for (name, value) in sorted(entries) {
        let below = format!("{prefix}{name}_");
        match (value, kind) {
            (Value::Object(entries), _) => variables(kind, &below, entries, out),
            (Value::Array(items), _) => {
                for (at, item) in items.iter().enumerate() {
                    match item {
                        Value::Object(entries) => variables(kind, &below, entries, out),
                        item => {
                            let alone = Map::from_iter([(format!("I{at}"), item.clone())]);
                            variables(kind, &below, &alone, out);
                        }
                    }
                }
            }
            (_, Kind::Unset) => out.push_str(&format!("unset {prefix}{name}\n")),
            (Value::Null, _) => out.push_str(&format!("{prefix}{name} (unset)\n")),
            (value, _) => out.push_str(&format!("export {prefix}{name}={}\n", quoted(&plain(value)))),
        }
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !text.is_empty() && text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}
