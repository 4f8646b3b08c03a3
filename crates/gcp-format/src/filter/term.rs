//! One term: a key, an operator, an operand or a list of them.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::{Timestamp, Zoned};
use regex::Regex;
use serde_json::{Number, Value};

use super::Notes;
use super::words::{Pattern, searchable};
use crate::error::{FormatError, Result};
use crate::key::{self, Key, Step};
use crate::text::{self, plain, repr};
use crate::time::{self, Zone};
use crate::transform::{self, Links};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Has,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Match,
    NotMatch,
}

impl Operator {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
            _ => false,
        }
    }
}

/// Whole numbers compare as such, however large.
#[derive(Clone, Copy)]
struct Numeric {
    whole: Option<i128>,
    float: f64,
}

impl Numeric {
    fn read(text: &str) -> Option<Self> {
        let float = text::floating(text)?;
        let whole = if text.contains('_') { text::integer(text).map(i128::from) } else { text.trim().parse().ok() };
        Some(Self { whole, float })
    }

    fn of_number(number: &Number) -> Option<Self> {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        Some(Self { whole, float: number.as_f64()? })
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::of_number(number),
            Value::Bool(yes) => Some(Self { whole: Some(i128::from(*yes)), float: f64::from(u8::from(*yes)) }),
            Value::String(text) => Self::read(text),
            _ => None,
        }
    }

    /// Without the zeros after the point.
    fn print(self, value: &Value) -> String {
        match (self.whole, value) {
            (_, Value::Bool(_)) => plain(value).into_owned(),
            (Some(whole), _) => whole.to_string(),
            (None, _) => {
                let text = text::float(self.float);
                match text.split_once('.') {
                    Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole.to_owned(),
                    _ => text,
                }
            }
        }
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self.whole, other.whole) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => self.float.partial_cmp(&other.float),
        }
    }
}

struct Operand {
    text: String,
    number: Option<Numeric>,
    /// `true` and `false` are numbers that may also be text.
    is_truth: bool,
    pattern: Option<Pattern>,
    moment: Option<Timestamp>,
}

pub(super) struct Term {
    /// Its place among the terms of the filter.
    index: usize,
    pub key: Key,
    operator: Operator,
    operands: Vec<Operand>,
    links: Option<Links>,
    regex: Option<Regex>,
    now: Zoned,
}

