/*!
Caches which channels of the chat system are closed. An acknowledgement depends on it and cannot wait for a question to
the chat system each time.
*/

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the chat system lately said about its channels (whether only members read them), so that not every mention asks
/// again.
#[derive(Debug, Default)]
pub(crate) struct ChannelCache(Mutex<HashMap<String, (Instant, bool)>>);

impl ChannelCache {
    /// A channel that was closed meanwhile is treated as open for at most this long.
    const LASTS: Duration = Duration::from_secs(60);
    const MOST: usize = 1_000;

    pub(crate) fn known(&self, channel: &str) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(channel).filter(|(at, _)| at.elapsed() < Self::LASTS).map(|(_, is_closed)| *is_closed)
    }

    pub(crate) fn keep(&self, channel: &str, is_closed: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(channel.to_owned(), (Instant::now(), is_closed));
    }
}
