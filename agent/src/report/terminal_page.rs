/*!
The building blocks of a terminal page: headings, wrapped text, code, commands and diffs.
*/

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::diff::{DiffLineKind, ReportDiff};
use super::text::{block, line, patch, shorten};

/// A terminal page in construction.
pub(super) struct TerminalPage {
    pub(super) out: String,
    pub(super) width: usize,
    pub(super) color: bool,
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

impl TerminalPage {
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(super) fn section(&mut self, title: &str) {
        let title = self.paint(BOLD, title);
        let _ = writeln!(self.out, "\n{title}");
    }

    /// A wrapped paragraph. `text` must be clean already.
    pub(super) fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let options = textwrap::Options::new(self.width).initial_indent(first).subsequent_indent(rest);
        for row in textwrap::wrap(text, options) {
            let _ = writeln!(self.out, "{}", row.trim_end());
        }
    }

    /// A line that keeps its blanks, cut at the width.
    pub(super) fn code(&mut self, indent: &str, text: &str, style: Option<Style>) {
        let room = self.width.saturating_sub(indent.len());
        let mut cut = String::new();
        let mut used = 0;
        for char in text.chars() {
            let wide = textwrap::core::display_width(char.encode_utf8(&mut [0; 4]));
            if used + wide > room {
                cut.pop();
                cut.push('…');
                break;
            }
            used += wide;
            cut.push(char);
        }
        let cut = cut.trim_end();
        let painted = style.map_or_else(|| cut.to_owned(), |style| self.paint(style, cut));
        let _ = writeln!(self.out, "{}", format!("{indent}{painted}").trim_end());
    }

    pub(super) fn command(&mut self, indent: &str, command: &str) {
        // A command is never cut, because it is copied as a whole. A command of several lines is not indented, so
        // that a here-document still ends.
        let command = patch(command);
        let command = command.trim_end();
        match command.contains('\n') {
            true => {
                let painted = self.paint(BOLD, command);
                let _ = writeln!(self.out, "\n{painted}\n");
            }
            false => {
                let painted = self.paint(BOLD, command);
                let _ = writeln!(self.out, "{indent}$ {painted}");
            }
        }
    }

    pub(super) fn diff(&mut self, parsed: &ReportDiff, max: usize) {
        let total: usize = parsed.hunks().map(|(_, hunk)| hunk.lines.len()).sum();
        let mut left = max;
        let mut path = None;
        for (file, hunk) in parsed.hunks() {
            if left == 0 {
                break;
            }
            if path != Some(&file.path) {
                path = Some(&file.path);
                let name = line(&file.path, 200);
                self.code("    ", &name, Some(BOLD));
            } else {
                self.code("    ", "    …", Some(DIM));
            }
            for diff_line in hunk.lines.iter().take(left) {
                let (sign, style, number) = match diff_line.kind {
                    DiffLineKind::Added => ('+', Some(GREEN), diff_line.new),
                    DiffLineKind::Removed => ('-', Some(RED), diff_line.old),
                    DiffLineKind::Context => (' ', None, diff_line.new),
                };
                let text = line_of_code(&diff_line.text);
                let guilty = if diff_line.guilty { '>' } else { ' ' };
                self.code("   ", &format!("{guilty}{number:>5} {sign} {text}"), style);
            }
            left = left.saturating_sub(hunk.lines.len());
        }
        if total > max {
            let text = self.paint(DIM, &format!("… {} more lines", total - max));
            let _ = writeln!(self.out, "    {text}");
        }
    }
}

/// One line of code: its blanks are kept.
pub(super) fn line_of_code(text: &str) -> String {
    shorten(&block(text).replace('\n', " "), 400)
}
