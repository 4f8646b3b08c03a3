//! What to show of a record: columns, a tree of keys, labels, aliases and the format's attributes.

mod parse;
mod projector;

use std::collections::HashMap;

pub(crate) use parse::parse;
pub(crate) use projector::{Options, Projector, clean};

use crate::key::{Key, Step};
use crate::transform::Chain;

/// The node says nothing about what lies here; it may still lend a label or a transform to a later projection.
pub(crate) const DEFAULT: u8 = 0;
/// Something below is projected.
pub(crate) const INNER: u8 = 1;
/// Everything here is projected.
pub(crate) const PROJECT: u8 = 2;

pub(crate) type AttributeId = usize;
pub(crate) type NodeId = usize;
pub(crate) type ChainId = usize;

/// The root of the tree of keys.
pub(crate) const ROOT: NodeId = 0;
/// Stands for what no key names.
pub(crate) const ANY: NodeId = 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Align {
    #[default]
    Left,
    Center,
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    No,
    /// Down to ten columns.
    Yes,
    DownTo(usize),
}

/// A width as it is asked for; wider than any screen is a slip.
fn columns(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default().min(10_000)
}

/// What is known of a key. Columns, tree and aliases share it: what a later projection adds holds for all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attribute {
    pub align: Align,
    pub flag: u8,
    /// Sorted by, but not shown.
    pub hidden: bool,
    pub label: Option<String>,
    pub optional: Option<bool>,
    /// Lower sorts first; zero counts as unsorted.
    pub order: Option<i64>,
    pub reverse: Option<bool>,
    pub settled: bool,
    pub subformat: Option<String>,
    pub chain: Option<ChainId>,
    pub width: Option<usize>,
    pub wrap: Option<Wrap>,
}

impl Attribute {
    fn is_ordered(&self) -> bool {
        self.order.is_some_and(|order| order != 0)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub names: HashMap<String, NodeId>,
    pub indices: Vec<(i64, NodeId)>,
    pub slice: Option<NodeId>,
    pub attribute: AttributeId,
}

impl Node {
    pub fn child(&self, step: &Step) -> Option<NodeId> {
        match step {
            Step::Name(name) => self.names.get(name).copied(),
            Step::Index(index) => self.indices.iter().find(|(at, _)| at == index).map(|(_, node)| *node),
            Step::Slice => self.slice,
        }
    }

    fn insert(&mut self, step: Step, node: NodeId) {
        match step {
            Step::Name(name) => {
                self.names.insert(name, node);
            }
            Step::Index(index) => self.indices.push((index, node)),
            Step::Slice => self.slice = Some(node),
        }
    }

    pub fn is_leaf(&self) -> bool {
        self.names.is_empty() && self.indices.is_empty() && self.slice.is_none()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub key: Key,
    pub attribute: AttributeId,
}

/// The attributes in brackets after a format's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes(HashMap<String, String>);

impl Attributes {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn text_or(&self, name: &str, otherwise: &str) -> String {
        self.text(name).unwrap_or(otherwise).to_owned()
    }

    pub fn columns(&self, name: &str) -> Option<usize> {
        crate::text::integer(self.text(name)?).map(columns)
    }

    /// Present, and not zero or empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !value.is_empty() && value != "0")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Projection {
    pub name: Option<String>,
    pub attributes: Attributes,
    pub columns: Vec<Column>,
    pub nodes: Vec<Node>,
    pub keys: Vec<Attribute>,
    pub chains: Vec<Chain>,
    pub aliases: HashMap<String, (Key, AttributeId)>,
    /// Counts projections; transforms of an earlier one only serve columns.
    pub active: u32,
}

impl Default for Projection {
    fn default() -> Self {
        Self {
            name: None,
            attributes: Attributes::default(),
            columns: Vec::new(),
            nodes: vec![Node::default(), Node { attribute: 1, ..Node::default() }],
            keys: vec![Attribute::default(), Attribute { flag: PROJECT, ..Attribute::default() }],
            chains: Vec::new(),
            aliases: HashMap::new(),
            active: 0,
        }
    }
}

impl Projection {
    /// What stood so far becomes a default: it names and transforms what a later projection shows, and shows nothing.
    fn become_default(&mut self) {
        for at in 0..self.nodes.len() {
            let attribute = self.nodes[at].attribute;
            if at != ANY {
                self.keys[attribute].flag = DEFAULT;
            }
        }
        self.columns.clear();
        self.active += 1;
    }

    pub fn key_of(&self, column: &Column) -> &Attribute {
        &self.keys[column.attribute]
    }

    /// The key that a label or an alias stands for.
    pub fn alias(&self, name: &str) -> Option<(Key, AttributeId)> {
        self.aliases.get(name).cloned()
    }

    /// Headings of all columns, unless none has one.
    pub fn labels(&self) -> Option<Vec<&str>> {
        let labels: Vec<&str> =
            self.columns.iter().map(|column| self.key_of(column).label.as_deref().unwrap_or_default()).collect();
        labels.iter().any(|label| !label.is_empty()).then_some(labels)
    }

    /// Columns to sort by, the most important first, and whether they go backwards.
    pub fn order(&self) -> Vec<(usize, bool)> {
        let mut order: Vec<(i64, usize, bool)> = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(at, column)| {
                let key = self.key_of(column);
                let reverse = key.reverse == Some(true);
                (key.is_ordered() || reverse)
                    .then(|| (key.order.filter(|order| *order != 0).unwrap_or(i64::MAX), at, reverse))
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, at, reverse)| (at, reverse)).collect()
    }
}
