//! From records to what is printed: flattened, filtered, sorted, cut off, formatted.

use std::borrow::Cow;

use jiff::Zoned;
use serde_json::Value;

use crate::error::Result;
use crate::filter::Filter;
use crate::flatten::Flatten;
use crate::order::Order;
use crate::print::Printer;
use crate::projection::Projection;
use crate::transform::{self, Locate, Scope};

/// What a command and its flags say about its output. Empty texts are as good as none.
#[derive(Clone)]
pub struct Options<'a> {
    /// `--format`.
    pub format: Option<&'a str>,
    /// The command's own format. Its labels, aliases and transforms serve an explicit one too.
    pub default: &'a str,
    pub filter: Option<&'a str>,
    pub sort_by: Option<&'a str>,
    pub limit: Option<usize>,
    pub flatten: Option<&'a str>,
    /// `--uri`: addresses instead of records.
    pub uri: bool,
    /// How to find them; without it a record's `selfLink` is its address.
    pub locate: Option<Locate>,
    /// Columns of the screen, for tables that wrap.
    pub width: usize,
    /// The time, in the local zone.
    pub now: Zoned,
}

impl<'a> Options<'a> {
    pub fn new(default: &'a str, now: Zoned) -> Self {
        Self {
            format: None,
            default,
            filter: None,
            sort_by: None,
            limit: None,
            flatten: None,
            uri: false,
            locate: None,
            width: 80,
            now,
        }
    }
}

/// What goes to the two streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub text: String,
    /// For stderr, each after `WARNING: `.
    pub warnings: Vec<String>,
    /// Whether there was anything to print. `Listed 0 items.` is for when there was not and no format was asked for.
    pub printed: bool,
}

impl Output {
    /// Where no format was named: that nothing is printed says nothing of the records.
    fn nothing() -> Self {
        Self { printed: true, ..Self::default() }
    }
}

/// Formats the records of a list.
pub fn list(records: &[Value], options: &Options) -> Result<Output> {
    Display::new(options)?.list(records)
}

/// Formats one resource: no document marks, no brackets.
pub fn one(record: &Value, options: &Options) -> Result<Output> {
    Display::new(options)?.one(record)
}

/// Options that have been understood, before there are records.
pub struct Display {
    printer: Option<Printer>,
    flatten: Option<Flatten>,
    filter: Option<Filter>,
    order: Option<Order>,
    limit: Option<usize>,
    uri: bool,
    locate: Option<Locate>,
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

impl Display {
    pub fn new(options: &Options) -> Result<Self> {
        let order = given(options.sort_by).map(Order::parse).transpose()?;
        let mut format = match given(options.format) {
            None if options.uri => "value(.)".to_owned(),
            None => options.default.to_owned(),
            Some(format) if options.default.is_empty() => format.to_owned(),
            Some(format) => format!("{} {format}", options.default),
        };
        if let Some(order) = order.as_ref().filter(|_| !format.is_empty()) {
            format.push_str(&order.as_projection());
        }
        let scope = Scope { now: options.now.clone(), locate: options.locate.clone(), projection: None, depth: 0 };
        let printer = if format.is_empty() { None } else { Printer::new(&format, &scope, options.width)? };
        let flatten = given(options.flatten).map(Flatten::parse).transpose()?;
        let nothing = Projection::default();
        let projection = printer.as_ref().map_or(&nothing, Printer::projection);
        let filter = given(options.filter).map(|filter| Filter::within(filter, projection, &scope)).transpose()?;
        if let Some(printer) = &printer {
            printer.check()?;
        }
        Ok(Self {
            printer,
            flatten,
            filter,
            order,
            limit: options.limit,
            uri: options.uri,
            locate: options.locate.clone(),
        })
    }

    /// The format is `disable`: the records need not even be fetched.
    pub fn is_disabled(&self) -> bool {
        self.printer.as_ref().is_some_and(|printer| printer.disabled)
    }

    pub fn list(self, records: &[Value]) -> Result<Output> {
        self.print(records.iter().map(Cow::Borrowed).collect())
    }

    /// A record that is a list, is flattened, filtered or cut off is a list.
    pub fn one(mut self, record: &Value) -> Result<Output> {
        if let Value::Array(items) = record {
            return self.list(items);
        }
        if self.flatten.is_some() || self.filter.is_some() || self.limit.is_some() || self.uri {
            return self.print(vec![Cow::Borrowed(record)]);
        }
        let Some(printer) = &mut self.printer else { return Ok(Output::nothing()) };
        let mut output = Output::default();
        printer.one(record, false, &mut output.text)?;
        output.printed = printer.printed;
        Ok(output)
    }

    fn print(self, mut records: Vec<Cow<Value>>) -> Result<Output> {
        let mut output = Output::default();
        let Some(mut printer) = self.printer else { return Ok(Output::nothing()) };
        if !printer.disabled {
            if let Some(flatten) = &self.flatten {
                records = flatten.apply(records)?;
            }
            if let Some(filter) = &self.filter {
                // Sorting needs all of them; else what is behind the limit is not looked at.
                let limit = self.limit.filter(|_| self.order.is_none()).unwrap_or(usize::MAX);
                (records, output.warnings) = filtered(filter, records, limit)?;
            }
            if let Some(order) = &self.order {
                order.sort(&mut records);
            }
            if let Some(limit) = self.limit {
                records.truncate(limit);
            }
            if self.uri {
                records = addresses(&records, self.locate.as_ref());
            }
        }
        printer.list(records.iter().map(AsRef::as_ref), &mut output.text)?;
        output.printed = printer.printed;
        Ok(output)
    }
}

fn filtered<'a>(
    filter: &Filter,
    records: Vec<Cow<'a, Value>>,
    limit: usize,
) -> Result<(Vec<Cow<'a, Value>>, Vec<String>)> {
    let mut run = filter.run();
    let mut kept = Vec::new();
    let mut to_the_end = true;
    for record in records {
        if run.keep(&record)? {
            if kept.len() == limit {
                to_the_end = false;
                break;
            }
            kept.push(record);
        }
    }
    Ok((kept, run.warnings(to_the_end)))
}

/// A record without an address is left out.
fn addresses(records: &[Cow<Value>], locate: Option<&Locate>) -> Vec<Cow<'static, Value>> {
    let address = |record: &Value| match locate {
        Some(locate) => locate(record),
        None => transform::address(record).map(str::to_owned),
    };
    records.iter().filter_map(|record| address(record).map(|address| Cow::Owned(Value::String(address)))).collect()
}
