//! base64 and UTF-8.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Apply, Arguments, Scope, string};
use crate::error::Result;
use crate::text::plain;

fn is_utf8(encoding: &str) -> bool {
    matches!(encoding.to_ascii_lowercase().replace('_', "-").as_str(), "utf-8" | "utf8")
}

pub(super) fn encode(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let encoding = arguments.owned("encoding", "");
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        Ok(string(match encoding.as_str() {
            "base64" if value.is_null() => String::new(),
            "base64" => STANDARD.encode(bytes(&plain(&value))),
            other if is_utf8(other) => plain(&value).into_owned(),
            _ => undefined.clone(),
        }))
    }))
}

/// A byte a letter where that is possible, else UTF-8.
fn bytes(text: &str) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    narrow.unwrap_or_else(|| text.as_bytes().to_vec())
}

pub(super) fn decode(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let is_base64 = arguments.text("encoding", "") == "base64";
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        let decoded = match value.as_ref() {
            // Only bytes decode, and a record holds them as base64.
            _ if !is_base64 => None,
            Value::Null => None,
            value => from_base64(&plain(value)),
        };
        Ok(string(decoded.unwrap_or_else(|| undefined.clone())))
    }))
}

/// Either alphabet; what belongs to neither is skipped. Bytes that are not UTF-8 are letters one by one.
fn from_base64(text: &str) -> Option<String> {
    let letters: Vec<u8> = text
        .bytes()
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' | b'=' => Some(byte),
            _ => byte.is_ascii_alphanumeric().then_some(byte),
        })
        .collect();
    let decoded = STANDARD.decode(letters).ok()?;
    Some(String::from_utf8(decoded).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()))
}
