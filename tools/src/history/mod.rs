/*!
The history index: what every commit changed, read in bulk from git's own stream and kept in the data folder.

A tree diff per commit through a library costs minutes on a large history, because no library keeps git's delta
bases; git's own log does the same in seconds. So history is read once, in bulk, and kept in two levels: the
*structure* (parents, times, authors, subjects, files) of everything a revision reaches, and the *text* (what the
patches say, as hashed words, and where they lie) of the commits a ranking asked for. Nothing but what the
revision in question reaches is ever handed out, whatever else the index holds.
*/

mod kind;
mod log_file;
pub(crate) mod names;
mod patch;
mod structure;
mod text;
mod tokens;

pub use kind::{PathKind, path_kind};
pub use patch::{CommitText, Field, FileChange, Hunk, Substance};
pub use structure::{CommitMeta, Structure};
pub use text::TextIndex;
pub(crate) use tokens::hash_token_bytes;
pub use tokens::{for_each_token, hash_token, trigrams, words};

use crate::git::{Repo, RepoError};
use crate::process::trusted::GitError;

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{action} {path}: {source}; check the space and the permissions of the data folder")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the history index {path} cannot be encoded: {source}")]
    Encode { path: PathBuf, source: postcard::Error },
    #[error("commit {0} is not in the history that was read; is its object missing from the repository?")]
    UnknownCommit(String),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A commit id in binary.
pub type CommitId = [u8; 20];

/// Binary form of 40 hex digits.
pub fn parse_id(hex_id: &str) -> Option<CommitId> {
    let mut id = [0; 20];
    hex::decode_to_slice(hex_id, &mut id).ok().map(|()| id)
}

/// Both levels of one repository's history.
#[derive(Debug)]
pub struct History {
    pub structure: Structure,
    pub text: TextIndex,
}

impl History {
    /// Opens the index of `repo` and brings its structure up to `bad` (a full commit id). Safe under
    /// concurrent runs: writers take a lock, readers see whole records only.
    pub fn open(repo: &Repo, bad: &str) -> Result<Self, HistoryError> {
        let folder = folder(repo)?;
        Ok(Self { structure: Structure::open(repo, &folder, bad)?, text: TextIndex::open(&folder)? })
    }

    /// Opens the index for ranking `good..bad`. On a history not seen before the patches of the range are read
    /// while its structure still is: neither needs the other, and each keeps a processor busy. Answers how many
    /// patches that were; [`TextIndex::ensure`] reads what is missing still and reports what went wrong.
    pub fn open_range(repo: &Repo, bad: &str, good: Option<&str>) -> Result<(Self, usize), HistoryError> {
        let folder = folder(repo)?;
        let mut text = TextIndex::open(&folder)?;
        let known = Structure::known(&folder, bad)?;
        let (structure, read) = match (known, good) {
            (Some(structure), _) => (structure, 0),
            (None, None) => (Structure::open(repo, &folder, bad)?, 0),
            (None, Some(good)) => std::thread::scope(|scope| {
                let ahead = scope.spawn(|| text.read_ahead(repo, bad, good));
                let structure = Structure::open(repo, &folder, bad);
                structure.map(|structure| (structure, ahead.join().ok().and_then(Result::ok).unwrap_or(0)))
            })?,
        };
        Ok((Self { structure, text }, read))
    }
}

/// The index folder. A shallow clone's boundary commits look like roots, so their index is one of its own
/// that is left behind when the clone is deepened.
fn folder(repo: &Repo) -> Result<PathBuf, HistoryError> {
    let mut folder = repo.data().join("history");
    if repo.is_shallow() {
        let boundary = std::fs::read(repo.borrowed().join("shallow")).unwrap_or_default();
        folder.push(format!("shallow-{:08x}", crc32fast::hash(&boundary)));
    }
    std::fs::create_dir_all(&folder).map_err(|source| HistoryError::Io {
        action: "creating",
        path: folder.clone(),
        source,
    })?;
    Ok(folder)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
