/*!
Python tracebacks: chained ones, exception groups, syntax errors and faulthandler dumps. Python prints the oldest
frame first and the cause before its effect, so both orders are reversed. A message may have many lines (test
assertions print diffs); it ends where other output clearly begins.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_FRAMES, MAX_MESSAGE_BYTES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Longest message, in lines.
const MAX_MESSAGE_LINES: usize = 80;
/// Maximum number of lines that a shortened middle may leave before the frames continue.
const ELISION_LINES: usize = 4;

static FRAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*File "([^"\n]+)", line (\d+)(?:,? in (.+?))?\s*$"#).ok());
static EXCEPTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^((?:[A-Za-z_]\w*\.(?:<locals>\.)?)*[A-Za-z_]\w*)(?::(?:\s(.*))?)?$").ok());

pub(super) fn traceback(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    if !is_headline(line) {
        return Vec::new();
    }
    let before = line.get(..anchor.column).unwrap_or("");
    let (prefix, group) = margin(before);
    let first = if group { Some(LinePrefix::new(before)) } else { None };
    let mut exceptions = Vec::new();
    let mut at = anchor.at;
    let mut end;
    loop {
        let body = if group || first.is_some() { group_body(before) } else { prefix.clone() };
        let (exception, next) = block(lines, at + 1, &body);
        if exception.kind.is_empty() && exception.frames.is_empty() {
            end = next;
            break;
        }
        let mut chain = vec![exception];
        end = next;
        if group {
            end = members(lines, end, &prefix, &mut chain);
        }
        exceptions.splice(0..0, chain);
        match chained(lines, end, &body) {
            Some(next) if exceptions.len() < super::MAX_CHAIN => at = next,
            _ => break,
        }
    }
    let mut from = anchor.at;
    if let Some((at, cause)) = cause_above(lines, anchor, &prefix) {
        from = at;
        exceptions.push(cause);
    }
    FoundTrace::new(Language::Python, exceptions, from, end).into_iter().collect()
}

/// A cause without a traceback is a single line, without its own headline.
fn cause_above(
    lines: &TextLines<'_>,
    anchor: &TraceAnchor,
    prefix: &LinePrefix,
) -> Option<(usize, ExceptionInfo)> {
    let mut above = (anchor.at.saturating_sub(8).max(anchor.from)..anchor.at)
        .rev()
        .filter(|at| !prefix.strip(lines.get(*at)).trim().is_empty());
    above.next().filter(|at| is_chain_sentence(prefix.strip(lines.get(*at)).trim()))?;
    let at = above.next()?;
    let (kind, message) = exception_line(prefix.strip(lines.get(at)))?;
    let named = kind.chars().any(char::is_uppercase) && !message.is_empty()
        || kind.ends_with("Error")
        || kind.ends_with("Exception");
    named.then(|| {
        (at, ExceptionInfo { kind: kind.to_owned(), message: message.to_owned(), frames: Vec::new() })
    })
}

/// A traceback quoted inside a message continues after these words.
fn is_headline(line: &str) -> bool {
    line.trim_end().trim_end_matches(':').ends_with("Traceback (most recent call last)")
}

/// `  + Exception Group Traceback`: the lines below it start with `  | `.
fn margin(before: &str) -> (LinePrefix, bool) {
    match before.strip_suffix("Exception Group ") {
        Some(rest) => (LinePrefix::new(rest.trim_end_matches(['+', ' '])), true),
        None => (LinePrefix::new(before), false),
    }
}

fn group_body(before: &str) -> LinePrefix {
    let margin = before.strip_suffix("Exception Group ").unwrap_or(before);
    LinePrefix::new(&margin.replace('+', "|"))
}

/// The members of an exception group, each in its own block with a deeper margin.
fn members(lines: &TextLines<'_>, from: usize, outer: &LinePrefix, into: &mut Vec<ExceptionInfo>) -> usize {
    let mut at = from;
    while let Some(line) = lines.line(at) {
        let rest = outer.strip(line).trim_start();
        if !rest.starts_with(['|', '+']) || into.len() >= super::MAX_CHAIN {
            break;
        }
        let Some(column) = line.find("Traceback (most recent call last)") else {
            at += 1;
            continue;
        };
        let (exception, next) = block(lines, at + 1, &group_body(line.get(..column).unwrap_or("")));
        into.push(exception);
        at = next.max(at + 1);
    }
    at
}

/// The line of the next "Traceback" if the line `from` has a chaining sentence.
fn chained(lines: &TextLines<'_>, from: usize, prefix: &LinePrefix) -> Option<usize> {
    let mut linked = false;
    for at in from..from + 6 {
        let line = prefix.strip(lines.line(at)?).trim();
        if is_chain_sentence(line) {
            linked = true;
        } else if linked && is_headline(line) {
            return Some(at);
        } else if !line.is_empty() {
            return None;
        }
    }
    None
}

fn is_chain_sentence(line: &str) -> bool {
    line.starts_with("During handling of the above exception")
        || line.starts_with("The above exception was the direct cause")
}

/// Frames and exception from line `from` on; returns the line after them.
fn block(lines: &TextLines<'_>, from: usize, prefix: &LinePrefix) -> (ExceptionInfo, usize) {
    let mut info = ExceptionInfo::default();
    let mut at = from;
    let mut flush_left = false;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        let text = line.trim();
        if let Some(frame) = frame(line) {
            flush_left = !line.starts_with([' ', '\t']);
            if info.frames.len() < MAX_FRAMES {
                info.frames.push(frame);
            }
        } else if text.is_empty() {
            if !frame_follows(lines, at + 1, prefix, 1) {
                break;
            }
        } else if line.starts_with([' ', '\t'])
            || (flush_left && wants_context(&info) && exception_line(line).is_none())
        {
            if prefix.is_missing(raw) && !line.starts_with("  ")
                || info.frames.is_empty() && at - from > ELISION_LINES
            {
                break;
            }
            take_context(&mut info, text);
        } else if let Some((kind, message)) = exception_line(line) {
            info.kind = kind.to_owned();
            let (message, next) = message_from(lines, at, message, prefix);
            info.message = message;
            at = next;
            break;
        } else if !frame_follows(lines, at + 1, prefix, ELISION_LINES) {
            break;
        }
        at += 1;
    }
    info.frames.reverse();
    (info, at)
}

fn wants_context(info: &ExceptionInfo) -> bool {
    info.frames.last().is_some_and(|frame| frame.context_line.is_none())
}

fn take_context(info: &mut ExceptionInfo, text: &str) {
    let marker =
        text.chars().all(|c| matches!(c, '^' | '~' | ' ')) || text.starts_with("[Previous line repeated");
    if marker {
        return;
    }
    if let Some(frame) = info.frames.last_mut()
        && frame.context_line.is_none()
    {
        frame.context_line = Some(text.to_owned());
    }
}

fn frame_follows(lines: &TextLines<'_>, from: usize, prefix: &LinePrefix, within: usize) -> bool {
    (from..from + within).any(|at| {
        let line = prefix.strip(lines.get(at));
        line.trim_start().starts_with("File \"") && frame(line).is_some()
    })
}

fn frame(line: &str) -> Option<Frame> {
    if !line.contains("File \"") {
        return None;
    }
    let found = FRAME.as_ref()?.captures(line)?;
    let mut frame = Frame {
        path: Some(found.get(1)?.as_str().to_owned()),
        line: found.get(2)?.as_str().parse().ok(),
        function: found.get(3).map(|name| name.as_str().to_owned()),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    Some(frame)
}

/// `kind` and the first line of the message.
pub(super) fn exception_line(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_end();
    let found = EXCEPTION.as_ref()?.captures(line)?;
    let kind = found.get(1)?.as_str();
    Some((kind, found.get(2).map_or("", |message| message.as_str())))
}

/// The complete message, whose first line is `at`; returns the line after it.
fn message_from(lines: &TextLines<'_>, at: usize, first: &str, prefix: &LinePrefix) -> (String, usize) {
    let mut message = first.to_owned();
    let mut next = at + 1;
    let mut blank = 0;
    while let Some(raw) = lines.line(next) {
        let line = prefix.strip(raw);
        if prefix.is_missing(raw)
            || ends_message(line)
            || next - at > MAX_MESSAGE_LINES
            || message.len() > MAX_MESSAGE_BYTES
        {
            break;
        }
        if line.trim().is_empty() {
            blank += 1;
            next += 1;
            continue;
        }
        if blank > 0 && !continues_after_blank(line) {
            break;
        }
        message.extend(std::iter::repeat_n('\n', blank + 1));
        message.push_str(line);
        blank = 0;
        next += 1;
    }
    (message, next - blank)
}

fn ends_message(line: &str) -> bool {
    let text = line.trim_start();
    is_headline(text)
        || is_chain_sentence(text)
        || is_rule(text)
        || text.starts_with("```")
        || text.starts_with("Ran ") && text.contains(" test")
        || text.starts_with("FAILED (")
        || (text.starts_with("FAIL: ") || text.starts_with("ERROR: ")) && text.contains(" (")
        || text.starts_with(['+', '|']) && text.contains("--------")
        || super::super::log_excerpt::starts_record(line)
}

/// A line of `=`, `-` or `_`.
pub(super) fn is_rule(text: &str) -> bool {
    let text = text.trim_end();
    text.len() >= 20
        && ["=", "-", "_"].iter().any(|mark| text.trim_matches(|c: char| mark.starts_with(c)).is_empty())
}

/// What `unittest` prints after the first line of an assertion: differing elements and a diff.
fn continues_after_blank(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "First ",
        "Second ",
        "- ",
        "+ ",
        "? ",
        "Diff is",
        "  ",
        "'",
        "\"",
        "[",
        "{",
        "(",
        "Full diff",
        "Unexpectedly",
        "Items in the",
        "Differing",
    ];
    STARTS.iter().any(|start| line.starts_with(start)) && !line.trim_start().starts_with("File \"")
}

/// A syntax error, or frames that were pasted without their headline.
pub(super) fn bare(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    if frame(line.get(anchor.column..).unwrap_or("")).is_none() {
        return Vec::new();
    }
    let prefix = LinePrefix::new(line.get(..anchor.column).unwrap_or("").trim_end());
    let (info, end) = block(lines, anchor.at, &prefix);
    if info.frames.len() < 2 && !info.kind.ends_with("Error") {
        return Vec::new();
    }
    FoundTrace::new(Language::Python, vec![info], anchor.at, end).into_iter().collect()
}

/// `Fatal Python error: Segmentation fault` with threads, innermost frame first.
pub(super) fn fault(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let mut info = ExceptionInfo { kind: "Fatal Python error".to_owned(), ..ExceptionInfo::default() };
    let mut from = anchor.at;
    for back in (anchor.at.saturating_sub(4).max(anchor.from)..anchor.at).rev() {
        if let Some((_, message)) = lines.get(back).split_once("Fatal Python error: ") {
            info.message = message.trim().to_owned();
            from = back;
            break;
        }
    }
    let mut at = anchor.at + 1;
    while let Some(frame) = lines.line(at).and_then(frame) {
        if info.frames.len() < MAX_FRAMES {
            info.frames.push(frame);
        }
        at += 1;
    }
    if info.frames.is_empty() {
        return Vec::new();
    }
    FoundTrace::new(Language::Python, vec![info], from, at).into_iter().collect()
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
