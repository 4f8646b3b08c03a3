//! When a call is said again, and after what pause.
//!
//! | what happened | said again |
//! |---|---|
//! | the request never left (no connection, no token for the moment) | always |
//! | 429, 503: the service says that it did not do it | always |
//! | 408, 500, 502, 504, or the connection was lost before the answer was whole | if a repetition does no harm |
//! | any other answer | never |
//!
//! A repetition does no harm to GET, HEAD, OPTIONS and DELETE, to methods that only read, and to any request with a
//! precondition (`ifGenerationMatch`, `ifMetagenerationMatch`, `If-Match`, `If-None-Match`, an etag in the message):
//! had the first been carried out, the second is refused and changes nothing. A POST that creates has none of these.

use std::time::Duration;

use http::{HeaderMap, Method, header};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::error::{Error, Stage};
use crate::{Sink, Timer};

/// Patience with a service. Pauses are drawn from all between nothing and a bound that doubles (full jitter), so that
/// many clients do not return together; the draws come from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub attempts: u32,
    /// The bound of the first pause.
    pub first: Duration,
    /// What the bound grows to.
    pub most: Duration,
    /// For the whole call with its pauses. One that would end later is not begun.
    pub deadline: Duration,
    pub seed: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_secs(1),
            most: Duration::from_secs(32),
            deadline: Duration::from_mins(2),
            seed: 0,
        }
    }
}

impl Retry {
    /// Each call once.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }
}

/// Whether a repetition of a request does no harm, as far as its verb and preconditions tell.
pub(crate) fn harmless(method: &Method, query: Option<&str>, headers: &HeaderMap) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE].contains(method)
        || headers.contains_key(header::IF_MATCH)
        || headers.contains_key(header::IF_NONE_MATCH)
        || query.is_some_and(|query| {
            query.split('&').any(|part| {
                let name = part.split('=').next().unwrap_or_default();
                matches!(name, "ifGenerationMatch" | "ifMetagenerationMatch")
            })
        })
}

/// How much of an error is told when its call is made again.
const NOTICED: usize = 200;

/// The course of one call.
pub(crate) struct Course<'a> {
    retry: &'a Retry,
    timer: &'a dyn Timer,
    begun: Duration,
    harmless: bool,
    pub attempts: u32,
    number: u64,
    jitter: Option<ChaCha12Rng>,
}

impl<'a> Course<'a> {
    /// `number` tells the calls of a client apart: each has its own draws.
    pub fn new(retry: &'a Retry, timer: &'a dyn Timer, harmless: bool, number: u64) -> Self {
        Self { retry, timer, begun: timer.now(), harmless, attempts: 0, number, jitter: None }
    }

    /// What is left of the call's time.
    pub fn left(&self) -> Duration {
        (self.begun + self.retry.deadline).saturating_sub(self.timer.now())
    }

    /// Waits before the next attempt; false when there is none.
    pub async fn again(&mut self, error: &Error, notice: Option<&Sink>) -> bool {
        let worth = match error.stage() {
            Stage::Unsent => true,
            Stage::Lost => self.harmless,
            Stage::Answer => match error.http_status() {
                429 | 503 => true,
                408 | 500 | 502 | 504 => self.harmless,
                _ => false,
            },
            Stage::Unreachable | Stage::Local => false,
        };
        if !worth || self.attempts >= self.retry.attempts {
            return false;
        }
        let pause = self.pause(error.retry_after());
        if pause >= self.left() {
            return false;
        }
        if let Some(notice) = notice {
            // Some answer with a page of HTML.
            let said = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            let said: String = said.chars().take(NOTICED).collect();
            notice(&format!("{said}; asking again in {:.1} s", pause.as_secs_f64()));
        }
        self.timer.sleep(pause).await;
        true
    }

