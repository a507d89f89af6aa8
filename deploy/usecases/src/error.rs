/*!
Why a use case was refused, by meaning. Each channel maps these errors: to an HTTP status, to a message in a chat, to an
exit status. The text is for the person who asked.
*/

use millwright_model::IncidentId;
use millwright_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// What was named does not exist.
    #[error("{what}")]
    NotFound { what: String },
    /// The input is not valid.
    #[error("{what}")]
    Invalid { what: String },
    /// The caller may not do this.
    #[error("{why}")]
    Forbidden { why: String },
    /// The input is larger than what is accepted at once.
    #[error("{what}")]
    TooLarge { what: String },
    /// The current state does not allow it.
    #[error("{why}")]
    Conflict { why: String },
    #[error(
        "there is no resolution to confirm or reject: the investigation has not found a cause; name the cause with a \
         note such as `it was 1c1ed3b`"
    )]
    NothingToJudge,
    /// A shortened id matches several ids.
    #[error("{id} matches several ids: {candidates}; give more of the id")]
    Ambiguous { id: String, candidates: String },
    #[error("{}", StoreError::LinkSpent)]
    LinkSpent,
    /// Another report was made under this key before.
    #[error("another report was delivered with the same id before; give each report its own id")]
    OtherContent { incident: Option<IncidentId> },
    /// The service is busy; the caller can retry in a moment.
    #[error("{why}")]
    Busy { why: String },
    /// Something failed that the caller cannot mend.
    #[error("{why}")]
    Failed { why: String },
    /// The store failed; its source says whether a retry can help.
    #[error("the store failed: {0}")]
    Store(#[source] StoreError),
}

impl UseCaseError {
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    pub fn conflict(why: impl Into<String>) -> Self {
        Self::Conflict { why: why.into() }
    }

    /// Whether the caller can do something about it; otherwise the service failed.
    pub fn is_of_caller(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::Forbidden { .. }
            | Self::TooLarge { .. }
            | Self::Conflict { .. }
            | Self::NothingToJudge
            | Self::Ambiguous { .. }
            | Self::LinkSpent
            | Self::OtherContent { .. } => true,
            Self::Busy { .. } | Self::Failed { .. } | Self::Store(_) => false,
        }
    }
}

impl From<StoreError> for UseCaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, id } => Self::NotFound { what: format!("there is no {what} {id}") },
            StoreError::Ambiguous { id, candidates } => Self::Ambiguous { id, candidates },
            StoreError::LinkSpent => Self::LinkSpent,
            StoreError::OtherContent { incident } => Self::OtherContent { incident },
            StoreError::OutsideScope => Self::Forbidden { why: error.to_string() },
            StoreError::TooLarge { .. } => Self::TooLarge { what: error.to_string() },
            other => Self::Store(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_failure_passes_by_itself_is_still_known() {
        let away = UseCaseError::from(StoreError::Lost { detail: "reset".into() });
        assert!(millwright_store::is_transient(&away) && !away.is_of_caller());
        let missing = UseCaseError::from(StoreError::NotFound { what: "incident", id: "inc_1".into() });
        assert!(!millwright_store::is_transient(&missing) && missing.is_of_caller());
        // Without the hint at a command, which belongs to the command line.
        assert_eq!(missing.to_string(), "there is no incident inc_1");
    }
}
