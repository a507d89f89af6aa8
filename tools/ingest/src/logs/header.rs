/*!
Splits a plain line into header and message by general signs: a time, a level, a component and brackets of context,
followed by the message.

The module knows no logging framework's pattern by name. After the time come host, process and thread numbers,
context in brackets, a level and a logger, in any sensible order; the rest is the message.
*/

use super::level::LogLevel;
use super::timestamp::{ParsedTimestamp, StampFormat, parse_at};

/// How many words after the time are searched for a level in capitals.
const LEVEL_WITHIN: usize = 9;

/// The fields before the message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) level: Option<LogLevel>,
    pub(crate) service: Option<String>,
    pub(crate) trace_id: Option<String>,
    /// Offset of the message.
    pub(crate) message: usize,
}

/// The header of a line that begins a record; `None` if the line does not begin with a time.
pub(crate) fn parse(line: &str, reference_ms: i64) -> Option<RecordHeader> {
    let bytes = line.as_bytes();
    let (start, mut stamp) = find_stamp(bytes, reference_ms)?;
    let mut header = RecordHeader { timestamp_ms: stamp.ms, ..RecordHeader::default() };
    if let Some(message) = access_log(line, start, &stamp) {
        header.message = message.0;
        header.level = message.1;
        return Some(header);
    }
    if stamp.format == StampFormat::Glog {
        header.level = bytes.get(start).copied().and_then(LogLevel::from_letter);
    }
    if stamp.format == StampFormat::Epoch {
        // Collectors add an epoch, a date and a host before a complete syslog line.
        let mut ahead = Cursor { line, at: stamp.end };
        for _ in 0..3 {
            let at = ahead.skip_separators();
            if let Some(inner) =
                parse_at(bytes, at, reference_ms).filter(|inner| inner.format == StampFormat::Syslog)
            {
                stamp = ParsedTimestamp { ms: stamp.ms, ..inner };
                break;
            }
            let Some((_, end)) = ahead.field() else { break };
            ahead.at = end;
        }
    }
    let mut cursor = Cursor { line, at: stamp.end };
    // In glog's header, a thread and the source location come before the closing bracket.
    let closed = line.get(stamp.end..).and_then(|rest| rest.find("] ")).filter(|at| *at < 160);
    if stamp.format == StampFormat::Glog
        && let Some(closed) = closed
    {
        cursor.at = stamp.end + closed + 2;
    } else if stamp.format == StampFormat::Syslog || bytes.first() == Some(&b'<') {
        syslog(&mut cursor, &mut header);
    } else if bytes.get(stamp.end) == Some(&b'|') {
        barred(&mut cursor, &mut header);
    } else {
        general(&mut cursor, &mut header, stamp.format);
    }
    header.message = cursor.skip_separators();
    if header.trace_id.is_none() {
        header.trace_id = trace_id(line);
    }
    Some(header)
}

/// The time comes first, possibly after a syslog priority, a label such as `-`, a file name, or an address with
/// the fields of an access log.
fn find_stamp(bytes: &[u8], reference_ms: i64) -> Option<(usize, ParsedTimestamp)> {
    let mut at = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if at > 3 {
        return None;
    }
    if bytes.get(at) == Some(&b'<')
        && let Some(close) = bytes.iter().take(6).position(|byte| *byte == b'>')
    {
        at = close + 1;
        if bytes.get(at..at + 2) == Some(b"1 ") {
            at += 2;
        }
    }
    for word in 0..5 {
        if let Some(stamp) = parse_at(bytes, at, reference_ms) {
            let bracketed = bytes.get(at) == Some(&b'[');
            let dated = matches!(stamp.format, StampFormat::Iso | StampFormat::Epoch | StampFormat::Other)
                && stamp.ms.is_some();
            if word == 0 || word == 1 && dated || bracketed && dated {
                return Some((at, stamp));
            }
        }
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|byte| *byte == b' ' || *byte == b'|').filter(|length| *length < 120)? + 1;
        at += bytes.get(at..)?.iter().take_while(|byte| **byte == b' ').count();
    }
    // HPC style: the time is one of the first columns of a table.
    let mut at = 0;
    for _ in 0..5 {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|byte| *byte == b' ')? + 1;
        if let Some(stamp) =
            parse_at(bytes, at, reference_ms).filter(|stamp| stamp.format == StampFormat::Epoch)
        {
            return Some((at, stamp));
        }
    }
    None
}

