//! The only clock: the system's or a frozen one, and either can be moved forward.

use std::sync::atomic::{AtomicI64, Ordering};

use super::time::Time;

/// Shared by everything in one emulator; tests and the control API move it.
#[derive(Debug)]
pub struct Clock {
    frozen: Option<Time>,
    offset: AtomicI64,
}

impl Clock {
    /// Follows the machine's clock.
    pub fn system() -> Self {
        Self { frozen: None, offset: AtomicI64::new(0) }
    }

    /// Stands still at `time` until it is moved.
    pub fn frozen(time: Time) -> Self {
        Self { frozen: Some(time), offset: AtomicI64::new(0) }
    }

    pub fn now(&self) -> Time {
        self.frozen.unwrap_or_else(system_now).plus_micros(self.offset.load(Ordering::Acquire))
    }

    /// Moves forward. A clock never goes back: what fell due has already happened.
    pub fn advance(&self, micros: i64) {
        self.offset.fetch_add(micros.max(0), Ordering::AcqRel);
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// How far the clock was moved; kept with a data directory so that a restart does not undo it.
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::Acquire)
    }

    pub fn restore_offset(&self, micros: i64) {
        self.offset.store(micros.max(0), Ordering::Release);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the emulator reads the machine's clock")]
fn system_now() -> Time {
    Time(jiff::Timestamp::now().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_never_back() {
        let clock = Clock::frozen(Time(100));
        assert_eq!(clock.now(), Time(100));
        clock.advance(50);
        clock.advance(-500);
        assert_eq!(clock.now(), Time(150));
    }
}
