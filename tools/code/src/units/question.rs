/*!
The question for a history: of a unit, of a range of lines or of a file, as of a revision. The answer has the commits
that changed it, each with only its hunks there.
*/

use std::ops::Range;
use std::time::{Duration, Instant};

use millwright_git::history::{HistoryError, HistoryIndex};
use millwright_git::{Repo, RepoError, blob_at};
use millwright_model::{CommitId, LineSpan};
use millwright_redaction::RedactionConfig;

use super::file_changes::whole;
use super::history::{FollowedUnit, HistoryEnd, UnitHistory, UnitStep, unit_history};
use super::index::{UnitIndex, UnitIndexError};
use super::line_history::{LineHistory, narrowed};
use super::outline::{CodeUnit, FileOutline, outline};
use super::step_texts::{StepTexts, UnitText, lines_of};
use super::walk::FollowScope;
use crate::languages::SourceLanguage;

/// How long versions are compared for one answer.
const MAX_COMPARING: Duration = Duration::from_secs(20);
/// Names listed when a name fits several units.
const MAX_LISTED: usize = 12;

/// What a history is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryTarget {
    /// `PATH::NAME`
    Unit { path: String, name: String },
    /// `PATH:10-20` or `PATH:10`; 1-based, both included.
    Lines { path: String, start: u32, end: u32 },
    /// `PATH`
    File { path: String },
}

impl HistoryTarget {
    /// Reads `PATH::NAME`, `PATH:10-20`, `PATH:10` or `PATH`.
    ///
    /// # Errors
    /// When the text has none of these forms.
    pub fn parse(text: &str) -> Result<Self, HistoryQuestionError> {
        let malformed = |why: &'static str| HistoryQuestionError::Malformed { given: text.to_owned(), why };
        let clean = |path: &str| path.trim().trim_start_matches("./").to_owned();
        if let Some((path, name)) = text.split_once("::") {
            // The types of parameters are part of a key as they are written.
            let (name, parameters) = name.split_at(name.find('(').unwrap_or(name.len()));
            let parameters: String = parameters.chars().filter(|c| !c.is_whitespace()).collect();
            let name = format!("{}{parameters}", name.trim().replace("::", "."));
            let path = clean(path);
            return match path.is_empty() || name.is_empty() {
                true => Err(malformed("a path and a name are needed")),
                false => Ok(Self::Unit { path, name }),
            };
        }
        if let Some((path, lines)) = text.rsplit_once(':')
            && lines.starts_with(|c: char| c.is_ascii_digit())
        {
            let (start, end) = lines.split_once('-').unwrap_or((lines, lines));
            let number = |digits: &str| digits.trim().parse::<u32>().ok().filter(|line| *line > 0);
            let (Some(start), Some(end)) = (number(start), number(end)) else {
                return Err(malformed("lines are numbers from 1"));
            };
            if clean(path).is_empty() {
                return Err(malformed("a path is needed"));
            }
            if end < start {
                return Err(malformed("the first line comes first"));
            }
            return Ok(Self::Lines { path: clean(path), start, end });
        }
        match clean(text) {
            path if path.is_empty() => Err(malformed("a path is needed")),
            path => Ok(Self::File { path }),
        }
    }

