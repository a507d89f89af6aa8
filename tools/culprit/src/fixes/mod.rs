/*!
Candidate fixes at the failing revision, and their verification.

A candidate is a unified diff against the failing revision: a fix from memory, the inverse of the culprit, the inverse
of its guilty hunks, or a patch that a model wrote. Inverses are carried to today's files by a three-way merge; where
the merge conflicts, the candidate is not applicable and says where. A candidate is verified only when the replay
passes with it *and* something beyond the replay (the project's tests or the four-way check) shows that the behaviour
is right again.
*/

mod applied;
mod coupled;
mod four_way_check;
mod hand_over;
mod line_search;
mod patch;
mod project_tests;
mod revert;
mod takes_away;
mod verify;
mod whole_fixes;
mod written_diff;

use millwright_code::check::check_candidate;
use millwright_git::checkout::{self, CheckoutChange, CheckoutError, FileEdit};
use millwright_git::unified_diff::DiffParser;
use millwright_git::{self as git, Repo, RepoError};
use millwright_model::{CommitId, FixKind};
use millwright_redaction::placeholders;
use millwright_sandbox::trusted::GitError;
use serde::{Deserialize, Serialize};

use crate::minimise::CulpritHunk;

pub use four_way_check::{DEFAULT_INPUTS, FourWayCheck, SharedObservations};
pub use hand_over::{FixMessage, as_patch, commit};
pub use patch::{MAX_DIFF_BYTES, TextEdit, WrittenChange, patch};
pub use project_tests::{ProjectTests, ProjectTestsRun, TestsVerdict, tests_recipe};
pub use takes_away::{TakesAway, takes_away};
pub use verify::{BeyondReplay, FixVerification, verify};

