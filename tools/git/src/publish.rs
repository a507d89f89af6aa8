/*!
The only writes outside of the data folder: a new branch in the user's repository, and its push to a remote. Both
happen only for a fix that a person approved, through tools that declare this effect.

A branch consists of objects and one reference. We compose the commit in the borrowing git directory, and
[`super::branch_files`] writes its objects and the reference as files, so git never runs on the user's own
directory. Work tree, index, HEAD and reflogs stay unchanged, and no hook, filter or program of the repository
runs. A push starts from the borrowing directory, so the repository's own `pre-push` hook and URL rewriting have no
effect.
*/

use millwright_model::CommitId;
use millwright_sandbox::trusted::{GitCommand, GitError};

use super::branch_files::{BranchFiles, BranchState};
use super::{Repo, RepoError};

/// The result of creating a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishResult {
    /// The branch was created.
    New,
    /// The branch exists and is exactly the requested one: an earlier attempt created it.
    Already,
    /// Something else has this name: its abbreviated commit, or what it is.
    Taken(String),
}

/// Checks that we may use this branch name; the error says why not.
pub fn check_branch_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 100;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let part = |part: &str| {
        part.is_empty() || part.starts_with(['.', '-']) || part.ends_with('.') || part.ends_with(".lock")
    };
    let reserved = name.eq_ignore_ascii_case("head") || name.starts_with("refs/");
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) || name.contains("..") {
        return Err(format!(
            "{:?} is not a valid name for a branch here: letters, digits and ._/- only, {LONGEST} at most",
            name.chars().take(LONGEST).collect::<String>()
        ));
    }
    if reserved || name.split('/').any(part) {
        return Err(format!(
            "{name:?} is not a valid name for a branch; write one like millwright/fix-cart-total"
        ));
    }
    Ok(())
}

/// Composes a commit of `tree` (a full id) on `parent` in the borrowing git directory. The same input at the same
/// `time` (seconds since 1970) gives the same commit.
pub fn commit_of(
    repo: &Repo,
    tree: &str,
    parent: &CommitId,
    message: &str,
    time: i64,
) -> Result<CommitId, RepoError> {
    let time = format!("@{time} +0000");
    let id = repo
        .git()
        .env("GIT_AUTHOR_DATE", &time)
        .env("GIT_COMMITTER_DATE", &time)
        .args(["commit-tree", tree, "-p", parent, "-F", "-"])
        .output_with_input(message.as_bytes())?;
    let id = String::from_utf8_lossy(&id);
    CommitId::parse(id.trim()).map_err(|error| RepoError::Malformed {
        what: "answer of git",
        given: id.trim().to_owned(),
        why: error.to_string(),
    })
}

/// Creates the branch `name` at `commit`, whose parent is `parent`, in the user's repository.
pub fn create_branch(
    repo: &Repo,
    name: &str,
    commit: &CommitId,
    parent: &CommitId,
) -> Result<PublishResult, RepoError> {
    let files = branch_files(repo)?;
    let already = |there: String| match *commit == *there {
        true => PublishResult::Already,
        false => taken(&there),
    };
    if let BranchState::Taken(there) = files.look(name)? {
        return Ok(already(there));
    }
    for (id, kind, content) in new_objects(repo, commit, parent)? {
        files.write_object(&id, &kind, &content)?;
    }
    match files.write_branch(name, commit) {
        Ok(()) => Ok(PublishResult::New),
        // Another process created the branch in the meantime.
        Err(error) => match files.look(name)? {
            BranchState::Taken(there) => Ok(already(there)),
            BranchState::Free => Err(error),
        },
    }
}

fn taken(there: &str) -> PublishResult {
    PublishResult::Taken(CommitId::parse(there).map_or_else(|_| there.to_owned(), |id| id.short().to_owned()))
}

