//! `NAME[ATTRIBUTE,…](KEY,…)`, several in a row: each later one is shown, and takes labels from the ones before it.

use std::collections::HashSet;

use super::{
    Align, Attribute, AttributeId, Column, DEFAULT, INNER, Node, NodeId, PROJECT, Projection, ROOT, Wrap, columns,
};
use crate::case;
use crate::error::Result;
use crate::filter::Filter;
use crate::key::{Key, Step};
use crate::lex::{Ends, Lexer, Token};
use crate::transform::{self, Chain};

struct Parser {
    lexer: Lexer,
    projection: Projection,
    /// Headings taken so far; a second `name` becomes `FIRST_NAME`.
    headings: HashSet<String>,
    /// After a colon keys only add to what is known of them.
    adding: bool,
    /// By how much sort orders of earlier projections move back.
    order_offset: i64,
}

/// Reads an expression on top of what a surrounding projection knows.
pub(crate) fn parse(expression: &str, defaults: Option<&Projection>) -> Result<Projection> {
    let mut projection = defaults.cloned().unwrap_or_default();
    projection.name = None;
    projection.attributes = super::Attributes::default();
    projection.become_default();
    let mut parser =
        Parser { lexer: Lexer::new(expression), projection, headings: HashSet::new(), adding: false, order_offset: 0 };
    parser.run()?;
    Ok(parser.projection)
}

fn word(at: &str) -> Ends<'_> {
    Ends { at, balanced: false, keep_space: true }
}

fn text_of(token: Option<Token>) -> String {
    token.map(|token| token.text).unwrap_or_default()
}

impl Parser {
    fn run(&mut self) -> Result<()> {
        let mut only_named = false;
        while self.lexer.skip_space() {
            if self.lexer.take("(").is_some() {
                if !self.adding {
                    only_named = false;
                    self.projection.become_default();
                }
                self.keys()?;
                if self.adding {
                    self.adding = false;
                    self.reorder();
                }
            } else if self.lexer.take("[").is_some() {
                self.attributes()?;
            } else if self.lexer.take(":").is_some() {
                self.adding = true;
                self.order_offset = 0;
            } else {
                let here = self.lexer.position;
                let name = text_of(self.lexer.token(Ends { at: ":([", ..Ends::default() })?);
                if name.is_empty() || !name.chars().all(char::is_alphabetic) {
                    return Err(self.lexer.error("Name expected", here));
                }
                if self.projection.name.replace(name).is_some() {
                    self.projection.attributes.0.clear();
                }
                only_named = true;
            }
        }
        if only_named {
            self.projection.become_default();
        }
        Ok(())
    }

    fn attributes(&mut self) -> Result<()> {
        loop {
            let name = text_of(self.lexer.token(word("=,])"))?);
            if !name.is_empty() {
                let value = if self.lexer.take_more("=")?.is_some() {
                    text_of(self.lexer.token(word(",])"))?).replace("\\n", "\n").replace("\\t", "\t")
                } else {
                    "1".to_owned()
                };
                let opposite = name.strip_prefix("no-").map_or_else(|| format!("no-{name}"), str::to_owned);
                self.projection.attributes.0.insert(name, value);
                self.projection.attributes.0.remove(&opposite);
            }
            if self.lexer.take_more("]")?.is_some() {
                return Ok(());
            }
            if self.lexer.take(",").is_none() {
                return Err(self.lexer.error_here("Expected ] in attribute list"));
            }
        }
    }

    fn keys(&mut self) -> Result<()> {
        if self.lexer.take_more(")")?.is_some() {
            return Ok(());
        }
        loop {
            self.key()?;
            self.lexer.skip_space();
            if self.lexer.take_more(")")?.is_some() {
                return Ok(());
            }
            if self.lexer.take(",").is_none() {
                return Err(self.lexer.error_here("Expected ) in projection expression"));
            }
        }
    }

    fn key(&mut self) -> Result<()> {
        let (mut key, aliased) = self.lexer.key_with(|name| self.projection.alias(name))?;
        let added = if self.lexer.take("(").is_some() {
            let name = transform::take_name(&mut key);
            Some(transform::parse(&mut self.lexer, &name, self.projection.active)?)
        } else {
            None
        };
        let mut attribute = match aliased {
            Some(aliased) if !self.adding || key.is_empty() => self.projection.keys[aliased].clone(),
            _ => Attribute { flag: PROJECT, ..Attribute::default() },
        };
        if let Some(added) = added {
            match attribute.chain {
                // A key called by its label takes its transforms along.
                Some(chain) => self.projection.chains[chain].extend(added),
                None => {
                    self.projection.chains.push(added);
                    attribute.chain = Some(self.projection.chains.len() - 1);
                }
            }
        }
        self.projection.keys.push(attribute);
        let attribute = self.projection.keys.len() - 1;
        self.lexer.skip_space();
        if self.lexer.take_more(":")?.is_some() {
            self.key_attributes(&key, attribute)?;
        }
        if let Some(chain) = self.projection.keys[attribute].chain {
            let chain = &self.projection.chains[chain];
            if !chain.condition_holds()? {
                return Ok(());
            }
            if key.is_empty() && self.projection.keys[attribute].label.is_none() {
                let words = chain.words();
                self.projection.keys[attribute].label = Some(self.heading(words.iter().map(String::as_str)));
            }
        }
        self.add(&key, attribute);
        Ok(())
    }

