/*!
Writes objects and one new branch into a user's git directory without running git. Git would read that directory's
configuration and its includes, follow its symbolic links and write its reflogs, and an attacker may have prepared
all of these. This module opens every folder on the way by itself, follows no link, never blocks, and replaces
nothing that exists.

The formats are git's oldest: loose objects (gitformat-loose) and loose references, each created through a lock
file next to the reference.
*/

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use millwright_model::CommitId;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat_with};
use rustix::fs::{statat, unlinkat};
use rustix::io::Errno;

use super::{RepoError, refs};

/// A reference file holds an id and a line end, or the name of another reference.
const MAX_REFERENCE: u64 = 4096;

/// The folders of a git directory that a branch is written to.
pub(super) struct BranchFiles {
    common_dir: PathBuf,
    objects: OwnedFd,
    /// The `refs` folder. Its subfolder `heads` holds the branches. `heads` is missing when all branches are
    /// packed and the directory was copied without its empty folders.
    refs: OwnedFd,
}

/// What exists under a branch's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BranchState {
    Free,
    /// The commit, or a description of what else exists there.
    Taken(String),
}

impl BranchFiles {
    /// `common_dir` is canonical. This function trusts the folders above `common_dir`: the user chose them.
    pub(super) fn open(common_dir: &Path) -> Result<Self, RepoError> {
        let top = rustix::fs::open(common_dir, FOLDER, Mode::empty());
        let top = top.map_err(|error| refused(common_dir, &describe(error)))?;
        let folder = |name: &str| {
            open_folder(&top, name).map_err(|error| refused(&common_dir.join(name), &describe(error)))
        };
        Ok(Self { common_dir: common_dir.to_owned(), objects: folder("objects")?, refs: folder("refs")? })
    }

    /// Writes a loose object, unless an object with that id exists.
    pub(super) fn write_object(&self, id: &str, kind: &str, content: &[u8]) -> Result<(), RepoError> {
        let (folder, name) = id.split_at_checked(2).unwrap_or((id, ""));
        let path = self.common_dir.join("objects").join(folder).join(name);
        let failed = |error: Errno| refused(&path, &describe(error));
        let into = open_or_make(&self.objects, folder).map_err(failed)?;
        if kind_at(&into, name) == Some(FileType::RegularFile) {
            return Ok(());
        }
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let written = write!(packed, "{kind} {}\0", content.len()).and_then(|()| packed.write_all(content));
        let packed = written.and_then(|()| packed.finish());
        let packed = packed.map_err(|error| refused(&path, &error.to_string()))?;
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = format!("tmp_obj_millwright-{}-{number}", std::process::id());
        write_new(&into, &beside, &packed, 0o444).map_err(failed)?;
        match put_in_place(&into, &beside, name) {
            // Another process wrote the same object in the meantime.
            Err(Errno::EXIST) if kind_at(&into, name) == Some(FileType::RegularFile) => Ok(()),
            other => other.map_err(failed),
        }
    }

    /// What exists under the branch's name now.
    pub(super) fn look(&self, name: &str) -> Result<BranchState, RepoError> {
        let (folders, last) = split(name);
        let mut at = self.refs.try_clone().map_err(|error| self.refuse(name, &error.to_string()))?;
        let mut is_there = true;
        for folder in folders {
            match open_folder(&at, folder) {
                Ok(next) => at = next,
                Err(Errno::NOENT) => {
                    is_there = false;
                    break;
                }
                Err(error) => return Err(self.refuse(name, &describe(error))),
            }
        }
        let kind = if is_there { kind_at(&at, last) } else { None };
        match kind {
            Some(FileType::RegularFile) => return self.read(&at, last, name),
            Some(FileType::Directory) => {
                return Err(
                    self.refuse(name, "it is a folder of other branches, whose names begin with this name")
                );
            }
            Some(FileType::Symlink) => return Err(self.refuse(name, LINK)),
            Some(_) => return Err(self.refuse(name, "it is not a file")),
            None => {}
        }
        let reference = format!("refs/heads/{name}");
        match refs::packed_beside(&self.common_dir, &reference) {
            None => Ok(BranchState::Free),
            Some((found, id)) if found == reference => Ok(BranchState::Taken(id)),
            Some((found, _)) => Err(self.refuse(name, &format!("{found} is in the way of its name"))),
        }
    }

