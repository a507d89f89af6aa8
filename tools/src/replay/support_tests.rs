//! What tests of replays share: a throw-away repository, and an executor that runs commands as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_memory::types::SandboxLevel;
use sha2::{Digest, Sha256};

use super::*;
use crate::checkout::{CheckoutPool, PoolLimits};
use crate::git::Repo;
use crate::process::trusted::{self, GitCommand};
use crate::process::{CancelFlag, Execution, Exit, LimitHit, SandboxError, SandboxedCommand};

/// A repository with a work tree, and a data folder beside it.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    data: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        project.git().args(["init", "-q", "-b", "main"]).output().unwrap();
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git(&self) -> GitCommand {
        trusted::git(&self.path().join(".git")).work_tree(self.path())
    }

    pub(crate) fn open(&self) -> Repo {
        Repo::open(self.path(), self.data.path()).unwrap()
    }

    /// Writes files and commits everything; returns the commit id.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        self.git().args(["add", "-A"]).output().unwrap();
        self.git().args(["commit", "-q", "--allow-empty", "-m", "change"]).output().unwrap();
        let head = self.git().args(["rev-parse", "HEAD"]).output().unwrap();
        String::from_utf8(head).unwrap().trim().to_owned()
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    pub(crate) fn link(&self, path: &str, to: &str) {
        std::os::unix::fs::symlink(to, self.path().join(path)).unwrap();
    }

    pub(crate) fn replayer(&self, recipe: ReplayRecipe, ledger: Ledger) -> Replayer {
        let pool = CheckoutPool::new(self.open(), PoolLimits { slots: 4, wait: Duration::from_secs(60) });
        Replayer::new(
            pool,
            recipe,
            Arc::new(Unconfined),
            ledger,
            ReplayOptions::default(),
            CancelFlag::default(),
        )
    }
}

/// Every path below a folder with a hash of what it is.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                String::new()
            } else {
                hex::encode(Sha256::digest(fs::read(&path).unwrap_or_default()))
            };
            found.insert(
                path,
                format!("{:?} {:?} {content}", metadata.permissions(), metadata.modified().unwrap()),
            );
        }
    }
    found
}

/// Runs commands unconfined, for recipes written by tests.
pub(crate) struct Unconfined;

impl Executor for Unconfined {
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
            exit: code.map_or_else(|| Exit::Signal(output.status.signal().unwrap_or(0)), Exit::Code),
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
