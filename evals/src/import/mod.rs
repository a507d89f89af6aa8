/*!
Imports your own past incidents as cases: from memory, from a list of tickets and the commits that fixed them, or from commit
messages that name a culprit. The truth is only as good as its source, so every case has a tag for its source.
*/

mod blame;
pub mod history;
pub mod lines;
pub mod memory;

use std::path::Path;

use millwright_git::{Repo, RepoError};
use millwright_ingest::is_test_path;
use millwright_model::{CommitId, Evidence};
use millwright_sandbox::trusted::GitError;

use crate::cases::{CaseAttachments, CaseTruth, EvalCase, TruthKind};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] millwright_store::StoreError),
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: std::path::PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {why}")]
    Line { path: std::path::PathBuf, line: usize, why: String },
    #[error("there is nothing to build cases from: {0}")]
    Nothing(String),
}

/// Imported cases, and the records that were left out with the reason.
#[derive(Debug, Default)]
pub struct ImportedCases {
    pub cases: Vec<EvalCase>,
    pub left_out: Vec<String>,
}

impl ImportedCases {
    /// Writes the cases atomically.
    ///
    /// # Errors
    /// When there are no cases, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ImportError> {
        if self.cases.is_empty() {
            let why = self.left_out.first().cloned().unwrap_or_else(|| "nothing was found".into());
            return Err(ImportError::Nothing(why));
        }
        let io = |source| ImportError::Io { action: "writing", path: path.to_owned(), source };
        let mut text = Vec::new();
        for case in &self.cases {
            serde_json::to_writer(&mut text, case).map_err(std::io::Error::other).map_err(io)?;
            text.push(b'\n');
        }
        let beside = path.with_extension("part");
        std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(io)
    }
}

fn git(repo: &Repo, args: &[&str]) -> Result<String, GitError> {
    Ok(String::from_utf8_lossy(&repo.git().args(args).output()?).into_owned())
}

/// A case with a culprit that was seen to fail at `bad`.
fn case(
    repo: &Repo,
    id: String,
    ticket: String,
    bad: CommitId,
    culprit: CommitId,
    tag: &str,
) -> Result<EvalCase, GitError> {
    let changed = git(repo, &["diff-tree", "--no-commit-id", "--name-only", "-r", "-m", &culprit])?;
    let mut files: Vec<String> =
        changed.lines().filter(|path| !is_test_path(path)).map(str::to_owned).collect();
    files.dedup();
    files.truncate(50);
    Ok(EvalCase {
        id,
        repo: repo.path().to_string_lossy().into_owned(),
        good: good_before(repo, &culprit)?,
        bad: bad.to_string(),
        ticket,
        attachments: CaseAttachments::default(),
        replay: None,
        tests: None,
        truth: CaseTruth { files, ..CaseTruth::of(TruthKind::CodeChange, Some(culprit.to_string())) },
        tags: vec![tag.to_owned()],
        needs: Vec::new(),
        remembered: Vec::new(),
    })
}

/// A revision some commits before the culprit. The distance depends on the culprit's id, so that the culprit's position in
/// the range reveals nothing. `None` where the history is too short.
fn good_before(repo: &Repo, culprit: &str) -> Result<Option<String>, GitError> {
    let far = 100 + u64::from_str_radix(&Evidence::hash(culprit)[..6], 16).unwrap_or(0) % 400;
    for back in [far, far / 4, 5] {
        let wanted = format!("{culprit}~{back}");
        if let Ok(found) = git(repo, &["rev-parse", "--verify", "--quiet", &wanted]) {
            return Ok(Some(found.trim().to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
