//! Transforms of text: paths, case, patterns.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

use super::{Apply, Arguments, Scope, string};
use crate::error::Result;
use crate::text::{is_something, plain};

pub(super) fn basename(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| Ok(last_component(value.as_ref(), &undefined))))
}

fn last_component<'a>(value: &Value, undefined: &str) -> Cow<'a, Value> {
    if !is_something(value) {
        return string(undefined);
    }
    if let Value::Array(items) = value {
        return Cow::Owned(Value::Array(items.iter().map(|item| last_component(item, "").into_owned()).collect()));
    }
    let path = plain(value);
    let at = path.rfind('/').or_else(|| path.rfind('\\'));
    string(at.map_or(path.as_ref(), |at| &path[at + 1..]))
}

pub(super) fn scope(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let mut segments: Vec<String> = arguments.rest().iter().map(|name| format!("/{name}/")).collect();
    if segments.is_empty() {
        segments = vec!["/regions/".to_owned(), "/zones/".to_owned()];
    }
    Ok(Box::new(move |value| {
        if !is_something(&value) {
            return Ok(string(""));
        }
        let text = plain(&value);
        let path = percent_decode_str(&text).decode_utf8_lossy();
        let after = segments.iter().find_map(|segment| path.rsplit_once(segment.as_str()).map(|(_, after)| after));
        Ok(string(match after {
            Some(after) => after,
            None if path.starts_with("https://") => path.rsplit('/').next().unwrap_or_default(),
            None => path.as_ref(),
        }))
    }))
}

pub(super) fn segment(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let index = arguments.integer("index", -1)?;
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        if !is_something(&value) {
            return Ok(string(undefined.clone()));
        }
        let text = plain(&value);
        let path = percent_decode_str(&text).decode_utf8_lossy();
        let found = match usize::try_from(index) {
            Ok(index) => path.split('/').nth(index),
            Err(_) => path.rsplit('/').nth(usize::try_from(-1 - index).unwrap_or(usize::MAX)),
        };
        Ok(string(found.filter(|found| !found.is_empty()).unwrap_or(&undefined)))
    }))
}

pub(super) fn lower(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| Ok(on_text(value, str::to_lowercase))))
}

pub(super) fn upper(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| Ok(on_text(value, str::to_uppercase))))
}

fn on_text(value: Cow<'_, Value>, change: impl Fn(&str) -> String) -> Cow<'_, Value> {
    match value.as_ref() {
        Value::String(text) => string(change(text)),
        _ => value,
    }
}

/// Text only: colours belong to the terminal. The patterns are not looked at.
pub(super) fn color(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| Ok(string(plain(&value)))))
}

pub(super) fn trailoff(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let limit = arguments.integer("character_limit", 0).ok().and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| *limit > 3);
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        let (Some(limit), false) = (limit, value.is_null()) else { return Ok(string(undefined.clone())) };
        Ok(match value.as_ref() {
            Value::String(text) if text.chars().count() >= limit => {
                string(text.chars().take(limit - 3).chain("...".chars()).collect::<String>())
            }
            _ => value,
        })
    }))
}

pub(super) fn regex(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let expression = arguments.text("expression", "");
    let pattern = if expression.is_empty() { None } else { Some(crate::pattern::anchored(expression)?) };
    let does_match = arguments.get("does_match").filter(|text| !text.is_empty()).map(str::to_owned);
    let otherwise = arguments.owned("nomatch", "");
    Ok(Box::new(move |value| {
        let matches = match (value.as_ref(), &pattern) {
            (Value::String(text), Some(pattern)) => !text.is_empty() && pattern.is_match(text),
            _ => false,
        };
        Ok(match (&does_match, matches) {
            (Some(does_match), true) => string(does_match.clone()),
            (None, true) => value,
            (_, false) => string(otherwise.clone()),
        })
    }))
}

/// A pattern that does not compile leaves the text alone, as does what is not text.
pub(super) fn sub(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let count = arguments.integer("count", 0).ok().and_then(|count| usize::try_from(count).ok());
    let pattern = RegexBuilder::new(&crate::pattern::translated(arguments.text("pattern", "")))
        .case_insensitive(arguments.yes("ignorecase", true))
        .multi_line(true)
        .dot_matches_new_line(true)
        .build()
        .ok();
    let replacement =
        pattern.as_ref().and_then(|pattern| Replacement::parse(arguments.text("replacement", ""), pattern));
    Ok(Box::new(move |value| {
        let (Some(count), Some(pattern), Some(replacement)) = (count, &pattern, &replacement) else {
            return Ok(value);
        };
        Ok(match value.as_ref() {
            Value::String(text) => {
                string(pattern.replacen(text, count, |found: &Captures| replacement.fill(found)).into_owned())
            }
            _ => value,
        })
    }))
}

enum Piece {
    Text(String),
    Group(usize),
}

/// What stands in for a match; `\1` and `\g<name>` are its groups.
struct Replacement(Vec<Piece>);

impl Replacement {
    fn parse(template: &str, pattern: &Regex) -> Option<Self> {
        let group = |name: &str| {
            let number = name.parse().ok().filter(|number| *number < pattern.captures_len());
            number.or_else(|| pattern.capture_names().position(|known| known == Some(name)))
        };
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('\\') {
            text.push_str(before);
            let escaped = after.chars().next()?;
            rest = &after[escaped.len_utf8()..];
            let named = match escaped {
                'g' => {
                    let (name, after) = rest.strip_prefix('<')?.split_once('>')?;
                    rest = after;
                    Some(name.to_owned())
                }
                '1'..='9' => {
                    let mut digits = escaped.to_string();
                    if let Some(second) = rest.chars().next().filter(char::is_ascii_digit) {
                        digits.push(second);
                        rest = &rest[1..];
                    }
                    Some(digits)
                }
                _ => None,
            };
            match (named, escaped) {
                (Some(name), _) => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Group(group(&name)?));
                }
                (None, 'n') => text.push('\n'),
                (None, 't') => text.push('\t'),
                (None, 'r') => text.push('\r'),
                (None, '\\') => text.push('\\'),
                (None, letter) if letter.is_ascii_alphanumeric() => return None,
                (None, letter) => text.extend(['\\', letter]),
            }
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        Some(Self(pieces))
    }

    fn fill(&self, found: &Captures) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
            })
            .collect()
    }
}
