/*!
Runs the project's own tests with and without a fix and compares them test by test. Outcomes come from the whole
output or from the report files that the recipe names, never from the exit status alone: a suite that did not run, or
that lost some of its tests, supports no fix. Tests that a fix removes or changes run as they are at the failing
revision.
*/

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use millwright_git::checkout::{CheckoutChange, FileOverlay, OverlayMode};
use millwright_git::submodules_at;
use millwright_git::unified_diff::{self, DiffFile};
use millwright_ingest::test_report::{
    TestComparison, TestOutputReader, TestReport, candidates_to_repeat, compare, failing_on_both,
    merge_repeat, passing_in_one, read_report_file, settle_unsteady,
};
use millwright_ingest::{Obstacle, SetupContext, is_test_path};
use millwright_model::{CommitId, TestsDetail, TestsResult};
use millwright_replay::{ObservationRequest, ReplayError, ReplayRecipe, Replayer};
use millwright_sandbox::{ExitStatus, LimitHit};
use serde::{Deserialize, Serialize};

use super::FixCandidate;

/// A newly failing test runs this often on each side before it counts against a fix.
const REPEATS: usize = 2;
/// Number of runs with the fix in which a flaky test has to pass once.
const CHANCES: usize = 4;
/// Maximum number of names listed in a report.
const MAX_NAMES: usize = 20;
/// Maximum number of opened files recorded for a run.
const MAX_OPENED: usize = 20_000;

/// One run of the project's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectTestsRun {
    pub report: TestReport,
    /// Why the tests did not finish, if something stopped them.
    pub stopped: Option<String>,
    /// The set-up step that failed, if the tests did not start.
    #[serde(default)]
    pub failed_step: Option<String>,
    /// The obstacle that kept the tests from running, if none ran and the output shows it.
    #[serde(default)]
    pub obstacle: Option<Obstacle>,
    /// Files of the checkout that the run opened.
    pub opened: BTreeSet<String>,
    pub duration_ms: u64,
    pub output_end: String,
}

/// The result of comparing two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestsVerdict {
    pub result: TestsResult,
    pub detail: TestsDetail,
    /// The end of the output with the fix, if it counts against the fix.
    pub output_end: String,
    /// The tests fail with the fix, and it is unknown whether they failed before.
    pub fails_untold: bool,
}

/// The project's tests on the checkouts of a replay.
pub struct ProjectTests {
    replayer: Replayer,
    report_files: Vec<String>,
    /// Repeated runs without a fix.
    again: Mutex<Vec<TestReport>>,
}

impl ProjectTests {
    /// `report_files` are globs of reports that the command writes.
    pub fn new(replay: &Replayer, command: &str, report_files: &[String]) -> Self {
        let recipe = tests_recipe(replay.recipe(), command);
        Self {
            replayer: replay.with_recipe(recipe),
            report_files: report_files.to_vec(),
            again: Mutex::default(),
        }
    }

    /// Tests that a separate recipe runs, such as a single test.
    pub fn of_recipe(replay: &Replayer, recipe: ReplayRecipe, report_files: &[String]) -> Self {
        Self {
            replayer: replay.with_recipe(recipe),
            report_files: report_files.to_vec(),
            again: Mutex::default(),
        }
    }

    /// Adds the runs without a fix that were repeated for another candidate.
    #[must_use]
    pub fn with_repeats(self, again: Vec<TestReport>) -> Self {
        Self { again: Mutex::new(again), ..self }
    }

    /// The repeated runs without a fix.
    pub fn repeats(&self) -> Vec<TestReport> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn run_again(&self, bad: &CommitId) -> Result<Vec<TestReport>, ReplayError> {
        let mut known = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        while known.len() < REPEATS {
            known.push(self.run(bad, None)?.report);
        }
        Ok(known.clone())
    }

    /// Runs the tests at `commit` with `change`.
    ///
    /// # Errors
    /// When the commit cannot be checked out, the change does not apply, or no sandbox can be had.
    pub fn run(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
    ) -> Result<ProjectTestsRun, ReplayError> {
        run(&self.replayer, &self.report_files, commit, change)
    }

