/*!
Access to git, in two ways. `Repo` locates the investigated repository by reading its files and creates the
borrowing git directory, on which both ways work. The trusted git process serves bulk queries (log, diff, blame,
grep); git2 serves single lookups (a revision, a file, an ancestor). `mirror` keeps clones of remote repositories.
Neither way ever reads the repository's own configuration. Only this crate uses git2. Functions here block: call
them on blocking threads.
*/

mod blame;
mod blobs;
mod branch_files;
pub mod checkout;
mod diff;
mod file;
mod grep;
pub mod history;
mod library;
mod locate;
mod log;
mod map_lines;
mod mirror;
mod owners;
mod publish;
mod read;
mod refs;
mod renames;
mod repo;
mod tree_changes;
mod uncommitted;
pub mod unified_diff;

pub use blame::{BlameQuery, BlameSpan, blame};
pub use blobs::read_blobs;
pub use diff::{CommitDetail, FileChange, GitDiff, diff, show};
pub use file::{
    EntryKind, FileBlob, MAX_FILE_BYTES, PathLookup, RevisionReader, TreeEntry, TreePathKind, blob_at,
    entries_at, exists_at, files_at, is_binary, kind_at, line_count, submodules_at, text_of,
};
pub use grep::{GrepHit, GrepQuery, GrepResult, PatternKind, grep};
pub use log::{
    CommitNode, CommitSummary, LogPage, LogQuery, PickaxeHit, PickaxeMode, log, pickaxe, range_graph,
};
pub use map_lines::{MappedLines, map_lines};
pub use mirror::{MirrorError, MirrorRemote, check_url, fetch_mirror, reach};
pub use owners::{CodeOwners, SuggestedContact, who_to_ask};
pub use publish::{PublishResult, check_branch_name, check_remote, commit_of, create_branch, push};
pub use renames::renamed_to;
pub use repo::{Repo, RepoError};
pub use tree_changes::{TreeChange, TreeChanges, tree_changes};
pub use uncommitted::uncommitted;

/// Whether a git repository exists at `path` or above it. Does not open the repository.
pub fn is_repository(path: &std::path::Path) -> bool {
    locate::locate(path).is_some()
}
