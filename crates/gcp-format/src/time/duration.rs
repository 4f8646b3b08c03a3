//! ISO 8601 durations: `P1DT2H`, `-P2W`, and without the `P`: `2h30m`.

use super::Moment;
use jiff::SignedDuration;
use jiff::civil::Date;

const YEAR_DAYS: f64 = 365.2422;
const YEAR_SECONDS: f64 = YEAR_DAYS * 86_400.0;
const MONTH_SECONDS: f64 = YEAR_SECONDS / 12.0;

/// A duration in parts, each with the sign of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Duration {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
    total: f64,
}

/// Parts as they are given: any of them may be large or fractional.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    years: f64,
    months: f64,
    days: f64,
    hours: f64,
    minutes: f64,
    seconds: f64,
}

fn four_digits(number: f64) -> f64 {
    format!("{number:.4}").parse().unwrap_or(number)
}

/// The whole part, and what is left to four digits.
fn split(number: f64) -> (i64, f64) {
    let whole = number.trunc();
    (whole as i64, four_digits(four_digits(number) - whole))
}

/// Moves what exceeds one `unit` to the next larger part.
fn carry(part: &mut i64, next: &mut i64, unit: i64) {
    *next += *part / unit;
    *part %= unit;
}

impl Duration {
    /// `calendar` says whether hours may become days, months and years.
    pub fn seconds(seconds: f64, calendar: bool) -> Option<Self> {
        Self::normal(Parts { seconds, ..Parts::default() }, calendar)
    }

    pub fn parse(text: &str, calendar: bool) -> Option<Self> {
        let upper = text.to_uppercase();
        let unsigned = upper.strip_prefix(['-', '+']).unwrap_or(&upper);
        let sign = if upper.starts_with('-') { "-" } else { "" };
        // Without the P only clock units are meant: then M is a minute.
        let (body, mut clock) = unsigned.strip_prefix('P').map_or((unsigned, true), |body| (body, false));
        let mut parts = Parts::default();
        let mut separated = false;
        let mut amount = String::new();
        for (at, letter) in body.char_indices() {
            match letter {
                digit if digit.is_ascii_digit() => amount.push(digit),
                '.' | ',' => amount.push('.'),
                'T' if separated => return None,
                'T' => (separated, clock) = (true, true),
                _ => {
                    let number: f64 = format!("{sign}{amount}").parse().ok()?;
                    amount.clear();
                    match (letter, &body[at + letter.len_utf8()..]) {
                        ('Y', _) => parts.years += number,
                        ('W', _) => parts.days += number * 7.0,
                        ('D', _) => parts.days += number,
                        ('M', "S") => parts.seconds += number / 1e3,
                        ('U', "S") => parts.seconds += number / 1e6,
                        ('N', "S") => parts.seconds += number / 1e9,
                        ('M', _) if !clock => (parts.months, clock) = (parts.months + number, true),
                        ('H', _) => (parts.hours, clock) = (parts.hours + number, true),
                        ('M', _) => parts.minutes += number,
                        ('S', _) => (parts.seconds, clock) = (parts.seconds + number, true),
                        _ => return None,
                    }
                    if matches!(letter, 'M' | 'U' | 'N') && &body[at + letter.len_utf8()..] == "S" {
                        break;
                    }
                }
            }
        }
        if !amount.is_empty() && unsigned != "P0" {
            return None;
        }
        Self::normal(parts, calendar)
    }

    /// Fractions go down to smaller parts, then overflow goes up to larger ones.
    fn normal(mut parts: Parts, calendar: bool) -> Option<Self> {
        let Parts { years, months, days, hours, minutes, seconds } = parts;
        if ![years, months, days, hours, minutes, seconds].iter().all(|part| part.abs() < 1e12) {
            return None;
        }
        let mut duration = Self::default();
        let fraction;
        (duration.years, fraction) = split(parts.years);
        parts.days += YEAR_DAYS * fraction;
        let fraction;
        (duration.months, fraction) = split(parts.months);
        parts.days += (YEAR_DAYS * fraction / 12.0).trunc();
        let fraction;
        (duration.days, fraction) = split(parts.days);
        parts.hours += 24.0 * fraction;
        let fraction;
        (duration.hours, fraction) = split(parts.hours);
        parts.minutes += 60.0 * fraction;
        let fraction;
        (duration.minutes, fraction) = split(parts.minutes);
        parts.seconds += 60.0 * fraction;
        let fraction;
        (duration.seconds, fraction) = split(parts.seconds);
        duration.micros = (1e6 * fraction) as i64;

        carry(&mut duration.micros, &mut duration.seconds, 1_000_000);
        carry(&mut duration.seconds, &mut duration.minutes, 60);
        carry(&mut duration.minutes, &mut duration.hours, 60);
        let fraction = duration.micros as f64 / 1e6;
        let mut total = fraction + duration.seconds as f64 + duration.minutes as f64 * 60.0;
        if !calendar && duration.days == 0 && duration.months == 0 && duration.years == 0 {
            duration.total = total + duration.hours as f64 * 3600.0;
            return Some(duration);
        }
        carry(&mut duration.hours, &mut duration.days, 24);
        total += duration.hours as f64 * 3600.0;
        // The first year may have 366 days; those after it 365.2422 each.
        if duration.days.abs() >= 366 {
            let sign = duration.days.signum();
            duration.days -= 366 * sign;
            duration.years += sign;
        }
        let years = (duration.days as f64 / YEAR_DAYS).trunc();
        duration.days -= (years * YEAR_DAYS).trunc() as i64;
        duration.years += years as i64;
        total += duration.days as f64 * 86_400.0;
        carry(&mut duration.months, &mut duration.years, 12);
        total += duration.months as f64 * MONTH_SECONDS + duration.years as f64 * YEAR_SECONDS;
        duration.total = total.round_ties_even() + fraction;
        Some(duration)
    }

