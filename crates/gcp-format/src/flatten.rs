//! `--flatten`: a record for every member of a list in it.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{FormatError, Result};
use crate::key::{self, Key, Step};
use crate::lex;
use crate::projection::clean;

/// The lists to open, the outer ones first.
pub struct Flatten {
    lists: Vec<Key>,
}

impl Flatten {
    /// `KEY[],…`; `a[].b[]` opens both.
    pub fn parse(keys: &str) -> Result<Self> {
        let mut lists = Vec::new();
        for key in keys.split(',').map(str::trim).filter(|key| !key.is_empty()) {
            let mut path = Key::new();
            let mut opened = false;
            for step in lex::leading_key(key)? {
                opened = step == Step::Slice;
                if opened {
                    lists.push(path.clone());
                } else {
                    path.push(step);
                }
            }
            if !opened {
                lists.push(path);
            }
        }
        Ok(Self { lists })
    }

    /// Where the key finds no list, what it finds becomes the record.
    pub fn apply<'a>(&self, mut records: Vec<Cow<'a, Value>>) -> Result<Vec<Cow<'a, Value>>> {
        for list in &self.lists {
            let mut opened = Vec::with_capacity(records.len());
            for record in records {
                let record = clean(&record, false).into_owned();
                match key::get(&record, list).into_owned() {
                    Value::Array(items) => {
                        for item in items {
                            opened.push(Cow::Owned(clean(&with(&record, list, item)?, false).into_owned()));
                        }
                    }
                    other => opened.push(Cow::Owned(other)),
                }
            }
            records = opened;
        }
        Ok(records)
    }
}

/// The record with one member in the place of its list.
fn with(record: &Value, list: &[Step], item: Value) -> Result<Value> {
    let mut record = record.clone();
    let mut place = &mut record;
    for step in list {
        let next = match (step, place) {
            (Step::Name(name), Value::Object(entries)) => match key::spelled(entries, name) {
                Some(name) => entries.get_mut(name.as_ref()),
                None => None,
            },
            (Step::Index(index), Value::Array(items)) => match key::at(*index, items.len()) {
                Some(at) => items.get_mut(at),
                None => None,
            },
            _ => None,
        };
        place = next.ok_or_else(|| FormatError::Flatten {
            key: key::name(list),
            reason: "a list stands above it; open that one too ([])".to_owned(),
        })?;
    }
    *place = item;
    Ok(record)
}
