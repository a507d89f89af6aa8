/*!
Reads files and trees of a revision through libgit2, which is fast for single objects. A path is never resolved on
disk, so nothing outside of the revision can be read through it. Links, submodules and folders are reported as
such.
*/

use std::path::Path;

use millwright_model::CommitId;
use serde::{Deserialize, Serialize};

use super::read::fields;
use super::{Repo, RepoError};

/// Largest file read, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;
/// How many bytes decide whether a file is binary; git uses the same number.
const BINARY_PROBE: usize = 8_000;

/// A file's content at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileBlob {
    pub path: String,
    /// Object id, 40 hex digits: the same content has the same id.
    pub oid: String,
    pub bytes: Vec<u8>,
    /// The content is the target of a symbolic link.
    pub is_link: bool,
}

impl FileBlob {
    pub fn is_binary(&self) -> bool {
        is_binary(&self.bytes)
    }

    /// As text, invalid UTF-8 replaced.
    pub fn text(&self) -> Result<String, RepoError> {
        if self.is_binary() {
            return Err(RepoError::Binary { path: self.path.clone() });
        }
        Ok(String::from_utf8_lossy(&self.bytes).into_owned())
    }

    pub(super) fn line_count(&self) -> Result<u64, RepoError> {
        if self.is_binary() {
            return Err(RepoError::Binary { path: self.path.clone() });
        }
        Ok(line_count(&self.bytes))
    }
}

/// Number of lines of a text; the last one may lack its line break.
pub fn line_count(bytes: &[u8]) -> u64 {
    let newlines = memchr::memchr_iter(b'\n', bytes).count() as u64;
    newlines + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"))
}

/// The text of a content, with what is not UTF-8 replaced; `None` when it is binary.
pub fn text_of(content: Vec<u8>) -> Option<String> {
    if is_binary(&content) {
        return None;
    }
    let replaced = |error: std::string::FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    Some(String::from_utf8(content).unwrap_or_else(replaced))
}

/// Git's test for binary files: a NUL byte near the start.
pub fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes.get(..BINARY_PROBE).unwrap_or(bytes)).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    File,
    Link,
    Submodule,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    pub path: String,
    pub oid: String,
    pub kind: EntryKind,
}

/// The file at `path` of a revision (full id). For many files of one revision use [`RevisionReader`].
pub fn blob_at(repo: &Repo, revision: &str, path: &str) -> Result<FileBlob, RepoError> {
    RevisionReader::open(repo, revision)?.blob(path)
}

/// Reads many files of one revision through one handle, which lets libgit2 reuse its caches of packs and trees.
pub struct RevisionReader<'r> {
    repo: &'r Repo,
    repository: git2::Repository,
    id: String,
}

impl<'r> RevisionReader<'r> {
    /// `revision` is a full id.
    pub fn open(repo: &'r Repo, revision: &str) -> Result<Self, RepoError> {
        Ok(Self { repo, repository: repo.libgit2()?, id: revision.to_owned() })
    }

    pub fn blob(&self, path: &str) -> Result<FileBlob, RepoError> {
        read_blob(self.repo, &self.repository, &self.id, path)
    }
}

impl std::fmt::Debug for RevisionReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Revision").field(&self.id).finish()
    }
}

fn read_blob(
    repo: &Repo,
    repository: &git2::Repository,
    revision: &str,
    path: &str,
) -> Result<FileBlob, RepoError> {
    let failed = |source| repo.libgit2_error(source);
    let clean = path.trim_start_matches("./").trim_end_matches('/');
    let missing = || RepoError::NoSuchPath { path: path.to_owned(), revision: revision.to_owned() };
    let not_a_file = |what: String| RepoError::NotAFile { path: path.to_owned(), what };
    let id = git2::Oid::from_str(revision).map_err(failed)?;
    let tree = repository.find_commit(id).and_then(|commit| commit.tree()).map_err(failed)?;
    if clean.is_empty() || clean == "." {
        return Err(not_a_file("the top folder".into()));
    }
    // Tree entries never have such names; libgit2 rejects them with several different errors.
    if clean.contains('\0') || clean.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(missing());
    }
    let entry = match tree.get_path(Path::new(clean)) {
        Ok(entry) => entry,
        Err(error)
            if error.class() == git2::ErrorClass::Tree || error.code() == git2::ErrorCode::NotFound =>
        {
            return Err(missing());
        }
        Err(error) => return Err(failed(error)),
    };
    match entry.kind() {
        Some(git2::ObjectType::Blob) => {}
        Some(git2::ObjectType::Commit) => {
            return Err(not_a_file(format!("a submodule, pinned at {}", entry.id())));
        }
        _ => {
            let folder = repository.find_tree(entry.id()).map_err(failed)?;
            let names: Vec<_> = folder
                .iter()
                .take(40)
                .map(|e| String::from_utf8_lossy(e.name_bytes()).into_owned())
                .collect();
            return Err(not_a_file(format!("a folder with {} entries: {}", folder.len(), names.join(", "))));
        }
    }
    let (bytes, _) = repository.odb().and_then(|odb| odb.read_header(entry.id())).map_err(|source| {
        match source.code() {
            git2::ErrorCode::NotFound => {
                repo.missing(format!("the content of {clean} at {}", revision.get(..10).unwrap_or(revision)))
            }
            _ => failed(source),
        }
    })?;
    if bytes as u64 > MAX_FILE_BYTES {
        return Err(RepoError::TooLarge {
            path: path.to_owned(),
            bytes: bytes as u64,
            limit: MAX_FILE_BYTES,
        });
    }
    let blob = repository.find_blob(entry.id()).map_err(failed)?;
    Ok(FileBlob {
        path: clean.to_owned(),
        oid: entry.id().to_string(),
        bytes: blob.content().to_vec(),
        is_link: entry.filemode() == 0o120_000,
    })
}

