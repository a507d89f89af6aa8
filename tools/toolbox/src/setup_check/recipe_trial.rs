/*!
Tries the recipes of a repository once: the set-up steps and the whole test suite, then one test by `test_one`, in a
clean checkout in the sandbox.
*/

use millwright_model::CommitId;
use std::sync::Arc;
use std::time::Duration;

use millwright_culprit::fixes::{ProjectTests, ProjectTestsRun, tests_recipe};
use millwright_git::Repo;
use millwright_git::checkout::{CheckoutPool, PoolLimits};
use millwright_ingest::test_report::TestReport;
use millwright_replay::{
    LaidFile, ReplayLedger, ReplayOptions, ReplayRecipe, Replayer, SandboxExecutor, TestRecipes,
    derive_command, load_overlay,
};
use millwright_sandbox::CancelFlag;

use super::sample_test::sample_test;
use super::trace_check::trace_check;
use super::{SetupCheck, SetupPart, SetupState};

/// Maximum number of failing tests in the message.
const MAX_NAMED: usize = 3;
/// A whole test suite that takes longer is not run once more for its trace, in milliseconds.
const MAX_TRACED_MS: u64 = 60_000;

/// The recipes to try, and where.
pub struct RecipeTrial<'a> {
    pub repo: &'a Repo,
    pub commit: &'a CommitId,
    pub recipes: &'a TestRecipes,
    /// The command that runs the project's tests.
    pub tests: Option<&'a str>,
    pub sandbox: ReplayOptions,
    /// Longest time for one command.
    pub patience: Duration,
}

/// The result of the trial.
#[derive(Debug, Default)]
pub struct RecipesTried {
    pub checks: Vec<SetupCheck>,
    /// Whether tests really ran; `None` if there was nothing to try.
    pub tests_ran: Option<bool>,
}

/// The whole test suite, run once.
#[derive(Debug, Default)]
struct WholeRun {
    report: TestReport,
    duration_ms: u64,
}

