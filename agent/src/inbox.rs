/*!
Messages from persons to a working run: a remark, a decision about a call, or a request to stop. A run takes a message
between two steps and stores it as an event, so that it survives a restart. The run does not know where a message
comes from (a terminal, a web page, a channel).
*/

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxMessage {
    /// Advice about the investigation.
    Remark { text: String, by: String },
    /// Consent or refusal for a waiting call.
    Decision { call: String, approved: bool, by: String },
    /// Ends the run now with a report of what is known.
    Stop,
}

/// The inbox of a run; must not block. A message stays here until the run has stored it, so that a crash in between
/// loses nothing.
pub trait RunInbox: Send + Sync {
    /// Messages that are not stored yet, oldest first.
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
