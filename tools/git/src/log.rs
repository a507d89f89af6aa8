/*!
Commits of a range: filtered lists, pickaxe (which commits changed how often a text occurs), and the graph. All
come from one git process, which is faster over a long history than asking libgit2 commit by commit.
*/

use std::collections::HashMap;

use millwright_model::CommitId;
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::read::{self, fields, pathspec};
use super::{Repo, RepoError};

/// Most bytes read from a list of commits: about 100,000 commits.
const MAX_LOG_BYTES: usize = 64 << 20;
/// Longest subject kept, in characters.
const MAX_SUBJECT: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitSummary {
    pub id: CommitId,
    pub parents: Vec<CommitId>,
    pub author: String,
    pub author_email: String,
    /// Seconds since 1970.
    pub author_time: i64,
    pub commit_time: i64,
    /// First line of the message, bounded.
    pub subject: String,
}

/// Commits reachable from `tip` and not from `exclude`, newest first.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    pub tip: String,
    pub exclude: Option<String>,
    /// Files, folders or globs; empty for all.
    pub paths: Vec<String>,
    /// Part of the author's name or address, case-insensitive.
    pub author: Option<String>,
    /// A date as git reads it: `2024-05-01`, `2 weeks ago`.
    pub since: Option<String>,
    pub until: Option<String>,
    /// Text in the message, case-insensitive, not a pattern.
    pub grep: Option<String>,
    pub skip: usize,
    /// Maximum number of commits; 0 for all that fit the size limit.
    pub limit: usize,
}

/// One page of a longer list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage<T> {
    pub items: Vec<T>,
    /// Whether more commits follow.
    pub more: bool,
}

/// How a pickaxe interprets its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickaxeMode {
    /// The number of occurrences of the text changed (`-S`).
    Occurrences,
    /// A changed line matches the extended regular expression (`-G`).
    ChangedLines,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickaxeHit {
    pub commit: CommitSummary,
    /// The files in which the text was added or removed.
    pub files: Vec<String>,
}

/// A commit of a range with its parents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNode {
    pub id: CommitId,
    /// All parents, including those outside of the range.
    pub parents: Vec<CommitId>,
    /// Committer time, seconds since 1970.
    pub time: i64,
    pub subject: String,
}

pub fn log(repo: &Repo, query: &LogQuery, cancel: &CancelFlag) -> Result<LogPage<CommitSummary>, RepoError> {
    run(repo, query, &[], cancel)
}

/// Commits of the query's range that changed `text`, in the sense of the mode; newest first.
pub fn pickaxe(
    repo: &Repo,
    query: &LogQuery,
    text: &str,
    mode: PickaxeMode,
    cancel: &CancelFlag,
) -> Result<LogPage<PickaxeHit>, RepoError> {
    if text.is_empty() || text.contains('\0') {
        return Err(RepoError::Malformed {
            what: "text to look for",
            given: text.to_owned(),
            why: "give at least one character and no NUL".into(),
        });
    }
    let option = match mode {
        PickaxeMode::Occurrences => format!("-S{text}"),
        PickaxeMode::ChangedLines => format!("-G{text}"),
    };
    let page = run(repo, query, &[&option], cancel)?;
    let mut files = changed_files(repo, &page.items, &[&option], &query.paths)?;
    let hits = page.items.into_iter().map(|commit| {
        let files = files.remove(&commit.id).unwrap_or_default();
        PickaxeHit { commit, files }
    });
    Ok(LogPage { items: hits.collect(), more: page.more })
}

/// The commits that `bad` reaches and `good` does not, in topological order: children before parents.
pub fn range_graph(
    repo: &Repo,
    good: Option<&CommitId>,
    bad: &CommitId,
) -> Result<Vec<CommitNode>, RepoError> {
    let command = repo
        .git()
        .args(["log", "--topo-order", "--encoding=UTF-8", "--format=tformat:%H%x00%P%x00%ct%x00%s%x00"])
        .args(["--end-of-options", bad])
        .args(good.map(|good| format!("^{good}")))
        .arg("--");
    let fields = fields(&command.output()?);
    let node = |record: &[String]| match record {
        [id, parents, time, subject] => Some(CommitNode {
            id: CommitId::parse(id.trim_start()).ok()?,
            parents: parents_of(parents),
            time: time.parse().unwrap_or(0),
            subject: bounded_subject(subject),
        }),
        _ => None,
    };
    Ok(fields.chunks(4).filter_map(node).collect())
}