    /// At most so many parts from the largest down; the last of them is rounded.
    pub fn print(&self, parts: usize, precision: usize) -> String {
        let parts = if parts == 0 { 7 } else { parts };
        let mut text = String::from(if self.total < 0.0 { "-P" } else { "P" });
        let mut left = self.total.abs();
        let mut count = 0;
        let mut shown = 0;
        let units = [
            (self.years, YEAR_SECONDS, 'Y'),
            (self.months, MONTH_SECONDS, 'M'),
            (self.days, 86_400.0, 'D'),
            (self.hours, 3600.0, 'H'),
            (self.minutes, 60.0, 'M'),
        ];
        for (at, (number, seconds, letter)) in units.into_iter().enumerate() {
            if at == 3 {
                text.push('T');
            }
            if count < parts && number != 0 {
                shown = 1;
                let mut number = number.abs() as f64;
                left -= number * seconds;
                if count + 1 >= parts {
                    number += left / seconds;
                }
                let number = format!("{number:.0}");
                if number != "0" {
                    text.push_str(&number);
                    text.push(letter);
                }
            }
            count += shown;
        }
        if count < parts && (self.seconds != 0 || self.micros != 0) {
            let number = self.seconds.abs() as f64 + self.micros.abs() as f64 / 1e6;
            let number = format!("{number:.precision$}");
            let number = if precision > 0 { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
            if !number.is_empty() && number != "0" {
                text.push_str(number);
                text.push('S');
            }
        }
        let text = text.strip_suffix('T').unwrap_or(&text);
        if text.ends_with('P') { format!("{text}0") } else { text.to_owned() }
    }

    /// The moment this much after another: years and months by the calendar, the rest by the clock.
    pub fn after(&self, moment: &Moment) -> Option<Moment> {
        let civil = moment.civil;
        let months = i64::from(civil.year()) * 12 + i64::from(civil.month()) - 1 + self.years * 12 + self.months;
        let year = i16::try_from(months.div_euclid(12)).ok()?;
        let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
        let days = i64::from(civil.day()) - 1 + self.days;
        let clock = civil.time().duration_since(jiff::civil::Time::midnight());
        let clock = clock
            .checked_add(SignedDuration::from_micros(self.micros))?
            .checked_add(SignedDuration::from_secs(self.seconds + self.minutes * 60 + self.hours * 3600))?
            .checked_add(SignedDuration::from_secs(days.checked_mul(86_400)?))?;
        let civil =
            Date::new(year, month, 1).ok()?.to_datetime(jiff::civil::Time::midnight()).checked_add(clock).ok()?;
        (civil.year() > 0).then(|| Moment { civil, zone: moment.zone.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_their_largest_parts() {
        for (seconds, expected) in [
            (0.0, "P0"),
            (90.0, "PT1M30S"),
            (2_592_000.0, "P30D"),
            (1.5, "PT1.5S"),
            (-3600.0, "-PT1H"),
            (86_400.0 * 400.0, "P1Y34D"),
        ] {
            assert_eq!(
                Duration::seconds(seconds, true).map(|duration| duration.print(3, 3)).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(
            Duration::seconds(2_592_000.0, false).map(|duration| duration.print(3, 3)).as_deref(),
            Some("PT720H")
        );
    }

    #[test]
    fn durations_read_with_and_without_their_letter() {
        for (text, expected) in [
            ("P2W", Some("P14D")),
            ("-p1dt2h", Some("-P1DT2H")),
            ("2h30m", Some("PT2H30M")),
            ("5ms", Some("PT0.005S")),
            ("P1M", Some("P1M")),
            ("5", None),
            ("P", Some("P0")),
            ("H", None),
            ("P1TT", None),
        ] {
            assert_eq!(
                Duration::parse(text, false).map(|duration| duration.print(3, 3)).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
