/*!
The contiguous line changes between two versions of a file, or pieces of them, and the text that results when some
of them are reverted.
*/

use std::collections::BTreeSet;

/// One contiguous change, or a piece of one. Lines are 1-based. A side with no lines means that the change comes
/// after that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineHunk {
    pub old_start: u32,
    pub old_lines: u32,
    pub new_start: u32,
    pub new_lines: u32,
}

/// The version before the commit, or the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ChangeSide {
    Old,
    New,
}

impl ChangeSide {
    pub(crate) fn other(self) -> ChangeSide {
        match self {
            ChangeSide::Old => ChangeSide::New,
            ChangeSide::New => ChangeSide::Old,
        }
    }
}

/// First and last line, both included.
pub(crate) type Span = (u32, u32);

impl LineHunk {
    /// First line and number of lines.
    pub(crate) fn range(&self, side: ChangeSide) -> (u32, u32) {
        match side {
            ChangeSide::Old => (self.old_start, self.old_lines),
            ChangeSide::New => (self.new_start, self.new_lines),
        }
    }

    /// The lines of the change on a side; `None` when it has none there.
    pub(crate) fn span(&self, side: ChangeSide) -> Option<Span> {
        let (start, lines) = self.range(side);
        (lines > 0).then(|| (start, start.saturating_add(lines - 1)))
    }

    /// Whether the change affects any line from `span.0` to `span.1`.
    pub(crate) fn overlaps(&self, side: ChangeSide, span: Span) -> bool {
        match self.span(side) {
            Some((from, to)) => from <= span.1 && span.0 <= to,
            None => {
                let (after, _) = self.range(side);
                span.0 <= after && after < span.1
            }
        }
    }

    /// The first unchanged line after the change on a side.
    fn behind(&self, side: ChangeSide) -> u32 {
        let (start, lines) = self.range(side);
        if lines == 0 { start.saturating_add(1) } else { start.saturating_add(lines) }
    }

    /// Where the change begins on a side: the line that would be replaced.
    pub(crate) fn front(&self, side: ChangeSide) -> u32 {
        let (start, lines) = self.range(side);
        if lines == 0 { start.saturating_add(1) } else { start }
    }
}

/// Groups pieces that touch each other without an unchanged line in between; groups are in file order.
pub(crate) fn contiguous(hunks: &[LineHunk]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..hunks.len()).collect();
    let at = |index: &usize| hunks.get(*index).copied();
    order.sort_by_key(|index| {
        at(index).map(|hunk| (hunk.front(ChangeSide::New), hunk.front(ChangeSide::Old), hunk))
    });
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let Some(hunk) = hunks.get(index) else { continue };
        let last = groups.last().and_then(|group| group.last()).and_then(|last| hunks.get(*last));
        let touches = last.is_some_and(|last| {
            last.behind(ChangeSide::Old) >= hunk.front(ChangeSide::Old)
                && last.behind(ChangeSide::New) >= hunk.front(ChangeSide::New)
        });
        match groups.last_mut() {
            Some(group) if touches => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    groups
}

/// The text `new` with the hunks listed in `take_back` reverted to `old`. Skips numbers without a hunk and lines
/// that do not exist.
pub(crate) fn apply_pieces(old: &str, new: &str, hunks: &[LineHunk], take_back: &[usize]) -> String {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let chosen: BTreeSet<usize> = take_back.iter().copied().collect();
    let mut pieces: Vec<LineHunk> = chosen.iter().filter_map(|index| hunks.get(*index).copied()).collect();
    pieces.sort_by_key(|hunk| (hunk.front(ChangeSide::New), hunk.front(ChangeSide::Old)));
    let mut out = String::with_capacity(new.len());
    let mut at = 0usize;
    let push = |out: &mut String, lines: &[&str], from: usize, to: usize| {
        for line in lines.get(from..to.min(lines.len())).unwrap_or_default() {
            // The last line, which has no newline, may no longer be the last one.
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(line);
        }
    };
    for hunk in pieces {
        let start = (hunk.front(ChangeSide::New) as usize).saturating_sub(1).max(at);
        let from = (hunk.front(ChangeSide::Old) as usize).saturating_sub(1);
        push(&mut out, &new_lines, at, start);
        push(&mut out, &old_lines, from, from.saturating_add(hunk.old_lines as usize));
        at = start.saturating_add(hunk.new_lines as usize);
    }
    push(&mut out, &new_lines, at, new_lines.len());
    out
}

/// The changes from `new` and from `old` to the text that results when `set` is reverted.
pub(crate) fn changes_to_candidate(
    hunks: &[LineHunk],
    set: &BTreeSet<usize>,
) -> (Vec<LineHunk>, Vec<LineHunk>) {
    let (mut from_new, mut from_old): (Vec<LineHunk>, Vec<LineHunk>) = (Vec::new(), Vec::new());
    // The offset between the candidate's lines and those of the new version.
    let mut shift = 0i64;
    for (index, hunk) in
        contiguous(hunks).into_iter().flatten().filter_map(|i| hunks.get(i).map(|hunk| (i, hunk)))
    {
        let front = i64::from(hunk.front(ChangeSide::New)) + shift;
        let at = |lines: u32| u32::try_from(front - i64::from(lines == 0)).unwrap_or(0);
        if set.contains(&index) {
            from_new.push(LineHunk {
                old_start: hunk.new_start,
                old_lines: hunk.new_lines,
                new_start: at(hunk.old_lines),
                new_lines: hunk.old_lines,
            });
            shift += i64::from(hunk.old_lines) - i64::from(hunk.new_lines);
        } else {
            from_old.push(LineHunk { new_start: at(hunk.new_lines), ..*hunk });
        }
    }
    (from_new, from_old)
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The contiguous line changes between two texts.
pub(crate) fn line_hunks(old: &str, new: &str) -> Vec<LineHunk> {
    /// Above this many pairs of lines, everything that differs counts as one change: comparing all pairs takes too
    /// long.
    const MAX_PAIRS: usize = 40_000_000;
    let (old, new) = (lines(old), lines(new));
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let left = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(a, b)| a == b).count();
    let (old, new) = (
        old.get(front..old.len() - back).unwrap_or_default(),
        new.get(front..new.len() - back).unwrap_or_default(),
    );
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let hunk = |old: std::ops::Range<usize>, new: std::ops::Range<usize>| {
        let range = |range: std::ops::Range<usize>| {
            (number(front + range.start) + u32::from(!range.is_empty()), number(range.len()))
        };
        let ((old_start, old_lines), (new_start, new_lines)) = (range(old), range(new));
        LineHunk { old_start, old_lines, new_start, new_lines }
    };
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    if old.len().saturating_mul(new.len()) > MAX_PAIRS {
        return vec![hunk(0..old.len(), 0..new.len())];
    }
    let ops = similar::capture_diff_slices(similar::Algorithm::Patience, old, new);
    let changed = ops.iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    changed.map(|op| hunk(op.old_range(), op.new_range())).collect()
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
