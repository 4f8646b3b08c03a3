//! `multi(KEY:format=FORMAT,…)`: each key in a format of its own.

use serde_json::Value;

use super::{Body, Printer};
use crate::error::{FormatError, Result};
use crate::key::{self, Key};
use crate::projection::{Projection, Projector};
use crate::transform::Scope;

pub(super) struct Multi {
    columns: Vec<(Key, Option<Printer>)>,
    separator: String,
    terminator: String,
}

impl Multi {
    pub fn new(projection: &Projection, scope: &Scope, width: usize) -> Result<Self> {
        let columns = projection.columns.iter().map(|column| match &projection.key_of(column).subformat {
            Some(format) if !format.is_empty() => Ok((column.key.clone(), Printer::new(format, scope, width)?)),
            _ => Err(FormatError::SubformatRequired(key::name(&column.key))),
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            separator: projection.attributes.text_or("separator", ""),
            terminator: projection.attributes.text_or("terminator", ""),
        })
    }
}

impl Body for Multi {
    fn record(&mut self, projector: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        let record = projector.record(record)?;
        for (at, (key, printer)) in self.columns.iter_mut().enumerate() {
            if at > 0 || delimit {
                out.push_str(&self.separator);
            }
            if let Some(printer) = printer {
                printer.one(&key::get(&record, key), false, out)?;
            }
        }
        out.push_str(&self.terminator);
        Ok(())
    }
}
