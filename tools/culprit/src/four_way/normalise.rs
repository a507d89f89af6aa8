/*!
Reduces an output to the parts that do not change between two runs or two revisions: removes addresses, temporary
paths, process numbers, durations of test runners, today's times, line numbers and frames of stack traces. Messages
stay as they are, because they are behaviour. The parser is written by hand, one pass per line, because outputs are
long and hostile.
*/

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::types::{ExecutionEnding, FourWayObservation};

/// Maximum number of bytes that are compared of an output.
const MAX_OUTPUT: usize = 256 * 1024;

/// An observation in the form that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ComparableObservation {
    pub(super) output: String,
    pub(super) ending: ExecutionEnding,
    pub(super) files: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Normaliser {
    /// Paths of checkouts, longest first.
    roots: Vec<String>,
    /// Yesterday, today and tomorrow as dates in text form.
    days: Vec<String>,
    now_s: u64,
}

impl Normaliser {
    pub(super) fn new(mut roots: Vec<String>, now: SystemTime) -> Self {
        roots.retain(|root| root.len() > 1);
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        let now_s = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let days = [now_s.saturating_sub(86_400), now_s, now_s + 86_400].iter().map(|s| day(*s)).collect();
        Self { roots, days, now_s }
    }

    pub(super) fn comparable(&self, observation: &FourWayObservation) -> ComparableObservation {
        // The output before a time or memory limit depends on the machine's speed.
        let cut = matches!(observation.ending, ExecutionEnding::TimedOut | ExecutionEnding::Limit);
        let ending = match observation.ending {
            // A shell reports a child's signal as a status.
            ExecutionEnding::Signal(signal) => ExecutionEnding::Status(128 + signal),
            other => other,
        };
        let output = if cut { String::new() } else { self.text(&observation.output) };
        let files = if cut { Vec::new() } else { observation.files.clone().into_iter().collect() };
        ComparableObservation { output, ending, files }
    }

    pub(super) fn text(&self, output: &str) -> String {
        let mut end = output.len().min(MAX_OUTPUT);
        while !output.is_char_boundary(end) {
            end -= 1;
        }
        let mut text = output.get(..end).unwrap_or_default().replace("\r\n", "\n");
        for root in &self.roots {
            text = text.replace(root.as_str(), "<checkout>");
        }
        let mut out = String::with_capacity(text.len());
        let mut lines = text.lines().peekable();
        let mut in_python_frame = false;
        while let Some(line) = lines.next() {
            let trimmed = line.trim_start();
            if is_frame(line, trimmed) {
                in_python_frame = trimmed.starts_with("File \"");
                continue;
            }
            // The source line under a Python frame.
            if in_python_frame && line.starts_with("    ") {
                continue;
            }
            in_python_frame = false;
            // Node shows file:line, the source line and a caret before the error.
            if is_source_position(trimmed) && lines.peek().is_some() {
                lines.next();
                if lines.peek().is_some_and(|caret| caret.trim().chars().all(|c| c == '^')) {
                    lines.next();
                }
                continue;
            }
            out.push_str(&self.line(line));
            out.push('\n');
        }
        out
    }

    fn line(&self, line: &str) -> String {
        let mut line = ruby_prefix(line).to_owned();
        if is_runner_summary(&line) {
            line = without_durations(&line);
        }
        if line.contains("ERROR: AddressSanitizer") || line.contains("Sanitizer:") {
            line = line.split(" on ").next().unwrap_or_default().to_owned();
        }
        for day in &self.days {
            while let Some(at) = line.find(day.as_str()) {
                let rest = line.get(at + day.len()..).unwrap_or_default();
                let time = rest.bytes().take_while(|b| b.is_ascii_digit() || b":.TZ+-".contains(b)).count();
                line.replace_range(at..at + day.len() + time, "<now>");
            }
        }
        self.words(&line)
    }

    /// Replaces addresses, temporary paths, `line 12`, `file.py:12:3`, and the current time in seconds.
    fn words(&self, line: &str) -> String {
        let bytes = line.as_bytes();
        let mut out = String::with_capacity(line.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = line.get(at..).unwrap_or_default();
            let fresh = at == 0 || !bytes.get(at - 1).is_some_and(|b| b.is_ascii_alphanumeric());
            if fresh && rest.starts_with("0x") {
                let digits = rest.bytes().skip(2).take_while(u8::is_ascii_hexdigit).count();
                if digits >= 6 {
                    out.push_str("0x…");
                    at += 2 + digits;
                    continue;
                }
            }
            if rest.starts_with("/tmp/") || rest.starts_with("/var/tmp/") {
                let length =
                    rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(b)).count();
                out.push_str("<tmp>");
                at += length;
                continue;
            }
            if fresh && rest.starts_with("line ") && names_position(&out) {
                let digits = rest.bytes().skip(5).take_while(u8::is_ascii_digit).count();
                if digits > 0 {
                    out.push_str("line …");
                    at += 5 + digits;
                    continue;
                }
            }
            if rest.starts_with(':') && ends_with_file(&out) {
                let digits = position_length(rest);
                if digits > 0 {
                    out.push_str(":…");
                    at += digits;
                    continue;
                }
            }
            if fresh && rest.starts_with("==") {
                let digits = rest.bytes().skip(2).take_while(u8::is_ascii_digit).count();
                if digits > 0 && rest.get(2 + digits..).is_some_and(|rest| rest.starts_with("==")) {
                    out.push_str("==…==");
                    at += digits + 4;
                    continue;
                }
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if fresh && digits > 0 {
                let number = rest.get(..digits).unwrap_or_default();
                out.push_str(if self.is_now(number) { "<now>" } else { number });
                at += digits;
                continue;
            }
            let Some(c) = rest.chars().next() else { break };
            out.push(c);
            at += c.len_utf8();
        }
        out
    }