    fn key_attributes(&mut self, key: &Key, attribute: AttributeId) -> Result<()> {
        loop {
            let name = text_of(self.lexer.token(word("=:,)"))?);
            let here = self.lexer.position;
            let (name, value, yes) = if self.lexer.take("=").is_some() {
                (name, Some(self.lexer.token(word(":,)"))?.unwrap_or_default()), true)
            } else {
                match name.strip_prefix("no-") {
                    Some(name) => (name.to_owned(), None, false),
                    None => (name, None, true),
                }
            };
            if matches!(name.as_str(), "optional" | "reverse") {
                if value.is_some() {
                    return Err(self.lexer.error("value not expected", here));
                }
            } else if value.is_none() && yes && name != "wrap" {
                return Err(self.lexer.error("value expected", here));
            }
            let text = value.as_ref().map_or("", |value| value.text.as_str()).to_owned();
            let number = |lexer: &Lexer| match &value {
                Some(value) if value.text.is_empty() => Ok(None),
                None => Ok(None),
                Some(value) => match crate::text::integer(&value.text) {
                    Some(number) => Ok(Some(number)),
                    None => Err(lexer.error("integer expected", here)),
                },
            };
            match name.as_str() {
                "alias" => {
                    if text.is_empty() {
                        return Err(self.lexer.error("Cannot unset alias", here));
                    }
                    self.projection.aliases.insert(text, (key.clone(), attribute));
                }
                "align" => {
                    self.projection.keys[attribute].align = match text.as_str() {
                        "left" => Align::Left,
                        "center" => Align::Center,
                        "right" => Align::Right,
                        _ => return Err(self.lexer.error("Unknown alignment", here)),
                    }
                }
                "format" => self.projection.keys[attribute].subformat = Some(text),
                "label" => self.projection.keys[attribute].label = Some(text),
                "optional" => self.projection.keys[attribute].optional = Some(yes),
                "reverse" => self.projection.keys[attribute].reverse = Some(yes),
                "sort" => self.projection.keys[attribute].order = Some(number(&self.lexer)?.unwrap_or(0)),
                "width" => {
                    let width = number(&self.lexer)?.unwrap_or(0);
                    self.projection.keys[attribute].width = Some(columns(width));
                }
                "wrap" => {
                    self.projection.keys[attribute].wrap = Some(match number(&self.lexer)? {
                        Some(least) if least > 0 => Wrap::DownTo(columns(least)),
                        None if yes => Wrap::Yes,
                        Some(_) | None => Wrap::No,
                    });
                }
                _ => return Err(self.lexer.error("Unknown key attribute", here)),
            }
            if self.lexer.take_more(":")?.is_none() {
                return Ok(());
            }
        }
    }

