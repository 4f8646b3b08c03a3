//! `table`: aligned columns, sorted, in a box if asked; tables within tables.

mod draw;
mod layout;

use std::cmp::Ordering;

use serde_json::Value;

use super::{Body, Printer};
use crate::error::Result;
use crate::projection::{Align, Projection, Projector, Wrap};
use crate::text::{as_float, is_something, plain, short_float};
use crate::transform::Scope;
use layout::Layout;

/// What a column is, apart from its cells.
struct Column {
    label: String,
    align: Align,
    optional: bool,
    hidden: bool,
    width: usize,
    /// The narrowest it may become.
    wrap: Option<usize>,
    /// Prints the values below each row.
    below: Option<Printer>,
}

impl Column {
    fn is_shown(&self) -> bool {
        !self.hidden && self.below.is_none()
    }
}

pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    style: Style,
    /// Columns of the screen.
    screen: usize,
}

/// The attributes in brackets.
struct Style {
    boxed: bool,
    /// A line between rows too.
    ruled: bool,
    ascii: bool,
    heading: bool,
    pad: usize,
    margin: usize,
    title: Option<String>,
}

const NARROWEST: usize = 10;

impl Table {
    pub fn new(projection: &Projection, scope: &Scope, width: usize) -> Result<Self> {
        let columns = projection.columns.iter().map(|column| {
            let key = projection.key_of(column);
            let below = match key.subformat.as_deref() {
                Some(format) if !format.is_empty() => Printer::new(format, scope, width)?,
                _ => None,
            };
            Ok(Column {
                label: key.label.clone().unwrap_or_default(),
                align: key.align,
                optional: key.optional == Some(true),
                hidden: key.hidden,
                width: key.width.unwrap_or(0),
                wrap: match key.wrap {
                    Some(Wrap::Yes) => Some(NARROWEST),
                    Some(Wrap::DownTo(least)) => Some(least),
                    _ => None,
                },
                below,
            })
        });
        let attributes = &projection.attributes;
        let boxed = attributes.has("box") || attributes.has("all-box");
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            rows: Vec::new(),
            style: Style {
                boxed,
                ruled: attributes.has("all-box"),
                ascii: attributes.has("ascii"),
                heading: !attributes.has("no-heading"),
                pad: if boxed { 1 } else { attributes.columns("pad").unwrap_or(2) },
                margin: attributes.columns("margin").unwrap_or(0),
                title: attributes.text("title").map(str::to_owned),
            },
            screen: attributes.columns("width").unwrap_or(width),
        })
    }

    /// No column of its own: what is below is printed once, for all records together.
    fn gather(&mut self, out: &mut String) -> Result<bool> {
        let rows = std::mem::take(&mut self.rows);
        let mut printed = false;
        for (at, column) in self.columns.iter_mut().enumerate() {
            let Some(printer) = &mut column.below else { continue };
            for value in rows.iter().map(|row| &row[at]).filter(|value| is_something(value)) {
                printer.one(value, true, out)?;
            }
            printer.finish(out)?;
            printed |= printer.printed;
        }
        Ok(printed)
    }

    /// The headings over the shown columns. They are counted by place among all columns, so one behind a column that
    /// prints below finds none, as with gcloud.
    fn headings(&self, shown: &[usize]) -> Option<Vec<String>> {
        if !self.style.heading || self.columns.iter().all(|column| column.label.is_empty()) {
            return None;
        }
        let is_plain = shown.len() == self.columns.len();
        let labels: Vec<String> = shown.iter().map(|at| self.columns[*at].label.clone()).collect();
        if is_plain {
            return Some(labels);
        }
        let places = (0..self.columns.len()).filter(|at| self.columns[*at].below.is_none());
        Some(places.filter_map(|at| labels.get(at).cloned()).collect())
    }
}

impl Body for Table {
    fn record(&mut self, projector: &Projector, record: &Value, _: bool, _: &mut String) -> Result<()> {
        self.rows.push(projector.columns(record)?.into_iter().map(std::borrow::Cow::into_owned).collect());
        Ok(())
    }

    fn finish(&mut self, projector: &Projector, out: &mut String) -> Result<Option<bool>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        if !self.columns.iter().any(Column::is_shown) {
            return self.gather(out).map(Some);
        }
        let mut rows = std::mem::take(&mut self.rows);
        sort(&mut rows, &projector.projection.order());
        let shown: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].is_shown()).collect();
        let heading = self.headings(&shown);
        let cells: Vec<Vec<String>> = rows.iter().map(|row| shown.iter().map(|at| cell(&row[*at])).collect()).collect();
        let Some(layout) = Layout::new(&self.columns, shown, heading, cells, &self.style, self.screen) else {
            return Ok(Some(false));
        };
        layout.draw(&self.style, out, |row, out| {
            for (at, column) in self.columns.iter_mut().enumerate() {
                if let Some(printer) = &mut column.below {
                    let mut below = String::new();
                    printer.one(&rows[row][at], false, &mut below)?;
                    for line in below.split_terminator('\n') {
                        out.push_str("    ");
                        out.push_str(line);
                        out.push('\n');
                    }
                }
            }
            Ok(())
        })?;
        Ok(None)
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(number) if number.is_f64() => short_float(number.as_f64().unwrap_or_default()),
        value => plain(value).into_owned(),
    }
}

/// By each key in turn, the most important last; keys that go backwards together turn the whole table round.
fn sort(rows: &mut [Vec<Value>], order: &[(usize, bool)]) {
    for group in order.chunk_by(|left, right| left.1 == right.1).rev() {
        let reverse = group.first().is_some_and(|(_, reverse)| *reverse);
        if reverse {
            rows.reverse();
        }
        for (at, _) in group.iter().rev() {
            rows.sort_by(|left, right| compare(&left[*at], &right[*at]));
        }
        if reverse {
            rows.reverse();
        }
    }
}

/// Numbers before everything else.
fn compare(left: &Value, right: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Number(_) | Value::Bool(_) => as_float(value).unwrap_or(f64::INFINITY),
        _ => f64::INFINITY,
    };
    number(left).total_cmp(&number(right)).then_with(|| match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => cell(left).cmp(&cell(right)),
    })
}