    /// Whether a number is the current time, in seconds or milliseconds.
    fn is_now(&self, number: &str) -> bool {
        let seconds = match (number.len(), number.parse::<u64>()) {
            (10, Ok(value)) => value,
            (13, Ok(value)) => value / 1000,
            _ => return false,
        };
        self.now_s.abs_diff(seconds) < 86_400
    }
}

fn is_frame(line: &str, trimmed: &str) -> bool {
    let indented = line.len() != trimmed.len();
    (indented && trimmed.starts_with("at ") && (trimmed.contains('(') || trimmed.contains(':')))
        || (indented && trimmed.starts_with("from ") && trimmed.contains(':'))
        || (trimmed.starts_with("File \"") && trimmed.contains(", line "))
        || (trimmed.starts_with('#')
            && trimmed.get(1..2).is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()))
            && trimmed.contains(" 0x"))
        || (indented && trimmed.starts_with("0x") && trimmed.contains(": "))
        || (trimmed.starts_with("goroutine ") && trimmed.ends_with("]:"))
        || (line.starts_with('\t') && trimmed.contains(".go:"))
        || (indented && !trimmed.is_empty() && trimmed.chars().all(|c| matches!(c, '^' | '~' | ' ')))
        || (trimmed.starts_with("... ") && trimmed.ends_with(" more"))
        || trimmed.starts_with("Node.js v")
}

/// `/a/b.js:12` or `file:///a/b.mjs:3` alone on a line.
fn is_source_position(line: &str) -> bool {
    let Some((path, number)) = line.rsplit_once(':') else { return false };
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && !path.contains(' ')
        && (ends_with_file(path) || path == "[eval]" || path == "evalmachine.<anonymous>")
}

/// `lib/a.rb:12:in 'f': message` → `message`.
fn ruby_prefix(line: &str) -> &str {
    line.split_once(":in `").or_else(|| line.split_once(":in '")).map_or(line, |(before, after)| {
        let position = before
            .rsplit_once(':')
            .is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if position { after.split_once("': ").map_or("", |(_, message)| message) } else { line }
    })
}

fn is_runner_summary(line: &str) -> bool {
    [
        "passed",
        "failed",
        "Ran ",
        "Finished in",
        "Time:",
        "duration",
        "ok  ",
        "FAIL\t",
        "ok\t",
        "--- ",
        "elapsed",
        "tests",
        "ran in",
    ]
    .iter()
    .any(|part| line.contains(part))
}

/// `in 0.03s` → `in …s`.
fn without_durations(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut digits = String::new();
    for c in line.chars() {
        if c.is_ascii_digit() || (c == '.' && !digits.is_empty()) {
            digits.push(c);
        } else {
            let decimal = digits.contains('.') && digits.bytes().filter(|b| *b == b'.').count() == 1;
            out.push_str(if decimal { "…" } else { &digits });
            digits.clear();
            out.push(c);
        }
    }
    out.push_str(if digits.contains('.') { "…" } else { &digits });
    out
}

/// Whether text ends in a path of a source file.
fn ends_with_file(text: &str) -> bool {
    let name = text.rsplit(|c: char| c.is_whitespace() || "\"'(<[/".contains(c)).next().unwrap_or_default();
    super::token::TokenLanguage::of_path(name)
        .is_some_and(|language| language != super::token::TokenLanguage::Text)
}

/// Whether a `line 12` after this text is a position in code: the text names a file.
fn names_position(text: &str) -> bool {
    let text = text.trim_end();
    let text = text.strip_suffix(" on").unwrap_or(text).trim_end_matches([':', ',', '"']);
    ends_with_file(text)
        || text.ends_with("-e")
        || text.ends_with("sh")
        || text.ends_with("-c")
        || text.ends_with("code")
}

/// Length of `:12` or `:12:3`.
fn position_length(rest: &str) -> usize {
    let number = |text: &str| {
        let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        if text.starts_with(':') && digits > 0 { digits + 1 } else { 0 }
    };
    let first = number(rest);
    first + if first > 0 { rest.get(first..).map_or(0, number) } else { 0 }
}

/// `2026-11-29`, from seconds since 1970.
fn day(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.unwrap_or_default().to_zoned(TimeZone::UTC).date().to_string()
}
