/*!
The only writes outside of the data folder: a new branch in the user's repository, and its push to a remote. Both
happen for a fix that a person approved, through tools whose effect says so.

A branch is made of objects and one reference. The commit is composed in the borrowing git directory and handed over
as a pack; git then creates the reference, and only if there is none. Work tree, index and HEAD are not touched, and
no hook, filter or program of the repository's configuration runs (the trusted git switches them off). A push starts
from the borrowing directory, so the repository's own `pre-push` and url rewriting have no part in it.
*/

use std::path::PathBuf;

use super::{Repo, RepoError};
use crate::process::trusted::{self, GitCommand, GitError};

/// What was asked of a branch that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Made now.
    New,
    /// It was there and is exactly what was asked for: an earlier attempt got that far.
    Already,
    /// The name is taken by something else; its commit.
    Taken(String),
}

/// Whether a name can be a branch of ours; the error says why not.
pub fn check_branch_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 100;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let part = |part: &str| {
        part.is_empty() || part.starts_with(['.', '-']) || part.ends_with('.') || part.ends_with(".lock")
    };
    let reserved = name.eq_ignore_ascii_case("head") || name.starts_with("refs/");
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) || name.contains("..") {
        return Err(format!(
            "{:?} is no name for a branch here: letters, digits and ._/- only, {LONGEST} at most",
            name.chars().take(LONGEST).collect::<String>()
        ));
    }
    if reserved || name.split('/').any(part) {
        return Err(format!("{name:?} is no name for a branch; write one like millwright/fix-cart-total"));
    }
    Ok(())
}

/// Composes a commit of `tree` on `parent` (full ids) in the borrowing git directory. The same input at the same
/// `time` (seconds since 1970) is the same commit.
pub fn commit_of(
    repo: &Repo,
    tree: &str,
    parent: &str,
    message: &str,
    time: i64,
) -> Result<String, RepoError> {
    let time = format!("@{time} +0000");
    let id = repo
        .git()
        .env("GIT_AUTHOR_DATE", &time)
        .env("GIT_COMMITTER_DATE", &time)
        .args(["commit-tree", tree, "-p", parent, "-F", "-"])
        .output_with_input(message.as_bytes())?;
    Ok(String::from_utf8_lossy(&id).trim().to_owned())
}

/// The commit a branch of the user's repository stands at.
pub fn branch_at(repo: &Repo, name: &str) -> Result<Option<String>, RepoError> {
    let listed = users(repo)
        .args(["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{name}")])
        .output()?;
    Ok(String::from_utf8_lossy(&listed).lines().next().map(str::to_owned).filter(|id| id.len() == 40))
}

/// Makes the branch `name` at `commit`, whose parent is `parent`, in the user's repository.
pub fn create_branch(repo: &Repo, name: &str, commit: &str, parent: &str) -> Result<Published, RepoError> {
    match branch_at(repo, name)? {
        Some(there) if there == commit => return Ok(Published::Already),
        Some(there) => return Ok(Published::Taken(there)),
        None => {}
    }
    let wanted = format!("{commit}\n^{parent}\n");
    let pack = repo
        .git()
        .args(["pack-objects", "--quiet", "--revs", "--stdout"])
        .output_with_input(wanted.as_bytes())?;
    users(repo).args(["unpack-objects", "-q"]).output_with_input(&pack)?;
    // An old value of zeros: git refuses when somebody made the branch meanwhile.
    let absent = "0".repeat(40);
    let reference = format!("refs/heads/{name}");
    match users(repo).args(["update-ref", "--", &reference, commit, &absent]).output() {
        Ok(_) => Ok(Published::New),
        Err(GitError::Failed { .. }) if branch_at(repo, name)?.is_some() => {
            Ok(Published::Taken(branch_at(repo, name)?.unwrap_or_default()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a push may go: this machine's files. Other transports start programs and need credentials, which the
/// trusted git has none of.
pub fn check_remote(url: &str) -> Result<(), String> {
    match url.strip_prefix("file://") {
        Some(path) if path.starts_with('/') && !path.contains(['\n', '\0']) => Ok(()),
        _ => {
            Err("only file:///absolute/path remotes are pushed to; push the branch to others yourself"
                .to_owned())
        }
    }
}

/// Pushes `commit` as the branch `name`, without force. Looks first and afterwards: a push that was cut off may have
/// arrived.
pub fn push(repo: &Repo, url: &str, name: &str, commit: &str) -> Result<Published, RepoError> {
    let reference = format!("refs/heads/{name}");
    let at_remote = || -> Result<Option<String>, RepoError> {
        let listed = over_files(repo).args(["ls-remote", "--quiet", "--", url, &reference]).output()?;
        Ok(String::from_utf8_lossy(&listed).split_whitespace().next().map(str::to_owned))
    };
    match at_remote()? {
        Some(there) if there == commit => return Ok(Published::Already),
        Some(there) => return Ok(Published::Taken(there)),
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
        (Some(there), _) if there == commit => Ok(Published::New),
        (Some(there), _) => Ok(Published::Taken(there)),
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

/// A trusted git on the user's own repository: for creating a branch, and for nothing else.
fn users(repo: &Repo) -> GitCommand {
    let folder: PathBuf = repo.common_dir().to_owned();
    trusted::git(&folder)
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
