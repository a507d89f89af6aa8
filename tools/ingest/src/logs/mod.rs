/*!
Reads log files: records from JSON lines, logfmt and plain text, search, templates, and what is new or surged.

Files may be of any size, packed, rotated, of mixed formats and hostile. Everything is streamed, and the data kept
per line, record, template and result is bounded. Every result says what was not searched.
*/

mod changes;
mod header;
mod level;
mod lines;
mod mask;
mod merge;
mod miner;
mod record;
mod scan;
mod search;
mod significance;
mod sources;
mod structured;
mod templates;
mod timestamp;

use std::io;
use std::path::PathBuf;

pub use changes::{ChangeKind, ChangesQuery, LogChange, LogChanges, changes};
pub use level::LogLevel;
pub use miner::{MinedTemplate, TemplateMiner, TemplateTally};
pub use record::{LogRecord, LogRecords};
pub use scan::{LogLine, ScanSummary};
pub use search::{SearchQuery, SearchResult, search};
pub use templates::{TemplateList, TemplateSummary, TimeWindow, templates};

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("reading {path}: {source}; give existing log files, folders or patterns")]
    Read { path: PathBuf, source: io::Error },
    #[error("no file matches {pattern}; check the pattern, `*` and `?` stand for parts of names")]
    NoMatch { pattern: PathBuf },
    #[error(
        "none of {inputs:?} contains a log file; name files directly if their names are not those of logs"
    )]
    NoFiles { inputs: Vec<PathBuf> },
    #[error("{pattern:?} is not a regular expression: {source}")]
    Regex { pattern: String, source: Box<regex::Error> },
    #[error(
        "the time {since_ms} (ms since the epoch) is outside of the logs, which range from {first_ms} to \
         {last_ms}"
    )]
    OutsideOfLogs { since_ms: i64, first_ms: i64, last_ms: i64 },
}
