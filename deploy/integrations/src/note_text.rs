/*!
What a note says, and how it is written. Titles, paths, subjects of commits, errors and summaries come from outside: in
no format may they become a picture, a link, a mention, a heading or the end of a code block. So a note is kept as paragraphs of
parts that say where they come from, and each format has one place that writes such a part. The formats that one system alone
has are written in its folder.
*/

use millwright_model::terminal_code::is_hidden;

use crate::html;

/// Longest part taken from outside, in characters.
const MAX_OUTSIDE_CHARS: usize = 1_200;
/// Seen by nobody; whatever it stands in is no longer what systems look for.
pub(crate) const BREAK: char = '\u{200b}';

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteSpan {
    /// Our own words.
    Own(String),
    /// One line from outside.
    Outside(String),
    /// An address of ours.
    Link(String),
}

impl NoteSpan {
    /// Our own words.
    pub fn own(text: impl Into<String>) -> Self {
        Self::Own(text.into())
    }

    /// A text from outside: one line, bounded, and without what systems look for in plain text.
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

    /// A paragraph of our own words.
    pub fn say(&mut self, words: impl Into<String>) {
        self.push(vec![NoteSpan::own(words)]);
    }

    /// Without any format. Backticks from outside are replaced, so that they close no code where backticks mean it.
    pub fn plain(&self) -> String {
        self.written("\n\n", |part, _| match part {
            NoteSpan::Own(text) | NoteSpan::Link(text) => text.clone(),
            NoteSpan::Outside(text) => text.replace('`', "\u{2cb}"),
        })
    }

    /// As Markdown; the marker is what the note is found by.
    pub fn markdown(&self, marker: &str) -> String {
        self.markdown_without(marker, str::to_owned)
    }

    /// As Markdown of a system that acts on more than others do: `defuse` takes that out of what comes from outside.
    pub(crate) fn markdown_without(&self, marker: &str, defuse: impl Fn(&str) -> String) -> String {
        let text = self.written("\n\n", |part, begins| match part {
            NoteSpan::Own(text) | NoteSpan::Link(text) => text.clone(),
            NoteSpan::Outside(text) => markdown(&defuse(text), begins),
        });
        format!("{text}\n\n[{marker}]")
    }

    /// As HTML.
    pub fn html(&self, marker: &str) -> String {
        let text = self.written("</p><p>", |part, _| match part {
            NoteSpan::Own(text) | NoteSpan::Outside(text) => html::escape(text),
            NoteSpan::Link(url) => format!("<a href=\"{0}\">{0}</a>", html::escape(url)),
        });
        format!("<p>{text}</p><p>[{marker}]</p>")
    }

    /// The parts of each paragraph, for formats that are no text.
    pub(crate) fn paragraphs(&self) -> &[Vec<NoteSpan>] {
        &self.0
    }

    /// All parts, each told whether it begins its paragraph.
    pub(crate) fn written(&self, between: &str, write: impl Fn(&NoteSpan, bool) -> String) -> String {
        let paragraph = |parts: &Vec<NoteSpan>| -> String {
            parts.iter().enumerate().map(|(at, part)| write(part, at == 0)).collect()
        };
        self.0.iter().map(paragraph).collect::<Vec<_>>().join(between)
    }
}

/// One line without control characters, in which nothing is an address, a mention or a reference any more. A commit's id stays
/// one: that it leads to the commit is what it is for.
pub fn defang(text: &str, most: usize) -> String {
    let clean = one_line(text, most);
    let mut out = String::with_capacity(clean.len() + 8);
    let mut chars = clean.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        // Our own words may follow, such as a full stop.
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

/// One line, at most so long.
fn one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(most) {
        match c {
            c if c.is_control() || c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            // What is not seen makes a text look like another one.
            c if is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Escaped as Markdown; what means something only where a line begins, where one does.
fn markdown(text: &str, begins: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    for (at, c) in text.chars().enumerate() {
        let everywhere = matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$');
        // Some systems take a line that begins with a slash for a command.
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
#[path = "../tests/hostile_text/mod.rs"]
pub(crate) mod hostile_text;
#[cfg(test)]
#[path = "note_text_tests.rs"]
pub(crate) mod tests;
