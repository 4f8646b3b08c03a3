//! The filter language of Google's lists: `state=ENABLED AND (labels.team:alpha OR NOT primary.algorithm=…)`.
//!
//! A space means AND, and OR binds tighter than AND. Paths are checked against the message when a filter is read; it is
//! then judged on the resource as callers see it, in JSON.

use std::cmp::Ordering;

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;

use super::scan::Scan;
use super::{Error, Result, Time};

/// Deeper nesting is refused: a filter is read by recursion.
const DEPTH: usize = 32;

#[derive(Debug)]
pub struct Filter(Expr);

#[derive(Debug)]
enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Compare { path: Vec<String>, shape: Shape, op: Op, value: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Has,
}

/// Longest first: `<` is the beginning of `<=`.
const OPS: [(&str, Op); 9] = [
    ("!=", Op::NotEqual),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("=<", Op::LessOrEqual),
    ("=>", Op::GreaterOrEqual),
    ("=", Op::Equal),
    ("<", Op::Less),
    (">", Op::Greater),
    (":", Op::Has),
];

/// How the values of a field compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Time,
    Duration,
    /// A message as a whole: it can only be asked for its presence.
    Whole,
}

impl Filter {
    /// Reads a filter for resources of a message type; an empty one lets everything through.
    pub fn parse(text: &str, message: &str) -> Result<Self> {
        let descriptor =
            gcp_schema::message(message).ok_or_else(|| Error::internal(format!("no descriptor of {message}")))?;
        let mut reader = Reader { scan: Scan::new("filter", text), descriptor };
        let expr = reader.all(0)?;
        reader.scan.end().map(|()| Self(expr))
    }

    pub fn matches(&self, resource: &Value) -> bool {
        self.0.matches(resource)
    }
}

impl Expr {
    fn matches(&self, resource: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(resource)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(resource)),
            Self::Not(part) => !part.matches(resource),
            Self::Compare { path, shape, op, value } => {
                let found = path.iter().try_fold(resource, |value, name| value.get(name));
                compare(found, *shape, *op, value)
            }
        }
    }
}

/// An absent field equals nothing and comes before or after nothing.
fn compare(found: Option<&Value>, shape: Shape, op: Op, wanted: &str) -> bool {
    let Some(found) = found else { return op == Op::NotEqual };
    if op == Op::Has && wanted == "*" {
        return true;
    }
    let text = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if op == Op::Has {
        return text.to_lowercase().contains(&wanted.to_lowercase());
    }
    let order = match shape {
        Shape::Text => Some(text.as_str().cmp(wanted)),
        Shape::Number => {
            text.parse::<f64>().ok().zip(wanted.parse().ok()).and_then(|(a, b): (_, f64)| a.partial_cmp(&b))
        }
        Shape::Time => Time::parse(&text).zip(Time::parse(wanted)).map(|(a, b)| a.cmp(&b)),
        Shape::Duration => seconds(&text).zip(seconds(wanted)).and_then(|(a, b)| a.partial_cmp(&b)),
        Shape::Whole => None,
    };
    match op {
        Op::Equal => order == Some(Ordering::Equal),
        Op::NotEqual => order != Some(Ordering::Equal),
        Op::Less => order == Some(Ordering::Less),
        Op::LessOrEqual => order.is_some_and(Ordering::is_le),
        Op::Greater => order == Some(Ordering::Greater),
        Op::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        Op::Has => false,
    }
}

fn seconds(text: &str) -> Option<f64> {
    text.strip_suffix('s')?.parse().ok()
}

struct Reader<'a> {
    scan: Scan<'a>,
    descriptor: MessageDescriptor,
}

