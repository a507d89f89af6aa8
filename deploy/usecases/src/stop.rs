/*!
Stops an investigation before it has a result.
*/

use millwright_model::IncidentId;
use millwright_store::{JobKind, MessageKind};

use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// The state of an investigation after a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopResult {
    /// The investigation had not begun, so it is cancelled.
    Cancelled,
    /// The run reports what is known, then the investigation is cancelled.
    Stopping,
}

impl StopResult {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Stopping => "stopping",
        }
    }
}

impl UseCases {
    /// Stops the investigation of an incident.
    ///
    /// # Errors
    /// When there is no such incident, it has ended, or it belongs to another command.
    pub async fn stop(&self, caller: &Principal, incident: &IncidentId) -> Result<StopResult, UseCaseError> {
        if self.store.get_incident(incident).await?.state.is_over() {
            return Err(UseCaseError::conflict("the incident has ended already; there is nothing to stop"));
        }
        if self.store.get_job(JobKind::Investigate, incident.as_str()).await?.is_none() {
            return Err(UseCaseError::conflict(
                "this incident is investigated by another command, not by the service",
            ));
        }
        let stopped = match self.store.cancel_idle_job(incident).await? {
            true => StopResult::Cancelled,
            false => {
                self.store.put_message(incident, &caller.name, MessageKind::Stop, "").await?;
                // A parked run has to run once more to report what it knows.
                self.store.wake_job(JobKind::Investigate, incident.as_str()).await?;
                StopResult::Stopping
            }
        };
        let (by, state) = (caller.because(""), stopped.as_str());
        self.store.append_audit(by, "cancel", incident.as_str(), Some(incident), Some(state)).await?;
        self.notify_work(incident);
        Ok(stopped)
    }
}