/// `1.2.3.4 - user [time] "GET / HTTP/1.1" 500 …`: the message is the request and everything after it; the status
/// determines the level.
fn access_log(line: &str, start: usize, stamp: &ParsedTimestamp) -> Option<(usize, Option<LogLevel>)> {
    if start == 0 || line.as_bytes().get(start) != Some(&b'[') {
        return None;
    }
    let request = line.get(stamp.end..)?;
    let quote = request.find('"').filter(|at| *at <= 2)?;
    let status = request.get(quote + 1..)?.split_once("\" ")?.1.get(..3)?;
    let level = match status.as_bytes().first() {
        Some(b'5') => Some(LogLevel::Error),
        Some(b'4') => Some(LogLevel::Warn),
        _ => Some(LogLevel::Info),
    };
    Some((stamp.end + quote, level))
}

struct Cursor<'t> {
    line: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Skips white space, dashes, bars, colons and commas between fields.
    fn skip_separators(&mut self) -> usize {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '|', ',']);
            let dashes = trimmed.len() - trimmed.trim_start_matches(['-', ':']).len();
            let after = trimmed.get(dashes..).unwrap_or_default();
            let lone = dashes > 0 && (after.is_empty() || after.starts_with([' ', '\t']));
            let next = if lone { after } else { trimmed };
            self.at = self.line.len() - next.len();
            if !lone {
                return self.at;
            }
        }
    }

    /// The next field and where it ends: a complete bracket group, or a word up to a blank or bar.
    fn field(&mut self) -> Option<(&'t str, usize)> {
        let start = self.skip_separators();
        let rest = self.rest();
        let length = match rest.as_bytes().first()? {
            b'[' => bracket(rest).unwrap_or_else(|| rest.find([' ', '|']).unwrap_or(rest.len())),
            _ => rest.find([' ', '\t', '|']).unwrap_or(rest.len()),
        };
        Some((rest.get(..length)?, start + length))
    }
}

