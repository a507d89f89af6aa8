/*!
What a failing replay shows, for comparison with a ticket: its exceptions, the lines that report a problem, and its
exit.
*/

use std::sync::LazyLock;

use regex::Regex;

use super::overlap::{self, TellingWords};
use super::{RunEnding, exception_name};
use crate::signature::OutputSignature;
use crate::text::{TextLines, clip};
use crate::{decode, failing, fingerprint, prose, traces};

/// Number of output lines read from the start, and from the end.
const MAX_LINES: usize = 2000;
/// Number of lines at the end that may say why a script stopped.
const ENDING: usize = 25;
const MAX_EXCEPTIONS: usize = 100;
/// How many bytes of a line are read.
const MAX_LINE: usize = 1000;

/// Words with which a script reports an unexpected result.
static COMPLAINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:fail(?:s|ed|ure|ing)?|wrong|errors?|expect(?:s|ed)?|unexpected|mismatch|assert\w*|not ok|got|cannot|can't|could not|unable|illegal|denied|refused|not found|no such|invalid|missing|bad|differs?|different|broken|should|exception|panic(?:ked)?|abort(?:ed)?|fatal|incorrect|warning|bug|crash(?:ed)?|instead of|undefined|no longer)\b|!=|✗|✕|×|^E  ").ok()
});
static CRASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)segmentation fault|\bSIGSEGV\b|\bSIGABRT\b|\bSIGBUS\b|\bSIGFPE\b|\bSIGILL\b|core dumped|AddressSanitizer|stack smashing|double free|Bus error|Floating point exception|Illegal instruction").ok()
});

/// Perl's format for errors and warnings.
static PERL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\S.{2,300}?) at \S+ line \d+(?:, <\w+> (?:line|chunk) \d+)?\.$").ok());

pub(super) struct SeenException {
    pub kind: String,
    pub message: String,
    /// Our own functions, crash site first.
    pub functions: Vec<String>,
}

pub(super) struct ObservedFailure {
    pub exceptions: Vec<SeenException>,
    /// The signal of a crash, from the exit status or from the output.
    pub crash: Option<i32>,
    /// Function names of the failing tests.
    pub tests: Vec<String>,
    /// Words of exceptions, assertions and complaints.
    pub vocabulary: TellingWords,
    /// Words of the exceptions' messages only.
    pub said: TellingWords,
    complaint: Option<String>,
    /// Whether the exceptions come from traces; a line that a script prints may only look like an exception.
    is_traced: bool,
    /// All lines, normalised.
    lines: Vec<String>,
}

impl ObservedFailure {
    pub(super) fn read(seen: &OutputSignature, ending: RunEnding, output: &str) -> Self {
        let decoded = decode::decode(output.as_bytes());
        let lines = TextLines::new(&decoded.text);
        let found = traces::find(&lines, MAX_EXCEPTIONS);
        let tests = failing::find(&lines);
        let (mut vocabulary, mut said) = (TellingWords::default(), TellingWords::default());
        let mut exceptions: Vec<SeenException> = Vec::new();
        for error in found.iter().flat_map(|one| &one.trace.exceptions).take(MAX_EXCEPTIONS) {
            vocabulary.add(error.message.lines().take(6).collect::<Vec<_>>().join("\n").as_str());
            said.add(error.message.lines().next().unwrap_or(""));
            for frame in error.frames.iter().filter(|frame| frame.in_app) {
                vocabulary.add(frame.function.as_deref().unwrap_or(""));
                if fingerprint::is_test_frame(frame) || error.frames.len() <= 2 {
                    vocabulary.add(frame.context_line.as_deref().unwrap_or(""));
                }
            }
            exceptions.push(SeenException {
                kind: exception_name(&error.kind),
                message: error.message.clone(),
                functions: functions(error),
            });
        }
        let is_traced = !exceptions.is_empty();
        if exceptions.is_empty() {
            for error in prose::read(&lines, &[], &[]).errors.into_iter().take(20) {
                vocabulary.add(&error.message);
                exceptions.push(SeenException {
                    kind: error.kind.as_deref().map(exception_name).unwrap_or_default(),
                    message: error.message,
                    functions: Vec::new(),
                });
            }
        }
        let ending_lines: Vec<&str> = ending_lines(&lines);
        if exceptions.is_empty() {
            let died =
                ending_lines.iter().filter_map(|line| PERL.as_ref()?.captures(clip(line, MAX_LINE))?.get(1));
            for message in died.map(|found| found.as_str().to_owned()) {
                vocabulary.add(&message);
                exceptions.push(SeenException { kind: String::new(), message, functions: Vec::new() });
            }
        }
        let complaints: Vec<&str> = ending_lines.iter().copied().filter(|line| is_complaint(line)).collect();
        if !is_traced || exceptions.iter().all(|seen| is_assertion(&seen.kind)) {
            complaints.iter().for_each(|line| vocabulary.add(line));
            if !complaints.is_empty() {
                // The cause is often on a line next to the one that reports the problem.
                ending_lines.iter().rev().take(6).for_each(|line| vocabulary.add(line));
            }
        }
        let mut names: Vec<String> =
            tests.tests.iter().filter_map(|test| test.function.clone()).take(MAX_EXCEPTIONS).collect();
        names.extend(seen.tests.iter().map(|id| leaf(id).to_owned()));
        names.iter().for_each(|name| vocabulary.add(name));
        Self {
            crash: ending
                .signal()
                .filter(|signal| is_crash(*signal))
                .or_else(|| ending_lines.iter().find_map(|line| crash_in(line))),
            complaint: complaints.last().map(|line| clip(line.trim(), MAX_LINE).to_owned()),
            lines: normalised(&lines),
            exceptions,
            is_traced,
            tests: names,
            said,
            vocabulary,
        }
    }

