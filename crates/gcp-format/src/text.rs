//! Values as text, the way gcloud prints them: `True`, `None`, `['a', 'b']`, `1e+20`.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Number, Value};

/// What a cell shows.
pub(crate) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("None"),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::Number(number) => Cow::Owned(self::number(number)),
        Value::Array(_) | Value::Object(_) => Cow::Owned(repr(value)),
    }
}

/// What a value inside a list or a map shows.
pub(crate) fn repr(value: &Value) -> String {
    let mut text = String::new();
    write_repr(value, &mut text);
    text
}

fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (name, item)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                quote(name, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
        _ => out.push_str(&plain(value)),
    }
}

fn quote(text: &str, out: &mut String) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if letter == mark => {
                out.push('\\');
                out.push(letter);
            }
            _ if !printable(letter) => {
                let code = u32::from(letter);
                let _ = match code {
                    ..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            _ => out.push(letter),
        }
    }
    out.push(mark);
}

fn printable(letter: char) -> bool {
    !(letter.is_control()
        || (letter.is_whitespace() && letter != ' ')
        || crate::width::is_format(letter)
        || matches!(u32::from(letter), 0xe000..=0xf8ff | 0xf_0000..))
}

pub(crate) fn number(number: &Number) -> String {
    if number.is_f64() { number.as_f64().map(float).unwrap_or_default() } else { number.to_string() }
}

/// The shortest digits that read back, with an exponent below 1e-4 and from 1e16.
pub(crate) fn float(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "nan"
        } else if number > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let text = number.to_string();
        if text.contains('.') { text } else { text + ".0" }
    } else {
        with_exponent(digits, exponent)
    }
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Python's `g`: this many significant digits, without trailing zeros. `whole` is the variant without a letter, which
/// keeps one digit after the point.
pub(crate) fn general(number: f64, precision: usize, whole: bool) -> String {
    if !number.is_finite() {
        return float(number);
    }
    let precision = precision.clamp(1, 400);
    let scientific = format!("{number:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if exponent < -4 || exponent >= precision as i32 - i32::from(whole) {
        return with_exponent(strip_zeros(digits), exponent);
    }
    let fixed = format!("{number:.*}", usize::try_from(precision as i32 - 1 - exponent).unwrap_or_default());
    let text = strip_zeros(&fixed);
    if whole && !text.contains('.') { format!("{text}.0") } else { text.to_owned() }
}

fn strip_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// `%.Ne`, `%.Nf` and `%.Ng`.
pub(crate) fn printf(number: f64, digits: usize, spec: &str) -> String {
    let text = match spec.to_ascii_lowercase().as_str() {
        _ if !number.is_finite() => float(number),
        "e" => {
            let scientific = format!("{number:.digits$e}");
            let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
            with_exponent(digits, exponent.parse().unwrap_or_default())
        }
        "f" => format!("{number:.digits$}"),
        _ => general(number, digits, false),
    };
    if spec.starts_with(|letter: char| letter.is_ascii_uppercase()) { text.to_uppercase() } else { text }
}

/// Floating point as formats print it: six digits, and no exponent for what stays below 1e9.
pub(crate) fn short_float(number: f64) -> String {
    let text = general(number, 6, true);
    match text.split_once("e+") {
        Some((_, exponent)) if exponent.parse::<u32>().is_ok_and(|exponent| exponent < 9) => format!("{number:.1}"),
        _ => text,
    }
}

/// Empty text, list and map, zero, `false` and null count as nothing.
pub(crate) fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// A whole number as a person may write it: blanks around, a sign, `_` between digits.
pub(crate) fn integer(text: &str) -> Option<i64> {
    digits_only(text)?.parse().ok()
}

pub(crate) fn floating(text: &str) -> Option<f64> {
    let text = digits_only(text)?;
    let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let is_word = matches!(bare.as_str(), "inf" | "infinity" | "nan");
    (is_word || bare.starts_with(|first: char| first.is_ascii_digit() || first == '.')).then(|| text.parse().ok())?
}

fn digits_only(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let between =
        |at: usize| at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).all(|at| bytes[at] != b'_' || between(at)).then(|| Cow::Owned(text.replace('_', "")))
}

/// Value as a number: a number, a truth, or text that reads as one.
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::String(text) => floating(text),
        _ => None,
    }
}

/// An argument that says yes or no: anything but nothing, `false` and zero is yes.
pub(crate) fn is_yes(argument: &str) -> bool {
    !argument.is_empty()
        && !argument.eq_ignore_ascii_case("false")
        && floating(argument).is_none_or(|number| number != 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_show_as_gcloud_shows_them() {
        let value = json!({"a": [1, "it's", null, true, 1.0, 1e20], "b": {"c": "tab\t\"'"}});
        assert_eq!(repr(&value), r#"{'a': [1, "it's", None, True, 1.0, 1e+20], 'b': {'c': 'tab\t"\''}}"#);
    }

    #[test]
    fn floats_are_short_and_plain_below_a_billion() {
        for (number, expected) in [
            (1.0, "1.0"),
            (0.1 + 0.2, "0.3"),
            (123_456.0, "123456.0"),
            (1_234_567.0, "1234567.0"),
            (999_999_999.0, "1e+09"),
            (99_999_999.0, "99999999.0"),
            (1e20, "1e+20"),
            (0.00001, "1e-05"),
            (0.000_123_456_789, "0.000123457"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(short_float(number), expected);
        }
        assert_eq!(float(1e16), "1e+16");
        assert_eq!(float(1e15), "1000000000000000.0");
        assert_eq!(float(1e-5), "1e-05");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(integer(" +1_000 "), Some(1000));
        assert_eq!(integer("1__0"), None);
        assert_eq!(floating("1e3"), Some(1000.0));
        assert_eq!(floating("e3"), None);
        assert!(!is_yes("false") && !is_yes("0.0") && is_yes("no"));
    }
}
