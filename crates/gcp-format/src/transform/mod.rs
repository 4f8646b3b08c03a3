//! Functions on a key's value: `name.basename()`, `labels.list().upper()`, `firstof(a,b)`.

mod arguments;
mod code;
mod list;
mod number;
mod pick;
mod string;
mod template;
mod when;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Zoned;
use serde_json::Value;

pub(crate) use arguments::Arguments;
pub(crate) use list::sorted;
pub(crate) use pick::address;

use crate::error::{FormatError, Result};
use crate::key::{self, Key, Step};
use crate::lex::Lexer;
use crate::projection::Projection;
use crate::text;

/// Gives the address of a record, for `--uri` and the `uri()` transform.
pub type Locate = Arc<dyn Fn(&Value) -> Option<String> + Send + Sync>;

/// What transforms may ask of the world.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    /// The time, and the zone that counts as local.
    pub now: Zoned,
    pub locate: Option<Locate>,
    pub projection: Option<&'a Projection>,
    /// How many expressions this one stands in.
    pub depth: usize,
}

/// Expressions within expressions; more cost stack, and nobody means them.
const DEEPEST: usize = 6;

impl Scope<'_> {
    pub fn at(now: Zoned) -> Self {
        Self { now, locate: None, projection: None, depth: 0 }
    }

    /// For an expression inside this one.
    pub fn deeper(&self) -> Result<Self> {
        if self.depth >= DEEPEST {
            return Err(FormatError::TooDeep);
        }
        Ok(Self { depth: self.depth + 1, ..self.clone() })
    }
}

pub(crate) type Apply = Box<dyn for<'a> Fn(Cow<'a, Value>) -> Result<Cow<'a, Value>> + Send + Sync>;

/// A call as it was written.
#[derive(Clone, Debug)]
struct Call {
    arguments: Arguments,
    /// On a list it runs on every member; on lists of lists, this deep.
    map: usize,
    active: Option<u32>,
}

/// Calls in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    calls: Vec<Call>,
    pub condition: Option<String>,
}

/// A call ready to run.
pub(crate) struct Link {
    apply: Apply,
    map: usize,
    on_original: bool,
}

pub(crate) type Links = Vec<Link>;

impl Chain {
    /// The projection it belongs to; none if it always runs.
    pub fn active(&self) -> Option<u32> {
        self.calls.first().and_then(|call| call.active)
    }

    pub fn extend(&mut self, more: Self) {
        self.calls.extend(more.calls);
    }

    /// What a heading is made of where there is no key.
    pub fn words(&self) -> Vec<String> {
        let Some(last) = self.calls.last() else { return Vec::new() };
        let mut words = vec![last.arguments.name().to_owned()];
        words.extend(self.calls.first().into_iter().flat_map(|call| call.arguments.positional().map(str::to_owned)));
        words
    }

    pub fn link(&self, scope: &Scope) -> Result<Links> {
        self.calls
            .iter()
            .map(|call| {
                Ok(Link {
                    apply: call.arguments.build(scope)?,
                    map: call.map,
                    on_original: call.arguments.name() == "uri",
                })
            })
            .collect()
    }
}

/// The function's name is the last step of what reads like a key.
pub(crate) fn take_name(key: &mut Key) -> String {
    match key.pop() {
        Some(Step::Name(name)) => name,
        Some(Step::Index(index)) => index.to_string(),
        Some(Step::Slice) | None => "None".to_owned(),
    }
}

/// Reads calls; the first one's opening parenthesis is behind.
pub(crate) fn parse(lexer: &mut Lexer, name: &str, active: u32) -> Result<Chain> {
    let mut chain = Chain::default();
    let mut name = name.to_owned();
    let mut active = Some(active);
    let mut map = 0;
    let mut start = lexer.position;
    loop {
        let here = lexer.position;
        let Some(signature) = arguments::find(&name) else {
            return Err(FormatError::UnknownTransform { name, place: lexer.annotate(here) });
        };
        let given = lexer.arguments(",")?;
        if signature.name == "if" && given.len() != 1 {
            return Err(lexer.error("Conditional filter expression expected", start));
        }
        let arguments = Arguments::bind(signature, given)?;
        match signature.name {
            "always" => active = None,
            "map" => map = arguments.whole("depth", 1)?.clamp(1, 100),
            _ => {
                if signature.name == "if" {
                    chain.condition = Some(arguments.text("expr", "").to_owned());
                }
                chain.calls.push(Call { arguments, map: std::mem::take(&mut map), active });
            }
        }
        if lexer.take(".").is_none() {
            return Ok(chain);
        }
        let mut key = lexer.key()?;
        let here = lexer.position;
        start = here;
        if lexer.take_more("(")?.is_none() {
            return Err(lexer.error("Transform function expected", here));
        }
        if key.len() != 1 {
            return Err(FormatError::UnknownTransform { name: key::bare_name(&key), place: lexer.annotate(here) });
        }
        name = take_name(&mut key);
    }
}

/// Runs the calls one after the other. `original` is the whole record where a column is made.
pub(crate) fn run<'a>(links: &Links, value: Cow<'a, Value>, original: Option<&'a Value>) -> Result<Cow<'a, Value>> {
    let mut value = value;
    for link in links {
        if link.on_original
            && let Some(original) = original
        {
            value = Cow::Borrowed(original);
        }
        value = match value.as_ref() {
            Value::Array(items) if link.map > 0 => {
                let mut mapped = Vec::with_capacity(items.len());
                for item in flattened(items, link.map - 1).iter() {
                    mapped.push((link.apply)(Cow::Borrowed(item))?.into_owned());
                }
                Cow::Owned(Value::Array(mapped))
            }
            other if link.map > 0 && !text::is_something(other) => value,
            _ => (link.apply)(value)?,
        };
    }
    Ok(value)
}

fn flattened(items: &[Value], depth: usize) -> Cow<'_, [Value]> {
    let mut items = Cow::Borrowed(items);
    for _ in 0..depth {
        let Some(below) = items.iter().map(members).collect::<Option<Vec<_>>>() else { break };
        items = Cow::Owned(below.into_iter().flatten().collect());
    }
    items
}

/// What a loop over the value meets: items, names, letters.
pub(crate) fn members(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items.clone()),
        Value::Object(entries) => Some(entries.keys().cloned().map(Value::String).collect()),
        Value::String(letters) => Some(letters.chars().map(|letter| Value::String(letter.to_string())).collect()),
        _ => None,
    }
}

fn string<'a>(text: impl Into<String>) -> Cow<'a, Value> {
    Cow::Owned(Value::String(text.into()))
}
