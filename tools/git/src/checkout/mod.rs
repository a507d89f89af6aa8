/*!
Work trees for replays: the files of any revision, quickly, without a trace in the user's repository.

The input (a revision, files laid over it, and a change) is first composed into a git tree in the borrowing git
directory, with git's own object and index commands. So no path of a hostile patch or overlay ever reaches the file
system through us, and equal contents have equal ids. A pool keeps a few work trees, each with its own index, and
switches them from tree to tree incrementally. Before each switch, everything that the previous run left behind is
removed, even if ignore rules cover it: a stale file could make a failing revision pass.
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
        "all {slots} checkouts in {folder} have been in use for {waited_s} s; wait for the other \
         investigation on this data folder, or give each its own --data-dir"
    )]
    AllInUse { slots: usize, folder: PathBuf, waited_s: u64 },
    #[error(
        "a partial clone lacks files of this revision, so it cannot be checked out, and nothing is fetched here; \
         `git -C {path} fetch --refetch --no-filter` brings all of them"
    )]
    PartialClone { path: PathBuf },
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Git(#[from] GitError),
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CheckoutError + 'a {
    move |source| CheckoutError::Io { action, path: path.to_owned(), source }
}
