/*!
The history of one unit: the commits that changed it, back from a revision to the commit that introduced it, through
renames and moves.

The history is what led to the unit as it is: a branch whose changes to the unit a merge dropped is no part of it,
as in `git log` for a path.
*/

use millwright_git::Repo;
use millwright_git::history::HistoryStructure;
use millwright_model::{CommitId, LineSpan};
use schemars::JsonSchema;
use serde::Serialize;

use super::index::{UnitIndex, UnitIndexError};
use super::parts::ChangedParts;
use super::record::UnitOrigin;
use super::walk::{FollowScope, UnitWalk, WalkResult};

/// A unit under the name that it has at some commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FollowedUnit {
    pub path: String,
    /// Its key in the file; empty for the whole file.
    pub unit: String,
}

impl FollowedUnit {
    /// Its qualified name: the key without the types of parameters, and without the number of a name that is defined again.
    pub fn name(&self) -> &str {
        let plain = self.unit.split('(').next().unwrap_or_default();
        match plain.rsplit_once('#') {
            Some((name, number))
                if !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) =>
            {
                name
            }
            _ => plain,
        }
    }
}

/// One commit that changed, moved or introduced the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStep {
    pub commit: CommitId,
    /// Seconds since the epoch.
    pub time: i64,
    pub author: String,
    pub subject: String,
    /// The unit after the commit.
    pub unit: FollowedUnit,
    /// What it was before the commit; `None` when the commit introduced it.
    pub before: Option<FollowedUnit>,
    /// The commit that `before` is at: of a merge, the parent that has the unit.
    pub parent: Option<CommitId>,
    pub parts: ChangedParts,
    /// Whether its file names another package since: its full name is another one.
    pub namespace_changed: bool,
    pub lines_before: Option<LineSpan>,
    pub lines_after: Option<LineSpan>,
    /// The unit that this one was split off from, when the commit introduced it so.
    pub split_from: Option<UnitOrigin>,
}

impl UnitStep {
    /// A commit, for which the rest is still to be said.
    pub(super) fn of(structure: &HistoryStructure, position: u32) -> Self {
        let commit = structure.commit(position);
        Self {
            commit: commit.id(),
            time: commit.time,
            author: commit.author.clone(),
            subject: commit.subject.clone(),
            unit: FollowedUnit { path: String::new(), unit: String::new() },
            before: None,
            parent: commit.parents.first().map(|parent| structure.commit(*parent).id()),
            parts: ChangedParts::NONE,
            namespace_changed: false,
            lines_before: None,
            lines_after: None,
            split_from: None,
        }
    }

    /// Whether the unit has another file, name, package or list of parameter types since this commit.
    pub fn is_move(&self) -> bool {
        self.namespace_changed || self.before.as_ref().is_some_and(|before| *before != self.unit)
    }
}

/// How the history of a unit begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEnd {
    /// The commit that introduced the unit was found.
    Introduced,
    /// The clone is shallow, and the unit is older than what it has.
    Shallow,
    /// Contents of older versions are missing, as in a partial clone.
    Unread,
    /// No commit of the index introduced it.
    Unknown,
}

/// The history of one unit, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitHistory {
    pub(super) steps: Vec<UnitStep>,
    pub(super) end: HistoryEnd,
    /// Commits in which a version of the file could not be read.
    pub(super) unread: Vec<CommitId>,
}

/// Follows `unit` back from the commit at `as_of`. Indexes what is missing of the commits that touched its files.
///
/// # Errors
/// When the index cannot be read or completed.
pub(super) fn unit_history(
    repo: &Repo,
    structure: &HistoryStructure,
    index: &mut UnitIndex,
    as_of: u32,
    unit: &FollowedUnit,
    scope: FollowScope,
) -> Result<UnitHistory, UnitIndexError> {
    let walk = UnitWalk::open(repo, structure, index, as_of, scope)?;
    Ok(UnitHistory::of(walk.follow(unit)?, repo, structure))
}

impl UnitHistory {
    fn of(found: WalkResult, repo: &Repo, structure: &HistoryStructure) -> Self {
        let end = match found.steps.iter().any(|(_, step)| step.before.is_none()) {
            true => HistoryEnd::Introduced,
            false if repo.is_shallow() => HistoryEnd::Shallow,
            false if !found.unread.is_empty() => HistoryEnd::Unread,
            false => HistoryEnd::Unknown,
        };
        let unread = found.unread.iter().map(|position| structure.commit(*position).id()).collect();
        Self { steps: found.steps.into_iter().map(|(_, step)| step).collect(), end, unread }
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
