//! Bodies of the older JSON APIs, for which there are no published messages: their fields and what each holds. What does
//! not fit is refused in the words that the gateway has for messages.

use base64::Engine as _;
use gcp_gateway::Body;
use gcp_gateway::body::{self, ReadError};
use gcp_schema::{Detail, FieldViolation};
use serde_json::{Map, Value};

use crate::kernel::{Error, Result, mask};
use crate::rest::MAX_JSON;

/// The fields of an object.
pub type Fields = &'static [(&'static str, Shape)];

/// What a field holds. `null` stands for an absent one everywhere.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    Flag,
    /// A whole number, as a number or as text.
    Number,
    /// Bytes in base64.
    Bytes,
    Texts,
    /// Texts by name.
    Map,
    Object(Fields),
    /// Read elsewhere, or not at all.
    Any,
}

/// The body of a request, as `parse` takes it.
pub async fn read(body: Body, fields: Fields) -> Result<Value> {
    let body = body::read(body, MAX_JSON).await.map_err(|error| {
        Error::invalid_argument(match error {
            ReadError::TooLarge => format!("Request payload size exceeds the limit: {MAX_JSON} bytes."),
            ReadError::Broken => "The request ended before its body was complete.".to_owned(),
        })
    })?;
    parse(&body, fields)
}

/// An object with no other fields than these; nothing at all is `{}`.
pub fn parse(body: &[u8], fields: Fields) -> Result<Value> {
    let value = gcp_gateway::parse_json(body)?.unwrap_or_else(|| Value::Object(Map::new()));
    let mut problems = Vec::new();
    match &value {
        Value::Object(map) => object(map, fields, "", &mut problems),
        _ => misplaced("", "", "Root element must be a message.", &mut problems),
    }
    if problems.is_empty() {
        return Ok(value);
    }
    let lines: Vec<_> = problems.iter().map(|problem| problem.description.as_str()).collect();
    Err(Error::invalid_argument(lines.join("\n")).with_detail(Detail::BadRequest(problems)))
}

fn misplaced(at: &str, name: &str, why: &str, problems: &mut Vec<FieldViolation>) {
    let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
    let description = format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: {why}");
    problems.push(FieldViolation { field: at.to_owned(), description });
}

fn object(map: &Map<String, Value>, fields: Fields, at: &str, problems: &mut Vec<FieldViolation>) {
    for (name, value) in map {
        match fields.iter().find(|(known, _)| known == name) {
            None => misplaced(at, name, "Cannot find field.", problems),
            Some(_) if value.is_null() => {}
            Some((_, shape)) => field(value, *shape, name, at, problems),
        }
    }
}

fn field(value: &Value, shape: Shape, name: &str, at: &str, problems: &mut Vec<FieldViolation>) {
    let snake = mask::snake(name);
    let place = if at.is_empty() { snake } else { format!("{at}.{snake}") };
    let mut invalid = |kind: &str| {
        // Only what is shown is copied: a wrong value may be megabytes long.
        let shown: String = value.to_string().chars().take(200).collect();
        let description = format!("Invalid value at '{place}' ({kind}), {shown}");
        problems.push(FieldViolation { field: place.clone(), description });
    };
    match (shape, value) {
        (Shape::Any, _) | (Shape::Text, Value::String(_)) | (Shape::Flag, Value::Bool(_)) => {}
        (Shape::Object(fields), Value::Object(map)) => object(map, fields, &place, problems),
        (Shape::Map, Value::Object(map)) if map.values().all(Value::is_string) => {}
        (Shape::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => {}
        (Shape::Bytes, Value::String(text)) if is_base64(text) => {}
        (Shape::Number, _) if number(value).is_some() => {}
        (Shape::Text, _) => invalid("TYPE_STRING"),
        (Shape::Texts, _) => invalid("repeated TYPE_STRING"),
        (Shape::Flag, _) => invalid("TYPE_BOOL"),
        (Shape::Number, _) => invalid("TYPE_INT32"),
        (Shape::Bytes, _) => invalid("TYPE_BYTES"),
        (Shape::Map | Shape::Object(_), _) => invalid("an object"),
    }
}

/// A whole number that came as a number or as text.
pub fn number(value: &Value) -> Option<i32> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        value => value.as_i64()?,
    };
    i32::try_from(number).ok()
}

fn is_base64(text: &str) -> bool {
    let text = text.replace('-', "+").replace('_', "/");
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Fields = &[("enforced", Shape::Flag)];
    const BODY: Fields = &[
        ("pageSize", Shape::Number),
        ("etag", Shape::Bytes),
        ("booleanPolicy", Shape::Object(POLICY)),
        ("permissions", Shape::Texts),
        ("labels", Shape::Map),
        ("name", Shape::Text),
    ];

    #[test]
    fn what_fits_is_read() {
        assert_eq!(parse(b" ", BODY).unwrap(), serde_json::json!({}));
        for body in [
            r#"{"pageSize": 5, "etag": "BwYk0tTlUdY=", "booleanPolicy": {"enforced": true}, "permissions": ["a"]}"#,
            r#"{"pageSize": "5", "etag": "-_8", "booleanPolicy": {}, "permissions": [], "labels": {"a": "b"}}"#,
            r#"{"pageSize": null, "labels": null, "name": ""}"#,
        ] {
            assert!(parse(body.as_bytes(), BODY).is_ok(), "{body}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (body, text) in [
            ("[]", "Unknown name \"\": Root element must be a message."),
            ("{", "Invalid JSON payload received. EOF while parsing"),
            (r#"{"colour": 1}"#, "Unknown name \"colour\": Cannot find field."),
            (
                r#"{"booleanPolicy": {"enforce": true}}"#,
                "Unknown name \"enforce\" at 'boolean_policy': Cannot find field.",
            ),
            (
                r#"{"booleanPolicy": {"enforced": "yes"}}"#,
                "Invalid value at 'boolean_policy.enforced' (TYPE_BOOL), \"yes\"",
            ),
            (r#"{"booleanPolicy": 1}"#, "Invalid value at 'boolean_policy' (an object), 1"),
            (r#"{"pageSize": 4294967296}"#, "Invalid value at 'page_size' (TYPE_INT32), 4294967296"),
            (r#"{"etag": "!"}"#, "Invalid value at 'etag' (TYPE_BYTES), \"!\""),
            (r#"{"permissions": [1]}"#, "Invalid value at 'permissions' (repeated TYPE_STRING), [1]"),
            (r#"{"labels": {"a": 1}}"#, "Invalid value at 'labels' (an object), {\"a\":1}"),
        ] {
            let refusal = parse(body.as_bytes(), BODY).unwrap_err();
            assert!(refusal.message().contains(text), "{body}: {refusal}");
        }
        let two = parse(br#"{"a": 1, "b": 2}"#, BODY).unwrap_err();
        assert_eq!(two.message().lines().count(), 2, "all that is wrong is named at once");
    }
}
