/*! Tool: which of the project's tests fail, at a revision or with a candidate fix? */

use std::collections::BTreeSet;
use std::time::Duration;

use millwright_culprit::fixes::{self, ProjectTests};
use millwright_model::{CommitId, EvidenceDraft, EvidenceSource, Locator};
use millwright_replay::{DeriveError, ReplayRecipe, derive_command};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::end_of;
use super::replay::change;
use super::{Effect, ProgressEvent, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct RunTests;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTestsArgs {
    /// A commit id from git_log, `bad`, `good` or `bad~N`. Default: the failing revision.
    #[serde(default)]
    pub revision: Option<String>,
    /// The id of a candidate fix to apply first, from `propose_fix` or `propose_patch`.
    #[serde(default)]
    pub candidate: Option<String>,
    /// One test, named in the form that the project's runner accepts (`tests/test_cart.py::test_total`).
    /// Default: all tests.
    #[serde(default)]
    pub test: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunTestsResult {
    pub revision: CommitId,
    pub candidate: Option<String>,
    pub test: Option<String>,
    pub passed: bool,
    /// Why they could not be run.
    pub not_run: Option<String>,
    /// Names of the failing tests, as far as the output tells (bounded).
    pub failing: BTreeSet<String>,
    pub duration_ms: u64,
    pub output_end: String,
}

/// Failing tests named in the text; the rest are counted.
const LISTED: usize = 60;
const MOST_FAILING: usize = 2_000;

impl Tool for RunTests {
    type Args = RunTestsArgs;
    const NAME: &'static str = "run_tests";
    const EFFECT: Effect = Effect::Execute;
    const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

    fn description(&self) -> String {
        "Runs the project's own tests in the sandbox, all of them or the one you name, and lists which fail. The \
         commands come from the configuration; you name a revision, a candidate fix or a test, never a command."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: RunTestsArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, args)).await
    }
}

fn work(ctx: &ToolContext, args: RunTestsArgs) -> Result<ToolOutput, ToolError> {
    let revision = ctx.visible(args.revision.as_deref())?;
    let change = change(ctx, args.candidate.as_deref())?;
    let recipe = match args.test.as_deref() {
        Some(test) => one_test(ctx, test)?,
        None => all_tests(ctx)?,
    };
    ctx.progress.note(ProgressEvent::Step {
        text: format!("{} at {}", args.test.as_deref().unwrap_or("the project's tests"), revision.short()),
    });
    // Use a separate ledger: these runs are not replays of the incident.
    let replayer = ctx.replayer(recipe.clone())?;
    let tests = ProjectTests::of_recipe(&replayer, recipe, &ctx.workbench.recipes.test_report);
    let seen = tests.run(&revision, change.as_ref())?;
    let obstacle = seen.obstacle.as_ref().map(|obstacle| format!("{obstacle}. {}", obstacle.remedy()));
    let obstacle = obstacle.or_else(|| seen.report.obstacle.clone()).filter(|_| seen.report.ran() == 0);
    let found = RunTestsResult {
        passed: seen.stopped.is_none() && seen.report.exit_status == Some(0),
        not_run: seen.stopped.clone().or(obstacle),
        failing: seen.report.failing().take(MOST_FAILING).collect(),
        duration_ms: seen.duration_ms,
        output_end: end_of(&seen.output_end),
        candidate: args.candidate,
        test: args.test,
        revision,
    };
    let what = found.test.as_deref().unwrap_or("the project's tests").to_owned();
    let with = found.candidate.as_deref().map(|id| format!(" with {id}")).unwrap_or_default();
    let place = format!("{what} at {}{with}", found.revision.short());
    let mut text = match (&found.not_run, found.passed, found.failing.len()) {
        (Some(why), _, _) => format!("{place}: could not be run: {why}."),
        (None, true, _) => format!("{place}: pass."),
        (None, false, 0) => format!("{place}: fail, and the output names no test."),
        (None, false, count) => format!("{place}: {count} fail:"),
    };
    for test in found.failing.iter().take(LISTED) {
        text.push_str(&format!("\n{test}"));
    }
    let unnamed = found.failing.len().saturating_sub(LISTED);
    if unnamed > 0 {
        text.push_str(&format!("\n[{unnamed} more; name one with `test` to see it]"));
    }
    if !found.passed {
        text.push_str(&format!("\nThe output ends:\n{}", found.output_end));
    }
    let evidence = EvidenceDraft {
        source: EvidenceSource::Logs,
        locator: Locator(format!("file:tests@{}", found.revision.short())),
        text: format!("{place}\n{}\n", seen.output_end),
    };
    Ok(ToolOutput::new(text, found).with_evidence([evidence]))
}

fn all_tests(ctx: &ToolContext) -> Result<ReplayRecipe, ToolError> {
    let command = ctx.workbench.tests.as_deref().ok_or_else(|| {
        ToolError::unavailable(
            "no command that runs the project's tests is known; a person gives it with --tests CMD, or as `test` of \
             the repository in millwright.toml",
        )
    })?;
    let like = ctx.workbench.recipe().unwrap_or_else(|| ctx.workbench.recipes.recipe(""));
    Ok(fixes::tests_recipe(&like, command))
}

/// The `test_one` recipe for a test somebody named.
pub(super) fn one_test(ctx: &ToolContext, test: &str) -> Result<ReplayRecipe, ToolError> {
    let recipes = &ctx.workbench.recipes;
    let test_one = recipes.test_one.as_deref().ok_or_else(|| {
        ToolError::unavailable(
            "no recipe that runs one test is known; a person gives it as `test_one = \"… {test}\"` of the repository \
             in millwright.toml (`millwright init` guesses it)",
        )
    })?;
    match derive_command(test_one, test) {
        Ok(command) => Ok(recipes.recipe(command)),
        Err(error @ DeriveError::NoPlaceholder { .. }) => Err(ToolError::unavailable(error.to_string())),
        Err(error) => Err(ToolError::invalid(error.to_string())),
    }
}
