//! `format('{0}={1:>8}', a, b)`: text with places for the values of keys.

use std::borrow::Cow;

use serde_json::Value;

use super::{Apply, Arguments, Scope, string};
use crate::error::Result;
use crate::key::{self, Key, Step};
use crate::projection::{self, Options, Projector};
use crate::text::{self, plain};

/// The keys may carry transforms, and take those of the projection they stand in.
pub(super) fn format(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    let template = Template::parse(arguments.text("fmt", "")).map_err(|reason| arguments.wrong(reason))?;
    let projector = if arguments.rest().is_empty() {
        None
    } else {
        // Also ends what would never end: a key that formats itself.
        let scope = &scope.deeper()?;
        let keys = format!("({})", arguments.rest().join(","));
        let projection = projection::parse(&keys, scope.projection)?;
        Some(Projector::new(projection, Options { by_columns: true, ..Options::default() }, scope)?)
    };
    let arguments = arguments.clone();
    Ok(Box::new(move |value| {
        let filled = match (&projector, value.as_ref()) {
            (Some(projector), value) => template.fill(&projector.columns(value)?),
            (None, Value::Array(items)) => template.fill(&items.iter().map(Cow::Borrowed).collect::<Vec<_>>()),
            (None, value) if text::is_something(value) => template.fill(&[Cow::Borrowed(value)]),
            (None, _) => template.fill(&[string("")]),
        };
        filled.map(string).map_err(|reason| arguments.wrong(reason))
    }))
}

enum Piece {
    Text(String),
    Place { index: usize, below: Key, repr: bool, spec: Spec },
}

struct Template(Vec<Piece>);

impl Template {
    fn parse(template: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut next = 0;
        let mut letters = template.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '}' if letters.next_if_eq(&letter).is_some() => text.push(letter),
                '}' => return Err("a single } stands in the template".to_owned()),
                '{' => {
                    let mut place = String::new();
                    loop {
                        match letters.next() {
                            Some('}') => break,
                            Some('{') | None => return Err("a { in the template is not closed".to_owned()),
                            Some(letter) => place.push(letter),
                        }
                    }
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Self::place(&place, &mut next)?);
                }
                _ => text.push(letter),
            }
        }
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }

    fn place(place: &str, next: &mut usize) -> Result<Piece, String> {
        let (field, spec) = place.split_once(':').unwrap_or((place, ""));
        let (field, conversion) = field.split_once('!').map_or((field, "s"), |(field, conversion)| (field, conversion));
        let (index, below) = field.split_at(field.find(['[', '.']).unwrap_or(field.len()));
        let index = if index.is_empty() {
            *next += 1;
            *next - 1
        } else {
            index.parse().map_err(|_| format!("[{index}] in the template is not a number"))?
        };
        let below = below
            .split(['[', '.'])
            .skip(1)
            .map(|step| step.trim_end_matches(']'))
            .map(|step| text::integer(step).map_or_else(|| Step::Name(step.to_owned()), Step::Index))
            .collect();
        let spec = Spec::parse(spec).ok_or_else(|| format!("[{spec}] in the template is not a format"))?;
        Ok(Piece::Place { index, below, repr: conversion == "r", spec })
    }

    fn fill(&self, values: &[Cow<Value>]) -> Result<String, String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place { index, below, repr, spec } => {
                    let value = values.get(*index).ok_or_else(|| format!("there is no value {index}"))?;
                    let value = key::get(value, below);
                    filled.push_str(&if *repr { spec.pad(&text::repr(&value), '<') } else { spec.show(&value)? });
                }
            }
        }
        Ok(filled)
    }
}

