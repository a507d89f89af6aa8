/*!
The reason that a person gives for a decision or a judgement; the audit log stores it.
*/

use crate::error::UseCaseError;

/// Longest note about a decision or a judgement, in characters.
pub const MAX_NOTE_CHARS: usize = 4_000;

/// Refuses a note that does not fit the audit log.
pub(crate) fn validate_audit_note(note: &str) -> Result<(), UseCaseError> {
    match note.chars().count() <= MAX_NOTE_CHARS {
        true => Ok(()),
        false => Err(UseCaseError::invalid("note must be at most 4000 characters")),
    }
}
