/*!
Which files every commit changed, as pairs of blobs: read in bulk, for commits in any order. A commit is compared
with its parent, a merge with all of its parents at once: it lists only files that differ from every one of them.
*/

use std::io::{BufRead, BufReader, Write};

use millwright_model::CommitId;
use millwright_sandbox::trusted::GitError;

use super::{Repo, RepoError};

/// Files of one commit that are read; a commit that touches more is a move of everything or an import.
const MAX_FILES: usize = 20_000;
/// Files that git compares with each other to find renames: a package of that size can move in one commit. With more,
/// git finds only renames of files that did not change.
const RENAME_LIMIT: &str = "-l2000";

/// One file that a commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// After the change; before it, when the file was deleted.
    pub path: String,
    /// Before a rename.
    pub old_path: Option<String>,
    /// Object ids (hexadecimal) of the contents before the change: one for each parent; `None` where there was no
    /// file.
    pub before: Vec<Option<String>>,
    /// Of the content after the change; `None` when the file was deleted.
    pub after: Option<String>,
}

/// Everything that one commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChanges {
    pub commit: CommitId,
    pub files: Vec<TreeChange>,
    /// Whether there were more files than are read.
    pub truncated: bool,
}

/// The changes of `commits`, in the same order. Links and submodules are left out.
///
/// # Errors
/// When git fails, for example because a commit or a folder is missing.
pub fn tree_changes(repo: &Repo, commits: &[CommitId]) -> Result<Vec<TreeChanges>, RepoError> {
    match read_changes(repo, commits, &["-M", RENAME_LIMIT]) {
        // Git compares contents to find renames, and stops when one is missing, as in a partial clone: find the
        // commit, and look there only for renames of files that did not change.
        Err(RepoError::Git(GitError::Failed { .. })) if repo.lacks_contents() && commits.len() > 1 => {
            let (first, second) = commits.split_at(commits.len() / 2);
            let mut changes = tree_changes(repo, first)?;
            changes.extend(tree_changes(repo, second)?);
            Ok(changes)
        }
        Err(RepoError::Git(GitError::Failed { .. })) if repo.lacks_contents() => {
            read_changes(repo, commits, &["-M100%"])
        }
        read => read,
    }
}

fn read_changes(repo: &Repo, commits: &[CommitId], renames: &[&str]) -> Result<Vec<TreeChanges>, RepoError> {
    let (input, mut feed) = std::io::pipe().map_err(|source| RepoError::Io {
        action: "making a pipe for",
        path: repo.path().to_owned(),
        source,
    })?;
    let mut changes = Vec::with_capacity(commits.len());
    std::thread::scope(|scope| {
        // Ended when this closure is left in any way: without a reader git blocks, and with it the thread that feeds it.
        let mut stream = repo
            .git()
            // Without --always, a commit that changed nothing is left out.
            .args(["diff-tree", "--stdin", "-z", "-r", "-c", "--root", "--raw", "--no-abbrev", "--always"])
            .args(renames)
            .input(input)
            .stream()?;
        scope.spawn(move || {
            for commit in commits {
                // Git ends early when it fails; its exit status says why.
                if writeln!(feed, "{commit}").is_err() {
                    return;
                }
            }
        });
        let reader = BufReader::with_capacity(1 << 18, &mut stream);
        let read = ChangesReader { input: reader, field: Vec::new() }.read_all(&mut changes);
        read.map_err(|source| RepoError::Io { action: "reading", path: repo.path().to_owned(), source })?;
        stream.finish().map_err(RepoError::from)
    })?;
    Ok(changes)
}

/// Reads `git diff-tree --stdin -z`: a commit id, then for each file a record that begins with a colon for each
/// parent, and one path, or two for a rename.
struct ChangesReader<R> {
    input: R,
    field: Vec<u8>,
}

