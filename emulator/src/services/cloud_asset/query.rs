//! The query language: `kmsKeys:ring location:(us OR europe) NOT state:DESTROYED`.
//!
//! Values and fields are compared as words, in order and without a gap between them.

use gcp_schema::cloudasset::ResourceSearchResult as Resource;
use prost_types::Timestamp;

use super::render;
use crate::kernel::scan::Scan;
use crate::kernel::{Error, Result, Time, mask};

/// Google's limits on one query.
const CHARACTERS: usize = 2048;
const COMPARISONS: usize = 10;
/// Deeper nesting is refused: a query is read by recursion.
const DEPTH: usize = 32;

#[derive(Debug, PartialEq)]
pub struct Query(Expr);

#[derive(Debug, PartialEq)]
enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    /// In a field, or in any.
    Words {
        field: Option<String>,
        words: Vec<Word>,
    },
    /// A field is set.
    Set {
        field: String,
    },
    Equals {
        field: String,
        value: String,
    },
    Time {
        field: String,
        op: Op,
        seconds: i64,
    },
}

#[derive(Debug, PartialEq)]
struct Word {
    /// Without case.
    text: String,
    prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Has,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longest first.
const OPS: [(&str, Op); 6] = [
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    (":", Op::Has),
    ("=", Op::Equal),
    ("<", Op::Less),
    (">", Op::Greater),
];

const TIMES: [&str; 2] = ["create_time", "update_time"];

fn belongs_to_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '&'
}

/// The words of a text as it is: case stays.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !belongs_to_word(c)).filter(|word| !word.is_empty())
}

fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

impl Word {
    fn fits(&self, text: &str) -> bool {
        if !self.prefix {
            return fold(text).eq(self.text.chars());
        }
        let mut chars = fold(text);
        self.text.chars().all(|wanted| chars.next() == Some(wanted))
    }
}

fn holds(text: &str, wanted: &[Word]) -> bool {
    let found: Vec<&str> = words(text).collect();
    found.windows(wanted.len()).any(|window| window.iter().zip(wanted).all(|(text, word)| word.fits(text)))
}

impl Query {
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().count() > CHARACTERS {
            return Err(Error::invalid_argument(format!("Invalid query: it is longer than {CHARACTERS} characters.")));
        }
        let mut reader = Reader { scan: Scan::new("query", text), comparisons: 0 };
        let expr = reader.all(None, 0)?;
        reader.scan.end().map(|()| Self(expr))
    }

    pub fn matches(&self, resource: &Resource) -> bool {
        self.0.matches(resource)
    }
}

impl Expr {
    fn matches(&self, resource: &Resource) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(resource)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(resource)),
            Self::Not(part) => !part.matches(resource),
            Self::Words { field: Some(field), words } => {
                render::texts(resource, field).iter().any(|text| holds(text, words))
            }
            Self::Words { field: None, words } => render::searchable(resource).iter().any(|text| holds(text, words)),
            Self::Set { field } if TIMES.contains(&field.as_str()) => time(resource, field).is_some(),
            Self::Set { field } => !render::texts(resource, field).is_empty(),
            Self::Equals { field, value } => render::texts(resource, field).iter().any(|text| text == value),
            Self::Time { field, op, seconds } => time(resource, field).is_some_and(|at| match op {
                Op::Has | Op::Equal => at.seconds == *seconds,
                Op::Less => at.seconds < *seconds,
                Op::LessOrEqual => at.seconds <= *seconds,
                Op::Greater => at.seconds > *seconds,
                Op::GreaterOrEqual => at.seconds >= *seconds,
            }),
        }
    }
}

/// What stands alone needs nothing around it.
fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn time<'a>(resource: &'a Resource, field: &str) -> Option<&'a Timestamp> {
    if field == "create_time" { resource.create_time.as_ref() } else { resource.update_time.as_ref() }
}

/// Seconds since the epoch, a date, or a date and a time of day, in UTC where it says nothing else.
fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")]
        .iter()
        .find_map(|text| Time::parse(text))
        .map(|time| time.to_proto().seconds)
}

struct Reader<'a> {
    scan: Scan<'a>,
    comparisons: usize,
}

