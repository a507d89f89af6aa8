/*!
The history of a range of lines: the steps of the unit around them that changed one of the lines. The range is carried
from the version after a commit to the one before it by the lines that both have in common.
*/

use std::collections::HashMap;
use std::time::Instant;

use millwright_model::LineSpan;
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};

use super::history::{HistoryEnd, UnitStep};
use super::step_texts::{MAX_COMPARE, StepTexts, UnitText};

/// A step of the unit that changed or moved the lines.
pub(super) struct LineStep {
    /// Its place among the steps of the unit.
    pub(super) number: usize,
    pub(super) step: UnitStep,
    /// The lines after it, 1-based within the unit; `None` when it only moved them.
    pub(super) changed: Option<LineSpan>,
}

/// The steps that changed some lines, newest first, and how the history of the lines begins.
pub(super) struct LineHistory {
    pub(super) steps: Vec<LineStep>,
    pub(super) end: HistoryEnd,
}

/// What became of a range on the way to another version.
enum CarriedRange {
    /// Where it is there, and whether any of its lines differ.
    To(LineSpan, bool),
    /// No line of it is there.
    Gone,
}

/// Narrows the steps of a unit to those of the lines `range` of a file. `now` is the unit around them at the revision,
/// and `end` how the history of the unit begins.
pub(super) fn narrowed(
    unit_steps: Vec<UnitStep>,
    texts: &StepTexts,
    now: &UnitText,
    range: LineSpan,
    mut end: HistoryEnd,
) -> LineHistory {
    // Ranges within the unit, by its text: steps of parallel branches meet in the texts that they have in common.
    let offset = now.first_line - 1;
    let within = LineSpan { start: range.start - offset, end: range.end - offset };
    let mut places: HashMap<&str, LineSpan> = HashMap::from([(now.text.as_str(), within)]);
    // The oldest text so far that has the lines.
    let mut oldest = Some((now.text.as_str(), within));
    let mut steps = Vec::new();
    for (number, step) in unit_steps.into_iter().enumerate() {
        if Instant::now() > texts.until {
            end = HistoryEnd::Unknown;
            break;
        }
        let (before, after) = texts.of(number);
        let Some(after) = after else {
            if step.lines_after.is_some() || step.unit.unit.is_empty() {
                end = HistoryEnd::Unread;
                break;
            }
            // The unit moved as it was, with the lines when they were there.
            if oldest.is_some() {
                steps.push(LineStep { number, step, changed: None });
            }
            continue;
        };
        // Commits that only formatted the unit are no steps, so a text can be one that no step left.
        let known = places.get(after.text.as_str()).copied().or_else(|| {
            let (text, range) = oldest?;
            match carry(text, &after.text, range, texts.until) {
                CarriedRange::To(range, _) => Some(range),
                CarriedRange::Gone => None,
            }
        });
        // The lines are younger than this version, or on another branch.
        let Some(here) = known else { continue };
        let carried = match before {
            Some(before) => carry(&after.text, &before.text, here, texts.until),
            None => CarriedRange::Gone,
        };
        let is_unread = before.is_none() && step.before.is_some();
        match (carried, before) {
            (CarriedRange::To(there, changed), Some(before)) => {
                places.insert(&before.text, there);
                oldest = Some((&before.text, there));
                if changed || step.is_move() {
                    steps.push(LineStep { number, step, changed: changed.then_some(here) });
                }
            }
            // All of the lines are new in this commit, as far as can be seen.
            _ => {
                end = if is_unread { HistoryEnd::Unread } else { HistoryEnd::Introduced };
                steps.push(LineStep { number, step, changed: (!is_unread).then_some(here) });
                places.remove(after.text.as_str());
                oldest = None;
            }
        }
    }
    LineHistory { steps, end }
}

/// Carries a range of `from` over to `to`.
fn carry(from: &str, to: &str, range: LineSpan, until: Instant) -> CarriedRange {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let (start, end) = ((range.start as usize).saturating_sub(1), (range.end as usize).min(from.len()));
    let (mut first, mut last, mut changed) = (None::<usize>, None::<usize>, false);
    let mut replaced: Option<(usize, usize)> = None;
    let deadline = until.min(Instant::now() + MAX_COMPARE);
    for op in capture_diff_slices_deadline(Algorithm::Patience, &from, &to, Some(deadline)) {
        let (old, new) = (op.old_range(), op.new_range());
        if op.tag() == DiffTag::Equal {
            let (a, b) = (old.start.max(start), old.end.min(end));
            if a < b {
                let moved = |line: usize| new.start + (line - old.start);
                first = Some(first.map_or(moved(a), |first| first.min(moved(a))));
                last = Some(last.map_or(moved(b), |last| last.max(moved(b))));
            }
            continue;
        }
        // An insertion between two lines of the range changes it, too.
        let inside = match old.is_empty() {
            true => start < old.start && old.start < end,
            false => old.start < end && start < old.end,
        };
        if inside {
            changed = true;
            if !new.is_empty() {
                let (from, to) = replaced.unwrap_or((new.start, new.end));
                replaced = Some((from.min(new.start), to.max(new.end)));
            }
        }
    }
    // What the changed lines replaced belongs to the range.
    if let Some((from, to)) = replaced {
        first = Some(first.map_or(from, |first| first.min(from)));
        last = Some(last.map_or(to, |last| last.max(to)));
    }
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            CarriedRange::To(LineSpan { start: first as u32 + 1, end: last as u32 }, changed)
        }
        _ => CarriedRange::Gone,
    }
}
