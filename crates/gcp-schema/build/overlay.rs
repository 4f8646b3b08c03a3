//! `overlay.txt`: what Google's clients already send and the pinned crates do not know.
//!
//! `MESSAGE FIELD NUMBER KIND [repeated] [optional] [oneof=NAME]`, or `enum ENUM VALUE NUMBER`. Only the descriptors
//! learn of it: JSON accepts such a field, and the typed message forgets it as it would forget it from the wire.

use std::fs;
use std::path::Path;

use crate::parse::{Field, Kind, Schema};

pub fn apply(schema: &mut Schema, path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let done = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["enum", name, value, number] => add_value(schema, name, value, number),
            [message, field, number, kind, ref flags @ ..] => add_field(schema, message, field, number, kind, flags),
            _ => Err("not a line of the overlay".to_owned()),
        };
        if let Err(why) = done {
            panic!("overlay: {why}: {line}");
        }
    }
}

fn add_value(schema: &mut Schema, name: &str, value: &str, number: &str) -> Result<(), String> {
    let number: i32 = number.parse().map_err(|_| "no number".to_owned())?;
    let found = schema.enums.get_mut(name).ok_or_else(|| format!("there is no enum {name}"))?;
    if found.values.iter().any(|(known, taken)| known == value || *taken == number) {
        return Err("the crates know it now; drop the line".to_owned());
    }
    found.values.push((value.to_owned(), number));
    Ok(())
}

fn add_field(
    schema: &mut Schema,
    message: &str,
    name: &str,
    number: &str,
    kind: &str,
    flags: &[&str],
) -> Result<(), String> {
    let number: i32 = number.parse().map_err(|_| "no number".to_owned())?;
    let kind = match kind {
        "bool" | "string" | "bytes" | "int32" | "int64" => Kind::Scalar(kind.to_owned()),
        other if schema.messages.contains_key(other) || schema.enums.contains_key(other) => {
            Kind::Named(other.to_owned())
        }
        other if other.starts_with("google.protobuf.") => Kind::Named(other.to_owned()),
        other => return Err(format!("there is no kind {other}")),
    };
    let found = schema.messages.get_mut(message).ok_or_else(|| format!("there is no message {message}"))?;
    if found.fields.iter().any(|known| known.number == number || known.name == name) {
        return Err("the crates know it now; drop the line".to_owned());
    }
    let (mut repeated, mut optional, mut oneof) = (false, false, None);
    for flag in flags {
        match (*flag, flag.strip_prefix("oneof=")) {
            ("repeated", _) => repeated = true,
            ("optional", _) => optional = true,
            (_, Some(group)) => {
                let index = found.oneofs.iter().position(|known| known == group);
                oneof = Some(index.ok_or_else(|| format!("{message} has no oneof {group}"))?);
            }
            (other, None) => return Err(format!("an unknown word {other}")),
        }
    }
    found.fields.push(Field { name: name.to_owned(), number, kind, repeated, optional, oneof });
    Ok(())
}
