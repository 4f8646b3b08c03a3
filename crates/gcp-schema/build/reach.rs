//! What messages mention. By it is left out what only came along with a package and is mentioned by nothing that stays.

use std::collections::BTreeSet;

use crate::parse::{Kind, Schema};

pub fn leave_out(schema: &mut Schema, companions: &[&str]) {
    schema.services.retain(|service| !companions.contains(&service.package.as_str()));
    let comes_along = |package: &str| companions.contains(&package);
    let reached = reached(schema, |package| !comes_along(package));
    schema.messages.retain(|name, _| reached.contains(name));
    schema.enums.retain(|name, found| !comes_along(&found.package) || reached.contains(name));
}

/// Whether a message of this package may carry one that only its content names.
pub fn holds_any(schema: &Schema, package: &str) -> bool {
    reached(schema, |other| other == package).contains("google.protobuf.Any")
}

/// The names that the messages of some packages mention, and their own.
fn reached(schema: &Schema, starts: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<String> =
        schema.messages.iter().filter(|(_, found)| starts(&found.package)).map(|(name, _)| name.clone()).collect();
    while let Some(name) = ahead.pop() {
        if !reached.insert(name.clone()) {
            continue;
        }
        // Descriptors nest: whoever needs a message needs those around it.
        ahead.extend(name.rsplit_once('.').map(|(around, _)| around.to_owned()));
        if let Some(message) = schema.messages.get(&name) {
            ahead.extend(message.fields.iter().filter_map(|field| named(&field.kind)).map(str::to_owned));
        }
    }
    reached
}

fn named(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Named(name) => Some(name),
        Kind::Map(_, value) => named(value),
        Kind::Scalar(_) => None,
    }
}
