/*!
The texts of a unit before and after each step of its history, and the hunks between them.
*/

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use millwright_git::{PathLookup, Repo, read_blobs, text_of};
use millwright_model::LineSpan;
use similar::{ChangeTag, TextDiff};

use super::history::UnitStep;
use super::index::UnitIndexError;
use super::line_history::LineStep;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Comparing two versions that have little in common takes longer than it is worth.
pub(super) const MAX_COMPARE: Duration = Duration::from_millis(500);
/// Bytes of all texts of one answer; what is beyond counts as not read.
const MAX_TEXTS: usize = 64 << 20;
/// Bytes of one patch. Far more than is shown, so that a secret of several lines is whole where it is masked.
const MAX_PATCH: usize = 256 << 10;

/// The lines of a unit in one version of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitText {
    pub(super) text: String,
    /// Line of the file on which it begins.
    pub(super) first_line: u32,
}

/// For every step, the unit before and after the commit; `None` where it was not, or could not be read.
pub(super) struct StepTexts {
    /// When comparing them has to end.
    pub(super) until: Instant,
    texts: Vec<(Option<UnitText>, Option<UnitText>)>,
}

impl StepTexts {
    /// Comparisons of them end at `until`, as far as they came.
    pub(super) fn read(repo: &Repo, steps: &[UnitStep], until: Instant) -> Result<Self, UnitIndexError> {
        let lookup = PathLookup::open(repo)?;
        // Where each content is used: step, and whether before it. The newest contents come first.
        let mut uses: HashMap<String, Vec<(usize, bool)>> = HashMap::new();
        let mut wanted: Vec<String> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let after = lookup.blob_id(&step.commit, &step.unit.path)?;
            let before = match (&step.before, &step.parent) {
                (Some(before), Some(parent)) => lookup.blob_id(parent, &before.path)?,
                _ => None,
            };
            for (id, is_before) in [(after, false), (before, true)] {
                let Some(id) = id else { continue };
                let known = uses.entry(id.clone()).or_default();
                if known.is_empty() {
                    wanted.push(id);
                }
                known.push((at, is_before));
            }
        }
        let mut texts = vec![(None, None); steps.len()];
        let mut room = MAX_TEXTS;
        read_blobs(repo, &wanted, |id, content| {
            let Some(content) = content.and_then(text_of) else { return };
            for (at, is_before) in uses.get(id).into_iter().flatten() {
                let (Some(step), Some((before, after))) = (steps.get(*at), texts.get_mut(*at)) else {
                    continue;
                };
                let text = match (
                    step.unit.unit.is_empty(),
                    if *is_before { step.lines_before } else { step.lines_after },
                ) {
                    (true, _) => UnitText { text: content.clone(), first_line: 1 },
                    (false, Some(lines)) => {
                        UnitText { text: lines_of(&content, lines.start, lines.end), first_line: lines.start }
                    }
                    // A step without lines moved the unit as it was.
                    (false, None) => continue,
                };
                if let Some(left) = room.checked_sub(text.text.len()) {
                    room = left;
                    *if *is_before { before } else { after } = Some(text);
                }
            }
        })?;
        Ok(Self { until, texts })
    }

    pub(super) fn of(&self, step: usize) -> (Option<&UnitText>, Option<&UnitText>) {
        self.texts.get(step).map_or((None, None), |(before, after)| (before.as_ref(), after.as_ref()))
    }

    /// The hunks of a step.
    pub(super) fn patch(&self, step: usize) -> String {
        self.hunks_of(step, None)
    }

    /// The hunks of a step that touch its lines.
    pub(super) fn patch_of_lines(&self, step: &LineStep) -> String {
        step.changed.map_or_else(String::new, |lines| self.hunks_of(step.number, Some(lines)))
    }

    fn hunks_of(&self, step: usize, lines: Option<LineSpan>) -> String {
        let (before, after) = self.of(step);
        let Some(after) = after else { return String::new() };
        let empty = UnitText { text: String::new(), first_line: after.first_line };
        hunks(before.unwrap_or(&empty), after, lines, self.until)
    }
}

/// Lines `start` to `end` of a text, 1-based, both included.
pub(super) fn lines_of(text: &str, start: u32, end: u32) -> String {
    let skipped = (start as usize).saturating_sub(1);
    let count = (end as usize).saturating_sub(skipped);
    text.split_inclusive('\n').skip(skipped).take(count).collect()
}

/// A unified diff without file headers, of `lines` of the text after the change (1-based within the unit) or of all. Line
/// numbers are those of the files.
fn hunks(before: &UnitText, after: &UnitText, lines: Option<LineSpan>, until: Instant) -> String {
    let diff = TextDiff::configure()
        .deadline(until.min(Instant::now() + MAX_COMPARE))
        .diff_lines(&before.text, &after.text);
    let mut out = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let touches = |range: LineSpan| {
            group.iter().filter(|op| op.tag() != similar::DiffTag::Equal).any(|op| {
                let new = op.new_range();
                // Removed lines stand between two lines of the text after the change.
                let (from, to) = (new.start as u32 + 1, new.end.max(new.start + 1) as u32);
                from <= range.end && range.start <= to
            })
        };
        if lines.is_some_and(|range| !touches(range)) {
            continue;
        }
        let start = |offset: u32, range: &std::ops::Range<usize>| {
            // A side without lines names the line before it.
            offset as usize + range.start - usize::from(range.is_empty())
        };
        let _ = writeln!(
            out,
            "@@ -{},{} +{},{} @@",
            start(before.first_line, &old),
            old.len(),
            start(after.first_line, &new),
            new.len()
        );
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            out.push(mark);
            out.push_str(change.value().trim_end_matches(['\n', '\r']));
            out.push('\n');
            if out.len() > MAX_PATCH {
                return out;
            }
        }
    }
    out
}
