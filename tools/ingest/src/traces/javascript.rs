/*!
JavaScript and TypeScript stacks: V8 (`at f (file:1:2)`), with async frames and `[cause]`, and Firefox's and
Safari's `f@url:1:2`. The headline is directly above the frames, except in Jest, which prints a code frame in
between.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_CHAIN, MAX_FRAMES, TraceAnchor, before_at};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Maximum number of lines between the headline and the first frame.
const LOOK_BACK: usize = 40;

/// After this many consecutive frames without a line (native code), the stack has ended.
const UNNUMBERED: usize = 5;

static LOCATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(.+?):(\d+)(?::(\d+))?$").ok());
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:>])((?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Warning|Rejection)|DOMException|Error|AssertionError)(?: \[(\w+)\])?(?:: (.*)|:?\s*)$").ok()
});
static GECKO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*([^@\s]*(?: [^@\s]+)?)@((?:https?|file|webpack|app|resource|webpack-internal|blob|capacitor)://?\S*?|\[native code\])(?::(\d+)(?::(\d+))?)?\s*$").ok()
});

pub(super) fn frame(line: &str) -> Option<Frame> {
    let (_, rest) = before_at(line)?;
    let rest = rest.trim_end().trim_end_matches([',', '{']).trim_end();
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let (function, location) = match rest.strip_suffix(')').and_then(|inner| split_call(inner)) {
        Some((function, location)) => (Some(function), location),
        None => (None, rest),
    };
    let found = LOCATION.as_ref()?.captures(location);
    let (path, line, column) = match &found {
        Some(found) => (
            found.get(1)?.as_str(),
            found.get(2).and_then(|n| n.as_str().parse().ok()),
            found.get(3).and_then(|n| n.as_str().parse().ok()),
        ),
        None => match location {
            "<anonymous>" | "native" | "index 0" => (location, None, None),
            _ if function.is_some() && location.starts_with("index ") => (location, None, None),
            _ => return None,
        },
    };
    // Without a call, only a path with a column is a frame: `at 12:30` in prose is not.
    let is_path = path.contains(['/', '\\', '.', ':']) && !path.contains(" in ") || found.is_none();
    if !is_path || function.is_none() && column.is_none() {
        return None;
    }
    Some(built(function.map(function_name), path, line, column))
}

/// `Foo.bar [as baz] (loc` → `Foo.bar`, `loc`; of an `eval`, only the outermost location is kept.
fn split_call(inner: &str) -> Option<(&str, &str)> {
    let open = inner.find(" (")?;
    let (function, location) = (inner.get(..open)?, inner.get(open + 2..)?);
    let location = match location.strip_prefix("eval at ") {
        Some(nested) => nested
            .rfind('(')
            .and_then(|at| nested.get(at + 1..))
            .and_then(|l| l.split(')').next())
            .unwrap_or(location),
        None => location,
    };
    Some((function, location))
}

fn function_name(printed: &str) -> &str {
    let name = printed.strip_prefix("new ").unwrap_or(printed);
    name.split(" [as ").next().unwrap_or(name).trim()
}

fn built(function: Option<&str>, path: &str, line: Option<u32>, column: Option<u32>) -> Frame {
    let known = !matches!(path, "<anonymous>" | "native" | "[native code]") && !path.starts_with("index ");
    let mut frame = Frame {
        path: known.then(|| path.to_owned()),
        line,
        column,
        function: function.filter(|name| !name.is_empty()).map(str::to_owned),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    frame
}

pub(super) fn trace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let before = before_at(lines.get(anchor.at)).map_or("", |(before, _)| before);
    let prefix = LinePrefix::new(before);
    let (from, head) = headline(lines, anchor, &prefix);
    let mut chain = vec![head];
    let mut at = anchor.at;
    let mut open = false;
    let mut end = at;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        let text = line.trim();
        let cause =
            ["[cause]: ", "Caused by: ", "caused by: "].iter().find_map(|mark| text.strip_prefix(mark));
        if let Some(frame) = frame(line) {
            open |= line.trim_end().ends_with('{');
            if let Some(current) = chain.last_mut().filter(|current| current.frames.len() < MAX_FRAMES) {
                current.frames.push(frame);
            }
        } else if let Some(rest) = cause {
            let (kind, message) = split(rest);
            if chain.len() >= MAX_CHAIN {
                break;
            }
            chain.push(ExceptionInfo { kind, message, frames: Vec::new() });
        } else if open && at - end < 30 && (text.starts_with('}') || line.starts_with(' ')) {
            // Properties between the frames and the cause: `code: 'ENOENT',`.
            open = text != "}" || line.starts_with(' ');
        } else if chain.len() > 1
            && chain.last().is_some_and(|last| last.frames.is_empty())
            && !text.is_empty()
        {
            if let Some(last) = chain.last_mut() {
                last.message.push('\n');
                last.message.push_str(text);
            }
        } else {
            break;
        }
        at += 1;
        end = at;
    }
    FoundTrace::new(Language::JavaScript, chain, from, end).into_iter().collect()
}

fn split(text: &str) -> (String, String) {
    match text.split_once(": ") {
        Some((kind, message)) if !kind.contains(' ') => (kind.to_owned(), message.to_owned()),
        _ if !text.contains(' ') => (text.trim_end_matches(':').to_owned(), String::new()),
        _ => (String::new(), text.to_owned()),
    }
}

/// The type and message above the frames.
fn headline(lines: &TextLines<'_>, anchor: &TraceAnchor, prefix: &LinePrefix) -> (usize, ExceptionInfo) {
    let lowest = anchor.at.saturating_sub(LOOK_BACK).max(anchor.from);
    for at in (lowest..anchor.at).rev() {
        let line = prefix.strip(lines.get(at));
        let text = line.trim();
        if text.starts_with('●') || text.starts_with("⎯⎯") {
            return jest(lines, at, anchor.at);
        }
        if let Some(found) = HEADLINE.as_ref().and_then(|re| re.captures(line.trim_end())) {
            let mut message = found.get(3).map_or("", |text| text.as_str()).to_owned();
            for rest in at + 1..anchor.at {
                let more = prefix.strip(lines.get(rest));
                if is_code_frame(more) {
                    break;
                }
                message.push('\n');
                message.push_str(more.trim_end());
            }
            let kind = found.get(1).map_or("", |kind| kind.as_str()).to_owned();
            return (at, ExceptionInfo { kind, message: message.trim_end().to_owned(), frames: Vec::new() });
        }
    }
    (anchor.at, ExceptionInfo::default())
}

/// The message below `● suite › test`, up to the code frame. An `expect` prints no type.
fn jest(lines: &TextLines<'_>, bullet: usize, frames: usize) -> (usize, ExceptionInfo) {
    let mut message: Vec<&str> = Vec::new();
    for at in bullet + 1..frames {
        let line = lines.get(at);
        if is_code_frame(line) {
            break;
        }
        message.push(line.trim());
    }
    let text = message.join("\n").trim().to_owned();
    let first = text.lines().next().unwrap_or("");
    let found = HEADLINE.as_ref().and_then(|re| re.captures(first));
    let (kind, message) = match found.as_ref().and_then(|found| found.get(1)) {
        Some(kind) if kind.start() == 0 => {
            let rest = text.get(kind.end()..).unwrap_or("").trim_start_matches(':').trim_start();
            (kind.as_str().to_owned(), rest.to_owned())
        }
        _ if text.starts_with("expect(") => ("AssertionError".to_owned(), text.clone()),
        _ => (String::new(), text.clone()),
    };
    (bullet + 1, ExceptionInfo { kind, message, frames: Vec::new() })
}

/// `  > 12 |   expect(x)` and `     |   ^`.
fn is_code_frame(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches('>').trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(digits..).is_some_and(|rest| rest.trim_start().starts_with(['|', '│'])) && line.starts_with(' ')
}

fn gecko_frame(line: &str) -> Option<Frame> {
    if !line.contains('@') {
        return None;
    }
    let found = GECKO.as_ref()?.captures(line)?;
    let name = found.get(1).map_or("", |name| name.as_str());
    let name = name.strip_prefix("async*").unwrap_or(name).trim_end_matches(['/', '<']);
    let number = |group: usize| found.get(group).and_then(|n| n.as_str().parse().ok());
    Some(built(Some(name), found.get(2)?.as_str(), number(3), number(4)))
}

pub(super) fn gecko(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    if gecko_frame(lines.get(anchor.at)).is_none() {
        return Vec::new();
    }
    // A frame without a file (`forEach@[native code]`) or an anonymous one may come before.
    let (from, head) = headline(lines, anchor, &LinePrefix::default());
    let near = anchor.at - from <= 4;
    let (from, mut info) = if near { (from, head) } else { (anchor.at, ExceptionInfo::default()) };
    let mut at = anchor.at;
    while let Some(line) = lines.line(at) {
        if info.frames.len() == UNNUMBERED && info.frames.iter().all(|frame| frame.line.is_none()) {
            return Vec::new();
        }
        match gecko_frame(line) {
            Some(frame) if info.frames.len() < MAX_FRAMES => info.frames.push(frame),
            Some(_) => {}
            None => break,
        }
        at += 1;
    }
    let numbered = info.frames.iter().any(|frame| frame.line.is_some());
    if !numbered {
        return Vec::new();
    }
    FoundTrace::new(Language::JavaScript, vec![info], from, at).into_iter().collect()
}

#[cfg(test)]
#[path = "javascript_tests.rs"]
mod tests;
