//! Transforms of lists and maps: joining, counting, slicing.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Apply, Arguments, Scope, members, string};
use crate::error::Result;
use crate::key::{self, Key};
use crate::lex;
use crate::text::{integer, is_something, plain};

#[derive(Clone, Copy)]
enum Show {
    Keys,
    Values,
    Both,
}

fn show(arguments: &Arguments) -> Show {
    match arguments.text("show", "") {
        "keys" => Show::Keys,
        "values" => Show::Values,
        _ => Show::Both,
    }
}

pub(crate) fn sorted(entries: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
}

fn joined(value: &Value, show: Show, separator: &str, text: impl Fn(&Value) -> String) -> Option<String> {
    let parts: Vec<String> = match value {
        Value::Object(entries) => sorted(entries)
            .into_iter()
            .map(|(name, value)| match show {
                Show::Keys => name.clone(),
                Show::Values => text(value),
                Show::Both => format!("{name}={}", text(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(text).collect(),
        _ => return None,
    };
    Some(parts.join(separator))
}

pub(super) fn list(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let show = show(arguments);
    let separator = arguments.owned("separator", ",");
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        Ok(match joined(&value, show, &separator, |item| plain(item).into_owned()) {
            Some(text) => string(text),
            None if is_something(&value) => value,
            None => string(undefined.clone()),
        })
    }))
}

pub(super) fn flatten(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let show = show(arguments);
    let separator = arguments.owned("separator", ",");
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        Ok(match value.as_ref() {
            Value::Object(_) | Value::Array(_) => string(flat(&value, show, &separator, &undefined)),
            other if is_something(other) => value,
            _ => string(undefined.clone()),
        })
    }))
}

fn flat(value: &Value, show: Show, separator: &str, undefined: &str) -> String {
    let below = |item: &Value| flat(item, show, separator, undefined);
    let text = match value {
        Value::Array(items) if !matches!(items.first(), Some(Value::Array(_) | Value::Object(_))) => {
            joined(value, show, separator, |item| plain(item).into_owned())
        }
        Value::Array(_) | Value::Object(_) => joined(value, show, separator, below),
        other => is_something(other).then(|| plain(other).into_owned()),
    };
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| undefined.to_owned())
}

pub(super) fn join(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let separator = arguments.owned("sep", "/");
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        let parts = members(&value).unwrap_or_default();
        let parts: Vec<Cow<str>> = parts.iter().map(plain).collect();
        let text = parts.join(&separator);
        Ok(string(if text.is_empty() { undefined.clone() } else { text }))
    }))
}

pub(super) fn split(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let separator = arguments.owned("sep", "/");
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |value| {
        Ok(match value.as_ref() {
            Value::String(text) if !text.is_empty() && !separator.is_empty() => {
                Cow::Owned(text.split(&separator).map(|part| Value::String(part.to_owned())).collect())
            }
            _ => string(undefined.clone()),
        })
    }))
}

pub(super) fn len(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| {
        Ok(Cow::Owned(Value::from(match value.as_ref() {
            Value::Array(items) => items.len(),
            Value::Object(entries) => entries.len(),
            Value::String(text) => text.chars().count(),
            _ => 0,
        })))
    }))
}

pub(super) fn count(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| {
        let members = members(&value).unwrap_or_default();
        let mut counts = Map::new();
        if members.iter().all(|member| !member.is_array() && !member.is_object()) {
            for member in members {
                let count = counts.entry(plain(&member).into_owned()).or_insert(Value::from(0));
                *count = Value::from(count.as_u64().unwrap_or_default() + 1);
            }
        }
        Ok(Cow::Owned(Value::Object(counts)))
    }))
}

pub(super) fn notnull(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| {
        let members = members(&value).unwrap_or_default();
        Ok(Cow::Owned(members.into_iter().filter(|member| !member.is_null()).collect()))
    }))
}

