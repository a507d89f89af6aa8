/*!
Reads all records of all files once, and reports what was read and what was not.
*/

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;

use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LogError;
use super::level::LogLevel;
use super::record::{LogRecord, LogRecords};
use super::sources::expand;

/// Bytes of a record that an answer shows.
const MAX_SHOWN: usize = 4_000;

/// Bytes of records that change threads at once, and batches read ahead: memory stays bounded.
const BATCH: usize = 256 * 1024;
const AHEAD: usize = 4;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanSummary {
    pub files: usize,
    pub lines: u64,
    pub records: u64,
    /// Unpacked.
    pub bytes: u64,
    /// First and last time found, milliseconds since the Unix epoch.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// What was left out, as text: unreadable files, cut lines, records without a time.
    pub not_searched: Vec<String>,
}

/// A record as shown in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    pub path: String,
    /// 1-based, inclusive.
    pub start_line: u64,
    pub end_line: u64,
    pub timestamp_ms: Option<i64>,
    pub level: Option<LogLevel>,
    pub service: Option<String>,
    pub trace_id: Option<String>,
    /// The text of the record in the file; a long record is cut and marked as cut.
    pub text: String,
}

impl LogLine {
    /// As evidence that a claim may cite.
    pub fn evidence(&self) -> EvidenceDraft {
        let line = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        EvidenceDraft {
            source: EvidenceSource::Logs,
            locator: Locator::file_lines(&self.path, line(self.start_line), line(self.end_line)),
            text: self.text.clone(),
        }
    }
}

impl From<LogRecord> for LogLine {
    fn from(record: LogRecord) -> Self {
        let mut text = record.raw;
        if text.len() > MAX_SHOWN {
            let whole = text.len();
            let cut = text.floor_char_boundary(MAX_SHOWN);
            text.truncate(cut);
            text.push_str(&format!(" … ({} bytes more)", whole - cut));
        }
        Self {
            path: record.path.display().to_string(),
            start_line: record.start_line,
            end_line: record.end_line,
            timestamp_ms: record.timestamp_ms,
            level: record.level,
            service: record.service,
            trace_id: record.trace_id,
            text,
        }
    }
}

/// Calls `visit` with every record, oldest file first. A record without a time comes with that of the record before it
/// in its file (second argument).
pub(crate) fn scan(
    inputs: &[PathBuf],
    mut visit: impl FnMut(LogRecord, Option<i64>),
) -> Result<ScanSummary, LogError> {
    let sources = expand(inputs)?;
    let mut scanned = ScanSummary { not_searched: sources.not_searched, ..ScanSummary::default() };
    let (mut cut, mut timeless) = (0, 0_u64);
    for path in &sources.files {
        let opened = LogRecords::open(path).and_then(|mut records| Ok((records.is_binary()?, records)));
        let records = match opened {
            Ok((false, records)) => records,
            Ok((true, _)) => {
                scanned.not_searched.push(format!("{}: binary, or text in UTF-16", path.display()));
                continue;
            }
            Err(error) => {
                scanned.not_searched.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        scanned.files += 1;
        let mut time = None;
        let (records, error) = each(records, |record| {
            scanned.records += 1;
            time = record.timestamp_ms.or(time);
            match time {
                Some(ms) => {
                    scanned.first_ms = Some(scanned.first_ms.map_or(ms, |first| first.min(ms)));
                    scanned.last_ms = Some(scanned.last_ms.map_or(ms, |last| last.max(ms)));
                }
                None => timeless += 1,
            }
            visit(record, time);
        });
        if let Some(error) = error {
            let line = records.lines();
            scanned.not_searched.push(format!("{}: after line {line}: {error}", path.display()));
        }
        if records.bytes() >= super::lines::MAX_FILE_BYTES {
            scanned.not_searched.push(format!(
                "{}: what comes after line {}",
                path.display(),
                records.lines()
            ));
        }
        scanned.lines += records.lines();
        scanned.bytes += records.bytes();
        cut += records.cut_lines();
    }
    if cut > 0 {
        scanned
            .not_searched
            .push(format!("the ends of {cut} lines longer than {} KiB", super::lines::MAX_LINE / 1024));
    }
    if timeless > 0 && timeless < scanned.records {
        scanned.not_searched.push(format!("{timeless} records without a time are in no time window"));
    }
    Ok(scanned)
}

/// Hands over every record in order, while another thread reads and parses what follows; gives the reader back,
/// and what ended the reading early.
fn each(records: LogRecords, mut visit: impl FnMut(LogRecord)) -> (LogRecords, Option<io::Error>) {
    let (send, receive) = mpsc::sync_channel::<Vec<LogRecord>>(AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut records = records;
            let (mut batch, mut held) = (Vec::new(), 0);
            let error = loop {
                match records.next_record() {
                    Ok(Some(record)) => {
                        held += record.raw.len() + record.message.len();
                        batch.push(record);
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
                if held >= BATCH {
                    held = 0;
                    // The receiver is gone only if its thread panicked.
                    if send.send(std::mem::take(&mut batch)).is_err() {
                        break None;
                    }
                }
            };
            let _ = send.send(batch);
            (records, error)
        });
        receive.into_iter().flatten().for_each(&mut visit);
        match reader.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