    /// The shortest heading that is not taken, from the last name of the key leftwards.
    fn heading<'a>(&mut self, names: impl DoubleEndedIterator<Item = &'a str>) -> String {
        let mut heading = String::new();
        for name in names.rev() {
            let word = case::heading(name);
            heading = if heading.is_empty() { word } else { format!("{word}_{heading}") };
            if self.headings.insert(heading.clone()) {
                break;
            }
        }
        heading
    }

    fn new_node(&mut self, parent: NodeId, step: Step, attribute: AttributeId) -> NodeId {
        self.projection.nodes.push(Node { attribute, ..Node::default() });
        let node = self.projection.nodes.len() - 1;
        self.projection.nodes[parent].insert(step, node);
        node
    }

    /// A copy that shares nothing with the original.
    fn copy_node(&mut self, original: NodeId) -> NodeId {
        let mut copy = self.projection.nodes[original].clone();
        let mut attribute = self.projection.keys[copy.attribute].clone();
        if let Some(chain) = attribute.chain {
            self.projection.chains.push(self.projection.chains[chain].clone());
            attribute.chain = Some(self.projection.chains.len() - 1);
        }
        self.projection.keys.push(attribute);
        copy.attribute = self.projection.keys.len() - 1;
        for child in
            copy.names.values_mut().chain(copy.indices.iter_mut().map(|(_, child)| child)).chain(&mut copy.slice)
        {
            *child = self.copy_node(*child);
        }
        self.projection.nodes.push(copy);
        self.projection.nodes.len() - 1
    }

    fn add(&mut self, key: &Key, added: AttributeId) {
        let (attribute, was_known) = self.place(key, added);
        self.merge(key, attribute, added);
        let label = self.projection.keys[attribute].label.clone().unwrap_or_default();
        // A function is headed by its last argument, which may be a label: that goes on meaning its key.
        if !key.is_empty() || !self.projection.aliases.contains_key(&label) {
            self.projection.aliases.insert(label, (key.clone(), attribute));
        }
        if !self.adding || self.projection.keys[attribute].hidden {
            self.projection.keys[attribute].flag = PROJECT;
            self.projection.columns.push(Column { key: key.clone(), attribute });
        } else if !was_known {
            self.projection.keys[attribute].flag = DEFAULT;
        }
    }

    /// Finds or makes the key's place in the tree; gives what is known of the key, and whether it was known before.
    fn place(&mut self, key: &Key, added: AttributeId) -> (AttributeId, bool) {
        let last = key.last().cloned().unwrap_or_else(|| Step::Name(String::new()));
        let mut node = ROOT;
        for step in key.iter().take(key.len().saturating_sub(1)) {
            node = match self.projection.nodes[node].child(step) {
                Some(child) => {
                    let attribute = &mut self.projection.keys[self.projection.nodes[child].attribute];
                    if attribute.flag != PROJECT {
                        attribute.flag = INNER;
                    }
                    child
                }
                None => {
                    self.projection.keys.push(Attribute { flag: INNER, ..Attribute::default() });
                    let attribute = self.projection.keys.len() - 1;
                    self.new_node(node, step.clone(), attribute)
                }
            };
        }
        if let Some(child) = self.projection.nodes[node].child(&last) {
            let mut attribute = self.projection.nodes[child].attribute;
            if !self.adding && self.projection.columns.iter().any(|column| column.key == *key) {
                // The same key twice: the second column has a life of its own.
                self.projection.keys.push(self.projection.keys[attribute].clone());
                attribute = self.projection.keys.len() - 1;
            }
            if !self.adding || !self.projection.keys[attribute].is_ordered() {
                self.projection.keys[attribute].hidden = false;
            }
            return (attribute, true);
        }
        if let (Step::Index(_), Some(slice)) = (&last, self.projection.nodes[node].slice) {
            let copy = self.copy_node(slice);
            self.projection.nodes[node].insert(last, copy);
            return (self.projection.nodes[copy].attribute, false);
        }
        if self.adding && self.projection.keys[added].is_ordered() {
            self.projection.keys[added].hidden = true;
        }
        if !key.is_empty() || self.projection.keys[added].chain.is_some() {
            self.new_node(node, last, added);
        }
        (added, false)
    }

    /// What is said now goes over what was known.
    fn merge(&mut self, key: &Key, known: AttributeId, added: AttributeId) {
        let added = self.projection.keys[added].clone();
        if added.label.is_none() && self.projection.keys[known].label.is_none() {
            let names =
                key.iter().filter_map(|step| if let Step::Name(name) = step { Some(name.as_str()) } else { None });
            self.projection.keys[known].label = Some(self.heading(names));
        }
        let known = &mut self.projection.keys[known];
        if added.order.is_some() {
            known.order = added.order;
            if self.adding {
                self.order_offset += 1;
                known.settled = true;
            }
        }
        if added.label.is_some() {
            known.label = added.label;
        }
        if added.align != Align::Left {
            known.align = added.align;
        }
        known.optional = added.optional.or(known.optional).or(Some(false));
        known.reverse = added.reverse.or(known.reverse).or(Some(false));
        known.chain = added.chain.or(known.chain);
        if added.subformat.as_ref().is_some_and(|format| !format.is_empty()) {
            known.subformat = added.subformat;
        }
        known.width = added.width.or(known.width).or(Some(0));
        known.wrap = added.wrap.or(known.wrap).or(Some(Wrap::No));
    }

    /// Orders that stood before step behind the ones just added.
    fn reorder(&mut self) {
        let offset = std::mem::take(&mut self.order_offset);
        if offset == 0 {
            return;
        }
        for at in 0..self.projection.nodes.len() {
            let attribute = &mut self.projection.keys[self.projection.nodes[at].attribute];
            if attribute.is_ordered() {
                if std::mem::take(&mut attribute.settled) {
                    continue;
                }
                attribute.order = attribute.order.map(|order| order.saturating_add(offset));
            }
        }
    }
}

impl Chain {
    /// What `if()` asks: the flags of the command line, of which none is known here.
    fn condition_holds(&self) -> Result<bool> {
        match &self.condition {
            None => Ok(true),
            Some(condition) => {
                let start = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
                Filter::parse(condition, start)?.matches(&serde_json::Value::Null)
            }
        }
    }
}
