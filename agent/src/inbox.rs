/*!
What persons say to a run while it works: a remark, a decision about a call, or to stop. A run takes it in between two
steps and stores it as an event, so that it survives a restart; where it comes from (a terminal, a web page, a
channel) is none of the run's business.
*/

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxMessage {
    /// About what to look at.
    Remark { text: String, by: String },
    /// About a call that waits for consent.
    Decision { call: String, approved: bool, by: String },
    /// End now, and report what is known.
    Stop,
}

/// Handed to a run; must not block. What was said waits until the run has stored it, so that a crash in between
/// loses nothing.
pub trait RunInbox: Send + Sync {
    /// What was said and not stored yet, oldest first.
    fn waiting(&self) -> Vec<InboxMessage>;

    fn stored(&self, said: &InboxMessage);
}

/// An inbox within this process.
#[derive(Debug, Default)]
pub struct LocalInbox(Mutex<VecDeque<InboxMessage>>);

impl LocalInbox {
    pub fn put(&self, said: InboxMessage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(said);
    }
}

impl RunInbox for LocalInbox {
    fn waiting(&self) -> Vec<InboxMessage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn stored(&self, said: &InboxMessage) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = waiting.iter().position(|other| other == said) {
            waiting.remove(at);
        }
    }
}
