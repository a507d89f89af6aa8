/*!
Searches the files of a revision with `git grep`, which reads packed objects in parallel and needs no checkout.
Binary files are skipped. A hostile pattern can only cost time, and the caller bounds the time.
*/

use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::GitError;
use serde::{Deserialize, Serialize};

use super::read::{self, pathspec};
use super::{Repo, RepoError};

const MAX_GREP_BYTES: usize = 16 << 20;
/// Longest line kept, in characters.
const MAX_LINE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    Fixed,
    /// Fixed text, at word boundaries only.
    Word,
    /// A POSIX extended regular expression.
    Regex,
}

#[derive(Debug, Clone)]
pub struct GrepQuery {
    /// Full id.
    pub revision: String,
    pub pattern: String,
    pub kind: PatternKind,
    pub ignore_case: bool,
    /// Files, folders or globs; empty for all.
    pub paths: Vec<String>,
    pub skip: usize,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrepHit {
    pub path: String,
    /// 1-based.
    pub line: u32,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrepResult {
    pub hits: Vec<GrepHit>,
    /// Number of all hits seen, including those skipped.
    pub total: usize,
    /// Whether `total` itself is too low because the output was cut.
    pub truncated: bool,
}

pub fn grep(repo: &Repo, query: &GrepQuery, cancel: &CancelFlag) -> Result<GrepResult, RepoError> {
    let malformed = |why: String| RepoError::Malformed { what: "pattern", given: query.pattern.clone(), why };
    if query.pattern.is_empty() || query.pattern.contains(['\0', '\n']) {
        return Err(malformed("give one line of at least one character".into()));
    }
    let mut command =
        repo.git().args(["grep", "-n", "-I", "-z", "--full-name", "--no-color", "--no-textconv"]);
    command = match query.kind {
        PatternKind::Fixed => command.arg("-F"),
        PatternKind::Word => command.args(["-F", "-w"]),
        PatternKind::Regex => command.arg("-E"),
    };
    if query.ignore_case {
        command = command.arg("-i");
    }
    command = command
        .args(["-e", &query.pattern, &query.revision, "--"])
        .args(query.paths.iter().map(|path| pathspec(path)));
    let output = match read::output(command, MAX_GREP_BYTES, cancel) {
        Ok(output) => output,
        // Git exits with status 1 and prints nothing when nothing matches.
        Err(RepoError::Git(GitError::Failed { stderr, .. })) if stderr.is_empty() => {
            return Ok(GrepResult { hits: Vec::new(), total: 0, truncated: false });
        }
        Err(RepoError::Git(GitError::Failed { stderr, .. }))
            if stderr.contains(&format!("\'{}\':", query.pattern)) =>
        {
            return Err(malformed(stderr));
        }
        Err(error) => return Err(error),
    };
    let mut lines: Vec<&[u8]> = output.bytes.split(|byte| *byte == b'\n').collect();
    lines.pop(); // empty, or cut in the middle
    let hits = lines.iter().skip(query.skip).take(query.limit).filter_map(|line| hit(line, &query.revision));
    Ok(GrepResult { hits: hits.collect(), total: lines.len(), truncated: output.truncated })
}

/// `REVISION:path NUL line NUL text`
fn hit(line: &[u8], revision: &str) -> Option<GrepHit> {
    let line = String::from_utf8_lossy(line);
    let mut parts = line.strip_prefix(revision)?.strip_prefix(':')?.splitn(3, '\0');
    let (path, number, text) = (parts.next()?, parts.next()?, parts.next()?);
    Some(GrepHit {
        path: path.to_owned(),
        line: number.parse().ok()?,
        text: text.chars().take(MAX_LINE).collect(),
    })
}
