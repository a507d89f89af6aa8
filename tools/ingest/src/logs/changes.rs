/*!
Finds which log templates are new, surged or vanished since an incident began, compared with the time before it.

The likelihood-ratio test for two Poisson rates compares the counts per template before and after. Logs are
burstier than the test assumes, so a surge must also double its rate. If the incident time is not known, it is
chosen from the data (the onset of the first burst of errors), and the result says how.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LogError;
use super::level::LogLevel;
use super::miner::{TemplateMiner, TemplateTally};
use super::scan::{LogLine, ScanSummary, scan};
use super::significance::rate_change_p;
use super::templates::earliest;

/// Error probability over all templates of one comparison (Bonferroni).
const SIGNIFICANCE: f64 = 0.01;
/// A surge at least doubles the rate.
const SURGE: f64 = 2.0;
/// Records shown of each change.
const EVIDENCE: usize = 3;
const DEFAULT_LIMIT: usize = 30;
const MAX_LIMIT: usize = 200;
/// Bins of the error histogram; twice as many are held at most.
const BINS: i64 = 240;
/// Error probability for the onset of a burst: there are many places and lengths to be deceived by.
const ONSET_P: f64 = 1e-5;
/// Errors from which there can be a burst.
const BURST: u64 = 3;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChangesQuery {
    /// When the incident began, milliseconds since the Unix epoch. Chosen from the data if it is not given.
    pub since_ms: Option<i64>,
    /// End of the time considered; the logs' end if it is not given.
    pub until_ms: Option<i64>,
    /// Length of the time before it to compare with; all of it if not given.
    pub baseline_ms: Option<i64>,
    /// Changes shown; 30 by default, at most 200.
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Not seen before.
    New,
    /// Significantly more often, at least twice the rate.
    Surged,
    /// Seen before, significantly missing since.
    Vanished,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogChange {
    pub kind: ChangeKind,
    pub template: String,
    /// The most severe level of its records.
    pub level: Option<LogLevel>,
    pub before: u64,
    pub after: u64,
    /// Rate after over rate before; None where there were none before.
    pub ratio: Option<f64>,
    /// Of the likelihood-ratio test, not corrected for the number of templates.
    pub p_value: f64,
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// The first records since the incident began; for a vanished template, the last ones before.
    pub evidence: Vec<LogLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogChanges {
    pub since_ms: i64,
    /// Where `since_ms` comes from, in words.
    pub since_because: String,
    /// What it is compared with.
    pub baseline_from_ms: i64,
    pub until_ms: i64,
    /// Most severe and most significant first.
    pub changes: Vec<LogChange>,
    /// All changes found, shown or not.
    pub total: usize,
    pub test: String,
    pub scanned: ScanSummary,
}

#[derive(Default)]
struct Counts {
    before: u64,
    after: u64,
    level: Option<LogLevel>,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    first_after: Vec<LogLine>,
    last_before: Vec<LogLine>,
}

impl TemplateTally for Counts {
    fn absorb(&mut self, later: Self) {
        self.before += later.before;
        self.after += later.after;
        self.level = self.level.max(later.level);
        self.first_ms = earliest(self.first_ms, later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        self.first_after.extend(later.first_after);
        self.first_after.sort_by_key(|line| line.timestamp_ms);
        self.first_after.truncate(EVIDENCE);
        self.last_before.extend(later.last_before);
        self.last_before.sort_by_key(|line| std::cmp::Reverse(line.timestamp_ms));
        self.last_before.truncate(EVIDENCE);
    }
}

/// Compares the time since the incident with the time before it, over all records of `inputs`.
pub fn changes(inputs: &[PathBuf], query: &ChangesQuery) -> Result<LogChanges, LogError> {
    let mut onset = Onset::default();
    let overview = scan(inputs, |record, time| {
        if let Some(ms) = time {
            onset.add(ms, record.severity() >= Some(LogLevel::Error));
        }
    })?;
    let first_ms = overview.first_ms.unwrap_or_default();
    let last_ms = overview.last_ms.unwrap_or_default();
    let (since_ms, since_because) = match query.since_ms {
        Some(since) => (since, "given".to_owned()),
        None => onset.choose(first_ms, last_ms),
    };
    if since_ms < first_ms || since_ms > last_ms {
        return Err(LogError::OutsideOfLogs { since_ms, first_ms, last_ms });
    }
    let baseline_from_ms = query.baseline_ms.map_or(first_ms, |length| first_ms.max(since_ms - length));
    let until_ms = query.until_ms.unwrap_or(i64::MAX).min(last_ms + 1).max(since_ms + 1);

    let mut miner = TemplateMiner::<Counts>::default();
    let mut scanned = scan(inputs, |record, time| {
        let Some(ms) = time.filter(|ms| (baseline_from_ms..until_ms).contains(ms)) else { return };
        let counts = miner.add(&record.message);
        counts.level = counts.level.max(record.severity());
        counts.first_ms = earliest(counts.first_ms, time);
        counts.last_ms = counts.last_ms.max(time);
        if ms >= since_ms {
            counts.after += 1;
            if counts.first_after.len() < EVIDENCE {
                counts.first_after.push(LogLine::from(record));
            }
        } else {
            counts.before += 1;
            if counts.last_before.len() == EVIDENCE {
                counts.last_before.pop();
            }
            counts.last_before.insert(0, LogLine::from(record));
        }
    })?;
    let (mined, dropped) = miner.finish();
    if dropped > 0 {
        scanned.not_searched.push(format!("{dropped} records of rare shapes, dropped to limit memory use"));
    }
    let exposure = |from: i64, to: i64| ((to - from) as f64 / 1000.0).max(1.0);
    let (before_s, after_s) = (exposure(baseline_from_ms, since_ms), exposure(since_ms, until_ms));
    if since_ms - baseline_from_ms < 1000 {
        scanned.not_searched.push(
            "these logs cover hardly any time before the incident: nothing can be identified as new"
                .to_owned(),
        );
    }
    let threshold = SIGNIFICANCE / mined.len().max(1) as f64;
    let mut changes: Vec<LogChange> = mined
        .into_iter()
        .filter_map(|mined| judge(mined.template, mined.tally, before_s, after_s, threshold))
        .collect();
    changes.sort_by(|a, b| {
        rank(b).cmp(&rank(a)).then(a.p_value.total_cmp(&b.p_value)).then(a.first_ms.cmp(&b.first_ms))
    });
    let total = changes.len();
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    if total > limit {
        changes.truncate(limit);
        scanned
            .not_searched
            .push(format!("{} further changes are not shown; use limit {total} to see them", total - limit));
    }
    let test = format!(
        "likelihood ratio of two Poisson rates, p < {SIGNIFICANCE} over all templates (Bonferroni: {threshold:.1e} each), \
         surges at least {SURGE} times the rate; a new template needs no significance"
    );
    Ok(LogChanges { since_ms, since_because, baseline_from_ms, until_ms, changes, total, test, scanned })
}

/// Errors before warnings before the rest; what came before what went.
fn rank(change: &LogChange) -> (Option<LogLevel>, bool) {
    let grave = change.level.filter(|level| *level >= LogLevel::Warn);
    (grave, change.kind != ChangeKind::Vanished)
}

fn judge(template: String, counts: Counts, before_s: f64, after_s: f64, threshold: f64) -> Option<LogChange> {
    let p_value = rate_change_p(counts.before, before_s, counts.after, after_s);
    let ratio =
        (counts.before > 0).then(|| (counts.after as f64 / after_s) / (counts.before as f64 / before_s));
    let kind = match (counts.before, counts.after, ratio) {
        (0, 1.., _) => ChangeKind::New,
        (_, 0, _) if p_value < threshold => ChangeKind::Vanished,
        (_, _, Some(ratio)) if ratio >= SURGE && p_value < threshold => ChangeKind::Surged,
        _ => return None,
    };
    let evidence = if kind == ChangeKind::Vanished { counts.last_before } else { counts.first_after };
    let Counts { before, after, level, first_ms, last_ms, .. } =
        Counts { first_after: Vec::new(), last_before: Vec::new(), ..counts };
    Some(LogChange { kind, template, level, before, after, ratio, p_value, first_ms, last_ms, evidence })
}

/// A histogram of errors over time whose bins grow with the span, so that its size stays bounded.
struct Onset {
    bin_ms: i64,
    bins: BTreeMap<i64, u64>,
    first_error: Option<i64>,
}

impl Default for Onset {
    fn default() -> Self {
        Self { bin_ms: 1000, bins: BTreeMap::new(), first_error: None }
    }
}

impl Onset {
    fn add(&mut self, ms: i64, error: bool) {
        if !error {
            return;
        }
        self.first_error = earliest(self.first_error, Some(ms));
        *self.bins.entry(ms.div_euclid(self.bin_ms)).or_default() += 1;
        while self.bins.len() as i64 > 2 * BINS {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.bin_ms *= 2;
        let mut wider = BTreeMap::new();
        for (bin, count) in &self.bins {
            *wider.entry(bin.div_euclid(2)).or_default() += count;
        }
        self.bins = wider;
    }

    /// The first bin from which on, over one to thirty-two bins, there are significantly more errors than the rate
    /// before it would give.
    fn choose(mut self, first_ms: i64, last_ms: i64) -> (i64, String) {
        // The bins of a quiet log are too narrow: widen them to a fraction of the complete span.
        while self.bin_ms < (last_ms - first_ms) / BINS {
            self.widen();
        }
        let bins: Vec<(i64, u64)> = self.bins.iter().map(|(bin, count)| (*bin, *count)).collect();
        let mut before = 0;
        for (index, (bin, count)) in bins.iter().enumerate() {
            let start = (bin * self.bin_ms).max(first_ms);
            let elapsed = (start - first_ms) as f64;
            for length in [1, 2, 4, 8, 16, 32] {
                let within = bins.iter().skip(index).take_while(|(other, _)| *other < bin + length);
                let burst: u64 = within.map(|(_, count)| count).sum();
                let width = (length * self.bin_ms) as f64;
                let rate = before as f64 / elapsed.max(width);
                let surged = burst >= BURST && burst as f64 / width >= SURGE * rate;
                // At the very beginning there is nothing to compare with.
                if elapsed >= width && surged && rate_change_p(before, elapsed, burst, width) < ONSET_P {
                    let because = format!(
                        "chosen from the data: {burst} errors within {} s, the first burst, against {before} in the {} s before",
                        length * self.bin_ms / 1000,
                        (start - first_ms) / 1000,
                    );
                    return (start, because);
                }
            }
            before += count;
        }
        match self.first_error.filter(|ms| *ms > first_ms) {
            Some(first) => {
                (first, "chosen from the data: the first error, as there is no burst of errors".to_owned())
            }
            None => {
                let since = last_ms - (last_ms - first_ms) / 4;
                (
                    since,
                    "chosen by default: the last quarter of the logs, as they show no onset of errors; give \
                     the time if you know it"
                        .to_owned(),
                )
            }
        }
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
