/*!
The one way to cancel work in progress: tools check the flag between steps, and the sandbox kills what it runs.
*/

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A flag that cancels work in progress. Clones share the flag; cancelling a parent cancels its children, not the
/// other way round.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag {
    own: Arc<AtomicBool>,
    parents: Vec<Arc<AtomicBool>>,
}

impl CancelFlag {
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Relaxed) || self.parents.iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    #[must_use]
    pub fn child(&self) -> Self {
        let mut parents = self.parents.clone();
        parents.push(self.own.clone());
        Self { own: Arc::default(), parents }
    }

    /// Waits until cancelled. Polls every few milliseconds, because signal handlers and other threads, which have
    /// no waker, set the flag.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_goes_down_only() {
        let run = CancelFlag::default();
        let call = run.child();
        let step = call.child();
        call.cancel();
        assert_eq!((run.is_cancelled(), call.is_cancelled(), step.is_cancelled()), (false, true, true));
        run.cancel();
        assert!(run.child().is_cancelled());
    }
}
