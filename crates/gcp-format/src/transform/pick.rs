//! Transforms that choose: the first that is there, what a filter leaves, yes or no.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Apply, Arguments, Scope, string};
use crate::error::{FormatError, Result, syntax};
use crate::filter::Filter;
use crate::key::{self, Key};
use crate::lex::{self, Lexer};
use crate::projection::Projection;
use crate::text::{is_something, plain};

pub(super) fn same(_: &Arguments, _: &Scope) -> Result<Apply> {
    Ok(Box::new(|value| Ok(value)))
}

/// Collections and tables of enumerations belong to a program; here there are none.
pub(super) fn undefined(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", "");
    Ok(Box::new(move |_| Ok(string(undefined.clone()))))
}

pub(super) fn error(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let message = arguments.get("message").map(str::to_owned);
    Ok(Box::new(move |value| Err(FormatError::Raised(message.clone().unwrap_or_else(|| plain(&value).into_owned())))))
}

fn keys(arguments: &Arguments) -> Result<Vec<Key>> {
    arguments.rest().iter().map(|text| lex::leading_key(text)).collect()
}

pub(super) fn extract(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let keys = keys(arguments)?;
    Ok(Box::new(move |value| {
        let found = keys.iter().map(|key| key::get(&value, key)).filter(|found| is_something(found));
        Ok(Cow::Owned(found.map(Cow::into_owned).collect()))
    }))
}

pub(super) fn firstof(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let keys = keys(arguments)?;
    Ok(Box::new(move |value| {
        let found = keys.iter().map(|key| key::get(&value, key)).find(|found| !found.is_null());
        Ok(found.map_or_else(|| string(""), |found| Cow::Owned(found.into_owned())))
    }))
}

pub(super) fn filter(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    let filter = Filter::within(arguments.text("expression", ""), &Projection::default(), &scope.deeper()?)?;
    Ok(Box::new(move |value| {
        Ok(match value.as_ref() {
            other if !is_something(other) => value,
            Value::Array(items) => {
                let mut kept = Vec::new();
                for item in items {
                    if filter.matches(item)? {
                        kept.push(item.clone());
                    }
                }
                Cow::Owned(Value::Array(kept))
            }
            other if filter.matches(other)? => value,
            _ => string(""),
        })
    }))
}

pub(super) fn uri(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", ".");
    let locate = scope.locate.clone();
    Ok(Box::new(move |value| {
        let address = match &locate {
            Some(locate) => locate(&value),
            None => address(&value).map(str::to_owned),
        };
        Ok(string(address.unwrap_or_else(|| undefined.clone())))
    }))
}

/// A record's own link, or the record where it is an address itself.
pub(crate) fn address(record: &Value) -> Option<&str> {
    match record {
        Value::String(text) => Some(text.as_str()).filter(|text| text.starts_with("https://")),
        Value::Object(entries) => ["selfLink", "SelfLink", "self_link"]
            .iter()
            .find_map(|name| entries.get(*name)?.as_str())
            .filter(|link| !link.is_empty()),
        _ => None,
    }
}

pub(super) fn yesno(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let yes = arguments.get("yes").map(str::to_owned);
    let no = arguments.owned("no", "No");
    Ok(Box::new(move |value| {
        Ok(match (is_something(&value), &yes) {
            (true, Some(yes)) => string(yes.clone()),
            (true, None) => value,
            (false, _) => string(no.clone()),
        })
    }))
}

/// How one member of a made record comes about.
enum Part {
    Literal {
        name: String,
        text: String,
    },
    Member {
        name: String,
        key: Key,
    },
    /// All members of what the key finds.
    Spread(Key),
}

pub(super) fn synthesize(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let records = arguments.rest().iter().map(|text| schema(text)).collect::<Result<Vec<Vec<Part>>>>()?;
    Ok(Box::new(move |value| {
        let made = records.iter().map(|parts| {
            let mut made = Map::new();
            for part in parts {
                match part {
                    Part::Literal { name, text } => {
                        made.insert(name.clone(), Value::String(text.clone()));
                    }
                    Part::Member { name, key } => {
                        made.insert(name.clone(), key::get(&value, key).into_owned());
                    }
                    Part::Spread(key) => {
                        if let Value::Object(entries) = key::get(&value, key).into_owned() {
                            made.extend(entries);
                        }
                    }
                }
            }
            Value::Object(made)
        });
        Ok(Cow::Owned(made.collect()))
    }))
}

fn schema(text: &str) -> Result<Vec<Part>> {
    let mut lexer = Lexer::new(text);
    if lexer.take_more("(")?.is_none() {
        return Err(syntax("(...) args expected in synthesize() transform"));
    }
    lexer
        .arguments(",")?
        .into_iter()
        .map(|part| {
            Ok(if let Some((name, text)) = part.text.split_once(':') {
                Part::Literal { name: name.to_owned(), text: text.to_owned() }
            } else if let Some((name, key)) = part.text.split_once('=') {
                Part::Member { name: name.to_owned(), key: lex::leading_key(key)? }
            } else {
                Part::Spread(lex::leading_key(&part.text)?)
            })
        })
        .collect()
}
