/*!
.NET traces. The headline joins outer and inner exceptions with `--->`. The frames of the innermost exception come
first, and a separator line ends the frames of each exception. The chain is converted to the common order.
*/

use std::sync::LazyLock;

use millwright_model::{ExceptionInfo, Frame, Language};
use regex::Regex;

use super::{FoundTrace, MAX_CHAIN, MAX_FRAMES, TraceAnchor, before_at};
use crate::library;
use crate::text::{LinePrefix, TextLines};

const LOOK_BACK: usize = 30;

static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^ in (.+?):(?:line |Zeile |ligne |línea |行 ?)?(\d+)\s*$").ok());
static HEADLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:>])((?:[A-Za-z_]\w*\.)+[A-Z]\w*(?:`\d+)?|[A-Z]\w*Exception)(?: \([^)]*\))?(?:: (.*)|:?\s*)$").ok()
});

pub(super) fn frame(line: &str) -> Option<Frame> {
    let (_, rest) = before_at(line)?;
    let open = rest.find('(')?;
    let close = open + matching_close(rest.get(open..)?)?;
    let (path, number) = match rest.get(close + 1..).map(str::trim_end) {
        None | Some("") => (None, None),
        Some(tail) => {
            let found = PLACE.as_ref()?.captures(tail)?;
            (Some(found.get(1)?.as_str()), found.get(2)?.as_str().parse().ok())
        }
    };
    let qualified = rest.get(..open)?.trim();
    if !qualified.contains('.') || qualified.contains([' ', '"', '/', '\\', ':']) || qualified.ends_with('.')
    {
        return None;
    }
    let (class, function) = class_and_method(qualified);
    let library = library::dotnet_class_is_library(class) || path.is_some_and(library::path_is_library);
    Some(Frame {
        path: path.map(str::to_owned),
        line: number,
        function: Some(function),
        module: Some(class.to_owned()),
        in_app: !library,
        ..Frame::default()
    })
}

fn matching_close(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Removes generic arguments; the compiler's `<PlaceAsync>d__4.MoveNext` becomes `PlaceAsync`.
fn class_and_method(qualified: &str) -> (&str, String) {
    let bare = qualified.split('[').next().unwrap_or(qualified);
    if let Some((class, rest)) = bare.split_once(".<").or_else(|| bare.split_once("+<"))
        && let Some((method, _)) = rest.split_once('>')
        && !method.is_empty()
    {
        return (class.trim_end_matches("+<>c"), method.to_owned());
    }
    let split = if let Some(class) = bare.strip_suffix("..ctor") {
        Some((class, ".ctor"))
    } else if let Some(class) = bare.strip_suffix("..cctor") {
        Some((class, ".cctor"))
    } else {
        bare.rsplit_once('.')
    };
    let (class, method) = split.unwrap_or(("", bare));
    (class, method.to_owned())
}

pub(super) fn trace(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let before = before_at(lines.get(anchor.at)).map_or("", |(before, _)| before);
    let prefix = LinePrefix::new(before);
    let (from, mut chain) = headline(lines, anchor, &prefix);
    if chain.is_empty() {
        chain.push(ExceptionInfo::default());
    }
    let mut owner = chain.len() - 1;
    let mut at = anchor.at;
    let mut framed = 0;
    while let Some(raw) = lines.line(at) {
        let line = prefix.strip(raw);
        let text = line.trim();
        if let Some(frame) = frame(line) {
            framed += 1;
            if let Some(current) = chain.get_mut(owner).filter(|current| current.frames.len() < MAX_FRAMES) {
                current.frames.push(frame);
            }
        } else if text.starts_with("---> ") && owner > 0 {
            break;
        } else if text.starts_with("--- End of inner exception") {
            owner = owner.saturating_sub(1);
        } else if !text.starts_with("--- End of stack trace") {
            break;
        }
        at += 1;
    }
    // A single `at Foo.Bar()` in prose is not a trace.
    if framed < 2
        && chain.iter().all(|e| e.kind.is_empty())
        && !chain.iter().flat_map(|e| &e.frames).any(|f| f.line.is_some())
    {
        return Vec::new();
    }
    FoundTrace::new(Language::DotNet, chain, from, at).into_iter().collect()
}

fn headline(lines: &TextLines<'_>, anchor: &TraceAnchor, prefix: &LinePrefix) -> (usize, Vec<ExceptionInfo>) {
    let lowest = anchor.at.saturating_sub(LOOK_BACK).max(anchor.from);
    for at in (lowest..anchor.at).rev() {
        let line = prefix.strip(lines.get(at)).trim_end();
        if line.trim().is_empty() {
            break;
        }
        if line.trim_start().starts_with("---> ") {
            continue;
        }
        let outer = line.split(" ---> ").next().unwrap_or(line);
        if HEADLINE.as_ref().is_some_and(|re| re.is_match(outer)) {
            let mut text = line.to_owned();
            for rest in at + 1..anchor.at {
                text.push('\n');
                text.push_str(prefix.strip(lines.get(rest)).trim_end());
            }
            let chain = text
                .split("---> ")
                .take(MAX_CHAIN)
                .map(|part| split(part.trim().trim_start_matches("(Inner Exception #0) ")))
                .collect();
            return (at, chain);
        }
    }
    (anchor.at, Vec::new())
}

fn split(part: &str) -> ExceptionInfo {
    let (first, rest) = part.split_once('\n').unwrap_or((part, ""));
    let found = HEADLINE.as_ref().and_then(|re| re.captures(first));
    let (kind, message) = match &found {
        Some(found) => (found.get(1).map_or("", |k| k.as_str()), found.get(2).map_or("", |m| m.as_str())),
        None => ("", first),
    };
    let message = if rest.is_empty() { message.to_owned() } else { format!("{message}\n{rest}") };
    ExceptionInfo { kind: kind.to_owned(), message: message.trim().to_owned(), frames: Vec::new() }
}

#[cfg(test)]
#[path = "dotnet_tests.rs"]
mod tests;
