//! Keys (`a.b[0].c[]`) and what they find in a record.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{case, text};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    Name(String),
    /// Counts from the end where negative.
    Index(i64),
    /// `[]`: every member.
    Slice,
}

/// An empty key is the record itself.
pub type Key = Vec<Step>;

/// The key as it may be written; names that are more than one word are quoted.
pub(crate) fn name(key: &[Step]) -> String {
    write_name(key, true)
}

pub(crate) fn bare_name(key: &[Step]) -> String {
    write_name(key, false)
}

fn write_name(key: &[Step], quoted: bool) -> String {
    if key.is_empty() {
        return ".".to_owned();
    }
    let mut written = String::new();
    for (at, step) in key.iter().enumerate() {
        match step {
            Step::Index(index) => written.push_str(&format!("[{index}]")),
            Step::Slice => written.push_str("[]"),
            Step::Name(name) => {
                if at > 0 {
                    written.push('.');
                }
                let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '@');
                if quoted && !name.chars().all(is_word) {
                    written.push('"');
                    written.push_str(&name.replace('\\', "\\\\").replace('"', "\\\""));
                    written.push('"');
                } else {
                    written.push_str(name);
                }
            }
        }
    }
    written
}

/// The member's name as the record spells it: as asked, in camelCase, or in snake_case.
pub(crate) fn spelled<'k>(entries: &Map<String, Value>, name: &'k str) -> Option<Cow<'k, str>> {
    if entries.contains_key(name) {
        return Some(Cow::Borrowed(name));
    }
    [case::camel(name), case::snake(name)].into_iter().find(|name| entries.contains_key(name)).map(Cow::Owned)
}

static NOTHING: Value = Value::Null;

fn nothing<'a>() -> Cow<'a, Value> {
    Cow::Borrowed(&NOTHING)
}

/// What `key` finds; null where there is nothing. Never an error: records are sparse.
pub fn get<'a>(record: &'a Value, key: &[Step]) -> Cow<'a, Value> {
    let mut value = record;
    let mut rest = key;
    while let Some((step, after)) = rest.split_first() {
        rest = after;
        value = match (value, step) {
            (Value::Object(_) | Value::Array(_) | Value::String(_), Step::Slice) if rest.is_empty() => {
                return Cow::Borrowed(value);
            }
            (Value::Object(entries), Step::Slice) => return collect(entries.values().map(|member| get(member, rest))),
            (Value::Object(entries), Step::Name(name)) => match spelled(entries, name) {
                Some(name) => &entries[name.as_ref()],
                None => match metadata(entries, name, !rest.is_empty()) {
                    Some(Cow::Borrowed(found)) => found,
                    Some(Cow::Owned(found)) => return Cow::Owned(get(&found, rest).into_owned()),
                    None => return nothing(),
                },
            },
            (Value::Array(items), Step::Slice) => return collect(items.iter().map(|item| get(item, rest))),
            (Value::Array(items), Step::Index(index)) => match at(*index, items.len()) {
                Some(at) => &items[at],
                None => return nothing(),
            },
            (Value::Array(items), Step::Name(name)) => match by_name(items, name, rest) {
                ByName::Go(found, left) => {
                    rest = left;
                    found
                }
                ByName::Found(found) => return found,
            },
            (Value::String(letters), Step::Slice) => {
                return collect(
                    letters
                        .chars()
                        .map(|letter| Cow::Owned(get(&Value::String(letter.to_string()), rest).into_owned())),
                );
            }
            (Value::String(letters), Step::Index(index)) => {
                let letters: Vec<char> = letters.chars().collect();
                let Some(at) = at(*index, letters.len()) else { return nothing() };
                return Cow::Owned(get(&Value::String(letters[at].to_string()), rest).into_owned());
            }
            _ => return nothing(),
        };
    }
    Cow::Borrowed(value)
}

pub(crate) fn at(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if index < 0 { index + length } else { index };
    (0..length).contains(&at).then_some(at as usize)
}

fn collect<'a>(values: impl Iterator<Item = Cow<'a, Value>>) -> Cow<'a, Value> {
    Cow::Owned(Value::Array(values.map(Cow::into_owned).collect()))
}

