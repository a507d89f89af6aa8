/*!
PHP traces. A frame `#0 file(line): f()` means that `f` was *called* at that place, and the headline names the
crash site. So functions are moved down by one frame to say where execution was, as in other languages. `Next …`
begins the exception that wraps the previous one.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_CHAIN, MAX_FRAMES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

static FRAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"#(\d+) (?:(\S.*?)\((\d+)\): |\[internal function\]: )(.*?)\s*$|#(\d+) \{main\}").ok()
});
/// Type, message and crash site.
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"([A-Z]\w*(?:\\\w+)*)(?:\(code: \d+\))?: (.*?) (?:in|at) (\S+\.\w+):(\d+)\)?\s*$").ok()
});
static NO_MESSAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"([A-Z]\w*(?:\\\w+)*)(?:\(code: \d+\))? (?:in|at) (\S+\.\w+):(\d+)\)?\s*$").ok()
});

/// The call printed with a frame; the outer `None` means that the line is not a PHP frame.
pub(super) fn frame(line: &str) -> Option<(Option<Frame>, Option<String>)> {
    let found = FRAME.as_ref()?.captures(line)?;
    if found.get(5).is_some() {
        return Some((None, None));
    }
    let call = found.get(4)?.as_str();
    let call = call.split('(').next().unwrap_or(call).to_owned();
    let frame = found.get(2).map(|path| {
        let mut frame = Frame {
            path: Some(path.as_str().to_owned()),
            line: found.get(3).and_then(|n| n.as_str().parse().ok()),
            ..Frame::default()
        };
        library::judge_by_path(&mut frame);
        frame
    });
    Some((frame, Some(call)))
}

/// `Uncaught` begins an error; without a stack below, the headline's place is the only frame.
pub(super) fn uncaught(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    if !lines.get(anchor.at).contains("PHP ") && !lines.get(anchor.at).contains("Fatal error") {
        return Vec::new();
    }
    for ahead in anchor.at + 1..anchor.at + 12 {
        if lines.get(ahead).contains("Stack trace:") {
            return stacktrace(lines, &TraceAnchor { at: ahead, column: 0, from: anchor.from });
        }
    }
    Vec::new()
}

/// `at` is the line of "Stack trace:", of "[stacktrace]" or of the first frame.
pub(super) fn stacktrace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let starts_with_frame = frame(lines.get(anchor.at)).is_some();
    let first = if starts_with_frame { anchor.at } else { anchor.at + 1 };
    if frame(lines.get(first)).is_none() {
        return Vec::new();
    }
    let column = lines.get(first).find('#').unwrap_or(0);
    let prefix = LinePrefix::new(lines.get(first).get(..column).unwrap_or(""));
    let (from, mut info) = headline(lines, anchor.at, anchor.from, &prefix);
    let mut chain: Vec<ExceptionInfo> = Vec::new();
    let mut at = first;
    loop {
        at = frames(lines, at, &mut info);
        if info.frames.is_empty() && info.kind.is_empty() {
            break;
        }
        chain.push(info);
        let next = next_exception(lines, at);
        match next.filter(|_| chain.len() < MAX_CHAIN) {
            Some(stack) => {
                info = headline(lines, stack, at, &prefix).1;
                at = stack + 1;
            }
            None => break,
        }
    }
    if prefix.strip(lines.get(at)).trim_start().starts_with("thrown in ") {
        at += 1;
    }
    // PHP prints the cause first.
    chain.reverse();
    FoundTrace::new(Language::Php, chain, from, at).into_iter().collect()
}

fn frames(lines: &TextLines<'_>, from: usize, info: &mut ExceptionInfo) -> usize {
    let mut at = from;
    while let Some((found, call)) = lines.line(at).and_then(frame) {
        if let Some(call) = call {
            let (module, function) = split_call(&call);
            if let Some(last) = info.frames.last_mut().filter(|last| last.function.is_none()) {
                last.function = Some(function);
                last.module = module;
            }
        }
        // An error handler is called at the place of the error, so the function there is the next frame's.
        let handler = info.frames.len() == 1
            && info.frames.first().is_some_and(|site| same_place(site, found.as_ref()));
        if let Some(site) = info.frames.first_mut().filter(|_| handler) {
            (site.function, site.module) = (None, None);
        } else if let Some(frame) = found.filter(|_| info.frames.len() < MAX_FRAMES) {
            info.frames.push(frame);
        }
        at += 1;
    }
    at
}

fn same_place(site: &Frame, other: Option<&Frame>) -> bool {
    other.is_some_and(|other| other.path == site.path && other.line == site.line)
}

/// `App\Cart->total` → `App\Cart`, `total`.
fn split_call(call: &str) -> (Option<String>, String) {
    match call.rsplit_once("->").or_else(|| call.rsplit_once("::")) {
        Some((class, function)) => (Some(class.to_owned()), function.to_owned()),
        None => (None, call.to_owned()),
    }
}

/// The line of the "Stack trace:" that follows a `Next …` headline at or just below line `at`.
fn next_exception(lines: &TextLines<'_>, at: usize) -> Option<usize> {
    let head = (at..at + 3).find(|line| lines.get(*line).contains("Next "))?;
    (head + 1..head + 8).find(|line| lines.get(*line).contains("Stack trace:"))
}

fn headline(
    lines: &TextLines<'_>,
    stack: usize,
    lowest: usize,
    prefix: &LinePrefix,
) -> (usize, ExceptionInfo) {
    let mut text = String::new();
    for at in (stack.saturating_sub(10).max(lowest)..stack).rev() {
        let line = prefix.strip(lines.get(at));
        text = if text.is_empty() { line.to_owned() } else { format!("{line}\n{text}") };
        if line.trim().is_empty() && text.trim().is_empty() {
            continue;
        }
        let joined = text.replace('\n', " ");
        // The type begins after `Uncaught`, `Next` or Laravel's `(TypeError(code: 0): …`.
        let begin = ["Uncaught ", "Next ", "[object] ("]
            .iter()
            .filter_map(|mark| joined.rfind(mark).map(|at| at + mark.len()))
            .max();
        let tail = joined.get(begin.unwrap_or(0)..).unwrap_or("");
        if begin.is_none() && !line.contains("Exception") && !line.contains("Error") {
            continue;
        }
        if let Some(found) = HEADLINE.as_ref().and_then(|re| re.captures(tail)) {
            let part = |group: usize| found.get(group).map_or("", |text| text.as_str());
            return (at, exception(part(1), part(2), part(3), part(4)));
        }
        if let Some(found) = NO_MESSAGE.as_ref().and_then(|re| re.captures(tail)) {
            let part = |group: usize| found.get(group).map_or("", |text| text.as_str());
            return (at, exception(part(1), "", part(2), part(3)));
        }
    }
    (stack, ExceptionInfo::default())
}

fn exception(kind: &str, message: &str, path: &str, line: &str) -> ExceptionInfo {
    let mut site = Frame { path: Some(path.to_owned()), line: line.parse().ok(), ..Frame::default() };
    library::judge_by_path(&mut site);
    ExceptionInfo { kind: kind.to_owned(), message: message.to_owned(), frames: vec![site] }
}

#[cfg(test)]
#[path = "php_tests.rs"]
mod tests;
