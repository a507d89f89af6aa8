/*!
Ruby backtraces in both quoting styles (`in 'm'`, with a backtick up to 3.3, and with the class in front since
3.4), as printed by the interpreter, Rails, RSpec and loggers.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_CHAIN, MAX_FRAMES, TraceAnchor};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Maximum number of message lines between its first line and the first `from`.
const MAX_MESSAGE_LINES: usize = 14;

/// Indentation and marks before the path, then path, line, function, and the text after the frame.
static FRAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"([^\s'`:]+|[A-Za-z]:[^\s'`:]+):(\d+):in [`']([^'\n]+)'(?:: (.*))?\s*$").ok()
});
static KIND: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.*?) ?\(([A-Z]\w*(?:::[A-Z]\w*)*)\)\s*$").ok());
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:])([A-Z]\w*(?:::[A-Z]\w*)*(?:Error|Exception|Invalid|NotFound|Timeout|Interrupt|Missing|Denied)?)(?: \((.*)\))?:(?: (.*))?$").ok()
});

struct Parsed<'t> {
    frame: Frame,
    before: &'t str,
    message: Option<&'t str>,
}

fn frame(line: &str) -> Option<Parsed<'_>> {
    let found = FRAME.as_ref()?.captures(line)?;
    let before = line.get(..found.get(1)?.start())?;
    let name = found.get(3)?.as_str();
    let (class, function) = match name.rsplit_once(['#', '.']) {
        Some((class, function)) if class.starts_with(char::is_uppercase) => (Some(class), function),
        _ => (None, name),
    };
    let mut frame = Frame {
        path: Some(found.get(1)?.as_str().to_owned()),
        line: found.get(2)?.as_str().parse().ok(),
        function: Some(function.to_owned()),
        module: class.map(str::to_owned),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    Some(Parsed { frame, before, message: found.get(4).map(|message| message.as_str()) })
}

pub(super) fn backtrace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let Some(first) = frame(lines.get(anchor.at)) else { return Vec::new() };
    let prefix = LinePrefix::new(first.before.trim_end_matches("from ").trim_end_matches(['#', ' ', '\t']));
    let (from, mut info) = match first.message {
        Some(_) => (anchor.at, ExceptionInfo::default()),
        None => headline(lines, anchor, &prefix),
    };
    let mut chain: Vec<ExceptionInfo> = Vec::new();
    let mut at = anchor.at;
    let mut end = at;
    while let Some(line) = lines.line(at) {
        let Some(parsed) = frame(line) else {
            // error_highlight and did_you_mean print code below the message; Rails prints a blank line.
            if info.frames.len() == 1 && at - end < MAX_MESSAGE_LINES && continues(lines, at) {
                if let Some((message, kind)) = closing_kind(line).filter(|_| info.kind.is_empty()) {
                    info.message = format!("{}\n{message}", info.message);
                    info.kind = kind.to_owned();
                }
                at += 1;
                continue;
            }
            break;
        };
        if let Some(text) = parsed.message {
            if !info.frames.is_empty() {
                if chain.len() + 1 >= MAX_CHAIN {
                    break;
                }
                chain.push(std::mem::take(&mut info));
            }
            match closing_kind(text) {
                Some((message, kind)) => (info.kind, info.message) = (kind.to_owned(), message.to_owned()),
                None => text.clone_into(&mut info.message),
            }
        }
        if info.frames.len() < MAX_FRAMES {
            info.frames.push(parsed.frame);
        }
        at += 1;
        end = at;
    }
    chain.push(info);
    FoundTrace::new(Language::Ruby, chain, from, end).into_iter().collect()
}

/// `undefined method 'x' for nil (NoMethodError)`.
fn closing_kind(text: &str) -> Option<(&str, &str)> {
    let found = KIND.as_ref()?.captures(text)?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
}

/// Whether frames follow within a few lines, so that the lines before them belong to the message.
fn continues(lines: &TextLines<'_>, at: usize) -> bool {
    (at..at + MAX_MESSAGE_LINES).any(|ahead| {
        let line = lines.get(ahead).trim_start();
        line.starts_with("from ") && line.contains(":in ")
    })
}

fn headline(lines: &TextLines<'_>, anchor: &TraceAnchor, prefix: &LinePrefix) -> (usize, ExceptionInfo) {
    let lowest = anchor.at.saturating_sub(6).max(anchor.from);
    for at in (lowest..anchor.at).rev() {
        let line = prefix.strip(lines.get(at)).trim_end();
        let Some(found) = HEADLINE.as_ref().and_then(|re| re.captures(line)) else { continue };
        let kind = found.get(1).map_or("", |kind| kind.as_str());
        let mut message =
            found.get(2).or_else(|| found.get(3)).map_or("", |text| text.as_str()).trim().to_owned();
        if message.is_empty() {
            let below: Vec<&str> = (at + 1..anchor.at)
                .map(|line| lines.get(line).trim())
                .filter(|line| !line.is_empty())
                .collect();
            message = below.join("\n");
        }
        return (at, ExceptionInfo { kind: kind.to_owned(), message, frames: Vec::new() });
    }
    (anchor.at, ExceptionInfo::default())
}

#[cfg(test)]
#[path = "ruby_tests.rs"]
mod tests;
