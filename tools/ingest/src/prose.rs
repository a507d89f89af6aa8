/*!
Classifies the rest of a ticket after traces and test output are removed: sentences that a person wrote, quoted
code, log excerpts, error lines. Sentences are the weakest evidence if there is a trace, and the only evidence if
there is none. So a line counts as a sentence only if it reads like one.
*/

use std::sync::LazyLock;

use millwright_model::{ErrorMessage, LineSpan, TicketContext};
use regex::Regex;

use super::text::{TextLines, clip, span};
use super::{log_excerpt, traces};

const MAX_SYMPTOM_BYTES: usize = 8 * 1024;
const MAX_TITLE_BYTES: usize = 200;
const MAX_CODE_BLOCKS: usize = 100;
const MAX_CODE_BYTES: usize = 4 * 1024;
const MAX_ERRORS: usize = 100;
const MAX_LOG_SPANS: usize = 500;

/// The kind of a line of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Plain,
    Trace,
    Test,
}

#[derive(Default)]
pub(crate) struct TicketProse {
    pub title: String,
    pub symptom: String,
    pub errors: Vec<ErrorMessage>,
    pub code: Vec<String>,
    pub log_spans: Vec<LineSpan>,
    pub context: TicketContext,
}

/// `TypeError: x`, `[app] decimal.InvalidOperation: x`, possibly after a marker such as `E   ` or `Error:`.
static EXCEPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\W*(?:\[[\w.-]+\] )?(?:Uncaught |Unhandled exception[.:] |Caused by: |E\s+)?((?:\w+[.:\\]{1,2})*[A-Z]\w*(?:Error|Exception|Warning|Failure|Fault|Panic)|(?:[A-Za-z_]\w*\.)+[A-Z]\w*)(?:: (.*))?$").ok()
});
static TOOL_ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[\w./-]+:(?:\d+:)*\s*)?(?:[Ee]rror|fatal|FATAL|ERROR|panic|Failed)(?:\[(\w+)\]|: |\s*:\s)(.+)$",
    )
    .ok()
});
static CONTEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\W*(service|environment|env|release|version|deployed version)\W*[:=]\s*[`*]*([\w][\w.:/+@-]*)[`*]*\s*$").ok()
});
static IN_PATH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r" \(in [\w./\\@-]+\)$").ok());

pub(crate) fn read(lines: &TextLines<'_>, kinds: &[LineKind], descriptions: &[String]) -> TicketProse {
    let mut prose = TicketProse::default();
    let mut symptom: Vec<String> = descriptions.to_vec();
    let mut fence: Option<Fence> = None;
    let mut logs: Vec<usize> = Vec::new();
    let mut first = true;
    for at in 0..lines.len() {
        let line = lines.get(at);
        let text = unquoted(line);
        if text.starts_with("```") || text.starts_with("~~~") {
            match fence.take() {
                Some(open) => open.close(&mut prose.code),
                None => fence = Some(Fence::default()),
            }
            continue;
        }
        match kinds.get(at) {
            Some(LineKind::Trace) => continue,
            Some(LineKind::Test) => {
                if first && prose.title.is_empty() {
                    prose.title = title(text);
                }
                first = false;
                continue;
            }
            _ => {}
        }
        if text.is_empty() || is_noise(text) {
            if let Some(open) = &mut fence {
                open.push(line);
            }
            continue;
        }
        if log_excerpt::starts_record(text) {
            logs.push(at);
            if prose.errors.len() < MAX_ERRORS
                && let Some(message) = log_excerpt::error_message(text)
            {
                push_error(&mut prose.errors, error(message), at);
            }
        } else if let Some(found) = exception(text) {
            push_error(&mut prose.errors, found, at);
        } else if let Some(open) = &mut fence {
            open.push(line);
        } else if let Some((name, value)) = labelled(text) {
            label(&mut prose.context, name, value);
        } else if is_sentence(text, first) {
            symptom.push(strip_marks(text).to_owned());
        }
        if prose.title.is_empty() {
            prose.title = title(text);
        }
        first = false;
    }
    if let Some(open) = fence {
        open.close(&mut prose.code);
    }
    prose.symptom = clip(&symptom.join("\n"), MAX_SYMPTOM_BYTES).to_owned();
    prose.log_spans = spans(&logs, kinds);
    prose
}

#[derive(Default)]
struct Fence(String);

impl Fence {
    fn push(&mut self, line: &str) {
        if self.0.len() < MAX_CODE_BYTES {
            self.0.push_str(clip(line, MAX_CODE_BYTES));
            self.0.push('\n');
        }
    }

    fn close(self, code: &mut Vec<String>) {
        let text = self.0.trim_matches('\n').trim_end();
        if !text.trim().is_empty() && code.len() < MAX_CODE_BLOCKS {
            code.push(clip(text, MAX_CODE_BYTES).to_owned());
        }
    }
}

/// Removes Markdown's quotation marks.
fn unquoted(line: &str) -> &str {
    let mut text = line.trim();
    while let Some(rest) = text.strip_prefix('>') {
        text = rest.trim_start();
    }
    text
}

