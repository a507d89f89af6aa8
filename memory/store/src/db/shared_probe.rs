/*!
A slow probe with the same result for all callers: the first caller starts it, and callers that come meanwhile wait
for the same result. Otherwise every statement would open a connection to a server that is down.
*/

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The problem that was found, once the probe has ended; the inner `None` means no problem.
type Outcome<T> = Option<Option<T>>;

#[derive(Debug)]
pub(super) struct SharedProbe<T>(Mutex<Option<watch::Receiver<Outcome<T>>>>);

impl<T> Default for SharedProbe<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + Send + Sync + 'static> SharedProbe<T> {
    /// Starts the probe, unless it runs already, and returns the problem it finds. The probe continues if its first
    /// caller gives up, because others wait for it.
    pub(super) async fn run<F>(&self, ask: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = Option<T>> + Send + 'static,
    {
        let mut outcome = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match last.take().filter(is_under_way) {
                Some(under_way) => last.insert(under_way).clone(),
                None => {
                    let (tell, outcome) = watch::channel(None);
                    let asking = ask();
                    tokio::spawn(async move { tell.send_replace(Some(asking.await)) });
                    last.insert(outcome).clone()
                }
            }
        };
        // If there is no result, the runtime of the probe has ended, and no problem is known.
        outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone().flatten())
    }
}

fn is_under_way<T>(outcome: &watch::Receiver<Outcome<T>>) -> bool {
    outcome.borrow().is_none() && outcome.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_share_one_question_and_later_ones_ask_again() {
        let probe = Arc::new(SharedProbe::<&str>::default());
        let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let ask = {
            let (asked, gate) = (asked.clone(), gate.clone());
            move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    Some("away")
                }
            }
        };
        let wait = || {
            let (probe, ask) = (probe.clone(), ask.clone());
            tokio::spawn(async move { probe.run(ask).await })
        };
        let first = wait();
        let waiting: Vec<_> = (0..20).map(|_| wait()).collect();
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // The first caller is gone; the others still get their result.
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.add_permits(1);
        for one in waiting {
            assert_eq!(one.await.unwrap(), Some("away"));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        gate.add_permits(1);
        assert_eq!(wait().await.unwrap(), Some("away"));
        assert_eq!(asked.load(Ordering::SeqCst), 2, "what was found before is not believed for good");
    }
}
