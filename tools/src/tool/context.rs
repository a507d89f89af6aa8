/*!
What a tool call may use: the repository, the range under investigation, the ticket, and the means to be
cancelled and to say how far it is. It also keeps the visibility rule in one place: tools see only what the
failing revision reaches, so that no tool can cite the future and no evaluation leaks a fix.
*/

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_memory::types::{ParsedTicket, ReplayOutcome};
use serde::{Deserialize, Serialize};

use super::{ToolError, Workbench};
use crate::git::Repo;
use crate::process::CancelFlag;

/// Cheap to clone; a clone shares everything but its deadline.
#[derive(Clone)]
pub struct ToolContext {
    pub repo: Arc<Repo>,
    /// The failing revision, 40 hex digits.
    pub bad: String,
    /// A revision known to work, 40 hex digits, an ancestor of `bad`.
    pub good: Option<String>,
    pub data_dir: PathBuf,
    pub ticket: Arc<ParsedTicket>,
    /// Log files handed in with the incident.
    pub logs: Vec<PathBuf>,
    pub cancel: CancelFlag,
    /// When the whole run has to be over.
    pub deadline: Option<Instant>,
    pub progress: Arc<dyn Progress>,
    /// What the tools of one investigation share.
    pub workbench: Arc<Workbench>,
}

impl ToolContext {
    /// A context without `good`, logs, deadline or progress. `bad` is a full commit id.
    pub fn new(
        repo: Arc<Repo>,
        bad: impl Into<String>,
        data_dir: PathBuf,
        ticket: Arc<ParsedTicket>,
    ) -> Self {
        Self {
            repo,
            bad: bad.into(),
            good: None,
            data_dir,
            ticket,
            logs: Vec::new(),
            cancel: CancelFlag::default(),
            deadline: None,
            progress: Arc::new(NoProgress),
            workbench: Arc::default(),
        }
    }

    /// Time left until the deadline of the run, if it has one.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The visibility rule: the full id of `revision`, which must be `bad` or an ancestor of it.
    ///
    /// `bad`, `good` and `HEAD` name the range under investigation (`HEAD` is `bad`: whatever is checked out in
    /// the user's clone is none of a tool's business), also with a suffix as in `bad~3`. `None` is `bad`.
    /// A revision that exists but lies outside is answered like one that does not exist.
    pub fn visible(&self, revision: Option<&str>) -> Result<String, ToolError> {
        let Some(revision) = revision.map(str::trim).filter(|revision| !revision.is_empty()) else {
            return Ok(self.bad.clone());
        };
        let spelled = self.expand_alias(revision)?;
        if spelled == self.bad || Some(&spelled) == self.good.as_ref() {
            return Ok(spelled);
        }
        let hidden = |detail: String| {
            ToolError::not_found(format!(
                "{revision:?} names no commit that the failing revision reaches; tools see only {} and its \
                 ancestors (use `bad`, `good`, `bad~N` or a commit id from git_log)",
                self.bad
            ))
            .with_detail(detail)
        };
        let id = self.repo.resolve(&spelled).map_err(|error| hidden(error.to_string()))?;
        if id == self.bad || self.repo.is_ancestor(&id, &self.bad)? {
            Ok(id)
        } else {
            Err(hidden(format!("{revision} is {id}, which is not an ancestor of {}", self.bad)))
        }
    }

    fn expand_alias(&self, revision: &str) -> Result<String, ToolError> {
        let name_end = revision.find(['~', '^']).unwrap_or(revision.len());
        let (name, suffix) = revision.split_at(name_end);
        match name {
            "bad" | "HEAD" | "@" => Ok(format!("{}{suffix}", self.bad)),
            "good" => match &self.good {
                Some(good) => Ok(format!("{good}{suffix}")),
                None => Err(ToolError::not_found("no good revision is known in this investigation")),
            },
            _ => Ok(revision.to_owned()),
        }
    }

    /// Runs blocking work (git2, parsing, reading) on a blocking thread. A panic there becomes a [`ToolError`].
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ToolContext) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let ctx = self.clone();
        match tokio::task::spawn_blocking(move || work(&ctx)).await {
            Ok(result) => result,
            Err(error) => Err(ToolError::failed("the tool broke down on this input; try another way to ask")
                .with_detail(error)),
        }
    }
}

impl std::fmt::Debug for ToolContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolContext")
            .field("bad", &self.bad)
            .field("good", &self.good)
            .finish_non_exhaustive()
    }
}

/// Where tools say how far they are. Implementations must not block.
pub trait Progress: Send + Sync {
    fn note(&self, event: ProgressEvent);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProgressEvent {
    /// What is being done now, in words.
    Step { text: String },
    /// `done` of `total` things.
    Count { what: String, done: u64, total: Option<u64> },
    /// A replay ended. `left` estimates the replays still to come.
    Replay { commit: String, outcome: ReplayOutcome, number: u64, left: Option<u64>, duration_ms: u64 },
}

/// Listens to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn note(&self, _: ProgressEvent) {}
}