impl Reader<'_> {
    fn all(&mut self, depth: usize) -> Result<Expr> {
        if depth > DEPTH {
            return Err(self.scan.refuse("it is nested too deeply"));
        }
        let mut parts = Vec::new();
        while !self.scan.is_over() {
            if !parts.is_empty() {
                self.scan.keyword("AND");
            }
            parts.push(self.any(depth)?);
        }
        Ok(Expr::All(parts))
    }

    fn any(&mut self, depth: usize) -> Result<Expr> {
        let mut parts = vec![self.term(depth)?];
        while self.scan.keyword("OR") {
            parts.push(self.term(depth)?);
        }
        Ok(Expr::Any(parts))
    }

    fn term(&mut self, depth: usize) -> Result<Expr> {
        let negated = self.scan.negation();
        let term = if self.scan.sign("(") {
            let inner = self.all(depth + 1)?;
            if !self.scan.sign(")") {
                return Err(self.scan.refuse("a '(' is not closed"));
            }
            inner
        } else {
            self.comparison()?
        };
        Ok(if negated { Expr::Not(Box::new(term)) } else { term })
    }

    fn comparison(&mut self) -> Result<Expr> {
        let name = self.scan.take(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if name.is_empty() {
            return Err(self.scan.refuse("a field is expected"));
        }
        let (path, shape) = self.resolve(name)?;
        self.scan.skip_space();
        let Some((_, op)) = OPS.into_iter().find(|(sign, _)| self.scan.sign(sign)) else {
            return Err(self.scan.refuse("one of = != < > <= >= : is expected"));
        };
        let value = self.scan.value()?;
        let fits = match shape {
            Shape::Text => true,
            Shape::Number => value.parse::<f64>().is_ok(),
            Shape::Time => Time::parse(&value).is_some(),
            Shape::Duration => seconds(&value).is_some(),
            Shape::Whole => false,
        };
        // What is only searched for a part of its text need not be a whole value; a whole message has no text.
        if !fits && !(op == Op::Has && (value == "*" || shape != Shape::Whole)) {
            return Err(self.scan.refuse(&format!("'{value}' is no value of {name}")));
        }
        Ok(Expr::Compare { path, shape, op, value })
    }

    /// The JSON names that lead to a field, and how it compares.
    fn resolve(&self, name: &str) -> Result<(Vec<String>, Shape)> {
        let unknown = || self.scan.refuse(&format!("'{name}' is no field of {}", self.descriptor.name()));
        let mut path = Vec::new();
        let mut message = self.descriptor.clone();
        let mut words = name.split('.');
        while let Some(word) = words.next() {
            let field =
                message.get_field_by_name(word).or_else(|| message.get_field_by_json_name(word)).ok_or_else(unknown)?;
            path.push(field.json_name().to_owned());
            if field.is_map() {
                let key: Vec<_> = words.collect();
                if key.is_empty() {
                    return Ok((path, Shape::Whole));
                }
                path.push(key.join("."));
                return Ok((path, Shape::Text));
            }
            let shape = match field.kind() {
                Kind::Message(inner) => match inner.full_name() {
                    "google.protobuf.Timestamp" => Shape::Time,
                    "google.protobuf.Duration" => Shape::Duration,
                    _ => {
                        message = inner;
                        continue;
                    }
                },
                Kind::String | Kind::Enum(_) | Kind::Bool | Kind::Bytes => Shape::Text,
                _ => Shape::Number,
            };
            return if words.next().is_none() { Ok((path, shape)) } else { Err(unknown()) };
        }
        Ok((path, Shape::Whole))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "google.cloud.kms.v1.CryptoKey";

    fn judge(filter: &str) -> bool {
        let key = json!({
            "name": "projects/p/locations/us/keyRings/r/cryptoKeys/Registry",
            "primary": {"state": "ENABLED", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
            "purpose": "ENCRYPT_DECRYPT",
            "createTime": "2026-01-05T09:00:00Z",
            "destroyScheduledDuration": "2592000s",
            "importOnly": true,
            "labels": {"team": "alpha", "tier.one": "x"},
        });
        Filter::parse(filter, KEY).expect(filter).matches(&key)
    }

    #[test]
    fn each_operator_on_each_shape() {
        for (filter, expected) in [
            ("", true),
            ("purpose=ENCRYPT_DECRYPT", true),
            ("purpose = \"ENCRYPT_DECRYPT\"", true),
            ("purpose=encrypt_decrypt", false),
            ("purpose!=MAC", true),
            ("name:registry", true),
            ("name:absent", false),
            ("primary.algorithm=GOOGLE_SYMMETRIC_ENCRYPTION", true),
            ("primary.state=DISABLED", false),
            ("labels.team=alpha", true),
            ("labels.tier.one=x", true),
            ("labels.other=alpha", false),
            ("labels.other!=alpha", true),
            ("labels.other:*", false),
            ("labels.team:*", true),
            ("primary:*", true),
            ("createTime>2026-01-05T08:59:59.5Z", true),
            ("create_time<2026-01-05T10:00:00+01:00", false),
            ("createTime>=\"2026-01-05T09:00:00Z\"", true),
            ("createTime=>2026-01-05T09:00:01Z", false),
            ("createTime:2026-01", true),
            ("nextRotationTime<2030-01-01T00:00:00Z", false),
            ("destroyScheduledDuration<=2592000s", true),
            ("destroyScheduledDuration>2592000.5s", false),
            ("importOnly=true", true),
        ] {
            assert_eq!(judge(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_space_means_and_and_or_binds_tighter() {
        for (filter, expected) in [
            ("purpose=MAC labels.team=alpha", false),
            ("purpose=ENCRYPT_DECRYPT labels.team=alpha", true),
            ("purpose=MAC OR labels.team=alpha", true),
            // (MAC or alpha) and (beta): with the usual precedence it would be true.
            ("labels.team=alpha OR purpose=MAC AND labels.team=beta", false),
            ("labels.team=alpha OR (purpose=MAC AND labels.team=beta)", true),
            ("-purpose=MAC", true),
            ("NOT purpose=MAC", true),
            ("NOT (purpose=ENCRYPT_DECRYPT AND labels.team=alpha)", false),
            ("NOT(purpose=MAC)AND labels.team=alpha", true),
        ] {
            assert_eq!(judge(filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_a_reason() {
        for (filter, reason) in [
            ("colour=red", "'colour' is no field of CryptoKey"),
            ("primary.colour=red", "no field"),
            ("name.first=x", "no field"),
            ("purpose", "one of = !="),
            ("purpose=", "a value is expected"),
            ("(purpose=MAC", "'(' is not closed"),
            ("purpose=MAC)", "')' closes nothing"),
            ("name=\"x", "quotation mark"),
            ("createTime>yesterday", "'yesterday' is no value of createTime"),
            ("primary=1", "no value of primary"),
            ("=x", "a field is expected"),
            ("NOT", "'NOT' is no field"),
        ] {
            let refusal = Filter::parse(filter, KEY).expect_err(filter);
            assert!(refusal.message().contains(reason), "{filter}: {}", refusal.message());
        }
        assert!(Filter::parse(&"(".repeat(100_000), KEY).unwrap_err().message().contains("nested"));
    }
}