impl Term {
    pub fn new(
        index: usize,
        key: Key,
        operator: Operator,
        operands: Vec<String>,
        links: Option<Links>,
        now: Zoned,
    ) -> Result<Self> {
        let regex = match (operator, operands.first()) {
            (Operator::Match | Operator::NotMatch, Some(pattern)) => Some(crate::pattern::anywhere(pattern)?),
            _ => None,
        };
        let operands = operands
            .into_iter()
            .map(|text| {
                let pattern = match operator {
                    Operator::Has => Some(Pattern::has(&text)?),
                    Operator::Equal | Operator::NotEqual => Some(Pattern::equal(&text)),
                    _ => None,
                };
                let truth = match text.to_lowercase().as_str() {
                    "true" => Some(1),
                    "false" => Some(0),
                    _ => None,
                };
                let number = match truth {
                    Some(truth) => Some(Numeric { whole: Some(truth), float: truth as f64 }),
                    None => Numeric::read(&text),
                };
                let moment = moment(&text, &now);
                Ok(Operand { text, number, is_truth: truth.is_some(), pattern, moment })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { index, key, operator, operands, links, regex, now })
    }

    pub fn matches(&self, record: &Value, notes: &mut Notes) -> Result<bool> {
        let mut value = key::get(record, &self.key);
        if let Some(links) = &self.links {
            value = Cow::Owned(transform::run(links, value, None)?.into_owned());
        }
        let values = match value.as_ref() {
            Value::Array(items) if !items.is_empty() => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for value in values {
            if self.value_matches(value, notes)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn value_matches(&self, value: &Value, notes: &mut Notes) -> Result<bool> {
        let mut moment = match value {
            Value::String(text) if self.links.is_none() && looks_like_moment(text) => moment(text, &self.now),
            _ => None,
        };
        let mut dated = moment.is_some();
        if let Some(known) = notes.dated.get_mut(self.index) {
            if text::is_something(value) {
                dated = *known.get_or_insert(dated);
            } else {
                dated = known.unwrap_or(false);
            }
        }
        moment = moment.filter(|_| dated);
        let numeric = if moment.is_some() || self.regex.is_some() { None } else { Numeric::of(value) };
        for operand in &self.operands {
            if let (Some(left), Some(right)) = (numeric, operand.number) {
                let holds = match operand.pattern {
                    Some(_) => self.words_match(&Subject::Number(left, value), notes),
                    None => left.compare(right).is_some_and(|ordering| self.operator.holds(ordering)),
                };
                if holds {
                    return Ok(true);
                }
                if !operand.is_truth {
                    continue;
                }
            }
            if dated && operand.moment.is_some() && !text::is_something(value) {
                continue;
            }
            if self.operand_matches(value, moment, operand, notes)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn operand_matches(
        &self,
        value: &Value,
        moment: Option<Timestamp>,
        operand: &Operand,
        notes: &mut Notes,
    ) -> Result<bool> {
        if operand.pattern.is_some() {
            return Ok(self.words_match(&Subject::of(value, moment), notes));
        }
        if let (Some(left), None, false) = (moment, &self.regex, operand.text.is_empty()) {
            return match operand.moment {
                Some(right) => Ok(self.operator.holds(left.cmp(&right))),
                None => Err(FormatError::Time(operand.text.clone())),
            };
        }
        let text = match value {
            Value::Null => Cow::Borrowed(""),
            Value::Array(_) | Value::Object(_) => return Ok(false),
            scalar => plain(scalar),
        };
        Ok(match &self.regex {
            Some(regex) => regex.is_match(&text) == (self.operator == Operator::Match),
            None => self.operator.holds(text.as_ref().cmp(operand.text.as_str())),
        })
    }

    /// Any operand in the value, or in a member of a list, or in a map's names and members.
    fn words_match(&self, subject: &Subject, notes: &mut Notes) -> bool {
        let found = match subject {
            Subject::Value(Value::Object(entries)) => entries.iter().any(|(name, value)| {
                self.any_pattern(&Subject::Text(name), None) || self.any_pattern(&Subject::of(value, None), None)
            }),
            Subject::Value(Value::Array(items)) => {
                items.iter().any(|item| self.any_pattern(&Subject::of(item, None), Some(notes)))
            }
            subject => self.any_pattern(subject, Some(notes)),
        };
        found == (self.operator != Operator::NotEqual)
    }

    fn any_pattern(&self, subject: &Subject, mut notes: Option<&mut Notes>) -> bool {
        self.operands.iter().any(|operand| {
            operand
                .pattern
                .as_ref()
                .is_some_and(|pattern| self.matches_pattern(subject, operand, pattern, notes.as_deref_mut()))
        })
    }

    fn matches_pattern(
        &self,
        subject: &Subject,
        operand: &Operand,
        pattern: &Pattern,
        notes: Option<&mut Notes>,
    ) -> bool {
        let text = match subject {
            Subject::Number(number, value) => {
                let equals = |other: Numeric| number.compare(other) == Some(Ordering::Equal);
                if operand.number.is_some_and(equals) {
                    return true;
                }
                Cow::Owned(number.print(value).to_lowercase())
            }
            Subject::Text(text) if *text == operand.text => return true,
            Subject::Moment(moment, _) if operand.moment == Some(*moment) => return true,
            Subject::Text(text) | Subject::Moment(_, text) => searchable(text),
            Subject::Value(Value::Null) if operand.text.is_empty() => return true,
            Subject::Value(Value::Null) if operand.text == "*" && self.operator == Operator::Has => return false,
            Subject::Value(Value::Null) => Cow::Borrowed("null"),
            Subject::Value(value) => Cow::Owned(searchable(&repr(value)).into_owned()),
        };
        let (mut now, later) = pattern.matches(&text);
        if let [Step::Name(name)] = self.key.as_slice()
            && matches!(name.as_str(), "zone" | "region")
            && operand.text != "*"
        {
            now |= pattern.matches(text.rsplit('/').next().unwrap_or_default()).0;
        }
        if now != later
            && let Some(notes) = notes
        {
            self.warn(operand, now, notes);
        }
        now
    }

    /// Once for `:`, once for `=` and `!=`.
    fn warn(&self, operand: &Operand, now: bool, notes: &mut Notes) {
        let (slot, operator) = match self.operator {
            Operator::Has => (&mut notes.has, ":"),
            Operator::NotEqual => (&mut notes.equal, "!="),
            _ => (&mut notes.equal, "="),
        };
        if slot.is_some() {
            return;
        }
        let (today, one_day) = if now { ("matches", "will not match") } else { ("does not match", "will match") };
        *slot = Some(format!(
            "--filter : operator evaluation is changing for consistency across Google APIs.  {key}{operator}{operand} \
             currently {today} but {one_day} in the near future.  Run `gcloud topic filters` for details.",
            key = key::name(&self.key),
            operand = operand.text,
        ));
    }
}

/// What a pattern is held against.
enum Subject<'a> {
    Number(Numeric, &'a Value),
    Text(&'a str),
    Moment(Timestamp, &'a str),
    Value(&'a Value),
}

impl<'a> Subject<'a> {
    fn of(value: &'a Value, moment: Option<Timestamp>) -> Self {
        match (value, moment) {
            (Value::String(text), Some(moment)) => Self::Moment(moment, text),
            (Value::String(text), None) => Self::Text(text),
            (Value::Number(_) | Value::Bool(_), _) => {
                Numeric::of(value).map_or(Self::Value(value), |number| Self::Number(number, value))
            }
            _ => Self::Value(value),
        }
    }
}

/// `2026-01-05T09:00:00…`
fn looks_like_moment(text: &str) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd";
    text.len() >= shape.len()
        && text.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b' '),
            other => byte == *other,
        })
}

fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    if text.is_empty() {
        return None;
    }
    let local = Zone::Named(now.time_zone().clone());
    time::parse(text, Some(&local), now)?.timestamp(now.time_zone())
}
