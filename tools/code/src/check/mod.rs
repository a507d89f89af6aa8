/*!
Whether a candidate fix leaves sound code behind. Compares a file at the failing revision with the same file with
the fix: a problem that only the second one has was caused by the fix. Tests are not enough: a replay may pass with
half of an `if` restored.

A finding that the culprit's parent also has does not count against a fix that restores the parent's code.
*/

mod duplicates;
mod flow;
mod frames;
mod structure;
mod undefined;

use std::collections::{BTreeMap, BTreeSet};

use crate::SourceLanguage;
use crate::names::FileNames;
use crate::pieces::{ChangeSide, LineHunk, line_hunks};
use crate::syntax::SyntaxTable;
pub(crate) use duplicates::key_of as entry_key;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    SyntaxError,
    EmptyBlock,
    Indentation,
    HalfConstruct,
    Unreachable,
    RepeatedCondition,
    DuplicateCase,
    DuplicateKey,
    DuplicateParameter,
    DuplicateDefinition,
    UndefinedName,
}

/// Why a candidate is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateProblem {
    pub kind: ProblemKind,
    /// 1-based, in the file with the fix.
    pub line: u32,
    /// Plain English; names the line.
    pub sentence: String,
}

impl std::fmt::Display for CandidateProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for CandidateProblem {}

/// Something that looks like half of a change, but may be intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    /// 1-based, in the file with the fix.
    pub line: u32,
    pub sentence: String,
}

/// A property of one version of a file; the key distinguishes it from others of its kind.
#[derive(Debug)]
pub(crate) struct CodeFinding {
    pub(crate) kind: ProblemKind,
    pub(crate) key: String,
    pub(crate) line: u32,
    pub(crate) sentence: String,
}

/// Compares a file at the failing revision (`before`) with the file with the fix (`after`). `parent` is the file
/// as it was before the culprit, if known: problems that it already has are accepted, and restored lines are
/// checked against the constructs they come from. The first problem rejects the candidate; suspicions do not. A
/// file without a grammar has neither.
///
/// # Errors
/// The first problem, in file order.
pub fn check_candidate(
    path: &str,
    before: &str,
    after: &str,
    parent: Option<&str>,
) -> Result<Vec<Suspicion>, CandidateProblem> {
    let check = CandidateCheck::run(path, before, after, parent);
    match check.problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(check.suspicions),
    }
}

/// Everything found about a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CandidateCheck {
    /// In file order.
    pub problems: Vec<CandidateProblem>,
    pub suspicions: Vec<Suspicion>,
}

impl CandidateCheck {
    /// See [`check_candidate`].
    pub fn run(path: &str, before: &str, after: &str, parent: Option<&str>) -> Self {
        let Some(lang) = SourceLanguage::from_path(path) else { return Self::default() };
        if before == after {
            return Self::default();
        }
        let Some(before) = FileVersion::read(before, lang) else { return Self::default() };
        let Some(after) = FileVersion::read_after(after, &before) else { return Self::default() };
        let parent = parent.and_then(|parent| FileVersion::read_after(parent, &before));
        let from = |version: &FileVersion<'_>| LineMap::new(version.table.source, after.table.source);
        let (from_before, from_parent) = (from(&before), parent.as_ref().map(from));
        let origin = parent.as_ref().zip(from_parent.as_ref());
        let parent_names = parent.as_ref().map(|parent| &parent.names);
        Self {
            problems: problems((&before, &from_before), origin, &after),
            suspicions: undefined::suspicions(&before.names, &after.names, parent_names),
        }
    }
}

/// The analysis of one version of a file.
pub(crate) struct FileVersion<'s> {
    pub(crate) table: SyntaxTable<'s>,
    pub(crate) names: FileNames<'s>,
    findings: Vec<CodeFinding>,
}

impl<'s> FileVersion<'s> {
    pub(crate) fn read(source: &'s str, lang: SourceLanguage) -> Option<Self> {
        Some(Self::of(SyntaxTable::parse(source, lang)?))
    }

    /// Reads another version of the same file.
    pub(crate) fn read_after(source: &'s str, earlier: &FileVersion<'_>) -> Option<Self> {
        Some(Self::of(SyntaxTable::parse_after(source, &earlier.table)?))
    }

    fn of(table: SyntaxTable<'s>) -> Self {
        let names = FileNames::read(&table);
        let findings = findings(&table);
        Self { table, names, findings }
    }
}

