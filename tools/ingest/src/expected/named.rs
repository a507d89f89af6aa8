/*!
The errors that a ticket names: in traces and error lines, which are already parsed, and in sentences. An exception
type that the reporter wants to see ("should raise ValueError") is not an error.
*/

use std::sync::LazyLock;

use millwright_model::{ErrorMessage, ParsedTicket, StackTrace};
use regex::Regex;

use super::introduced;
use super::observed::{self, functions};
use super::overlap::{self, TellingWords};
use super::{ExpectedFailure, exception_name};
use crate::obstacles::{Obstacle, ObstacleKind};
use crate::text::clip;

const MAX_ERRORS: usize = 60;
/// How many bytes of a ticket's text are searched for sentences.
const MAX_PROSE: usize = 64 * 1024;
/// How many bytes before a name are searched for words that mark it as wanted or as an error.
const CUE: usize = 70;

/// One error of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedError {
    pub kind: Option<String>,
    pub message: String,
    /// Our own functions on the error's stack, crash site first.
    pub functions: Vec<String>,
    /// Whether the ticket calls this an error, and not wrong output.
    pub is_certain: bool,
}

impl NamedError {
    pub(super) fn told(&self) -> String {
        let message = self.message.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
        match &self.kind {
            Some(kind) if message.is_empty() => kind.clone(),
            Some(kind) => format!("{kind}: {message}"),
            None => message.to_owned(),
        }
    }
}

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static TYPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r"\b((?:\w+[.\\]|\w+::)*[A-Z]\w*(?:Error|Exception|Fault|Panic))\b(?:\(?[:(] ?([^\n]{1,300}))?")
});
/// Words that mark an exception as wanted, or as missing.
static WANTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)(?:\bshould|\bmust|\bought|\bexpect\w*|\binstead of|\brather than|\bno longer|\bnot (?:raise|throw|give|get)\w*|\bwithout|\bused to|\bwould|n't|\bnever|\bcatch\w*|\bcaught|\bhandle\w*|\bexcept|\bpreviously|\bbefore\b)[^.!?\n]{0,60}$",
    )
});
/// Words before a quotation that mark it as an error.
static ERROR_CUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:error|errors|message|exception|says?|said|saying|stops?|stopped|fails?|failed|failing|crash\w*|throws?|thrown|raises?|raised|dies|died|panic\w*|complain\w*|console|log|logs|abort\w*|reports?|refus\w*|reject\w*|ends?|exits?|warning)\b[^.!?\n]{0,40}$",
    )
});
/// Words before a quotation that mark it as wrong output.
static OUTPUT_CUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:prints?|printed|shows?|shown|output|outputs|gives?|gave|get|gets|got|returns?|returned|displays?|renders?|produces?|see|sees|comes?|reads)\b[^.!?\n]{0,40}$",
    )
});
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        "\"([^\"\\n]{4,300})\"|\u{201C}([^\u{201D}\u{201C}\\n]{4,300})[\u{201D}\u{201C}]|\u{201E}([^\u{201C}\u{201D}\\n]{4,300})[\u{201C}\u{201D}]|`([^`\\n]{4,300})`|(?:^|[\\s(])'([^\\n']{4,300}(?:'[^\\s'][^'\\n]{0,60}'[^'\\n]{0,100})?)'(?:[\\s.,;)]|$)",
    )
});
/// Compiler messages, anywhere in a sentence.
static COMPILER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"([\w.()*]+ undefined \(type [^)\n]+\)?[^.\n)]{0,120}\)?)",
        r"|\b(undefined: [\w.]+)",
        r"|\b(cannot use [^\n]{3,120} as [^\n]{3,80} in \w+)",
        r"|\b((?:undefined reference to|implicit declaration of(?: function)?|cannot find symbol|unknown type name|undeclared identifier|no member named|has no member named|multiple definition of) ?[^\n.]{0,100})",
        r"|(error\[E\d{4}\][^\n]{0,160})",
        r"|(error (?:TS|CS|FS|BC|LNK|C)\d{3,5}[^\n]{0,160})",
    ))
});
static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"\b(ERR_[A-Z_]{3,}|E(?:ACCES|PERM|NOENT|CONNREFUSED|CONNRESET|ADDRINUSE|NOTFOUND|AI_AGAIN|TIMEDOUT|PIPE|EXIST|NOTDIR|ISDIR|NOSPC|MFILE|INVAL|BUSY)|(?:TS|CS|LNK|ORA-|NU|SQLSTATE ?\[?|E0|CVE-)\d{3,5}|0x[89cC][0-9a-fA-F]{7})\b",
    )
});
static CRASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(segmentation fault|segmentation violation|seg ?-?faults?(?:ed|ing)?|SIGSEGV|SIGABRT|SIGBUS|SIGFPE|SIGILL|core dump(?:ed|s)?|bus error|aborted \(core|access violation|AddressSanitizer|heap-buffer-overflow|stack-buffer-overflow|use-after-free|double free|stack smashing|floating point exception|illegal instruction|null pointer dereference in \w+\.c\b|exit(?:s|ed)? with (?:code |status )?1(?:32|34|35|36|39))\b",
    )
});
static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:exit(?:s|ed)?|returns?|ends?|quits?|terminates?) (?:with )?(?:a |an |the )?(?:exit )?(?:code|status)(?: of)? (\d{1,3})\b|\bexit (?:code|status):? (\d{1,3})\b",
    )
});
static SERVER_ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:HTTP(?:/[\d.]+)?|status(?: code)?|code|error|a|an|returns?|answers?(?: with)?|responds?(?: with)?|throws?|gets?|with) (?:an? )?(?:HTTP )?5(?:00|02|03|04)\b|\b500s\b|\b5(?:00|02|03|04)\b[ :-]+(?:Internal|Bad Gateway|Service Unavailable|Gateway|errors?|status|response)|Internal Server Error|\b5xx\b",
    )
});
/// `Totals are ten times too small: total wrong: 30`.
static TAIL: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"^([^:\n]{8,200}?): ([^\n]{4,200})$"));

