/*!
Limits how many questions about code are answered at once.
*/

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions answered at once. The first one about a repository indexes its history, which keeps a processor busy.
const AT_ONCE: usize = 2;

/// Lets a few questions through at a time.
#[derive(Debug)]
pub(crate) struct CodeQuestionLimit(Arc<Semaphore>);

impl Default for CodeQuestionLimit {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl CodeQuestionLimit {
    /// A permit for one question, returned on drop; `None` when as many are being answered as may be.
    pub(crate) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_too_many_is_refused_until_another_is_answered() {
        let limit = CodeQuestionLimit::default();
        let mut open: Vec<_> = (0..AT_ONCE).map(|_| limit.permit().unwrap()).collect();
        assert!(limit.permit().is_none());
        open.pop();
        assert!(limit.permit().is_some());
    }
}
