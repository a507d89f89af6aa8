/*!
Why a tool call failed, for two readers: `detail` is for the operator's log and may name paths of this machine;
`feedback` is for the planner or model and says what to do differently. The kind classifies the error, so that a
planner can react without reading either text.
*/

use std::fmt;

use serde::{Deserialize, Serialize};

use millwright_git::RepoError;
use millwright_ingest::logs::LogError;
use millwright_sandbox::trusted::GitError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolErrorKind {
    /// The call was malformed; `feedback` says what is expected.
    InvalidArguments,
    /// The requested object does not exist in the place that was searched.
    NotFound,
    /// Policy or a person denied the call.
    Denied,
    /// Cut off by the tool's own limit, or by cancellation.
    Timeout,
    /// Cut off by the deadline of the run.
    Deadline,
    /// Something the tool needs is missing here (objects of a shallow clone, a sandbox, a store).
    Unavailable,
    Failed,
}

impl ToolErrorKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ToolErrorKind::InvalidArguments => "invalid_arguments",
            ToolErrorKind::NotFound => "not_found",
            ToolErrorKind::Denied => "denied",
            ToolErrorKind::Timeout => "timeout",
            ToolErrorKind::Deadline => "deadline",
            ToolErrorKind::Unavailable => "unavailable",
            ToolErrorKind::Failed => "failed",
        }
    }
}

impl fmt::Display for ToolErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct ToolError {
    pub kind: ToolErrorKind,
    /// For the operator.
    pub detail: String,
    /// For the planner or model: what to do differently.
    pub feedback: String,
}

impl ToolError {
    /// One text for both readers.
    pub fn new(kind: ToolErrorKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, detail: text.clone(), feedback: text }
    }

    /// `expected` says how a right call looks.
    pub fn invalid(expected: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::InvalidArguments, expected)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::NotFound, text)
    }

    pub fn denied(text: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::Denied, text)
    }

    pub fn timeout(text: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::Timeout, text)
    }

    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::Unavailable, text)
    }

    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::Failed, text)
    }

    /// Adds details for the operator that the model does not see.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }
}

impl From<RepoError> for ToolError {
    fn from(error: RepoError) -> Self {
        let detail = error.to_string();
        match error {
            RepoError::UnknownRevision { revision, hint, .. } => {
                Self::not_found(format!("no revision {revision:?} in this repository{hint}"))
            }
            RepoError::NotAnAncestor { good, bad } => {
                Self::invalid(format!("{good} is not an ancestor of {bad}; give an older revision first"))
            }
            RepoError::Git(error) => return error.into(),
            RepoError::NoSuchPath { .. } => Self::not_found(&detail),
            RepoError::GoodIsBad { .. } => Self::invalid(&detail),
            RepoError::Shallow { .. } => Self::unavailable(&detail),
            RepoError::NotAFile { .. } | RepoError::LineRange { .. } | RepoError::Malformed { .. } => {
                Self::invalid(&detail)
            }
            RepoError::TooLarge { .. } | RepoError::Binary { .. } => Self::unavailable(&detail),
            RepoError::MissingObject { what, hint, .. } => {
                Self::unavailable(format!("{what} is missing from this clone: {hint}"))
            }
            RepoError::Cancelled => Self::timeout(&detail),
            _ => Self::failed("the repository could not be read; try another tool or another revision"),
        }
        .with_detail(detail)
    }
}

impl From<LogError> for ToolError {
    fn from(error: LogError) -> Self {
        let detail = error.to_string();
        match error {
            LogError::Regex { .. } | LogError::OutsideOfLogs { .. } => Self::invalid(&detail),
            LogError::NoMatch { .. } | LogError::NoFiles { .. } => Self::not_found(&detail),
            LogError::Read { .. } => Self::unavailable("a log file could not be read"),
        }
        .with_detail(detail)
    }
}

impl From<GitError> for ToolError {
    fn from(error: GitError) -> Self {
        let detail = error.to_string();
        match &error {
            GitError::Failed { stderr, .. } if stderr.contains("missing") || stderr.contains("promisor") => {
                Self::unavailable("objects of this revision are missing from the clone (shallow or partial)")
            }
            GitError::Stopped { .. } => {
                Self::timeout("git took too long; ask for less (a path, a narrower range)")
            }
            GitError::Failed { command, stderr } => Self::failed(format!("git {command}: {stderr}")),
            GitError::Start(_) | GitError::Read { .. } => {
                Self::unavailable("git could not be run on this machine")
            }
        }
        .with_detail(detail)
    }
}
