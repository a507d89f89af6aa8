/*!
Sets up libgit2 safely. We only open it on the borrowing git directory, whose configuration is ours. This module
also tells libgit2 to skip the machine's and the user's configuration, and to skip the ownership check of the data
folder: nothing in that folder is executed, and a container often runs under another account.
*/

use std::path::Path;
use std::sync::Once;

static TAMED: Once = Once::new();

pub(super) fn open(git_dir: &Path) -> Result<git2::Repository, git2::Error> {
    TAMED.call_once(tame);
    git2::Repository::open_ext(
        git_dir,
        git2::RepositoryOpenFlags::NO_SEARCH
            | git2::RepositoryOpenFlags::NO_DOTGIT
            | git2::RepositoryOpenFlags::BARE,
        &[] as &[&std::ffi::OsStr],
    )
}

#[expect(unsafe_code, reason = "libgit2 has these settings as process-wide state and in no other form")]
fn tame() {
    use git2::ConfigLevel::{Global, ProgramData, System, XDG};
    for level in [System, Global, XDG, ProgramData] {
        // SAFETY: runs once, before the first use of libgit2 in this process: only `open` creates libgit2 handles.
        if let Err(error) = unsafe { git2::opts::set_search_path(level, "") } {
            tracing::warn!(error = %error, "libgit2 keeps its configuration search path");
        }
    }
    // SAFETY: as above.
    if let Err(error) = unsafe { git2::opts::set_verify_owner_validation(false) } {
        tracing::warn!(error = %error, "libgit2 keeps checking owners");
    }
}
