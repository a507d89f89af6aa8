/*!
The text of a note, and its formats. Titles, paths, subjects of commits, errors and summaries come from outside: in no
format may they become a picture, a link, a mention, a heading or the end of a code block. So a note consists of
paragraphs of parts that record where they come from, and each format has one place that writes such a part. Formats that
only one system has are in the folder of that system.
*/

use millwright_model::terminal_code::is_hidden;

use crate::html;

/// Longest part of outside text, in characters.
const MAX_OUTSIDE_CHARS: usize = 1_200;
/// A zero-width space. Readers do not see it, and systems no longer recognise the text that contains it.
pub(crate) const BREAK: char = '\u{200b}';

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteSpan {
    /// Our own words.
    Own(String),
    /// One line of outside text.
    Outside(String),
    /// A URL of this service.
    Link(String),
}

impl NoteSpan {
    /// Our own words.
    pub fn own(text: impl Into<String>) -> Self {
        Self::Own(text.into())
    }

    /// Outside text: one line, bounded, without anything that systems act on in plain text.
    pub fn outside(text: &str) -> Self {
        Self::Outside(defang(text, MAX_OUTSIDE_CHARS))
    }
}

/// The paragraphs of a note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteText(Vec<Vec<NoteSpan>>);

impl NoteText {
    /// Adds a paragraph.
    pub fn push(&mut self, paragraph: Vec<NoteSpan>) {
        self.0.push(paragraph);
    }

    /// Adds a paragraph of our own words.
    pub fn say(&mut self, words: impl Into<String>) {
        self.push(vec![NoteSpan::own(words)]);
    }

    /// The note as plain text. Backticks in outside text are replaced, so that they cannot close a code span in systems that
    /// interpret them.
    pub fn plain(&self) -> String {
        self.written("\n\n", |part, _| match part {
            NoteSpan::Own(text) | NoteSpan::Link(text) => text.clone(),
            NoteSpan::Outside(text) => text.replace('`', "\u{2cb}"),
        })
    }

    /// The note as Markdown; the marker identifies it later.
    pub fn markdown(&self, marker: &str) -> String {
        self.markdown_without(marker, str::to_owned)
    }

    /// The note as Markdown for a system that interprets more than others: `defuse` removes that from outside text.
    pub(crate) fn markdown_without(&self, marker: &str, defuse: impl Fn(&str) -> String) -> String {
        let text = self.written("\n\n", |part, begins| match part {
            NoteSpan::Own(text) | NoteSpan::Link(text) => text.clone(),
            NoteSpan::Outside(text) => markdown(&defuse(text), begins),
        });
        format!("{text}\n\n[{marker}]")
    }

    /// The note as HTML.
    pub fn html(&self, marker: &str) -> String {
        let text = self.written("</p><p>", |part, _| match part {
            NoteSpan::Own(text) | NoteSpan::Outside(text) => html::escape(text),
            NoteSpan::Link(url) => format!("<a href=\"{0}\">{0}</a>", html::escape(url)),
        });
        format!("<p>{text}</p><p>[{marker}]</p>")
    }

    /// The parts of each paragraph, for formats that are not text.
    pub(crate) fn paragraphs(&self) -> &[Vec<NoteSpan>] {
        &self.0
    }

    /// Writes all parts; `write` also gets whether a part begins its paragraph.
    pub(crate) fn written(&self, between: &str, write: impl Fn(&NoteSpan, bool) -> String) -> String {
        let paragraph = |parts: &Vec<NoteSpan>| -> String {
            parts.iter().enumerate().map(|(at, part)| write(part, at == 0)).collect()
        };
        self.0.iter().map(paragraph).collect::<Vec<_>>().join(between)
    }
}

/// One line without control characters, in which nothing works as an address, a mention or a reference. The id of a commit
/// is kept, because its purpose is to link to the commit.
pub fn defang(text: &str, most: usize) -> String {
    let clean = one_line(text, most);
    let mut out = String::with_capacity(clean.len() + 8);
    let mut chars = clean.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        // Our own words may follow, for example a full stop.
        let next = chars.peek().copied().unwrap_or('.');
        let ends_with = |end: &str| {
            let tail = out.len().checked_sub(end.len()).and_then(|at| out.get(at..));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        // `@here`, `a@b.example`, `#12`, `://`, `www.`, `GH-12`, `{{ticket}}`.
        let acts = match next {
            '.' => ends_with("www"),
            '-' => ends_with("gh"),
            '/' => c == ':',
            '{' | '%' => c == '{',
            _ => false,
        };
        if acts || (matches!(c, '@' | '#') && next != ' ') {
            out.push(BREAK);
        }
    }
    out
}

/// One line of at most `most` characters.
fn one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(most) {
        match c {
            c if c.is_control() || c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            // Invisible characters can make a text look like another one.
            c if is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Escapes text for Markdown. Characters that have a meaning only at the start of a line are escaped only there.
fn markdown(text: &str, begins: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    for (at, c) in text.chars().enumerate() {
        let everywhere = matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$');
        // Some systems read a line that begins with a slash as a command.
        let at_line = begins
            && ((at == 0 && matches!(c, '#' | '+' | '-' | '/'))
                || (at == digits && at > 0 && matches!(c, '.' | ')')));
        if everywhere || at_line {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
#[path = "note_text_tests.rs"]
pub(crate) mod tests;