#[derive(Debug, thiserror::Error)]
pub enum FixError {
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A candidate fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixCandidate {
    /// `known`, `revert`, `partial_revert`, `partial_revert_hunks`, `patch_1` …: unique within a run.
    pub id: String,
    pub kind: FixKind,
    /// Unified diff against the failing revision.
    pub diff: String,
    /// Lines added and removed.
    pub lines: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixProposal {
    /// Smallest first.
    pub candidates: Vec<FixCandidate>,
    /// Candidates that could not be drafted, with the reason.
    pub not_applicable: Vec<String>,
}

/// Id of the candidate that takes back only one of several places where the culprit makes the same change; it is
/// tried last.
const LONE: &str = "partial_revert_alone";

/// Drafts candidates that take back `culprit`, or only its `guilty` hunks, at `bad`.
pub fn propose(
    repo: &Repo,
    culprit: &CommitId,
    guilty: &[CulpritHunk],
    bad: &CommitId,
) -> Result<FixProposal, FixError> {
    let mut proposal = FixProposal::default();
    let mut draft = |kind: FixKind, id: &str, edits: Result<Vec<FileEdit>, String>| -> Result<(), FixError> {
        let mut refuse = |because: String| {
            if !proposal.not_applicable.contains(&because) {
                proposal.not_applicable.push(because);
            }
        };
        let edits = match edits {
            Ok(edits) => edits,
            Err(because) => {
                refuse(because);
                return Ok(());
            }
        };
        if let Some(problem) = unsound(repo, culprit, bad, &edits) {
            refuse(format!("the {} was dropped: {problem}", kind_in_words(kind)));
            return Ok(());
        }
        let diff = diff_of(repo, bad, &edits)?;
        if diff.is_empty() {
            refuse(format!("the {} changes nothing at the failing revision", kind_in_words(kind)));
        } else if !proposal.candidates.iter().any(|other| other.diff == diff) {
            let lines = changed_lines(&diff);
            proposal.candidates.push(FixCandidate { id: id.to_owned(), kind, diff, lines });
        }
        Ok(())
    };
    let part = |change: &whole_fixes::WholeChange| match change.missing.first() {
        Some(missing) => Ok(Err(format!("a part of the commit cannot be reverted alone: {missing}"))),
        None => revert::partial(repo, culprit, &change.hunks, bad),
    };
    let parts = whole_fixes::whole_changes_of(repo, culprit, guilty)?;
    if let Some(smallest) = parts.first() {
        draft(FixKind::PartialRevert, "partial_revert", part(smallest)?)?;
    }
    // Draft the revert before the wider parts, so that a part equal to the whole commit counts as the revert.
    draft(FixKind::Revert, "revert", revert::whole(repo, culprit, bad)?)?;
    for change in parts.iter().skip(1).filter(|change| !change.leaves_alike) {
        draft(FixKind::PartialRevert, whole_fixes::id_of(change.level), part(change)?)?;
    }
    if let Some(lone) = parts.iter().skip(1).find(|change| change.leaves_alike) {
        draft(FixKind::PartialRevert, LONE, part(lone)?)?;
    }
    proposal.candidates.sort_by_key(|candidate| (candidate.id == LONE, candidate.lines));
    Ok(proposal)
}

/// The files of `culprit` at the commit `at` without some of its hunks; the inner error says why that is not
/// possible.
pub fn take_back(
    repo: &Repo,
    culprit: &CommitId,
    hunks: &[CulpritHunk],
    at: &CommitId,
) -> Result<Result<Vec<FileEdit>, String>, FixError> {
    revert::partial(repo, culprit, hunks, at)
}

/// A candidate from a known diff, if the diff still applies at `bad`.
pub fn known(repo: &Repo, diff: &str, bad: &CommitId) -> Result<Result<FixCandidate, String>, FixError> {
    match checkout::compose(repo, bad, Some(&CheckoutChange::Patch(diff.to_owned())), None) {
        Ok(_) => {
            let lines = changed_lines(diff);
            Ok(Ok(FixCandidate { id: "known".into(), kind: FixKind::Known, diff: diff.to_owned(), lines }))
        }
        // Memory keeps the diff with its secrets masked; each placeholder stands for the text in the file.
        Err(CheckoutError::DoesNotApply { .. }) if !placeholders(diff).is_empty() => {
            let candidate = patch(repo, bad, "known", &WrittenChange::Diff(diff.to_owned()))?;
            Ok(candidate.map(|candidate| FixCandidate { kind: FixKind::Known, ..candidate }))
        }
        Err(CheckoutError::DoesNotApply { reason, .. }) => {
            Ok(Err(format!("the known fix no longer applies here ({})", first_line(&reason))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a revision contains a fix that was made for `bad`: the fix can be taken back there and cannot be applied
/// again.
pub fn contains(repo: &Repo, diff: &str, bad: &CommitId, revision: &str) -> Result<bool, FixError> {
    let applies = |diff: &str, at: &str| match checkout::compose(
        repo,
        at,
        Some(&CheckoutChange::Patch(diff.to_owned())),
        None,
    ) {
        Ok(composed) => Ok(Some(composed.tree)),
        Err(CheckoutError::DoesNotApply { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let Some(fixed) = applies(diff, bad)? else { return Ok(false) };
    let back = diff_between(repo, &fixed, bad)?;
    // Git merges a patch whose blobs it knows, so a patch that is present already also applies and changes nothing.
    let own = checkout::compose(repo, revision, None, None)?.tree;
    let changes = |tree: Option<String>| tree.is_some_and(|tree| tree != own);
    Ok(changes(applies(&back, revision)?) && !changes(applies(diff, revision)?))
}

/// Problems in a candidate's files that exist neither at `bad` nor before the culprit: a file does not parse, has
/// unreachable code, contains half of a construct, or uses a name that is not defined.
fn unsound(repo: &Repo, culprit: &CommitId, bad: &CommitId, edits: &[FileEdit]) -> Option<String> {
    let parent =
        repo.git().args(["rev-parse", "--verify", "--quiet", &format!("{culprit}^1")]).output().ok()?;
    let parent = String::from_utf8_lossy(&parent).trim().to_owned();
    let text = |revision: &str, path: &str| git::blob_at(repo, revision, path).ok()?.text().ok();
    edits.iter().find_map(|edit| {
        let after = String::from_utf8(edit.content.as_ref()?.1.clone()).ok()?;
        let before = text(bad, &edit.path)?;
        let origin = text(&parent, &edit.path);
        let problem = check_candidate(&edit.path, &before, &after, origin.as_deref()).err()?;
        Some(format!("{}: {problem}", edit.path))
    })
}

fn diff_of(repo: &Repo, bad: &CommitId, edits: &[FileEdit]) -> Result<String, FixError> {
    diff_between(repo, bad, &checkout::edit_tree(repo, bad, edits)?)
}

fn diff_between(repo: &Repo, from: &str, to: &str) -> Result<String, FixError> {
    let diff = repo
        .git()
        .args(["diff-tree", "-p", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"])
        .args([from, to])
        .output()?;
    Ok(String::from_utf8_lossy(&diff).into_owned())
}

/// Number of lines that a diff adds and removes: the measure of a fix's size.
pub fn changed_lines(diff: &str) -> usize {
    let diff = DiffParser::default().without_lines().parse(diff);
    diff.files.iter().map(|file| file.added + file.removed).sum()
}

pub fn kind_in_words(kind: FixKind) -> &'static str {
    match kind {
        FixKind::Known => "known fix",
        FixKind::Revert => "revert of the whole commit",
        FixKind::PartialRevert => "revert of the guilty hunks",
        FixKind::Patch => "patch",
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
#[path = "fixes_tests.rs"]
mod tests;
