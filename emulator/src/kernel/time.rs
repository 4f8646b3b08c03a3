//! A point in time, in whole microseconds as Google's services keep it.

use jiff::Timestamp;
use prost_types::{Duration, Timestamp as ProtoTimestamp};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;

impl Time {
    pub fn from_proto(value: &ProtoTimestamp) -> Self {
        Self(value.seconds.saturating_mul(SECOND).saturating_add(i64::from(value.nanos) / 1000))
    }

    pub fn to_proto(self) -> ProtoTimestamp {
        ProtoTimestamp { seconds: self.0.div_euclid(SECOND), nanos: (self.0.rem_euclid(SECOND) * 1000) as i32 }
    }

    /// `2026-01-05T09:00:00Z` or with a fraction, as RFC 3339 allows. `None` when the text is no time.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|at| Self(at.as_microsecond()))
    }

    fn stamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Milliseconds always shown, as Storage prints its times: `2026-01-05T09:00:00.000Z`.
    pub fn rfc3339_millis(self) -> String {
        format!("{:.3}", self.stamp())
    }

    /// Shortest RFC 3339 form, as protobuf services print it.
    pub fn rfc3339(self) -> String {
        self.stamp().to_string()
    }

    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    #[must_use]
    pub fn plus(self, duration: &Duration) -> Self {
        self.plus_micros(micros_of(duration))
    }
}

/// Protobuf's bounds, which JSON relies on; a gRPC caller can send anything.
pub fn is_timestamp(value: &ProtoTimestamp) -> bool {
    (-62_135_596_800..=253_402_300_799).contains(&value.seconds) && (0..1_000_000_000).contains(&value.nanos)
}

/// As `is_timestamp`, and not negative: no field of the emulator's services takes a negative one.
pub fn is_duration(value: &Duration) -> bool {
    (0..=315_576_000_000).contains(&value.seconds) && (0..1_000_000_000).contains(&value.nanos)
}

pub fn micros_of(duration: &Duration) -> i64 {
    duration.seconds.saturating_mul(SECOND).saturating_add(i64::from(duration.nanos) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_both_forms() {
        let time = Time::parse("2026-01-05T09:00:00.25Z").expect("a time");
        assert_eq!(time.rfc3339_millis(), "2026-01-05T09:00:00.250Z");
        assert_eq!(time.rfc3339(), "2026-01-05T09:00:00.25Z");
        assert_eq!(Time::from_proto(&time.to_proto()), time);
        assert_eq!(Time::parse("yesterday"), None);
    }

    #[test]
    fn what_json_cannot_say_is_no_time() {
        assert!(is_timestamp(&ProtoTimestamp { seconds: 253_402_300_799, nanos: 999_999_999 }));
        assert!(!is_timestamp(&ProtoTimestamp { seconds: 253_402_300_800, nanos: 0 }));
        assert!(!is_timestamp(&ProtoTimestamp { seconds: 0, nanos: -1 }));
        assert!(is_duration(&Duration { seconds: 1, nanos: 5 }));
        assert!(!is_duration(&Duration { seconds: 1, nanos: -5 }));
        assert!(!is_duration(&Duration { seconds: i64::MAX, nanos: 0 }));
    }

    #[test]
    fn times_before_1970_keep_their_fraction_positive() {
        let proto = Time(-1).to_proto();
        assert_eq!((proto.seconds, proto.nanos), (-1, 999_999_000));
    }
}
