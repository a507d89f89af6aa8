/*!
The single entry point for incoming text: recognises the format, parses the ticket and computes its fingerprint.

All input is hostile: `parse` never fails and never panics, bounds what it reads, and says in `notes` what it left
out. It draws no conclusions; other code decides which frame or test matters. The same parsers read a replay's
output (`signature`), so that a ticket and a replay are directly comparable.
*/

pub mod coverage;
mod decode;
mod expected;
mod failing;
mod fingerprint;
mod intermittent;
mod library;
mod log_excerpt;
pub mod logs;
mod mapping;
mod moment;
mod obstacles;
mod past;
mod path_forms;
mod payload;
mod prose;
mod rich_text;
mod signature;
mod template;
mod test_path;
pub mod test_report;
mod text;
mod ticket_purpose;
mod traces;
mod xml_attribute;

use millwright_model::{ErrorMessage, ParsedTicket, StackTrace, TicketContext, TicketFormat};

pub use decode::LARGEST_TICKET;
pub use expected::{ExpectedFailure, RunEnding, TicketAgreement};
pub use fingerprint::fingerprint;
pub use intermittent::is_intermittent;
pub use mapping::{RepoFiles, map_frames, name_symbols};
pub use moment::moment;
pub use obstacles::{Obstacle, ObstacleKind, SetupContext};
pub use past::{RecordFieldMap, of_markdown, of_record};
pub use rich_text::{ReadableText, binary_kind, readable_text};
pub use signature::{OutputFailure, OutputSignature, SignatureMatch, signature};
pub use template::template;
pub use test_path::is_test_path;
pub use ticket_purpose::{TicketPurpose, ticket_purpose};

use prose::LineKind;
use text::{TextLines, clip};

/// Maximum number of traces kept per ticket.
const MAX_TRACES: usize = 100;
const MAX_ERRORS: usize = 100;
const MAX_CODE: usize = 300;

/// Parses a ticket. Never fails: `notes` says what could not be read.
pub fn parse(bytes: &[u8]) -> ParsedTicket {
    parse_named(bytes, None)
}

/// Like [`parse`]. A file name that ends in `.json` distinguishes a payload from text that only looks like one.
pub fn parse_named(bytes: &[u8], name: Option<&str>) -> ParsedTicket {
    let decoded = decode::decode(bytes);
    let mut notes = decoded.notes;
    let promised_json = name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".json"));
    let mut ticket = match payload::recognise(&decoded.text) {
        Some(payload) => from_payload(payload),
        None => {
            if promised_json {
                notes.push(
                    "The file is named as JSON but contains no known payload; it was read as text."
                        .to_owned(),
                );
            }
            from_text(decoded.text, TicketFormat::Text)
        }
    };
    notes.append(&mut ticket.notes);
    ticket.notes = notes;
    finished(ticket)
}

fn finished(mut ticket: ParsedTicket) -> ParsedTicket {
    if ticket.text.trim().is_empty() {
        ticket.notes.push("The ticket is empty.".to_owned());
    }
    ticket.fingerprint = fingerprint(&ticket);
    ticket
}

/// Parses a payload of any size that was already read as JSON. Of long texts, only the beginning and the end are
/// read, and `notes` says so.
pub fn parse_payload(mut payload: serde_json::Value) -> ParsedTicket {
    let mut notes = Vec::new();
    payload::shorten_fields(&mut payload, &mut notes);
    let mut ticket = match payload::read(&payload) {
        Some(read) => finished(from_payload(read)),
        None => parse_named(payload.to_string().as_bytes(), Some("payload.json")),
    };
    notes.append(&mut ticket.notes);
    ticket.notes = notes;
    ticket
}

/// The stack traces in a text of any size, in text order.
pub fn find_traces(text: &str) -> Vec<StackTrace> {
    let lines = TextLines::new(text);
    traces::find(&lines, usize::MAX).into_iter().map(|found| found.trace).collect()
}

fn from_payload(payload: payload::ReadablePayload) -> ParsedTicket {
    let structured = payload.traces.iter().filter_map(|trace| trace.span).collect::<Vec<_>>();
    let mut ticket = read(payload.text, payload.format, &structured);
    if !payload.title.is_empty() {
        ticket.title = payload.title;
    }
    let code = context_lines(&payload.traces);
    ticket.traces.splice(0..0, payload.traces);
    ticket.code.splice(0..0, code);
    let from_traces = trace_errors(&ticket.traces);
    ticket.errors.splice(0..0, from_traces.into_iter().chain(payload.errors));
    tidy(&mut ticket);
    ticket.context = merge(payload.context, ticket.context);
    ticket.notes.extend(payload.notes);
    ticket
}

