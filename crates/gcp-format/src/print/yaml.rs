//! `yaml` and `default`: documents with sorted keys.

use serde_json::{Map, Value};

use super::Body;
use super::scalar::{self, Place};
use crate::error::Result;
use crate::projection::{Attributes, Projector};
use crate::text;
use crate::transform::sorted;

pub(super) struct Yaml {
    /// What stands for null.
    null: Option<String>,
}

impl Yaml {
    pub fn new(attributes: &Attributes) -> Self {
        Self { null: attributes.text("null").filter(|null| *null != "null").map(str::to_owned) }
    }

    fn map(&self, entries: &Map<String, Value>, indent: usize, inline: bool, out: &mut String) {
        for (at, (name, value)) in sorted(entries).into_iter().enumerate() {
            if at > 0 || !inline {
                spaces(indent, out);
            }
            if scalar::is_simple_key(name) {
                scalar::write_text(name, Place::Key, out);
                out.push(':');
                match value {
                    Value::Object(entries) if !entries.is_empty() => {
                        out.push('\n');
                        self.map(entries, indent + 2, false, out);
                    }
                    Value::Array(items) if !items.is_empty() => {
                        out.push('\n');
                        self.list(items, indent, false, out);
                    }
                    value => self.scalar(value, indent + 2, out),
                }
            } else {
                out.push_str("? ");
                scalar::write_text(name, Place::Within(indent + 2), out);
                out.push('\n');
                spaces(indent, out);
                out.push(':');
                self.member(value, indent, out);
            }
        }
    }

    fn list(&self, items: &[Value], indent: usize, inline: bool, out: &mut String) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 || !inline {
                spaces(indent, out);
            }
            out.push('-');
            self.member(item, indent, out);
        }
    }

    /// After a dash: what is inside begins on the same line.
    fn member(&self, value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                out.push(' ');
                self.map(entries, indent + 2, true, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push(' ');
                self.list(items, indent + 2, true, out);
            }
            value => self.scalar(value, indent + 2, out),
        }
    }

    fn scalar(&self, value: &Value, indent: usize, out: &mut String) {
        out.push(' ');
        self.write(value, Place::Within(indent), out);
        out.push('\n');
    }

    fn write(&self, value: &Value, place: Place, out: &mut String) {
        match value {
            Value::Null => match &self.null {
                Some(null) => scalar::write_text(null, place, out),
                None => out.push_str("null"),
            },
            Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Value::Number(number) if number.is_f64() => {
                out.push_str(&text::short_float(number.as_f64().unwrap_or_default()));
            }
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::String(text) if text.contains('\n') => scalar::write_block(text, place, out),
            Value::String(text) => scalar::write_text(text, place, out),
            Value::Array(_) => out.push_str("[]"),
            Value::Object(_) => out.push_str("{}"),
        }
    }
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

impl Body for Yaml {
    fn record(&mut self, projector: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        let record = projector.record(record)?;
        if delimit {
            out.push_str("---");
        }
        match record.as_ref() {
            Value::Object(entries) if !entries.is_empty() => {
                if delimit {
                    out.push('\n');
                }
                self.map(entries, 0, false, out);
            }
            Value::Array(items) if !items.is_empty() => {
                if delimit {
                    out.push('\n');
                }
                self.list(items, 0, false, out);
            }
            value => {
                let is_block = matches!(value, Value::String(text) if text.contains('\n'));
                if !is_block && !value.is_array() && !value.is_object() {
                    out.push_str("\n  ");
                } else if delimit {
                    out.push(' ');
                }
                self.write(value, Place::Root, out);
                out.push('\n');
            }
        }
        if ends_open(&record) {
            out.push_str("...\n");
        }
        Ok(())
    }
}

/// Text whose empty last lines count must be closed where it ends the document.
fn ends_open(value: &Value) -> bool {
    match value {
        Value::String(text) => scalar::keeps_end(text),
        Value::Array(items) => items.last().is_some_and(ends_open),
        Value::Object(entries) => sorted(entries).last().is_some_and(|(_, value)| ends_open(value)),
        _ => false,
    }
}