    fn path(&self) -> &str {
        match self {
            Self::Unit { path, .. } | Self::Lines { path, .. } | Self::File { path } => path,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HistoryQuestionError {
    #[error("{given:?} names no unit and no lines: {why}; give PATH::NAME, PATH:10-20 or PATH")]
    Malformed { given: String, why: &'static str },
    #[error("{path} has no unit {name} at this revision{}", known(.candidates, "; it has"))]
    NoSuchUnit { path: String, name: String, candidates: Vec<String> },
    #[error("{path} has {} units called {name}{}", .candidates.len(), known(.candidates, ": name one of them, or a line of it:"))]
    Ambiguous { path: String, name: String, candidates: Vec<String> },
    #[error("{path} has no line {line} at this revision; it ends at line {last}")]
    NoSuchLine { path: String, line: u32, last: u32 },
    #[error("{path} is in no language that is read here; ask for lines ({path}:1-10) or for the whole file")]
    NoUnits { path: String },
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Index(#[from] UnitIndexError),
    #[error(transparent)]
    Repo(#[from] RepoError),
}

fn known(candidates: &[String], lead: &str) -> String {
    let listed: Vec<&str> = candidates.iter().take(MAX_LISTED).map(String::as_str).collect();
    match (listed.is_empty(), candidates.len().saturating_sub(MAX_LISTED)) {
        (true, _) => String::new(),
        (false, 0) => format!("{lead} {}", listed.join(", ")),
        (false, more) => format!("{lead} {} and {more} more", listed.join(", ")),
    }
}

/// One commit of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredStep {
    pub step: UnitStep,
    /// The hunks of the commit within the unit or the lines, as a unified diff without file headers; empty when it
    /// only moved them, or when a version could not be read. Not shortened.
    pub patch: String,
}

/// The history of a unit, of lines or of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAnswer {
    pub path: String,
    /// The unit, or the one around the lines; `None` for a file, or for lines that belong to no unit.
    pub unit: Option<String>,
    /// Where it stands at the revision; 1-based, both included.
    pub start_line: u32,
    pub end_line: u32,
    pub as_of: CommitId,
    /// How many commits changed it.
    pub total: usize,
    /// Those of the part that was asked for, newest first.
    pub steps: Vec<AnsweredStep>,
    pub end: HistoryEnd,
    /// Commits in which a version of the file could not be read.
    pub unread: Vec<CommitId>,
}

/// Answers the question as of a commit, with the steps `part` of the answer, counted from the newest. Indexes what is missing;
/// `rules` mask what the history index keeps. The patches are as they are in the repository: mask them before anyone
/// sees them.
///
/// # Errors
/// When the target does not exist at `as_of`, or the repository or the data folder cannot be read.
pub fn ask_history(
    repo: &Repo,
    rules: &RedactionConfig,
    as_of: &CommitId,
    target: &HistoryTarget,
    part: Range<usize>,
) -> Result<HistoryAnswer, HistoryQuestionError> {
    let blob = blob_at(repo, as_of, target.path())?;
    let text = blob.text()?;
    let last = whole(&text).end;
    let lang = SourceLanguage::from_path(&blob.path);
    let outline = match (lang, target) {
        (Some(lang), HistoryTarget::Unit { .. } | HistoryTarget::Lines { .. }) => outline(&text, lang),
        _ => FileOutline::default(),
    };
    let (unit, range) = match target {
        HistoryTarget::Unit { name, .. } => {
            if lang.is_none() {
                return Err(HistoryQuestionError::NoUnits { path: blob.path });
            }
            (Some(one_named(&outline, &blob.path, name)?), None)
        }
        HistoryTarget::Lines { start, end, .. } => {
            let (start, end) = (*start, (*end).min(last));
            if start > last {
                let path = blob.path;
                return Err(HistoryQuestionError::NoSuchLine { path, line: start, last });
            }
            let lines = LineSpan { start, end };
            (outline.around(lines, false), Some(lines))
        }
        HistoryTarget::File { .. } => (None, None),
    };
    let history = HistoryIndex::open(repo, rules, as_of)?;
    let position = history.structure.position(as_of);
    let position = position.ok_or_else(|| HistoryError::UnknownCommit(as_of.clone()))?;
    let mut index = UnitIndex::open(repo)?;
    let followed =
        FollowedUnit { path: blob.path.clone(), unit: unit.map(|unit| unit.key.clone()).unwrap_or_default() };
    let scope = if unit.is_some() { FollowScope::Unit } else { FollowScope::WholeFile };
    let UnitHistory { steps, end, unread } =
        unit_history(repo, &history.structure, &mut index, position, &followed, scope)?;
    let (start_line, end_line) = match (range, unit) {
        (Some(range), _) => (range.start, range.end),
        (None, Some(unit)) => (unit.start_line, unit.end_line),
        (None, None) => (1, last),
    };
    let (total, steps, end) = match range {
        Some(range) => {
            // Which steps changed the lines is known when the texts of all are read.
            let texts = StepTexts::read(repo, &steps, Instant::now() + MAX_COMPARING)?;
            let (first, last) = unit.map_or((1, last), |unit| (unit.doc_line, unit.end_line));
            let now = UnitText { text: lines_of(&text, first, last), first_line: first };
            let LineHistory { steps, end } = narrowed(steps, &texts, &now, range, end);
            let total = steps.len();
            let shown = steps.into_iter().skip(part.start).take(part.len());
            let answered = shown.map(|line_step| AnsweredStep {
                patch: texts.patch_of_lines(&line_step),
                step: line_step.step,
            });
            (total, answered.collect(), end)
        }
        None => {
            let total = steps.len();
            let steps: Vec<UnitStep> = steps.into_iter().skip(part.start).take(part.len()).collect();
            let texts = StepTexts::read(repo, &steps, Instant::now() + MAX_COMPARING)?;
            let answered = steps.into_iter().enumerate();
            let answered = answered.map(|(at, step)| AnsweredStep { patch: texts.patch(at), step });
            (total, answered.collect(), end)
        }
    };
    let unit = unit.map(|unit| unit.key.clone());
    Ok(HistoryAnswer {
        path: blob.path,
        unit,
        start_line,
        end_line,
        as_of: as_of.clone(),
        total,
        steps,
        end,
        unread,
    })
}

fn one_named<'o>(
    outline: &'o FileOutline,
    path: &str,
    name: &str,
) -> Result<&'o CodeUnit, HistoryQuestionError> {
    let found = outline.named(name);
    let (path, name) = (path.to_owned(), name.to_owned());
    match found[..] {
        [unit] => Ok(unit),
        [] => {
            let candidates = nearest(outline, &name);
            Err(HistoryQuestionError::NoSuchUnit { path, name, candidates })
        }
        _ => {
            let listed = found.iter().map(|unit| format!("{} ({path}:{})", unit.key, unit.start_line));
            let candidates = listed.collect();
            Err(HistoryQuestionError::Ambiguous { path, name, candidates })
        }
    }
}

/// The units whose names resemble `name` most, or the first ones.
fn nearest(outline: &FileOutline, name: &str) -> Vec<String> {
    let simple = |name: &str| name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let wanted = simple(name);
    let mut units: Vec<&CodeUnit> = outline.units.iter().collect();
    units.sort_by_key(|unit| {
        let here = simple(unit.name());
        !(here.contains(&wanted) || wanted.contains(&here))
    });
    units.into_iter().map(|unit| unit.key.clone()).collect()
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
