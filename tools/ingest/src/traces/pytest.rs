/*!
pytest's own traceback format: source blocks with `>` at the current line and `E` before the message, or the short
form `path:line: in function`. This module is here and not with the test names, because the format is a stack
trace.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_FRAMES, TraceAnchor, python};
use crate::library;
use crate::text::TextLines;

/// Maximum distance of the section's headline above the first `E` line.
const LOOK_BACK: usize = 300;

static LOCATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([^\s:][^:\n]*\.pyx?|<[^>]+>):(\d+): ?(?:in (.+?)|([\w.]+))?\s*$").ok());
static DEFINITION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(?:async )?def (\w+)").ok());

pub(super) fn section(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    if lines.get(anchor.at).trim() == "E" {
        return Vec::new();
    }
    let lowest = anchor.at.saturating_sub(LOOK_BACK).max(anchor.from);
    let from = (lowest..anchor.at)
        .rev()
        .find(|at| is_headline(lines.get(*at)))
        .unwrap_or_else(|| contiguous(lines, lowest, anchor.at));
    let mut exceptions: Vec<ExceptionInfo> = Vec::new();
    let mut current = ExceptionInfo::default();
    let mut block = Block::default();
    let mut at = from;
    let mut end = anchor.at + 1;
    while let Some(line) = lines.line(at) {
        let headline = is_headline(line) || line.starts_with("=====");
        if at > anchor.at && (headline || line.starts_with("-----")) {
            break;
        }
        if let Some(rest) = line.strip_prefix('E').filter(|rest| rest.starts_with("  ") || rest.is_empty()) {
            block.message.push(rest.strip_prefix("   ").unwrap_or(rest).trim_end());
            end = at + 1;
        } else if let Some(found) = location(line) {
            end = at + 1;
            let short = found.function.is_some();
            let mut frame = found;
            if short {
                frame.context_line = short_context(lines, at + 1);
            } else {
                frame.function = block.function.take().map(str::to_owned);
                frame.context_line = block.context.take().map(str::to_owned);
            }
            if current.frames.len() < MAX_FRAMES {
                current.frames.push(frame);
            }
            block.function = None;
        } else if line.starts_with("During handling of the above")
            || line.starts_with("The above exception was")
        {
            exceptions.push(finish(std::mem::take(&mut current), &mut block));
        } else if let Some(context) = line.strip_prefix('>') {
            block.context = Some(context.trim());
        } else if block.function.is_none()
            && let Some(name) =
                DEFINITION.as_ref().and_then(|re| re.captures(line)).and_then(|found| found.get(1))
        {
            block.function = Some(name.as_str());
        } else if at > anchor.at && at - end > 60 {
            break;
        }
        at += 1;
    }
    exceptions.push(finish(current, &mut block));
    exceptions.reverse();
    FoundTrace::new(Language::Python, exceptions, from, end).into_iter().collect()
}

#[derive(Default)]
struct Block<'t> {
    function: Option<&'t str>,
    context: Option<&'t str>,
    message: Vec<&'t str>,
}

fn finish(mut info: ExceptionInfo, block: &mut Block<'_>) -> ExceptionInfo {
    let mut message = std::mem::take(&mut block.message);
    // The message is indented like the source line above it.
    let margin = message.first().map_or(0, |line| line.len() - line.trim_start().len());
    for line in &mut message {
        let spaces = line.len() - line.trim_start().len();
        *line = line.get(spaces.min(margin)..).unwrap_or("");
    }
    let first = message.first().copied().unwrap_or("");
    match python::exception_line(first)
        .filter(|(kind, _)| kind.chars().any(char::is_uppercase) || kind.contains('.'))
    {
        Some((kind, text)) => {
            info.kind = kind.to_owned();
            info.message =
                std::iter::once(text).chain(message.iter().skip(1).copied()).collect::<Vec<_>>().join("\n");
        }
        None => {
            // A bare `assert` prints no type.
            if first.starts_with("assert ") {
                "AssertionError".clone_into(&mut info.kind);
            }
            info.message = message.join("\n");
        }
    }
    info.frames.reverse();
    info
}

fn is_headline(line: &str) -> bool {
    line.starts_with("____") && line.ends_with("____") && line.contains(' ') && !line.contains("_ _ _")
}

/// First line of the block that contains the `E` line, if there is no headline.
fn contiguous(lines: &TextLines<'_>, lowest: usize, at: usize) -> usize {
    (lowest..at)
        .rev()
        .take(60)
        .find(|up| lines.get(*up).trim().is_empty())
        .map_or(at.min(lowest.max(at.saturating_sub(60))), |blank| blank + 1)
}

fn short_context(lines: &TextLines<'_>, at: usize) -> Option<String> {
    let line = lines.line(at)?;
    (line.starts_with("    ") && location(line).is_none()).then(|| line.trim().to_owned())
}

fn location(line: &str) -> Option<Frame> {
    if !line.contains(".py") && !line.starts_with('<') {
        return None;
    }
    let found = LOCATION.as_ref()?.captures(line)?;
    let mut frame = Frame {
        path: Some(found.get(1)?.as_str().to_owned()),
        line: found.get(2)?.as_str().parse().ok(),
        function: found.get(3).map(|name| name.as_str().to_owned()),
        ..Frame::default()
    };
    library::judge_by_path(&mut frame);
    Some(frame)
}

#[cfg(test)]
#[path = "pytest_tests.rs"]
mod tests;
