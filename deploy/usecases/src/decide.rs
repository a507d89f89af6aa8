/*!
The decision about a tool call that waits for consent. It can be made once.
*/

use millwright_model::IncidentId;

use crate::audit_note::validate_audit_note;
use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

impl UseCases {
    /// Approves or denies a call that waits; returns its incident.
    ///
    /// # Errors
    /// When no call with this id waits or waited, it was decided already, or the note is too long.
    pub async fn decide(
        &self,
        caller: &Principal,
        approval: &str,
        approve: bool,
        note: &str,
    ) -> Result<IncidentId, UseCaseError> {
        validate_audit_note(note)?;
        let note = self.redact(note);
        let decided = self.store.decide(approval, approve, caller.because(&note)).await?;
        let decided = decided.ok_or_else(|| UseCaseError::conflict("this was decided already"))?;
        self.notify_work(&decided.incident_id);
        Ok(decided.incident_id)
    }
}
