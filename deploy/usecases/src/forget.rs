/*!
Deletes an incident permanently, on request.
*/

use std::time::Duration;

use millwright_model::IncidentId;
use millwright_store::vectors::catch_up;
use millwright_store::{JobKind, StoreError};

use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// How long no command can resume a run whose incident is being deleted.
const WHILE_FORGOTTEN: Duration = Duration::from_secs(30);

impl UseCases {
    /// Deletes an incident that is not being investigated.
    ///
    /// # Errors
    /// When there is no such incident, or it is being investigated.
    pub async fn forget(&self, caller: &Principal, incident: &IncidentId) -> Result<(), UseCaseError> {
        if self.is_looked_into(incident).await? {
            return Err(UseCaseError::conflict("it is being investigated; stop the investigation first"));
        }
        match self.store.forget(incident, caller.because("asked to forget")).await {
            // The incident is gone from every answer; readers only held old pages of the file for a moment.
            Ok(()) | Err(StoreError::Busy) => {}
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = catch_up(&self.store, 0).await {
            tracing::warn!(%error, "a vector could not be removed from its server now; this is tried again later");
        }
        Ok(())
    }

    /// Whether an investigation of the incident runs or is due. A command that was killed no longer counts after its lease
    /// expires: nobody else could end it.
    async fn is_looked_into(&self, incident: &IncidentId) -> Result<bool, UseCaseError> {
        if self.store.get_incident(incident).await?.state.is_over() {
            return Ok(false);
        }
        if self.store.get_job(JobKind::Investigate, incident.as_str()).await?.is_some() {
            return Ok(true);
        }
        let Some(run) = self.store.latest_unfinished_run(incident).await? else { return Ok(false) };
        Ok(!self.store.claim_run(&run.id, "forget", WHILE_FORGOTTEN).await?)
    }
}
