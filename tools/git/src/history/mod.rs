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
mod mask;
pub mod names;
mod patch;
mod structure;
mod text;
mod tokens;

pub use kind::{PathKind, path_kind};
pub use patch::{ChangedLineKinds, CommitText, PatchField, PatchFile, PatchHunk};
pub use structure::{CommitMeta, HistoryStructure};
pub use text::TextIndex;
pub use tokens::hash_token_bytes;
pub use tokens::{for_each_token, hash_token, trigrams, words};

use std::io;
use std::path::PathBuf;

use millwright_model::CommitId;
use millwright_sandbox::trusted::GitError;

use millwright_redaction::{RedactionConfig, RedactionError};

use crate::{Repo, RepoError};

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{action} {path}: {source}; check the space and the permissions of the data folder")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the history index {path} cannot be encoded: {source}")]
    Encode { path: PathBuf, source: postcard::Error },
    #[error(
        "the history index {path} was begun again by other masking rules (another [redaction], or another version of \
         Millwright); run it again, with the same version and configuration for every program that uses this data folder"
    )]
    RulesChanged { path: PathBuf },
    #[error("commit {0} is not in the history that was read; is its object missing from the repository?")]
    UnknownCommit(CommitId),
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Files that whoever writes one of the levels locks.
const STRUCTURE_LOCK: &str = "structure.lock";
const TEXT_LOCK: &str = "text.lock";

/// A commit id as the index keeps it, and git itself: in binary.
type BinaryId = [u8; 20];

/// Binary form of 40 hex digits.
fn parse_id(hex_id: &str) -> Option<BinaryId> {
    let mut id = [0; 20];
    hex::decode_to_slice(hex_id, &mut id).ok().map(|()| id)
}

/// Both levels of one repository's history.
#[derive(Debug)]
pub struct HistoryIndex {
    pub structure: HistoryStructure,
    pub text: TextIndex,
}

impl HistoryIndex {
    /// Opens the index of `repo` and brings its structure up to `bad`. Everything that is kept in
    /// words is masked by `rules`; an index that other rules masked is removed and read again. Safe under
    /// concurrent runs: writers take a lock, readers see whole records only.
    ///
    /// # Errors
    /// When `bad` is not in the repository, a pattern of `rules` is no regular expression, or the data folder cannot
    /// be written.
    pub fn open(repo: &Repo, rules: &RedactionConfig, bad: &CommitId) -> Result<Self, HistoryError> {
        let folder = folder(repo, rules)?;
        let structure = HistoryStructure::open(repo, &folder, rules, bad)?;
        Ok(Self { structure, text: TextIndex::open(&folder, rules)? })
    }

    /// Opens the index for ranking `good..bad`. On a history not seen before the patches of the range are read
    /// while its structure still is: neither needs the other, and each keeps a processor busy. Answers how many
    /// patches that were; [`TextIndex::ensure`] reads what is missing still and reports what went wrong.
    ///
    /// # Errors
    /// As [`HistoryIndex::open`].
    pub fn open_range(
        repo: &Repo,
        rules: &RedactionConfig,
        bad: &CommitId,
        good: Option<&CommitId>,
    ) -> Result<(Self, usize), HistoryError> {
        let folder = folder(repo, rules)?;
        let mut text = TextIndex::open(&folder, rules)?;
        let known = HistoryStructure::known(&folder, bad)?;
        let (structure, read) = match (known, good) {
            (Some(structure), _) => (structure, 0),
            (None, None) => (HistoryStructure::open(repo, &folder, rules, bad)?, 0),
            (None, Some(good)) => std::thread::scope(|scope| {
                let ahead = scope.spawn(|| text.read_ahead(repo, bad, good));
                let structure = HistoryStructure::open(repo, &folder, rules, bad);
                structure.map(|structure| (structure, ahead.join().ok().and_then(Result::ok).unwrap_or(0)))
            })?,
        };
        Ok((Self { structure, text }, read))
    }
}

/// The index folder. A shallow clone's boundary commits look like roots, so their index is one of its own
/// that is left behind when the clone is deepened.
fn folder(repo: &Repo, rules: &RedactionConfig) -> Result<PathBuf, HistoryError> {
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
    mask::keep_to_rules(&folder, rules)?;
    Ok(folder)
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "shared with the testkit")]
pub(crate) mod testing;
#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
