/*! Tool: does a candidate fix hold? */

use std::time::Duration;

use millwright_culprit::fixes::{
    self, BeyondReplay, FixCandidate, FourWayCheck, ProjectTests, ProjectTestsRun, TakesAway,
};
use millwright_culprit::minimise::hunks_of;
use millwright_git as git;
use millwright_ingest::is_test_path;
use millwright_model::{CheckResult, CommitId, EvidenceDraft, Fix, FixKind, Proof, TestsResult};
use millwright_replay::{ReplayResult, Replayer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::bisect::CULPRIT;
pub use super::candidates::FixCheck;
use super::format::end_of;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput, candidates, failed_fixes};

#[derive(Debug, Clone, Copy)]
pub struct VerifyFix;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyFixArgs {
    /// The id of a candidate from `propose_fix` or `propose_patch`: `revert`, `partial_revert`, `patch_1` …
    pub candidate: String,
}

/// A fix holds when the failure would have stayed away by luck as often with at most this probability. Stricter than
/// the bisect, since a culprit that was named wrongly is found out here.
const LUCKY: f64 = 0.0003;

/// The artifact with the outcome of the project's tests at the failing revision as it is.
const BASELINE: &str = "tests.json";
/// The artifact with what they showed when they were run again.
const BASELINE_AGAIN: &str = "tests_again.json";

impl Tool for VerifyFix {
    type Args = VerifyFixArgs;
    const NAME: &'static str = "verify_fix";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(8 * 3600);

