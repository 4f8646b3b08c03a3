//! How the client waits: really, or not at all.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

pub type Sleeping<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Time that passes and time that is waited for, of one and the same clock.
pub trait Timer: Send + Sync {
    /// Since some moment that stays the same.
    fn now(&self) -> Duration;
    fn sleep(&self, time: Duration) -> Sleeping<'_>;
}

/// The runtime's own time.
pub struct RealTimer(tokio::time::Instant);

impl Default for RealTimer {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Timer for RealTimer {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleeping<'_> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// For tests and frozen worlds: waiting is over at once, and the time has passed. It keeps how long each wait was.
#[derive(Default)]
pub struct ManualTimer {
    waits: Mutex<Vec<Duration>>,
}

impl ManualTimer {
    pub fn waits(&self) -> Vec<Duration> {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.waits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Timer for ManualTimer {
    fn now(&self) -> Duration {
        self.locked().iter().sum()
    }

    fn sleep(&self, time: Duration) -> Sleeping<'_> {
        self.locked().push(time);
        Box::pin(std::future::ready(()))
    }
}