fn from_text(text: String, format: TicketFormat) -> ParsedTicket {
    let mut ticket = read(text, format, &[]);
    let from_traces = trace_errors(&ticket.traces);
    ticket.errors.splice(0..0, from_traces);
    tidy(&mut ticket);
    ticket
}

/// Reads a text. The lines of `taken` belong to traces that were given in structured form.
pub fn read(text: String, format: TicketFormat, taken: &[millwright_model::LineSpan]) -> ParsedTicket {
    let lines = TextLines::new(&text);
    let mut kinds = vec![LineKind::Plain; lines.len()];
    let mut mark = |from: usize, to: usize, kind: LineKind| {
        for slot in kinds.iter_mut().take(to).skip(from) {
            *slot = kind;
        }
    };
    let tests = failing::find(&lines);
    for at in &tests.lines {
        mark(*at, at + 1, LineKind::Test);
    }
    let is_taken = |from: usize| {
        taken.iter().any(|span| (span.start as usize..=span.end as usize).contains(&(from + 1)))
    };
    let found: Vec<traces::FoundTrace> =
        traces::find(&lines, MAX_TRACES).into_iter().filter(|one| !is_taken(one.from)).collect();
    for one in &found {
        mark(one.from, one.to, LineKind::Trace);
    }
    for span in taken {
        mark(span.start as usize - 1, span.end as usize, LineKind::Trace);
    }
    let prose = prose::read(&lines, &kinds, &tests.descriptions);
    let mut notes = Vec::new();
    if found.len() >= MAX_TRACES {
        notes.push(format!(
            "The ticket contains more than {MAX_TRACES} stack traces; the first {MAX_TRACES} were read."
        ));
    }
    let traces: Vec<StackTrace> = found.into_iter().map(|one| one.trace).collect();
    let mut code = context_lines(&traces);
    code.extend(prose.code);
    let title = if prose.title.is_empty() { title_of(&traces) } else { prose.title };
    ParsedTicket {
        format,
        title,
        symptom: prose.symptom,
        failing_tests: tests.tests,
        errors: prose.errors,
        code,
        log_spans: prose.log_spans,
        context: prose.context,
        fingerprint: millwright_model::Fingerprint::default(),
        notes,
        traces,
        text,
    }
}

fn title_of(traces: &[StackTrace]) -> String {
    let Some(first) = traces.first().and_then(|trace| trace.exceptions.first()) else { return String::new() };
    let message = first.message.lines().next().unwrap_or("");
    let title = if message.is_empty() { first.kind.clone() } else { format!("{}: {message}", first.kind) };
    clip(&title, 200).to_owned()
}

/// Source lines printed with frames, crash site first, each once.
fn context_lines(traces: &[StackTrace]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for frame in traces.iter().flat_map(|t| &t.exceptions).flat_map(|e| &e.frames) {
        if let Some(line) = &frame.context_line
            && out.len() < MAX_CODE
            && !out.contains(line)
        {
            out.push(line.clone());
        }
    }
    out
}

fn trace_errors(traces: &[StackTrace]) -> Vec<ErrorMessage> {
    let exceptions = traces.iter().flat_map(|trace| trace.exceptions.iter().map(|e| (e, trace.span)));
    exceptions
        .filter(|(e, _)| !(e.kind.is_empty() && e.message.is_empty()))
        .map(|(e, span)| ErrorMessage {
            kind: Some(e.kind.clone()).filter(|kind| !kind.is_empty()),
            message: e.message.clone(),
            span,
        })
        .collect()
}

/// Keeps each message once: the first, most informative one. Bounded.
fn tidy(ticket: &mut ParsedTicket) {
    let mut seen = std::collections::HashSet::new();
    ticket.errors.retain(|error| {
        seen.insert(error.message.lines().next().unwrap_or("").to_owned()) || error.message.is_empty()
    });
    ticket.errors.truncate(MAX_ERRORS);
    ticket.code.truncate(MAX_CODE);
    let mut traces: Vec<StackTrace> = Vec::new();
    for trace in ticket.traces.drain(..) {
        // A second copy of the same trace adds nothing.
        if !traces.iter().any(|known| known.exceptions == trace.exceptions) {
            traces.push(trace);
        }
    }
    ticket.traces = traces;
}

/// Fields stated in a payload override what was read from its text.
fn merge(stated: TicketContext, read: TicketContext) -> TicketContext {
    TicketContext {
        service: stated.service.or(read.service),
        environment: stated.environment.or(read.environment),
        release: stated.release.or(read.release),
        ..stated
    }
}

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
