/*!
The guilty lines at the failing revision: how many of them the answer names, and how many others. Both count, because an
answer that names a whole file covers every guilty line and is useless.
*/

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineOverlap {
    /// Share of the guilty lines that are named.
    pub recall: f64,
    /// Share of the named lines that are guilty.
    pub precision: f64,
    pub f1: f64,
}

/// Longest stretch counted; what goes on longer names nothing in particular.
const MOST: u32 = 100_000;

pub fn grade(answer: &GradedAnswer<'_>) -> Option<LineOverlap> {
    let truth = &answer.case.truth;
    if truth.commit.is_none() || truth.lines.is_empty() {
        return None;
    }
    let stretch = |path: &str, start: u32, end: u32| -> Vec<(String, u32)> {
        (start..=end.min(start.saturating_add(MOST))).map(|line| (path.to_owned(), line)).collect()
    };
    let guilty: BTreeSet<(String, u32)> =
        truth.lines.iter().flat_map(|at| stretch(&at.path, at.start_line, at.end_line)).collect();
    let cause = answer.report.root_cause.as_ref();
    let named: BTreeSet<(String, u32)> = cause
        .iter()
        .flat_map(|cause| &cause.locations)
        .flat_map(|at| stretch(&at.path, at.start_line, at.end_line))
        .collect();
    let both = guilty.intersection(&named).count() as f64;
    let share = |of: usize| if of == 0 { 0.0 } else { both / of as f64 };
    let (recall, precision) = (share(guilty.len()), share(named.len()));
    let f1 = if both == 0.0 { 0.0 } else { 2.0 * recall * precision / (recall + precision) };
    Some(LineOverlap { recall, precision, f1 })
}
