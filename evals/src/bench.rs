/*!
The graders' own workbench: runs a case's replay and tests at any revision, with any change applied, in the sandbox and
in checkouts of its own. It reads nothing of what the agent says it ran; a status of 0 passes, and nothing else does.
*/

use std::path::Path;
use std::sync::Arc;

use millwright_memory::types::ReplayOutcome;
use millwright_tools::checkout::{Change, CheckoutPool, Overlay, OverlayMode, PoolLimits};
use millwright_tools::fixes::tests_recipe;
use millwright_tools::git::Repo;
use millwright_tools::process::{self, SandboxedCommand};
use millwright_tools::replay::{Ledger, ReplayOptions, ReplayRecipe, Replayer, Sandbox};
use millwright_tools::tool::CancelFlag;

use crate::cases::{self, Replay};
use crate::options::Options;

/// A case's replay as the agent and the graders run it.
pub(crate) fn recipe(replay: &Replay, options: &Options) -> ReplayRecipe {
    let mut env = replay.env.clone();
    env.extend(options.env.clone());
    let overlay = replay.overlay.as_ref().map(|overlay| Overlay {
        from: overlay.from.clone(),
        base: overlay.base.clone(),
        paths: overlay.paths.clone(),
        mode: match overlay.mode {
            cases::OverlayMode::Replace => OverlayMode::Replace,
            cases::OverlayMode::Merge => OverlayMode::Merge,
        },
    });
    ReplayRecipe {
        setup: replay.setup.clone(),
        env,
        overlay,
        timeout_s: replay.timeout_s,
        allow_read: options.allow_read.clone(),
        ..ReplayRecipe::new(replay.command.clone())
    }
}

/// How one execution ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
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
pub(crate) struct Bench(Replayer);

impl Bench {
    /// For the replay itself.
    pub(crate) fn new(repo: &Repo, recipe: ReplayRecipe) -> Self {
        let pool = CheckoutPool::new(repo.clone(), PoolLimits::default());
        let (sandbox, nothing) = (Arc::new(Sandbox), CancelFlag::default());
        Self(Replayer::new(pool, recipe, sandbox, Ledger::in_memory(), ReplayOptions::default(), nothing))
    }

    /// For the project's tests, with what the replay needs around it.
    pub(crate) fn of_tests(repo: &Repo, replay: &ReplayRecipe, tests: &str) -> Self {
        Self::new(repo, tests_recipe(replay, tests))
    }

    /// A sandbox that could not be set up on a busy machine says nothing about the code, so it is tried again.
    pub(crate) fn run(&self, revision: &str, change: Option<&Change>) -> Ended {
        let mut ended = self.run_once(revision, change);
        for _ in 1..MAX_SANDBOX_ATTEMPTS {
            match &ended {
                Ended::Unknown { why } if why.starts_with("the sandbox failed") => {
                    ended = self.run_once(revision, change);
                }
                _ => break,
            }
        }
        ended
    }

    fn run_once(&self, revision: &str, change: Option<&Change>) -> Ended {
        match self.0.run(revision, change) {
            Ok(replayed) => match replayed.outcome() {
                ReplayOutcome::Passes => Ended::Passes,
                ReplayOutcome::Reproduces | ReplayOutcome::OtherFailure => {
                    Ended::Fails { tail: replayed.tail }
                }
                ReplayOutcome::CannotTest => Ended::Unknown { why: replayed.why.unwrap_or_default() },
            },
            Err(error) => Ended::Unknown { why: error.to_string() },
        }
    }
}

/// Programs of `needed` that replays would not find, asked for inside the sandbox.
pub(crate) fn missing(needed: &[String], options: &Options, scratch: &Path) -> Result<Vec<String>, String> {
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir_in(scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let script: Vec<String> =
        needed.iter().map(|program| format!("command -v {program} >/dev/null || echo {program}")).collect();
    let command = SandboxedCommand {
        script: script.join("\n"),
        cwd: folder.path().to_owned(),
        env: options.env.clone(),
        read: options.allow_read.clone(),
        write: vec![folder.path().to_owned()],
        ..SandboxedCommand::default()
    };
    let ran = process::run(&command, &CancelFlag::default()).map_err(|error| error.to_string())?;
    Ok(ran.output.lines().map(str::to_owned).filter(|line| needed.contains(line)).collect())
}