    /// Creates the branch. Fails if the name is taken; the first of several concurrent writers wins.
    pub(super) fn write_branch(&self, name: &str, commit: &CommitId) -> Result<(), RepoError> {
        let (folders, last) = split(name);
        let failed = |error: Errno| self.refuse(name, &describe(error));
        let mut at = self.refs.try_clone().map_err(|error| self.refuse(name, &error.to_string()))?;
        for folder in folders {
            at = open_or_make(&at, folder).map_err(failed)?;
        }
        let lock = format!("{last}.lock");
        match write_new(&at, &lock, format!("{commit}\n").as_bytes(), 0o666) {
            Err(Errno::EXIST) => {
                let why =
                    format!("{lock} is there: another git is at work, or one was killed and left it behind");
                Err(self.refuse(name, &why))
            }
            other => other.map_err(failed),
        }?;
        put_in_place(&at, &lock, last).map_err(failed)
    }

    fn read(&self, folder: &OwnedFd, file: &str, name: &str) -> Result<BranchState, RepoError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(folder, file, flags, Mode::empty());
        let opened = opened.map_err(|error| self.refuse(name, &describe(error)))?;
        let mut content = String::new();
        let read = File::from(opened).take(MAX_REFERENCE).read_to_string(&mut content);
        read.map_err(|error| self.refuse(name, &error.to_string()))?;
        let first = content.split_whitespace().next().unwrap_or_default();
        let id = if refs::is_id(first) { first } else { "something that is not a commit" };
        Ok(BranchState::Taken(id.to_owned()))
    }

    fn refuse(&self, name: &str, why: &str) -> RepoError {
        refused(&self.common_dir.join("refs/heads").join(name), why)
    }
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const LINK: &str = "it is a symbolic link or below one, and symbolic links are not followed";

const IN_THE_WAY: &str =
    "a file is where a folder must be, for example that of a branch named like the first part of this name";

fn refused(path: &Path, why: &str) -> RepoError {
    RepoError::NotWritten { path: path.to_owned(), why: why.to_owned() }
}

fn describe(error: Errno) -> String {
    match error {
        Errno::LOOP => LINK.to_owned(),
        Errno::NOTDIR => IN_THE_WAY.to_owned(),
        other => std::io::Error::from(other).to_string(),
    }
}

/// The folders below `refs` that lead to a branch, and its file.
fn split(name: &str) -> (impl Iterator<Item = &str>, &str) {
    let (folders, last) = name.rsplit_once('/').unwrap_or(("", name));
    (std::iter::once("heads").chain(folders.split('/').filter(|folder| !folder.is_empty())), last)
}

/// Opens a folder without following a link: a link fails with `ELOOP`.
fn open_folder(from: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    match openat(from, name, FOLDER, Mode::empty()) {
        // The kernel returns this error for every file that is not a folder.
        Err(Errno::NOTDIR) if kind_at(from, name) == Some(FileType::Symlink) => Err(Errno::LOOP),
        other => other,
    }
}

fn open_or_make(from: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    match open_folder(from, name) {
        Err(Errno::NOENT) => {
            match mkdirat(from, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            open_folder(from, name)
        }
        other => other,
    }
}

fn kind_at(folder: &OwnedFd, name: &str) -> Option<FileType> {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn write_new(folder: &OwnedFd, name: &str, content: &[u8], mode: u32) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, name, flags, Mode::from_raw_mode(mode))?);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = unlinkat(folder, name, AtFlags::empty());
        Errno::from_io_error(&error).unwrap_or(Errno::IO)
    })
}

/// Renames without replacing anything. Removes the temporary file in any case.
fn put_in_place(folder: &OwnedFd, beside: &str, name: &str) -> rustix::io::Result<()> {
    let renamed = renameat_with(folder, beside, folder, name, RenameFlags::NOREPLACE);
    let moved = match renamed {
        // Some file systems cannot rename without replacing; on those, link and unlink instead.
        Err(Errno::INVAL | Errno::NOSYS) => linkat(folder, beside, folder, name, AtFlags::empty()),
        other => other,
    };
    // After a successful rename, a file with the temporary name belongs to another process.
    if renamed.is_err() {
        let _ = unlinkat(folder, beside, AtFlags::empty());
    }
    let _ = rustix::fs::fsync(folder.as_fd());
    moved
}
