/*! Tool: what is the outcome of the replay at one revision, or with one candidate fix? */

use std::time::Duration;

use millwright_git::checkout::CheckoutChange;
use millwright_model::{ReplayOutcome, ReplayRun};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::end_of;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput, candidates};

#[derive(Debug, Clone, Copy)]
pub struct ReplayTool;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayArgs {
    /// A commit id from git_log, `bad`, `good` or `bad~N`. Default: the failing revision.
    #[serde(default)]
    pub revision: Option<String>,
    /// The id of a candidate fix to apply first, from `propose_fix` or `propose_patch`.
    #[serde(default)]
    pub candidate: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayedOnce {
    /// As `replay:<n>` cites it.
    pub number: usize,
    pub run: ReplayRun,
    pub candidate: Option<String>,
    /// Why it is not a plain pass or reproduction.
    pub why: Option<String>,
    pub output_end: String,
    /// Answered from an execution of this run that was begun before an interruption.
    pub recalled: bool,
}

impl Tool for ReplayTool {
    type Args = ReplayArgs;
    const NAME: &'static str = "replay";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

    fn description(&self) -> String {
        "Runs the replay once in the sandbox, at a revision you name and with a candidate fix if you name one, and \
         says whether the incident's failure shows there. Needs `reproduce` first. To find the culprit use `bisect`, \
         to judge a fix `verify_fix`."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: ReplayArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, &args)).await
    }
}

fn work(ctx: &ToolContext, args: &ReplayArgs) -> Result<ToolOutput, ToolError> {
    let revision = ctx.visible(args.revision.as_deref())?;
    let change = change(ctx, args.candidate.as_deref())?;
    let (replayer, _) = ctx.reproduced()?;
    let seen = replayer.run(&revision, change.as_ref())?;
    ctx.progress.note(ProgressEvent::Replay {
        commit: seen.run.commit.clone(),
        outcome: seen.run.outcome,
        number: seen.number as u64,
        left: None,
        duration_ms: seen.run.duration_ms,
    });
    let said = match seen.outcome() {
        ReplayOutcome::Passes => "passes: the failure does not show",
        ReplayOutcome::Reproduces => "reproduces the failure",
        ReplayOutcome::OtherFailure => "fails in another way, which says nothing about this incident",
        ReplayOutcome::CannotTest => "could not be run, which says nothing about this incident",
    };
    let with = args.candidate.as_deref().map(|id| format!(" with {id}")).unwrap_or_default();
    let why = seen.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
    let once = match seen.outcome() {
        ReplayOutcome::Passes if ctx.workbench.shown().is_some_and(|shown| shown.flakiness.passes > 0) => {
            " The failure is flaky, so a single pass proves little."
        }
        _ => "",
    };
    let found = ReplayedOnce {
        number: seen.number,
        run: seen.run.clone(),
        candidate: args.candidate.clone(),
        why: seen.why.clone(),
        output_end: end_of(&seen.tail),
        recalled: seen.recalled,
    };
    let text = format!(
        "replay {} at {}{with}: {said}{why}.{once}\n{}",
        seen.number,
        revision.short(),
        found.output_end
    );
    Ok(ToolOutput::new(text, found).with_evidence([seen.evidence()]))
}

/// The change a candidate makes. Candidates are written against the failing revision; elsewhere git says when one
/// does not apply.
pub(super) fn change(
    ctx: &ToolContext,
    candidate: Option<&str>,
) -> Result<Option<CheckoutChange>, ToolError> {
    candidate.map(|id| Ok(CheckoutChange::Patch(candidates::named(ctx, id)?.diff))).transpose()
}
