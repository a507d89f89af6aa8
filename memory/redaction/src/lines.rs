/*!
The lines of a text with their places, and of each whether it may name a secret. All that looks over several lines of one reading
of a text gets the same list, so that each reading is split and searched for names once.
*/

use super::names;

/// Lines after a name on which its value may stand.
pub(super) const LINES_AHEAD: usize = 3;
/// Longer lines are looked at by the other rules only.
pub(super) const MAX_LINE_BYTES: usize = 4 << 10;
/// Lines that a block of YAML may take.
pub(super) const BLOCK_LINES: usize = 24;

/// A line: where it begins, and what it says without its end.
pub(super) type Line<'t> = (usize, &'t str);

pub(super) struct TextLines<'t> {
    pub(super) all: Vec<Line<'t>>,
    /// Of each line, what [`names::may_name_secret`] says.
    pub(super) may_name_secret: Vec<bool>,
}

impl<'t> TextLines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut at = 0;
        let mut all = Vec::new();
        for line in text.split('\n') {
            all.push((at, line.trim_end_matches('\r')));
            at += line.len() + 1;
        }
        let may_name_secret = all.iter().map(|(_, line)| names::may_name_secret(line)).collect();
        Self { all, may_name_secret }
    }

    /// The numbers of the lines that may name a secret.
    pub(super) fn naming(&self) -> impl Iterator<Item = usize> {
        self.may_name_secret.iter().enumerate().filter(|(_, may)| **may).map(|(number, _)| number)
    }
}

/// Where a part of a line begins in it.
pub(super) fn offset_in(line: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(line.as_ptr().addr())
}
