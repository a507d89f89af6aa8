/*! Tool: does the failure occur at the failing revision? */

use std::time::Duration;

use millwright_git as git;
use millwright_ingest as ingest;
use millwright_model::{FailureAgreement, ReplayOutcome, ReplayRun, SandboxLevel};
use millwright_replay::{self as replay, ReplayError, ReplayResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::end_of;
use super::lay_in::lay_in_younger;
use super::recall::remembered_recipe;
use super::run_resources::ShownFailure;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct ReproduceTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReproduceArgs {
    /// Whether one more execution records which code runs, for the ranking. Leave it out unless a known resolution is checked
    /// again next: then `false` saves that execution.
    #[serde(default = "yes")]
    traced: bool,
}

fn yes() -> bool {
    true
}

/// What running the replay at the failing revision showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReproduceResult {
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
    /// The ticket's failure against the one seen.
    #[serde(default)]
    pub agreement: Option<FailureAgreement>,
    /// What to do where the replay could not get as far as the failure.
    #[serde(default)]
    pub remedy: Option<String>,
    /// Files younger than the fault that are laid over every checkout.
    #[serde(default)]
    pub laid_in: Vec<String>,
}

/// Attempts for a failure that is said to show now and then, until it has shown: of one that shows in a third of the runs,
/// 15 miss it twice in a thousand times, where the usual 5 miss it in thirteen of a hundred.
const PATIENCE: u32 = 15;

impl Tool for ReproduceTool {
    type Args = ReproduceArgs;
    const NAME: &'static str = "reproduce";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

    fn description(&self) -> String {
        "Runs the replay at the failing revision in the sandbox and says whether the failure shows, how, how \
         often, and which code it executed. Call it before bisect, minimise or verify_fix."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: ReproduceArgs) -> Result<ToolOutput, ToolError> {
        if ctx.workbench.recipe().is_none()
            && !ctx.workbench.runs_nothing
            && let Some(recipe) = remembered_recipe(ctx).await?
        {
            ctx.workbench.adopt_recipe(&recipe)?;
        }
        ctx.blocking(move |ctx| work(ctx, args.traced)).await
    }
}

fn work(ctx: &ToolContext, traced: bool) -> Result<ToolOutput, ToolError> {
    let recipe = ctx
        .workbench
        .recipe()
        .ok_or_else(|| ToolError::unavailable(
        "no replay was given and none could be derived; a test written with `write_reproduction` can be one",
    ))?;
    let replayer = ctx.replayer(recipe)?;
    let patience = if millwright_ingest::is_intermittent(&ctx.ticket) { PATIENCE } else { 0 };
    let result = replayer.reproduce_within(&ctx.bad, traced, patience);
    let runs = replayer.runs();
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
            // When the trace alone is made up for, what ran since is still new to the bisect.
            let before = ctx.workbench.shown().filter(|before| before.failure == seen.failure);
            let runs_before = before.map(|before| before.runs);
            let recipe = replayer.recipe();
            let agreement = agreement(ctx, &seen, recipe.accept_failure);
            if let FailureAgreement::Differs { ticket, replay } = &agreement {
                return Ok(differs(ctx, &seen, ticket, replay, runs));
            }
            ctx.workbench.keep_shown(&ShownFailure {
                failure: seen.failure.clone(),
                flakiness: seen.flakiness(),
                at_bad: seen.flakiness(),
                runs: runs_before.unwrap_or(runs.len()),
                trace: seen.trace.clone(),
                output: seen.shown.tail.clone(),
            })?;
            let found = ReproduceResult {
                outcome: ReplayOutcome::Reproduces,
                flaky_rate: seen.flakiness().rate(),
                sandbox: seen.shown.sandbox,
                signature: seen.failure.to_string(),
                output_end: end_of(&seen.shown.tail),
                denied: seen.shown.notes.clone(),
                executed_files: seen.trace.as_ref().map_or(0, |trace| trace.files.len()),
                agreement: Some(agreement),
                remedy: None,
                laid_in: lay_in_younger(ctx, recipe)?,
                runs: ctx.replayer(recipe.clone())?.runs(),
            };
            let flaky = match seen.passes {
                0 => String::new(),
                passes => format!(" It is flaky: {passes} of {} runs passed.", passes + seen.failures),
            };
            let laid = match found.laid_in.as_slice() {
                [] => String::new(),
                files => format!(
                    " {} came later than the fault and is laid over every checkout.",
                    files.join(", ")
                ),
            };
            let text = format!(
                "The failure shows at {}: {}.{flaky}{laid}\n{}",
                ctx.bad, found.signature, found.output_end
            );
            Ok(ToolOutput::new(text, found).with_evidence([seen.shown.evidence()]))
        }
        Err(ReplayError::BadPasses { attempts, .. }) => {
            let why = format!("it passed {attempts} of {attempts} times");
            Ok(not_shown(ReplayOutcome::Passes, why, None, runs, &replayer.recorded()))
        }
        Err(ReplayError::BadCannotTest { why, .. }) => {
            let recorded = replayer.recorded();
            let outcome = recorded.last().map_or(ReplayOutcome::CannotTest, |last| last.run.outcome);
            let remedy = recorded.last().and_then(|last| remedy(ctx, &last.tail));
            Ok(not_shown(outcome, why, remedy, runs, &recorded))
        }
        Err(error) => Err(error.into()),
    }
}

