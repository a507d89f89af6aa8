/*!
What changed: one commit against its first parent, or one revision against another. The trusted git makes the
patches without textconv and external diffs. A patch is cut at a size limit, but always comes with the complete
list of files, so a cut never hides that a file was touched.
*/

use millwright_model::CommitId;
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::log::{CommitSummary, summary};
use super::read::{self, fields, pathspec};
use super::{Repo, RepoError};

/// Most bytes of a list of changed files.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Most bytes of a commit message.
const MAX_MESSAGE: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub path: String,
    /// The path before a rename or copy.
    pub old_path: Option<String>,
    /// Added lines; `None` for binary files.
    pub added: Option<u64>,
    pub removed: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitDiff {
    pub files: Vec<FileChange>,
    /// A unified diff; invalid UTF-8 is replaced.
    pub patch: String,
    /// Whether the patch was cut at its size limit.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitDetail {
    pub summary: CommitSummary,
    /// The full message, up to a size limit.
    pub message: String,
    /// Compared with the first parent; for a root commit, with an empty tree.
    pub diff: GitDiff,
}

/// One commit with its patch of at most `max_bytes`; empty `paths` means all files.
pub fn show(
    repo: &Repo,
    commit: &CommitId,
    paths: &[String],
    max_bytes: usize,
    cancel: &CancelFlag,
) -> Result<CommitDetail, RepoError> {
    let command = repo.git().args([
        "log",
        "--max-count=1",
        "--no-patch",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%s%x00%B%x00",
        "--end-of-options",
        commit,
        "--",
    ]);
    let head = fields(&read::output(command, MAX_MESSAGE, cancel)?.bytes);
    let summary = head.get(..7).and_then(summary).ok_or_else(|| RepoError::UnknownRevision {
        revision: commit.to_string(),
        path: repo.path().to_owned(),
        hint: String::new(),
    })?;
    let message = head.get(7).map(|text| text.trim_end().to_owned()).unwrap_or_default();
    let tree_diff = || repo.git().args(["diff-tree", "--root", "--no-commit-id", "-r"]);
    let revisions = match summary.parents.first() {
        Some(parent) => vec![parent.as_str(), commit.as_str()],
        None => vec![commit.as_str()],
    };
    let diff = diff_of(tree_diff, &revisions, paths, max_bytes, cancel)?;
    Ok(CommitDetail { summary, message, diff })
}

/// What changed from `from` to `to`. Both are full ids.
pub fn diff(
    repo: &Repo,
    from: &str,
    to: &str,
    paths: &[String],
    max_bytes: usize,
    cancel: &CancelFlag,
) -> Result<GitDiff, RepoError> {
    diff_of(|| repo.git().args(["diff-tree", "-r"]), &[from, to], paths, max_bytes, cancel)
}

fn diff_of(
    command: impl Fn() -> millwright_sandbox::trusted::GitCommand,
    revisions: &[&str],
    paths: &[String],
    max_bytes: usize,
    cancel: &CancelFlag,
) -> Result<GitDiff, RepoError> {
    let with = |options: &[&str]| {
        command()
            .args(["--no-textconv", "--no-ext-diff", "--no-color", "--find-renames"])
            .args(options)
            .arg("--end-of-options")
            .args(revisions)
            .arg("--")
            .args(paths.iter().map(|path| pathspec(path)))
    };
    let list = read::output(with(&["--numstat", "-z"]), MAX_LIST_BYTES, cancel)?;
    let patch = read::output(with(&["--patch"]), max_bytes, cancel)?;
    let mut text = String::from_utf8_lossy(&patch.bytes).into_owned();
    if patch.truncated {
        // Keep complete lines only, so that no cut line is mistaken for a changed one.
        text.truncate(text.rfind('\n').map_or(0, |at| at + 1));
    }
    Ok(GitDiff { files: numstat(&list.bytes), patch: text, truncated: patch.truncated })
}

/// `added TAB removed TAB path NUL`, or for renames `added TAB removed TAB NUL old NUL new NUL`.
fn numstat(bytes: &[u8]) -> Vec<FileChange> {
    let mut files = Vec::new();
    let mut fields = fields(bytes).into_iter();
    while let Some(field) = fields.next() {
        let mut parts = field.trim_start_matches('\n').splitn(3, '\t');
        let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (old_path, path) = if path.is_empty() {
            (fields.next(), fields.next().unwrap_or_default())
        } else {
            (None, path.to_owned())
        };
        files.push(FileChange { path, old_path, added: added.parse().ok(), removed: removed.parse().ok() });
    }
    files
}