pub(super) fn group(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let keys = arguments.rest().iter().map(|text| lex::leading_key(text)).collect::<Result<Vec<Key>>>()?;
    Ok(Box::new(move |value| {
        let members = members(&value).unwrap_or_default();
        if members.is_empty() {
            return Ok(string("[]"));
        }
        let groups: Vec<String> = members
            .iter()
            .map(|member| {
                if keys.is_empty() {
                    return format!("[{}]", plain(member));
                }
                let mut group = String::from("[");
                for (at, key) in keys.iter().enumerate() {
                    group.push_str(["", ": ", ", "][at.min(2)]);
                    let value = key::get(member, key);
                    if !value.is_null() {
                        group.push_str(&plain(&value));
                    }
                }
                group + "]"
            })
            .collect();
        Ok(string(groups.join(" ")))
    }))
}

pub(super) fn sort(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let key = match arguments.get("attr").filter(|key| !key.is_empty()) {
        Some(key) => lex::leading_key(key)?,
        None => Key::new(),
    };
    Ok(Box::new(move |value| {
        let mut members = members(&value).unwrap_or_default();
        members.sort_by(|left, right| compare(&key::get(left, &key), &key::get(right, &key)));
        Ok(Cow::Owned(Value::Array(members)))
    }))
}

/// Nothing, then truths and numbers, then text, then lists and maps as they print.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    fn class(value: &Value) -> u8 {
        match value {
            Value::Null => 0,
            Value::Bool(_) | Value::Number(_) => 1,
            Value::String(_) => 2,
            Value::Array(_) => 3,
            Value::Object(_) => 4,
        }
    }
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ if class(left) == 1 && class(right) == 1 => {
            let number = |value| crate::text::as_float(value).unwrap_or_default();
            number(left).total_cmp(&number(right))
        }
        _ => class(left).cmp(&class(right)).then_with(|| plain(left).cmp(&plain(right))),
    }
}

/// `start:end:step`, each of which may be missing or negative; without a colon, one member.
pub(super) fn slice(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", "");
    let range = Range::parse(arguments.text("op", ":"));
    Ok(Box::new(move |value| {
        let members = match value.as_ref() {
            Value::Array(_) | Value::String(_) => members(&value),
            _ => None,
        };
        let picked: Vec<Value> = match (members, &range) {
            (Some(members), Some(range)) => range.of(members.len()).map(|at| members[at].clone()).collect(),
            _ => Vec::new(),
        };
        Ok(if picked.is_empty() { string(undefined.clone()) } else { Cow::Owned(Value::Array(picked)) })
    }))
}

struct Range {
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        for part in text.split(':').map(str::trim) {
            parts.push(if part.is_empty() { None } else { Some(integer(part)?) });
        }
        match parts[..] {
            [Some(index)] => {
                Some(Self { start: Some(index), end: Some(index.saturating_add(1)).filter(|end| *end != 0), step: 1 })
            }
            [start, end] => Some(Self { start, end, step: 1 }),
            [start, end, step] if step != Some(0) => Some(Self { start, end, step: step.unwrap_or(1) }),
            _ => None,
        }
    }

    fn of(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let (lowest, highest) = if self.step > 0 { (0, length) } else { (-1, length - 1) };
        let bound = |at: Option<i64>, otherwise: i64| match at {
            None => otherwise,
            Some(at) if at < 0 => at.saturating_add(length).clamp(lowest, highest),
            Some(at) => at.clamp(lowest, highest),
        };
        let step = self.step;
        let (start, end) = if step > 0 {
            (bound(self.start, 0), bound(self.end, length))
        } else {
            (bound(self.start, length - 1), bound(self.end, -1))
        };
        let mut next = start;
        std::iter::from_fn(move || {
            let at = next;
            let within = if step > 0 { at < end } else { at > end };
            next = next.saturating_add(step);
            within.then_some(at as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_count_from_both_ends() {
        let of = |text: &str| Range::parse(text).map(|range| range.of(3).collect::<Vec<_>>());
        assert_eq!(of("1:"), Some(vec![1, 2]));
        assert_eq!(of("-1:"), Some(vec![2]));
        assert_eq!(of("-1"), Some(vec![2]));
        assert_eq!(of(": :-1"), Some(vec![2, 1, 0]));
        assert_eq!(of("7"), Some(vec![]));
        assert_eq!(of("::0"), None);
        assert_eq!(of("x"), None);
    }
}