/// The ticket's failure against the one that the replay shows.
fn agreement(ctx: &ToolContext, seen: &replay::ReproducedFailure, accepted: bool) -> FailureAgreement {
    match seen.failure.agreement(&ctx.ticket, &seen.shown.tail) {
        ingest::TicketAgreement::Agrees { why } => FailureAgreement::Agrees { why },
        ingest::TicketAgreement::NotNamed => FailureAgreement::NotNamed,
        ingest::TicketAgreement::CannotTell { why } => FailureAgreement::CannotTell { why },
        ingest::TicketAgreement::Differs { ticket, replay } if accepted => {
            FailureAgreement::Accepted { ticket, replay }
        }
        ingest::TicketAgreement::Differs { ticket, replay } => FailureAgreement::Differs { ticket, replay },
    }
}

/// The replay fails, but not as the ticket says: its set-up is broken here, or it is another failure. Neither proves
/// anything about the ticket.
fn differs(
    ctx: &ToolContext,
    seen: &replay::ReproducedFailure,
    ticket: &str,
    shown: &str,
    runs: Vec<(usize, ReplayRun)>,
) -> ToolOutput {
    let obstacle = seen.failure.output.obstacle.as_ref();
    let found = ReproduceResult {
        outcome: match obstacle {
            Some(_) => ReplayOutcome::CannotTest,
            None => ReplayOutcome::OtherFailure,
        },
        flaky_rate: seen.flakiness().rate(),
        sandbox: seen.shown.sandbox,
        signature: shown.to_owned(),
        output_end: end_of(&seen.shown.tail),
        denied: seen.shown.notes.clone(),
        runs,
        executed_files: 0,
        agreement: Some(FailureAgreement::Differs { ticket: ticket.to_owned(), replay: shown.to_owned() }),
        remedy: obstacle.and_then(|_| remedy(ctx, &seen.shown.tail)),
        laid_in: Vec::new(),
    };
    let text = match &found.remedy {
        Some(remedy) => format!(
            "The replay cannot be run at {}: {}. {remedy}\n{}",
            ctx.bad, found.signature, found.output_end
        ),
        None => format!(
            "The replay fails at {} in another way than the ticket says. The ticket: {ticket}. The replay: \
             {shown}.\n{}",
            ctx.bad, found.output_end
        ),
    };
    ToolOutput::new(text, found).with_evidence([seen.shown.evidence()])
}

/// What to do about a replay that did not get as far as the failure.
fn remedy(ctx: &ToolContext, tail: &str) -> Option<String> {
    let submodules = git::submodules_at(&ctx.repo, &ctx.bad).unwrap_or_default();
    let ended = tail.lines().last().and_then(|line| line.strip_prefix("[exit status ")?.strip_suffix(']'));
    let context = ingest::SetupContext {
        submodules: &submodules,
        exit_status: ended.and_then(|status| status.parse().ok()),
    };
    ingest::Obstacle::find(tail, &context).map(|obstacle| obstacle.remedy())
}

fn not_shown(
    outcome: ReplayOutcome,
    why: String,
    remedy: Option<String>,
    runs: Vec<(usize, ReplayRun)>,
    recorded: &[ReplayResult],
) -> ToolOutput {
    let last = recorded.last();
    let found = ReproduceResult {
        outcome,
        flaky_rate: 0.0,
        sandbox: last.map_or(SandboxLevel::None, |replayed| replayed.sandbox),
        signature: why,
        output_end: last.map(|replayed| end_of(&replayed.tail)).unwrap_or_default(),
        denied: last.map(|replayed| replayed.notes.clone()).unwrap_or_default(),
        runs,
        executed_files: 0,
        agreement: None,
        remedy,
        laid_in: Vec::new(),
    };
    let text = format!("The failure does not show: {}.\n{}", found.signature, found.output_end);
    ToolOutput::new(text, found).with_evidence(last.map(ReplayResult::evidence))
}

impl From<ReplayError> for ToolError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Cancelled => ToolError::timeout(error.to_string()),
            ReplayError::Checkout(_) | ReplayError::Sandbox(_) | ReplayError::Ledger { .. } => {
                ToolError::unavailable(error.to_string())
            }
            ReplayError::BadPasses { .. } | ReplayError::BadCannotTest { .. } => {
                ToolError::failed(error.to_string())
            }
        }
    }
}
