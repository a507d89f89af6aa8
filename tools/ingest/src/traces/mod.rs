/*!
Finds stack traces anywhere in a text. One multi-pattern search finds the few lines that can belong to a trace
("Traceback", " at ", "panicked at", "#0 " …). Only there does a language's parser look closer, at a bounded number
of lines, so the cost is linear in the size of any text.
*/

mod dotnet;
mod go;
mod javascript;
mod jvm;
mod native;
mod php;
mod pytest;
mod python;
mod ruby;
mod rust;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use millwright_model::{ExceptionInfo, Language, StackTrace};

use super::text::{TextLines, span};

/// Maximum number of frames kept per exception; a runaway recursion prints thousands.
pub(crate) const MAX_FRAMES: usize = 400;
/// Longest message kept, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 8 * 1024;
/// The search stops after this many places that look like a trace but are not.
const MAX_FRUITLESS: usize = 50_000;
/// Maximum number of exceptions kept in a chain.
const MAX_CHAIN: usize = 32;

/// The result of a parser: the trace and the lines `from..to` that it covers.
pub(crate) struct FoundTrace {
    pub trace: StackTrace,
    pub from: usize,
    pub to: usize,
}

impl FoundTrace {
    /// `None` when the trace is empty: no exception, or an exception without type, message and frames.
    pub(crate) fn new(
        language: Language,
        mut exceptions: Vec<ExceptionInfo>,
        from: usize,
        to: usize,
    ) -> Option<Self> {
        exceptions.retain(|e| !(e.kind.is_empty() && e.message.is_empty() && e.frames.is_empty()));
        exceptions.truncate(MAX_CHAIN);
        for exception in &mut exceptions {
            let clipped = super::text::clip(&exception.message, MAX_MESSAGE_BYTES).trim_end().len();
            exception.message.truncate(clipped);
        }
        if exceptions.is_empty() {
            return None;
        }
        Some(Self { trace: StackTrace { language, exceptions, span: Some(span(from, to)) }, from, to })
    }
}

/// `at` is the anchor's line, `from` the first line that no earlier trace covers.
pub(crate) struct TraceAnchor {
    pub at: usize,
    pub column: usize,
    pub from: usize,
}

type Parser = fn(&TextLines<'_>, &TraceAnchor) -> Vec<FoundTrace>;

const ANCHORS: &[(&str, Parser)] = &[
    ("Traceback (most recent call last)", python::traceback),
    ("(most recent call first):", python::fault),
    ("File \"", python::bare),
    ("\nE   ", pytest::section),
    ("\tat ", at_frame),
    ("  at ", at_frame),
    ("\nat ", at_frame),
    ("> at ", at_frame),
    ("@http", javascript::gecko),
    ("@file:", javascript::gecko),
    ("@webpack", javascript::gecko),
    ("@app:", javascript::gecko),
    ("@resource:", javascript::gecko),
    ("@[native code]", javascript::gecko),
    ("panic: ", go::panic),
    ("fatal error: ", go::panic),
    ("goroutine ", go::panic),
    ("WARNING: DATA RACE", go::race),
    ("panicked at ", rust::panic),
    ("stack backtrace:", rust::backtrace),
    ("Stack backtrace:", rust::backtrace),
    (":in `", ruby::backtrace),
    (":in '", ruby::backtrace),
    ("Uncaught ", php::uncaught),
    ("[stacktrace]", php::stacktrace),
    ("Stack trace:", php::stacktrace),
    ("#0 ", numbered),
    ("frame #0: ", native::stack),
    ("Sanitizer: ", native::report),
    ("runtime error: ", native::report),
    ("*** stack smashing detected", native::abort),
    ("double free or corruption", native::abort),
    ("free(): ", native::abort),
    ("malloc(): ", native::abort),
    ("corrupted size vs. prev_size", native::abort),
    ("' failed.", native::abort),
    ("terminate called after", native::abort),
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(ANCHORS.iter().map(|(text, _)| *text))
        .ok()
});