/// `{"items": [{"key": NAME, "value": …}]}`: Compute's metadata reads like a map. What is below may be JSON in a string.
fn metadata<'a>(entries: &'a Map<String, Value>, name: &str, below: bool) -> Option<Cow<'a, Value>> {
    let items = entries.get("items")?.as_array()?;
    [name.to_owned(), case::camel(name), case::snake(name)]
        .iter()
        .filter_map(|name| keyed(items, "key", name)?.get("value"))
        .find(|value| text::is_something(value))
        .map(|value| match value {
            Value::String(json) if below => serde_json::from_str(json).map_or(Cow::Borrowed(value), Cow::Owned),
            _ => Cow::Borrowed(value),
        })
}

fn keyed<'a>(items: &'a [Value], member: &str, wanted: &str) -> Option<&'a Value> {
    named(items, member, &Step::Name(wanted.to_owned()))
}

/// The first map with this member; `[]` asks for one without it.
fn named<'a>(items: &'a [Value], member: &str, wanted: &Step) -> Option<&'a Value> {
    items.iter().take_while(|item| item.is_object()).find(|item| match (item.get(member), wanted) {
        (None | Some(Value::Null), Step::Slice) => true,
        (Some(Value::String(text)), Step::Name(name)) => text == name,
        (Some(value @ (Value::Number(_) | Value::Bool(_))), Step::Index(index)) => {
            text::as_float(value) == Some(*index as f64)
        }
        _ => false,
    })
}

enum ByName<'a, 'k> {
    Go(&'a Value, &'k [Step]),
    Found(Cow<'a, Value>),
}

/// A name on a list of maps: `[{NAME: next, …}]` picks the map that the next step names, `[{key: NAME, value: …}]` gives
/// the value, anything else is the name in every map.
fn by_name<'a, 'k>(items: &'a [Value], name: &str, rest: &'k [Step]) -> ByName<'a, 'k> {
    let Some(Value::Object(first)) = items.first() else { return ByName::Found(nothing()) };
    if let Some((next, left)) = rest.split_first() {
        if let Some(found) = named(items, name, next) {
            return ByName::Go(found, left);
        }
    } else if let Some(value) =
        keyed(items, "key", name).and_then(|item| item.get("value")).filter(|value| !value.is_null())
    {
        return ByName::Found(Cow::Borrowed(value));
    }
    if first.contains_key(name) {
        let mut below = vec![Step::Name(name.to_owned())];
        below.extend_from_slice(rest);
        return ByName::Found(collect(items.iter().map(|item| get(item, &below))));
    }
    let some: Vec<Value> =
        items.iter().filter_map(|item| item.get(name)).filter(|value| text::is_something(value)).cloned().collect();
    ByName::Found(if some.is_empty() { nothing() } else { Cow::Owned(Value::Array(some)) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lex::parse_key;

    fn found(record: &Value, key: &str) -> Value {
        get(record, &parse_key(key).expect("a key")).into_owned()
    }

    #[test]
    fn keys_find_members_in_either_case() {
        let record = json!({"createTime": 1, "version_template": {"protectionLevel": "HSM"}, "l": [[1, 2], [3]]});
        assert_eq!(found(&record, "create_time"), json!(1));
        assert_eq!(found(&record, "versionTemplate.protection_level"), json!("HSM"));
        assert_eq!(found(&record, "l[0][-1]"), json!(2));
        assert_eq!(found(&record, "l[7]"), json!(null));
        assert_eq!(found(&record, "l[][0]"), json!([1, 3]));
        assert_eq!(found(&record, "."), record);
    }

    #[test]
    fn lists_of_maps_are_searched() {
        let record = json!({"m": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], "x": {"items": [{"key": "ssh", "value": "{\"n\": 5}"}]}});
        assert_eq!(found(&record, "m.b"), json!("2"));
        assert_eq!(found(&record, "m.value"), json!(["1", "2"]));
        assert_eq!(found(&record, "m.key.b.value"), json!("2"));
        assert_eq!(found(&record, "x.ssh.n"), json!(5));
        assert_eq!(found(&record, "x.ssh"), json!("{\"n\": 5}"));
    }
}