pub(super) fn read(ticket: &ParsedTicket) -> Option<ExpectedFailure> {
    let mut errors: Vec<NamedError> = Vec::new();
    ticket.traces.iter().for_each(|trace| of_trace(trace, &mut errors));
    ticket.errors.iter().for_each(|error| of_line(error, &mut errors));
    let prose = clip(&ticket.text, MAX_PROSE);
    of_sentences(prose, &mut errors);
    // If an error is recognised by its form, the neighbouring lines are its frames.
    if !errors.iter().any(|error| error.is_certain) {
        introduced::read(prose, &mut errors);
    }
    let crash = CRASH.as_ref().and_then(|re| re.find(prose)).map(|found| named_signal(found.as_str()));
    let status = STATUS.as_ref().and_then(|re| re.captures(prose)).and_then(|found| {
        found.iter().skip(1).flatten().next()?.as_str().parse::<i32>().ok().filter(|status| *status > 0)
    });
    let is_server_error = SERVER_ERROR.as_ref().is_some_and(|re| re.is_match(prose));
    let tests: Vec<String> =
        ticket.failing_tests.iter().filter_map(|test| test.function.clone()).take(MAX_ERRORS).collect();
    if errors.is_empty() && crash.is_none() && status.is_none() && !is_server_error && tests.is_empty() {
        return None;
    }
    Some(ExpectedFailure {
        vocabulary: vocabulary(ticket, &errors),
        errors,
        crash,
        status,
        is_server_error,
        tests,
    })
}

pub(super) fn push(errors: &mut Vec<NamedError>, error: NamedError) {
    let known = errors
        .iter()
        .any(|known| known.message == error.message && (known.kind == error.kind || error.kind.is_none()));
    if errors.len() < MAX_ERRORS && !known {
        errors.push(error);
    }
}

fn of_trace(trace: &StackTrace, errors: &mut Vec<NamedError>) {
    for error in &trace.exceptions {
        let kind = Some(error.kind.clone()).filter(|kind| !kind.is_empty());
        if kind.is_none() && error.message.trim().is_empty() {
            continue;
        }
        push(
            errors,
            NamedError {
                kind,
                message: error.message.clone(),
                functions: functions(error),
                is_certain: true,
            },
        );
    }
}

fn of_line(error: &ErrorMessage, errors: &mut Vec<NamedError>) {
    let kind = error.kind.clone();
    if kind.as_deref().is_some_and(|kind| kind.ends_with("Warning")) {
        return;
    }
    let known = errors.iter().any(|known| known.message.lines().next() == error.message.lines().next());
    if !known {
        push(
            errors,
            NamedError { kind, message: error.message.clone(), functions: Vec::new(), is_certain: true },
        );
    }
}

fn of_sentences(text: &str, errors: &mut Vec<NamedError>) {
    let mut fenced = false;
    for line in text.lines() {
        let line = clip(line.trim(), 2000);
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        of_compilers(line, errors);
        if fenced {
            continue;
        }
        of_types(line, errors);
        of_quotations(line, errors);
        if let Some(found) = CODE.as_ref().and_then(|re| re.find(line))
            && !is_wanted(line, found.start())
        {
            push(errors, plain(None, found.as_str(), true));
        }
        of_tail(line, errors);
    }
}