    /// Whether the output contains a text, ignoring spaces, case and quotation marks.
    pub(super) fn prints(&self, message: &str) -> bool {
        let first = message.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        let wanted = normalise(clip(first, 160));
        let letters = wanted.chars().filter(|c| c.is_alphabetic()).count();
        if wanted.len() < 5 || letters < 3 && wanted.len() < 8 {
            return false;
        }
        self.lines.iter().any(|line| line.contains(&wanted))
    }

    /// The largest share of a message's words that one line, or two consecutive lines, contain.
    pub(super) fn best_line(&self, words: &[String]) -> f64 {
        let Some(rarest) = words.iter().max_by_key(|word| word.len()) else { return 0.0 };
        let lines = self.lines.iter().filter(|line| line.contains(rarest.as_str()));
        lines.map(|line| overlap::share_in(words, line)).fold(0.0, f64::max)
    }

    /// Whether the replay fails by its own assertion or complaint, and not by an exception of the program.
    pub(super) fn is_assertion(&self) -> bool {
        self.crash.is_none()
            && (!self.is_traced || self.exceptions.iter().all(|seen| is_assertion(&seen.kind)))
    }

    /// The failure in one line; `None` when the run shows nothing.
    pub(super) fn told(&self) -> Option<String> {
        if let Some(signal) = self.crash {
            return Some(format!("the process ends by signal {signal}"));
        }
        let error = self.exceptions.iter().find(|seen| !seen.kind.is_empty() || !seen.message.is_empty());
        let told = error.map(|seen| {
            let message = seen.message.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
            match (seen.kind.is_empty(), message.is_empty()) {
                (true, _) => message.to_owned(),
                (false, true) => seen.kind.clone(),
                (false, false) => format!("{}: {message}", seen.kind),
            }
        });
        told.or_else(|| self.complaint.clone())
    }
}

/// Our own functions on the stack of an exception, crash site first; skips anonymous ones.
pub(super) fn functions(error: &millwright_model::ExceptionInfo) -> Vec<String> {
    let named =
        error.frames.iter().filter(|frame| frame.in_app).filter_map(|frame| frame.function.as_deref());
    let mut out: Vec<String> = Vec::new();
    for name in named {
        let name = leaf(name.split_whitespace().next().unwrap_or(name)).to_owned();
        let telling = name.chars().filter(|c| c.is_alphabetic()).count() >= 3
            && !name.starts_with('<')
            && !matches!(
                name.as_str(),
                "main" | "anonymous" | "eval" | "run" | "call" | "execute" | "__init__" | "wrapper"
            );
        if telling && !out.contains(&name) && out.len() < 40 {
            out.push(name);
        }
    }
    out
}

fn leaf(name: &str) -> &str {
    name.rsplit(['.', ':', '#', '/', ' ']).next().unwrap_or(name)
}

pub(super) fn is_assertion(kind: &str) -> bool {
    kind.contains("Assert")
        || kind.contains("Comparison")
        || matches!(kind, "" | "Failed" | "panic" | "Error" | "Exception" | "RuntimeError" | "SystemExit")
}

fn is_complaint(line: &str) -> bool {
    COMPLAINT.as_ref().is_some_and(|complaint| complaint.is_match(clip(line, MAX_LINE)))
}

fn ending_lines<'t>(lines: &TextLines<'t>) -> Vec<&'t str> {
    let told = (0..lines.len()).rev().map(|at| lines.get(at)).filter(|line| !line.trim().is_empty());
    let mut out: Vec<&str> = told.take(ENDING).collect();
    out.reverse();
    out
}

/// Signals that a program gets because of its own fault.
fn is_crash(signal: i32) -> bool {
    matches!(signal, 4..=8 | 11 | 31)
}

pub(super) fn is_memory_fault(signal: i32) -> bool {
    matches!(signal, 6 | 7 | 11)
}

/// The signal named in a text.
pub(super) fn crash_in(text: &str) -> Option<i32> {
    let found = CRASH.as_ref()?.find(clip(text, MAX_LINE))?.as_str().to_ascii_lowercase();
    Some(match found.as_str() {
        "sigabrt" | "stack smashing" | "double free" => 6,
        "sigbus" | "bus error" => 7,
        "sigfpe" | "floating point exception" => 8,
        "sigill" | "illegal instruction" => 4,
        _ => 11,
    })
}

fn normalised(lines: &TextLines<'_>) -> Vec<String> {
    let tail = lines.len().saturating_sub(MAX_LINES);
    let all = (0..lines.len().min(MAX_LINES)).chain(tail.max(MAX_LINES)..lines.len());
    all.map(|at| normalise(clip(lines.get(at), MAX_LINE))).filter(|line| !line.is_empty()).collect()
}

/// Lower case, single spaces, one kind of quotation mark, and no punctuation at the ends.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '"' | '`' | '\u{2018}' | '\u{2019}' | '\u{201C}' | '\u{201D}' | '\u{201E}' => '\'',
            other => other,
        }));
    }
    out.trim_matches(|c: char| matches!(c, '\'' | '.' | ',' | ';' | ' ')).to_owned()
}
