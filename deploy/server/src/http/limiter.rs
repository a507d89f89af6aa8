/*!
How much one token, or one stranger's address, may ask: a bucket that fills steadily and empties by a request.
*/

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Buckets held at once. Beyond it full ones are forgotten, which forgives nobody anything.
const MOST: usize = 10_000;

#[derive(Debug)]
pub(crate) struct RateLimiter {
    per_second: f64,
    most: f64,
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
}

impl RateLimiter {
    pub(crate) fn new(per_minute: u32) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        Self { per_second: per_minute / 60.0, most: per_minute, buckets: Mutex::default() }
    }

    /// Takes one request out; else answers in how many seconds the next may come.
    pub(crate) fn take(&self, key: &str) -> Result<(), u64> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: &str, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let level = |(level, at): (f64, Instant)| {
            (level + now.saturating_duration_since(at).as_secs_f64() * self.per_second).min(self.most)
        };
        if buckets.len() >= MOST && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| level(*bucket) < self.most);
            if buckets.len() >= MOST {
                return Err(1);
            }
        }
        let left = buckets.get(key).map_or(self.most, |bucket| level(*bucket));
        if left < 1.0 {
            return Err(((1.0 - left) / self.per_second).ceil().max(1.0) as u64);
        }
        buckets.insert(key.to_owned(), (left - 1.0, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_buckets_are_bounded() {
        let limiter = RateLimiter::new(60);
        let now = Instant::now();
        for _ in 0..60 {
            limiter.take_at("a", now).unwrap();
        }
        assert_eq!(limiter.take_at("a", now), Err(1));
        assert_eq!(limiter.take_at("b", now), Ok(()));
        assert_eq!(limiter.take_at("a", now + Duration::from_secs(2)), Ok(()));
        for n in 0..2 * MOST {
            let _ = limiter.take_at(&n.to_string(), now);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MOST);
        assert_eq!(limiter.take_at("late", now + Duration::from_secs(3600)), Ok(()));
    }
}
