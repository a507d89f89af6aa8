/*! Tool: does the failure show at the failing revision? */

use std::time::Duration;

use millwright_memory::types::{ReplayOutcome, ReplayRun, SandboxLevel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recall::remembered_recipe;
use super::workbench::Shown;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};
use crate::replay::{ReplayError, Replayed};

#[derive(Debug, Clone, Copy)]
pub struct Reproduce;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

/// What running the replay at the failing revision showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reproduction {
    pub outcome: ReplayOutcome,
    /// Share of the repeats at the failing revision that passed.
    pub flaky_rate: f64,
    pub sandbox: SandboxLevel,
    /// How it failed, or why it could not be run, in one line.
    pub signature: String,
    pub output_end: String,
    /// What the sandbox refused.
    pub denied: Vec<String>,
    /// Numbered as `replay:<n>` cites them.
    pub runs: Vec<(usize, ReplayRun)>,
    pub executed_files: usize,
}

/// Attempts for a failure that is said to show now and then, until it has shown: of one that shows in a third of the runs,
/// 15 miss it twice in a thousand times, where the usual 5 miss it in thirteen of a hundred.
const PATIENCE: u32 = 15;

impl Tool for Reproduce {
    type Args = Args;
    const NAME: &'static str = "reproduce";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

    fn description(&self) -> String {
        "Runs the replay at the failing revision in the sandbox and says whether the failure shows, how, how \
         often, and which code it went through. Call it before bisect, minimise or verify_fix."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _args: Args) -> Result<ToolOutput, ToolError> {
        if ctx.workbench.recipe().is_none()
            && let Some(recipe) = remembered_recipe(ctx).await?
        {
            ctx.workbench.adopt_recipe(&recipe)?;
        }
        ctx.blocking(work).await
    }
}

fn work(ctx: &ToolContext) -> Result<ToolOutput, ToolError> {
    let recipe = ctx
        .workbench
        .recipe()
        .ok_or_else(|| ToolError::unavailable(
        "no replay was given and none could be derived; a test written with `write_reproduction` can be one",
    ))?;
    let replayer = ctx.workbench.replayer(ctx, recipe)?;
    let patience = if crate::intake::is_intermittent(&ctx.ticket) { PATIENCE } else { 0 };
    let result = replayer.reproduce_within(&ctx.bad, true, patience);
    let runs = numbered(&replayer.runs());
    for (number, run) in &runs {
        ctx.progress.note(ProgressEvent::Replay {
            commit: run.commit.clone(),
            outcome: run.outcome,
            number: *number as u64,
            left: None,
            duration_ms: run.duration_ms,
        });
    }
    match result {
        Ok(seen) => {
            ctx.workbench.keep_shown(&Shown {
                failure: seen.failure.clone(),
                flakiness: seen.flakiness(),
                at_bad: seen.flakiness(),
                runs: runs.len(),
                trace: seen.trace.clone(),
                output: seen.shown.tail.clone(),
            })?;
            let found = Reproduction {
                outcome: ReplayOutcome::Reproduces,
                flaky_rate: seen.flakiness().rate(),
                sandbox: seen.shown.sandbox,
                signature: seen.failure.to_string(),
                output_end: end_of(&seen.shown.tail),
                denied: seen.shown.notes.clone(),
                runs,
                executed_files: seen.trace.as_ref().map_or(0, |trace| trace.files.len()),
            };
            let flaky = match seen.passes {
                0 => String::new(),
                passes => format!(" It is flaky: {passes} of {} runs passed.", passes + seen.failures),
            };
            let text = format!(
                "The failure shows at {}: {}.{flaky}\n{}",
                ctx.bad, found.signature, found.output_end
            );
            Ok(ToolOutput::new(text, found).with_evidence([seen.shown.evidence()]))
        }
        Err(ReplayError::BadPasses { attempts, .. }) => {
            let why = format!("it passed {attempts} of {attempts} times");
            Ok(not_shown(ReplayOutcome::Passes, why, runs, &replayer.recorded()))
        }
        Err(ReplayError::BadCannotTest { why, .. }) => {
            let last = replayer.recorded().last().map(|replayed| replayed.run.outcome);
            let outcome = last.unwrap_or(ReplayOutcome::CannotTest);
            Ok(not_shown(outcome, why, runs, &replayer.recorded()))
        }
        Err(error) => Err(error.into()),
    }
}

fn not_shown(
    outcome: ReplayOutcome,
    why: String,
    runs: Vec<(usize, ReplayRun)>,
    recorded: &[Replayed],
) -> ToolOutput {
    let last = recorded.last();
    let found = Reproduction {
        outcome,
        flaky_rate: 0.0,
        sandbox: last.map_or(SandboxLevel::None, |replayed| replayed.sandbox),
        signature: why,
        output_end: last.map(|replayed| end_of(&replayed.tail)).unwrap_or_default(),
        denied: last.map(|replayed| replayed.notes.clone()).unwrap_or_default(),
        runs,
        executed_files: 0,
    };
    let text = format!("The failure does not show: {}.\n{}", found.signature, found.output_end);
    ToolOutput::new(text, found).with_evidence(last.map(Replayed::evidence))
}

/// Every run of the ledger by its number. A re-check tells all of them, not those it added: one that was interrupted and is
/// made again finds its own in the ledger already, and would cite what nobody lists.
pub(super) fn numbered(runs: &[ReplayRun]) -> Vec<(usize, ReplayRun)> {
    runs.iter().enumerate().map(|(at, run)| (at + 1, run.clone())).collect()
}

/// The last lines of an output, for a report.
pub(super) fn end_of(output: &str) -> String {
    const LINES: usize = 15;
    let lines: Vec<&str> = output.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

impl From<ReplayError> for ToolError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Cancelled => ToolError::timeout(error.to_string()),
            ReplayError::Checkout(_) | ReplayError::Sandbox(_) | ReplayError::Ledger { .. } => {
                ToolError::unavailable(error.to_string())
            }
            ReplayError::BadPasses { .. }
            | ReplayError::BadCannotTest { .. }
            | ReplayError::GoodFails { .. } => ToolError::failed(error.to_string()),
        }
    }
}