/// The text after the colon of a sentence. The error is certain if the sentence calls it an error.
fn of_tail(line: &str, errors: &mut Vec<NamedError>) {
    let Some(found) = TAIL.as_ref().and_then(|re| re.captures(line)) else { return };
    let (Some(head), Some(tail)) = (found.get(1), found.get(2)) else { return };
    let tail = tail.as_str().trim();
    let is_error = ERROR_CUE.as_ref().is_some_and(|re| re.is_match(cue_before(line, head.end())))
        && overlap::message_words(tail).is_some();
    let sentence = head.as_str().split_whitespace().count() >= 3;
    let short = (2..=14).contains(&tail.split_whitespace().count());
    if short
        && (is_error || sentence && !tail.ends_with(['.', '!', '?', ':']))
        && !is_wanted(line, head.end())
    {
        push(errors, plain(None, tail, is_error));
    }
}

/// A message without the rest of the sentence after its closing quotation mark.
fn unquoted(message: &str) -> &str {
    for mark in ['"', '`', '\u{201D}'] {
        if message.matches(mark).count() % 2 == 1 {
            return message.split(mark).next().unwrap_or(message);
        }
    }
    message
}

pub(super) fn plain(kind: Option<&str>, message: &str, is_certain: bool) -> NamedError {
    NamedError {
        kind: kind.map(str::to_owned),
        message: message.trim().to_owned(),
        functions: Vec::new(),
        is_certain,
    }
}

fn of_compilers(line: &str, errors: &mut Vec<NamedError>) {
    let Some(re) = COMPILER.as_ref() else { return };
    for found in re.captures_iter(line).take(4) {
        if let Some(message) = found.iter().skip(1).flatten().next() {
            push(errors, plain(None, message.as_str(), true));
        }
    }
}

/// Exception types named in a sentence.
fn of_types(line: &str, errors: &mut Vec<NamedError>) {
    let Some(re) = TYPE.as_ref() else { return };
    for found in re.captures_iter(line).take(6) {
        let (Some(whole), Some(kind)) = (found.get(0), found.get(1)) else { continue };
        let name = exception_name(kind.as_str());
        // `Error` alone is a label, and a definition is not an error.
        let defined = line.get(..whole.start()).is_some_and(|before| {
            before.trim_end().ends_with("class") || before.trim_end().ends_with("import")
        });
        if name.len() < 6 || defined || is_wanted(line, whole.start()) {
            continue;
        }
        let message = found.get(2).map_or("", |message| unquoted(message.as_str()));
        let known = errors
            .iter()
            .any(|known| known.kind.as_deref().map(exception_name).as_deref() == Some(name.as_str()));
        if !known || !message.is_empty() {
            push(errors, plain(Some(kind.as_str()), message, true));
        }
    }
}

fn of_quotations(line: &str, errors: &mut Vec<NamedError>) {
    let Some(re) = QUOTED.as_ref() else { return };
    for found in re.captures_iter(line).take(12) {
        let (Some(whole), Some(text)) = (found.get(0), found.iter().skip(1).flatten().next()) else {
            continue;
        };
        if is_wanted(line, whole.start()) {
            continue;
        }
        let before = cue_before(line, whole.start());
        let is_error = ERROR_CUE.as_ref().is_some_and(|re| re.is_match(before));
        let is_output = OUTPUT_CUE.as_ref().is_some_and(|re| re.is_match(before));
        let enough = overlap::message_words(text.as_str()).is_some();
        let telling = enough || text.as_str().chars().any(|c| c.is_ascii_digit());
        if is_error && enough || is_output && telling {
            push(errors, plain(None, text.as_str(), is_error && enough));
        }
    }
}

fn cue_before(line: &str, at: usize) -> &str {
    let from = line.floor_char_boundary(at.saturating_sub(CUE));
    line.get(from..at).unwrap_or("")
}

pub(super) fn is_wanted(line: &str, at: usize) -> bool {
    WANTED.as_ref().is_some_and(|re| re.is_match(cue_before(line, at)))
}

fn named_signal(text: &str) -> Option<i32> {
    let text = text.to_ascii_lowercase();
    if text.contains("seg") || text.contains("access violation") || text.ends_with("139") {
        Some(11)
    } else if text.contains("core dump") {
        None
    } else if text.ends_with("134") || text.starts_with("aborted") {
        Some(6)
    } else {
        observed::crash_in(&text)
    }
}

/// All words of the ticket, for comparison with the replay's assertions.
fn vocabulary(ticket: &ParsedTicket, errors: &[NamedError]) -> TellingWords {
    let mut vocabulary = TellingWords::default();
    vocabulary.add(&ticket.title);
    vocabulary.add(&ticket.symptom);
    for error in errors {
        vocabulary.add(clip(&error.message, 2000));
        error.functions.iter().for_each(|name| vocabulary.add(name));
    }
    for frame in ticket.traces.iter().flat_map(|trace| &trace.exceptions).flat_map(|error| &error.frames) {
        if frame.in_app {
            vocabulary.add(frame.context_line.as_deref().unwrap_or(""));
        }
    }
    ticket.failing_tests.iter().for_each(|test| vocabulary.add(test.function.as_deref().unwrap_or("")));
    ticket.code.iter().for_each(|code| vocabulary.add(code));
    if ticket.traces.is_empty() {
        vocabulary.add(&ticket.text);
    }
    vocabulary
}

