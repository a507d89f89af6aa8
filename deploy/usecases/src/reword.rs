/*!
Rewording of a remembered statement by a person. Only the text changes: its proof, the judgements about it and its outcome
are separate fields, and stay. Two people who edit at the same time cannot overwrite each other unnoticed.
*/

use millwright_model::{IncidentId, digest};

use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// Longest statement, in characters.
pub const MAX_STATEMENT_CHARS: usize = 2_000;
/// Longest reason, in characters; a longer one is cut.
const MAX_REASON_CHARS: usize = 500;

/// A new text for a statement.
#[derive(Debug, Clone, Copy)]
pub struct StatementChange<'a> {
    /// The resolution that contains the statement.
    pub resolution: &'a str,
    /// The version that the author of the change saw, see [`statement_version`].
    pub seen_version: &'a str,
    pub text: &'a str,
    /// The reason; stored in the audit log.
    pub note: &'a str,
}

/// A version that changes with the text of a statement.
pub fn statement_version(statement: &str) -> String {
    digest(&[statement])
}

impl UseCases {
    /// Replaces the text of a statement.
    ///
    /// # Errors
    /// When the incident has no such answer, the text was changed since the author saw it, or the new text is empty or too
    /// long.
    pub async fn reword(
        &self,
        caller: &Principal,
        incident: &IncidentId,
        change: StatementChange<'_>,
    ) -> Result<(), UseCaseError> {
        let resolutions = self.store.resolutions(incident).await?;
        let known = resolutions.iter().find(|known| known.id == change.resolution);
        let known = known
            .ok_or_else(|| UseCaseError::NotFound { what: "this incident has no such answer".to_owned() })?;
        if statement_version(&known.statement) != change.seen_version {
            return Err(UseCaseError::conflict(
                "somebody changed the text in the meantime; read it, then change it again",
            ));
        }
        // Browsers send CRLF line ends.
        let text = change.text.replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MAX_STATEMENT_CHARS {
            return Err(UseCaseError::invalid("the text must be 1 to 2000 characters"));
        }
        let (text, note) = (self.redact(text), self.redact(change.note.trim()));
        let note: String = note.chars().take(MAX_REASON_CHARS).collect();
        self.store.set_statement(&known.id, &text, caller.because(&note)).await?;
        self.notify_changed(incident);
        Ok(())
    }
}
