/*!
Records out of lines: each line is read in the format it is in (files mix them), and lines that continue a record
(stack traces, wrapped text) go to the record they belong to. Memory holds one record at a time.
*/

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::header;
use super::level::Level;
use super::lines::Lines;
use super::structured;

/// Lines of one record; a record that goes on longer is divided.
const MAX_RECORD_LINES: u64 = 2_000;
/// Bytes kept of one record.
const MAX_RECORD: usize = 128 * 1024;

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub path: Arc<Path>,
    /// 1-based, inclusive.
    pub start_line: u64,
    pub end_line: u64,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    pub level: Option<Level>,
    pub service: Option<String>,
    pub trace_id: Option<String>,
    /// Without the header; further lines (a trace) follow the first.
    pub message: String,
    /// The lines as they stand in the file, bounded.
    pub raw: String,
}

impl Record {
    /// The level, or what the words of a record without one say.
    pub fn severity(&self) -> Option<Level> {
        self.level.or_else(|| inferred(&self.message))
    }
}

/// Streams the records of one file.
pub struct Records {
    path: Arc<Path>,
    lines: Lines,
    reference_ms: i64,
    pending: Option<Pending>,
}

struct Pending {
    record: Record,
    /// The record began with a time, so that lines without one belong to it.
    headed: bool,
}

enum Parsed {
    Begins { record: Record, headed: bool },
    Continues,
}

impl Records {
    /// Opens a plain or gzip file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        let modified = modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let reference_ms = modified.and_then(|time| i64::try_from(time.as_millis()).ok()).unwrap_or_default();
        let lines = Lines::open(path)?;
        Ok(Self { path: Arc::from(PathBuf::from(path)), lines, reference_ms, pending: None })
    }

    pub(crate) fn is_binary(&mut self) -> io::Result<bool> {
        self.lines.is_binary()
    }

    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.lines.number
    }

    /// Unpacked bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.lines.bytes
    }

    /// Lines that were too long and were cut.
    pub fn cut_lines(&self) -> u64 {
        self.lines.cut
    }

    /// The next record, None at the end.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        while let Some(line) = self.lines.next_line()? {
            let line = line.into_owned();
            let number = self.lines.number;
            match self.parse(&line, number) {
                Parsed::Continues => {
                    if let Some(pending) = &mut self.pending {
                        pending.record.end_line = number;
                        append(&mut pending.record.message, &line);
                        append(&mut pending.record.raw, &line);
                    }
                }
                Parsed::Begins { record, headed } => {
                    if let Some(done) = self.pending.replace(Pending { record, headed }) {
                        return Ok(Some(done.record));
                    }
                }
            }
        }
        Ok(self.pending.take().map(|pending| pending.record))
    }

    fn parse(&self, line: &str, number: u64) -> Parsed {
        let record = |timestamp_ms, level, service, trace_id, message: String| Record {
            path: Arc::clone(&self.path),
            start_line: number,
            end_line: number,
            timestamp_ms,
            level,
            service,
            trace_id,
            message,
            raw: line.to_owned(),
        };
        let fields =
            structured::json(line, self.reference_ms).or_else(|| structured::logfmt(line, self.reference_ms));
        if let Some(fields) = fields {
            let record =
                record(fields.timestamp_ms, fields.level, fields.service, fields.trace_id, fields.message);
            return Parsed::Begins { record, headed: true };
        }
        if let Some(header) = header::parse(line, self.reference_ms) {
            let message = line.get(header.message..).unwrap_or_default();
            // Container runtimes put a time before what may be JSON itself.
            if let Some(inner) = message
                .find('{')
                .filter(|at| *at < 12)
                .and_then(|at| structured::json(message.get(at..)?, self.reference_ms))
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
            let record = record(
                header.timestamp_ms,
                header.level,
                header.service,
                header.trace_id,
                message.to_owned(),
            );
            return Parsed::Begins { record, headed: true };
        }
        let continues = self.pending.as_ref().is_some_and(|pending| {
            let length = number - pending.record.start_line;
            length < MAX_RECORD_LINES && (pending.headed || continues(line) || line.is_empty())
        });
        if continues {
            return Parsed::Continues;
        }
        let trace_id = header::trace_id(line);
        Parsed::Begins { record: record(None, None, None, trace_id, line.to_owned()), headed: false }
    }
}

/// Lines that never begin a record, even in files without times.
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

/// Words that only stand in records of failures.
fn inferred(message: &str) -> Option<Level> {
    let head: String = message.chars().take(200).collect();
    let word = |word: &str| {
        head.match_indices(word).any(|(at, _)| {
            let before = head.get(..at).and_then(|head| head.chars().next_back());
            before.is_none_or(|c| !c.is_ascii_alphanumeric())
        })
    };
    if ["FATAL", "CRITICAL", "panic:", "Kernel panic"].iter().any(|name| word(name)) {
        return Some(Level::Fatal);
    }
    let error = [
        "ERROR",
        "Error:",
        "error:",
        "SEVERE",
        "Traceback (most recent",
        "Exception in thread",
        "Unhandled exception",
        "FAILED",
    ];
    if error.iter().any(|name| word(name)) || head.contains("Exception:") || head.contains("Error: ") {
        return Some(Level::Error);
    }
    ["WARNING", "WARN", "warning:"].iter().any(|name| word(name)).then_some(Level::Warn)
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
