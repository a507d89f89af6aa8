/*!
What persons say to a run while it works: a remark, a decision about a call, or to stop. A run takes it in between two
steps and stores it as an event, so that it survives a restart; where it comes from (a terminal, a web page, a
channel) is none of the run's business.
*/

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// About what to look at.
    Remark { text: String, by: String },
    /// About a call that waits for consent.
    Decision { call: String, approved: bool, by: String },
    /// End now, and report what is known.
    Stop,
}

/// Handed to a run; must not block. What was said waits until the run has stored it, so that a crash in between
/// loses nothing.
pub trait Inbox: Send + Sync {
    /// What was said and not stored yet, oldest first.
    fn waiting(&self) -> Vec<Said>;

    fn stored(&self, said: &Said);
}

/// An inbox within this process.
#[derive(Debug, Default)]
pub struct LocalInbox(Mutex<VecDeque<Said>>);

impl LocalInbox {
    pub fn put(&self, said: Said) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(said);
    }
}

impl Inbox for LocalInbox {
    fn waiting(&self) -> Vec<Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn stored(&self, said: &Said) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = waiting.iter().position(|other| other == said) {
            waiting.remove(at);
        }
    }
}
