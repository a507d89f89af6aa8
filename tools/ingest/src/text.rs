/*!
Lines of a text by number, and the prefixes before each line of a quoted or logged trace. A trace may be pasted as
`> …`, indented in prose, or printed by a logger that stamps every line. The first line shows where the trace
begins; the prefix before it is then removed from the following lines, too.
*/

use millwright_model::LineSpan;

/// Longest prefix of `text` of at most `bytes` bytes that ends at a character boundary.
pub(crate) fn clip(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

pub(crate) struct TextLines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> TextLines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        if text.is_empty() || text.ends_with('\n') {
            starts.pop();
        }
        Self { text, starts }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The line without its line end; lines past the end are empty.
    pub(crate) fn get(&self, index: usize) -> &'t str {
        self.line(index).unwrap_or("")
    }

    pub(crate) fn line(&self, index: usize) -> Option<&'t str> {
        let from = *self.starts.get(index)?;
        let to = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        Some(self.text.get(from..to).unwrap_or("").trim_end_matches(['\n', '\r']))
    }

    pub(crate) fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }
}

/// The 0-based lines `from..to` (end excluded) as the report's 1-based span.
pub(crate) fn span(from: usize, to: usize) -> LineSpan {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    LineSpan { start: number(from + 1), end: number(to.max(from + 1)) }
}

/// The text before the first line of a trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinePrefix(String);

impl LinePrefix {
    pub(crate) fn new(before: &str) -> Self {
        Self(before.to_owned())
    }

    /// The line without the prefix, if it has a similar one; numbers (times, process ids) may differ.
    pub(crate) fn strip<'l>(&self, line: &'l str) -> &'l str {
        self.match_length(line).and_then(|length| line.get(length..)).unwrap_or(line)
    }

    /// Whether this line lacks the prefix, if the prefix is more than indentation.
    pub(crate) fn is_missing(&self, line: &str) -> bool {
        !self.0.trim().is_empty() && self.match_length(line).is_none()
    }

    fn match_length(&self, line: &str) -> Option<usize> {
        let (want, have) = (self.0.as_bytes(), line.as_bytes());
        let body = self.0.trim_end().len();
        let (mut i, mut j) = (0, 0);
        while i < body {
            let wanted = *want.get(i)?;
            let got = *have.get(j)?;
            if wanted.is_ascii_digit() {
                let digits = run(have, j, u8::is_ascii_digit);
                if digits == 0 {
                    return None;
                }
                i += run(want, i, u8::is_ascii_digit);
                j += digits;
            } else if wanted == b' ' {
                let spaces = run(have, j, |byte| *byte == b' ');
                if spaces == 0 {
                    return None;
                }
                i += run(want, i, |byte| *byte == b' ');
                j += spaces;
            } else if wanted == got {
                i += 1;
                j += 1;
            } else {
                return None;
            }
        }
        // Remove only as much white space as the prefix has: the remaining indentation distinguishes frames from
        // messages.
        let margin = want.len() - body;
        let spaces = have.iter().skip(j).take(margin).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        Some(j + spaces)
    }
}

fn run(bytes: &[u8], from: usize, of: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().skip(from).take_while(|byte| of(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_number_and_by_offset() {
        let lines = TextLines::new("a\nbc\n\nd");
        assert_eq!(
            (lines.len(), lines.get(1), lines.get(2), lines.get(3), lines.get(9)),
            (4, "bc", "", "d", "")
        );
        assert_eq!((lines.start(1), lines.start(3)), (2, 6));
        assert_eq!(TextLines::new("").len(), 0);
        assert_eq!(TextLines::new("a\n").len(), 1);
    }

    #[test]
    fn prefixes_match_with_other_numbers() {
        let check = |prefix: &str, line: &str, rest: &str| {
            assert_eq!(LinePrefix::new(prefix).strip(line), rest, "{prefix:?} on {line:?}");
        };
        check("> ", ">   File", "  File");
        check("> ", ">", "");
        check("    ", "      File", "  File");
        check("2024-01-02 10:00:00,123 ERROR [7] ", "2024-01-02 10:00:00,9 ERROR [12]   at x", "  at x");
        check("web_1  | ", "web_1  |   File", "  File");
        check("I get: ", "  File", "  File");
        assert!(LinePrefix::new("web_1 | ").is_missing("other"));
        assert!(!LinePrefix::new("    ").is_missing("other"));
    }
}