/// Looks up files of many revisions through one handle.
pub struct PathLookup<'r> {
    repo: &'r Repo,
    repository: git2::Repository,
}

impl<'r> PathLookup<'r> {
    /// # Errors
    /// When the repository cannot be opened.
    pub fn open(repo: &'r Repo) -> Result<Self, RepoError> {
        Ok(Self { repo, repository: repo.libgit2()? })
    }

    /// Object id of the file at `path` of a commit; `None` when there is none.
    ///
    /// # Errors
    /// When the commit or one of its folders cannot be read.
    pub fn blob_id(&self, commit: &CommitId, path: &str) -> Result<Option<String>, RepoError> {
        let failed = |source| self.repo.libgit2_error(source);
        let id = git2::Oid::from_str(commit).map_err(failed)?;
        let tree = self.repository.find_commit(id).and_then(|commit| commit.tree()).map_err(failed)?;
        if path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Ok(None);
        }
        match tree.get_path(Path::new(path)) {
            Ok(entry) => Ok((entry.kind() == Some(git2::ObjectType::Blob)).then(|| entry.id().to_string())),
            Err(error)
                if error.class() == git2::ErrorClass::Tree || error.code() == git2::ErrorCode::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

impl std::fmt::Debug for PathLookup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PathLookup").field(&self.repo.path()).finish()
    }
}

/// Every file of a revision (full id), in git's order. Invalid UTF-8 in paths is replaced.
pub fn files_at(repo: &Repo, revision: &str) -> Result<Vec<String>, RepoError> {
    Ok(entries_at(repo, revision)?.into_iter().map(|entry| entry.path).collect())
}

/// As [`files_at`], with object ids and kinds.
pub fn entries_at(repo: &Repo, revision: &str) -> Result<Vec<TreeEntry>, RepoError> {
    let output = repo.git().args(["ls-tree", "-r", "-z", "--full-tree", revision]).output()?;
    // `<mode> <type> <oid> TAB <path>`
    let entry = |field: String| {
        let (head, path) = field.split_once('\t')?;
        let mut parts = head.split(' ');
        let kind = match parts.next()? {
            "120000" => EntryKind::Link,
            "160000" => EntryKind::Submodule,
            _ => EntryKind::File,
        };
        Some(TreeEntry { path: path.to_owned(), oid: parts.nth(1)?.to_owned(), kind })
    };
    Ok(fields(&output).into_iter().filter_map(entry).collect())
}

/// Paths of the submodules of a revision (full id), whose folders stay empty in a checkout.
pub fn submodules_at(repo: &Repo, revision: &str) -> Result<Vec<String>, RepoError> {
    let modules = entries_at(repo, revision)?.into_iter().filter(|entry| entry.kind == EntryKind::Submodule);
    Ok(modules.map(|entry| entry.path).collect())
}

/// Whether the revision (full id) has something at `path`.
pub fn exists_at(repo: &Repo, revision: &str, path: &str) -> Result<bool, RepoError> {
    match blob_at(repo, revision, path) {
        Ok(_) | Err(RepoError::TooLarge { .. } | RepoError::NotAFile { .. }) => Ok(true),
        Err(RepoError::NoSuchPath { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a path of a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreePathKind {
    File { executable: bool },
    Link,
    Submodule,
    Folder,
}

/// The kind of entry that the revision (full id) has at `path`, or `None`. Links are reported, never followed.
pub fn kind_at(repo: &Repo, revision: &str, path: &str) -> Result<Option<TreePathKind>, RepoError> {
    let failed = |source| repo.libgit2_error(source);
    let repository = repo.libgit2()?;
    let id = git2::Oid::from_str(revision).map_err(failed)?;
    let tree = repository.find_commit(id).and_then(|commit| commit.tree()).map_err(failed)?;
    if path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Ok(None);
    }
    match tree.get_path(Path::new(path)) {
        Ok(entry) => Ok(Some(match entry.filemode() {
            0o120_000 => TreePathKind::Link,
            0o160_000 => TreePathKind::Submodule,
            0o040_000 => TreePathKind::Folder,
            mode => TreePathKind::File { executable: mode & 0o111 != 0 },
        })),
        Err(error)
            if error.class() == git2::ErrorClass::Tree || error.code() == git2::ErrorCode::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
