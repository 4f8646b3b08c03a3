//! Moments and durations as gcloud reads and prints them. Precision is a microsecond.

mod duration;
mod parse;
mod print;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};

pub(crate) use duration::Duration;
pub(crate) use parse::parse;

/// Where a moment's clock hangs.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Utc,
    /// Has no name.
    Offset(Offset),
    Named(TimeZone),
}

impl Zone {
    /// By name, by the abbreviations that people use, `LOCAL` for the zone of `now`.
    pub fn find(name: &str, now: &Zoned) -> Option<Self> {
        match name {
            "UTC" | "Z" => return Some(Self::Utc),
            "LOCAL" | "L" => return Some(Self::Named(now.time_zone().clone())),
            _ => {}
        }
        let name = ABBREVIATIONS.iter().find(|(short, _)| *short == name).map_or(name, |(_, name)| name);
        if name.is_empty() {
            return None;
        }
        TimeZoneDatabase::bundled().get(name).ok().map(Self::Named)
    }

    fn zone(&self) -> TimeZone {
        match self {
            Self::Utc => TimeZone::UTC,
            Self::Offset(offset) => TimeZone::fixed(*offset),
            Self::Named(zone) => zone.clone(),
        }
    }
}

const ABBREVIATIONS: [(&str, &str); 13] = [
    ("AKST", "America/Anchorage"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Belgrade"),
    ("CET", "Europe/Belgrade"),
    ("CST", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("EST", "America/New_York"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MDT", "America/Denver"),
    ("MST", "America/Denver"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
];

/// A reading of calendar and clock, with the zone if one is known.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub civil: DateTime,
    pub zone: Option<Zone>,
}

impl Moment {
    pub fn now(now: &Zoned) -> Self {
        Self { civil: now.datetime(), zone: Some(Zone::Named(now.time_zone().clone())) }
    }

    /// Seconds since 1970. Without a zone the clock is a local one.
    pub fn at(seconds: f64, zone: Option<Zone>, now: &Zoned) -> Option<Self> {
        let micros = (seconds * 1e6).round_ties_even();
        let micros = Some(micros).filter(|micros| micros.abs() < 9e18)?;
        let timestamp = Timestamp::from_microsecond(micros as i64).ok()?;
        let reading = zone.as_ref().map_or_else(|| now.time_zone().clone(), Zone::zone);
        let civil = reading.to_datetime(timestamp);
        (civil.year() > 0).then_some(Self { civil, zone })
    }

    /// The point in time; a missing zone is the one given.
    pub fn timestamp(&self, otherwise: &TimeZone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().map_or_else(|| otherwise.clone(), Zone::zone);
        zone.to_timestamp(self.civil).ok()
    }

    /// The same moment on another clock. A moment without a zone is taken to be of the new one.
    pub fn within(&self, zone: Zone) -> Option<Self> {
        let timestamp = self.timestamp(&zone.zone())?;
        Some(Self { civil: zone.zone().to_datetime(timestamp), zone: Some(zone) })
    }

    fn offset(&self) -> Option<Offset> {
        let zone = self.zone.as_ref()?.zone();
        Some(zone.to_offset(zone.to_timestamp(self.civil).ok()?))
    }
}
