/*!
Reads and writes single objects through trusted git: tree listings, blobs, temporary indexes. New objects go to the
borrowing git directory, never to the user's repository.
*/

use std::path::PathBuf;

use millwright_sandbox::trusted::GitCommand;
use tempfile::TempPath;

use super::{CheckoutError, io_error};
use crate::Repo;

/// Larger files are not laid over checkouts.
const LARGEST_BLOB: u64 = 64 << 20;

/// One file, symbolic link or submodule of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEntry {
    /// As in git: `100644`, `100755`, `120000` (symbolic link), `160000` (submodule).
    pub mode: String,
    pub oid: String,
    /// Bytes; 0 for submodules.
    pub size: u64,
    pub path: String,
}

impl WrittenEntry {
    pub fn is_file(&self) -> bool {
        self.mode.starts_with("100")
    }
}

/// The entries of `revision` (commit or tree) at or below `paths`; all when `paths` is empty. Paths are taken
/// literally; paths that are not valid UTF-8 are left out.
pub fn tree_entries(
    repo: &Repo,
    revision: &str,
    paths: &[String],
) -> Result<Vec<WrittenEntry>, CheckoutError> {
    let listing = repo
        .git()
        .env("GIT_LITERAL_PATHSPECS", "1")
        .args(["ls-tree", "-r", "-l", "-z", "--full-tree", revision, "--"])
        .args(paths)
        .output()?;
    let entry = |record: &[u8]| {
        let (head, path) = std::str::from_utf8(record).ok()?.split_once('\t')?;
        let mut head = head.split_ascii_whitespace();
        let (mode, _, oid) = (head.next()?.to_owned(), head.next()?, head.next()?.to_owned());
        let size = head.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        Some(WrittenEntry { mode, oid, size, path: path.to_owned() })
    };
    Ok(listing.split(|byte| *byte == 0).filter_map(entry).collect())
}

/// The content of a file of a tree.
pub fn blob(repo: &Repo, entry: &WrittenEntry) -> Result<Vec<u8>, CheckoutError> {
    if entry.size > LARGEST_BLOB {
        return Err(CheckoutError::TooLarge {
            path: entry.path.clone(),
            size: entry.size,
            limit: LARGEST_BLOB,
        });
    }
    Ok(repo.git().args(["cat-file", "blob", &entry.oid]).output()?)
}

/// Stores content as a blob in the borrowing git directory and returns its id.
pub(super) fn write_blob(repo: &Repo, content: &[u8]) -> Result<String, CheckoutError> {
    let id = repo.git().args(["hash-object", "-w", "-t", "blob", "--stdin"]).output_with_input(content)?;
    Ok(String::from_utf8_lossy(&id).trim().to_owned())
}

/// A temporary index for composing a tree; removed when dropped.
pub(super) struct ScratchIndex<'a> {
    repo: &'a Repo,
    path: TempPath,
}

impl<'a> ScratchIndex<'a> {
    pub(super) fn from_tree(repo: &'a Repo, treeish: &str) -> Result<Self, CheckoutError> {
        let folder = scratch_folder(repo)?;
        let path = tempfile::Builder::new()
            .prefix("index-")
            .tempfile_in(&folder)
            .map_err(io_error("creating an index in", &folder))?
            .into_temp_path();
        // An empty file is not a valid index; git creates its own.
        std::fs::remove_file(&path).map_err(io_error("removing", &path))?;
        let scratch = Self { repo, path };
        scratch.git().args(["read-tree", treeish]).output()?;
        Ok(scratch)
    }

    pub(super) fn git(&self) -> GitCommand {
        self.repo.git().env("GIT_INDEX_FILE", &self.path)
    }

    /// Sets (`Some((mode, oid))`) or removes paths.
    pub(super) fn update(
        &self,
        edits: impl IntoIterator<Item = (String, Option<(String, String)>)>,
    ) -> Result<(), CheckoutError> {
        let mut input = Vec::new();
        for (path, entry) in edits {
            let (mode, oid) = entry.unwrap_or_else(|| ("0".into(), "0".repeat(40)));
            input.extend_from_slice(format!("{mode} {oid}\t{path}\0").as_bytes());
        }
        if !input.is_empty() {
            self.git().args(["update-index", "-z", "--index-info"]).output_with_input(&input)?;
        }
        Ok(())
    }

    pub(super) fn write_tree(&self) -> Result<String, CheckoutError> {
        let tree = self.git().args(["write-tree"]).output()?;
        Ok(String::from_utf8_lossy(&tree).trim().to_owned())
    }
}

pub(super) fn scratch_folder(repo: &Repo) -> Result<PathBuf, CheckoutError> {
    let folder = repo.data().join("scratch");
    std::fs::create_dir_all(&folder).map_err(io_error("creating", &folder))?;
    Ok(folder)
}
