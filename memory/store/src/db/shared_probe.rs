/*!
A question that takes a while and whose answer is the same for all who wait: the first one asks, and those who come
meanwhile wait for the same answer. A server that is away would otherwise be met by a connection for every statement.
*/

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What was found wrong, once it is known; `None` within it when nothing was.
type Outcome<T> = Option<Option<T>>;

#[derive(Debug)]
pub(super) struct SharedProbe<T>(Mutex<Option<watch::Receiver<Outcome<T>>>>);

impl<T> Default for SharedProbe<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + Send + Sync + 'static> SharedProbe<T> {
    /// Asks, unless somebody asks already, and answers what is wrong. The question goes on when the one who asked gives up,
    /// because others wait for it.
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
        // Without an answer its runtime has ended, and nothing is known to be wrong.
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
        // The one who asked is gone; the others still get their answer.
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
