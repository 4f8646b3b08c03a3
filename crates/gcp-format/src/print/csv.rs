//! `csv`, `value` and `get`: a line a record, a field a column.

use std::borrow::Cow;

use serde_json::Value;

use super::{Body, visible};
use crate::error::Result;
use crate::projection::{Attributes, Projector};
use crate::text::{is_something, plain, short_float};
use crate::transform::sorted;

pub(super) struct Csv {
    /// Between the members of a list in one field.
    delimiter: String,
    separator: String,
    terminator: String,
    quotes: bool,
    heading: bool,
}

impl Csv {
    pub fn new(attributes: &Attributes) -> Self {
        Self {
            delimiter: attributes.text_or("delimiter", ";"),
            separator: attributes.text_or("separator", ","),
            terminator: attributes.text_or("terminator", "\n"),
            quotes: !attributes.is_set("no-quote"),
            heading: !attributes.has("no-heading"),
        }
    }

    pub fn value(attributes: &Attributes) -> Self {
        Self {
            separator: attributes.text_or("separator", "\t"),
            quotes: attributes.is_set("quote"),
            heading: false,
            ..Self::new(attributes)
        }
    }

    fn quote<'a>(&self, field: Cow<'a, str>) -> Cow<'a, str> {
        if !self.quotes || field.is_empty() {
            return field;
        }
        let holds = |part: &str| field.contains(part);
        let blank = field.starts_with(char::is_whitespace) || field.ends_with(char::is_whitespace);
        if holds(&self.delimiter) || holds("\"") || holds(&self.separator) || holds(&self.terminator) || blank {
            Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
        } else {
            field
        }
    }

    fn field(&self, value: &Value, out: &mut String) {
        match value {
            Value::Null => {}
            Value::Object(entries) => {
                for (at, (name, value)) in sorted(entries).into_iter().enumerate() {
                    if at > 0 {
                        out.push_str(&self.delimiter);
                    }
                    out.push_str(&self.quote(Cow::Owned(format!("{name}={}", plain(value)))));
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(&self.delimiter);
                    }
                    if is_something(item) {
                        out.push_str(&self.quote(plain(item)));
                    }
                }
            }
            Value::Number(number) if number.is_f64() => {
                let text = short_float(number.as_f64().unwrap_or_default());
                out.push_str(&self.quote(Cow::Owned(text)));
            }
            other => out.push_str(&self.quote(plain(other))),
        }
    }
}

impl Body for Csv {
    fn record(&mut self, projector: &Projector, record: &Value, _: bool, out: &mut String) -> Result<()> {
        if std::mem::take(&mut self.heading)
            && let Some(labels) = projector.projection.labels()
        {
            let labels = visible(&projector.projection, labels);
            let labels: Vec<Cow<str>> =
                labels.iter().map(|label| self.quote(Cow::Owned(label.to_lowercase()))).collect();
            out.push_str(&labels.join(&self.separator));
            out.push_str(&self.terminator);
        }
        for (at, value) in visible(&projector.projection, projector.columns(record)?).iter().enumerate() {
            if at > 0 {
                out.push_str(&self.separator);
            }
            self.field(value, out);
        }
        out.push_str(&self.terminator);
        Ok(())
    }
}
