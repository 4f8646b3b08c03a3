//! `list`: ` - ` before each record, its parts below each other or side by side.

use serde_json::Value;

use super::{Body, visible};
use crate::error::Result;
use crate::projection::{Attributes, Projector};
use crate::text::{is_something, plain};
use crate::transform::sorted;

pub(super) struct List {
    separator: &'static str,
    title: Option<String>,
}

impl List {
    pub fn new(attributes: &Attributes) -> Self {
        let title = attributes.text("title").filter(|_| !attributes.has("always-display-title"));
        Self { separator: if attributes.has("compact") { " " } else { "\n   " }, title: title.map(str::to_owned) }
    }
}

fn parts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(entries) => sorted(entries)
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!("{name}: {}", plain(value)))
            .collect(),
        Value::Array(items) => {
            items.iter().filter(|item| !item.is_null()).map(|item| plain(item).into_owned()).collect()
        }
        scalar if is_something(scalar) => vec![plain(scalar).into_owned()],
        _ => vec![String::new()],
    }
}

impl Body for List {
    fn record(&mut self, projector: &Projector, record: &Value, _: bool, out: &mut String) -> Result<()> {
        if let Some(title) = self.title.take() {
            out.push_str(&title);
            out.push('\n');
        }
        let parts = match record {
            Value::Object(_) | Value::Array(_) if projector.gives_columns() => {
                let cells = projector.columns(record)?;
                cells.iter().filter(|cell| !cell.is_null()).map(|cell| plain(cell).into_owned()).collect()
            }
            Value::Object(_) | Value::Array(_) => parts(&*projector.record(record)?),
            scalar => parts(scalar),
        };
        out.push_str(" - ");
        out.push_str(&visible(&projector.projection, parts).join(self.separator));
        out.push('\n');
        Ok(())
    }
}
