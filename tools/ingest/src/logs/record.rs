/*!
Assembles records from lines. Each line is read in its own format (files mix formats), and lines that continue a
record (stack traces, wrapped text) are added to their record. Memory holds one record at a time.
*/

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::UNIX_EPOCH;

use aho_corasick::AhoCorasick;

use super::header;
use super::level::LogLevel;
use super::lines::LineReader;
use super::structured;

/// Maximum number of lines in one record; a longer record is divided.
const MAX_RECORD_LINES: u64 = 2_000;
/// How many bytes of one record are kept.
const MAX_RECORD: usize = 128 * 1024;

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    pub path: Arc<Path>,
    /// 1-based, inclusive.
    pub start_line: u64,
    pub end_line: u64,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    pub level: Option<LogLevel>,
    pub service: Option<String>,
    pub trace_id: Option<String>,
    /// The message without the header; further lines (a trace) follow the first.
    pub message: String,
    /// The lines as they are in the file, bounded.
    pub raw: String,
}

impl LogRecord {
    /// The level. For a record without one, the level that its words indicate.
    pub fn severity(&self) -> Option<LogLevel> {
        self.level.or_else(|| inferred(&self.message))
    }
}

/// Streams the records of one file.
pub struct LogRecords {
    path: Arc<Path>,
    lines: LineReader,
    reference_ms: i64,
    pending: Option<Pending>,
}

struct Pending {
    record: LogRecord,
    /// Whether the record began with a time, so that lines without one belong to it.
    headed: bool,
}

enum Parsed {
    Begins { record: LogRecord, headed: bool },
    Continues,
}

impl LogRecords {
    /// Opens a plain or gzip file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        let modified = modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let reference_ms = modified.and_then(|time| i64::try_from(time.as_millis()).ok()).unwrap_or_default();
        let lines = LineReader::open(path)?;
        Ok(Self { path: Arc::from(PathBuf::from(path)), lines, reference_ms, pending: None })
    }

    pub(crate) fn is_binary(&mut self) -> io::Result<bool> {
        self.lines.is_binary()
    }

    /// Number of lines read so far.
    pub fn lines(&self) -> u64 {
        self.lines.number
    }

    /// Number of unpacked bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.lines.bytes
    }

    /// Number of lines that were too long and were cut.
    pub(crate) fn cut_lines(&self) -> u64 {
        self.lines.cut
    }

    /// The next record; `None` at the end.
    pub fn next_record(&mut self) -> io::Result<Option<LogRecord>> {
        let Self { path, lines, reference_ms, pending } = self;
        while let Some((line, number)) = lines.next_numbered()? {
            match parse(path, *reference_ms, pending.as_ref(), &line, number) {
                Parsed::Continues => {
                    if let Some(pending) = pending {
                        pending.record.end_line = number;
                        append(&mut pending.record.message, &line);
                        append(&mut pending.record.raw, &line);
                    }
                }
                Parsed::Begins { record, headed } => {
                    if let Some(done) = pending.replace(Pending { record, headed }) {
                        return Ok(Some(done.record));
                    }
                }
            }
        }
        Ok(pending.take().map(|pending| pending.record))
    }
}

fn parse(path: &Arc<Path>, reference_ms: i64, pending: Option<&Pending>, line: &str, number: u64) -> Parsed {
    let record = |timestamp_ms, level, service, trace_id, message: String| LogRecord {
        path: Arc::clone(path),
        start_line: number,
        end_line: number,
        timestamp_ms,
        level,
        service,
        trace_id,
        message,
        raw: line.to_owned(),
    };
    let fields = structured::json(line, reference_ms).or_else(|| structured::logfmt(line, reference_ms));
    if let Some(fields) = fields {
        let record =
            record(fields.timestamp_ms, fields.level, fields.service, fields.trace_id, fields.message);
        return Parsed::Begins { record, headed: true };
    }
    if let Some(header) = header::parse(line, reference_ms) {
        let message = line.get(header.message..).unwrap_or_default();
        // Container runtimes put a time before a line that may itself be JSON.
        if let Some(inner) = message
            .find('{')
            .filter(|at| *at < 12)
            .and_then(|at| structured::json(message.get(at..)?, reference_ms))
        {
            let record = record(
                inner.timestamp_ms.or(header.timestamp_ms),
                inner.level,
                inner.service,
                inner.trace_id,
                inner.message,
            );
            return Parsed::Begins { record, headed: true };
        }
        let record =
            record(header.timestamp_ms, header.level, header.service, header.trace_id, message.to_owned());
        return Parsed::Begins { record, headed: true };
    }
    let continues = pending.is_some_and(|pending| {
        let length = number - pending.record.start_line;
        length < MAX_RECORD_LINES && (pending.headed || continues(line) || line.is_empty())
    });
    if continues {
        return Parsed::Continues;
    }
    let trace_id = header::trace_id(line);
    Parsed::Begins { record: record(None, None, None, trace_id, line.to_owned()), headed: false }
}

/// Whether a line never begins a record, even in files without times.
fn continues(line: &str) -> bool {
    let indented = line.starts_with([' ', '\t']);
    let marks = [
        "Caused by:",
        "Suppressed:",
        "... ",
        "Traceback (most recent",
        "at ",
        "--- End of",
        "During handling of",
        "stack backtrace:",
        "goroutine ",
    ];
    indented || marks.iter().any(|mark| line.starts_with(mark))
}

fn append(text: &mut String, line: &str) {
    if text.len() + line.len() < MAX_RECORD {
        text.push('\n');
        text.push_str(line);
    }
}

/// Words that only occur in records of failures, the level they indicate, and whether they must begin a word.
const TELLING: &[(&str, LogLevel, bool)] = &[
    ("FATAL", LogLevel::Fatal, true),
    ("CRITICAL", LogLevel::Fatal, true),
    ("panic:", LogLevel::Fatal, true),
    ("Kernel panic", LogLevel::Fatal, true),
    ("ERROR", LogLevel::Error, true),
    ("Error:", LogLevel::Error, true),
    ("error:", LogLevel::Error, true),
    ("SEVERE", LogLevel::Error, true),
    ("Traceback (most recent", LogLevel::Error, true),
    ("Exception in thread", LogLevel::Error, true),
    ("Unhandled exception", LogLevel::Error, true),
    ("FAILED", LogLevel::Error, true),
    ("Exception:", LogLevel::Error, false),
    ("Error: ", LogLevel::Error, false),
    ("WARNING", LogLevel::Warn, true),
    ("WARN", LogLevel::Warn, true),
    ("warning:", LogLevel::Warn, true),
];

/// All words are searched in one pass, because this happens for every record without a level.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(TELLING.iter().map(|(word, ..)| word)).ok());

fn inferred(message: &str) -> Option<LogLevel> {
    let end = message.char_indices().nth(200).map_or(message.len(), |(at, _)| at);
    let head = message.get(..end)?;
    let found = SEARCH.as_ref()?.find_overlapping_iter(head).filter_map(|hit| {
        let (_, level, begins) = TELLING.get(hit.pattern().as_usize())?;
        let before = head.as_bytes().get(hit.start().wrapping_sub(1));
        (!begins || !before.is_some_and(u8::is_ascii_alphanumeric)).then_some(*level)
    });
    found.max()
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
