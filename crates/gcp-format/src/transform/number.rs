//! Transforms of numbers: sizes, floating point, resolutions.

use serde_json::Value;

use super::{Apply, Arguments, Scope, string};
use crate::error::Result;
use crate::text::{self, as_float, general, is_something, plain};

pub(super) fn float(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let digits = arguments.digits("precision", 6)?;
    let undefined = arguments.owned("undefined", "");
    let spec = match arguments.get("spec") {
        None => None,
        Some(spec @ ("e" | "E" | "f" | "F" | "g" | "G")) => Some(spec.to_owned()),
        Some(spec) => return Err(arguments.wrong(format!("[{spec}] is not one of e, f and g"))),
    };
    Ok(Box::new(move |value| {
        Ok(string(match (as_float(&value), &spec) {
            (None, _) => undefined.clone(),
            (Some(number), Some(spec)) => text::printf(number, digits, spec),
            (Some(number), None) => {
                let text = general(number, digits, true);
                match text.split_once("e+") {
                    Some((_, exponent)) if exponent.parse::<u32>().is_ok_and(|exponent| exponent < 9) => {
                        format!("{number:.1}")
                    }
                    _ => text,
                }
            }
        }))
    }))
}

const UNITS: [&str; 6] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// A unit's letter and how many bytes it is; a bare number is a size of its own.
fn unit(text: Option<&str>) -> (bool, f64) {
    let Some(text) = text else { return (false, 1.0) };
    if let Some(size) = text::floating(text) {
        return (false, if size == 0.0 { 1.0 } else { size });
    }
    let letter = text.chars().next().map(|letter| letter.to_ascii_uppercase());
    match letter.and_then(|letter| "KMGTP".find(letter)) {
        Some(at) => (true, 1024_f64.powi(at as i32 + 1)),
        None => (false, 1.0),
    }
}

pub(super) fn size(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let zero = arguments.owned("zero", "0");
    let digits = arguments.digits("precision", 1)?;
    let (_, unit_in) = unit(arguments.get("units_in"));
    let (fixed, unit_out) = unit(arguments.get("units_out"));
    let least = arguments.text("min", "0");
    let Some(least) = text::floating(least) else {
        return Err(arguments.wrong(format!("[{least}] is not a number")));
    };
    Ok(Box::new(move |value| {
        if !is_something(&value) {
            return Ok(string(zero.clone()));
        }
        let mut size = as_float(&value).unwrap_or(0.0);
        let sign = if size < least { "< " } else { "" };
        size = size.max(least) * unit_in;
        if fixed {
            return Ok(string(format!("{:.digits$}", size / unit_out)));
        }
        let mut at = 0;
        while size >= 1024.0 && at < UNITS.len() {
            size /= 1024.0;
            at += 1;
        }
        let unit = UNITS[at.min(UNITS.len() - 1)];
        Ok(string(if size.fract() == 0.0 {
            format!("{sign}{size:.0} {unit}")
        } else {
            format!("{sign}{size:.digits$} {unit}")
        }))
    }))
}

const SIDES: [(&str, &str); 5] =
    [("width", "height"), ("screenx", "screeny"), ("col", "row"), ("col", "line"), ("x", "y")];

pub(super) fn resolution(arguments: &Arguments, _: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", "");
    let transpose = arguments.yes("transpose", false);
    Ok(Box::new(move |value| {
        let side = |part: &str| {
            let named =
                |name: &&String| !name.starts_with("__") && !name.ends_with("__") && name.to_lowercase().contains(part);
            let entries = value.as_object()?;
            entries.get(entries.keys().find(named)?).filter(|side| !Value::is_null(side))
        };
        let found = SIDES.iter().find_map(|(x, y)| Some((side(x)?, side(y)?)));
        Ok(string(match found {
            Some((x, y)) if transpose => format!("{} x {}", plain(y), plain(x)),
            Some((x, y)) => format!("{} x {}", plain(x), plain(y)),
            None => undefined.clone(),
        }))
    }))
}
