/*!
The history of a range of lines: the steps of the unit around them that changed one of the lines. The range is carried
from the version after a commit to the one before it by the lines that both have in common.
*/

use std::collections::HashMap;

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::history::{HistoryEnd, UnitStep};
use super::question::AnsweredStep;
use super::step_texts::{StepTexts, UnitText};

/// First and last line, both included, 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineRange {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What became of a range on the way to another version.
enum CarriedRange {
    /// Where it is there, and whether any of its lines differ.
    To(LineRange, bool),
    /// No line of it is there.
    Gone,
}

/// The steps that changed the lines `range` of a file, and how their history begins. `now` is the unit around them at
/// the revision.
pub(super) fn narrowed(
    steps: Vec<UnitStep>,
    texts: &StepTexts,
    now: &UnitText,
    range: LineRange,
    end: HistoryEnd,
) -> (Vec<AnsweredStep>, HistoryEnd) {
    // Ranges within the unit, by its text: steps of parallel branches meet in the texts that they have in common.
    let offset = now.first_line - 1;
    let within = LineRange { start: range.start - offset, end: range.end - offset };
    let mut places: HashMap<String, LineRange> = HashMap::from([(now.text.clone(), within)]);
    let mut newest = Some((now.text.clone(), within));
    let (mut answered, mut is_introduced) = (Vec::new(), false);
    for (at, step) in steps.into_iter().enumerate() {
        let (before, after) = texts.of(at);
        let Some(after) = after else {
            // The unit moved as it was.
            answered.push(AnsweredStep { step, patch: String::new() });
            continue;
        };
        // Commits that only formatted the unit are no steps, so a text can be one that no step left.
        let known = places.get(&after.text).copied().or_else(|| {
            let (text, range) = newest.as_ref()?;
            match carry(text, &after.text, *range) {
                CarriedRange::To(range, _) => Some(range),
                CarriedRange::Gone => None,
            }
        });
        // The lines are younger than this version, or on another branch.
        let Some(here) = known else { continue };
        let Some(before) = before else {
            is_introduced = true;
            let patch = texts.patch(at, Some(here));
            answered.push(AnsweredStep { step, patch });
            continue;
        };
        match carry(&after.text, &before.text, here) {
            CarriedRange::To(there, changed) => {
                places.insert(before.text.clone(), there);
                newest = Some((before.text.clone(), there));
                if changed || step.is_move() {
                    let patch = if changed { texts.patch(at, Some(here)) } else { String::new() };
                    answered.push(AnsweredStep { step, patch });
                }
            }
            CarriedRange::Gone => {
                // All of the lines are new in this commit.
                is_introduced = true;
                let patch = texts.patch(at, Some(here));
                answered.push(AnsweredStep { step, patch });
                places.remove(&after.text);
                newest = None;
            }
        }
    }
    (answered, if is_introduced { HistoryEnd::Introduced } else { end })
}

/// Carries a range of `from` over to `to`.
fn carry(from: &str, to: &str, range: LineRange) -> CarriedRange {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let (start, end) = ((range.start as usize).saturating_sub(1), (range.end as usize).min(from.len()));
    let (mut first, mut last, mut changed) = (None::<usize>, None::<usize>, false);
    let mut replaced: Option<(usize, usize)> = None;
    for op in capture_diff_slices(Algorithm::Patience, &from, &to) {
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
            CarriedRange::To(LineRange { start: first as u32 + 1, end: last as u32 }, changed)
        }
        _ => CarriedRange::Gone,
    }
}
