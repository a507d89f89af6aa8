/*!
What is remembered, put into better words by a person. Only the text changes: how well it is proven, what somebody said of
it and what became of it are fields of their own, and stay. Two people who write at once do not undo each other unseen.
*/

use millwright_model::{IncidentId, digest};

use crate::caller::Principal;
use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// Longest statement, in characters.
pub const MAX_STATEMENT_CHARS: usize = 2_000;
/// Longest reason, in characters; what is longer is cut.
const MAX_REASON_CHARS: usize = 500;

/// A statement in other words.
#[derive(Debug, Clone, Copy)]
pub struct StatementChange<'a> {
    /// Whose statement it is.
    pub resolution: &'a str,
    /// The version that its author saw, see [`statement_version`].
    pub seen_version: &'a str,
    pub text: &'a str,
    /// Why; kept in the audit log.
    pub note: &'a str,
}

/// What tells a statement from what it was before.
pub fn statement_version(statement: &str) -> String {
    digest(&[statement])
}

impl UseCases {
    /// Puts a statement into other words.
    ///
    /// # Errors
    /// When the incident has no such answer, somebody else changed the text since it was seen, or it is empty or too long.
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
                "somebody changed the text meanwhile; look at it, then change it again",
            ));
        }
        // Browsers send line ends of their own kind.
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
