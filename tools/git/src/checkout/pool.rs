/*!
The pool of checkouts of one repository. All processes that use the data folder share it.
*/

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::slot::CheckoutSlot;
use super::{CheckoutError, io_error, sweep};
use crate::Repo;

const POLL: Duration = Duration::from_millis(50);

/// Composed objects, scratch files and unused checkouts older than this are removed by [`CheckoutPool::prune`].
const KEEP_UNUSED: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Clone)]
pub struct PoolLimits {
    /// Maximum number of checkouts, over all processes; each takes as much disk space as the repository's files.
    pub slots: usize,
    /// How long to wait for a free checkout.
    pub wait: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { slots: 8, wait: Duration::from_secs(600) }
    }
}

#[derive(Debug, Clone)]
pub struct CheckoutPool {
    repo: Repo,
    limits: PoolLimits,
}

impl CheckoutPool {
    pub fn new(repo: Repo, limits: PoolLimits) -> Self {
        Self { repo, limits }
    }

    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Takes a free checkout, waiting for one if all are in use.
    pub fn acquire(&self) -> Result<CheckoutSlot, CheckoutError> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(io_error("creating", &folder))?;
        let since = Instant::now();
        loop {
            for number in 0..self.limits.slots.max(1) {
                if let Some(slot) = self.try_slot(number)? {
                    return Ok(slot);
                }
            }
            if since.elapsed() >= self.limits.wait {
                return Err(CheckoutError::AllInUse {
                    slots: self.limits.slots.max(1),
                    folder,
                    waited_s: since.elapsed().as_secs(),
                });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Removes checkouts, composed objects and scratch files that were not used for a week.
    pub fn prune(&self) -> Result<(), CheckoutError> {
        self.remove_unused(KEEP_UNUSED)
    }

    /// Removes every checkout that is not in use, regardless of its age.
    pub fn clear(&self) -> Result<(), CheckoutError> {
        self.remove_unused(Duration::ZERO)
    }

    fn folder(&self) -> PathBuf {
        self.repo.data().join("checkouts")
    }

    fn try_slot(&self, number: usize) -> Result<Option<CheckoutSlot>, CheckoutError> {
        let dir = self.folder().join(number.to_string());
        fs::create_dir_all(&dir).map_err(io_error("creating", &dir))?;
        match lock(&dir)? {
            Some(lock) => CheckoutSlot::new(self.repo.clone(), dir, number, lock).map(Some),
            None => Ok(None),
        }
    }

    fn remove_unused(&self, age: Duration) -> Result<(), CheckoutError> {
        for dir in children(&self.folder()) {
            if older_than(&dir.join("lock"), age)
                && let Some(_lock) = lock(&dir)?
            {
                // The lock file stays: removing it would let two processes lock two different files.
                for name in ["tree", "index", "index.lock"] {
                    let path = dir.join(name);
                    sweep::remove(&path).map_err(io_error("removing", &path))?;
                }
            }
        }
        for scratch in children(&self.repo.data().join("scratch")) {
            if older_than(&scratch, KEEP_UNUSED) {
                let _ = sweep::remove(&scratch);
            }
        }
        // We made all loose objects of the borrowing git directory, and can compose them again.
        for fan in children(&self.repo.borrowed().join("objects")) {
            if fan.file_name().is_some_and(|name| name.len() == 2) {
                for object in children(&fan).into_iter().filter(|object| older_than(object, KEEP_UNUSED)) {
                    let _ = fs::remove_file(object);
                }
            }
        }
        Ok(())
    }
}

/// Locks a slot's folder for this process; `None` when another process holds the lock.
fn lock(dir: &Path) -> Result<Option<File>, CheckoutError> {
    let path = dir.join("lock");
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(io_error("opening", &path))?;
    match file.try_lock() {
        Ok(()) => {
            let _ = file.set_modified(SystemTime::now());
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(CheckoutError::Io { action: "locking", path, source }),
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

fn older_than(path: &Path, age: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|elapsed| elapsed >= age))
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