fn title(text: &str) -> String {
    let text = text.trim_start_matches('#').trim();
    let text = ["Subject:", "Title:", "Summary:", "subject:", "title:"]
        .iter()
        .find_map(|mark| text.strip_prefix(mark))
        .unwrap_or(text)
        .trim();
    clip(text, MAX_TITLE_BYTES).to_owned()
}

/// Separator lines, cut marks, and closing lines of test runners.
fn is_noise(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric)
        || text.starts_with("====")
        || text.starts_with("----")
        || text.starts_with("[... cut ...]")
        || text.starts_with("Ran ") && text.contains(" test")
        || text.starts_with("FAILED (")
        || text.starts_with("Tests run:")
        || text.starts_with("test result:")
        || text.starts_with("Traceback (most recent")
        || text.starts_with("During handling of the above")
        || text.starts_with("The above exception was")
}

fn push_error(errors: &mut Vec<ErrorMessage>, (kind, message): (Option<String>, String), at: usize) {
    let known = errors.iter().any(|error| error.message == message && error.kind == kind);
    if errors.len() < MAX_ERRORS && !known && !(message.is_empty() && kind.is_none()) {
        errors.push(ErrorMessage { kind, message, span: Some(span(at, at + 1)) });
    }
}

fn error(message: &str) -> (Option<String>, String) {
    exception(message).unwrap_or_else(|| (None, clip(message, traces::MAX_MESSAGE_BYTES).to_owned()))
}

/// A line that is only an error message.
fn exception(text: &str) -> Option<(Option<String>, String)> {
    let bare = IN_PATH
        .as_ref()
        .and_then(|re| re.find(text))
        .and_then(|found| text.get(..found.start()))
        .unwrap_or(text);
    if let Some(found) = EXCEPTION.as_ref().and_then(|re| re.captures(bare)) {
        let message = found.get(2).map_or("", |m| m.as_str());
        return Some((
            found.get(1).map(|kind| kind.as_str().to_owned()),
            clip(message, traces::MAX_MESSAGE_BYTES).trim().to_owned(),
        ));
    }
    let found = TOOL_ERROR.as_ref()?.captures(bare)?;
    let code = found.get(1).map(|code| format!("error[{}]", code.as_str()));
    let message = found.get(2)?.as_str();
    // "Error: the page stays blank when I click save, and then …" is a sentence with a label, not an error
    // message.
    let told = message.split_whitespace().count() > 25;
    (!told).then(|| (code, clip(message, traces::MAX_MESSAGE_BYTES).trim().to_owned()))
}

fn labelled(text: &str) -> Option<(&str, &str)> {
    let found = CONTEXT.as_ref()?.captures(text)?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
}

fn label(context: &mut TicketContext, name: &str, value: &str) {
    let slot = match name.to_ascii_lowercase().as_str() {
        "service" => &mut context.service,
        "environment" | "env" => &mut context.environment,
        _ => &mut context.release,
    };
    slot.get_or_insert_with(|| value.to_owned());
}

fn strip_marks(text: &str) -> &str {
    let text = text.trim_start_matches(['#', '*', '-', '+', '•', ' ']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let text = match text.get(digits..) {
        Some(rest) if digits > 0 && digits < 3 => {
            rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")).unwrap_or(text)
        }
        _ => text,
    };
    text.trim()
}

/// Words with spaces between them, few symbols, and not a label with a value.
fn is_sentence(text: &str, first: bool) -> bool {
    let text = strip_marks(text);
    let letters = text.chars().filter(|c| c.is_alphabetic() || *c == ' ' || *c == '\'').count();
    let total = text.chars().count();
    let wide = text.chars().filter(|c| c.is_alphabetic() && *c > '\u{2E80}').count();
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
        .count();
    if wide >= 4 {
        return true;
    }
    let enough = words >= 3 || first && words >= 2;
    if !enough || letters * 100 < total * 72 {
        return false;
    }
    // Code that was pasted without a fence ends like code.
    let code_end = text.ends_with([';', '{', '}', '\\'])
        || text.ends_with("):")
        || text.contains(" := ")
        || text.contains(" = ")
        || text.contains("()") && words < 6;
    let labelled = text.split_once(": ").is_some_and(|(label, value)| {
        label.split_whitespace().count() <= 2 && value.split_whitespace().count() <= 2
    });
    !code_end && !labelled && !text.starts_with("$ ") && !text.starts_with('<')
}

/// Joins log lines into runs, including the lines of a record between them: a trace, or continuation lines.
fn spans(logs: &[usize], kinds: &[LineKind]) -> Vec<LineSpan> {
    let mut out: Vec<LineSpan> = Vec::new();
    let mut run: Option<(usize, usize)> = None;
    for at in logs.iter().copied() {
        run = match run {
            Some((from, to)) if (to..at).all(|between| kinds.get(between) == Some(&LineKind::Trace)) => {
                Some((from, at + 1))
            }
            Some((from, to)) => {
                out.push(span(from, to));
                Some((at, at + 1))
            }
            None => Some((at, at + 1)),
        };
        if out.len() >= MAX_LOG_SPANS {
            return out;
        }
    }
    out.extend(run.map(|(from, to)| span(from, to)));
    out
}