/// Length of the bracket group at the start, including nested groups.
fn bracket(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in text.bytes().enumerate().take(300) {
        depth += i32::from(byte == b'[') - i32::from(byte == b']');
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn syslog(cursor: &mut Cursor<'_>, header: &mut RecordHeader) {
    let Some((_, host_end)) = cursor.field() else { return };
    let start = cursor.at;
    cursor.at = host_end;
    let Some((tag, end)) = cursor.field() else { return };
    // The host may be missing (`Jun 14 15:16:01 kernel: …`).
    let first = cursor.line.get(start..host_end).unwrap_or_default();
    if first.ends_with(':') {
        header.service = component(first);
        cursor.at = host_end;
    } else if tag.ends_with(':') {
        header.service = component(tag);
        cursor.at = end;
    }
}

/// `time|component|process|message`: up to three fields without blanks.
fn barred(cursor: &mut Cursor<'_>, header: &mut RecordHeader) {
    for _ in 0..3 {
        let start = cursor.at + 1;
        let rest = cursor.line.get(start..).unwrap_or_default();
        let Some((field, _)) = rest.split_once('|').filter(|(field, _)| field.len() <= 64) else { return };
        let name = field.trim();
        if name.contains(' ') {
            return;
        }
        match LogLevel::parse(name) {
            Some(level) => header.level = Some(level),
            None if header.service.is_none() => header.service = component(name),
            None => {}
        }
        cursor.at = start + field.len();
    }
}

fn general(cursor: &mut Cursor<'_>, header: &mut RecordHeader, format: StampFormat) {
    find_level(cursor, header, format);
    if header.level.is_none() {
        // `name - message`, the form of programs without levels.
        let before = cursor.at;
        let named = cursor.field().filter(|(name, end)| {
            is_logger(name) && cursor.line.get(*end..).is_some_and(|rest| rest.starts_with(" - "))
        });
        let Some((name, end)) = named else {
            cursor.at = before;
            return context(cursor, header);
        };
        header.service = component(name);
        cursor.at = end;
        return;
    }
    context(cursor, header);
}

fn context(cursor: &mut Cursor<'_>, header: &mut RecordHeader) {
    // After the level: numbers, brackets of context, a logger that ends with a colon or is followed by a dash.
    for _ in 0..6 {
        let before = cursor.at;
        let Some((field, end)) = cursor.field() else { return };
        let bare = field.trim_matches(['[', ']', '(', ')', '#', ',', ':']);
        let numeric = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'#');
        let after = cursor.line.get(end..).unwrap_or_default();
        let closed = after.trim_start().starts_with("- ")
            || after.trim_start().starts_with(": ")
            || after.starts_with('|');
        if field.starts_with('[') && field.ends_with(']') && field.len() > 2 {
            if header.level.is_none() {
                header.level = LogLevel::parse(bare);
            }
            let instance = field.contains(": ");
            if instance {
                cursor.at = before;
                return;
            }
        } else if numeric && header.level.is_some() && bare.len() <= 8 && !after.is_empty() {
        } else if field.ends_with(':') && header.level.is_some() && component(field).is_some() {
            header.service = component(field);
            cursor.at = end;
            return;
        } else if header.level.is_some()
            && is_logger(field)
            && (closed || field.contains('.') && !field.ends_with('.'))
            && header.service.is_none()
        {
            header.service = component(field);
            cursor.at = end;
            if closed {
                return;
            }
            continue;
        } else {
            cursor.at = before;
            return;
        }
        cursor.at = end;
    }
}

fn find_level(cursor: &mut Cursor<'_>, header: &mut RecordHeader, format: StampFormat) {
    let start = cursor.at;
    let (mut name, mut words) = (None, 0);
    for index in 0..LEVEL_WITHIN {
        let Some((field, end)) = cursor.field() else { break };
        let bare = field.trim_matches(['[', ']', '(', ')', '<', '>', ':', ',']);
        let framed = bare.len() < field.len();
        let shouted = bare.bytes().all(|byte| byte.is_ascii_uppercase());
        let level = LogLevel::parse(bare).filter(|_| shouted || framed && index < 4 || index == 0);
        let letter = (bare.len() == 1 && index > 0)
            .then(|| bare.bytes().next().and_then(LogLevel::from_letter))
            .flatten();
        if let Some(level) = level.or(letter.filter(|_| format != StampFormat::Epoch)) {
            header.level = Some(level);
            header.service = name;
            cursor.at = end;
            return;
        }
        if is_logger(bare) && !field.starts_with('[') {
            name = component(bare);
        }
        // A sentence has begun: later words in capitals are not a level.
        words += usize::from(bare.len() > 1 && bare.bytes().all(|byte| byte.is_ascii_lowercase()));
        if words > 1 || field.len() > 80 || field.ends_with(['.', '!', '?']) || field.contains('"') {
            break;
        }
        cursor.at = end;
    }
    cursor.at = start;
}

fn is_logger(field: &str) -> bool {
    let name = field.trim_end_matches(':');
    name.len() <= 120
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-$/:@<>#".contains(&byte))
        && !name.contains("//")
}

/// `sshd(pam_unix)[19937]:` → `sshd(pam_unix)`.
fn component(field: &str) -> Option<String> {
    let name = field.trim_end_matches(':');
    let name = name.split('[').next().unwrap_or_default().trim();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-$/()@:<>#".contains(&byte));
    (plain && !name.is_empty() && name.len() <= 120 && name.bytes().any(|byte| byte.is_ascii_alphabetic()))
        .then(|| name.to_owned())
}

/// A trace id named in the line (`trace_id=…`, `traceId: …`).
pub(crate) fn trace_id(line: &str) -> Option<String> {
    let bytes = line.as_bytes();
    let at = memchr::memmem::find(bytes, b"race").filter(|at| *at < 2048)?;
    let rest = line.get(at + 4..)?;
    let rest = rest.strip_prefix(['_', '-', '.']).unwrap_or(rest);
    let rest = rest.get(..2).filter(|id| id.eq_ignore_ascii_case("id")).and_then(|_| rest.get(2..))?;
    let value = rest.trim_start_matches(['"', '\'', '=', ':', ' ', '[']);
    let length = value.bytes().take_while(|byte| byte.is_ascii_hexdigit() || *byte == b'-').count();
    (rest.len() > value.len() && (8..=64).contains(&length))
        .then(|| value.get(..length).unwrap_or_default().to_owned())
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
