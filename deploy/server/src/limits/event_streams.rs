/*!
Limits how many streams of events are open at once, per token and in total.
*/

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open streams. Each holds a connection and reads the store every second.
#[derive(Debug)]
pub(crate) struct EventStreamLimits {
    most: usize,
    per_token: usize,
    open: Mutex<HashMap<String, usize>>,
}

/// A permit for one open stream; returned on drop.
pub(crate) struct EventStreamPermit {
    all: Arc<EventStreamLimits>,
    key: String,
}

impl EventStreamLimits {
    pub(crate) fn new(most: usize, per_token: usize) -> Arc<Self> {
        Arc::new(Self { most, per_token, open: Mutex::default() })
    }

    /// A permit for one more stream of this token, or the setting that forbids it.
    pub(crate) fn open(self: &Arc<Self>, key: &str) -> Result<EventStreamPermit, &'static str> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(key).is_some_and(|count| *count >= self.per_token) {
            return Err("server.streams_per_token");
        }
        if open.values().sum::<usize>() >= self.most {
            return Err("server.streams");
        }
        *open.entry(key.to_owned()).or_default() += 1;
        Ok(EventStreamPermit { all: self.clone(), key: key.to_owned() })
    }
}

impl Drop for EventStreamPermit {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}
