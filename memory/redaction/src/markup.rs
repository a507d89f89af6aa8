/*!
Texts with tags, read as they are displayed: a name and its value may each be in an element of their own
(`<name>…</name> <value>…</value>`, cells of a table, text that a program coloured for a page), with only tags between
them.
*/

use super::disguise::DecodedText;

/// The most bytes of a tag with its attributes.
const MAX_TAG: usize = 400;

/// Lines before the first and after the last tag that belong to the tagged region: as far as a name may be from its
/// value.
const LINES_AROUND: usize = 24;

/// The range of a text that has tags; `None` if no tag closes an element.
pub(super) fn tagged(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memmem::find(bytes, b"</")?;
    let is_tag = |at: &usize| text.get(*at..).is_some_and(|rest| tag(rest).is_some());
    let first = memchr::memchr_iter(b'<', bytes).find(is_tag)?;
    let last = memchr::memrchr_iter(b'<', bytes).find(is_tag)?;
    let (head, tail) = (bytes.get(..first)?, bytes.get(last..)?);
    let from = memchr::memrchr_iter(b'\n', head).nth(LINES_AROUND).map_or(0, |newline| newline + 1);
    let to = memchr::memchr_iter(b'\n', tail).nth(LINES_AROUND).map_or(bytes.len(), |newline| last + newline);
    Some((from, to))
}

/// The text without its tags.
pub(super) fn untagged(text: &str) -> DecodedText {
    let mut out = DecodedText::default();
    let mut at = 0;
    // The tag that closed an element, if nothing followed it yet.
    let mut closed: Option<Joint> = None;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(length) = section(rest) {
            at += length;
            continue;
        }
        if let Some((tag, length)) = tag(rest) {
            if tag.closes {
                let joint = Joint::of(tag.name);
                if joint == Joint::Row
                    && !text
                        .get(at + length..)
                        .unwrap_or_default()
                        .trim_start_matches([' ', '\t', '\r'])
                        .starts_with('\n')
                {
                    out.push('\n', at);
                }
                closed = Some(joint);
            } else {
                match closed.take() {
                    Some(Joint::Cell) => [' ', '|', ' '].iter().for_each(|c| out.push(*c, at)),
                    Some(Joint::Element) => [':', ' '].iter().for_each(|c| out.push(*c, at)),
                    _ if tag.name.eq_ignore_ascii_case("br") => out.push(' ', at),
                    _ => {}
                }
            }
            at += length;
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        if !matches!(c, ' ' | '\t') {
            closed = None;
        }
        out.push(c, at);
        at += c.len_utf8();
    }
    out.from.push(text.len());
    out
}

struct MarkupTag<'t> {
    name: &'t str,
    closes: bool,
}

/// What separates an element from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// The element is a part of a line.
    Inline,
    Cell,
    Row,
    Element,
}

impl Joint {
    fn of(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "span" | "b" | "i" | "em" | "strong" | "code" | "a" | "font" | "u" | "tt" | "mark" | "kbd"
            | "small" | "sub" | "sup" => Self::Inline,
            "td" | "th" => Self::Cell,
            "tr" => Self::Row,
            _ => Self::Element,
        }
    }
}

/// The tag at the start of a text, and its length.
fn tag(text: &str) -> Option<(MarkupTag<'_>, usize)> {
    let rest = text.strip_prefix('<')?;
    let closes = rest.starts_with('/');
    let inner = rest.get(usize::from(closes)..)?;
    let name =
        inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b":_.-".contains(byte)).count();
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let inner = inner.get(..inner.floor_char_boundary(MAX_TAG))?;
    let end = inner.find(['<', '>', '\n']).filter(|end| inner.as_bytes().get(*end) == Some(&b'>'))?;
    let attributes = inner.get(name..end)?;
    if !(attributes.is_empty() || attributes.starts_with([' ', '/', '\t'])) {
        return None;
    }
    Some((MarkupTag { name: inner.get(..name)?, closes }, 1 + usize::from(closes) + end + 1))
}

/// The markers of a section whose characters are taken literally.
fn section(text: &str) -> Option<usize> {
    ["<![CDATA[", "]]>"].iter().find(|mark| text.starts_with(**mark)).map(|mark| mark.len())
}

#[cfg(test)]
mod tests {
    use crate::scan::Scanner;
    use crate::{RedactionConfig, Redactor, work};

    fn looked_at(text: &str) -> u64 {
        work::take();
        Redactor::default().redact(text);
        work::take()
    }

    /// For a tag in a long text, only the lines around it are read again.
    #[test]
    fn one_tag_is_no_reason_to_read_the_whole_text_again() {
        let lines = |count| "INFO password=Kestrel29!x of the worker\n".repeat(count);
        let without = looked_at(&lines(2_000));
        let with = looked_at(&format!("{}INFO <b>ready</b>\n{}", lines(1_000), lines(1_000)));
        assert!(with < without + without / 8, "{without} without a tag, {with} with one");
    }

    /// A replacement far from the tags does not cause the tagged region to be read again.
    #[test]
    fn tags_are_read_again_only_where_something_near_them_changed() {
        let plain = "INFO nothing to tell here\n".repeat(60);
        let text = format!("{plain}{}", "<td>cart</td><td>12</td>\n".repeat(400));
        let scanner = Scanner::builtin(&RedactionConfig::default());
        work::take();
        scanner.hits_on_lines(&text, &[0]);
        let far = work::take();
        scanner.hits_on_lines(&text, &[plain.len()]);
        let near = work::take();
        assert!(near > far + text.len() as u64 / 2, "{far} far from them, {near} near them");
    }

    /// A name may be above the first tag, and a value below the last.
    #[test]
    fn lines_around_the_tags_are_read_with_them() {
        for text in ["Password:\n<b>Kestrel29!x</b>", "<dt>Password</dt>\n\nKestrel29!x\nok"] {
            let shown = Redactor::default().redact(text).text;
            assert!(!shown.contains("Kestrel"), "{shown}");
        }
    }
}
