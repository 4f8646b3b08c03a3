//! Takes from a record what a projection asks for: a list of columns, or a smaller record.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ANY, Attribute, ChainId, Column, INNER, NodeId, PROJECT, Projection, ROOT};
use crate::error::Result;
use crate::key;
use crate::transform::{self, Links, Scope};

/// What a format asks of its projector.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub by_columns: bool,
    pub no_transforms: bool,
    /// Members that are null stay.
    pub keep_null: bool,
}

/// A projection whose transforms are ready to run.
pub(crate) struct Projector {
    pub projection: Projection,
    chains: Vec<Links>,
    by_columns: bool,
    /// Whether transforms run; where it is not said, the format and the transform's place decide.
    transforms: Option<bool>,
    keep_null: bool,
    decode: bool,
}

impl Projector {
    pub fn new(projection: Projection, options: Options, scope: &Scope) -> Result<Self> {
        let by_columns = options.by_columns && !projection.columns.is_empty();
        let attributes = &projection.attributes;
        let transforms = if attributes.has("transforms") {
            Some(true)
        } else if attributes.has("no-transforms") {
            Some(false)
        } else {
            by_columns.then_some(!options.no_transforms)
        };
        let keep_null = options.keep_null && !attributes.has("no-undefined") && projection.columns.is_empty();
        let decode = attributes.has("json-decode");
        let mut projector = Self { chains: Vec::new(), by_columns, transforms, keep_null, decode, projection };
        projector.chains = projector.links(scope)?;
        Ok(projector)
    }

    /// Makes ready the chains that can run, and no others: a key that formats others may lie among those it formats.
    fn links(&self, scope: &Scope) -> Result<Vec<Links>> {
        let scope = Scope { projection: Some(&self.projection), ..scope.clone() };
        let mut needed = vec![false; self.projection.chains.len()];
        let columns = self.projection.columns.iter().map(|column| column.attribute);
        let nodes = self.projection.nodes.iter().map(|node| node.attribute);
        for attribute in columns.chain(nodes.filter(|_| !self.by_columns)) {
            if let Some(chain) = self.chain(&self.projection.keys[attribute]) {
                needed[chain] = true;
            }
        }
        let chains = self.projection.chains.iter().zip(needed);
        chains.map(|(chain, needed)| if needed { chain.link(&scope) } else { Ok(Links::new()) }).collect()
    }

    pub fn gives_columns(&self) -> bool {
        self.by_columns
    }

    /// The transforms of a key, if they are to run.
    fn chain(&self, attribute: &Attribute) -> Option<ChainId> {
        let chain = attribute.chain?;
        let active = self.projection.chains[chain].active();
        let runs = self.transforms.unwrap_or_else(|| active.is_none_or(|active| active == self.projection.active));
        runs.then_some(chain)
    }

    fn runs(&self, attribute: &Attribute) -> Option<&Links> {
        self.chain(attribute).map(|chain| &self.chains[chain])
    }

