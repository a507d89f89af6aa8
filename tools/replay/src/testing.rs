//! Shared by tests of replays: a temporary repository, and an executor that runs commands without a sandbox.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_git::Repo;
use millwright_git::checkout::{CheckoutPool, PoolLimits};
use millwright_model::{CommitId, SandboxLevel};
use millwright_sandbox::trusted::{self, GitCommand};
use millwright_sandbox::{CancelFlag, Execution, ExitStatus, LimitHit, SandboxError, SandboxedCommand};

use super::*;

/// A repository with a work tree, and a data folder beside it.
pub struct ReplayProject {
    folder: tempfile::TempDir,
    data: tempfile::TempDir,
}

impl ReplayProject {
    pub fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        project.git().args(["init", "-q", "-b", "main"]).output().unwrap();
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn git(&self) -> GitCommand {
        trusted::git(&self.path().join(".git")).work_tree(self.path())
    }

    pub fn open(&self) -> Repo {
        Repo::open(self.path(), self.data.path()).unwrap()
    }

    /// Writes files and commits everything; returns the commit id.
    pub fn commit(&self, files: &[(&str, &str)]) -> CommitId {
        for (path, content) in files {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        self.git().args(["add", "-A"]).output().unwrap();
        self.git().args(["commit", "-q", "--allow-empty", "-m", "change"]).output().unwrap();
        let head = self.git().args(["rev-parse", "HEAD"]).output().unwrap();
        CommitId::parse(String::from_utf8(head).unwrap().trim()).unwrap()
    }

    pub fn replayer(&self, recipe: ReplayRecipe, ledger: ReplayLedger) -> Replayer {
        let pool = CheckoutPool::new(self.open(), PoolLimits { slots: 4, wait: Duration::from_secs(60) });
        Replayer::new(
            pool,
            recipe,
            Arc::new(UnconfinedExecutor),
            ledger,
            ReplayOptions::default(),
            CancelFlag::default(),
        )
    }
}

/// Runs commands unconfined, for recipes written by tests.
pub struct UnconfinedExecutor;

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
