/*!
The templates of a set of log files: which kinds of messages occur, how often, since when, with an example of each.
*/

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LogError;
use super::level::LogLevel;
use super::miner::{TemplateMiner, TemplateTally};
use super::scan::{LogLine, ScanSummary, scan};

/// Templates in one answer.
const MAX_SHOWN: usize = 200;

/// Milliseconds since the Unix epoch; from inclusive, to exclusive; None is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimeWindow {
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
}

impl TimeWindow {
    pub(crate) fn holds(&self, time: Option<i64>) -> bool {
        match time {
            Some(ms) => self.from_ms.is_none_or(|from| from <= ms) && self.to_ms.is_none_or(|to| ms < to),
            None => self.from_ms.is_none() && self.to_ms.is_none(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateSummary {
    /// Constant words with `<*>` for each variable part.
    pub template: String,
    pub count: u64,
    /// The most severe level of its records.
    pub level: Option<LogLevel>,
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    pub example: LogLine,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateList {
    /// Most frequent first, at most 200.
    pub templates: Vec<TemplateSummary>,
    /// All templates found, shown or not.
    pub total: usize,
    pub scanned: ScanSummary,
}

#[derive(Default)]
struct Seen {
    level: Option<LogLevel>,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    example: Option<LogLine>,
}

impl TemplateTally for Seen {
    fn absorb(&mut self, later: Self) {
        self.level = self.level.max(later.level);
        self.first_ms = earliest(self.first_ms, later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        self.example = self.example.take().or(later.example);
    }
}

pub(crate) fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    [a, b].into_iter().flatten().min()
}

/// Mines the templates of all records of `inputs` within `window`.
pub fn templates(inputs: &[PathBuf], window: TimeWindow) -> Result<TemplateList, LogError> {
    let mut miner = TemplateMiner::<Seen>::default();
    let mut scanned = scan(inputs, |record, time| {
        if window.holds(time) {
            let seen = miner.add(&record.message);
            seen.level = seen.level.max(record.severity());
            seen.first_ms = earliest(seen.first_ms, time);
            seen.last_ms = seen.last_ms.max(time);
            if seen.example.is_none() {
                seen.example = Some(LogLine::from(record));
            }
        }
    })?;
    let (mined, dropped) = miner.finish();
    if dropped > 0 {
        scanned.not_searched.push(format!("{dropped} records of rare shapes, dropped to limit memory use"));
    }
    let total = mined.len();
    let mut templates: Vec<TemplateSummary> = mined
        .into_iter()
        .filter_map(|mined| {
            let Seen { level, first_ms, last_ms, example } = mined.tally;
            Some(TemplateSummary {
                template: mined.template,
                count: mined.count,
                level,
                first_ms,
                last_ms,
                example: example?,
            })
        })
        .collect();
    // The sort is stable: among equals, the first one seen stays first.
    templates.sort_by_key(|summary| std::cmp::Reverse(summary.count));
    if total > MAX_SHOWN {
        templates.truncate(MAX_SHOWN);
        scanned
            .not_searched
            .push(format!("{} rarer templates are not shown; narrow the time window", total - MAX_SHOWN));
    }
    Ok(TemplateList { templates, total, scanned })
}
