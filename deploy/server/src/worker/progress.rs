/*!
Tells readers what a running investigation does, and wakes the notes that show it.
*/

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millwright_agent::sink::EventSink;
use millwright_model::IncidentId;

use crate::app::{ServiceState, WakeSignal};

/// Shortest time between two progress updates to other systems.
const TELL_EVERY: Duration = Duration::from_secs(4);

/// Tells readers what an investigation does.
pub(super) struct ProgressPublisher {
    app: Arc<ServiceState>,
    incident: IncidentId,
    /// When progress was last sent to other systems.
    told: Mutex<Option<Instant>>,
}

impl EventSink for ProgressPublisher {
    fn event(&self, event: &millwright_agent::run::RunEvent) {
        let _ = self.app.signals.send(WakeSignal::Stored(self.incident.clone()));
        if matches!(event, millwright_agent::run::RunEvent::Planned { .. }) && self.may_tell() {
            let (app, incident) = (self.app.clone(), self.incident.clone());
            tokio::spawn(async move {
                // An update lost here is included in the next one.
                if app.own_store.wake_notes(&incident).await.is_ok() {
                    app.work.notify_one();
                }
            });
        }
    }
}

impl ProgressPublisher {
    pub(super) fn new(app: Arc<ServiceState>, incident: &IncidentId) -> Self {
        Self { app, incident: incident.clone(), told: Mutex::new(None) }
    }

    /// Whether an update may be sent now: chat systems accept an edit every few seconds, and only they show progress.
    fn may_tell(&self) -> bool {
        if self.app.settings.chat.is_none() {
            return false;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|at| at.elapsed() >= TELL_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}

impl millwright_tools::ProgressSink for ProgressPublisher {
    fn note(&self, event: millwright_tools::ProgressEvent) {
        if self.app.signals.receiver_count() > 0
            && let Ok(text) = serde_json::to_string(&event)
        {
            let _ = self.app.signals.send(WakeSignal::Progress(self.incident.clone(), text.into()));
        }
    }
}
