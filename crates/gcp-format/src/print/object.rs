//! `object`: the record itself, as Python would show it.

use serde_json::Value;

use super::Body;
use crate::error::Result;
use crate::projection::{Attributes, Projector};
use crate::text::plain;

pub(super) struct Object {
    separator: Option<String>,
    terminator: Option<String>,
    first: bool,
}

impl Object {
    pub fn new(attributes: &Attributes) -> Self {
        let line = |name| attributes.text(name).map(|text| format!("{text}\n"));
        Self { separator: line("separator"), terminator: line("terminator"), first: true }
    }
}

impl Body for Object {
    fn record(&mut self, _: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        if !std::mem::take(&mut self.first)
            && delimit
            && let Some(separator) = &self.separator
        {
            out.push_str(separator);
        }
        out.push_str(&plain(record));
        out.push_str(self.terminator.as_deref().unwrap_or_default());
        Ok(())
    }
}
