/*!
Tool: makes a replay from a test that the caller wrote, for an incident that came without one.

The test must match the incident: it must fail at the failing revision in the way that the ticket describes, must
reach the failing code, and must not fail at the good revision as well. It then becomes the run's replay, and all
tools that need a replay use it.
*/

use std::time::Duration;

use millwright_code::judges;
use millwright_git::{self as git, TreePathKind};
use millwright_ingest::{self as ingest, SignatureMatch};
use millwright_model::{EvidenceDraft, EvidenceSource, Locator, ParsedTicket, ReplayOutcome, ReplayRun};
use millwright_replay::{FailureSignature, LaidFile, ReplayError, ReplayRecipe, ReplayResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::end_of;
use super::run_resources::ShownFailure;
use super::run_tests::one_test;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct WriteReproduction;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteReproductionArgs {
    /// Where the test file goes, from the top of the repository, where the project keeps its tests. An existing test
    /// file is replaced; other files cannot be.
    pub path: String,
    /// The whole file. It should call the program the way the ticket describes and fail only because of the
    /// incident.
    pub content: String,
    /// The test's name in the form that the project's runner accepts: `tests/test_cart.py::test_total`,
    /// `app.tests.CartTests`.
    pub test: String,
}

/// A reproduction test that was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenReproduction {
    pub path: String,
    pub test: String,
    pub content: String,
    /// What is replayed from now on.
    pub recipe: ReplayRecipe,
    /// How it fails, in one line.
    pub signature: String,
    /// Why this is taken for the incident's failure.
    pub matched: String,
    /// What the good revision showed, where one is known.
    pub at_good: Option<ReplayOutcome>,
    pub runs: Vec<(usize, ReplayRun)>,
}

const MAX_BYTES: usize = 64 << 10;
/// The artifact with the number of attempts.
const ATTEMPTS: &str = "reproductions.json";

impl Tool for WriteReproduction {
    type Args = WriteReproductionArgs;
    const NAME: &'static str = "write_reproduction";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

    fn description(&self) -> String {
        "For an incident without a replay: takes a test you wrote, runs it in the sandbox at the failing \
         revision, and makes it the run's replay if it fails there the way the ticket describes. Then \
         `reproduce`, `bisect`, `minimise` and `verify_fix` work on it. The repository's `test_one` recipe \
         runs it; attempts are limited."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: WriteReproductionArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, args)).await
    }
}