/// `[[fill]align][sign][0][width][,][.precision][type]`
#[derive(Debug, Default, PartialEq, Eq)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    width: usize,
    thousands: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let mut spec = Self::default();
        let letters: Vec<char> = text.chars().collect();
        let is_align = |at: usize| letters.get(at).is_some_and(|letter| "<>^=".contains(*letter));
        let mut at = 0;
        if is_align(1) {
            (spec.fill, spec.align) = (letters.first().copied(), letters.get(1).copied());
            at = 2;
        } else if is_align(0) {
            spec.align = letters.first().copied();
            at = 1;
        }
        let mut take = |among: &str| {
            let found = letters.get(at).copied().filter(|letter| among.contains(*letter));
            at += usize::from(found.is_some());
            found
        };
        spec.sign = take("+- ");
        if take("0").is_some() && spec.align.is_none() {
            (spec.fill, spec.align) = (Some('0'), Some('='));
        }
        let digits = |take: &mut dyn FnMut(&str) -> Option<char>| {
            let mut digits: Option<usize> = None;
            while let Some(digit) = take("0123456789").and_then(|digit| digit.to_digit(10)) {
                digits = Some((digits.unwrap_or(0) * 10 + digit as usize).min(100_000));
            }
            digits
        };
        spec.width = digits(&mut take).unwrap_or(0);
        spec.thousands = take(",").is_some();
        if take(".").is_some() {
            spec.precision = Some(digits(&mut take)?);
        }
        spec.kind = take("sdeEfFgGnxXob%");
        let fits = spec.width <= 10_000 && spec.precision.is_none_or(|digits| digits <= 300);
        (at == letters.len() && fits).then_some(spec)
    }

    fn show(&self, value: &Value) -> Result<String, String> {
        if *self == Self::default() {
            return Ok(plain(value).into_owned());
        }
        let wrong = || Err(format!("[{}] does not fit the template", plain(value)));
        match (value, self.kind) {
            (Value::String(text), None | Some('s')) => {
                let cut: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
                Ok(self.pad(&cut, '<'))
            }
            (Value::Number(_) | Value::Bool(_), kind) => {
                match (kind, value.as_i64().or(value.as_bool().map(i64::from))) {
                    (None | Some('d' | 'n'), Some(whole)) if self.precision.is_none() => {
                        Ok(self.numeric(&whole.unsigned_abs().to_string(), whole < 0))
                    }
                    (Some('x'), Some(whole)) => Ok(self.numeric(&format!("{:x}", whole.unsigned_abs()), whole < 0)),
                    (Some('X'), Some(whole)) => Ok(self.numeric(&format!("{:X}", whole.unsigned_abs()), whole < 0)),
                    (Some('o'), Some(whole)) => Ok(self.numeric(&format!("{:o}", whole.unsigned_abs()), whole < 0)),
                    (Some('b'), Some(whole)) => Ok(self.numeric(&format!("{:b}", whole.unsigned_abs()), whole < 0)),
                    (Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') | None, _) => match text::as_float(value) {
                        Some(number) => Ok(self.numeric(&self.floating(number.abs()), number.is_sign_negative())),
                        None => wrong(),
                    },
                    _ => wrong(),
                }
            }
            _ => wrong(),
        }
    }

    fn floating(&self, number: f64) -> String {
        match (self.kind, self.precision) {
            (None, None) => text::float(number),
            (None, Some(digits)) => text::general(number, digits, true),
            (Some('%'), digits) => text::printf(number * 100.0, digits.unwrap_or(6), "f") + "%",
            (Some(kind), digits) => text::printf(number, digits.unwrap_or(6), &kind.to_string()),
        }
    }

    fn numeric(&self, digits: &str, negative: bool) -> String {
        let mut text = String::new();
        match (negative, self.sign) {
            (true, _) => text.push('-'),
            (false, Some(sign @ ('+' | ' '))) => text.push(sign),
            _ => {}
        }
        let whole = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        if self.thousands {
            for (at, digit) in digits[..whole].char_indices() {
                if at > 0 && (whole - at) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text.push_str(&digits[whole..]);
        } else {
            text.push_str(digits);
        }
        self.pad(&text, '>')
    }

    fn pad(&self, text: &str, usual: char) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let fill = |count: usize| self.fill.unwrap_or(' ').to_string().repeat(count);
        match self.align.unwrap_or(usual) {
            '>' => fill(missing) + text,
            '^' => fill(missing / 2) + text + &fill(missing - missing / 2),
            '=' => {
                let sign = usize::from(text.starts_with(['+', '-', ' ']));
                format!("{}{}{}", &text[..sign], fill(missing), &text[sign..])
            }
            _ => text.to_owned() + &fill(missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(template: &str, values: &[Value]) -> String {
        let values: Vec<Cow<Value>> = values.iter().map(Cow::Borrowed).collect();
        Template::parse(template).and_then(|template| template.fill(&values)).unwrap_or_else(|reason| reason)
    }

    #[test]
    fn places_take_values_and_widths() {
        let values = [json!("a"), json!(1234.5), json!(-7), json!({"k": [1, 2]})];
        for (template, expected) in [
            ("{0}={1}", "a=1234.5"),
            ("{}-{}", "a-1234.5"),
            ("{{{0}}}", "{a}"),
            ("[{0:>3}|{0:*^3}|{0:<3}]", "[  a|*a*|a  ]"),
            ("{1:,.2f}", "1,234.50"),
            ("{2:05d}", "-0007"),
            ("{3[k][1]}", "2"),
            ("{0!r}", "'a'"),
            ("{9}", "there is no value 9"),
            ("{0:f.1}", "[f.1] in the template is not a format"),
        ] {
            assert_eq!(filled(template, &values), expected);
        }
    }
}
