/*!
Limits how many questions about code are answered at once.
*/

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions answered at once. The first one about a repository indexes its history, which keeps a processor busy.
const AT_ONCE: usize = 2;

/// How long a question waits for its turn; the others get theirs in the order in which they came.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Lets a few questions through at a time.
#[derive(Debug)]
pub(crate) struct CodeQuestionLimit(Arc<Semaphore>);

impl Default for CodeQuestionLimit {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl CodeQuestionLimit {
    /// A permit for one question, returned on drop; `None` when the others take too long.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permit_within(LONGEST_WAIT).await
    }

    async fn permit_within(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(wait, self.0.clone().acquire_owned()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_question_too_many_waits_for_another_but_not_for_ever() {
        let limit = CodeQuestionLimit::default();
        let mut open = Vec::new();
        for _ in 0..AT_ONCE {
            open.push(limit.permit().await.unwrap());
        }
        assert!(limit.permit_within(Duration::from_millis(5)).await.is_none());
        let mut waiting = std::pin::pin!(limit.permit());
        let early = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending()));
        assert!(early.await);
        open.pop();
        assert!(waiting.await.is_some());
    }
}
