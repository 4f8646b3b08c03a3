//! Transforms of times and durations.

use jiff::Zoned;
use jiff::civil::{Date, Time};
use serde_json::Value;

use super::{Apply, Arguments, Scope, string};
use crate::error::Result;
use crate::key::{self, Step};
use crate::lex;
use crate::text::{self, as_float, integer, plain};
use crate::time::{self, Duration, Moment, Zone};

pub(super) fn date(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    build(arguments, scope, arguments.owned("format", "%Y-%m-%dT%H:%M:%S"), "")
}

pub(super) fn iso(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    build(arguments, scope, "%Y-%m-%dT%H:%M:%S.%3f%Oz".to_owned(), "T")
}

fn build(arguments: &Arguments, scope: &Scope, format: String, undefined: &str) -> Result<Apply> {
    let now = scope.now.clone();
    let zone = |parameter| arguments.get(parameter).and_then(|name| Zone::find(name, &scope.now));
    let (to, from) = (zone("tz"), zone("tz_default"));
    let unit = text::floating(arguments.text("unit", "1"));
    let undefined = arguments.owned("undefined", undefined);
    Ok(Box::new(move |value| {
        let moment = match (as_float(&value), unit) {
            // A number has no zone to be moved to another from.
            (Some(number), Some(unit)) => Moment::at(number / unit, from.clone(), &now),
            _ => None,
        };
        let moment = moment.or_else(|| {
            let read = read(&value, from.as_ref(), &now).or_else(|| from_parts(&value, from.as_ref(), &now))?;
            match &to {
                Some(zone) => read.within(zone.clone()),
                None => Some(read),
            }
        });
        Ok(string(moment.map_or_else(|| undefined.clone(), |moment| moment.print(&format))))
    }))
}

fn read(value: &Value, zone: Option<&Zone>, now: &Zoned) -> Option<Moment> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(entries) => entries.get("datetime")?.as_str()?,
        _ => return None,
    };
    time::parse(text, zone, now)
}

/// `{"year": …, "month": …, …}`: at least three of the six, the others are now's.
fn from_parts(value: &Value, zone: Option<&Zone>, now: &Zoned) -> Option<Moment> {
    let part = |name: &str| key::get(value, &[Step::Name(name.to_owned())]).into_owned();
    let reading = zone.and_then(|zone| Moment::now(now).within(zone.clone())).map_or(now.datetime(), |now| now.civil);
    let mut given = 0;
    let mut number = |name: &str, otherwise: i64| {
        let value = part(name);
        if value.is_null() {
            return Some(otherwise);
        }
        given += 1;
        value.as_f64().map(|number| number as i64).or_else(|| integer(&plain(&value)))
    };
    let year = number("year", reading.year().into())?;
    let month = number("month", reading.month().into())?;
    let day = number("day", reading.day().into())?;
    let hour = number("hour", reading.hour().into())?;
    let minute = number("minute", reading.minute().into())?;
    let second = number("second", reading.second().into())?;
    if given < 3 {
        return None;
    }
    let mut nanos = 0_i64;
    for (name, unit) in [("nanosecond", 1), ("microsecond", 1000), ("millisecond", 1_000_000)] {
        let value = part(name);
        if !value.is_null() {
            nanos = value.as_i64().or_else(|| integer(&plain(&value)))?.checked_mul(unit)?.checked_add(nanos)?;
        }
    }
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let time = Time::new(
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        second.try_into().ok()?,
        (nanos / 1000 * 1000).try_into().ok()?,
    );
    Some(Moment { civil: date.to_datetime(time.ok()?), zone: zone.cloned() })
}

pub(super) fn duration(arguments: &Arguments, scope: &Scope) -> Result<Apply> {
    let undefined = arguments.owned("undefined", "");
    let parts = arguments.integer("parts", 3).map(|parts| usize::try_from(parts).unwrap_or(0));
    let precision = arguments.digits("precision", 3);
    let (Ok(parts), Ok(precision)) = (parts, precision) else {
        return Ok(Box::new(move |_| Ok(string(undefined.clone()))));
    };
    let calendar = arguments.yes("calendar", true);
    let unit = text::floating(arguments.text("unit", "1"));
    let member = |parameter| match arguments.get(parameter).filter(|key| !key.is_empty()) {
        Some(key) => lex::leading_key(key).map(Some),
        None => Ok(None),
    };
    let (start, end) = (member("start")?, member("end")?);
    let now = scope.now.clone();
    Ok(Box::new(move |value| {
        let found = match &start {
            Some(start) => {
                let moment = |key| point(&key::get(&value, key), &now);
                let end = end.as_ref().filter(|end| text::is_something(&key::get(&value, end)));
                let until = match end {
                    Some(end) => moment(end),
                    None => Some(now.timestamp().as_microsecond()),
                };
                moment(start).zip(until).and_then(|(start, end)| between(start, end, calendar))
            }
            None => of(&value, unit, calendar, &now),
        };
        Ok(string(found.map_or_else(|| undefined.clone(), |duration| duration.print(parts, precision))))
    }))
}

/// Microseconds since 1970.
fn point(value: &Value, now: &Zoned) -> Option<i64> {
    let Value::String(text) = value else { return None };
    let local = Zone::Named(now.time_zone().clone());
    let moment = time::parse(text, Some(&local), now)?;
    moment.timestamp(now.time_zone()).map(jiff::Timestamp::as_microsecond)
}

fn between(start: i64, end: i64, calendar: bool) -> Option<Duration> {
    Duration::seconds((end - start) as f64 / 1e6, calendar)
}

/// Seconds, a duration as text, or the time since a moment. Seconds below zero are no duration.
fn of(value: &Value, unit: Option<f64>, calendar: bool, now: &Zoned) -> Option<Duration> {
    let seconds = as_float(value).zip(unit).map(|(number, unit)| number / unit);
    if let Some(duration) =
        seconds.filter(|seconds| *seconds >= 0.0).and_then(|seconds| Duration::seconds(seconds, calendar))
    {
        return Some(duration);
    }
    if let Value::String(text) = value
        && let Some(duration) = Duration::parse(text, false)
    {
        return Some(duration);
    }
    between(point(value, now)?, now.timestamp().as_microsecond(), calendar)
}
