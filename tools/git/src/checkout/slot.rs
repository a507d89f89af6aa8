/*!
One work tree of the pool, held under its lock: `<n>/tree` holds the files and none of git's own, `<n>/index` is
the index that git keeps for it, and a process locks `<n>/lock` while it uses the slot (the kernel releases the
lock when the process dies).
*/

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use millwright_sandbox::trusted::{GitCommand, GitError};

use super::sweep::{self, TrackedPaths};
use super::{CheckoutError, io_error};
use crate::Repo;

/// What a run changed in the checkout, as paths relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckoutLeftovers {
    /// New files, links and folders (a new folder stands for everything below it).
    pub new: Vec<PathBuf>,
    /// Tracked files whose content changed, or that are gone.
    pub changed: Vec<PathBuf>,
}

/// A checkout in use; given back to the pool when dropped.
#[derive(Debug)]
pub struct CheckoutSlot {
    repo: Repo,
    dir: PathBuf,
    number: usize,
    /// The checked-out tree, as long as nothing has touched it.
    clean_at: Option<String>,
    notes: Vec<String>,
    _lock: File,
}

impl CheckoutSlot {
    pub(super) fn new(repo: Repo, dir: PathBuf, number: usize, lock: File) -> Result<Self, CheckoutError> {
        let tree = dir.join("tree");
        fs::create_dir_all(&tree).map_err(io_error("creating", &tree))?;
        // We hold the slot's lock, so a lock file of git's is left over from a killed process.
        let _ = fs::remove_file(dir.join("index.lock"));
        Ok(Self { repo, dir, number, clean_at: None, notes: Vec::new(), _lock: lock })
    }

    /// Position in the pool, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The folder of the checked-out files. Before you run anything in it, call [`CheckoutSlot::hand_out`].
    pub fn path(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// Differences from a full checkout (submodules, filters), as text for the report.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes the checkout exactly `tree`, regardless of earlier changes in it.
    pub fn switch(&mut self, tree: &str) -> Result<(), CheckoutError> {
        if self.clean_at.as_deref() == Some(tree) {
            return Ok(());
        }
        self.clean_at = None;
        if let Err(error) = self.switch_incrementally(tree) {
            if is_disk_full(&error) {
                return Err(error);
            }
            tracing::debug!(slot = self.number, %error, "checkout is created again");
            self.start_anew()?;
            self.switch_incrementally(tree).map_err(|error| match error {
                CheckoutError::Git(_) if self.repo.lacks_contents() => {
                    CheckoutError::PartialClone { path: self.repo.path().to_owned() }
                }
                other => other,
            })?;
        }
        self.clean_at = Some(tree.to_owned());
        Ok(())
    }

    /// The folder to run in. From this call on the checkout counts as touched.
    pub fn hand_out(&mut self) -> PathBuf {
        self.clean_at = None;
        self.path()
    }

    /// What changed since the last switch.
    pub fn leftovers(&self) -> Result<CheckoutLeftovers, CheckoutError> {
        let path = self.path();
        let manifest = self.manifest()?;
        let new = sweep::untracked(&path, &manifest).map_err(io_error("looking through", &path))?;
        let changed = self.git().args(["diff-files", "--name-only", "-z"]).output()?;
        let changed = changed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        // A file that became a folder is both new and changed; report only the folder.
        let changed = changed.map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path)));
        Ok(CheckoutLeftovers { changed: changed.filter(|path| !new.contains(path)).collect(), new })
    }

    fn switch_incrementally(&mut self, tree: &str) -> Result<(), CheckoutError> {
        self.clean()?;
        self.git().args(["read-tree", "--reset", "-u", "--no-recurse-submodules", tree]).output()?;
        self.notes = self.describe(&self.manifest()?);
        Ok(())
    }

    fn clean(&self) -> Result<(), CheckoutError> {
        let path = self.path();
        let manifest = self.manifest()?;
        for leftover in sweep::untracked(&path, &manifest).map_err(io_error("looking through", &path))? {
            let leftover = path.join(leftover);
            sweep::remove(&leftover).map_err(io_error("removing", &leftover))?;
        }
        Ok(())
    }

    fn manifest(&self) -> Result<TrackedPaths, CheckoutError> {
        Ok(TrackedPaths::parse(&self.git().args(["ls-files", "-s", "-z"]).output()?))
    }

    fn start_anew(&self) -> Result<(), CheckoutError> {
        let tree = self.path();
        sweep::remove(&tree).map_err(io_error("removing", &tree))?;
        fs::create_dir_all(&tree).map_err(io_error("creating", &tree))?;
        for name in ["index", "index.lock"] {
            let _ = fs::remove_file(self.dir.join(name));
        }
        Ok(())
    }

    fn git(&self) -> GitCommand {
        self.repo.git().work_tree(&self.path()).env("GIT_INDEX_FILE", self.dir.join("index"))
    }

    fn describe(&self, manifest: &TrackedPaths) -> Vec<String> {
        let mut notes = Vec::new();
        if !manifest.submodules.is_empty() {
            let names: Vec<&str> = manifest.submodules.iter().take(5).map(String::as_str).collect();
            notes.push(format!("submodules are empty folders in the checkout: {}", names.join(", ")));
        }
        if manifest.is_tracked(b".gitattributes") && uses_filters(&self.path().join(".gitattributes")) {
            notes.push(
                "the repository asks for content filters (Git LFS or similar) in .gitattributes; they are \
                 not run, so such files are as they are stored"
                    .into(),
            );
        }
        notes
    }
}

impl Drop for CheckoutSlot {
    fn drop(&mut self) {
        if self.clean_at.is_none()
            && let Err(error) = self.clean()
        {
            // The next switch tries again and rebuilds the checkout if necessary.
            tracing::debug!(slot = self.number, %error, "leftovers stay in the checkout");
        }
    }
}

fn uses_filters(attributes: &Path) -> bool {
    let is_file = fs::symlink_metadata(attributes).is_ok_and(|metadata| metadata.is_file());
    let mut content = Vec::new();
    is_file
        && File::open(attributes).and_then(|file| file.take(1 << 20).read_to_end(&mut content)).is_ok()
        && memchr::memmem::find(&content, b"filter=").is_some()
}

/// Whether git failed because the disk is full; rebuilding the checkout would not fix that.
fn is_disk_full(error: &CheckoutError) -> bool {
    match error {
        CheckoutError::Git(GitError::Failed { stderr, .. }) => stderr.contains("No space left on device"),
        CheckoutError::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
        _ => false,
    }
}