fn work(ctx: &ToolContext, args: WriteReproductionArgs) -> Result<ToolOutput, ToolError> {
    if ctx.workbench.recipe.is_some() {
        return Err(ToolError::denied(
            "this run has a replay already, given or derived from the ticket; use `reproduce` and `replay`",
        ));
    }
    let path = args.path.strip_prefix("./").unwrap_or(&args.path).to_owned();
    check_path(ctx, &path)?;
    if args.content.len() > MAX_BYTES || args.content.trim().is_empty() || args.content.contains('\0') {
        return Err(ToolError::invalid(format!(
            "`content` must be a text of 1 to {MAX_BYTES} bytes, the whole test file"
        )));
    }
    let mut recipe = one_test(ctx, &args.test)?;
    recipe.files = vec![LaidFile::text(path.clone(), args.content.clone())];
    count_attempt(ctx)?;

    ctx.progress.note(ProgressEvent::Step { text: format!("running the written test {}", args.test) });
    // Earlier reproductions say nothing about this test: its failure is learned from scratch.
    let replayer = ctx.unexpecting_replayer(recipe.clone())?;
    let seen = match replayer.reproduce(&ctx.bad, true) {
        Ok(seen) => seen,
        Err(ReplayError::BadPasses { .. }) => {
            return Ok(refused(
                "it passes at the failing revision, so it does not show the incident",
                &replayer.recorded(),
            ));
        }
        Err(ReplayError::BadCannotTest { why, .. }) => {
            return Ok(refused(
                &format!("it cannot be run at the failing revision: {why}"),
                &replayer.recorded(),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    let matched = match fits(&ctx.ticket, &seen.failure) {
        Ok(matched) => matched,
        Err(why) => {
            return Ok(refused(
                &format!("it fails, but not the way the ticket describes: {why}"),
                &replayer.recorded(),
            ));
        }
    };
    let at_good = match &ctx.good {
        None => None,
        Some(good) => {
            let outcome = replayer.run(good, None)?.outcome();
            if outcome == ReplayOutcome::Reproduces {
                let why = "it fails at the good revision in the same way, so it shows something other than \
                           the incident";
                return Ok(refused(why, &replayer.recorded()));
            }
            Some(outcome)
        }
    };
    ctx.workbench.keep_shown(&ShownFailure {
        failure: seen.failure.clone(),
        flakiness: seen.flakiness(),
        at_bad: seen.flakiness(),
        runs: replayer.runs().len(),
        trace: seen.trace.clone(),
        output: seen.shown.tail.clone(),
    })?;
    ctx.workbench.adopt_recipe(&recipe)?;
    let lines = u32::try_from(args.content.lines().count()).unwrap_or(u32::MAX).max(1);
    let written = EvidenceDraft {
        source: EvidenceSource::Code,
        locator: Locator::file_lines(&path, 1, lines),
        text: args.content.clone(),
    };
    let found = WrittenReproduction {
        signature: seen.failure.to_string(),
        runs: replayer.runs(),
        test: args.test,
        content: args.content,
        path,
        recipe,
        matched,
        at_good,
    };
    let good = match found.at_good {
        Some(ReplayOutcome::Passes) => " It passes at the good revision.",
        Some(_) => " At the good revision it cannot be judged.",
        None => " No good revision is known to compare with.",
    };
    let text = format!(
        "Accepted: {} fails at the failing revision: {} ({}).{good} It is this run's replay now; call `reproduce`, \
         then `bisect`.\n{}",
        found.test,
        found.signature,
        found.matched,
        end_of(&seen.shown.tail)
    );
    Ok(ToolOutput::new(text, found).with_evidence([seen.shown.evidence(), written]))
}

/// The test was run and does not serve. No error: what it showed is worth reading and citing.
fn refused(why: &str, recorded: &[ReplayResult]) -> ToolOutput {
    let last = recorded.last();
    let end = last.map(|replayed| end_of(&replayed.tail)).unwrap_or_default();
    let text = format!("Not accepted: {why}. The run has no replay yet; fix the test and try again.\n{end}");
    let runs: Vec<(usize, ReplayRun)> =
        recorded.iter().map(|replayed| (replayed.number, replayed.run.clone())).collect();
    ToolOutput::new(text, serde_json::json!({ "refused": why, "runs": runs }))
        .with_evidence(last.map(ReplayResult::evidence))
}

fn count_attempt(ctx: &ToolContext) -> Result<(), ToolError> {
    let tried: u32 = ctx.workbench.artifact(ATTEMPTS).unwrap_or_default();
    let allowed = ctx.workbench.attempts.reproductions;
    if tried >= allowed {
        return Err(ToolError::denied(format!(
            "the {allowed} reproduction tests this run may try are used up; go on without a replay"
        )));
    }
    ctx.workbench.keep(ATTEMPTS, &(tried + 1))
}

fn check_path(ctx: &ToolContext, path: &str) -> Result<(), ToolError> {
    let shown: String = path.chars().take(120).collect();
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.starts_with('.');
    if path.len() > 400 || path.chars().any(|c| c.is_control() || c == '\\') || path.split('/').any(bad) {
        return Err(ToolError::invalid(format!(
            "{shown:?} is not a path for a test; write it from the top of the repository, without hidden \
             folders"
        )));
    }
    if !ingest::is_test_path(path) {
        return Err(ToolError::invalid(format!(
            "{shown} does not have the name of a test; put it where the project keeps its tests \
             (tests/test_x.py, src/x.test.ts, x_test.go …)"
        )));
    }
    for (at, _) in path.match_indices('/') {
        match git::kind_at(&ctx.repo, &ctx.bad, &path[..at])? {
            None | Some(TreePathKind::Folder) => {}
            Some(_) => {
                return Err(ToolError::invalid(format!("{} is not a folder in the repository", &path[..at])));
            }
        }
    }
    match git::kind_at(&ctx.repo, &ctx.bad, path)? {
        None => Ok(()),
        Some(TreePathKind::File { .. }) if judges(path) => Ok(()),
        Some(_) => Err(ToolError::denied(format!(
            "{shown} exists and is not a test file; a reproduction never replaces the program. Choose another path"
        ))),
    }
}

/// Whether a failure is the ticket's. Which test fails says nothing here, as the ticket cannot know the new one.
fn fits(ticket: &ParsedTicket, seen: &FailureSignature) -> Result<String, String> {
    let mut seen = seen.output.clone();
    if let Some(obstacle) = &seen.obstacle {
        return Err(format!("the run did not get as far as the failure: {obstacle}"));
    }
    let mut told = ingest::signature(&ticket.text);
    for signature in [&mut told, &mut seen] {
        signature.tests.clear();
        signature.obstacle = None;
        for failure in &mut signature.failures {
            failure.test = None;
            failure.asserting = None;
        }
    }
    if told.failures.is_empty() {
        return Ok("the ticket names no error to compare with".to_owned());
    }
    match told.matches(&seen) {
        SignatureMatch::Same { why, .. } => Ok(why),
        SignatureMatch::Different { why } => Err(why),
    }
}

#[cfg(test)]
#[path = "write_reproduction_tests.rs"]
mod tests;
