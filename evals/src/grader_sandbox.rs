/*!
The sandbox of the graders. It runs a case's replay and tests at any revision, with any change applied, in its own checkouts.
It ignores what the agent says it ran. Only status 0 is a pass.
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

/// Settings of every execution of a case.
#[derive(Debug, Clone, Copy)]
pub struct ExecutionSettings<'a> {
    pub env: &'a BTreeMap<String, String>,
    /// Paths that are readable inside the sandbox.
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

/// Replays a recipe in the real sandbox and keeps nothing.
pub(crate) fn replayer(repo: &Repo, recipe: ReplayRecipe) -> Replayer {
    let pool = CheckoutPool::new(repo.clone(), PoolLimits::default());
    let (sandbox, nothing) = (Arc::new(SandboxExecutor), CancelFlag::default());
    let bounds = ReplayOptions::with_time_for(&recipe);
    Replayer::new(pool, recipe, sandbox, ReplayLedger::in_memory(), bounds, nothing)
}

/// How one execution ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecipeEnding {
    Passes,
    Fails {
        tail: String,
    },
    /// The run shows nothing: a time-out, a missing program, or a change that does not apply.
    Unknown {
        why: String,
    },
}

/// How often a run is tried when the sandbox itself fails.
const MAX_SANDBOX_ATTEMPTS: usize = 3;

/// Runs one recipe in one repository.
pub(crate) struct GraderSandbox(Replayer);

impl GraderSandbox {
    /// A sandbox for the replay itself.
    pub(crate) fn new(repo: &Repo, recipe: ReplayRecipe) -> Self {
        Self(replayer(repo, recipe))
    }

    /// A sandbox for the project's tests, with the environment that the replay needs.
    pub(crate) fn of_tests(repo: &Repo, replay: &ReplayRecipe, tests: &str) -> Self {
        Self::new(repo, tests_recipe(replay, tests))
    }

    /// Runs the recipe. A failed set-up of the sandbox on a busy machine says nothing about the code, so the run is tried
    /// again.
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

/// The programs of `needed` that replays would not find. The check runs inside the sandbox.
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
