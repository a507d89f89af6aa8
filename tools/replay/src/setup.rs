/*!
Caches what the set-up steps changed in a checkout, so that they run once per content. A snapshot holds a copy of
every file that they added or changed (with a hard link, a later run could change the snapshot). Restoring moves
modification times forward, so that build tools find outputs newer than their sources.
*/

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use millwright_git::Repo;
use millwright_git::checkout::{CheckoutError, CheckoutSlot};

/// Larger set-up results are not cached; the set-up then runs each time.
const LARGEST_SNAPSHOT: u64 = 2 << 30;
/// Maximum total size of a repository's snapshots; the least recently used are deleted first.
const ALL_SNAPSHOTS: u64 = 8 << 30;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    taken_at: SystemTime,
    bytes: u64,
    removed: Vec<PathBuf>,
    /// Folders come before their content.
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Folder {
        mode: u32,
    },
    /// The content is in the snapshot's file with that number.
    File {
        number: usize,
        mode: u32,
        modified: SystemTime,
    },
    Link {
        target: PathBuf,
    },
}

/// Snapshots of one repository.
#[derive(Debug)]
pub(super) struct SetupCache {
    folder: PathBuf,
}

impl SetupCache {
    pub(super) fn new(repo: &Repo) -> Self {
        Self { folder: repo.data().join("setup") }
    }

    /// Restores a snapshot into a clean checkout. False when no readable snapshot exists.
    pub(super) fn restore(&self, key: &str, checkout: &Path) -> io::Result<bool> {
        let folder = self.folder.join(key);
        let Ok(manifest) = fs::read(folder.join("manifest.json")) else { return Ok(false) };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest) else { return Ok(false) };
        let shift = manifest.taken_at.elapsed().unwrap_or(Duration::ZERO);
        for path in manifest.removed.iter().chain(manifest.entries.iter().map(|entry| &entry.path)) {
            let target = checkout.join(path);
            if fs::symlink_metadata(&target).is_ok_and(|metadata| !metadata.is_dir()) {
                fs::remove_file(&target)?;
            }
        }
        for entry in &manifest.entries {
            let target = checkout.join(&entry.path);
            match &entry.kind {
                Kind::Folder { mode } => {
                    fs::create_dir_all(&target)?;
                    fs::set_permissions(&target, fs::Permissions::from_mode(*mode | 0o700))?;
                }
                Kind::File { number, mode, modified } => {
                    fs::copy(folder.join(number.to_string()), &target)?;
                    fs::set_permissions(&target, fs::Permissions::from_mode(*mode | 0o200))?;
                    fs::File::options().write(true).open(&target)?.set_modified(*modified + shift)?;
                    fs::set_permissions(&target, fs::Permissions::from_mode(*mode))?;
                }
                Kind::Link { target: to } => symlink(to, &target)?,
            }
        }
        let _ = fs::File::open(folder.join("manifest.json"))
            .and_then(|file| file.set_modified(SystemTime::now()));
        Ok(true)
    }

    /// Caches what the set-up changed in the checkout. A result that is too large is skipped without an error.
    pub(super) fn keep(&self, key: &str, slot: &CheckoutSlot) -> Result<(), CheckoutError> {
        let io =
            |source| CheckoutError::Io { action: "keeping a snapshot in", path: self.folder.clone(), source };
        let leftovers = slot.leftovers()?;
        fs::create_dir_all(&self.folder).map_err(io)?;
        let folder = tempfile::Builder::new().prefix("making-").tempdir_in(&self.folder).map_err(io)?;
        let checkout = slot.path();
        let mut snapshot =
            Manifest { taken_at: SystemTime::now(), bytes: 0, removed: Vec::new(), entries: Vec::new() };
        for path in leftovers.changed.into_iter().chain(leftovers.new) {
            if !take(&checkout, path, folder.path(), &mut snapshot).map_err(io)? {
                tracing::info!(limit_bytes = LARGEST_SNAPSHOT, "the setup's result is too large to be kept");
                return Ok(());
            }
        }
        let manifest = serde_json::to_vec(&snapshot).map_err(|error| io(error.into()))?;
        fs::write(folder.path().join("manifest.json"), manifest).map_err(io)?;
        // Another process may have stored the same snapshot already; either copy works.
        let _ = fs::rename(folder.path(), self.folder.join(key));
        self.shrink();
        Ok(())
    }

    fn shrink(&self) {
        let snapshot = |entry: fs::DirEntry| {
            let manifest = entry.path().join("manifest.json");
            let used = fs::metadata(&manifest).and_then(|metadata| metadata.modified()).ok()?;
            let bytes = serde_json::from_slice::<Manifest>(&fs::read(&manifest).ok()?).ok()?.bytes;
            Some((used, bytes, entry.path()))
        };
        let listing = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut snapshots: Vec<_> = listing.filter_map(snapshot).collect();
        snapshots.sort();
        let mut total: u64 = snapshots.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in snapshots {
            if total <= ALL_SNAPSHOTS {
                break;
            }
            if fs::remove_dir_all(path).is_ok() {
                total -= bytes;
            }
        }
    }
}

/// Adds a path and everything below it; false when the snapshot becomes too large.
fn take(checkout: &Path, path: PathBuf, folder: &Path, snapshot: &mut Manifest) -> io::Result<bool> {
    let mut todo = vec![path];
    while let Some(path) = todo.pop() {
        let source = checkout.join(&path);
        let Ok(metadata) = fs::symlink_metadata(&source) else {
            snapshot.removed.push(path);
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        let kind = if metadata.is_dir() {
            for child in fs::read_dir(&source)? {
                todo.push(path.join(child?.file_name()));
            }
            Kind::Folder { mode }
        } else if metadata.is_symlink() {
            Kind::Link { target: fs::read_link(&source)? }
        } else if metadata.is_file() {
            snapshot.bytes += metadata.len();
            if snapshot.bytes > LARGEST_SNAPSHOT {
                return Ok(false);
            }
            let number = snapshot.entries.len();
            fs::copy(&source, folder.join(number.to_string()))?;
            Kind::File { number, mode, modified: metadata.modified()? }
        } else {
            continue;
        };
        snapshot.entries.push(Entry { path, kind });
    }
    Ok(true)
}
