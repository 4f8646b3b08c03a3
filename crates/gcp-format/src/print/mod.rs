//! The formats by name, and what they have in common.

mod config;
mod csv;
mod flattened;
mod json;
mod list;
mod multi;
mod object;
mod scalar;
mod table;
mod yaml;

use serde_json::Value;

use crate::error::{FormatError, Result};
use crate::projection::{self, Options, Projection, Projector};
use crate::text::is_something;
use crate::transform::Scope;

/// Every name that gcloud knows, in its order.
pub(crate) const NAMES: [&str; 16] = [
    "config",
    "csv",
    "default",
    "diff",
    "disable",
    "flattened",
    "get",
    "json",
    "list",
    "multi",
    "none",
    "object",
    "table",
    "text",
    "value",
    "yaml",
];

/// What a format does with records. It may keep them until the end.
trait Body {
    /// `delimit` is false for a record that stands alone.
    fn record(&mut self, projector: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()>;

    /// Gives whether anything was printed, where that is not simply whether there were records.
    fn finish(&mut self, _: &Projector, _: &mut String) -> Result<Option<bool>> {
        Ok(None)
    }
}

/// Prints nothing.
struct Nothing;

impl Body for Nothing {
    fn record(&mut self, _: &Projector, _: &Value, _: bool, _: &mut String) -> Result<()> {
        Ok(())
    }
}

/// A format ready for records.
pub(crate) struct Printer {
    projector: Projector,
    body: Box<dyn Body>,
    pub printed: bool,
    /// Records are not even looked at.
    pub disabled: bool,
    title: Option<String>,
    lacks_keys: Option<String>,
}

impl Printer {
    /// Nothing if the expression names no format.
    pub fn new(expression: &str, scope: &Scope, width: usize) -> Result<Option<Self>> {
        let scope = &Scope { projection: None, ..scope.deeper()? };
        let projection = projection::parse(expression, None)?;
        let Some(name) = projection.name.clone() else { return Ok(None) };
        let options = match name.as_str() {
            "csv" | "list" | "object" | "table" | "value" => Options { by_columns: true, ..Options::default() },
            "get" => Options { by_columns: true, no_transforms: true, ..Options::default() },
            "config" | "default" | "json" | "yaml" => Options { keep_null: true, ..Options::default() },
            "disable" | "flattened" | "multi" | "none" | "text" => Options::default(),
            "diff" => return Err(FormatError::Unsupported(name)),
            _ => return Err(FormatError::UnknownFormat(name)),
        };
        let projector = Projector::new(projection, options, scope)?;
        let attributes = &projector.projection.attributes;
        let body: Box<dyn Body> = match name.as_str() {
            "config" => Box::new(config::Config::new(attributes)),
            "csv" => Box::new(csv::Csv::new(attributes)),
            "value" | "get" => Box::new(csv::Csv::value(attributes)),
            "default" | "yaml" => Box::new(yaml::Yaml::new(attributes)),
            "flattened" | "text" => Box::new(flattened::Flattened::new(&projector.projection)),
            "json" => Box::new(json::Json::default()),
            "list" => Box::new(list::List::new(attributes)),
            "multi" => Box::new(multi::Multi::new(&projector.projection, scope, width)?),
            "object" => Box::new(object::Object::new(attributes)),
            "table" => Box::new(table::Table::new(&projector.projection, scope, width)?),
            _ => Box::new(Nothing),
        };
        let needs_keys = matches!(name.as_str(), "csv" | "get" | "table" | "value");
        let early_title = name == "config" || name == "list" && attributes.has("always-display-title");
        Ok(Some(Self {
            title: attributes.text("title").filter(|_| early_title).map(str::to_owned),
            lacks_keys: (needs_keys && projector.projection.columns.is_empty()).then(|| name.clone()),
            disabled: name == "disable" || attributes.has("disable"),
            printed: false,
            projector,
            body,
        }))
    }

    pub fn projection(&self) -> &Projection {
        &self.projector.projection
    }

    /// Fails where the format cannot do without keys.
    pub fn check(&self) -> Result<()> {
        match &self.lacks_keys {
            Some(name) if !self.disabled => Err(FormatError::ProjectionRequired(name.clone())),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, out: &mut String) -> Result<()> {
        if let Some(title) = self.title.take() {
            out.push_str(&title);
            out.push('\n');
        }
        self.printed |= self.disabled;
        self.check()
    }

    fn record(&mut self, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        self.printed = true;
        self.body.record(&self.projector, record, delimit, out)
    }

    pub fn finish(&mut self, out: &mut String) -> Result<()> {
        if let Some(printed) = self.body.finish(&self.projector, out)? {
            self.printed = printed;
        }
        Ok(())
    }

    /// Records of a list.
    pub fn list<'a>(&mut self, records: impl IntoIterator<Item = &'a Value>, out: &mut String) -> Result<()> {
        self.begin(out)?;
        if self.disabled {
            return Ok(());
        }
        for record in records {
            self.record(record, true, out)?;
        }
        self.finish(out)
    }

    /// A record alone, or the members of a list. `partly` leaves the end for later.
    pub fn one(&mut self, record: &Value, partly: bool, out: &mut String) -> Result<()> {
        self.begin(out)?;
        if self.disabled {
            return Ok(());
        }
        match record {
            Value::Array(items) => items.iter().try_for_each(|item| self.record(item, true, out))?,
            other if is_something(other) => self.record(other, partly, out)?,
            _ => {}
        }
        if partly { Ok(()) } else { self.finish(out) }
    }
}

/// Leaves out the columns that are only sorted by.
fn visible<T>(projection: &Projection, cells: Vec<T>) -> Vec<T> {
    let hidden = |at: usize| projection.columns.get(at).is_some_and(|column| projection.key_of(column).hidden);
    if projection.columns.is_empty() {
        return cells;
    }
    cells.into_iter().enumerate().filter(|(at, _)| !hidden(*at)).map(|(_, cell)| cell).collect()
}
