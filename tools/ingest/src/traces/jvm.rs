/*!
JVM stack traces (Java, Kotlin, Scala, Groovy, Clojure). The headline with type and message is above the first
frame, possibly after a logger's prefix and over several lines. Causes follow, each with its own frames.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_CHAIN, MAX_FRAMES, TraceAnchor, before_at};
use crate::library;
use crate::text::{LinePrefix, TextLines};

/// Maximum number of message lines between the headline and the first frame.
const MAX_MESSAGE_LINES: usize = 40;

/// A qualified class, or one whose name marks it as an exception, alone or followed by `: message`.
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:>-])((?:[A-Za-z_][\w$]*\.)+[A-Z][\w$]*|[A-Z][\w$]*(?:Exception|Error|Failure|Throwable))(?:: (.*)|:?\s*)$").ok()
});

/// A JVM frame line, with any text before `at`.
pub(super) fn frame(line: &str) -> Option<Frame> {
    let (_, rest) = before_at(line)?;
    let (qualified, tail) = rest.split_once('(')?;
    let location = tail.split(')').next()?;
    let (file, number) = match location {
        "Native Method" | "Unknown Source" | "<generated>" | "<unknown>" | "<Unknown Source>" => (None, None),
        _ => {
            let (file, number) = match location.rsplit_once(':') {
                Some((file, number)) => (file, Some(number.parse::<u32>().ok()?)),
                None => (location, None),
            };
            let extension = file.rsplit_once('.')?.1;
            if !["java", "kt", "kts", "scala", "groovy", "clj", "cljc", "gradle", "sc", "gvy"]
                .contains(&extension)
                || file.contains(['/', '\\', ' '])
            {
                return None;
            }
            (Some(file), number)
        }
    };
    let (class, method) = class_and_method(qualified.trim())?;
    Some(Frame {
        path: file.map(str::to_owned),
        line: number,
        in_app: !library::jvm_class_is_library(class),
        module: Some(class.to_owned()),
        function: Some(method.to_owned()),
        ..Frame::default()
    })
}

/// `java.base/java.util.List.get` and `app//x.Y.z` start with their module or loader; a lambda's class also
/// contains a slash.
fn class_and_method(qualified: &str) -> Option<(&str, &str)> {
    let (class, method) = qualified.rsplit_once('.')?;
    let class = match class.rsplit_once('/') {
        Some((before, after)) if after.starts_with("0x") => before.rsplit('/').next()?,
        Some((_, after)) => after,
        None => class,
    };
    let valid = !class.is_empty() && !method.is_empty() && !class.contains([' ', '(', '"']);
    valid.then_some((class, method))
}

pub(super) fn trace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let before = before_at(lines.get(anchor.at)).map_or("", |(before, _)| before);
    let prefix = LinePrefix::new(before);
    let (from, head) = headline(lines, anchor, &prefix);
    let mut chain = vec![head];
    let mut suppressed: Vec<FoundTrace> = Vec::new();
    let mut in_suppressed = false;
    let mut at = anchor.at;
    let mut end = at;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        let text = line.trim();
        let current = if in_suppressed {
            suppressed.last_mut().and_then(|s| s.trace.exceptions.last_mut())
        } else {
            chain.last_mut()
        };
        let Some(current) = current else { break };
        if let Some(frame) = frame(line) {
            if current.frames.len() < MAX_FRAMES {
                current.frames.push(frame);
            }
        } else if let Some(rest) =
            text.strip_prefix("Caused by: ").or_else(|| text.strip_prefix("Wrapped by: "))
        {
            // The cause of a suppressed exception is indented like that exception.
            let nested = in_suppressed && line.starts_with([' ', '\t']);
            in_suppressed = nested;
            let info = split_headline(rest);
            if nested {
                if let Some(found) =
                    suppressed.last_mut().filter(|found| found.trace.exceptions.len() < MAX_CHAIN)
                {
                    found.trace.exceptions.push(info);
                }
            } else if chain.len() < MAX_CHAIN {
                chain.push(info);
            }
        } else if let Some(rest) = text.strip_prefix("Suppressed: ") {
            in_suppressed = true;
            suppressed.extend(FoundTrace::new(Language::Jvm, vec![split_headline(rest)], at, at + 1));
        } else if is_elision(text) {
        } else if current.frames.is_empty()
            && !text.is_empty()
            && current.message.lines().count() < MAX_MESSAGE_LINES
        {
            current.message.push('\n');
            current.message.push_str(line);
        } else if text.is_empty() && is_cause(prefix.strip(lines.get(at + 1))) {
        } else {
            break;
        }
        at += 1;
        end = at;
    }
    let mut found: Vec<FoundTrace> = FoundTrace::new(Language::Jvm, chain, from, end).into_iter().collect();
    found.append(&mut suppressed);
    found
}

fn is_cause(line: &str) -> bool {
    line.trim_start().starts_with("Caused by: ")
}

fn is_elision(text: &str) -> bool {
    (text.starts_with("... ") && (text.ends_with(" more") || text.contains("common frames omitted")))
        || text == "..."
        || text.starts_with("[CIRCULAR REFERENCE")
        || text.starts_with("- locked <")
        || text.starts_with("- waiting ")
        || text.starts_with("- parking ")
}

fn split_headline(text: &str) -> ExceptionInfo {
    let (kind, message) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
    ExceptionInfo { kind: kind.trim().to_owned(), message: message.to_owned(), frames: Vec::new() }
}

/// The nearest line above the first frame that names an exception; the lines between belong to its message.
fn headline(lines: &TextLines<'_>, anchor: &TraceAnchor, prefix: &LinePrefix) -> (usize, ExceptionInfo) {
    let lowest = anchor.at.saturating_sub(MAX_MESSAGE_LINES).max(anchor.from);
    let mut blanks = 0;
    for at in (lowest..anchor.at).rev() {
        let line = prefix.strip(lines.get(at)).trim_end();
        if line.trim().is_empty() {
            blanks += 1;
            if blanks > 2 {
                break;
            }
            continue;
        }
        if let Some(found) = HEADLINE.as_ref().and_then(|re| re.captures(line)) {
            let kind = found.get(1).map_or("", |kind| kind.as_str());
            let mut message = found.get(2).map_or("", |message| message.as_str()).to_owned();
            for rest in at + 1..anchor.at {
                message.push('\n');
                message.push_str(prefix.strip(lines.get(rest)));
            }
            return (
                at,
                ExceptionInfo {
                    kind: kind.to_owned(),
                    message: message.trim_end().to_owned(),
                    frames: Vec::new(),
                },
            );
        }
    }
    (anchor.at, ExceptionInfo::default())
}

#[cfg(test)]
#[path = "jvm_tests.rs"]
mod tests;
