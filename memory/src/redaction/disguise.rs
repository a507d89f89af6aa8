/*!
Secrets that are written otherwise: percent-encoded in a URL, with `\u0040` in JSON, coloured for a terminal, with letters
that only look like ASCII, wrapped in base64, or broken over lines. Each is read in its plain form, and what is found there is masked
where it stands. Only lines that show such a form are read again, so ordinary text costs a scan for a few bytes.
*/

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shortest run of base64 that can hold a secret with its name.
const SHORTEST_WRAPPED: usize = 24;
const LONGEST_WRAPPED: usize = 64 << 10;
/// Longest piece of a token that is read on over the next line.
pub(super) const LONGEST_PIECE: usize = 2_048;
/// Lines a token may be broken over.
const MOST_PIECES: usize = 5;

/// A text read otherwise, with the place each of its bytes comes from.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) text: String,
    /// Offset in the original of each byte of `text`, and of its end.
    from: Vec<usize>,
}

impl Plain {
    fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.from.resize(self.text.len(), at);
    }

    /// The stretch of the original that a stretch of the plain text stands for.
    pub(super) fn original(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        Some((*self.from.get(start)?, *self.from.get(end)?))
    }
}

/// The line with its escapes and lookalikes undone; `None` when it has none.
pub(super) fn plain(line: &str) -> Option<Plain> {
    let bytes = line.as_bytes();
    let escaped = memchr::memchr3(b'%', b'\\', ESCAPE, bytes).is_some();
    if !escaped && bytes.is_ascii() {
        return None;
    }
    let mut out = Plain::default();
    let mut changed = false;
    let mut rest = line.char_indices();
    while let Some((at, c)) = rest.next() {
        let tail = &line[at..];
        // Colours between a name and its value are read as nothing.
        if let Some(length) = terminal_code(tail) {
            changed = true;
            for _ in 1..tail.get(..length).map_or(1, |code| code.chars().count()) {
                rest.next();
            }
            continue;
        }
        let escape = match c {
            '%' => hex(tail.get(1..3)).map(|byte| (byte, 3)),
            '\\' => match tail.as_bytes().get(1) {
                Some(b'u') => hex(tail.get(2..6)).map(|unit| (unit, 6)),
                Some(b'x') => hex(tail.get(2..4)).map(|byte| (byte, 4)),
                Some(b'/') => Some((u32::from(b'/'), 2)),
                _ => None,
            },
            _ => None,
        };
        let (read, length) = match escape.and_then(|(code, length)| Some((char::from_u32(code)?, length))) {
            Some((read, length)) if !read.is_control() => (read, length),
            _ => (c, c.len_utf8()),
        };
        let folded = fold(read);
        changed |= folded != Some(c);
        if let Some(folded) = folded {
            out.push(folded, at);
        }
        // What was read as one is skipped as one.
        for _ in 1..tail.get(..length).map_or(1, |taken| taken.chars().count()) {
            rest.next();
        }
    }
    out.from.push(line.len());
    changed.then_some(out)
}

const ESCAPE: u8 = 0x1b;

/// Length of the terminal code (ECMA-48) that a text begins with, as it is or with its escape character spelled out as in
/// JSON and source code.
fn terminal_code(text: &str) -> Option<usize> {
    const SPELLED: [&str; 6] = ["\u{1b}", "\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033"];
    /// Longer ones are no codes.
    const LONGEST: usize = 128;
    let escape = SPELLED.iter().find(|spelled| text.starts_with(**spelled))?.len();
    let after = text.as_bytes().get(escape..)?;
    let length = match after.first()? {
        // Control sequences: parameters, intermediates, one final letter.
        b'[' => {
            let body = after.get(1..)?.iter().take(LONGEST);
            let parameters = body.take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
            let last = after.get(1 + parameters)?;
            (0x40..=0x7e).contains(last).then_some(parameters + 2)?
        }
        // Commands to the terminal, such as links: up to BEL or ESC \.
        b']' => {
            let end = after.iter().take(LONGEST * 16).position(|byte| matches!(*byte, 0x07 | ESCAPE))?;
            end + if after.get(end) == Some(&ESCAPE) { 2.min(after.len() - end) } else { 1 }
        }
        // Others: intermediates and one final letter, as in `ESC ( B`.
        _ if escape == 1 => {
            let intermediates =
                after.iter().take(LONGEST).take_while(|byte| (0x20..=0x2f).contains(*byte)).count();
            let last = after.get(intermediates)?;
            (0x30..=0x7e).contains(last).then_some(intermediates + 1)?
        }
        _ => return None,
    };
    let whole = escape + length;
    text.is_char_boundary(whole).then_some(whole)
}

fn hex(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// What a character is read as: full-width forms, letters of other scripts that look like ASCII, other hyphens and
/// dots as what they look like; invisible ones as nothing.
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

/// Runs of base64 on a line whose content reads as text, as their place and that text.
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
    // Bytes that are no text show at once; digests and identifiers are told by that.
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

/// A token that begins at `at` and reaches the end of its line, read on over the following lines: where each piece
/// ends in the text read, and that text. `None` when it does not reach the end, or nothing follows.
pub(super) fn broken(text: &str, at: usize) -> Option<(Vec<usize>, Plain)> {
    let token = |c: char| c.is_ascii_alphanumeric() || "_.~/+-=".contains(c);
    let around = |c: char| c.is_whitespace() || "\\\"'+,|`".contains(c);
    let mut out = Plain::default();
    let mut ends = Vec::new();
    let mut from = at;
    for piece in 0..MOST_PIECES {
        let end =
            memchr::memchr(b'\n', text.get(from..)?.as_bytes()).map_or(text.len(), |length| from + length);
        let line = text.get(from..end)?;
        // Marks of a diff, a quotation, a comment or a string that goes on.
        let skip = match piece {
            0 => 0,
            _ => line.len() - line.trim_start_matches(|c| around(c) || "->#*".contains(c)).len(),
        };
        let run: &str = line.get(skip..)?;
        let run = &run[..run.find(|c| !token(c)).unwrap_or(run.len()).min(LONGEST_PIECE)];
        if run.is_empty() {
            break;
        }
        for (offset, c) in run.char_indices() {
            out.push(c, from + skip + offset);
        }
        ends.push(out.text.len());
        let whole = line.get(skip + run.len()..)?.chars().all(around);
        if !whole || end == text.len() {
            if piece == 0 {
                return None;
            }
            break;
        }
        from = end + 1;
    }
    let last = out.from.last().map_or(at, |last| last + 1);
    out.from.push(last);
    (ends.len() > 1).then_some((ends, out))
}

impl Plain {
    /// The pieces of the original, one a line, that a stretch of a broken token stands for.
    pub(super) fn pieces(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        for at in self.from.get(start..end).unwrap_or_default() {
            match pieces.last_mut() {
                Some((_, until)) if *until == *at => *until += 1,
                _ => pieces.push((*at, *at + 1)),
            }
        }
        pieces
    }
}
