//! `--sort-by`: the order of records.

use std::borrow::Borrow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::error::Result;
use crate::key::{self, Key};
use crate::lex;
use crate::text::plain;

/// Keys, the most important first; a tilde before one turns it round.
pub struct Order {
    keys: Vec<(Key, bool)>,
}

impl Order {
    /// `KEY,~KEY,…`. Of a list the first member counts.
    pub fn parse(keys: &str) -> Result<Self> {
        let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty()).map(|key| {
            let bare = key.trim_start_matches('~');
            Ok((lex::leading_key(&bare.replace("[]", "[0]"))?, bare.len() < key.len()))
        });
        Ok(Self { keys: keys.collect::<Result<_>>()? })
    }

    /// What to add to a format, so that a table sorts its rows the same way.
    pub(crate) fn as_projection(&self) -> String {
        let keys = self.keys.iter().enumerate().map(|(at, (key, reverse))| {
            format!("{}:sort={}{}", key::name(key), at + 1, if *reverse { ":reverse" } else { "" })
        });
        format!(":({})", keys.collect::<Vec<_>>().join(","))
    }

    /// Sorts by the values' text; what is missing reads `None`. Records that are equal keep their order.
    pub fn sort<T: Borrow<Value>>(&self, records: &mut [T]) {
        records.sort_by_cached_key(|record| {
            let keys = self.keys.iter().map(|(key, reverse)| Part {
                text: plain(&key::get(record.borrow(), key)).into_owned(),
                reverse: *reverse,
            });
            keys.collect::<Vec<_>>()
        });
    }
}

#[derive(PartialEq, Eq)]
struct Part {
    text: String,
    reverse: bool,
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        let ordering = self.text.cmp(&other.text);
        if self.reverse { ordering.reverse() } else { ordering }
    }
}