impl Reader<'_> {
    /// `field` is what stands before a bracket: `location:(us OR europe)`.
    fn all(&mut self, field: Option<&(String, Op)>, depth: usize) -> Result<Expr> {
        if depth > DEPTH {
            return Err(self.scan.refuse("it is nested too deeply"));
        }
        let mut parts = Vec::new();
        while !self.scan.is_over() {
            if !parts.is_empty() {
                self.scan.keyword("AND");
            }
            let mut any = vec![self.term(field, depth)?];
            while self.scan.keyword("OR") {
                any.push(self.term(field, depth)?);
            }
            parts.push(one_or(any, Expr::Any));
        }
        Ok(one_or(parts, Expr::All))
    }

    fn term(&mut self, field: Option<&(String, Op)>, depth: usize) -> Result<Expr> {
        let negated = self.scan.negation();
        let term = if self.scan.sign("(") { self.bracket(field, depth)? } else { self.comparison(field, depth)? };
        Ok(if negated { Expr::Not(Box::new(term)) } else { term })
    }

    fn bracket(&mut self, field: Option<&(String, Op)>, depth: usize) -> Result<Expr> {
        let inner = self.all(field, depth + 1)?;
        if !self.scan.sign(")") {
            return Err(self.scan.refuse("a '(' is not closed"));
        }
        match &inner {
            Expr::All(parts) if parts.is_empty() => Err(self.scan.refuse("there is nothing between brackets")),
            _ => Ok(inner),
        }
    }

    fn comparison(&mut self, field: Option<&(String, Op)>, depth: usize) -> Result<Expr> {
        if field.is_none()
            && let Some(field) = self.field()?
        {
            self.scan.skip_space();
            return if self.scan.sign("(") { self.bracket(Some(&field), depth) } else { self.value(Some(&field)) };
        }
        self.value(field)
    }

    /// A field and an operator, if they stand here.
    fn field(&mut self) -> Result<Option<(String, Op)>> {
        let all = self.scan.rest();
        let end = all.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(all.len());
        let (name, rest) = all.split_at(end);
        let Some((sign, op)) = OPS.into_iter().find(|(sign, _)| rest.trim_start().starts_with(sign)) else {
            return Ok(None);
        };
        if name.is_empty() {
            return Err(self.scan.refuse("a field is expected"));
        }
        let field = match name.split_once('.') {
            Some((map, key)) => format!("{}.{key}", mask::snake(map)),
            None => mask::snake(name),
        };
        let is_time = TIMES.contains(&field.as_str());
        if !is_time && !render::is_field(&field) {
            return Err(self.scan.refuse(&format!("'{name}' cannot be searched")));
        }
        if !is_time && !matches!(op, Op::Has | Op::Equal) {
            return Err(self.scan.refuse(&format!("'{name}' is no time")));
        }
        self.scan.sign(name);
        self.scan.skip_space();
        self.scan.sign(sign);
        Ok(Some((field, op)))
    }

    fn value(&mut self, field: Option<&(String, Op)>) -> Result<Expr> {
        self.comparisons += 1;
        if self.comparisons > COMPARISONS {
            return Err(self.scan.refuse(&format!("it has more than {COMPARISONS} comparisons")));
        }
        let text = self.scan.value()?;
        match field {
            Some((field, Op::Has)) if text == "*" => Ok(Expr::Set { field: field.clone() }),
            Some((field, op)) if TIMES.contains(&field.as_str()) => match seconds(&text) {
                Some(seconds) => Ok(Expr::Time { field: field.clone(), op: *op, seconds }),
                None => Err(self.scan.refuse(&format!("'{text}' is no time"))),
            },
            Some((field, Op::Has)) => Ok(Expr::Words { field: Some(field.clone()), words: self.words(&text)? }),
            Some((field, _)) => Ok(Expr::Equals { field: field.clone(), value: text }),
            None => Ok(Expr::Words { field: None, words: self.words(&text)? }),
        }
    }

    fn words(&self, text: &str) -> Result<Vec<Word>> {
        let mut found = Vec::new();
        for word in words(text) {
            let end = word.as_ptr() as usize - text.as_ptr() as usize + word.len();
            found.push(Word { text: fold(word).collect(), prefix: text[end..].starts_with('*') });
        }
        if found.is_empty() { Err(self.scan.refuse(&format!("'{text}' holds no word"))) } else { Ok(found) }
    }
}
