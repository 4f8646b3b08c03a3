//! `strftime`, with fractions (`%3f`) and offsets with a colon (`%Ez`, `%Oz`).

use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};

use super::{Moment, Zone};
use crate::text;

/// The letters of the C library.
const KNOWN: &str = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY%";

impl Moment {
    /// What the format does not know stays as it is written.
    pub fn print(&self, format: &str) -> String {
        let mut printed = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            printed.push_str(&rest[..at]);
            rest = &rest[at..];
            let length = directive(rest);
            let (one, after) = rest.split_at(length);
            self.directive(one, &mut printed);
            rest = after;
        }
        printed.push_str(rest);
        printed
    }

    fn directive(&self, directive: &str, out: &mut String) {
        let width = directive[1..].chars().next().and_then(|letter| letter.to_digit(10)).filter(|digit| *digit > 0);
        let modified = directive.contains(['E', 'O']);
        match directive.chars().last() {
            Some('f') => out.push_str(&self.fraction(width)),
            Some('s') => {
                let local = self.zone.as_ref().map_or(jiff::tz::TimeZone::UTC, Zone::zone);
                if let Some(seconds) = self.timestamp(&local).map(|at| at.as_microsecond() as f64 / 1e6)
                    && seconds != 0.0
                {
                    out.push_str(&text::float(seconds));
                }
            }
            Some('z') => {
                let Some(offset) = self.offset() else { return };
                let (sign, minutes) = (offset.seconds() < 0, offset.seconds().abs() / 60);
                let sign = if sign { '-' } else { '+' };
                match (modified, directive.contains('E') && minutes == 0) {
                    (true, true) => out.push('Z'),
                    (true, false) => out.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)),
                    (false, _) => out.push_str(&format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)),
                }
            }
            Some('Z') => match &self.zone {
                Some(Zone::Utc) => out.push_str("UTC"),
                Some(Zone::Named(zone)) => {
                    if let Ok(at) = zone.to_timestamp(self.civil) {
                        out.push_str(zone.to_offset_info(at).abbreviation());
                    }
                }
                _ => {}
            },
            Some(letter) if !KNOWN.contains(letter) => out.push_str(directive),
            _ => {
                let config = Config::new().custom(PosixCustom::new());
                match BrokenDownTime::from(self.civil).to_string_with_config(&config, directive.replace(['E', 'O'], ""))
                {
                    Ok(text) => out.push_str(&text),
                    Err(_) => out.push_str(directive),
                }
            }
        }
    }

    /// Rounded to so many digits, but never up to the next second.
    fn fraction(&self, digits: Option<u32>) -> String {
        let micros = format!("{:06}", self.civil.subsec_nanosecond() / 1000);
        let Some(digits) = digits.map(|digits| digits as usize).filter(|digits| *digits < micros.len()) else {
            return micros;
        };
        let kept: u32 = micros[..digits].parse().unwrap_or_default();
        let up = micros.as_bytes()[digits] >= b'5';
        let rounded = format!("{:0digits$}", kept + u32::from(up));
        if rounded.len() > digits { micros[..digits].to_owned() } else { rounded }
    }
}

/// The length of a directive: flags, digits, a modifier, a letter.
fn directive(text: &str) -> usize {
    let flags = text[1..].find(|letter: char| !matches!(letter, '-' | '_' | '^' | '#' | '0'..='9' | 'E' | 'O'));
    match flags {
        Some(at) => 1 + at + text[1 + at..].chars().next().map_or(0, char::len_utf8),
        None => text.len(),
    }
}