impl<R: BufRead> ChangesReader<R> {
    fn read_all(mut self, changes: &mut Vec<TreeChanges>) -> std::io::Result<()> {
        let mut current: Option<TreeChanges> = None;
        while self.next()? {
            if !self.field.starts_with(b":") {
                let id = CommitId::parse(String::from_utf8_lossy(&self.field).trim());
                if let Ok(commit) = id
                    && let Some(done) =
                        current.replace(TreeChanges { commit, files: Vec::new(), truncated: false })
                {
                    changes.push(done);
                }
                continue;
            }
            let record = RawRecord::parse(&String::from_utf8_lossy(&self.field));
            if !self.next()? {
                break;
            }
            let first = String::from_utf8_lossy(&self.field).into_owned();
            let is_rename = record.as_ref().is_some_and(|record| record.is_rename);
            let (old_path, path) = if is_rename && self.next()? {
                (Some(first), String::from_utf8_lossy(&self.field).into_owned())
            } else {
                (None, first)
            };
            let (Some(record), Some(current)) = (record, &mut current) else { continue };
            if record.after.is_none() && record.before.iter().all(Option::is_none) {
                continue;
            }
            if current.files.len() >= MAX_FILES {
                current.truncated = true;
                continue;
            }
            let RawRecord { before, after, .. } = record;
            current.files.push(TreeChange { path, old_path, before, after });
        }
        changes.extend(current);
        Ok(())
    }

    /// The next field without its NUL; false at the end of the stream.
    fn next(&mut self) -> std::io::Result<bool> {
        self.field.clear();
        let read = self.input.read_until(0, &mut self.field)?;
        if self.field.last() == Some(&0) {
            self.field.pop();
        }
        Ok(read > 0)
    }
}

/// `:OLDMODE NEWMODE OLDID NEWID STATUS`, with a colon, an old mode and an old id for each parent.
struct RawRecord {
    before: Vec<Option<String>>,
    after: Option<String>,
    is_rename: bool,
}

impl RawRecord {
    fn parse(text: &str) -> Option<Self> {
        let parents = text.bytes().take_while(|byte| *byte == b':').count();
        let fields: Vec<&str> = text.get(parents..)?.split(' ').collect();
        let (modes, rest) = fields.split_at_checked(parents + 1)?;
        let (ids, status) = rest.split_at_checked(parents + 1)?;
        // Only ordinary files have content that is source code.
        let blob = |mode: &str, id: &str| mode.starts_with("100").then(|| id.to_owned());
        let mut blobs = modes.iter().zip(ids).map(|(mode, id)| blob(mode, id));
        let before = blobs.by_ref().take(parents).collect();
        let is_rename = parents == 1 && status.first()?.starts_with(['R', 'C']);
        Some(Self { before, after: blobs.next().flatten(), is_rename })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    fn changes(repo: &TestRepo, commits: &[&CommitId]) -> Vec<TreeChanges> {
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        let commits: Vec<CommitId> = commits.iter().map(|id| (*id).clone()).collect();
        tree_changes(&opened, &commits).unwrap()
    }

    #[test]
    fn a_commit_is_compared_with_its_parent_and_a_merge_with_all() {
        let repo = TestRepo::new();
        let text = (0..20).map(|n| format!("x{n} = {n}\n")).collect::<String>();
        let first = repo.commit("first", &[("a.py", &text), ("b.py", "b = 1\n"), ("c.txt", "c\n")]);
        repo.git(&["mv", "a.py", "ä \"q\".py"]);
        let moved = repo.commit("moved", &[("ä \"q\".py", &text.replace("x7 = 7", "x7 = 8"))]);
        repo.git(&["checkout", "-q", "-b", "side", &first]);
        repo.commit("side", &[("b.py", "b = 2\n")]);
        repo.git(&["checkout", "-q", "-"]);
        repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
        std::fs::write(repo.work().join("b.py"), "b = 3\n").unwrap();
        let merge = repo.commit("merge", &[]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "empty"]);
        let empty = CommitId::parse(&repo.git(&["rev-parse", "HEAD"])).unwrap();
        let found = changes(&repo, &[&merge, &empty, &moved, &first]);
        let file = |file: &'_ TreeChange| {
            let before = file.before.iter().flatten().count();
            format!("{:?} {} {before} {}", file.old_path, file.path, file.after.is_some())
        };
        let shape: Vec<Vec<String>> =
            found.iter().map(|commit| commit.files.iter().map(file).collect()).collect();
        assert_eq!(
            shape,
            [
                vec!["None b.py 2 true"],
                vec![],
                vec!["Some(\"a.py\") ä \"q\".py 1 true"],
                vec!["None a.py 0 true", "None b.py 0 true", "None c.txt 0 true"],
            ]
        );
        assert!(found.iter().map(|changes| &changes.commit).eq([&merge, &empty, &moved, &first]));
    }
}
