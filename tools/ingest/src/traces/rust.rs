/*!
Rust panics, in the style up to 1.72 (message before place) and the newer one (place before message), with or
without a backtrace, and the backtraces of `anyhow` and `eyre`. Without a backtrace, the place of the panic is the
only frame.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_FRAMES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

const MAX_MESSAGE_LINES: usize = 40;
/// Maximum number of lines between the end of the message and the backtrace.
const GAP: usize = 4;

static NEW_STYLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"panicked at ([^'\n]+?):(\d+):(\d+):\s*$").ok());
static OLD_PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"', ([^'\s][^'\n]*?):(\d+):(\d+)\s*$").ok());
static NUMBERED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(\d+):\s+(?:0x[0-9a-f]+ - )?(\S.*?)\s*$").ok());
static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s+at (\S.*?):(\d+)(?::(\d+))?\s*$").ok());

pub(super) fn panic(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    // Continuation lines have the logger's prefix, if any, but not the words before "panicked".
    let thread =
        line.get(..anchor.column).and_then(|before| before.rfind("thread '")).unwrap_or(anchor.column);
    let prefix = LinePrefix::new(line.get(..thread).unwrap_or(""));
    let from_anchor = line.get(anchor.column..).unwrap_or("");
    let Some((mut info, place, mut at)) = new_style(lines, anchor, from_anchor, &prefix)
        .or_else(|| old_style(lines, anchor, from_anchor, &prefix))
    else {
        return Vec::new();
    };
    let gap = at..at + GAP;
    for line in gap {
        let text = prefix.strip(lines.get(line)).trim();
        if text.eq_ignore_ascii_case("stack backtrace:") {
            (info.frames, at) = frames(lines, line + 1, &prefix);
            break;
        }
        if text.starts_with("note: ") {
            at = line + 1;
        } else if !text.is_empty() {
            break;
        }
    }
    let placed = info
        .frames
        .iter()
        .any(|frame| frame.line == place.line && same_file(frame.path.as_deref(), place.path.as_deref()));
    if !placed {
        let after_runtime = info.frames.iter().position(|frame| frame.in_app).unwrap_or(0);
        // If the symbols have no places, the panic was raised in the first of our own symbols.
        match info.frames.get_mut(after_runtime).filter(|frame| frame.in_app && frame.path.is_none()) {
            Some(frame) => (frame.path, frame.line, frame.column) = (place.path, place.line, place.column),
            None => info.frames.insert(0, place),
        }
    }
    FoundTrace::new(Language::Rust, vec![info], anchor.at, at).into_iter().collect()
}

fn same_file(a: Option<&str>, b: Option<&str>) -> bool {
    let bare = |path: &str| path.trim_start_matches("./").to_owned();
    match (a.map(bare), b.map(bare)) {
        (Some(a), Some(b)) => a.ends_with(&b) || b.ends_with(&a),
        _ => false,
    }
}

fn place(path: &str, line: &str, column: Option<&str>) -> Frame {
    let mut frame = Frame {
        path: Some(path.to_owned()),
        line: line.parse().ok(),
        column: column.and_then(|column| column.parse().ok()),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    frame
}

type Parts = (ExceptionInfo, Frame, usize);

/// `panicked at src/main.rs:4:5:` with the message on the lines below.
fn new_style(lines: &TextLines<'_>, anchor: &TraceAnchor, text: &str, prefix: &LinePrefix) -> Option<Parts> {
    let found = NEW_STYLE.as_ref()?.captures(text)?;
    let place = place(found.get(1)?.as_str(), found.get(2)?.as_str(), found.get(3).map(|c| c.as_str()));
    let mut message: Vec<&str> = Vec::new();
    let mut at = anchor.at + 1;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        if prefix.is_missing(raw) || ends_message(line) || message.len() > MAX_MESSAGE_LINES {
            break;
        }
        message.push(line);
        at += 1;
    }
    Some((panicked(&message.join("\n")), place, at))
}

fn panicked(message: &str) -> ExceptionInfo {
    ExceptionInfo { kind: "panic".to_owned(), message: message.trim_end().to_owned(), frames: Vec::new() }
}

fn ends_message(line: &str) -> bool {
    let text = line.trim();
    text.is_empty()
        || text.starts_with("note: ")
        || text.eq_ignore_ascii_case("stack backtrace:")
        || text.starts_with("```")
        || text.contains("panicked at ")
        || text.starts_with("---- ")
}

/// `panicked at 'message', src/main.rs:4:5`; the message may have several lines.
fn old_style(lines: &TextLines<'_>, anchor: &TraceAnchor, text: &str, prefix: &LinePrefix) -> Option<Parts> {
    let mut message = text.strip_prefix("panicked at '")?.to_owned();
    for at in anchor.at + 1..anchor.at + MAX_MESSAGE_LINES {
        if let Some(found) = OLD_PLACE.as_ref()?.captures(&message) {
            let place =
                place(found.get(1)?.as_str(), found.get(2)?.as_str(), found.get(3).map(|c| c.as_str()));
            let whole = found.get(0)?.start();
            return Some((panicked(message.get(..whole)?), place, at));
        }
        message.push('\n');
        message.push_str(prefix.strip(lines.line(at)?));
    }
    None
}

/// Frames of a backtrace from line `from`; returns the line after them.
fn frames(lines: &TextLines<'_>, from: usize, prefix: &LinePrefix) -> (Vec<Frame>, usize) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = from;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        if let Some(found) = PLACE.as_ref().and_then(|re| re.captures(line)) {
            if let Some(last) = frames.last_mut().filter(|last| last.path.is_none()) {
                last.path = found.get(1).map(|path| path.as_str().to_owned());
                last.line = found.get(2).and_then(|n| n.as_str().parse().ok());
                last.column = found.get(3).and_then(|n| n.as_str().parse().ok());
                last.in_app &= last.path.as_deref().is_some_and(|path| !library::path_is_library(path));
            }
        } else if let Some(name) =
            NUMBERED.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(2))
        {
            if frames.len() < MAX_FRAMES {
                frames.push(symbol(name.as_str()));
            }
        } else {
            break;
        }
        at += 1;
    }
    (frames, at)
}

/// `shop::cart::total::h0123456789abcdef` → module `shop::cart`, function `shop::cart::total`.
fn symbol(printed: &str) -> Frame {
    let name = printed
        .rsplit_once("::h")
        .filter(|(_, hash)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
        .map_or(printed, |(name, _)| name);
    let module =
        name.rsplit_once("::").map(|(module, _)| module.to_owned()).filter(|module| !module.starts_with('<'));
    Frame {
        in_app: !library::rust_function_is_library(name) && name != "<unknown>",
        function: Some(name.to_owned()),
        module,
        ..Frame::default()
    }
}

/// A backtrace without a panic: `Error: outer`, `Caused by:`, `Stack backtrace:`, as anyhow prints them.
pub(super) fn backtrace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let prefix = LinePrefix::new(lines.get(anchor.at).get(..anchor.column).unwrap_or(""));
    let (frames, end) = frames(lines, anchor.at + 1, &prefix);
    if frames.is_empty() {
        return Vec::new();
    }
    let lowest = anchor.at.saturating_sub(20).max(anchor.from);
    let mut chain = vec![ExceptionInfo::default()];
    let mut from = anchor.at;
    for at in (lowest..anchor.at).rev() {
        let line = prefix.strip(lines.get(at));
        if let Some(message) = line.strip_prefix("Error: ") {
            chain = vec![ExceptionInfo {
                kind: "Error".to_owned(),
                message: message.to_owned(),
                frames: Vec::new(),
            }];
            from = at;
            break;
        }
    }
    for at in from + 1..anchor.at {
        let line = prefix.strip(lines.get(at));
        let text = line.trim();
        if line.starts_with("    ") && !text.is_empty() && chain.len() < super::MAX_CHAIN {
            let message = text
                .split_once(": ")
                .filter(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()))
                .map_or(text, |(_, rest)| rest);
            chain.push(ExceptionInfo { message: message.to_owned(), ..ExceptionInfo::default() });
        }
    }
    if let Some(first) = chain.first_mut() {
        first.frames = frames;
    }
    FoundTrace::new(Language::Rust, chain, from, end).into_iter().collect()
}

#[cfg(test)]
#[path = "rust_tests.rs"]
mod tests;
