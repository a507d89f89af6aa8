/*!
Secrets in another notation: percent-encoded in a URL, with `\u0040` in JSON, coloured for a terminal, with letters
that only look like ASCII, wrapped in base64, or broken over lines. Each is decoded, and secrets found in the decoded
text are masked in the original. Only lines that show such a notation are decoded, so ordinary text costs a scan for a
few bytes.
*/

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use millwright_model::terminal_code::{after_escape, terminal_code};

use super::checks::has_placeholder;

/// Shortest run of base64 that can hold a secret with its name.
const SHORTEST_WRAPPED: usize = 24;
const LONGEST_WRAPPED: usize = 64 << 10;

/// A decoded text, with the original position of each of its bytes.
#[derive(Debug, Default)]
pub(super) struct DecodedText {
    pub(super) text: String,
    /// Offset in the original of each byte of `text`, and of its end.
    pub(super) from: Vec<usize>,
}

impl DecodedText {
    pub(super) fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.from.resize(self.text.len(), at);
    }

    /// The same text with positions in the original of `earlier` instead of in `earlier`'s text.
    fn seen_through(mut self, earlier: &DecodedText) -> Self {
        for place in &mut self.from {
            *place = earlier.from.get(*place).copied().unwrap_or_default();
        }
        self
    }

    /// The range of the original that a range of the decoded text comes from.
    pub(super) fn original(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        Some((*self.from.get(start)?, *self.from.get(end)?))
    }

    /// The ranges of the original, one a line, that a range of a broken token comes from.
    pub(super) fn pieces(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        for at in self.from.get(start..end).unwrap_or_default() {
            match pieces.last_mut() {
                // All bytes of one character come from one place.
                Some((_, until)) if *at <= *until => *until += 1,
                _ => pieces.push((*at, *at + 1)),
            }
        }
        pieces
    }
}

/// The most layers that are decoded: JSON in JSON in a URL.
const LAYERS: usize = 4;

/// The decoded forms of a text, each with one more layer of escapes and lookalikes undone; empty if it has none.
pub(super) fn readings(text: &str) -> Vec<DecodedText> {
    let mut out: Vec<DecodedText> = Vec::new();
    while out.len() < LAYERS {
        let next = match out.last() {
            None => decode_once(text),
            Some(last) => decode_once(&last.text).map(|next| next.seen_through(last)),
        };
        match next {
            Some(next) => out.push(next),
            None => break,
        }
    }
    out
}

/// The text with one layer of escapes and lookalikes undone; `None` if it has none.
pub(super) fn decode_once(text: &str) -> Option<DecodedText> {
    let bytes = text.as_bytes();
    let escaped = memchr::memchr3(b'%', b'\\', ESCAPE, bytes).is_some()
        || memchr::memchr(b'&', bytes).is_some()
        || memchr::memmem::find(bytes, b"=3D").is_some()
        || memchr::memmem::find(bytes, b"^[[").is_some()
        // Most lines of most texts contain no quotes.
        || memchr::memchr2(b'"', b'\'', bytes).is_some()
            && JOINED.iter().any(|joined| memchr::memmem::find(bytes, joined).is_some());
    if !escaped && bytes.is_ascii() {
        return None;
    }
    let mut out = DecodedText::default();
    let mut changed = false;
    let mut at = 0;
    while let Some(tail) = text.get(at..).filter(|tail| !tail.is_empty()) {
        // Colours between a name and its value are removed.
        if let Some(length) = coded(tail).or_else(|| joined(tail)) {
            changed = true;
            at += tail.ceil_char_boundary(length.max(1));
            continue;
        }
        let Some(c) = tail.chars().next() else { break };
        let (read, length) = escape(c, tail).unwrap_or((c, c.len_utf8()));
        let folded = fold(read);
        changed |= folded != Some(c) || length != c.len_utf8();
        if let Some(folded) = folded {
            out.push(folded, at);
        }
        at += length;
    }
    out.from.push(text.len());
    changed.then_some(out)
}

/// Text between the pieces of a string that source code concatenates.
const JOINED: [&[u8]; 6] = [b"' + '", b"\" + \"", b"'+'", b"\"+\"", b"' . '", b"\" . \""];