fn run(
    repo: &Repo,
    query: &LogQuery,
    more_options: &[&str],
    cancel: &CancelFlag,
) -> Result<LogPage<CommitSummary>, RepoError> {
    let mut command = repo.git().args([
        "log",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%s%x00",
        "--no-patch",
        "--regexp-ignore-case",
        "--fixed-strings",
    ]);
    let options =
        [("author", &query.author), ("since", &query.since), ("until", &query.until), ("grep", &query.grep)];
    for (name, value) in options {
        if let Some(value) = value {
            if value.contains('\0') {
                return Err(RepoError::Malformed {
                    what: "filter",
                    given: value.clone(),
                    why: "it contains a NUL".into(),
                });
            }
            command = command.arg(format!("--{name}={value}"));
        }
    }
    command = command.args(more_options).arg(format!("--skip={}", query.skip));
    if query.limit > 0 {
        command = command.arg(format!("--max-count={}", query.limit.saturating_add(1)));
    }
    command = command
        .args(["--end-of-options", &query.tip])
        .args(query.exclude.as_ref().map(|id| format!("^{id}")))
        .arg("--")
        .args(query.paths.iter().map(|path| pathspec(path)));
    let output = read::output(command, MAX_LOG_BYTES, cancel)?;
    let mut items: Vec<_> = fields(&output.bytes).chunks(7).filter_map(summary).collect();
    let more = output.truncated || (query.limit > 0 && items.len() > query.limit);
    if query.limit > 0 {
        items.truncate(query.limit);
    }
    Ok(LogPage { items, more })
}

/// Fields in the order of the format above.
pub(super) fn summary(record: &[String]) -> Option<CommitSummary> {
    let [id, parents, author, author_email, author_time, commit_time, subject] = record else { return None };
    Some(CommitSummary {
        id: CommitId::parse(id.trim_start()).ok()?,
        parents: parents_of(parents),
        author: author.clone(),
        author_email: author_email.clone(),
        author_time: author_time.parse().unwrap_or(0),
        commit_time: commit_time.parse().unwrap_or(0),
        subject: bounded_subject(subject),
    })
}

/// Splits git's list of ids, which are separated by blanks.
fn parents_of(list: &str) -> Vec<CommitId> {
    list.split(' ').filter_map(|id| CommitId::parse(id).ok()).collect()
}

fn bounded_subject(subject: &str) -> String {
    subject.chars().take(MAX_SUBJECT).collect()
}

/// For each commit the files it changed against its first parent, narrowed by `options` and `paths`.
fn changed_files(
    repo: &Repo,
    commits: &[CommitSummary],
    options: &[&str],
    paths: &[String],
) -> Result<HashMap<CommitId, Vec<String>>, RepoError> {
    let mut found = HashMap::<CommitId, Vec<String>>::new();
    if commits.is_empty() {
        return Ok(found);
    }
    let command = repo
        .git()
        .args(["diff-tree", "--stdin", "-z", "-r", "--root", "--name-only", "--no-textconv", "--no-ext-diff"])
        .args(options)
        .arg("--")
        .args(paths.iter().map(|path| pathspec(path)));
    let mut input = String::new();
    for commit in commits {
        // With its parent named, a merge is compared with the branch it was merged into.
        let parent = commit.parents.first().map(CommitId::as_str).unwrap_or_default();
        input.push_str(format!("{} {parent}", commit.id).trim_end());
        input.push('\n');
    }
    let mut current: Option<&CommitSummary> = None;
    for field in fields(&command.output_with_input(input.as_bytes())?) {
        match (commits.iter().find(|commit| commit.id == *field), current) {
            (Some(commit), _) => current = Some(commit),
            (None, Some(commit)) => found.entry(commit.id.clone()).or_default().push(field),
            (None, None) => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
