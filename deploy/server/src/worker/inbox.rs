/*!
Delivers messages of people from the store to a run, and marks them as taken when the run has stored them. If the process
dies in between, the next one delivers them again.
*/

use millwright_model::{IncidentId, MessageId};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millwright_agent::inbox::{InboxMessage, RunInbox};
use millwright_store::{IncidentMessage, MessageKind, StoreError};
use millwright_tools::CancelFlag;
use tokio::sync::mpsc;

use crate::app::ServiceState;

const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Default)]
struct InboxState {
    waiting: VecDeque<(MessageId, InboxMessage)>,
    brought: HashSet<MessageId>,
    /// Ends the current step when someone says stop.
    step: Option<CancelFlag>,
    stopped: bool,
}

/// The inbox of one run.
pub(super) struct StoredInbox {
    state: Mutex<InboxState>,
    taken: mpsc::UnboundedSender<MessageId>,
}

impl StoredInbox {
    /// Delivers the waiting messages, and continues to deliver and mark until it is dropped.
    pub(super) async fn open(
        app: &Arc<ServiceState>,
        incident: &IncidentId,
    ) -> Result<Arc<Self>, StoreError> {
        let (taken, mut marks) = mpsc::unbounded_channel::<MessageId>();
        let inbox = Arc::new(Self { state: Mutex::default(), taken });
        inbox.bring(app.own_store.waiting_messages(incident).await?);
        let store = app.own_store.clone();
        tokio::spawn(async move {
            while let Some(id) = marks.recv().await {
                if let Err(error) = store.take_message(&id).await {
                    tracing::warn!(%error, "a message could not be marked as read");
                }
            }
        });
        let (bringer, app, incident) = (Arc::downgrade(&inbox), app.clone(), incident.to_owned());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(inbox) = bringer.upgrade() else { return };
                match app.own_store.waiting_messages(&incident).await {
                    Ok(messages) => inbox.bring(messages),
                    Err(error) => tracing::warn!(%error, "messages could not be read"),
                }
            }
        });
        Ok(inbox)
    }

    /// Sets the flag that ends the current step when someone says stop from now on.
    pub(super) fn watch(&self, step: CancelFlag) {
        self.lock().step = Some(step);
    }

    /// Whether someone said stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn bring(&self, messages: Vec<IncidentMessage>) {
        let mut state = self.lock();
        for message in messages {
            if !state.brought.insert(message.id.clone()) {
                continue;
            }
            let Some(said) = said(&message) else { continue };
            if said == InboxMessage::Stop {
                state.stopped = true;
                if let Some(step) = &state.step {
                    step.cancel();
                }
            }
            state.waiting.push_back((message.id, said));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunInbox for StoredInbox {
    fn waiting(&self) -> Vec<InboxMessage> {
        self.lock().waiting.iter().map(|(_, said)| said.clone()).collect()
    }

    fn stored(&self, said: &InboxMessage) {
        let mut state = self.lock();
        if let Some(at) = state.waiting.iter().position(|(_, other)| other == said)
            && let Some((id, _)) = state.waiting.remove(at)
        {
            let _ = self.taken.send(id);
        }
    }
}

fn said(message: &IncidentMessage) -> Option<InboxMessage> {
    let by = message.author.clone();
    match message.kind {
        MessageKind::Remark => Some(InboxMessage::Remark { text: message.body.clone(), by }),
        MessageKind::Stop => Some(InboxMessage::Stop),
        MessageKind::Decision => {
            let decision: serde_json::Value = serde_json::from_str(&message.body).ok()?;
            let call = decision.get("call")?.as_str()?.to_owned();
            Some(InboxMessage::Decision { call, approved: decision.get("approved")?.as_bool()?, by })
        }
        MessageKind::Question | MessageKind::Answer => None,
    }
}