/// Length of what joins two pieces of a string.
fn joined(tail: &str) -> Option<usize> {
    tail.starts_with(['\'', '"']).then_some(())?;
    JOINED.iter().find(|joined| tail.as_bytes().starts_with(joined)).map(|joined| joined.len())
}

/// The character of an escape at the start of `tail`, and its length: URLs, JSON and source code, HTML, and the
/// equals sign of quoted-printable mails.
fn escape(first: char, tail: &str) -> Option<(char, usize)> {
    let coded = |code: Option<u32>, length| {
        let read = char::from_u32(code?)?;
        (!read.is_control()).then_some((read, length))
    };
    let bytes = tail.as_bytes();
    match first {
        '%' => coded(hex(tail.get(1..3)), 3),
        // A quote within quotes, in shell notation.
        '\'' if tail.starts_with("'\\''") => Some(('\'', 4)),
        '=' if tail.starts_with("=3D") => Some(('=', 3)),
        '&' => entity(tail),
        '\\' => match *bytes.get(1)? {
            b'u' => coded(hex(tail.get(2..6)), 6),
            b'x' => coded(hex(tail.get(2..4)), 4),
            quoted @ (b'/' | b'"' | b'\'' | b'\\') => Some((char::from(quoted), 2)),
            // The text after the escape is on a line of its own.
            b'n' => Some(('\n', 2)),
            b'r' if tail.get(2..4) == Some("\\n") => Some(('\n', 4)),
            b't' => Some(('\t', 2)),
            _ => None,
        },
        _ => None,
    }
}

/// A character reference of HTML.
fn entity(tail: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 10] = [
        ("quot", '"'),
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("equals", '='),
        ("colon", ':'),
        ("commat", '@'),
        ("num", '#'),
    ];
    let inner = tail.get(1..)?;
    let length = inner.bytes().take(8).position(|byte| byte == b';')?;
    let name = inner.get(..length)?;
    let read = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|read| !read.is_control())?
        }
        None => NAMED.iter().find(|(named, _)| *named == name)?.1,
    };
    Some((read, length + 2))
}

pub(super) const ESCAPE: u8 = 0x1b;

/// Length of the terminal code at the start of a text, either raw or with its escape character spelled out as in JSON
/// and source code.
fn coded(text: &str) -> Option<usize> {
    const SPELLED: [&str; 7] = ["^[", "\u{241b}", "\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033"];
    let spelled = SPELLED.iter().find(|spelled| text.starts_with(**spelled));
    // If the escape is spelled out, only colours and movements are certainly codes.
    let spelled = spelled.filter(|spelled| text[spelled.len()..].starts_with('['));
    match spelled {
        Some(spelled) => Some(spelled.len() + after_escape(&text[spelled.len()..])),
        None => terminal_code(text),
    }
}

fn hex(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Normalises a character: full-width forms, letters of other scripts that look like ASCII, other hyphens and dots
/// become what they look like; invisible characters are removed.
fn fold(c: char) -> Option<char> {
    Some(match c {
        '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{ad}'
        | '\u{180e}'
        | '\u{fe00}'..='\u{fe0f}' => return None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        '\u{2024}' | '\u{3002}' | '\u{ff61}' => '.',
        '\u{fe6b}' => '@',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{203f}' => '_',
        '\u{2192}' | '\u{21d2}' | '\u{27a1}' => '=',
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2018}'..='\u{201b}' => '\'',
        '\u{b7}' | '\u{2022}' | '\u{30fb}' => '-',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'Υ' | 'Ү' => 'Y',
        'Ζ' => 'Z',
        'а' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ı' => 'i',
        'ј' => 'j',
        'ӏ' => 'l',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'υ' => 'u',
        'ν' => 'v',
        'ԝ' => 'w',
        'х' => 'x',
        'у' => 'y',
        other => other,
    })
}

/// The most lines that one command or one line of a mail continues over.
const MOST_CONTINUED: usize = 24;
/// Quoted-printable lines are broken at 76 characters; a shorter line that ends in `=` is something else.
const SHORTEST_SOFT_BREAK: usize = 60;

