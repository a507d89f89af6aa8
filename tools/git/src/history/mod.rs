/*!
The history index: what every commit changed, read in bulk from git's output and kept in the data folder.

One tree diff per commit through a library takes minutes on a large history, because no library caches git's delta
bases; git's own log needs seconds. So we read the history once, in bulk, and keep it on two levels: the
*structure* (parents, times, authors, subjects, files) of everything a revision reaches, and the *text* (the
patches' content as hashed words, and the positions of hunks) of the commits that a ranking asked for. Queries only
return what the given revision reaches, even if the index holds more.
*/

mod kind;
mod log_file;
mod mask;
pub mod names;
mod patch;
mod records;
mod structure;
mod text;
mod tokens;

pub use kind::{PathKind, path_kind};
pub use patch::{ChangedLineKinds, CommitText, PatchField, PatchFile, PatchHunk};
pub use records::{RecordFile, RecordWriter};
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
        "the history index {path} was rebuilt with other masking rules (another [redaction], or another \
         version of Millwright); run it again, with the same version and configuration for every program \
         that uses this data folder"
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

/// The file that a writer of the structure locks.
const STRUCTURE_LOCK: &str = "structure.lock";

/// A commit id in binary, as the index and git itself store it.
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
    /// Opens the index of `repo` and updates its structure up to `bad`. `rules` mask everything that is kept as
    /// words; an index that other rules masked is removed and built again. Safe under concurrent runs: writers
    /// take a lock, readers see complete records only.
    ///
    /// # Errors
    /// When `bad` is not in the repository, a pattern of `rules` is not a regular expression, or the data folder
    /// cannot be written.
    pub fn open(repo: &Repo, rules: &RedactionConfig, bad: &CommitId) -> Result<Self, HistoryError> {
        let folder = folder(repo, rules)?;
        let structure = HistoryStructure::open(repo, &folder, rules, bad)?;
        Ok(Self { structure, text: TextIndex::open(&folder, rules)? })
    }

    /// Opens the index for ranking `good..bad`. For a new history, reads the patches of the range and the
    /// structure in parallel, because they do not depend on each other. Returns how many patches were read;
    /// [`TextIndex::ensure`] reads the remaining ones and reports errors.
    ///
    /// # Errors
    /// The same as [`HistoryIndex::open`].
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

/// The index folder, whose words these rules mask.
fn folder(repo: &Repo, rules: &RedactionConfig) -> Result<PathBuf, HistoryError> {
    let folder = records_folder(repo, "history")?;
    mask::keep_to_rules(&folder, rules)?;
    Ok(folder)
}

/// The folder in which an index of `repo` called `name` keeps its records. Boundary commits of a shallow clone look
/// like roots, so a shallow clone has separate indexes, which are abandoned when the clone is deepened. So has a clone
/// that lacks contents: what could not be read is not asked for again.
///
/// # Errors
/// When the folder cannot be created.
pub fn records_folder(repo: &Repo, name: &str) -> Result<PathBuf, HistoryError> {
    let mut folder = repo.data().join(name);
    if repo.is_shallow() {
        let boundary = std::fs::read(repo.borrowed().join("shallow")).unwrap_or_default();
        folder.push(format!("shallow-{:08x}", crc32fast::hash(&boundary)));
    }
    if repo.lacks_contents() {
        folder.push("partial");
    }
    std::fs::create_dir_all(&folder).map_err(|source| HistoryError::Io {
        action: "creating",
        path: folder.clone(),
        source,
    })?;
    Ok(folder)
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