    /// Runs the tests with `candidate` at `bad` and compares them to those `before`.
    ///
    /// # Errors
    /// As [`ProjectTests::run`].
    pub fn compare(
        &self,
        before: &ProjectTestsRun,
        candidate: &FixCandidate,
        bad: &CommitId,
    ) -> Result<TestsVerdict, ReplayError> {
        let change = CheckoutChange::Patch(candidate.diff.clone());
        let changed = unified_diff::parse(&candidate.diff);
        // A fix must not change the tests that judge it.
        let tests: Vec<String> = changed
            .files
            .iter()
            .filter_map(DiffFile::old_name)
            .map(str::to_owned)
            .filter(|path| is_test_path(path))
            .collect();
        let kept = (!tests.is_empty()).then(|| FileOverlay {
            from: bad.to_string(),
            base: None,
            paths: tests,
            mode: OverlayMode::Replace,
        });
        let recipe = self.replayer.recipe();
        let replayer = self.replayer.with_recipe(ReplayRecipe {
            overlay: kept.or_else(|| recipe.overlay.clone()),
            timeout_s: recipe.timeout_s.min(patience_s(before)),
            ..recipe.clone()
        });
        let replayer = &replayer;
        let after = run(replayer, &self.report_files, bad, Some(&change))?;
        let mut found = judge(before, &after);
        if found.result == TestsResult::Fail
            && !candidates_to_repeat(&before.report, &after.report).is_empty()
        {
            let mut with = Vec::new();
            for _ in 0..REPEATS {
                with.push(run(replayer, &self.report_files, bad, Some(&change))?.report);
            }
            found = merge_repeat(found, &self.run_again(bad)?, &with);
        }
        let shared = match found.result {
            TestsResult::Pass => failing_on_both(&before.report, &after.report),
            _ => Vec::new(),
        };
        if !shared.is_empty() {
            let unsteady = passing_in_one(&shared, &self.run_again(bad)?);
            let mut with: Vec<TestReport> = Vec::new();
            while with.len() < CHANCES && passing_in_one(&unsteady, &with).len() < unsteady.len() {
                with.push(run(replayer, &self.report_files, bad, Some(&change))?.report);
            }
            if !unsteady.is_empty() {
                found = settle_unsteady(found, unsteady, &with);
            }
        }
        let product = changed.files.iter().map(DiffFile::path).filter(|path| !is_test_path(path));
        let reached = self.reaches(&after, product);
        Ok(verdict(found, (before, &after), reached))
    }

    /// Whether the tests read one of the files that the fix changes. If a set-up installs the project elsewhere, or
    /// nothing was recorded, this is unknown and assumed to be true.
    fn reaches<'a>(&self, after: &ProjectTestsRun, mut changed: impl Iterator<Item = &'a str>) -> bool {
        after.opened.is_empty()
            || !self.replayer.recipe().setup.is_empty()
            || changed.any(|path| after.opened.contains(path))
    }
}

/// The recipe that runs the project's tests: like the replay, but without the files that the replay lays over the
/// checkout.
pub fn tests_recipe(replay: &ReplayRecipe, tests: &str) -> ReplayRecipe {
    /// A whole suite takes longer than one failure.
    const TIMES_AS_LONG: u64 = 10;
    ReplayRecipe {
        command: tests.to_owned(),
        overlay: None,
        files: Vec::new(),
        is_hang: false,
        timeout_s: replay.timeout_s.saturating_mul(TIMES_AS_LONG).max(600),
        ..replay.clone()
    }
}

fn run(
    replayer: &Replayer,
    report_files: &[String],
    commit: &CommitId,
    change: Option<&CheckoutChange>,
) -> Result<ProjectTestsRun, ReplayError> {
    let mut reader: Option<TestOutputReader> = None;
    let request = ObservationRequest { collect: report_files, opened: true, ..ObservationRequest::default() };
    let seen = replayer.observe(commit, change, request, &mut |checkout, bytes| {
        // The paths of checkouts differ between runs; the names of tests must not.
        reader.get_or_insert_with(|| TestOutputReader::in_directory(&checkout.to_string_lossy())).push(bytes);
    })?;
    let reader = reader.unwrap_or_default();
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            return Ok(ProjectTestsRun {
                report: reader.finish(None),
                stopped: Some(format!("the sandbox failed: {error}")),
                failed_step: None,
                obstacle: None,
                opened: BTreeSet::new(),
                duration_ms: 0,
                output_end: String::new(),
            });
        }
    };
    let exit = match (seen.execution.limit, seen.execution.exit) {
        (None, ExitStatus::Code(status)) => Some(status),
        _ => None,
    };
    let stopped = match (&seen.failed_step, seen.execution.limit, seen.execution.exit) {
        (Some(step), ..) => Some(format!("the setup step `{step}` failed")),
        (None, Some(LimitHit::Wall), _) => {
            Some(format!("they did not end within {} s", replayer.recipe().timeout_s))
        }
        (None, Some(limit), _) => Some(limit.to_string()),
        (None, None, ExitStatus::Signal(signal)) => Some(format!("they were ended by signal {signal}")),
        (None, None, ExitStatus::Code(126)) => {
            Some("status 126: the command is not executable here".to_owned())
        }
        (None, None, ExitStatus::Code(127)) => Some("status 127: the command was not found here".to_owned()),
        (None, None, ExitStatus::Code(_)) => None,
    };
    let files = seen.collected.iter().filter_map(|(name, bytes)| read_report_file(bytes, name));
    let report = reader.finish(exit).with_report_files(files);
    let opened = seen.opened.iter().take(MAX_OPENED).map(|path| path.to_string_lossy().into_owned());
    let is_in_the_way = seen.failed_step.is_some() || (report.ran() == 0 && exit != Some(0));
    let submodules = match is_in_the_way {
        true => submodules_at(replayer.pool().repo(), commit).unwrap_or_default(),
        false => Vec::new(),
    };
    let context = SetupContext { submodules: &submodules, exit_status: exit };
    let found = is_in_the_way.then(|| Obstacle::find(&seen.execution.output, &context)).flatten();
    let timed_out = seen.execution.limit == Some(LimitHit::Wall);
    let obstacle = match timed_out {
        true => Some(Obstacle::time_out(replayer.recipe().timeout_s)),
        false => found,
    };
    Ok(ProjectTestsRun {
        report,
        stopped,
        failed_step: seen.failed_step,
        obstacle,
        opened: opened.collect(),
        duration_ms: u64::try_from(seen.execution.duration.as_millis()).unwrap_or(u64::MAX),
        output_end: end_of(&seen.execution.output),
    })
}

