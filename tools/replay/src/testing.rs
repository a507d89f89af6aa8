//! Shared by tests of replays: an executor that runs commands without a sandbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_git::Repo;
use millwright_git::checkout::{CheckoutPool, PoolLimits};
use millwright_model::SandboxLevel;
use millwright_sandbox::{CancelFlag, Execution, ExitStatus, LimitHit, SandboxError, SandboxedCommand};
use millwright_testkit::repository::TestRepo;

use super::*;

/// Replays of a recipe in a repository.
pub(crate) fn new_replayer(repo: &TestRepo, recipe: ReplayRecipe, ledger: ReplayLedger) -> Replayer {
    let clone = Repo::open(&repo.work(), &repo.data()).unwrap();
    let pool = CheckoutPool::new(clone, PoolLimits { slots: 4, wait: Duration::from_secs(60) });
    Replayer::new(
        pool,
        recipe,
        Arc::new(UnconfinedExecutor),
        ledger,
        ReplayOptions::default(),
        CancelFlag::default(),
    )
}

/// Runs commands unconfined, for recipes written by tests.
pub(crate) struct UnconfinedExecutor;

impl Executor for UnconfinedExecutor {
    #[expect(clippy::disallowed_methods, reason = "tests of replay logic need no sandbox")]
    fn execute(&self, command: &SandboxedCommand, _: &CancelFlag) -> Result<Execution, SandboxError> {
        use std::os::unix::process::ExitStatusExt;
        let since = Instant::now();
        let wall = command.limits.wall.as_secs().to_string();
        let output = std::process::Command::new("timeout")
            .args([&wall, "sh", "-c", &format!("exec 2>&1\n{}", command.script)])
            .current_dir(&command.cwd)
            .envs(&command.env)
            .output()
            .unwrap();
        let code = output.status.code();
        Ok(Execution {
            exit: code
                .map_or_else(|| ExitStatus::Signal(output.status.signal().unwrap_or(0)), ExitStatus::Code),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            truncated: false,
            duration: since.elapsed(),
            limit: (code == Some(124)).then_some(LimitHit::Wall),
            level: SandboxLevel::None,
            denied: Vec::new(),
            opened: Vec::new(),
        })
    }
}