    fn description(&self) -> String {
        "Verifies a candidate fix: runs the replay with it at the failing revision, compares the project's \
         tests with and without it one by one, and compares its behaviour with the history on inputs around \
         the replay's own. It is verified only if one of the last two confirms it and neither contradicts it."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: VerifyFixArgs) -> Result<ToolOutput, ToolError> {
        let failed = failed_fixes::load(ctx).await?;
        ctx.blocking(move |ctx| {
            let candidate = candidates::named(ctx, &args.candidate)?;
            let (replayer, _) = ctx.reproduced()?;
            let (mut check, evidence) = check(ctx, &replayer, &candidate, Thoroughness::Whole, LUCKY)?;
            if let Some(because) = failed_fixes::known_to_fail(&failed, &check.fix) {
                check.fix.proof = check.fix.proof.min(Proof::CauseConfirmed);
                check.detail = format!("{because}. Now: {}", check.detail);
                check.failed_before = Some(because);
            }
            candidates::keep_check(ctx, &check)?;
            let standing = match (check.fix.proof, check.holds()) {
                (Proof::FixVerified, _) => "verified",
                (_, true) => {
                    "passes the replay, but nothing beyond it shows that it is right, so it is not verified"
                }
                (_, false) => "does not hold",
            };
            let mut text = format!(
                "{}: {standing}. Replay with it: {}; project's tests: {}. {}.",
                check.candidate,
                in_words(check.fix.replay),
                check.fix.tests.as_str().replace('_', " "),
                check.detail
            );
            for item in &check.fix.takes_away {
                text.push_str(&format!("\nIt removes: {item}"));
            }
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

/// How far a verification goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thoroughness {
    /// The replay alone: for a fix that was verified before.
    ReplayOnly,
    /// The project's tests and the four-way check as well.
    Whole,
}

/// Verifies `candidate` with the replay in force and, as far as asked for, with what shows more than the replay.
pub(super) fn check(
    ctx: &ToolContext,
    replayer: &Replayer,
    candidate: &FixCandidate,
    thoroughness: Thoroughness,
    doubt: f64,
) -> Result<(FixCheck, Vec<EvidenceDraft>), ToolError> {
    let flakiness = ctx.workbench.shown().map(|shown| shown.flakiness).unwrap_or_default();
    let whole = thoroughness == Thoroughness::Whole;
    let tests = match ctx.workbench.tests.as_deref().filter(|_| whole) {
        None => None,
        Some(command) => Some(tests_with_baseline(ctx, replayer, command)?),
    };
    let culprit = ctx.workbench.artifact::<CommitId>(CULPRIT).filter(|_| whole);
    let parent = match &culprit {
        Some(culprit) => {
            let parents = git::show(&ctx.repo, culprit, &[], 0, &ctx.cancel)?.summary.parents;
            parents.into_iter().next()
        }
        None => None,
    };
    let observations = culprit.as_ref().map(|culprit| ctx.workbench.observations_of(culprit));
    let max_inputs = ctx.workbench.four_way_inputs.unwrap_or(fixes::DEFAULT_INPUTS);
    // Outputs cannot be compared if the failure is flaky or a hang.
    let comparable = max_inputs > 0 && flakiness.passes == 0 && !replayer.recipe().is_hang;
    let four_way = match (&culprit, &parent, &observations) {
        (Some(culprit), Some(parent), Some(observations)) if comparable => Some(FourWayCheck {
            replayer,
            culprit,
            parent,
            bad: &ctx.bad,
            max_inputs,
            time_left: ctx.time_left(),
            observations,
        }),
        _ => None,
    };
    ctx.progress.note(ProgressEvent::Step { text: format!("the {}", fixes::kind_in_words(candidate.kind)) });
    let beyond = BeyondReplay { tests: tests.as_ref().map(|(tests, before)| (tests, before)), four_way };
    let seen = fixes::verify(replayer, beyond, candidate, &ctx.bad, (flakiness, doubt))?;
    if let Some(repeats) =
        tests.as_ref().map(|(tests, _)| tests.repeats()).filter(|repeats| !repeats.is_empty())
    {
        ctx.workbench.keep(BASELINE_AGAIN, &repeats)?;
    }
    let is_revert = candidate.kind == FixKind::Revert;
    if is_revert {
        super::bisect::keep_taken_back(ctx, seen.outcomes)?;
    }
    let takes_away = match &culprit {
        Some(culprit) => fixes::takes_away(&ctx.repo, candidate, culprit, &ctx.bad)?,
        None => TakesAway::default(),
    };
    let mut fix = Fix {
        replay: seen.replay,
        tests: seen.tests,
        tests_detail: seen.tests_detail,
        takes_away: takes_away.items,
        four_way: seen.four_way,
        is_stopgap: takes_away.security,
        proof: Proof::CauseConfirmed,
        ..Fix::untested(candidate.kind, candidate.diff.clone())
    };
    // Tests that came with the culprit describe its purpose. A fix that takes the tests back, and was not run against
    // them, is right only for the old behaviour.
    let untested = match &culprit {
        Some(culprit) if fix.tests != TestsResult::Pass && takes_back(&fix) => tests_of(ctx, culprit)?,
        _ => Vec::new(),
    };
    if let Some(first) = untested.first() {
        fix.takes_away.push(format!(
            "what the culprit was meant to do, as its own tests ({first}{}) describe it; they were not run \
             with the fix",
            if untested.len() > 1 { " …" } else { "" }
        ));
    }
    let told_against = seen.tests_fail_untold || !untested.is_empty();
    if fix.replay == CheckResult::Pass && fix.holds_beyond_replay() && !told_against {
        fix.proof = Proof::FixVerified;
    }
    let evidence = seen.shown.iter().map(ReplayResult::evidence).collect();
    let check = FixCheck {
        candidate: candidate.id.clone(),
        fix,
        detail: seen.detail,
        runs: replayer.runs(),
        judged_by: replayer.asked(),
        passes: seen.outcomes.passes,
        contradicts: is_revert && seen.outcomes.failures > 0,
        failed_before: None,
        output_end: end_of(&seen.output_end),
    };
    Ok((check, evidence))
}

/// Whether the four-way check saw the fix restore more than the replay's own input.
fn takes_back(fix: &Fix) -> bool {
    fix.four_way.as_ref().is_some_and(|check| check.restored > 0)
}

/// Tests that a commit changes.
fn tests_of(ctx: &ToolContext, commit: &CommitId) -> Result<Vec<String>, ToolError> {
    let mut paths: Vec<String> = hunks_of(&ctx.repo, commit)?.into_iter().map(|hunk| hunk.path).collect();
    paths.dedup();
    paths.retain(|path| is_test_path(path));
    Ok(paths)
}

/// The project's tests, and what they show without a fix: run once in an investigation.
fn tests_with_baseline(
    ctx: &ToolContext,
    replayer: &Replayer,
    command: &str,
) -> Result<(ProjectTests, ProjectTestsRun), ToolError> {
    let tests = ProjectTests::new(replayer, command, &ctx.workbench.recipes.test_report)
        .with_repeats(ctx.workbench.artifact(BASELINE_AGAIN).unwrap_or_default());
    if let Some(known) = ctx.workbench.artifact(BASELINE) {
        return Ok((tests, known));
    }
    ctx.progress.note(ProgressEvent::Step { text: "the project's tests without the fix".into() });
    let before = tests.run(&ctx.bad, None)?;
    ctx.workbench.keep(BASELINE, &before)?;
    Ok((tests, before))
}

#[cfg(test)]
#[path = "verify_fix_tests.rs"]
mod tests;
