/*!
The graders' own workbench: runs a case's replay and tests at any revision, with any change applied, in the sandbox and
in checkouts of its own. It reads nothing of what the agent says it ran; a status of 0 passes, and nothing else does.
*/

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millwright_culprit::fixes::tests_recipe;
use millwright_git::Repo;
use millwright_git::checkout::{CheckoutChange, CheckoutPool, FileOverlay, OverlayMode, PoolLimits};
use millwright_model::{CommitId, ReplayOutcome};
use millwright_replay::{ReplayLedger, ReplayOptions, ReplayRecipe, Replayer, SandboxExecutor};
use millwright_sandbox::{self as sandbox, SandboxedCommand};
use millwright_tools::CancelFlag;

use crate::cases::{self, CaseReplay};

/// What every execution of a case is handed.
#[derive(Debug, Clone, Copy)]
pub struct ExecutionSettings<'a> {
    pub env: &'a BTreeMap<String, String>,
    /// Readable inside the sandbox.
    pub allow_read: &'a [PathBuf],
}

/// A case's replay as the agent and the graders run it.
pub(crate) fn recipe(replay: &CaseReplay, execution: ExecutionSettings<'_>) -> ReplayRecipe {
    let mut env = replay.env.clone();
    env.extend(execution.env.clone());
    let overlay = replay.overlay.as_ref().map(|overlay| FileOverlay {
        from: overlay.from.clone(),
        base: overlay.base.clone(),
        paths: overlay.paths.clone(),
        mode: match overlay.mode {
            cases::CaseOverlayMode::Replace => OverlayMode::Replace,
            cases::CaseOverlayMode::Merge => OverlayMode::Merge,
        },
    });
    ReplayRecipe {
        setup: replay.setup.clone(),
        env,
        overlay,
        timeout_s: replay.timeout_s,
        allow_read: execution.allow_read.to_vec(),
        ..ReplayRecipe::new(replay.command.clone())
    }
}

/// How one execution ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecipeEnding {
    Passes,
    Fails {
        tail: String,
    },
    /// It says nothing: a time-out, a missing program, a change that does not apply.
    Unknown {
        why: String,
    },
}

/// Attempts at a run whose sandbox fails.
const MAX_SANDBOX_ATTEMPTS: usize = 3;

/// Runs one recipe on one repository.
pub(crate) struct GraderSandbox(Replayer);

impl GraderSandbox {
    /// For the replay itself.
    pub(crate) fn new(repo: &Repo, recipe: ReplayRecipe) -> Self {
        let pool = CheckoutPool::new(repo.clone(), PoolLimits::default());
        let (sandbox, nothing) = (Arc::new(SandboxExecutor), CancelFlag::default());
        let bounds = ReplayOptions::with_time_for(&recipe);
        Self(Replayer::new(pool, recipe, sandbox, ReplayLedger::in_memory(), bounds, nothing))
    }

    /// For the project's tests, with what the replay needs around it.
    pub(crate) fn of_tests(repo: &Repo, replay: &ReplayRecipe, tests: &str) -> Self {
        Self::new(repo, tests_recipe(replay, tests))
    }

    /// A sandbox that could not be set up on a busy machine says nothing about the code, so it is tried again.
    pub(crate) fn run(&self, commit: &CommitId, change: Option<&CheckoutChange>) -> RecipeEnding {
        let mut ended = self.run_once(commit, change);
        for _ in 1..MAX_SANDBOX_ATTEMPTS {
            match &ended {
                RecipeEnding::Unknown { why } if why.starts_with("the sandbox failed") => {
                    ended = self.run_once(commit, change);
                }
                _ => break,
            }
        }
        ended
    }

    fn run_once(&self, commit: &CommitId, change: Option<&CheckoutChange>) -> RecipeEnding {
        match self.0.run(commit, change) {
            Ok(replayed) => match replayed.outcome() {
                ReplayOutcome::Passes => RecipeEnding::Passes,
                ReplayOutcome::Reproduces | ReplayOutcome::OtherFailure => {
                    RecipeEnding::Fails { tail: replayed.tail }
                }
                ReplayOutcome::CannotTest => RecipeEnding::Unknown { why: replayed.why.unwrap_or_default() },
            },
            Err(error) => RecipeEnding::Unknown { why: error.to_string() },
        }
    }
}

/// Programs of `needed` that replays would not find, asked for inside the sandbox.
pub(crate) fn missing(
    needed: &[String],
    execution: ExecutionSettings<'_>,
    scratch: &Path,
) -> Result<Vec<String>, String> {
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir_in(scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let script: Vec<String> =
        needed.iter().map(|program| format!("command -v {program} >/dev/null || echo {program}")).collect();
    let command = SandboxedCommand {
        script: script.join("\n"),
        cwd: folder.path().to_owned(),
        env: execution.env.clone(),
        read: execution.allow_read.to_vec(),
        write: vec![folder.path().to_owned()],
        ..SandboxedCommand::default()
    };
    let ran = sandbox::run(&command, &CancelFlag::default()).map_err(|error| error.to_string())?;
    Ok(ran.output.lines().map(str::to_owned).filter(|line| needed.contains(line)).collect())
}
