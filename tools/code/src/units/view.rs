/*!
A history as every channel shows it: plain data for machines, and the same in words for people.
*/

use std::fmt::Write as _;

use millwright_model::{CommitId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::history::{FollowedUnit, HistoryEnd, UnitStep};
use super::question::{AnsweredStep, HistoryAnswer};

/// Longest patch of one commit, in characters; a unit that is introduced brings all of its lines.
const MAX_PATCH: usize = 20_000;
/// Patch lines of one commit in the text.
const SHOWN_LINES: usize = 60;

/// The commits that changed a code unit, a range of lines or a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "History")]
pub struct CodeHistory {
    pub path: String,
    /// The unit, or the one around the lines; absent for a file, and for lines that belong to no unit.
    pub unit: Option<String>,
    /// Where it stands at `as_of`; 1-based, both included.
    pub start_line: u32,
    pub end_line: u32,
    /// The commit that the history leads to.
    pub as_of: CommitId,
    /// How the history begins.
    pub end: HistoryEnd,
    /// How many commits changed it; `commits` has those asked for.
    pub total: usize,
    /// Newest first.
    pub commits: Vec<HistoryCommit>,
    /// Commits that touched it, but whose version of the file could not be read.
    pub unread: Vec<CommitId>,
}

/// One commit of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryCommit {
    pub commit: CommitId,
    /// When it was committed; absent when the commit claims a time that does not exist.
    pub at: Option<Timestamp>,
    pub author: String,
    pub subject: String,
    /// What it did to the unit.
    pub what: Vec<HistoryChange>,
    /// Where the unit is after the commit.
    pub place: HistoryPlace,
    /// Where it was before, when it was moved or renamed.
    pub before: Option<HistoryPlace>,
    /// The unit that it was split off from, when the commit introduced it so.
    pub split_from: Option<HistoryPlace>,
    /// The hunks of the commit within the unit or the lines, as a unified diff without file headers; empty when it only moved
    /// them.
    pub patch: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryPlace {
    pub path: String,
    /// Absent for the whole file.
    pub unit: Option<String>,
}

/// What a commit does to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryChange {
    Introduced,
    /// To another file, type or package.
    Moved,
    Renamed,
    /// Its head: name, modifiers, annotations, parameters.
    Signature,
    /// What a type extends and implements.
    BaseTypes,
    Body,
    Documentation,
    /// Only comments within it.
    Comments,
    /// Its file, where no unit is asked for.
    Changed,
}

impl HistoryChange {
    /// The part of the unit that is another one since.
    fn part(self) -> Option<&'static str> {
        match self {
            Self::Signature => Some("signature"),
            Self::BaseTypes => Some("base types"),
            Self::Body => Some("body"),
            Self::Documentation => Some("documentation"),
            Self::Comments => Some("comments"),
            Self::Introduced | Self::Moved | Self::Renamed | Self::Changed => None,
        }
    }
}

impl HistoryPlace {
    fn of(path: &str, unit: &str) -> Self {
        Self { path: path.to_owned(), unit: (!unit.is_empty()).then(|| unit.to_owned()) }
    }

    fn followed(unit: &FollowedUnit) -> Self {
        Self::of(&unit.path, &unit.unit)
    }

    /// `path::unit`, as a history is asked for.
    pub fn name(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{}::{unit}", self.path),
            None => self.path.clone(),
        }
    }
}

impl CodeHistory {
    /// `mask` removes secrets from what authors wrote: subjects, names and lines.
    pub fn new(answer: HistoryAnswer, mask: impl Fn(&str) -> String) -> Self {
        let steps = answer.steps.into_iter();
        Self {
            path: answer.path,
            unit: answer.unit,
            start_line: answer.start_line,
            end_line: answer.end_line,
            as_of: answer.as_of,
            end: answer.end,
            total: answer.total,
            commits: steps.map(|step| HistoryCommit::new(step, &mask)).collect(),
            unread: answer.unread,
        }
    }

    /// `path::unit`, `path:10-20` or `path`.
    pub fn name(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{}::{unit} (lines {} to {})", self.path, self.start_line, self.end_line),
            None => format!("{} (lines {} to {})", self.path, self.start_line, self.end_line),
        }
    }

    /// The first line: what it is about, and how many commits changed it.
    pub fn headline(&self) -> String {
        let commits = match self.total {
            1 => "1 commit changed it".to_owned(),
            n => format!("{n} commits changed it"),
        };
        format!("{}, at {}: {commits}", self.name(), self.as_of.short())
    }

    /// What cannot be said, and why; empty when the history is whole.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        match self.end {
            HistoryEnd::Introduced => {}
            HistoryEnd::Shallow => gaps.push(
                "The clone is shallow, and its history ends before the commit that introduced this. \
                 `git fetch --unshallow` brings the rest."
                    .to_owned(),
            ),
            HistoryEnd::Unread => gaps.push(
                "The history before these commits is not known: contents of older versions are missing, as in a partial \
                 clone. `git fetch --refetch --no-filter` brings them."
                    .to_owned(),
            ),
            HistoryEnd::Unknown => {
                gaps.push("The commit that introduced this was not found.".to_owned());
            }
        }
        if !self.unread.is_empty() {
            let listed: Vec<&str> = self.unread.iter().take(5).map(CommitId::short).collect();
            let more = self.unread.len() - listed.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            gaps.push(format!(
                "Not read, because a version of the file is missing or too large: {}{more}.",
                listed.join(", ")
            ));
        }
        gaps
    }

    /// The history in words. Text of the repository in it is as it was written: make it safe for a terminal before it is
    /// printed there.
    pub fn text(&self, with_patches: bool) -> String {
        let mut out = format!("{}\n", self.headline());
        for commit in &self.commits {
            let _ = write!(out, "\n{}", commit.text(with_patches));
        }
        let shown = self.commits.len();
        if shown < self.total && shown > 0 {
            let _ = writeln!(out, "\n{shown} of {} commits are shown.", self.total);
        }
        for gap in self.gaps() {
            let _ = writeln!(out, "\n{gap}");
        }
        out
    }
}

