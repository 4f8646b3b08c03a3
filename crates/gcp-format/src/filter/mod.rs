//! Filters: which records are listed.

mod parse;
mod term;
mod words;

use jiff::Zoned;
use serde_json::Value;

use crate::error::Result;
use crate::key::{self, Key, Step};
use crate::projection::{Projection, clean};
use crate::text::{is_something, plain};
use crate::transform::{self, Links, Scope};
use term::Term;

/// An expression, ready for any number of records.
pub struct Filter {
    root: Node,
    terms: usize,
}

enum Node {
    True,
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Term(Box<Term>),
    /// A word that stands anywhere in the record.
    Anywhere(words::Needle),
    /// A transform of the whole record that gives something.
    Call(Links),
}

/// What evaluating many records with one filter brings to light.
#[derive(Default)]
pub(crate) struct Notes {
    /// By term, whether its first value was a moment: then all of them are, and a record without one is no match.
    dated: Vec<Option<bool>>,
    has: Option<String>,
    equal: Option<String>,
}

impl Filter {
    /// `now` is for durations (`createTime>-P2W`), and its zone the local one.
    pub fn parse(expression: &str, now: Zoned) -> Result<Self> {
        Self::within(expression, &Projection::default(), &Scope::at(now))
    }

    /// Keys may be labels and aliases of the projection.
    pub(crate) fn within(expression: &str, projection: &Projection, scope: &Scope) -> Result<Self> {
        parse::parse(expression, projection, scope)
    }

    pub fn matches(&self, record: &Value) -> Result<bool> {
        let mut notes = Notes::default();
        self.root.matches(record, &mut notes)
    }

    /// For records in a row: see [`Run`].
    pub fn run(&self) -> Run<'_> {
        let mut missing = Vec::new();
        self.root.keys(&mut missing);
        missing.sort();
        missing.dedup();
        Run { filter: self, missing, notes: Notes { dated: vec![None; self.terms], ..Notes::default() } }
    }
}

impl Node {
    fn matches(&self, record: &Value, notes: &mut Notes) -> Result<bool> {
        match self {
            Self::True => Ok(true),
            Self::All(nodes) => {
                for node in nodes {
                    if !node.matches(record, notes)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(nodes) => {
                for node in nodes {
                    if node.matches(record, notes)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(node) => Ok(!node.matches(record, notes)?),
            Self::Term(term) => term.matches(record, notes),
            Self::Anywhere(needle) => Ok(anywhere(record, needle)),
            Self::Call(links) => {
                let value = transform::run(links, std::borrow::Cow::Borrowed(record), None)?;
                Ok(is_something(&value))
            }
        }
    }

    fn keys(&self, found: &mut Vec<Key>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.keys(found)),
            Self::Not(node) => node.keys(found),
            Self::Term(term) => found.push(term.key.clone()),
            Self::True | Self::Anywhere(_) | Self::Call(_) => {}
        }
    }
}

fn anywhere(value: &Value, needle: &words::Needle) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| anywhere(item, needle)),
        Value::Object(entries) => entries.iter().any(|(name, value)| !name.starts_with('_') && anywhere(value, needle)),
        other => is_something(other) && needle.is_in(&plain(other)),
    }
}

/// A filter on its way through a list: it remembers what to warn of.
pub struct Run<'a> {
    filter: &'a Filter,
    missing: Vec<Key>,
    notes: Notes,
}

impl Run<'_> {
    pub fn keep(&mut self, record: &Value) -> Result<bool> {
        let record = clean(record, false);
        self.missing.retain(|key| key::get(&record, key).is_null());
        self.filter.root.matches(&record, &mut self.notes)
    }

    /// What to tell the person at the end, in gcloud's words. Keys are only known to be missing `to_the_end` of the list.
    pub fn warnings(self, to_the_end: bool) -> Vec<String> {
        let mut warnings: Vec<String> = self.notes.has.into_iter().chain(self.notes.equal).collect();
        if to_the_end && !self.missing.is_empty() {
            let names: Vec<String> = self.missing.iter().map(|key| dotted(key)).collect();
            warnings.push(format!("The following filter keys were not present in any resource : {}", names.join(", ")));
        }
        warnings
    }
}

fn dotted(key: &[Step]) -> String {
    let steps: Vec<String> = key
        .iter()
        .map(|step| match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => index.to_string(),
            Step::Slice => "None".to_owned(),
        })
        .collect();
    steps.join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Zoned {
        "2026-01-05T09:00:00[UTC]".parse().expect("a time")
    }

    fn holds(filter: &str, record: &Value) -> bool {
        Filter::parse(filter, now())
            .and_then(|filter| filter.matches(record))
            .unwrap_or_else(|error| panic!("{filter}: {error}"))
    }

    #[test]
    fn terms_combine() {
        let record = json!({"name": "projects/p1/topics/t1", "n": 3, "labels": {"env": "prod"}, "tags": ["a", "b"]});
        for filter in [
            "name=PROJECTS/p1/topics/t1",
            "name:t1",
            "name:(x t1)",
            "n>2 n<4",
            "n=3.0",
            "labels.env=prod AND tags:b",
            "labels:env",
            "-name:t2",
            "NOT (name:t2 OR n>5)",
            "name.basename()=t1",
            "name~'t[0-9]$'",
            "prod",
            "nope!=x",
            "",
        ] {
            assert!(holds(filter, &record), "{filter}");
        }
        for filter in ["name=t1", "nope:*", "n>3", "tags=c", "production", "-tags:*"] {
            assert!(!holds(filter, &record), "{filter}");
        }
    }

    #[test]
    fn a_run_tells_what_was_never_there_and_what_will_change() {
        let filter = Filter::parse("nope.x:1 OR name=t1", now()).expect("a filter");
        let mut run = filter.run();
        assert!(!run.keep(&json!({"name": "a/t1"})).expect("a record"));
        let warnings = run.warnings(true);
        assert!(warnings[0].contains("name=t1 currently does not match but will match"), "{warnings:?}");
        assert_eq!(warnings[1], "The following filter keys were not present in any resource : nope.x");
    }
}