fn branch_files(repo: &Repo) -> Result<BranchFiles, RepoError> {
    let common_dir = repo.common_dir();
    let refused = |why: &str| RepoError::NotWritten { path: common_dir.to_owned(), why: why.to_owned() };
    if repo.is_reftable() {
        return Err(refused("its branches are stored as reftables, which Millwright does not write"));
    }
    // A git directory can name any other folder as the one that holds its branches. Accept that only from a linked
    // worktree.
    let is_worktree = repo.git_dir().parent().is_some_and(|parent| parent == common_dir.join("worktrees"));
    if repo.git_dir() != common_dir && !is_worktree {
        return Err(refused(
            "the git directory says that its branches are there, but it is not a worktree of that repository",
        ));
    }
    BranchFiles::open(common_dir)
}

/// Id, type and content of every object that `commit` has and `parent` does not have, from the borrowing git
/// directory.
fn new_objects(
    repo: &Repo,
    commit: &CommitId,
    parent: &CommitId,
) -> Result<Vec<(String, String, Vec<u8>)>, RepoError> {
    let listed = repo
        .git()
        .args(["rev-list", "--objects", "--no-object-names", commit, &format!("^{parent}")])
        .output()?;
    let contents = repo.git().args(["cat-file", "--batch"]).output_with_input(&listed)?;
    let malformed = || RepoError::MissingObject {
        what: "an object of the fix".into(),
        path: repo.borrowed(),
        hint: "remove that folder; it is created again",
    };
    let (mut objects, mut rest) = (Vec::new(), contents.as_slice());
    while !rest.is_empty() {
        // `id type size`, the content, and a line end.
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(malformed)?;
        let header = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let [id, kind, size] = header.split(' ').collect::<Vec<_>>()[..] else { return Err(malformed()) };
        let size: usize = size.parse().map_err(|_| malformed())?;
        let from = end + 1;
        let content = rest.get(from..from.saturating_add(size)).ok_or_else(malformed)?;
        objects.push((id.to_owned(), kind.to_owned(), content.to_vec()));
        rest = rest.get(from + size + 1..).unwrap_or_default();
    }
    Ok(objects)
}

/// Where a push may go: paths on this machine. Other transports start programs and need credentials, and the
/// trusted git has none.
pub fn check_remote(url: &str) -> Result<(), String> {
    match url.strip_prefix("file://") {
        Some(path) if path.starts_with('/') && !path.contains(['\n', '\0']) => Ok(()),
        _ => {
            Err("only file:///absolute/path remotes are pushed to; push the branch to others yourself"
                .to_owned())
        }
    }
}

/// Pushes `commit` as the branch `name`, without force. Checks the remote before and after the push: an
/// interrupted push may have succeeded.
pub fn push(repo: &Repo, url: &str, name: &str, commit: &CommitId) -> Result<PublishResult, RepoError> {
    let reference = format!("refs/heads/{name}");
    let at_remote = || -> Result<Option<String>, RepoError> {
        let listed = over_files(repo).args(["ls-remote", "--quiet", "--", url, &reference]).output()?;
        Ok(String::from_utf8_lossy(&listed).split_whitespace().next().map(str::to_owned))
    };
    match at_remote()? {
        Some(there) if *commit == *there => return Ok(PublishResult::Already),
        Some(there) => return Ok(taken(&there)),
        None => {}
    }
    let refspec = format!("{commit}:{reference}");
    let pushed = over_files(repo)
        .args([
            "push",
            "--quiet",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
            "--",
            url,
            &refspec,
        ])
        .output();
    match (at_remote()?, pushed) {
        (Some(there), _) if *commit == *there => Ok(PublishResult::New),
        (Some(there), _) => Ok(taken(&there)),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(RepoError::Git(GitError::Failed {
            command: "push".into(),
            stderr: "the remote does not have the branch afterwards".into(),
        })),
    }
}

fn over_files(repo: &Repo) -> GitCommand {
    repo.git().setting("protocol.file.allow=always")
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
