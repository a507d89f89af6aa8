/*!
Finds records by text, level, time, service and trace.
*/

use std::path::PathBuf;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LogError;
use super::level::LogLevel;
use super::record::LogRecord;
use super::scan::{LogLine, ScanSummary, scan};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// All conditions must hold; an empty query finds everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SearchQuery {
    /// Words that the record contains, as one phrase, in any case.
    pub text: Option<String>,
    /// A regular expression over the whole record.
    pub regex: Option<String>,
    /// At least as severe as this.
    pub level: Option<LogLevel>,
    /// Milliseconds since the Unix epoch, inclusive.
    pub from_ms: Option<i64>,
    /// Milliseconds since the Unix epoch, exclusive.
    pub to_ms: Option<i64>,
    /// Part of the service, component or logger name, in any case.
    pub service: Option<String>,
    pub trace_id: Option<String>,
    /// At most 500; 50 by default.
    pub limit: Option<usize>,
    /// Matches to skip.
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    pub records: Vec<LogLine>,
    /// All records that matched, shown or not.
    pub matched: u64,
    /// The offset to request to see more.
    pub next: Option<String>,
    pub scanned: ScanSummary,
}

struct Conditions<'q> {
    query: &'q SearchQuery,
    text: Option<Regex>,
    regex: Option<Regex>,
    service: Option<String>,
}

/// Searches all records of `inputs` (files, folders, patterns).
pub fn search(inputs: &[PathBuf], query: &SearchQuery) -> Result<SearchResult, LogError> {
    let compile = |pattern: &str, shown: &str| {
        Regex::new(pattern)
            .map_err(|source| LogError::Regex { pattern: shown.to_owned(), source: Box::new(source) })
    };
    let literal = |text: &String| compile(&format!("(?i){}", regex::escape(text)), text);
    let conditions = Conditions {
        query,
        text: query.text.as_ref().filter(|text| !text.is_empty()).map(literal).transpose()?,
        regex: query.regex.as_ref().map(|pattern| compile(pattern, pattern)).transpose()?,
        service: query.service.as_ref().map(|service| service.to_lowercase()),
    };
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let (mut records, mut matched) = (Vec::new(), 0_u64);
    let scanned = scan(inputs, |record, time| {
        if conditions.hold(&record, time) {
            matched += 1;
            if matched > query.offset as u64 && records.len() < limit {
                records.push(LogLine::from(record));
            }
        }
    })?;
    let shown = query.offset + records.len();
    let next = (matched > shown as u64)
        .then(|| format!("{} more; use offset {shown} to see them", matched - shown as u64));
    Ok(SearchResult { records, matched, next, scanned })
}

impl Conditions<'_> {
    fn hold(&self, record: &LogRecord, time: Option<i64>) -> bool {
        let query = self.query;
        let in_window = match time {
            Some(ms) => query.from_ms.is_none_or(|from| from <= ms) && query.to_ms.is_none_or(|to| ms < to),
            None => query.from_ms.is_none() && query.to_ms.is_none(),
        };
        in_window
            && query.level.is_none_or(|level| record.severity().is_some_and(|severity| severity >= level))
            && self.service.as_ref().is_none_or(|wanted| {
                record.service.as_ref().is_some_and(|service| service.to_lowercase().contains(wanted))
            })
            && query.trace_id.as_ref().is_none_or(|id| {
                record.trace_id.as_ref().map_or_else(|| record.raw.contains(id), |known| known == id)
            })
            && self.text.as_ref().is_none_or(|text| text.is_match(&record.raw))
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(&record.raw))
    }
}
