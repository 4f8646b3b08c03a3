//! `flattened` and `text`: a line a value, each with its whole key.

use std::collections::HashMap;

use serde_json::Value;

use super::Body;
use crate::error::Result;
use crate::key;
use crate::projection::{Projection, Projector};
use crate::text::{plain, short_float};
use crate::transform::sorted;

pub(super) struct Flattened {
    labels: HashMap<String, String>,
    separator: String,
    pad: bool,
}

impl Flattened {
    pub fn new(projection: &Projection) -> Self {
        let labels = projection.columns.iter().map(|column| {
            let label = projection.key_of(column).label.as_deref().unwrap_or_default();
            (key::name(&column.key), label.to_lowercase())
        });
        Self {
            labels: labels.collect(),
            separator: projection.attributes.text_or("separator", ": "),
            pad: !projection.attributes.has("no-pad"),
        }
    }

    fn flatten(&self, value: &Value, name: &str, lines: &mut Vec<(String, String)>) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    self.flatten(item, &format!("{name}[{at}]"), lines);
                }
            }
            Value::Object(entries) if !entries.is_empty() => {
                for (below, value) in sorted(entries) {
                    let name = if name.is_empty() { below.clone() } else { format!("{name}.{below}") };
                    self.flatten(value, &name, lines);
                }
            }
            value => {
                let text = match value {
                    Value::Number(number) if number.is_f64() => short_float(number.as_f64().unwrap_or_default()),
                    value => plain(value).into_owned(),
                };
                let name = self.labels.get(name).map_or(name, String::as_str);
                lines.push((name.to_owned(), text));
            }
        }
    }
}

impl Body for Flattened {
    fn record(&mut self, projector: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        if delimit {
            out.push_str("---\n");
        }
        let mut lines = Vec::new();
        self.flatten(&*projector.record(record)?, "", &mut lines);
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().filter(|_| self.pad).unwrap_or(0);
        for (name, text) in lines {
            let missing = width.saturating_sub(name.chars().count());
            let text = if is_one_line(&text) { text } else { quoted(&text) };
            out.push_str(&format!("{name}{}{}{text}\n", self.separator, " ".repeat(missing)));
        }
        Ok(())
    }
}

fn is_one_line(text: &str) -> bool {
    !text.contains('\n') && !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' | '"' => quoted.extend(['\\', letter]),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}
