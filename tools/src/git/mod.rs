/*!
Git, in two manners: `Repo` finds the investigated repository by reading its files and makes the borrowing git
directory that both work in; the trusted git process answers in bulk (log, diff, blame, grep), git2 the precise
questions (a revision, a file, an ancestor). `mirror` keeps clones of repositories that lie elsewhere. Neither ever sees the repository's own configuration. git2 is named
only below this folder. Functions here block: call them on blocking threads.
*/

mod blame;
mod diff;
mod file;
mod grep;
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
#[cfg(test)]
pub(crate) mod testing;
mod uncommitted;

pub use blame::{BlameQuery, BlameSpan, MAX_BLAME_LINES, blame};
pub use diff::{CommitDetail, Diff, FileChange, diff, show};
pub use file::{
    Blob, EntryKind, MAX_FILE_BYTES, PathKind, Revision, TreeEntry, blob_at, entries_at, exists_at, files_at,
    is_binary, kind_at, submodules_at,
};
pub use grep::{GrepHit, GrepQuery, GrepResult, PatternKind, grep};
pub use log::{
    CommitNode, CommitSummary, LogQuery, Page, PickaxeHit, PickaxeMode, log, pickaxe, range_graph,
};
pub use map_lines::{MappedLines, map_lines};
pub use mirror::{MirrorError, Remote, bring, check_url, reach};
pub use owners::{CodeOwners, Contact, who_to_ask};
pub use publish::{Published, branch_at, check_branch_name, check_remote, commit_of, create_branch, push};
pub use renames::renamed_to;
pub use repo::{Repo, RepoError};
pub use uncommitted::uncommitted;