/// Compares two runs; a run that something stopped cannot be compared.
fn judge(before: &ProjectTestsRun, after: &ProjectTestsRun) -> TestComparison {
    let could_not = |side: &str, why: &str, run: &ProjectTestsRun| {
        let last = run.output_end.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let last =
            if last.is_empty() { String::new() } else { format!(" (the output ends: {})", last.trim()) };
        let remedy = run.obstacle.as_ref().map(|obstacle| format!(". {}", obstacle.remedy()));
        TestComparison::could_not_run(format!(
            "the project's tests could not be run {side} the fix: {why}{last}{}",
            remedy.unwrap_or_default()
        ))
    };
    match (&before.stopped, &after.stopped) {
        (Some(why), _) => could_not("without", why, before),
        (None, Some(why)) => could_not("with", why, after),
        (None, None) => compare(&before.report, &after.report),
    }
}

fn verdict(
    found: TestComparison,
    (before, after): (&ProjectTestsRun, &ProjectTestsRun),
    reached: bool,
) -> TestsVerdict {
    let bounded = |names: &[String]| names.iter().take(MAX_NAMES).cloned().collect();
    let mut result = found.result;
    let mut because = found.because;
    if result == TestsResult::Pass && !reached {
        result = TestsResult::NotComparable;
        because = format!(
            "{}. None of them reads a file that the fix changes, so they say nothing of it",
            because.trim_end_matches('.')
        );
    }
    let fails_untold = result == TestsResult::NotComparable
        && after.report.exit_status != Some(0)
        && may_have_run(&before.output_end, &after.output_end);
    if fails_untold {
        because = format!("{}; they fail with the fix", because.trim_end_matches('.'));
    }
    let against = fails_untold || matches!(result, TestsResult::Fail | TestsResult::CouldNotRun);
    TestsVerdict {
        result,
        fails_untold,
        detail: TestsDetail {
            ran: u64::from(found.ran),
            newly_failing: bounded(&found.newly_failing),
            removed: bounded(&found.removed),
            flaky: bounded(&found.flaky),
            because,
        },
        output_end: if against { after.output_end.clone() } else { String::new() },
    }
}

/// Whether output of an unknown runner may come from tests: it mentions failures, or the two sides differ. A command that
/// fails identically on both sides (a missing file, a compiler error) ran no test.
fn may_have_run(before: &str, after: &str) -> bool {
    const FAILURES: [&str; 7] = ["fail", "not ok", "wrong", "broken", "expected", "✗", "✕"];
    let without_numbers =
        |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().to_lowercase();
    let (before, after) = (without_numbers(before), without_numbers(after));
    before != after || FAILURES.iter().any(|word| after.contains(word))
}

/// Time limit of the tests with a fix, in seconds, from the time they take without it. A fix can make a test hang.
fn patience_s(before: &ProjectTestsRun) -> u64 {
    const TIMES_AS_LONG: u64 = 4;
    const LEAST_S: u64 = 60;
    (before.duration_ms.div_ceil(1_000) * TIMES_AS_LONG).max(LEAST_S)
}

/// The last lines, for a report.
fn end_of(output: &str) -> String {
    const LINES: usize = 15;
    let lines: Vec<&str> = output.trim_end().lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::may_have_run;

    #[test]
    fn what_ends_alike_for_its_own_reasons_ran_no_test() {
        assert!(!may_have_run("", ""));
        assert!(!may_have_run("sh: 1: no-such: Permission denied", "sh: 2: no-such: Permission denied"));
        assert!(may_have_run("3 of 5 failed", "3 of 5 failed"));
        assert!(may_have_run("a: 3", "b: 3"));
    }
}
