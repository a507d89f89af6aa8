/*!
The context of a tool call: the repository, the range under investigation, the ticket, cancellation and progress. It
also enforces the visibility rule in one place: tools see only what is reachable from the failing revision, so that no
tool can cite a later commit and no evaluation leaks a fix.
*/

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_git::Repo;
use millwright_git::checkout::{CheckoutPool, PoolLimits};
use millwright_model::{CommitId, ParsedTicket, ReplayOutcome};
use millwright_redaction::RedactionConfig;
use millwright_replay::{ReplayRecipe, Replayer, SandboxExecutor};
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::run_resources::ShownFailure;
use super::{RunResources, ToolError};

/// Cheap to clone; a clone shares everything but its deadline.
#[derive(Clone)]
pub struct ToolContext {
    pub repo: Arc<Repo>,
    /// Rules that mask stored data of the repository.
    pub redaction: Arc<RedactionConfig>,
    /// The failing revision.
    pub bad: CommitId,
    /// A revision known to work, an ancestor of `bad`.
    pub good: Option<CommitId>,
    pub data_dir: PathBuf,
    pub ticket: Arc<ParsedTicket>,
    /// Log files that came with the incident.
    pub logs: Vec<PathBuf>,
    pub cancel: CancelFlag,
    /// Time at which the whole run must end.
    pub deadline: Option<Instant>,
    pub progress: Arc<dyn ProgressSink>,
    /// State that the tools of one investigation share.
    pub workbench: Arc<RunResources>,
}

impl ToolContext {
    /// A context without `good`, logs, deadline or progress.
    pub fn new(
        repo: Arc<Repo>,
        redaction: Arc<RedactionConfig>,
        bad: CommitId,
        data_dir: PathBuf,
        ticket: Arc<ParsedTicket>,
    ) -> Self {
        Self {
            repo,
            redaction,
            bad,
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

    /// The visibility rule: the commit of `revision`, which must be `bad` or an ancestor of it.
    ///
    /// `bad`, `good` and `HEAD` name the range under investigation, also with a suffix as in `bad~3`. `HEAD` is
    /// `bad`: tools ignore the checkout of the user's clone. `None` is `bad`. A revision that exists but is not
    /// reachable gives the same error as one that does not exist.
    pub fn visible(&self, revision: Option<&str>) -> Result<CommitId, ToolError> {
        let Some(revision) = revision.map(str::trim).filter(|revision| !revision.is_empty()) else {
            return Ok(self.bad.clone());
        };
        let spelled = self.expand_alias(revision)?;
        if let Some(known) =
            [Some(&self.bad), self.good.as_ref()].into_iter().flatten().find(|id| **id == spelled)
        {
            return Ok(known.clone());
        }
        let hidden = |detail: String| {
            ToolError::not_found(format!(
                "{revision:?} is not a commit that the failing revision reaches; tools see only {} and its \
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

    /// A replayer on the run's ledger, for one call. It does not repeat executions that an interrupted call recorded.
    pub(super) fn replayer(&self, recipe: ReplayRecipe) -> Result<Replayer, ToolError> {
        let replayer = self.unexpecting_replayer(recipe)?;
        if let Some(shown) = self.workbench.shown() {
            replayer.expect_failure(shown.failure);
        }
        Ok(replayer)
    }

    /// The same, without an expected failure.
    pub(super) fn unexpecting_replayer(&self, recipe: ReplayRecipe) -> Result<Replayer, ToolError> {
        let bench = &self.workbench;
        if bench.runs_nothing {
            return Err(ToolError::unavailable("replays were switched off for this run (--no-replay)"));
        }
        let ledger = bench.open_ledger()?;
        let limits =
            PoolLimits { slots: bench.jobs.max(PoolLimits::default().slots), ..PoolLimits::default() };
        let pool = CheckoutPool::new((*self.repo).clone(), limits);
        let (sandbox, cancel) = (bench.sandbox.clone(), self.cancel.clone());
        Ok(Replayer::new(pool, recipe, Arc::new(SandboxExecutor), ledger, sandbox, cancel))
    }

    /// The replayer of the recipe in force, once the failure was reproduced.
    pub(super) fn reproduced(&self) -> Result<(Replayer, ShownFailure), ToolError> {
        let shown = self.workbench.shown().ok_or_else(|| {
            ToolError::unavailable("the failure was not reproduced in this run; call `reproduce` first")
        })?;
        let recipe = self.workbench.recipe();
        let recipe = recipe.ok_or_else(|| ToolError::unavailable("there is no replay in this run"))?;
        Ok((self.replayer(recipe)?, shown))
    }

    /// Runs blocking work (git2, parsing, reading) on a blocking thread. A panic there becomes a [`ToolError`].
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ToolContext) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let ctx = self.clone();
        match tokio::task::spawn_blocking(move || work(&ctx)).await {
            Ok(result) => result,
            Err(error) => {
                Err(ToolError::failed("the tool panicked on this input; try another tool or another input")
                    .with_detail(error))
            }
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

/// Receives the progress of tools. Implementations must not block.
pub trait ProgressSink: Send + Sync {
    fn note(&self, event: ProgressEvent);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProgressEvent {
    /// The current step, in words.
    Step { text: String },
    /// `done` of `total` things.
    Count { what: String, done: u64, total: Option<u64> },
    /// A replay ended. `left` estimates the replays still to come.
    Replay { commit: CommitId, outcome: ReplayOutcome, number: u64, left: Option<u64>, duration_ms: u64 },
}

/// Discards all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl ProgressSink for NoProgress {
    fn note(&self, _: ProgressEvent) {}
}

#[cfg(test)]
mod tests {
    use millwright_testkit::repository::{TestRepo, snapshot};

    use crate::ToolErrorKind;
    use crate::testing::context;

    #[test]
    fn tools_see_only_what_bad_reaches() {
        let repo = TestRepo::new();
        let first = repo.commit("first", &[("a.txt", "1\n")]);
        let bad = repo.commit("bad", &[("a.txt", "2\n")]);
        let mut ctx = context(&repo);
        ctx.good = Some(first.clone());
        let fix = repo.commit("the fix, later", &[("a.txt", "3\n")]);
        repo.git(&["branch", "side", &first]);

        let before = snapshot(&repo.git_dir());
        for (revision, expected) in [
            (None, &bad),
            (Some(""), &bad),
            (Some("bad"), &bad),
            (Some("HEAD"), &bad),
            (Some("bad~1"), &first),
            (Some("HEAD^"), &first),
            (Some("good"), &first),
            (Some("side"), &first),
            (Some(&bad[..9]), &bad),
            (Some("main~2"), &first),
        ] {
            assert_eq!(&ctx.visible(revision).unwrap(), expected, "{revision:?}");
        }
        for revision in
            ["main", &fix, &fix[..9], ":/later", "nonsense", "main:a.txt", "good~1", "--all", "a..b"]
        {
            let error = ctx.visible(Some(revision)).unwrap_err();
            assert_eq!(error.kind, ToolErrorKind::NotFound, "{revision}: {error}");
            assert!(
                error.feedback.contains("is not a commit that the failing revision reaches"),
                "{error:?}"
            );
        }
        ctx.good = None;
        assert!(ctx.visible(Some("good")).unwrap_err().feedback.contains("no good revision is known"));
        assert_eq!(snapshot(&repo.git_dir()), before);
    }
}
