/*!
Small parsers that the readers share. Closing summaries are lists of counted words, such as `3 failed, 7 passed`; a
list with any other content is not a summary.
*/

use super::report::TestStatus;

/// The number and the word of `12 failed`.
pub(super) fn read_count(text: &str) -> Option<(u32, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, word) = text.split_at_checked(digits)?;
    let word = word.strip_prefix(' ')?.trim();
    (!word.is_empty()).then_some(())?;
    Some((number.parse().ok()?, word))
}

/// A list of counted words; `None` if the list contains anything else.
pub(super) fn read_counts<'t>(text: &'t str, separator: &str) -> Option<Vec<(u32, &'t str)>> {
    text.split(separator).map(read_count).collect()
}

/// The word and the number of `Failures: 1`.
pub(super) fn read_labelled(text: &str) -> Option<(&str, u32)> {
    let (word, number) = text.trim().split_once(':')?;
    Some((word.trim(), number.trim().parse().ok()?))
}

/// A decimal number such as `0.12`.
pub(super) fn is_decimal(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
        && text.starts_with(|first: char| first.is_ascii_digit())
}

/// Removes a time in parentheses from the end: ` (12 ms)`, ` (0.05s)`, ` (1.2ms)`.
pub(super) fn strip_duration(text: &str) -> &str {
    let text = text.trim_end();
    let Some(inner) = text.strip_suffix(')') else { return text };
    let Some((name, time)) = inner.rsplit_once('(') else { return text };
    if is_duration(time) { name.trim_end() } else { text }
}

/// `12 ms`, `0.05s`, `2m`, `1 min`.
pub(super) fn is_duration(text: &str) -> bool {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    text.starts_with(|first: char| first.is_ascii_digit())
        && matches!(unit, "ms" | "s" | "m" | "min" | "h" | "µs" | "us")
}

/// A line such as ` ✓ adds (3 ms)`: its indentation, the meaning of its mark, and the text after the mark.
pub(super) struct MarkedLine<'t> {
    pub indent: usize,
    pub status: TestStatus,
    pub text: &'t str,
}

pub(super) fn read_mark(line: &str) -> Option<MarkedLine<'_>> {
    let body = line.trim_start();
    let mark = body.chars().next()?;
    let status = match mark {
        '✓' | '✔' | '√' | '☢' => TestStatus::Passed,
        '✕' | '✗' | '✖' | '✘' | '×' => TestStatus::Failed,
        '○' | '✎' | '↓' | '□' | '﹣' | '↩' | '∅' => TestStatus::Skipped,
        _ => return None,
    };
    let text = body.get(mark.len_utf8()..)?.strip_prefix(' ')?.trim();
    (!text.is_empty()).then_some(MarkedLine { indent: line.len() - body.len(), status, text })
}

/// Titles of the groups that enclose a line, by indentation.
#[derive(Debug, Default)]
pub(super) struct TitleStack(Vec<(usize, String)>);

/// Deepest nesting kept, and longest title kept.
const MAX_DEPTH: usize = 64;
const MAX_TITLE_BYTES: usize = 500;

impl TitleStack {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Opens a group, and closes groups with the same or deeper indentation.
    pub(super) fn open(&mut self, indent: usize, title: &str) {
        self.leave(indent);
        if self.0.len() < MAX_DEPTH {
            self.0.push((indent, super::log::clip(title, MAX_TITLE_BYTES).to_owned()));
        }
    }

    pub(super) fn leave(&mut self, indent: usize) {
        while self.0.last().is_some_and(|(open, _)| *open >= indent) {
            self.0.pop();
        }
    }

    /// Closes the innermost group if it is this one.
    pub(super) fn close(&mut self, indent: usize, title: &str) -> bool {
        self.leave(indent + 1);
        let is_it = self.0.last().is_some_and(|(open, known)| *open == indent && known == title);
        if is_it {
            self.0.pop();
        }
        is_it
    }

    pub(super) fn join(&self, name: &str, separator: &str) -> String {
        let mut text = String::new();
        for (_, title) in &self.0 {
            text.push_str(title);
            text.push_str(separator);
        }
        text + name
    }
}

pub(super) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
