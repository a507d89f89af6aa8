/*!
The request for an investigation, and its possible errors.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use millwright_git::RepoError;
use millwright_model::RepositoryName;
use millwright_replay::{self as replay, OverlayError, ReplayRecipe};
use millwright_store::{Incident, StoreError};

use crate::driver::DriveError;
use crate::journal::JournalError;
use crate::run::RunBudget;

/// The request that a channel received.
#[derive(Debug, Clone)]
pub struct InvestigationRequest {
    /// An incident that was accepted before: the run belongs to it, and its ticket replaces `ticket`.
    pub incident: Option<Box<Incident>>,
    pub ticket: Vec<u8>,
    /// File name of the ticket, a hint at its format.
    pub ticket_name: Option<String>,
    pub repo: PathBuf,
    /// Name of the repository in the configuration.
    pub repository_name: Option<RepositoryName>,
    /// The failing revision as the user wrote it.
    pub bad: String,
    pub good: Option<String>,
    pub logs: Vec<PathBuf>,
    pub replay: ReplayChoice,
    /// Configured recipes for running the repository's tests.
    pub recipes: replay::TestRecipes,
    /// Remotes to which a fix may be pushed, by name.
    pub remotes: BTreeMap<String, String>,
    pub tests: Option<String>,
    pub use_memory: bool,
    pub jobs: usize,
    /// Limits of the run, including the deadline.
    pub budget: RunBudget,
    pub data_dir: PathBuf,
    pub sandbox: replay::ReplayOptions,
    /// The channel; stored with the incident.
    pub source: String,
    /// Notes about the set-up for the reader of the report, a line each.
    pub notes: Vec<String>,
}

/// Where the replay comes from. Never from a ticket.
#[derive(Debug, Clone)]
pub enum ReplayChoice {
    Given(Box<ReplayRecipe>),
    /// Derived from the failing test the ticket names, by [`InvestigationRequest::recipes`].
    Derive,
    Off,
}

#[derive(Debug, thiserror::Error)]
pub enum InvestigateError {
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// Not `transparent`: the store's error stays in the chain, where callers check whether it is temporary.
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error("{0} does not exist; give log files or folders that exist with --logs")]
    NoLogs(PathBuf),
    #[error(transparent)]
    Overlay(#[from] OverlayError),
    #[error("the ticket is empty; give a text, a stack trace, a failing test's output or an alert's JSON")]
    EmptyTicket,
    #[error(
        "the ticket is {0}; give its text (describe in words what a picture shows), and other files with \
         --logs"
    )]
    NoTextTicket(String),
    #[error("{path}: {source}; make sure the data folder exists, is writable and has room (--data-dir)")]
    DataDir { path: PathBuf, source: std::io::Error },
}

impl InvestigateError {
    /// Whether the run was parked and continues when the same request is made again.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Drive(error) if error.goes_on())
    }
}

impl From<JournalError> for InvestigateError {
    fn from(error: JournalError) -> Self {
        Self::Drive(error.into())
    }
}
