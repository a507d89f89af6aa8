/*!
Go panics, fatal errors and data races. A frame has two lines: the function with its arguments, then a tab, the
file and the line. The first goroutine printed is the one that died; the others are skipped.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_FRAMES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Maximum number of lines in a panic value, and between it and the first goroutine.
const LOOK_AHEAD: usize = 40;

static FILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s+(\S.*\.(?:go|s|c|cgo1\.go)|_cgo_gotypes\.go):(\d+)(?: \+0x[0-9a-f]+)?(?: .*)?$").ok()
});

pub(super) fn panic(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    let prefix = LinePrefix::new(line.get(..anchor.column).unwrap_or(""));
    let rest = line.get(anchor.column..).unwrap_or("");
    let head = if rest.starts_with("goroutine ") { headline_above(lines, anchor) } else { None };
    let mut info = head.unwrap_or_else(|| headline(rest));
    // If `goroutine` was the anchor, the stack begins at that line.
    let mut at = if rest.starts_with("goroutine ") { anchor.at } else { anchor.at + 1 };
    let mut stack = None;
    for ahead in at..at + LOOK_AHEAD {
        let Some(raw) = lines.line(ahead) else { break };
        let text = prefix.strip(raw);
        if is_goroutine(text) {
            stack = Some(ahead);
            break;
        }
        let text = text.trim();
        if !text.is_empty()
            && !text.starts_with("[signal ")
            && !text.starts_with("panic: ")
            && info.message.lines().count() < 12
        {
            info.message.push('\n');
            info.message.push_str(text);
        }
    }
    let Some(stack) = stack else { return Vec::new() };
    at = stack;
    info.message = info.message.trim_end().to_owned();
    let mut first = true;
    let mut headers = 0;
    let mut end = at;
    while let Some(raw) = lines.line(at) {
        let text = prefix.strip(raw);
        if is_goroutine(text) {
            headers += 1;
            if info.frames.is_empty() && headers > 3 {
                break;
            }
            first = info.frames.is_empty();
            at += 1;
            end = at;
            continue;
        }
        if let Some((frame, next)) = frame(lines, at, &prefix) {
            if first && info.frames.len() < MAX_FRAMES {
                info.frames.push(frame);
            }
            at = next;
            end = at;
            continue;
        }
        let text = text.trim();
        if text.is_empty() && prefix.strip(lines.get(at + 1)).starts_with("goroutine ")
            || text.starts_with("...")
        {
            first = first && info.frames.is_empty();
            at += 1;
            continue;
        }
        break;
    }
    if info.frames.is_empty() {
        return Vec::new();
    }
    FoundTrace::new(Language::Go, vec![info], anchor.at, end).into_iter().collect()
}

fn is_goroutine(text: &str) -> bool {
    text.starts_with("goroutine ") && text.trim_end().ends_with(':')
}

fn headline(rest: &str) -> ExceptionInfo {
    let (kind, message) = if let Some(message) = rest.strip_prefix("fatal error: ") {
        ("fatal error", message)
    } else if let Some(message) = rest.strip_prefix("panic: ") {
        ("panic", message)
    } else {
        ("", "")
    };
    let message = message.trim_end().trim_end_matches("[recovered]").trim_end();
    ExceptionInfo { kind: kind.to_owned(), message: message.to_owned(), frames: Vec::new() }
}

/// `http: panic serving 10.0.0.1:5123: message` comes before the goroutine.
fn headline_above(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Option<ExceptionInfo> {
    let above = anchor.at.checked_sub(1).filter(|at| *at >= anchor.from)?;
    let line = lines.get(above);
    let (_, rest) = line.split_once("panic serving ")?;
    let (_, message) = rest.split_once(": ")?;
    Some(ExceptionInfo { kind: "panic".to_owned(), message: message.to_owned(), frames: Vec::new() })
}

fn frame(lines: &TextLines<'_>, at: usize, prefix: &LinePrefix) -> Option<(Frame, usize)> {
    let call = prefix.strip(lines.line(at)?).trim();
    let file = prefix.strip(lines.line(at + 1)?);
    let found = FILE.as_ref()?.captures(file)?;
    let call = call.strip_prefix("created by ").unwrap_or(call);
    let call = call.split(" in goroutine ").next().unwrap_or(call);
    let call = call.strip_suffix(')').and_then(|open| matching_open(open)).unwrap_or(call);
    let (module, function) = split_symbol(call);
    let path = found.get(1)?.as_str();
    let mut frame = Frame {
        path: Some(path.to_owned()),
        line: found.get(2)?.as_str().parse().ok(),
        function: Some(function.to_owned()),
        module: module.map(str::to_owned),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    frame.in_app &= !module.is_some_and(library::go_module_is_library) && function != "panic";
    Some((frame, at + 2))
}

/// The call without its argument list; `(*T).Method(0x1, {…})` has other parentheses before it.
fn matching_open(open: &str) -> Option<&str> {
    let mut depth = 1;
    for (at, byte) in open.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open.get(..at);
        }
    }
    None
}

/// `github.com/x/y/pkg.(*T).Method` → `github.com/x/y/pkg`, `(*T).Method`.
fn split_symbol(call: &str) -> (Option<&str>, &str) {
    let slash = call.rfind('/').map_or(0, |at| at + 1);
    match call.get(slash..).and_then(|tail| tail.find('.')) {
        Some(dot) => (call.get(..slash + dot), call.get(slash + dot + 1..).unwrap_or(call)),
        None => (None, call),
    }
}

/// The race detector's report: the first of the two accesses counts as the crash site.
pub(super) fn race(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let mut info = ExceptionInfo { kind: "DATA RACE".to_owned(), ..ExceptionInfo::default() };
    let prefix = LinePrefix::new(lines.get(anchor.at).get(..anchor.column).unwrap_or(""));
    let mut at = anchor.at + 1;
    let mut first = true;
    while let Some(raw) = lines.line(at) {
        let text = prefix.strip(raw).trim();
        if text.starts_with("=====") || at - anchor.at > 400 || info.frames.is_empty() && at - anchor.at > 20
        {
            at += 1;
            break;
        }
        if let Some((frame, next)) = frame(lines, at, &prefix) {
            if first && info.frames.len() < MAX_FRAMES {
                info.frames.push(frame);
            }
            at = next;
            continue;
        }
        if text.is_empty() {
            first = info.frames.is_empty();
        } else if info.message.is_empty() {
            text.trim_end_matches(':').clone_into(&mut info.message);
        }
        at += 1;
    }
    if info.frames.is_empty() {
        return Vec::new();
    }
    FoundTrace::new(Language::Go, vec![info], anchor.at, at).into_iter().collect()
}

#[cfg(test)]
#[path = "go_tests.rs"]
mod tests;
