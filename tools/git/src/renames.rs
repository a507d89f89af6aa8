/*!
Follows a file through renames. Goes from one removal to the next, because a file that was renamed early and then
rewritten no longer resembles its old version. If the history gives no result (for example when neither revision is
an ancestor of the other), compares the files of the two revisions by similarity.
*/

use millwright_sandbox::CancelFlag;

use super::read::{self, fields};
use super::{Repo, RepoError, file};

const MAX_BYTES: usize = 32 << 20;

/// Maximum number of renames followed; a file that was renamed more often is given up.
const MOST: usize = 20;

/// The new path at `to` of the file that was `path` at `from` (full ids). `None` when the file is gone.
///
/// # Errors
/// When git fails.
pub fn renamed_to(
    repo: &Repo,
    path: &str,
    from: &str,
    to: &str,
    cancel: &CancelFlag,
) -> Result<Option<String>, RepoError> {
    let (mut at, mut name) = (from.to_owned(), path.to_owned());
    for _ in 0..MOST {
        let Some((removal, there)) = next(repo, &name, &at, to, cancel)? else { break };
        if file::exists_at(repo, to, &there)? {
            return Ok(Some(there));
        }
        (at, name) = (removal, there);
    }
    in_tree(repo, path, from, to, cancel)
}

/// The first commit of `from..to` that renamed `path`, and the new name.
fn next(
    repo: &Repo,
    path: &str,
    from: &str,
    to: &str,
    cancel: &CancelFlag,
) -> Result<Option<(String, String)>, RepoError> {
    let command = repo
        .git()
        .env("GIT_LITERAL_PATHSPECS", "1")
        .args(["log", "--topo-order", "--reverse", "--no-renames", "--diff-filter=D", "--format=%H"])
        .args(["--end-of-options", &format!("{from}..{to}"), "--", path]);
    let removals = read::output(command, MAX_BYTES, cancel)?;
    for removal in String::from_utf8_lossy(&removals.bytes).lines().take(MOST) {
        if let Some(there) = in_tree(repo, path, &format!("{removal}^1"), removal, cancel)? {
            return Ok(Some((removal.to_owned(), there)));
        }
    }
    Ok(None)
}

fn in_tree(
    repo: &Repo,
    path: &str,
    from: &str,
    to: &str,
    cancel: &CancelFlag,
) -> Result<Option<String>, RepoError> {
    let command =
        repo.git().args(["diff-tree", "-r", "-z", "-M", "--name-status", "--diff-filter=R", from, to]);
    let output = read::output(command, MAX_BYTES, cancel)?;
    let renames = fields(&output.bytes);
    Ok(renames.chunks(3).find_map(|rename| match rename {
        [_, old, new] if old == path => Some(new.clone()),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn follows_a_file_that_was_renamed_twice_and_rewritten_in_between() {
        let repo = TestRepo::new();
        let text = |words: &str| (0..12).map(|n| format!("{words} {n}\n")).collect::<String>();
        let first = repo.commit("first", &[("a.txt", &text("some words")), ("[x].txt", &text("brackets"))]);
        repo.git(&["mv", "a.txt", "b.txt"]);
        repo.commit("b", &[]);
        repo.commit("rewritten", &[("b.txt", &text("nothing alike"))]);
        repo.git(&["mv", "b.txt", "c.txt"]);
        let moved = repo.commit("c", &[]);
        repo.git(&["rm", "-q", "[[]x].txt"]);
        let gone = repo.commit("gone", &[]);
        let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
        let check = |path: &str, from: &str, to: &str, expected: Option<&str>| {
            let there = renamed_to(&repo, path, from, to, &CancelFlag::default()).unwrap();
            assert_eq!(there.as_deref(), expected, "{path}");
        };
        check("a.txt", &first, &moved, Some("c.txt"));
        check("a.txt", &first, &gone, Some("c.txt"));
        check("[x].txt", &first, &gone, None);
        // In the other direction there is no history to follow, and the files are not similar.
        check("c.txt", &moved, &first, None);
    }
}