/// An earlier version, and how its lines correspond to the candidate's.
pub(crate) type Earlier<'a, 's> = (&'a FileVersion<'s>, &'a LineMap);

/// Problems of `after` that neither `before` nor the parent has.
pub(crate) fn problems(
    (before, changed): Earlier<'_, '_>,
    parent: Option<Earlier<'_, '_>>,
    after: &FileVersion<'_>,
) -> Vec<CandidateProblem> {
    let (had, has) = (&before.findings, &after.findings);
    let parents = parent.iter().flat_map(|(parent, _)| &parent.findings);
    let known: BTreeSet<(ProblemKind, &str)> =
        had.iter().chain(parents).map(|finding| (finding.kind, finding.key.as_str())).collect();
    let count = |findings: &[CodeFinding]| {
        let mut counts: BTreeMap<ProblemKind, usize> = BTreeMap::new();
        for finding in findings {
            *counts.entry(finding.kind).or_default() += 1;
        }
        counts
    };
    let (had_counts, has_counts) = (count(had), count(has));
    let more = |kind: ProblemKind| has_counts.get(&kind) > had_counts.get(&kind);
    let new = has.iter().filter(|finding| {
        // A finding is not new if only its text changed a little.
        more(finding.kind) && !known.contains(&(finding.kind, finding.key.as_str()))
    });
    let mut problems: Vec<CandidateProblem> = new
        .map(|finding| CandidateProblem {
            kind: finding.kind,
            line: finding.line,
            sentence: finding.sentence.clone(),
        })
        .collect();
    let mut origins = vec![(&before.table, changed)];
    origins.extend(parent.map(|(parent, lines)| (&parent.table, lines)));
    problems.extend(frames::problems(&origins, &after.table));
    let parent_names = parent.map(|(parent, _)| &parent.names);
    problems.extend(undefined::problems(&before.names, after, parent_names, changed));
    problems.sort_by_key(|problem| (problem.line, problem.kind));
    problems.dedup_by_key(|problem| (problem.line, problem.kind));
    problems
}

/// Findings that depend on one version alone.
fn findings(table: &SyntaxTable<'_>) -> Vec<CodeFinding> {
    let mut found = Vec::new();
    for row in table.rows() {
        structure::broken(table, row, &mut found);
        if !table.node(row).is_named {
            continue;
        }
        structure::lone_try(table, row, &mut found);
        structure::empty_block(table, row, &mut found);
        structure::indentation(table, row, &mut found);
        structure::misleading_body(table, row, &mut found);
        flow::unreachable(table, row, &mut found);
        flow::repeated_condition(table, row, &mut found);
        flow::duplicate_case(table, row, &mut found);
        duplicates::keys(table, row, &mut found);
        duplicates::parameters(table, row, &mut found);
        duplicates::definitions(table, row, &mut found);
    }
    found
}

/// The correspondence between the lines of two versions.
pub(crate) struct LineMap {
    hunks: Vec<LineHunk>,
}

impl LineMap {
    pub(crate) fn new(old: &str, new: &str) -> Self {
        Self { hunks: line_hunks(old, new) }
    }

    /// From known changes, in file order.
    pub(crate) fn of(hunks: Vec<LineHunk>) -> Self {
        Self { hunks }
    }

    pub(crate) fn hunks(&self) -> &[LineHunk] {
        &self.hunks
    }

    /// The change that a line is part of.
    pub(crate) fn hunk_at(&self, line: u32, side: ChangeSide) -> Option<&LineHunk> {
        self.last_until(line, side).filter(|hunk| hunk.span(side).is_some_and(|(_, last)| line <= last))
    }

    /// The last change that begins at or before a line.
    pub(crate) fn last_until(&self, line: u32, side: ChangeSide) -> Option<&LineHunk> {
        let at = self.hunks.partition_point(|hunk| hunk.front(side) <= line);
        at.checked_sub(1).and_then(|at| self.hunks.get(at))
    }

    /// The same line on the other side; `None` if the line changed.
    pub(crate) fn across(&self, line: u32, from: ChangeSide) -> Option<u32> {
        let at = self.hunks.partition_point(|hunk| {
            let (start, lines) = hunk.range(from);
            if lines == 0 { start < line } else { start.saturating_add(lines) <= line }
        });
        if self.hunks.get(at).and_then(|hunk| hunk.span(from)).is_some_and(|(first, _)| first <= line) {
            return None;
        }
        let Some(hunk) = at.checked_sub(1).and_then(|at| self.hunks.get(at)) else { return Some(line) };
        let last = |side: ChangeSide| {
            let (start, lines) = hunk.range(side);
            if lines == 0 { start } else { start.saturating_add(lines - 1) }
        };
        Some(last(from.other()).saturating_add(line.saturating_sub(last(from))))
    }

    pub(crate) fn is_changed(&self, line: u32, side: ChangeSide) -> bool {
        self.across(line, side).is_none()
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "names_tests.rs"]
mod names_tests;