/// Words of a ticket that indicate a kind of set-up failure, and whether they are enough without the name of the
/// missing thing.
fn cue(kind: ObstacleKind) -> (&'static str, bool) {
    use ObstacleKind as K;
    match kind {
        K::Import => (
            r"(?i)no module named|cannot find|can't (?:find|locate)|not found|import|ModuleNotFound|ClassNotFound|NoClassDef|load such file|missing|does not exist|unresolved|ImportError|no required module",
            false,
        ),
        K::Syntax => (
            r"(?i)syntax ?error|parse error|unexpected token|IndentationError|does not parse|invalid syntax",
            true,
        ),
        K::Build => (r"(?i)\b(?:build|builds|compile\w*|compilation|linker|linking)\b", true),
        K::MissingCommand | K::MissingFile => (
            r"(?i)not found|no such file|cannot open|can't open|missing|ENOENT|does not exist|127|No rule to make",
            false,
        ),
        K::MissingTest => (r"(?i)no tests|tests? (?:are|is) not (?:found|run)|not collected", true),
        K::Environment | K::Resources => (
            r"(?i)memory|no space|disk|\bOOM\b|killed|too many open|ENOSPC|ENOMEM|EMFILE|resource|slow|minutes|forever|hang|\btakes? (?:too )?long|time-? ?out|timed out|processor|\bCPU\b",
            true,
        ),
        K::Network => (
            r"(?i)refused|resolve|ECONN|ENOTFOUND|EAI_AGAIN|unreachable|getaddrinfo|cannot connect|can't connect|could not connect|unable to connect|connection",
            true,
        ),
        K::Permission => (r"(?i)permission|denied|EACCES|EPERM|not permitted|read-only|access", true),
        K::MissingVariable => {
            (r"(?i)variable|\benv\b|environment|not set|unset|KeyError|unbound|placeholder", false)
        }
        K::EmptySubmodule => (r"(?i)submodule", true),
        K::LineEndings => (r"(?i)line end|carriage|CRLF|\\r|\^M|bad interpreter", true),
        K::RuntimeVersion => (
            r"(?i)UnsupportedClassVersion|incompatible|\bversion\b.*\brequir|requires? (?:node|python|go|ruby|java|php|rust|perl)|ERR_REQUIRE_ESM|unsupported|GLIBC",
            true,
        ),
        K::TimeOut => (
            r"(?i)hang|time-? ?out|timed out|never (?:end|finish|return)|slow|stuck|endless|infinite|deadlock|minutes|forever|freez|loop",
            true,
        ),
    }
}

/// Whether the ticket itself reports an obstacle: in its words, or by naming what is missing.
pub(super) fn names_obstacle(ticket: &ParsedTicket, obstacle: &Obstacle) -> bool {
    let text = clip(&ticket.text, MAX_PROSE);
    let flat = observed::normalise(text);
    let subject = obstacle.subject.as_deref();
    let detail = observed::normalise(&obstacle.detail);
    let after_place = detail.rsplit_once("error: ").map_or(detail.as_str(), |(_, message)| message);
    if after_place.len() >= 12 && flat.contains(after_place) {
        return true;
    }
    let says = |pattern: &str| Regex::new(pattern).is_ok_and(|re| re.is_match(text));
    let (pattern, alone) = cue(obstacle.kind);
    if obstacle.kind == ObstacleKind::Build {
        return names_build(ticket, subject, &flat) && (says(pattern) || subject.is_some());
    }
    if !says(pattern) {
        return false;
    }
    match subject {
        _ if alone => true,
        Some(subject) => {
            let name = observed::normalise(subject);
            let leaf = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(&name);
            leaf.len() >= 2 && has_word(&flat, leaf)
        }
        None => false,
    }
}

/// A ticket about a broken build names the compiler's message, or no message at all.
fn names_build(ticket: &ParsedTicket, subject: Option<&str>, flat: &str) -> bool {
    let Some(subject) = subject else { return true };
    let certain = read(ticket).is_some_and(|named| named.errors.iter().any(|error| error.is_certain));
    if !certain {
        return cue_matches(flat);
    }
    let words = overlap::message_words(subject).unwrap_or_default();
    overlap::share_in(&words, flat) >= super::SAME_MESSAGE
}

fn cue_matches(flat: &str) -> bool {
    Regex::new(cue(ObstacleKind::Build).0).is_ok_and(|re| re.is_match(flat))
}

fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|rest| rest.chars().next());
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}