    /// What the service asked for and a little more, or our own draw.
    fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let (seed, number) = (self.retry.seed, self.number);
        // Few calls need it: it is made when one does.
        let jitter = self.jitter.get_or_insert_with(|| ChaCha12Rng::seed_from_u64(seed ^ number.rotate_left(32)));
        let doubled = 2_u32.saturating_pow(self.attempts.saturating_sub(1));
        let bound = match asked {
            Some(_) => self.retry.first,
            None => self.retry.first.saturating_mul(doubled).min(self.retry.most),
        };
        let share = f64::from(jitter.next_u32()) / f64::from(u32::MAX);
        asked.unwrap_or_default() + bound.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, ManualTimer};

    fn answer(status: u16) -> Error {
        Error::new(Code::from_http(status), "said").with_http(status)
    }

    async fn waits(retry: Retry, harmless: bool, error: &Error) -> Vec<Duration> {
        let timer = ManualTimer::default();
        let mut course = Course::new(&retry, &timer, harmless, 1);
        loop {
            course.attempts += 1;
            if !course.again(error, None).await {
                return timer.waits();
            }
        }
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_said_again_only_where_that_is_harmless() {
        let retry = Retry::default();
        for (error, safe, unsafe_) in [
            (answer(503), 4, 4),
            (answer(429), 4, 4),
            (answer(500), 4, 0),
            (answer(502), 4, 0),
            (answer(504), 4, 0),
            (answer(400), 0, 0),
            (answer(409), 0, 0),
            (Error::new(Code::Unavailable, "no route").at(Stage::Unsent), 4, 4),
            (Error::new(Code::Unavailable, "reset").at(Stage::Lost), 4, 0),
            (Error::internal("no such method"), 0, 0),
        ] {
            assert_eq!(waits(retry, true, &error).await.len(), safe, "{error}");
            assert_eq!(waits(retry, false, &error).await.len(), unsafe_, "{error}");
        }
    }

    #[tokio::test]
    async fn pauses_lie_anywhere_below_a_bound_that_doubles_and_follow_the_seed() {
        let retry = Retry { attempts: 9, deadline: Duration::from_hours(1), ..Retry::default() };
        let drawn = waits(retry, true, &answer(503)).await;
        for (pause, bound) in drawn.iter().zip([1, 2, 4, 8, 16, 32, 32, 32]) {
            assert!(*pause <= Duration::from_secs(bound), "{pause:?} above {bound} s");
        }
        assert!(drawn.iter().sum::<Duration>() > Duration::from_secs(10), "they grow: {drawn:?}");
        assert_eq!(waits(retry, true, &answer(503)).await, drawn);
        assert_ne!(waits(Retry { seed: 1, ..retry }, true, &answer(503)).await, drawn);
    }

    #[tokio::test]
    async fn a_service_that_names_the_pause_gets_it_unless_the_call_would_be_too_late() {
        let retry = Retry { attempts: 2, ..Retry::default() };
        let patient = answer(429).with_retry_after(Some(Duration::from_secs(7)));
        let drawn = waits(retry, false, &patient).await;
        assert!(drawn[0] >= Duration::from_secs(7) && drawn[0] <= Duration::from_secs(8), "{drawn:?}");

        let late = answer(503).with_retry_after(Some(Duration::from_mins(3)));
        assert!(waits(retry, false, &late).await.is_empty(), "the deadline is two minutes");
        let short = Retry { attempts: 99, first: Duration::from_secs(4), deadline: Duration::from_secs(30), ..retry };
        assert!(waits(short, false, &answer(503)).await.iter().sum::<Duration>() < Duration::from_secs(30));
    }

    #[test]
    fn preconditions_make_a_change_repeatable() {
        let bare = HeaderMap::new();
        assert!(harmless(&Method::DELETE, None, &bare));
        assert!(!harmless(&Method::PUT, None, &bare));
        assert!(!harmless(&Method::POST, Some("name=ifGenerationMatch"), &bare));
        assert!(harmless(&Method::POST, Some("uploadType=media&ifGenerationMatch=0"), &bare));
        assert!(harmless(&Method::PATCH, Some("ifMetagenerationMatch=3"), &bare));
        let mut matching = HeaderMap::new();
        matching.insert(header::IF_MATCH, header::HeaderValue::from_static("\"x\""));
        assert!(harmless(&Method::PUT, None, &matching));
    }
}
