/*!
`git blame`, bounded to a range of commits: which commit last changed each line. Git stops at `good`, which takes
hundredths of a second instead of a second for a large file with a long history. `boundary` then means "not changed
since good".
*/

use millwright_model::CommitId;
use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::GitError;
use serde::{Deserialize, Serialize};

use super::read;
use super::{Repo, RepoError, file};

/// Most lines blamed in one question.
const MAX_BLAME_LINES: u32 = 5_000;
const MAX_BLAME_BYTES: usize = 32 << 20;

#[derive(Debug, Clone)]
pub struct BlameQuery {
    pub bad: CommitId,
    pub good: Option<CommitId>,
    pub path: String,
    /// 1-based, both included.
    pub start: u32,
    pub end: u32,
}

/// Consecutive lines that the same commit last changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlameSpan {
    pub commit: CommitId,
    /// True when the lines are older than the range: `commit` is then only where git stopped looking.
    pub boundary: bool,
    pub author: String,
    pub author_email: String,
    /// Seconds since 1970.
    pub author_time: i64,
    pub subject: String,
    /// 1-based, at `bad`.
    pub start: u32,
    pub end: u32,
    /// Path of the file in the commit that wrote the lines.
    pub original_path: String,
    pub original_start: u32,
    /// The lines themselves.
    pub lines: Vec<String>,
}

/// Blames lines `start..=end` (cut at the end of the file), ignoring changes of white space.
pub fn blame(repo: &Repo, query: &BlameQuery, cancel: &CancelFlag) -> Result<Vec<BlameSpan>, RepoError> {
    let lines = file::blob_at(repo, &query.bad, &query.path)?.line_count()?;
    if query.start == 0 || query.start > query.end || u64::from(query.start) > lines {
        return Err(RepoError::LineRange { path: query.path.clone(), lines });
    }
    let end = u64::from(query.end.min(query.start.saturating_add(MAX_BLAME_LINES - 1))).min(lines);
    let range = match &query.good {
        Some(good) => format!("{good}..{}", query.bad),
        None => query.bad.to_string(),
    };
    let command = repo
        .git()
        .args(["blame", "--porcelain", "-w", "--encoding=UTF-8"])
        .arg(format!("-L{},{end}", query.start))
        .arg(range)
        .arg("--")
        .arg(query.path.trim_start_matches("./"));
    match read::output(command, MAX_BLAME_BYTES, cancel) {
        Ok(output) => Ok(parse(&String::from_utf8_lossy(&output.bytes))),
        Err(RepoError::Git(GitError::Failed { stderr, .. })) if stderr.contains("no such path") => {
            Err(RepoError::NoSuchPath { path: query.path.clone(), revision: query.bad.to_string() })
        }
        Err(error) => Err(error),
    }
}

#[derive(Debug, Clone, Default)]
struct Header {
    author: String,
    author_email: String,
    author_time: i64,
    subject: String,
    path: String,
    boundary: bool,
}

/// Reads `git blame --porcelain`, which prints a commit's header once and its path again whenever the path
/// changes.
fn parse(text: &str) -> Vec<BlameSpan> {
    let mut headers = std::collections::HashMap::<CommitId, Header>::new();
    let mut spans: Vec<BlameSpan> = Vec::new();
    let mut current: Option<(CommitId, u32, u32)> = None;
    for line in text.split('\n') {
        if let Some(content) = line.strip_prefix('\t') {
            let Some((commit, original, line_number)) = current.take() else { continue };
            let header = headers.entry(commit.clone()).or_default();
            match spans.last_mut() {
                Some(last)
                    if last.commit == commit
                        && last.end + 1 == line_number
                        && last.original_path == header.path
                        && last.original_start + (last.end - last.start) + 1 == original =>
                {
                    last.end = line_number;
                    last.lines.push(content.to_owned());
                }
                _ => spans.push(BlameSpan {
                    commit,
                    boundary: header.boundary,
                    author: header.author.clone(),
                    author_email: header.author_email.clone(),
                    author_time: header.author_time,
                    subject: header.subject.clone(),
                    start: line_number,
                    end: line_number,
                    original_path: header.path.clone(),
                    original_start: original,
                    lines: vec![content.to_owned()],
                }),
            }
            continue;
        }
        let Some((commit, ..)) = &current else {
            let mut parts = line.split(' ');
            let id = parts.next().and_then(|id| CommitId::parse(id).ok());
            let numbers =
                (parts.next().and_then(|n| n.parse().ok()), parts.next().and_then(|n| n.parse().ok()));
            if let (Some(id), (Some(original), Some(line_number))) = (id, numbers) {
                current = Some((id, original, line_number));
            }
            continue;
        };
        let header = headers.entry(commit.clone()).or_default();
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "author" => header.author = value.to_owned(),
            "author-mail" => header.author_email = value.trim_matches(['<', '>']).to_owned(),
            "author-time" => header.author_time = value.parse().unwrap_or(0),
            "summary" => header.subject = value.chars().take(300).collect(),
            "filename" => header.path = value.to_owned(),
            "boundary" => header.boundary = true,
            _ => {}
        }
    }
    spans
}