    /// The value of each column.
    pub fn columns<'a>(&self, record: &'a Value) -> Result<Vec<Cow<'a, Value>>> {
        match self.project(record, ANY, PROJECT, false)? {
            Cow::Borrowed(whole) => {
                self.projection.columns.iter().map(|column| self.column(column, whole, record)).collect()
            }
            Cow::Owned(whole) => self
                .projection
                .columns
                .iter()
                .map(|column| Ok(Cow::Owned(self.column(column, &whole, record)?.into_owned())))
                .collect(),
        }
    }

    fn column<'a>(&self, column: &Column, whole: &'a Value, original: &'a Value) -> Result<Cow<'a, Value>> {
        let value = key::get(whole, &column.key);
        match self.runs(self.projection.key_of(column)) {
            Some(links) => transform::run(links, value, Some(original)),
            None => Ok(value),
        }
    }

    /// The record with nothing in it but what is projected.
    pub fn record<'a>(&self, record: &'a Value) -> Result<Cow<'a, Value>> {
        let flag = if self.projection.columns.is_empty() { PROJECT } else { 0 };
        self.project(record, ROOT, flag, false)
    }

    fn attribute(&self, node: NodeId) -> &Attribute {
        &self.projection.keys[self.projection.nodes[node].attribute]
    }

    fn project<'a>(&self, value: &'a Value, node: NodeId, flag: u8, leaf: bool) -> Result<Cow<'a, Value>> {
        match value {
            Value::Object(_) | Value::Array(_) => {
                if let Some(links) = self.runs(self.attribute(node)) {
                    return transform::run(links, Cow::Borrowed(value), None);
                }
                if flag < PROJECT && self.projection.nodes[node].is_leaf() {
                    return Ok(Cow::Borrowed(value));
                }
                if self.projection.nodes[node].is_leaf() && !self.decode {
                    return Ok(clean(value, self.keeps_null()));
                }
                match value {
                    Value::Object(entries) if entries.is_empty() => Ok(Cow::Borrowed(value)),
                    Value::Object(entries) => self.project_map(entries, node, flag),
                    Value::Array(items) => self.project_list(items, node, flag),
                    _ => Ok(Cow::Borrowed(value)),
                }
            }
            Value::String(text) if self.decode && is_json(text) => match serde_json::from_str::<Value>(text) {
                Ok(decoded) => Ok(Cow::Owned(self.project(&decoded, node, flag, leaf)?.into_owned())),
                Err(_) => self.project_leaf(value, node, flag, leaf),
            },
            _ => self.project_leaf(value, node, flag, leaf),
        }
    }

    fn project_leaf<'a>(&self, value: &'a Value, node: NodeId, flag: u8, leaf: bool) -> Result<Cow<'a, Value>> {
        if leaf { Ok(Cow::Borrowed(value)) } else { self.project_attribute(value, node, flag) }
    }

    fn project_attribute<'a>(&self, value: &'a Value, node: NodeId, flag: u8) -> Result<Cow<'a, Value>> {
        if flag < PROJECT {
            return Ok(Cow::Owned(Value::Null));
        }
        match self.runs(self.attribute(node)) {
            Some(links) => transform::run(links, Cow::Borrowed(value), None),
            None => self.project(value, node, flag, true),
        }
    }

    fn keeps_null(&self) -> bool {
        self.keep_null || !self.projection.columns.is_empty()
    }

    fn project_map(&self, entries: &Map<String, Value>, node: NodeId, flag: u8) -> Result<Cow<'static, Value>> {
        let mut projected = Map::new();
        for (name, value) in entries {
            let mut flag = flag;
            let value = match self.projection.nodes[node].names.get(name) {
                Some(child) => {
                    flag |= self.attribute(*child).flag;
                    if flag < INNER {
                        continue;
                    }
                    self.project(value, *child, flag, false)?
                }
                None => self.project_attribute(value, ANY, flag)?,
            };
            let asked_for = flag >= PROJECT && !self.projection.columns.is_empty();
            if !value.is_null() || self.keep_null || asked_for {
                projected.insert(name.clone(), value.into_owned());
            }
        }
        Ok(Cow::Owned(if projected.is_empty() { Value::Null } else { Value::Object(projected) }))
    }

    fn project_list(&self, items: &[Value], node: NodeId, flag: u8) -> Result<Cow<'static, Value>> {
        if items.is_empty() {
            return Ok(Cow::Owned(Value::Array(Vec::new())));
        }
        let tree = &self.projection.nodes[node];
        let slice = tree
            .slice
            .filter(|slice| flag >= PROJECT || self.attribute(*slice).flag != 0)
            .or_else(|| (flag >= PROJECT).then_some(ANY));
        let mut picked: Vec<(usize, NodeId)> = Vec::new();
        for (index, child) in &tree.indices {
            if let Some(at) = key::at(*index, items.len())
                && (slice.is_none() || *index >= 0)
            {
                picked.push((at, *child));
            }
        }
        if slice.is_none() && picked.is_empty() {
            return Ok(Cow::Owned(Value::Null));
        }
        let length = match slice {
            Some(_) => items.len(),
            None => picked.iter().map(|(at, _)| at + 1).max().unwrap_or(0),
        };
        let mut projected = vec![Value::Null; length];
        let mut end = 0;
        for (at, item) in items.iter().enumerate().take(length) {
            let mine = picked.iter().find(|(picked, _)| *picked == at).map(|(_, child)| *child);
            let Some(child) = mine.or(slice) else { continue };
            let below = if mine.is_some() { slice.map_or(0, |slice| self.attribute(slice).flag) } else { 0 };
            let flag = flag | below | self.attribute(child).flag;
            if item.is_null() || flag < INNER {
                continue;
            }
            let value = self.project(item, child, flag, false)?;
            if !value.is_null() {
                projected[at] = value.into_owned();
                end = at + 1;
            }
        }
        if end == 0 {
            return Ok(Cow::Owned(Value::Null));
        }
        if slice.is_some() {
            projected.truncate(end);
        }
        Ok(Cow::Owned(Value::Array(projected)))
    }
}

fn is_json(text: &str) -> bool {
    text.starts_with("{\"") && text.ends_with('}') || text.starts_with('[') && text.ends_with(']')
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(entries) => entries.values().any(has_null),
        _ => false,
    }
}

/// The record as it is shown whole: lists lose the nulls at their end, maps theirs unless they are kept, and what has
/// nothing left is null itself. A record without nulls is shown as it is.
pub(crate) fn clean(value: &Value, keep_null: bool) -> Cow<'_, Value> {
    if has_null(value) { Cow::Owned(cleaned(value, keep_null)) } else { Cow::Borrowed(value) }
}

fn cleaned(value: &Value, keep_null: bool) -> Value {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let kept: Map<String, Value> = entries
                .iter()
                .map(|(name, value)| (name.clone(), cleaned(value, keep_null)))
                .filter(|(_, value)| keep_null || !value.is_null())
                .collect();
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        Value::Array(items) if !items.is_empty() => {
            let mut kept: Vec<Value> = items.iter().map(|item| cleaned(item, keep_null)).collect();
            while kept.last().is_some_and(Value::is_null) {
                kept.pop();
            }
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        _ => value.clone(),
    }
}
