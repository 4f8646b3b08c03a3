//! Dates and times as people and services write them.

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::{Duration, Moment, Zone};

/// Reads RFC 3339 and its shorter forms, `Jan 5 2026`, `1/5/2026`, `10:30`, `10am`; or a duration from now (`-P2W`).
/// What is missing of the date is today's, of the time midnight. `zone` is for text without one; where that is not given
/// a date is of the local zone, but what a duration leads to is of none.
pub(crate) fn parse(text: &str, zone: Option<&Zone>, now: &Zoned) -> Option<Moment> {
    let today = match zone {
        Some(zone) => zone.zone().to_datetime(now.timestamp()),
        None => now.datetime(),
    };
    let local = Zone::Named(now.time_zone().clone());
    let absolute = Reader::new(text, now).and_then(|reader| reader.finish(today.date(), zone.unwrap_or(&local)));
    absolute.or_else(|| {
        let now = Moment { civil: today, zone: zone.cloned() };
        Duration::parse(text, false)?.after(&now)
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Digits(&'a str),
    Word(&'a str),
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = |letter: char| (letter.is_ascii_digit(), letter.is_alphabetic());
        let length = match class(first) {
            (false, false) => first.len_utf8(),
            kind => rest.find(|letter| class(letter) != kind).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        match class(first) {
            (true, _) => tokens.push(Token::Digits(token)),
            (_, true) => tokens.push(Token::Word(token)),
            _ => tokens.push(Token::Sign(first)),
        }
        rest = after;
    }
    tokens
}

/// What was found so far.
#[derive(Default)]
struct Reader {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    weekday: bool,
    time: Option<Time>,
    zone: Option<Zone>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Reader {
    fn new(text: &str, now: &Zoned) -> Option<Self> {
        let tokens = tokens(text.trim());
        let mut reader = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            at += reader.take(&tokens[at..], now)?;
        }
        let found = reader.year.is_some() || reader.month.is_some() || reader.day.is_some() || reader.weekday;
        (found || reader.time.is_some()).then_some(reader)
    }

    /// Reads what stands first; gives how many tokens it took.
    fn take(&mut self, tokens: &[Token], now: &Zoned) -> Option<usize> {
        match tokens {
            [Token::Digits(year), Token::Sign(dash @ ('-' | '/' | '.')), Token::Digits(month), rest @ ..]
                if year.len() == 4 && self.year.is_none() =>
            {
                self.year(year)?;
                self.month = Some(month.parse().ok()?);
                match rest {
                    [Token::Sign(second), Token::Digits(day), ..] if second == dash => {
                        self.day = Some(day.parse().ok()?);
                        Some(5)
                    }
                    _ => Some(3),
                }
            }
            [
                Token::Digits(month),
                Token::Sign(dash @ ('-' | '/')),
                Token::Digits(day),
                Token::Sign(second),
                Token::Digits(year),
                ..,
            ] if dash == second && self.year.is_none() && month.len() <= 2 => {
                self.year(year)?;
                let (month, day) = (month.parse().ok()?, day.parse().ok()?);
                (self.month, self.day) = if month > 12 { (Some(day), Some(month)) } else { (Some(month), Some(day)) };
                Some(5)
            }
            [Token::Digits(hour), Token::Sign(':'), Token::Digits(minute), rest @ ..] if self.time.is_none() => {
                self.clock(hour, minute, rest)
            }
            [Token::Digits(hour), rest @ ..] if self.time.is_none() && hour.len() <= 2 && afternoon(rest).is_some() => {
                let (later, taken) = afternoon(rest)?;
                self.time = Some(Time::new(on_clock(hour.parse().ok()?, later)?, 0, 0, 0).ok()?);
                Some(1 + taken)
            }
            [Token::Sign(sign @ ('+' | '-')), Token::Digits(hours), rest @ ..]
                if self.time.is_some() && self.zone.is_none() =>
            {
                let (minutes, taken) = match (hours.len(), rest) {
                    (..=2, [Token::Sign(':'), Token::Digits(minutes), ..]) => {
                        (hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?, 4)
                    }
                    (..=2, _) => (hours.parse::<i32>().ok()? * 60, 2),
                    (4, _) => (hours[..2].parse::<i32>().ok()? * 60 + hours[2..].parse::<i32>().ok()?, 2),
                    _ => return None,
                };
                let seconds = if *sign == '-' { -minutes } else { minutes } * 60;
                let offset = Offset::from_seconds(seconds).ok()?;
                self.zone = Some(if seconds == 0 { Zone::Utc } else { Zone::Offset(offset) });
                Some(taken)
            }
            [Token::Digits(digits), ..] => self.digits(digits),
            [Token::Word(word), ..] => self.word(word, now),
            [Token::Sign(sign), ..] if sign.is_whitespace() || matches!(sign, ',' | '.') => Some(1),
            _ => None,
        }
    }

    fn year(&mut self, digits: &str) -> Option<()> {
        let year: i16 = digits.parse().ok()?;
        // Two digits mean the century that is nearer.
        self.year = Some(match digits.len() {
            ..=2 if year < 76 => year + 2000,
            ..=2 => year + 1900,
            _ => year,
        });
        Some(())
    }

    fn clock(&mut self, hour: &str, minute: &str, rest: &[Token]) -> Option<usize> {
        let (mut second, mut micros, mut taken) = (0, 0, 3);
        if let [Token::Sign(':'), Token::Digits(seconds), fraction @ ..] = rest {
            second = seconds.parse().ok()?;
            taken = 5;
            if let [Token::Sign('.' | ','), Token::Digits(digits), ..] = fraction {
                let digits = format!("{digits:0<6}");
                micros = digits[..6].parse::<i32>().ok()?;
                taken = 7;
            }
        }
        let mut hour = hour.parse().ok()?;
        let after = &rest[(taken - 3).min(rest.len())..];
        if let Some((later, words)) = afternoon(after) {
            hour = on_clock(hour, later)?;
            taken += words;
        }
        self.time = Some(Time::new(hour, minute.parse().ok()?, second, micros * 1000).ok()?);
        Some(taken)
    }

    /// A number alone: a date or time without separators, a year, a day.
    fn digits(&mut self, digits: &str) -> Option<usize> {
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
        match digits.len() {
            8 | 12 | 14 if self.year.is_none() => {
                self.year(&digits[..4])?;
                (self.month, self.day) = (part(4, 6), part(6, 8));
                if digits.len() > 8 {
                    self.time = Some(Time::new(part(8, 10)?, part(10, 12)?, part(12, 14).unwrap_or(0), 0).ok()?);
                }
            }
            4 | 6 if self.year.is_some() && self.time.is_none() => {
                self.time = Some(Time::new(part(0, 2)?, part(2, 4)?, part(4, 6).unwrap_or(0), 0).ok()?);
            }
            ..=2 if self.year.is_some() && self.month.is_some() && self.day.is_some() && self.time.is_none() => {
                self.time = Some(Time::new(digits.parse().ok()?, 0, 0, 0).ok()?);
            }
            ..=2 if self.day.is_none() => self.day = Some(digits.parse().ok()?),
            4 | ..=2 if self.year.is_none() => self.year(digits)?,
            _ => return None,
        }
        Some(1)
    }

    fn word(&mut self, word: &str, now: &Zoned) -> Option<usize> {
        let lower = word.to_lowercase();
        let month = MONTHS.iter().zip(MONTH_NAMES).position(|(short, long)| lower == **short || lower == long);
        if let Some(month) = month.or_else(|| (lower == "sept").then_some(8)) {
            self.month = Some(month as i8 + 1);
        } else if WEEKDAYS.iter().any(|day| lower == *day || lower == day[..3]) {
            self.weekday = true;
        } else if matches!(lower.as_str(), "t" | "at" | "of" | "st" | "nd" | "rd" | "th" | "and") {
        } else if self.time.is_some() && self.zone.is_none() {
            self.zone = Some(if lower == "z" || lower == "gmt" { Zone::Utc } else { Zone::find(word, now)? });
        } else {
            return None;
        }
        Some(1)
    }

    fn finish(self, today: Date, zone: &Zone) -> Option<Moment> {
        let (year, month) = (self.year.unwrap_or(today.year()), self.month.unwrap_or(today.month()));
        let first = Date::new(year, month, 1).ok().filter(|first| first.year() > 0)?;
        let day = self.day.unwrap_or_else(|| today.day().min(first.days_in_month()));
        let date = Date::new(year, month, day).ok()?;
        let civil = DateTime::from_parts(date, self.time.unwrap_or(Time::midnight()));
        Some(Moment { civil, zone: Some(self.zone.unwrap_or_else(|| zone.clone())) })
    }
}

/// `am` or `pm`, and how many tokens it is.
fn afternoon(tokens: &[Token]) -> Option<(bool, usize)> {
    match tokens {
        [Token::Sign(' '), Token::Word(word), ..] => half(word).map(|later| (later, 2)),
        [Token::Word(word), ..] => half(word).map(|later| (later, 1)),
        _ => None,
    }
}

fn half(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

fn on_clock(hour: i8, later: bool) -> Option<i8> {
    (0..=12).contains(&hour).then_some(hour % 12 + if later { 12 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now: Zoned = "2026-01-31T09:00:00[UTC]".parse().expect("a time");
        parse(text, Some(&Zone::Utc), &now).map(|moment| moment.print("%Y-%m-%dT%H:%M:%S.%f%Ez"))
    }

    #[test]
    fn dates_read_in_many_forms() {
        for (text, expected) in [
            ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000000Z"),
            ("2026-01-05T09:00:00.123456789+01:30", "2026-01-05T09:00:00.123456+01:30"),
            ("2026-01-05 09:00", "2026-01-05T09:00:00.000000Z"),
            ("2026-02", "2026-02-28T00:00:00.000000Z"),
            ("2026", "2026-01-31T00:00:00.000000Z"),
            ("20260105T0900", "2026-01-05T09:00:00.000000Z"),
            ("Jan 5 2026", "2026-01-05T00:00:00.000000Z"),
            ("5 January 2026 10:30 pm", "2026-01-05T22:30:00.000000Z"),
            ("Mon, 05 Jan 2026 09:00:00 GMT", "2026-01-05T09:00:00.000000Z"),
            ("1/5/2026", "2026-01-05T00:00:00.000000Z"),
            ("10am", "2026-01-31T10:00:00.000000Z"),
            ("2026-01-05 09:00 EST", "2026-01-05T09:00:00.000000-05:00"),
            ("-P2W", "2026-01-17T09:00:00.000000Z"),
            ("P1M", "2026-03-03T09:00:00.000000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["foo", "2026-13-01", "^2026", "25:00", "2026-01-05T09:00:00X"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