/// Lines with continuations (`\` and PowerShell's back tick at the end of a shell's line, `=` in quoted-printable),
/// joined to one line.
pub(super) fn continued(text: &str) -> Vec<DecodedText> {
    let goes_on = |line: &str| -> Option<Continuation> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line.as_bytes() {
            [.., b' ' | b'"' | b'\'', b'\\' | b'`'] => Some(Continuation::Command),
            _ if joins_strings(line) => Some(Continuation::Strings),
            [.., before, b'\\'] if *before != b'\\' => Some(Continuation::Command),
            // A placeholder makes a line longer than it was.
            [.., b'=']
                if line.len() >= SHORTEST_SOFT_BREAK && !has_placeholder(line)
                    || is_quoted_printable(line) =>
            {
                Some(Continuation::SoftBreak)
            }
            _ => None,
        }
    };
    let mut out = Vec::new();
    let mut open: Option<(DecodedText, usize)> = None;
    let mut was_string = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let kind = goes_on(content).filter(|_| line.ends_with('\n'));
        let lines = open.as_ref().map_or(0, |(_, lines)| *lines);
        if kind.is_some() || open.is_some() {
            let (plain, count) = open.get_or_insert_with(|| (DecodedText::default(), 0));
            *count += 1;
            // The indentation of a command has no meaning.
            let mut indent = if lines > 0 { content.len() - content.trim_start().len() } else { 0 };
            if was_string {
                let rest = content.get(indent..).unwrap_or_default();
                indent += rest.len() - rest.trim_start_matches(['+', '.', '&', ' ']).len();
                indent +=
                    usize::from(content.get(indent..).is_some_and(|rest| rest.starts_with(['"', '\''])));
            }
            was_string = matches!(kind, Some(Continuation::Strings));
            let kept = match kind {
                // Up to the closing quote.
                Some(Continuation::Strings) => content.rfind(['"', '\'']).unwrap_or(content.len()),
                Some(_) => content.len() - 1,
                None => content.len(),
            };
            for (offset, c) in content.get(indent..kept.max(indent)).unwrap_or_default().char_indices() {
                plain.push(c, at + indent + offset);
            }
            if matches!(kind, Some(Continuation::Command)) && !plain.text.ends_with(' ') {
                plain.push(' ', at + kept);
            }
        }
        at += line.len();
        if (kind.is_none() || lines >= MOST_CONTINUED)
            && let Some((mut plain, _)) = open.take()
        {
            was_string = false;
            plain.from.push(at.min(text.len()));
            out.push(plain);
        }
    }
    if let Some((mut plain, _)) = open {
        plain.from.push(text.len());
        out.push(plain);
    }
    out
}

/// Whether a line contains a byte in quoted-printable notation.
fn is_quoted_printable(line: &str) -> bool {
    let upper = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    line.as_bytes().windows(3).any(|bytes| matches!(bytes, [b'=', high, low] if upper(high) && upper(low)))
}

enum Continuation {
    Command,
    SoftBreak,
    Strings,
}

/// `"…" +` at the end of a line: the string continues on the next line.
fn joins_strings(line: &str) -> bool {
    let line = line.trim_end();
    ["\" +", "' +", "\"+", "'+", "\" .", "' .", "\" &"].iter().any(|end| line.ends_with(end))
}

/// Runs of base64 on a line that decode to text: the position and the decoded text.
pub(super) fn wrapped(line: &str) -> Vec<(usize, usize, String)> {
    let mut out = Vec::new();
    if line.len() < SHORTEST_WRAPPED {
        return out;
    }
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte);
    let bytes = line.as_bytes();
    let mut start = 0;
    for end in 0..=bytes.len() {
        if bytes.get(end).is_some_and(|byte| inside(*byte)) {
            continue;
        }
        let length = end - start;
        if (SHORTEST_WRAPPED..=LONGEST_WRAPPED).contains(&length)
            && let Some(text) = decoded(&line[start..end])
        {
            let padding = bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
            out.push((start, end + padding, text));
        }
        start = end + 1;
    }
    out
}

fn decoded(run: &str) -> Option<String> {
    // Binary content shows at once; this excludes digests and identifiers.
    let head = run.get(..SHORTEST_WRAPPED)?;
    let readable = |run: &str| {
        let bytes = STANDARD_NO_PAD.decode(run).or_else(|_| URL_SAFE_NO_PAD.decode(run)).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let control = text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
        (!control).then_some(text)
    };
    readable(head).filter(|text| text.is_ascii())?;
    readable(run)
}
