/*!
Converts bytes to readable text. Tickets arrive in many forms: UTF-16 from a Windows clipboard, a log with colour
codes, a core dump attached by mistake. Nothing here fails. A note says what was changed or left out, because the
report must not pretend to have read it.
*/

use memchr::{memchr, memchr2};

/// A ticket with more bytes is cut.
pub const LARGEST_TICKET: usize = 2 * KEEP_BYTES;
/// How many bytes are kept of the head, and of the tail, of an oversized ticket. A trace is at the start of an
/// error report and at the end of a log, so both ends matter more than the middle.
const KEEP_BYTES: usize = 512 * 1024;
/// Longest line kept completely; a minified bundle or a base64 blob on one line is of no use.
const KEEP_LINE_BYTES: usize = 16 * 1024;

pub(crate) struct DecodedText {
    pub text: String,
    pub notes: Vec<String>,
}

pub(crate) fn decode(bytes: &[u8]) -> DecodedText {
    let mut notes = Vec::new();
    let cut = cut_middle(bytes, &mut notes);
    let text = to_utf8(&cut, &mut notes);
    let text = plain(&text, &mut notes);
    let text = shorten_lines(text, &mut notes);
    DecodedText { text, notes }
}

fn cut_middle<'b>(bytes: &'b [u8], notes: &mut Vec<String>) -> std::borrow::Cow<'b, [u8]> {
    if bytes.len() <= LARGEST_TICKET {
        return bytes.into();
    }
    let head_end =
        memchr::memrchr(b'\n', bytes.get(..KEEP_BYTES).unwrap_or(bytes)).map_or(KEEP_BYTES, |at| at + 1);
    let tail_from = bytes.len() - KEEP_BYTES;
    let tail = bytes.get(tail_from..).unwrap_or_default();
    // A UTF-16 unit has two bytes: a tail that starts at an odd byte would be scrambled.
    let tail_skip = memchr(b'\n', tail).map_or(0, |at| at + 1);
    let (head_end, tail_skip) =
        if is_utf16(bytes) { (KEEP_BYTES, tail_from % 2) } else { (head_end, tail_skip) };
    let head = bytes.get(..head_end).unwrap_or_default();
    let tail = tail.get(tail_skip..).unwrap_or_default();
    notes.push(format!(
        "The ticket has {} bytes; its first {} and last {} were read, the middle was left out.",
        bytes.len(),
        head.len(),
        tail.len()
    ));
    let mut kept = Vec::with_capacity(head.len() + tail.len() + 32);
    kept.extend_from_slice(head);
    if !is_utf16(bytes) {
        kept.extend_from_slice(b"\n[... cut ...]\n");
    }
    kept.extend_from_slice(tail);
    kept.into()
}

pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || utf16_without_bom(bytes).is_some()
}

/// Detects UTF-16 without a byte order mark: in mostly-ASCII text, every other byte is zero. `Some(true)` means
/// little endian.
fn utf16_without_bom(bytes: &[u8]) -> Option<bool> {
    let sample = bytes.get(..bytes.len().min(512) & !1)?;
    if sample.len() < 8 {
        return None;
    }
    let units = sample.len() / 2;
    let zero_high = sample.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
    let zero_low = sample.iter().step_by(2).filter(|byte| **byte == 0).count();
    if zero_high * 10 >= units * 8 && zero_low * 10 <= units {
        Some(true)
    } else if zero_low * 10 >= units * 8 && zero_high * 10 <= units {
        Some(false)
    } else {
        None
    }
}

fn to_utf8(bytes: &[u8], notes: &mut Vec<String>) -> String {
    let utf16 = match bytes {
        [0xFF, 0xFE, rest @ ..] => Some((true, rest)),
        [0xFE, 0xFF, rest @ ..] => Some((false, rest)),
        _ => utf16_without_bom(bytes).map(|little| (little, bytes)),
    };
    if let Some((little, rest)) = utf16 {
        notes.push("The ticket was UTF-16 and was read as such.".to_owned());
        let units = rest.chunks_exact(2).map(|pair| match pair {
            [a, b] if little => u16::from_le_bytes([*a, *b]),
            [a, b] => u16::from_be_bytes([*a, *b]),
            _ => 0xFFFD,
        });
        return char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')).collect();
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            let bad = text.chars().filter(|c| *c == '\u{FFFD}').count();
            let share = bad * 100 / text.chars().count().max(1);
            notes.push(if share >= 10 {
                "The ticket looks binary; only what reads as text was used.".to_owned()
            } else {
                format!("The ticket was not valid UTF-8; {bad} places were replaced.")
            });
            text.into_owned()
        }
    }
}

/// Converts line ends to `\n`, and removes colour codes and control characters.
fn plain(text: &str, notes: &mut Vec<String>) -> String {
    let hostile = |byte: u8| byte == 0x7F || (byte < 0x20 && byte != b'\n' && byte != b'\t');
    if !text.bytes().any(hostile) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut escapes, mut controls) = (0_usize, 0_usize);
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.bytes().position(hostile).unwrap_or(rest.len());
        let (clean, tail) = rest.split_at(at);
        out.push_str(clean);
        let Some(first) = tail.bytes().next() else { break };
        rest = match first {
            b'\r' => {
                // A single carriage return comes from a progress bar or an old Mac, and ends a line in both cases.
                out.push('\n');
                tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or("")
            }
            0x1B => {
                escapes += 1;
                tail.get(escape_length(tail)..).unwrap_or("")
            }
            _ => {
                controls += 1;
                tail.get(1..).unwrap_or("")
            }
        };
    }
    if escapes > 0 {
        notes.push(format!("{escapes} terminal colour codes were taken out."));
    }
    if controls > 0 {
        notes.push(format!("{controls} control characters (NUL and the like) were taken out."));
    }
    out
}

/// Length of the escape sequence at the start of `text`: CSI, OSC (hyperlinks, titles) or two characters.
fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes.iter().skip(2).take(64).position(|byte| (0x40..=0x7E).contains(byte));
            parameters.map_or(2, |at| at + 3)
        }
        Some(b']') => {
            let body = bytes.get(2..bytes.len().min(2048)).unwrap_or_default();
            match memchr2(0x07, 0x1B, body) {
                Some(at) if body.get(at) == Some(&0x07) => at + 3,
                Some(at) if body.get(at + 1) == Some(&b'\\') => at + 4,
                _ => 2,
            }
        }
        Some(byte) if byte.is_ascii() => 2,
        _ => 1,
    }
}

fn shorten_lines(text: String, notes: &mut Vec<String>) -> String {
    if !text.lines().any(|line| line.len() > KEEP_LINE_BYTES) || looks_like_json(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut shortened = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > KEEP_LINE_BYTES {
            shortened += 1;
            out.push_str(super::text::clip(line, KEEP_LINE_BYTES));
            out.push_str(" [... cut ...]\n");
        } else {
            out.push_str(line);
        }
    }
    notes.push(format!("{shortened} overlong lines were cut at {KEEP_LINE_BYTES} bytes."));
    out
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
