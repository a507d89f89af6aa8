/*!
The lines of a text with their positions, and whether each may name a secret. Every search over several lines of one
decoded form uses the same list, so that each form is split and searched for names once.
*/

use super::names;

/// The most lines after a name on which its value may be.
pub(super) const LINES_AHEAD: usize = 3;
/// Only the other rules search longer lines.
pub(super) const MAX_LINE_BYTES: usize = 4 << 10;
/// The most lines of a block of YAML.
pub(super) const BLOCK_LINES: usize = 24;

/// A line: its start, and its text without the line end.
pub(super) type Line<'t> = (usize, &'t str);

pub(super) struct TextLines<'t> {
    pub(super) all: Vec<Line<'t>>,
    /// The result of [`names::may_name_secret`] for each line.
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

/// The start of a part of a line within the line.
pub(super) fn offset_in(line: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(line.as_ptr().addr())
}
