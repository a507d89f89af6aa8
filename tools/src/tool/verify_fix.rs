/*! Tool: does a candidate fix hold? */

use std::time::Duration;

use millwright_memory::types::{CheckResult, EvidenceDraft, Fix, FixKind, Proof, ReplayRun};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reproduce::{end_of, numbered};
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput, candidates};
use crate::fixes::{self, Candidate, TestOutcome};
use crate::replay::{Replayed, Replayer};

#[derive(Debug, Clone, Copy)]
pub struct VerifyFix;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The id of a candidate from `propose_fix` or `propose_patch`: `revert`, `partial_revert`, `patch_1` …
    pub candidate: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixCheck {
    pub candidate: String,
    pub fix: Fix,
    /// Why it holds or not, in words.
    pub detail: String,
    pub runs: Vec<(usize, ReplayRun)>,
    /// Passes of the replay with the fix.
    #[serde(default)]
    pub passes: u32,
    /// The whole culprit was taken back and the failure stayed: it may be none.
    #[serde(default)]
    pub contradicts: bool,
    /// The end of what failed with it, for whoever writes the next one. Empty when it held.
    #[serde(default)]
    pub output_end: String,
}

impl FixCheck {
    pub fn in_words(&self) -> String {
        format!("The {}", fixes::kind_in_words(self.fix.kind))
    }
}

/// A fix holds when the failure would have stayed away by luck as often with at most this probability. Stricter than
/// the bisect, since a culprit that was named wrongly is found out here.
const LUCKY: f64 = 0.0003;

/// The artifact with the outcome of the project's tests at the failing revision as it is.
const BASELINE: &str = "tests.json";

impl Tool for VerifyFix {
    type Args = Args;
    const NAME: &'static str = "verify_fix";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(8 * 3600);

    fn description(&self) -> String {
        "Verifies a candidate fix: runs the replay with it at the failing revision, and compares the project's \
         tests with and without it."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: Args) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let candidate = candidates::named(ctx, &args.candidate)?;
            let (replayer, _) = ctx.workbench.reproduced(ctx)?;
            let (check, evidence) = check(ctx, &replayer, &candidate, ctx.workbench.tests.as_deref(), LUCKY)?;
            candidates::keep_check(ctx, &check)?;
            let mut text = format!(
                "{}: {}. Replay with it: {}; project's tests: {}. {}.",
                check.candidate,
                if check.fix.proof == Proof::FixVerified { "verified" } else { "does not hold" },
                in_words(check.fix.replay),
                in_words(check.fix.tests),
                check.detail
            );
            if !check.output_end.is_empty() {
                text.push_str(&format!("\nThe failing output ends:\n{}", check.output_end));
            }
            Ok(ToolOutput::new(text, check).with_evidence(evidence))
        })
        .await
    }
}

fn in_words(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Pass => "pass",
        CheckResult::Fail => "fail",
        CheckResult::NotRun => "not run",
    }
}

/// Verifies `candidate` with the replay in force and, where a command is given, the project's tests.
pub(super) fn check(
    ctx: &ToolContext,
    replayer: &Replayer,
    candidate: &Candidate,
    tests: Option<&str>,
    doubt: f64,
) -> Result<(FixCheck, Vec<EvidenceDraft>), ToolError> {
    let before = replayer.runs().len();
    let flakiness = ctx.workbench.shown().map(|shown| shown.flakiness).unwrap_or_default();
    let tests = match tests {
        None => None,
        Some(command) => {
            let tests = replayer.with_recipe(fixes::tests_recipe(replayer.recipe(), command));
            let outcome: TestOutcome = match ctx.workbench.artifact(BASELINE) {
                Some(known) => known,
                None => {
                    ctx.progress
                        .note(ProgressEvent::Step { text: "the project's tests without the fix".into() });
                    let outcome = fixes::baseline(&tests, &ctx.bad)?;
                    ctx.workbench.keep(BASELINE, &outcome)?;
                    outcome
                }
            };
            Some((tests, outcome))
        }
    };
    ctx.progress.note(ProgressEvent::Step { text: format!("the {}", fixes::kind_in_words(candidate.kind)) });
    let with = tests.as_ref().map(|(tests, outcome)| (tests, outcome));
    let seen = fixes::verify(replayer, with, candidate, &ctx.bad, (flakiness, doubt))?;
    let is_revert = candidate.kind == FixKind::Revert;
    if is_revert {
        super::bisect::keep_taken_back(ctx, seen.outcomes)?;
    }
    let verified = seen.replay == CheckResult::Pass && seen.tests != CheckResult::Fail;
    let fix = Fix {
        kind: candidate.kind,
        diff: candidate.diff.clone(),
        proof: if verified { Proof::FixVerified } else { Proof::CauseConfirmed },
        replay: seen.replay,
        tests: seen.tests,
    };
    let runs = numbered(&replayer.runs()).split_off(before);
    let evidence = seen.shown.iter().map(Replayed::evidence).collect();
    let failing = match (seen.replay, seen.tests) {
        (CheckResult::Pass, CheckResult::Fail) => seen.tested.as_ref(),
        (CheckResult::Pass, _) => None,
        _ => seen.shown.as_ref(),
    };
    let output_end = failing.map(|replayed| end_of(&replayed.tail)).unwrap_or_default();
    let check = FixCheck {
        candidate: candidate.id.clone(),
        fix,
        detail: seen.detail,
        runs,
        passes: seen.outcomes.passes,
        contradicts: is_revert && seen.outcomes.failures > 0,
        output_end,
    };
    Ok((check, evidence))
}
