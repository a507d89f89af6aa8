/*!
Which files of a work tree differ from the checked-out commit. Trusted git reads a copy of the repository's index
from the borrowing git directory, so the repository's configuration has no effect and the repository is not written
to.
*/

use std::collections::BTreeSet;

use millwright_model::CommitId;

use super::locate::read_small;
use super::{Repo, RepoError};

/// A larger index is not copied: the copy would take too long.
const MAX_INDEX_BYTES: u64 = 64 << 20;
const MAX_PATHS: usize = 1_000;

/// Paths that differ between `head` and the work tree, including untracked files that are not ignored; sorted and
/// bounded. Empty when there is no work tree or the index cannot be read.
///
/// # Errors
/// When the scratch folder cannot be written.
pub fn uncommitted(repo: &Repo, head: &CommitId) -> Result<Vec<String>, RepoError> {
    let Some(work_tree) = repo.work_tree() else { return Ok(Vec::new()) };
    let Some(index) = read_small(&repo.git_dir().join("index"), MAX_INDEX_BYTES) else {
        return Ok(Vec::new());
    };
    let scratch = repo.data().join("scratch");
    let io = |source| RepoError::Io { action: "writing", path: scratch.clone(), source };
    std::fs::create_dir_all(&scratch).map_err(io)?;
    let folder = tempfile::tempdir_in(&scratch).map_err(io)?;
    let copy = folder.path().join("index");
    std::fs::write(&copy, index).map_err(io)?;
    let git = || repo.git().work_tree(&work_tree).env("GIT_INDEX_FILE", copy.clone());
    let mut out = BTreeSet::new();
    let listings: [&[&str]; 3] = [
        &["diff-files", "--name-only", "-z", "--ignore-submodules"],
        &["diff-index", "--cached", "--name-only", "-z", "--ignore-submodules", head],
        &["ls-files", "--others", "--exclude-standard", "-z"],
    ];
    for arguments in listings {
        // Git cannot read a copy of a split or sparse index, so report nothing.
        let Ok(listing) = git().args(arguments.iter().copied()).output() else { return Ok(Vec::new()) };
        let paths = listing.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        out.extend(paths.take(MAX_PATHS).map(|path| String::from_utf8_lossy(path).into_owned()));
    }
    Ok(out.into_iter().take(MAX_PATHS).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn what_is_changed_staged_and_new_is_named() {
        let repo = TestRepo::new();
        let head = repo.commit("Add", &[("a", "1\n"), ("b", "1\n"), ("c", "1\n"), (".gitignore", "*.log\n")]);
        assert_eq!(
            uncommitted(&Repo::open(&repo.work(), &repo.data()).unwrap(), &head).unwrap(),
            Vec::<String>::new()
        );
        fs::write(repo.work().join("a"), "2\n").unwrap();
        fs::write(repo.work().join("b"), "2\n").unwrap();
        repo.git(&["add", "b"]);
        fs::write(repo.work().join("new"), "x\n").unwrap();
        fs::write(repo.work().join("x.log"), "x\n").unwrap();
        let before = fs::read(repo.work().join(".git/index")).unwrap();
        assert_eq!(
            uncommitted(&Repo::open(&repo.work(), &repo.data()).unwrap(), &head).unwrap(),
            ["a", "b", "new"]
        );
        assert_eq!(before, fs::read(repo.work().join(".git/index")).unwrap());
    }
}
