/*!
Takes an incident out for good, when somebody asks for it.
*/

use millwright_model::IncidentId;
use millwright_store::StoreError;
use millwright_store::vectors::catch_up;

use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

impl UseCases {
    /// Forgets an incident that nobody investigates.
    ///
    /// # Errors
    /// When there is no such incident, or it is being looked into.
    pub async fn forget(&self, caller: &Principal, incident: &IncidentId) -> Result<(), UseCaseError> {
        if !self.store.get_incident(incident).await?.state.is_over() {
            return Err(UseCaseError::conflict("it is being looked into; stop the investigation first"));
        }
        match self.store.forget(incident, caller.because("asked to forget")).await {
            // It is out of every answer; readers only kept old pages of the file for a moment.
            Ok(()) | Err(StoreError::Busy) => {}
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = catch_up(&self.store, 0).await {
            tracing::warn!(%error, "a vector is removed from its server later");
        }
        Ok(())
    }
}