impl HistoryCommit {
    fn new(step: AnsweredStep, mask: &impl Fn(&str) -> String) -> Self {
        let AnsweredStep { step, patch } = step;
        let origin = step.split_from.as_ref();
        Self {
            what: changes(&step),
            place: HistoryPlace::followed(&step.unit),
            before: step.before.as_ref().filter(|_| step.is_move()).map(HistoryPlace::followed),
            split_from: origin.map(|origin| HistoryPlace::of(&origin.path, &origin.unit)),
            commit: step.commit,
            at: Timestamp::from_second(step.time),
            author: mask(&step.author),
            subject: mask(&step.subject),
            patch: bounded(mask(&patch)),
        }
    }

    /// `changed the signature and the body`; `moved and renamed from lib/a.py::total`.
    pub fn what_in_words(&self) -> String {
        let did = |what: HistoryChange| self.what.contains(&what);
        let mut words = Vec::new();
        if did(HistoryChange::Introduced) {
            words.push(match &self.split_from {
                Some(from) => format!("split off from {}", from.name()),
                None => "introduced".to_owned(),
            });
        }
        let moved = match (did(HistoryChange::Moved), did(HistoryChange::Renamed)) {
            (true, true) => Some("moved and renamed"),
            (true, false) => Some("moved"),
            (false, true) => Some("renamed"),
            (false, false) => None,
        };
        words.extend(moved.map(|moved| match &self.before {
            Some(before) => format!("{moved} from {}", before.name()),
            None => moved.to_owned(),
        }));
        let parts: Vec<String> =
            self.what.iter().filter_map(|what| what.part()).map(|part| format!("the {part}")).collect();
        match &parts[..] {
            [] if did(HistoryChange::Changed) => words.push("changed".to_owned()),
            [] => {}
            [only] => words.push(format!("changed {only}")),
            [first @ .., last] => words.push(format!("changed {} and {last}", first.join(", "))),
        }
        words.join(", ")
    }

    /// The commit in words, as in [`CodeHistory::text`].
    pub fn text(&self, with_patch: bool) -> String {
        let day = self.at.map_or_else(|| "at no time".to_owned(), Timestamp::day);
        let mut out = format!("{}  {day}  {}  {}\n", self.commit.short(), self.author, self.subject);
        let _ = writeln!(out, "  {}", self.what_in_words());
        if with_patch {
            let lines: Vec<&str> = self.patch.lines().collect();
            for line in lines.iter().take(SHOWN_LINES) {
                let _ = writeln!(out, "  {line}");
            }
            if lines.len() > SHOWN_LINES {
                let _ = writeln!(out, "  … {} more lines", lines.len() - SHOWN_LINES);
            }
        }
        out
    }
}

fn changes(step: &UnitStep) -> Vec<HistoryChange> {
    use super::parts::ChangedParts as Parts;
    let mut what = Vec::new();
    let split = |unit: &FollowedUnit| match unit.name().rsplit_once('.') {
        Some((around, name)) => (around.to_owned(), name.to_owned()),
        None => (String::new(), unit.name().to_owned()),
    };
    match &step.before {
        None => what.push(HistoryChange::Introduced),
        Some(before) if step.is_move() => {
            let ((around, name), (around_now, name_now)) = (split(before), split(&step.unit));
            let renamed = name != name_now;
            let moved = before.path != step.unit.path || around != around_now;
            if moved || step.namespace_changed {
                what.push(HistoryChange::Moved);
            }
            if renamed && !step.unit.unit.is_empty() {
                what.push(HistoryChange::Renamed);
            }
        }
        Some(_) => {}
    }
    let parts = [
        (Parts::HEAD, HistoryChange::Signature),
        (Parts::BASES, HistoryChange::BaseTypes),
        (Parts::BODY, HistoryChange::Body),
        (Parts::DOCUMENTATION, HistoryChange::Documentation),
        (Parts::COMMENTS, HistoryChange::Comments),
    ];
    // All of a new unit is new.
    if step.before.is_some() {
        what.extend(parts.iter().filter(|(part, _)| step.parts.has(*part)).map(|(_, change)| *change));
    }
    if what.is_empty() {
        what.push(HistoryChange::Changed);
    }
    what
}

/// Whole lines only: a secret that is cut in two is not recognised where a text is masked later.
fn bounded(mut patch: String) -> String {
    if let Some((end, _)) = patch.char_indices().nth(MAX_PATCH) {
        patch.truncate(patch[..end].rfind('\n').map_or(0, |at| at + 1));
        patch.push_str("… shortened\n");
    }
    patch
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
