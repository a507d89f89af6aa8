/*!
Work trees to replay in: the files of any revision, quickly, without a trace in the user's repository.

What is to be tested (a revision, plus files laid over it, plus a change) is first composed into a git tree in the
borrowing git directory, by git's own object and index commands; so no path of a hostile patch or overlay ever
reaches the file system on our account, and equal contents have equal ids. A pool keeps a few work trees with an
index of ours each and switches them from tree to tree incrementally. Before each switch everything a former run
left behind is swept away, ignore rules or not: a stale file could turn a red revision green.
*/

mod compose;
mod objects;
mod pool;
mod slot;
mod sweep;

use std::io;
use std::path::{Path, PathBuf};

use millwright_sandbox::trusted::GitError;

pub use compose::{CheckoutChange, ComposedTree, FileEdit, FileOverlay, OverlayMode, compose, edit_tree};
pub use objects::{WrittenEntry, blob, tree_entries};
pub use pool::{CheckoutPool, PoolLimits};
pub use slot::{CheckoutLeftovers, CheckoutSlot};

#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("the change does not apply to {revision}: {reason}")]
    DoesNotApply { revision: String, reason: String },
    #[error("{path:?} in the overlay is not a path inside the repository")]
    BadPath { path: String },
    #[error("{path} is too large to be laid over a checkout ({size} bytes, the limit is {limit})")]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error(
        "all {slots} checkouts below {folder} have been in use for {waited_s} s; \
         wait for the other investigation on this data folder, or give each its own --data-dir"
    )]
    AllInUse { slots: usize, folder: PathBuf, waited_s: u64 },
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Git(#[from] GitError),
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CheckoutError + 'a {
    move |source| CheckoutError::Io { action, path: path.to_owned(), source }
}