/// Finds up to `limit` traces, in text order.
pub(crate) fn find(lines: &TextLines<'_>, limit: usize) -> Vec<FoundTrace> {
    let mut found: Vec<FoundTrace> = Vec::new();
    let Some(search) = SEARCH.as_ref() else { return found };
    let (mut from, mut line) = (0, 0);
    let (mut tried, mut fruitless) = (None, 0);
    for hit in search.find_iter(lines.text()) {
        let Some((text, parser)) = ANCHORS.get(hit.pattern().as_usize()) else { continue };
        let start = hit.start() + usize::from(text.starts_with('\n'));
        while line + 1 < lines.len() && lines.start(line + 1) <= start {
            line += 1;
        }
        if line < from {
            continue;
        }
        // A parser reads the complete line; a second hit of the same pattern on it adds nothing.
        if tried == Some((line, hit.pattern())) {
            continue;
        }
        tried = Some((line, hit.pattern()));
        let anchor = TraceAnchor { at: line, column: start - lines.start(line), from };
        let before = found.len();
        for one in parser(lines, &anchor) {
            from = from.max(one.to).max(line + 1);
            found.push(one);
        }
        fruitless += usize::from(found.len() == before);
        if fruitless > MAX_FRUITLESS && limit != usize::MAX {
            break;
        }
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    found
}

/// `at …` frames look the same in three language families; the form of the location decides.
fn at_frame(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    let line = lines.get(anchor.at);
    if jvm::frame(line).is_some() {
        jvm::trace(lines, anchor)
    } else if javascript::frame(line).is_some() {
        javascript::trace(lines, anchor)
    } else if dotnet::frame(line).is_some() {
        dotnet::trace(lines, anchor)
    } else {
        Vec::new()
    }
}

/// `#0 …` opens PHP traces and native stacks.
fn numbered(lines: &TextLines<'_>, anchor: &TraceAnchor) -> Vec<FoundTrace> {
    if php::frame(lines.get(anchor.at)).is_some() {
        php::stacktrace(lines, anchor)
    } else {
        native::stack(lines, anchor)
    }
}

/// The white space and logger prefix before `at …`: everything up to the white space where the anchor begins.
pub(crate) fn before_at(line: &str) -> Option<(&str, &str)> {
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix("at ") {
        return Some(("", rest));
    }
    let at = ["\tat ", "  at ", "> at "].iter().filter_map(|text| line.find(text)).min()?;
    let before = line.get(..at + 1)?;
    let before = if before.ends_with('>') { line.get(..at + 2)? } else { before.trim_end() };
    let rest = line.get(at..)?.split_once("at ")?.1;
    Some((before, rest))
}

#[cfg(test)]
pub(crate) fn one(text: &str) -> StackTrace {
    let mut all = find(&TextLines::new(text), 100);
    assert_eq!(
        all.len(),
        1,
        "expected one trace in:\n{text}\nfound {:#?}",
        all.iter().map(|f| &f.trace).collect::<Vec<_>>()
    );
    all.remove(0).trace
}

/// A compact form of a trace for snapshots: `kind: message`, then `path:line module.function` with `*` for in-app.
#[cfg(test)]
pub(crate) fn sketch(trace: &StackTrace) -> String {
    use std::fmt::Write as _;
    let mut out = format!("{:?}", trace.language);
    if let Some(span) = trace.span {
        write!(out, " {}-{}", span.start, span.end).unwrap();
    }
    for exception in &trace.exceptions {
        write!(out, "\n{}: {}", exception.kind, exception.message.replace('\n', "⏎")).unwrap();
        for frame in &exception.frames {
            let mark = if frame.in_app { '*' } else { ' ' };
            write!(out, "\n {mark} {}", frame.path.as_deref().unwrap_or("-")).unwrap();
            if let Some(line) = frame.line {
                write!(out, ":{line}").unwrap();
            }
            if let Some(column) = frame.column {
                write!(out, ":{column}").unwrap();
            }
            write!(out, " {}", frame.module.as_deref().unwrap_or("-")).unwrap();
            write!(out, " {}", frame.function.as_deref().unwrap_or("-")).unwrap();
            if let Some(context) = &frame.context_line {
                write!(out, " | {context}").unwrap();
            }
        }
    }
    out
}