impl RecipeTrial<'_> {
    /// Runs the recipes; calls `progress` before each command. Blocks.
    pub fn run(&self, progress: &dyn Fn(&str)) -> RecipesTried {
        let mut tried = RecipesTried::default();
        for path in self.recipes.allow_read.iter().filter(|path| !path.exists()) {
            let detail = format!("{} does not exist; correct it, or remove it", path.display());
            tried.checks.push(SetupCheck::broken(SetupPart::AllowRead, detail));
        }
        let laid = match self.overlay() {
            Ok(laid) => laid,
            Err(why) => {
                tried.checks.push(SetupCheck::broken(SetupPart::Overlay, why));
                return tried;
            }
        };
        let whole = match self.tests {
            Some(command) => {
                progress(command);
                self.whole_tests(command, &mut tried)
            }
            None => {
                tried.checks.push(not_set(
                    SetupPart::Test,
                    "no fix can be verified by the project's tests; set test in [repositories.NAME] (`millwright init` \
                     guesses it)",
                ));
                Some(WholeRun::default())
            }
        };
        let is_traced = match (&self.recipes.test_one, &whole) {
            (Some(test_one), Some(whole)) => {
                self.one_test(test_one, &whole.report, &laid, progress, &mut tried)
            }
            // The set-up fails, which was reported already.
            (Some(_), None) => false,
            (None, _) => {
                if self.tests.is_none() && !self.recipes.setup.is_empty() {
                    self.set_up_alone(progress, &mut tried);
                }
                tried.checks.push(not_set(
                    SetupPart::TestOne,
                    "a ticket that names a failing test cannot be replayed automatically; set test_one = \"… \
                     {test}\" in [repositories.NAME]",
                ));
                false
            }
        };
        if let (Some(command), Some(whole)) = (self.tests, whole)
            && !is_traced
            && tried.tests_ran == Some(true)
            && whole.duration_ms <= MAX_TRACED_MS
        {
            progress(command);
            let recipe = tests_recipe(&self.recipes.recipe(""), command);
            tried.checks.push(self.trace(recipe, &[], whole.report.exit_status == Some(0)));
        }
        tried
    }

    fn overlay(&self) -> Result<Vec<LaidFile>, String> {
        let mut files = Vec::new();
        for given in &self.recipes.overlay {
            files
                .extend(load_overlay(self.repo, given, self.repo.path()).map_err(|error| error.to_string())?);
        }
        Ok(files)
    }

    fn run_tests(&self, recipe: ReplayRecipe, laid: &[LaidFile]) -> Result<ProjectTestsRun, String> {
        let recipe = self.within_limits(recipe, laid);
        let replayer = self.replayer(recipe.clone());
        let tests = ProjectTests::of_recipe(&replayer, recipe, &self.recipes.test_report);
        tests.run(self.commit, None).map_err(|error| error.to_string())
    }

    fn replayer(&self, recipe: ReplayRecipe) -> Replayer {
        let pool = CheckoutPool::new(self.repo.clone(), PoolLimits::default());
        let (sandbox, never) = (Arc::new(SandboxExecutor), CancelFlag::default());
        Replayer::new(pool, recipe, sandbox, ReplayLedger::in_memory(), self.sandbox.clone(), never)
    }

    /// Traces a command, as an investigation traces the failing run. `passes` says that it passes without a trace.
    fn trace(&self, recipe: ReplayRecipe, laid: &[LaidFile], passes: bool) -> SetupCheck {
        let recipe = self.within_limits(recipe, laid);
        let command = recipe.command.clone();
        trace_check(&command, passes, &self.recipes.coverage, &self.replayer(recipe).run_traced(self.commit))
    }

    /// The recipe as it is tried here: with the caller's patience, and without folders that do not exist, which were
    /// reported already.
    fn within_limits(&self, recipe: ReplayRecipe, laid: &[LaidFile]) -> ReplayRecipe {
        ReplayRecipe {
            timeout_s: recipe.timeout_s.min(self.patience.as_secs().max(1)),
            allow_read: recipe.allow_read.iter().filter(|path| path.exists()).cloned().collect(),
            files: laid.to_vec(),
            ..recipe
        }
    }

    fn set_up_alone(&self, progress: &dyn Fn(&str), tried: &mut RecipesTried) {
        progress(self.recipes.setup.first().map_or("", String::as_str));
        match self.run_tests(self.recipes.recipe("true"), &[]) {
            Err(why) => tried.checks.push(SetupCheck::broken(SetupPart::Setup, why)),
            Ok(run) => tried.checks.push(self.set_up_check(&run)),
        }
    }

    fn set_up_check(&self, run: &ProjectTestsRun) -> SetupCheck {
        match &run.failed_step {
            Some(step) => SetupCheck::broken(SetupPart::Setup, format!("the step `{step}` {}", ending(run))),
            None => {
                let count = self.recipes.setup.len();
                let steps =
                    if count == 1 { "1 step works".to_owned() } else { format!("{count} steps work") };
                SetupCheck::works(SetupPart::Setup, format!("{steps} in a clean checkout"))
            }
        }
    }

    /// Runs the whole test suite as investigations do, without the files that replays lay over a checkout; `None` if
    /// the tests did not start.
    fn whole_tests(&self, command: &str, tried: &mut RecipesTried) -> Option<WholeRun> {
        let recipe = tests_recipe(&self.recipes.recipe(""), command);
        let run = match self.run_tests(recipe, &[]) {
            Ok(run) => run,
            Err(why) => {
                tried.checks.push(SetupCheck::broken(SetupPart::Test, why));
                tried.tests_ran = Some(false);
                return None;
            }
        };
        if !self.recipes.setup.is_empty() {
            tried.checks.push(self.set_up_check(&run));
        }
        if run.failed_step.is_some() {
            tried.tests_ran = Some(false);
            return None;
        }
        let check = self.tests_check(SetupPart::Test, command, &run);
        tried.tests_ran = Some(run.report.ran() > 0 || is_fine(&check));
        tried.checks.push(check);
        Some(WholeRun { report: run.report, duration_ms: run.duration_ms })
    }

    /// Runs one test, and traces it; returns whether it was traced.
    fn one_test(
        &self,
        test_one: &str,
        whole: &TestReport,
        laid: &[LaidFile],
        progress: &dyn Fn(&str),
        tried: &mut RecipesTried,
    ) -> bool {
        let Some(test) = sample_test(self.repo, self.commit, whole, test_one) else {
            let detail = format!("`{test_one}` was not tried: no test is known by name to try it with");
            tried.checks.push(SetupCheck::doubtful(SetupPart::TestOne, detail));
            return false;
        };
        let command = match derive_command(test_one, &test) {
            Ok(command) => command,
            Err(error) => {
                tried.checks.push(SetupCheck::broken(SetupPart::TestOne, error.to_string()));
                return false;
            }
        };
        progress(&command);
        let mut passes = false;
        let check = match self.run_tests(self.recipes.recipe(command.clone()), laid) {
            Err(why) => SetupCheck::broken(SetupPart::TestOne, why),
            Ok(run) if run.failed_step.is_some() => self.set_up_check(&run),
            Ok(run) => {
                passes = run.report.exit_status == Some(0);
                let ran = run.report.ran();
                if self.tests.is_none() {
                    tried.tests_ran = Some(ran > 0);
                }
                let all = whole.ran();
                match self.tests_check(SetupPart::TestOne, &command, &run) {
                    check if is_fine(&check) && all > 1 && ran >= all => SetupCheck::doubtful(
                        SetupPart::TestOne,
                        format!("`{command}` ran all {ran} tests: the name did not select one"),
                    ),
                    check => check,
                }
            }
        };
        let is_fine = is_fine(&check);
        tried.checks.push(check);
        if is_fine {
            progress(&command);
            tried.checks.push(self.trace(self.recipes.recipe(command), laid, passes));
        }
        is_fine
    }

    fn tests_check(&self, part: SetupPart, command: &str, run: &ProjectTestsRun) -> SetupCheck {
        let report = &run.report;
        let took = format!("{:.1} s", Duration::from_millis(run.duration_ms).as_secs_f64());
        let ran = report.ran();
        if run.stopped.is_some() || (ran == 0 && report.exit_status != Some(0)) {
            return SetupCheck::broken(part, format!("`{command}` {}", ending(run)));
        }
        let tests = if ran == 1 { "1 test ran".to_owned() } else { format!("{ran} tests ran") };
        let failing: Vec<String> = report.failing().collect();
        match (ran, failing.len()) {
            (0, _) if report.runs.is_empty() => SetupCheck::doubtful(
                part,
                format!(
                    "`{command}` ends well after {took}, but no test is recognised in its output, so that tests cannot be \
                     compared one by one; let it name them, or name its report files in test_report"
                ),
            ),
            (0, _) => SetupCheck::broken(
                part,
                format!("`{command}` ran no test; correct it in [repositories.NAME], or remove it"),
            ),
            (_, 0) if report.exit_status == Some(0) => {
                SetupCheck::works(part, format!("`{command}`: {tests}, in {took}"))
            }
            (_, count) => {
                let names = failing.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
                let names = if names.is_empty() { String::new() } else { format!(": {names}") };
                let more = if count > MAX_NAMED { " …" } else { "" };
                let fail = if count == 1 { "1 fails".to_owned() } else { format!("{count} fail") };
                SetupCheck::doubtful(
                    part,
                    format!(
                        "`{command}`: {tests}, in {took}, and {fail} without any change{names}{more}; fixes are judged by \
                         the others"
                    ),
                )
            }
        }
    }
}

/// The result for a part that is not configured; `cost` says what does not work without it.
fn not_set(part: SetupPart, cost: &str) -> SetupCheck {
    SetupCheck::new(part, SetupState::NotSet, format!("not set: {cost}"))
}

fn is_fine(check: &SetupCheck) -> bool {
    check.state != SetupState::Broken
}

/// Why a command failed, and how to fix it.
fn ending(run: &ProjectTestsRun) -> String {
    let last = run.output_end.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let status = match run.report.exit_status {
        Some(status) => format!("ends with status {status}"),
        None => "was ended".to_owned(),
    };
    match (&run.obstacle, &run.stopped) {
        (Some(obstacle), _) => format!("fails in the sandbox: {obstacle}. {}", obstacle.remedy()),
        (None, Some(stopped)) if run.failed_step.is_none() => {
            format!("did not work: {stopped}. Its output ends: {last}")
        }
        _ if last.is_empty() => format!("{status} and says nothing"),
        _ => format!("{status}. Its output ends: {last}"),
    }
}
