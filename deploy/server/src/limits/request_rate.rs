/*!
How many requests one token, or the address of one unauthenticated caller, may send: a burst of this many, and the same
number again within a minute.
*/

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{HashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter as Governor};

/// Callers remembered at once. Beyond it, callers with a full quota are forgotten; that gives none of them an extra request.
const MOST: usize = 10_000;

#[derive(Debug)]
pub(crate) struct RateLimiter<C: Clock = DefaultClock> {
    callers: Callers,
    governor: Governor<String, Callers, C, NoOpMiddleware<C::Instant>>,
}

impl RateLimiter {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self::with_clock(per_minute, DefaultClock::default())
    }
}

impl<C: Clock> RateLimiter<C> {
    fn with_clock(per_minute: u32, clock: C) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        let callers = Callers::default();
        Self { governor: Governor::new(quota, callers.clone(), clock), callers }
    }

    /// Takes one request from the quota of `key`; otherwise the error is the seconds until the next request is allowed.
    pub(crate) fn take(&self, key: &str) -> Result<(), u64> {
        if self.callers.len() >= MOST && !self.callers.has(key) {
            self.governor.retain_recent();
            if self.callers.len() >= MOST {
                return Err(1);
            }
        }
        self.governor.check_key(&key.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(self.governor.clock().now());
            wait.as_secs_f64().ceil().max(1.0) as u64
        })
    }
}

/// The library's table of callers, which cannot say whether a caller is in it. Callers that are in it are still served while
/// it is full.
#[derive(Debug, Clone, Default)]
struct Callers(Arc<HashMapStateStore<String>>);

impl Callers {
    fn has(&self, key: &str) -> bool {
        self.0.lock().contains_key(key)
    }
}

impl StateStore for Callers {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, key: &String, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, measure)
    }
}

impl ShrinkableKeyedStateStore<String> for Callers {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn who_asked_too_much_waits_and_others_do_not() {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::with_clock(60, clock.clone());
        for _ in 0..60 {
            limiter.take("a").unwrap();
        }
        assert_eq!(limiter.take("a"), Err(1));
        assert_eq!(limiter.take("b"), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(limiter.take("a"), Ok(()));
        assert_eq!(limiter.take("a"), Ok(()));
        assert_eq!(limiter.take("a"), Err(1));
        clock.advance(Duration::from_secs(3_600));
        assert_eq!((0..100).filter(|_| limiter.take("a").is_ok()).count(), 60, "no more is saved up");
    }

    #[test]
    fn it_says_how_long_to_wait() {
        let clock = FakeRelativeClock::default();
        // A limit of 0 would let nobody in.
        let limiter = RateLimiter::with_clock(0, clock.clone());
        assert_eq!(limiter.take("a"), Ok(()));
        assert_eq!(limiter.take("a"), Err(60));
        clock.advance(Duration::from_millis(29_500));
        assert_eq!(limiter.take("a"), Err(31));
        clock.advance(Duration::from_millis(30_500));
        assert_eq!(limiter.take("a"), Ok(()));
    }

    #[test]
    fn callers_are_bounded() {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::with_clock(60, clock.clone());
        limiter.take("early").unwrap();
        for n in 0..MOST + 200 {
            let _ = limiter.take(&n.to_string());
        }
        assert_eq!(limiter.callers.len(), MOST);
        assert_eq!(limiter.take("late"), Err(1));
        assert_eq!(limiter.take("early"), Ok(()), "strangers do not crowd out who was there");
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(limiter.take("late"), Ok(()));
        assert_eq!(limiter.callers.len(), 1);
    }
}
