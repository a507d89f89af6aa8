/*! The cost of an answer: replays, tokens, money, time. Both cost and correctness are shown; one never changes the other. */

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CaseCost {
    /// Executions of anything, the first reproduction and candidate fixes included.
    pub replays: u32,
    /// Commits that were searched for the culprit, if a bisect was run.
    pub range: Option<u32>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd: f64,
    pub tool_calls: u32,
    pub wall_ms: u64,
}

pub fn grade(answer: &GradedAnswer<'_>) -> CaseCost {
    let usage = &answer.report.usage;
    let replays = answer.report.replay.as_ref().map_or(0, |replay| replay.runs.len());
    CaseCost {
        replays: u32::try_from(replays).unwrap_or(u32::MAX),
        range: answer.report.replay.as_ref().and_then(|replay| Some(replay.bisect.as_ref()?.range)),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_usd: usage.cost_usd,
        tool_calls: usage.tool_calls,
        wall_ms: usage.wall_ms,
    }
}
