/*!
C and C++: gdb and lldb backtraces, the reports of the sanitizers, and the abort messages of glibc and libstdc++. A
sanitizer prints several stacks (use, free, allocation); the first is the crash, the others are skipped.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_FRAMES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Only a repetitive sanitizer report is longer than this.
const MAX_REPORT_LINES: usize = 400;

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*\*?\s*(?:frame )?#(\d+):?\s+(.*?)\s*$").ok());
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^0x[0-9a-fA-F]+ (?:in |<|\S+?`)?").ok());
static GDB_PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\s+at (\S.*?):(\d+)(?::(\d+))?$").ok());
static SANITIZER_PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\s+((?:[A-Za-z]:)?[^\s()]+?\.[A-Za-z+]{1,4}):(\d+)(?::(\d+))?(?:\s+\(.*\))?$").ok()
});
static UBSAN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(\S+?):(\d+):(\d+): runtime error: (.*)$").ok());
static ASSERTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|\s)([^\s:]+\.[A-Za-z+]{1,4}):(\d+): (?:(.*?): )?Assertion [`'](.*)' failed\.?\s*$").ok()
});

fn frame(line: &str) -> Option<(u32, Frame)> {
    let found = NUMBER.as_ref()?.captures(line)?;
    let number = found.get(1)?.as_str().parse().ok()?;
    let rest = found.get(2)?.as_str();
    let bare = ADDRESS
        .as_ref()
        .and_then(|re| re.find(rest))
        .and_then(|address| rest.get(address.end()..))
        .unwrap_or(rest);
    let addressed = bare.len() != rest.len();
    let place = GDB_PLACE.as_ref()?.captures(bare).or_else(|| SANITIZER_PLACE.as_ref()?.captures(bare));
    let name = match &place {
        Some(place) => bare.get(..place.get(0)?.start())?,
        None => bare,
    };
    if place.is_none() && !addressed && !name.contains('(') {
        return None;
    }
    let name = function_name(name);
    let mut frame = Frame {
        path: place.as_ref().and_then(|p| p.get(1)).map(|path| path.as_str().to_owned()),
        line: place.as_ref().and_then(|p| p.get(2)).and_then(|n| n.as_str().parse().ok()),
        column: place.as_ref().and_then(|p| p.get(3)).and_then(|n| n.as_str().parse().ok()),
        function: (!name.is_empty() && name != "??").then(|| name.to_owned()),
        ..Frame::default()
    };
    // A frame without a source file cannot be ours to fix.
    library::judge_by_path(&mut frame);
    frame.in_app &= frame.function.as_deref().is_some_and(|name| !library::native_function_is_library(name));
    Some((number, frame))
}

/// The name without arguments, library and offset: `parse_header (buf=0x1, n=3)` → `parse_header`.
fn function_name(printed: &str) -> &str {
    let name = printed.split(" from /").next().unwrap_or(printed);
    let name = name.split(" (").next().unwrap_or(name).trim();
    // C++ names can contain parentheses: `operator()(int)`, `(anonymous namespace)::f(int)`.
    let open = name.match_indices('(').map(|(at, _)| at).find(|at| {
        *at > 0
            && !name.get(*at..).is_some_and(|tail| tail.starts_with("(anonymous"))
            && !name.get(..*at).is_some_and(|head| head.ends_with("operator"))
    });
    let name = open.and_then(|at| name.get(..at)).unwrap_or(name);
    name.split('+').next().unwrap_or(name).trim_end_matches('>').trim()
}

/// Frames from line `from` on while their numbers increase; returns the line after them.
fn frames(lines: &TextLines<'_>, from: usize, prefix: &LinePrefix) -> (Vec<Frame>, usize) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut last = None;
    let mut at = from;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        match frame(line) {
            Some((number, frame)) => {
                if last.is_some_and(|last| number <= last) {
                    break;
                }
                last = Some(number);
                if frames.len() < MAX_FRAMES {
                    frames.push(frame);
                }
            }
            // gdb wraps long argument lists and, with `bt full`, prints local variables.
            None if last.is_some() && line.starts_with("    ") && !line.trim().is_empty() => {
                complete(&mut frames, line)
            }
            None => break,
        }
        at += 1;
    }
    (frames, at)
}

fn complete(frames: &mut [Frame], line: &str) {
    if let Some(last) = frames.last_mut().filter(|last| last.path.is_none())
        && let Some(place) = GDB_PLACE.as_ref().and_then(|re| re.captures(line))
    {
        last.path = place.get(1).map(|path| path.as_str().to_owned());
        last.line = place.get(2).and_then(|n| n.as_str().parse().ok());
        let named = last.function.as_deref().is_some_and(|name| !library::native_function_is_library(name));
        last.in_app = named && last.path.as_deref().is_some_and(|path| !library::path_is_library(path));
    }
}

/// A debugger's backtrace, with the signal if it was printed above.
pub(super) fn stack(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    let text = line.get(anchor.column..).unwrap_or("");
    if frame(text).is_none_or(|(number, _)| number != 0) {
        return Vec::new();
    }
    let before = line.get(..anchor.column).unwrap_or("").trim_end_matches("* ").trim_end();
    let prefix = LinePrefix::new(before);
    let (frames, end) = frames(lines, anchor.at, &prefix);
    if frames.len() < 2 && !frames.iter().any(|frame| frame.line.is_some()) {
        return Vec::new();
    }
    let lowest = anchor.at.saturating_sub(25).max(anchor.from);
    let mut info = ExceptionInfo::default();
    let mut from = anchor.at;
    for at in (lowest..anchor.at).rev() {
        if let Some((kind, message)) = signal(prefix.strip(lines.get(at))) {
            (info.kind, info.message, from) = (kind, message, at);
            break;
        }
    }
    info.frames = frames;
    FoundTrace::new(Language::Native, vec![info], from, end).into_iter().collect()
}

fn signal(line: &str) -> Option<(String, String)> {
    let tail = ["received signal ", "terminated with signal ", "stop reason = signal "]
        .iter()
        .find_map(|mark| line.split_once(mark))
        .map(|(_, tail)| tail);
    if let Some(tail) = tail {
        let (kind, message) = tail.split_once(',').unwrap_or((tail, ""));
        return Some((
            kind.trim_end_matches('.').to_owned(),
            message.trim().trim_end_matches('.').to_owned(),
        ));
    }
    abort_line(line).map(|(kind, message, _)| (kind, message))
}

/// `==1==ERROR: AddressSanitizer: heap-use-after-free …`, `WARNING: ThreadSanitizer: data race`, or UBSan's single
/// line.
pub(super) fn report(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    let mut info = ExceptionInfo::default();
    let mut own = None;
    if let Some(found) = UBSAN.as_ref().and_then(|re| re.captures(line)) {
        let part = |group: usize| found.get(group).map_or("", |part| part.as_str());
        "UndefinedBehaviorSanitizer".clone_into(&mut info.kind);
        part(4).clone_into(&mut info.message);
        let mut site = Frame {
            path: Some(part(1).to_owned()),
            line: part(2).parse().ok(),
            column: part(3).parse().ok(),
            ..Frame::default()
        };
        library::judge_by_path(&mut site);
        own = Some(site);
    } else {
        let Some((head, message)) = line.split_once("Sanitizer: ") else { return Vec::new() };
        if !line.contains("ERROR: ") && !line.contains("WARNING: ") {
            return Vec::new();
        }
        let tool = head.rsplit([' ', ':']).next().unwrap_or("");
        let problem = message.split(" on ").next().unwrap_or(message).split(" (").next().unwrap_or(message);
        let problem = problem.split(':').next().unwrap_or(problem).trim();
        info.kind = format!("{tool}Sanitizer: {problem}");
        info.message = message.trim().to_owned();
    }
    let marker =
        line.find("==").or_else(|| line.find("WARNING: ")).or_else(|| line.find("ERROR: ")).unwrap_or(0);
    let prefix = LinePrefix::new(if own.is_some() { "" } else { line.get(..marker).unwrap_or("") });
    let mut at = anchor.at + 1;
    let mut end = at;
    while let Some(raw) = lines.line(at) {
        let text = prefix.strip(raw).trim();
        if frame(prefix.strip(raw)).is_some() {
            let (stack, next) = frames(lines, at, &prefix);
            if info.frames.is_empty() {
                info.frames = stack;
            }
            at = next.max(at + 1);
            end = at;
            continue;
        }
        let shadow = text.starts_with("SUMMARY: ") || text.starts_with("==");
        if shadow {
            end = at + 1;
        }
        let over = at - anchor.at > MAX_REPORT_LINES
            || text.starts_with("SUMMARY: ")
            || text.contains("runtime error: ");
        // UBSan prints a single line, unless a stack follows immediately.
        if over || own.is_some() && !text.is_empty() && !shadow {
            break;
        }
        at += 1;
    }
    if info.frames.is_empty() {
        info.frames.extend(own);
    }
    FoundTrace::new(Language::Native, vec![info], anchor.at, end).into_iter().collect()
}

type Abort = (String, String, Option<Frame>);

fn abort_line(line: &str) -> Option<Abort> {
    if let Some(found) = ASSERTION.as_ref().and_then(|re| re.captures(line)) {
        let mut site = Frame {
            path: Some(found.get(1)?.as_str().to_owned()),
            line: found.get(2)?.as_str().parse().ok(),
            function: found.get(3).map(|name| function_name(last_word(name.as_str())).to_owned()),
            ..Frame::default()
        };
        library::judge_by_path(&mut site);
        return Some((
            "SIGABRT".to_owned(),
            format!("Assertion `{}' failed", found.get(4)?.as_str()),
            Some(site),
        ));
    }
    if let Some((_, kind)) = line.split_once("terminate called after throwing an instance of '") {
        return Some((kind.trim_end_matches('\'').to_owned(), String::new(), None));
    }
    const WORDS: &[&str] = &[
        "*** stack smashing detected",
        "double free or corruption",
        "free(): ",
        "malloc(): ",
        "corrupted size vs. prev_size",
    ];
    let at = WORDS.iter().filter_map(|word| line.find(word)).min()?;
    Some(("SIGABRT".to_owned(), line.get(at..)?.trim().to_owned(), None))
}

/// `int Parser::run(int)` → `Parser::run(int)`.
fn last_word(signature: &str) -> &str {
    let head = signature.split('(').next().unwrap_or(signature);
    head.rsplit([' ', '*', '&']).next().unwrap_or(head)
}

/// The C library's message when it aborts; a stack may follow.
pub(super) fn abort(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    let Some((kind, mut message, site)) = abort_line(line) else { return Vec::new() };
    let mut end = anchor.at + 1;
    if let Some(what) = lines.get(end).trim_start().strip_prefix("what():") {
        what.trim().clone_into(&mut message);
        end += 1;
    }
    let mut info = ExceptionInfo { kind, message, frames: Vec::new() };
    let stack = (end..end + 25).find(|ahead| frame(lines.get(*ahead)).is_some_and(|(number, _)| number == 0));
    if let Some(stack) = stack {
        (info.frames, end) = frames(lines, stack, &LinePrefix::default());
    }
    if let Some(site) = site
        && !info.frames.iter().any(|frame| frame.line == site.line)
    {
        info.frames.insert(0, site);
    }
    FoundTrace::new(Language::Native, vec![info], anchor.at, end).into_iter().collect()
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
