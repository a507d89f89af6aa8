/*! The outcome of one case: its line of results, and further data for figures. */

use serde::{Deserialize, Serialize};

use crate::cases::EvalCase;
use crate::results::CaseResult;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JudgedCase {
    pub(super) result: CaseResult,
    /// The case id without the number of the repeat.
    pub(super) base: String,
    pub(super) has_replay: bool,
    pub(super) has_culprit: bool,
    /// Number of candidates in the range, to compute the cost of a plain bisect.
    pub(super) range: Option<u32>,
    /// Executions of candidate fixes and hunk sets, which a plain bisect does not need.
    pub(super) patched_runs: Option<u32>,
    /// Rank of the true culprit by simple rules.
    pub(super) newest_in_trace: Option<u32>,
    pub(super) text: Option<u32>,
}

/// The beginning of the reason for a case that was not tried.
const PUT_OFF: &str = "the time of the whole eval";

impl JudgedCase {
    pub(super) fn of(case: &EvalCase) -> Self {
        let result = CaseResult {
            id: case.id.clone(),
            task: "investigate".into(),
            hit: false,
            rank: None,
            verdict: None,
            commit: None,
            replay_runs: None,
            wall_ms: 0,
            not_judged: None,
            report: None,
            tags: case.tags.clone(),
            grades: None,
        };
        Self {
            base: case.id.rsplit_once('#').map_or(case.id.as_str(), |(base, _)| base).to_owned(),
            has_replay: case.replay.is_some(),
            has_culprit: case.truth.commit.is_some(),
            range: None,
            patched_runs: None,
            newest_in_trace: None,
            text: None,
            result,
        }
    }

    pub(super) fn not(case: &EvalCase, why: String) -> Self {
        let mut judged = Self::of(case);
        judged.result.not_judged = Some(why.chars().take(2_000).collect());
        judged
    }

    /// Whether a later start of the eval should try the case.
    pub(super) fn is_put_off(&self) -> bool {
        self.result.not_judged.as_deref().is_some_and(|why| why.starts_with(PUT_OFF))
    }
}
