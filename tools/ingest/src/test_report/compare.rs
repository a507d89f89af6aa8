/*!
Whether the project's tests are worse with a fix than without it. To say that they are not, two things are needed:
two runs that finished with tests that ran in both, and no test that newly fails or is missing. Every other case is
reported as what it is: a failure, a run that was not possible, or two runs that cannot be compared.
*/

use std::collections::BTreeSet;

use millwright_model::TestsResult;
use serde::{Deserialize, Serialize};

use super::report::{RunnerReport, TestReport, TestStatus, UnitStatus};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestComparison {
    pub result: TestsResult,
    /// Number of tests that ran with the fix.
    pub ran: u32,
    pub newly_failing: Vec<String>,
    /// Tests that ran without the fix, and are skipped or do not exist with it.
    pub removed: Vec<String>,
    pub newly_passing: Vec<String>,
    /// Tests that sometimes fail, with or without the fix.
    pub flaky: Vec<String>,
    /// Number of failing or missing tests beyond those that can be named.
    pub unnamed: u32,
    /// What prevents the runs from being compared, apart from the failing tests.
    pub not_comparable_because: Option<String>,
    /// One sentence for a report.
    pub because: String,
}

impl TestComparison {
    pub fn not_run(because: impl Into<String>) -> Self {
        Self::new(TestsResult::NotRun, 0, because.into())
    }

    /// A comparison that was not possible, and the reason.
    pub fn could_not_run(because: impl Into<String>) -> Self {
        Self::new(TestsResult::CouldNotRun, 0, because.into())
    }

    fn new(result: TestsResult, ran: u32, because: String) -> Self {
        Self {
            result,
            ran,
            newly_failing: Vec::new(),
            removed: Vec::new(),
            newly_passing: Vec::new(),
            flaky: Vec::new(),
            unnamed: 0,
            not_comparable_because: None,
            because,
        }
    }
}

/// Compares the run without the fix (`before`) with the run with it (`after`).
pub fn compare(before: &TestReport, after: &TestReport) -> TestComparison {
    let sides = [(after, "with the fix"), (before, "without the fix")];
    for (report, side) in sides {
        if let Some(reason) = could_not_run(report) {
            let ending =
                report.ending.lines().last().filter(|last| !reason.contains(last)).unwrap_or_default();
            let ending =
                if ending.is_empty() { String::new() } else { format!("; the output ends with: {ending}") };
            let because =
                format!("the project's tests could not be run to their end {side}: {reason}{ending}");
            return TestComparison::new(TestsResult::CouldNotRun, after.ran(), because);
        }
    }
    let mut difference = Difference::default();
    let runners: BTreeSet<_> = before.runs.iter().chain(&after.runs).map(|run| run.runner).collect();
    for runner in runners {
        difference.add(before.run_of(runner), after.run_of(runner));
    }
    if let Some(doubt) = doubt_of(before, after) {
        difference.add_doubt(doubt);
    }
    difference.into_comparison(before, after)
}

/// Why a run says nothing about the tests.
fn could_not_run(report: &TestReport) -> Option<String> {
    match report.exit_status {
        None => return Some("the run was killed or ran out of time".into()),
        Some(status @ (126 | 127)) => {
            return Some(with_obstacle(
                report,
                &format!("exit status {status}: the command was not found or could not be executed"),
            ));
        }
        Some(status @ (124 | 137 | 143)) => {
            return Some(format!("exit status {status}: it was killed or ran out of time"));
        }
        Some(_) => {}
    }
    if report.runs.is_empty() {
        return report.obstacle.clone();
    }
    if !report.finished() {
        let open: Vec<&str> =
            report.runs.iter().filter(|run| run.unfinished).map(|run| run.runner.as_str()).collect();
        return Some(format!("the output has no closing summary of {}", open.join(" and ")));
    }
    if !report.runs.iter().any(|run| run.ran() > 0 || run.units_only) {
        return Some(with_obstacle(report, "no test was executed"));
    }
    None
}

fn with_obstacle(report: &TestReport, reason: &str) -> String {
    match &report.obstacle {
        Some(obstacle) => format!("{reason} ({obstacle})"),
        None => reason.to_owned(),
    }
}

/// Why two finished runs must not be called equal, even if no test differs.
fn doubt_of(before: &TestReport, after: &TestReport) -> Option<String> {
    let sides = [(before, "without the fix"), (after, "with the fix")];
    if before.runs.is_empty() || after.runs.is_empty() {
        return Some(
            "no test runner is recognised in the output, so only exit statuses could be compared".into(),
        );
    }
    for (report, side) in sides {
        if report.overflow {
            return Some(format!("the output {side} is too large to keep every test"));
        }
        for run in &report.runs {
            let runner = run.runner.as_str();
            if run.contradictory {
                return Some(format!("the output of {runner} {side} contradicts itself"));
            }
            if run.units_only && run.ran() == 0 {
                return Some(format!(
                    "{runner} does not say {side} whether any test ran; its report files would"
                ));
            }
            if run.stopped_early {
                return Some(format!("{runner} stopped at a failure {side} and left tests out"));
            }
        }
    }
    let is_clean = |report: &TestReport| report.failing().next().is_none() && report.counts().failing() == 0;
    for (report, side) in sides {
        let status = report.exit_status.unwrap_or(-1);
        if is_clean(report) && status != 0 {
            let stood_before = before.exit_status == after.exit_status && is_clean(before) && is_clean(after);
            if !stood_before {
                return Some(format!("every test passed {side}, and yet the exit status is {status}"));
            }
        }
    }
    let ignores_failures = |report: &TestReport| !is_clean(report) && report.exit_status == Some(0);
    for (report, other, side) in [(before, after, "without the fix"), (after, before, "with the fix")] {
        if ignores_failures(report) && !ignores_failures(other) && !is_clean(other) {
            return Some(format!("tests fail {side}, and yet the exit status is 0"));
        }
    }
    None
}

/// What differs between two runs, over all runners.
#[derive(Debug, Default)]
struct Difference {
    newly_failing: BTreeSet<String>,
    removed: BTreeSet<String>,
    newly_passing: BTreeSet<String>,
    unnamed: u32,
    unnamed_reason: Option<String>,
    doubt: Option<String>,
    notes: BTreeSet<String>,
}

impl Difference {
    fn add_doubt(&mut self, reason: String) {
        self.doubt.get_or_insert(reason);
    }

    fn add_unnamed(&mut self, count: u32, reason: String) {
        if count > 0 {
            self.unnamed = self.unnamed.saturating_add(count);
            self.unnamed_reason.get_or_insert(reason);
        }
    }

    fn add(&mut self, before: Option<&RunnerReport>, after: Option<&RunnerReport>) {
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) => (before, after),
            (Some(before), None) => {
                let ran = before.ran();
                let runner = before.runner.as_str();
                self.add_unnamed(
                    ran,
                    format!("{ran} tests of {runner} ran without the fix and none with it"),
                );
                return;
            }
            (None, Some(after)) => {
                self.newly_failing.extend(after.failing());
                return;
            }
            (None, None) => return,
        };
        self.add_failing(before, after);
        self.add_removed(before, after);
        self.add_units(before, after);
        if after.suites < before.suites {
            let (runner, old, new) = (after.runner.as_str(), before.suites, after.suites);
            self.add_doubt(format!("{runner} ended {old} times without the fix and {new} times with it"));
        }
    }

    fn add_failing(&mut self, before: &RunnerReport, after: &RunnerReport) {
        let runner = after.runner.as_str();
        let (old, new): (BTreeSet<String>, BTreeSet<String>) =
            (before.failing().collect(), after.failing().collect());
        let (failed_before, failed_after) = (before.counts.failing(), after.counts.failing());
        if before.failures_named {
            for name in new.difference(&old) {
                let was_left_out = before.stopped_early && !before.outcomes.contains_key(name);
                if was_left_out {
                    self.add_doubt(format!("{name} fails with the fix and did not run without it"));
                } else {
                    self.newly_failing.insert(name.clone());
                }
            }
        }
        // An expected failure is a failure that does not count as one.
        for (name, status) in &after.outcomes {
            if *status == TestStatus::ExpectedFailure
                && before.outcomes.get(name) == Some(&TestStatus::Passed)
            {
                self.newly_failing.insert(name.clone());
            }
        }
        if failed_after > failed_before && new.is_subset(&old) {
            let reason =
                format!("{failed_after} tests of {runner} fail with the fix, {failed_before} without it");
            self.add_unnamed(failed_after - failed_before, reason);
        } else if failed_after > 0 && !(before.failures_named && after.failures_named) {
            self.add_doubt(format!("{runner} does not name all failing tests, so they cannot be told apart"));
        }
        for name in old.difference(&new) {
            let passes = match after.outcomes.get(name) {
                Some(status) => *status == TestStatus::Passed,
                None => after.failures_named && (before.fragments.contains(name) || !after.passes_named),
            };
            if passes && !before.units.contains_key(name) {
                self.newly_passing.insert(name.clone());
            }
        }
    }

    fn add_removed(&mut self, before: &RunnerReport, after: &RunnerReport) {
        let runner = after.runner.as_str();
        let is_named = before.passes_named && after.passes_named;
        for (name, status) in &before.outcomes {
            let still_runs = after.outcomes.get(name).is_some_and(|status| status.is_run());
            if !status.is_run() || before.fragments.contains(name) || still_runs {
                continue;
            }
            // If passing tests have no names, a skipped test is still known by name.
            if is_named || after.outcomes.contains_key(name) {
                self.removed.insert(name.clone());
            }
        }
        if is_named {
            return;
        }
        if before.units_only || after.units_only {
            self.notes
                .insert(format!("{runner} does not count passing tests here, so its packages are compared"));
            return;
        }
        self.notes
            .insert(format!("{runner} does not name passing tests here, so they are compared by number"));
        let counted = |run: &RunnerReport| run.counts.ran.saturating_sub(run.counts.expected_failures);
        let (ran_before, ran_after) = (counted(before), counted(after));
        if ran_after < ran_before {
            let reason = format!("{ran_after} tests of {runner} ran with the fix, {ran_before} without it");
            self.add_unnamed(ran_before - ran_after, reason);
        }
    }

    fn add_units(&mut self, before: &RunnerReport, after: &RunnerReport) {
        for (name, status) in &before.units {
            match (status, after.units.get(name)) {
                (UnitStatus::Passed | UnitStatus::Failed, None) => {
                    self.removed.insert(name.clone());
                }
                (UnitStatus::Broken, Some(UnitStatus::Broken)) => {
                    self.notes.insert(format!("{name} without the fix and with it"));
                }
                (UnitStatus::Passed, Some(UnitStatus::Failed)) if after.outcomes.is_empty() => {
                    self.newly_failing.insert(name.clone());
                }
                _ => {}
            }
        }
    }

    fn into_comparison(self, before: &TestReport, after: &TestReport) -> TestComparison {
        let ran = after.ran();
        let result = if !self.newly_failing.is_empty() || !self.removed.is_empty() || self.unnamed > 0 {
            TestsResult::Fail
        } else if self.doubt.is_some() {
            TestsResult::NotComparable
        } else {
            TestsResult::Pass
        };
        let mut comparison = TestComparison {
            newly_failing: self.newly_failing.into_iter().collect(),
            removed: self.removed.into_iter().collect(),
            newly_passing: self.newly_passing.into_iter().collect(),
            unnamed: self.unnamed,
            not_comparable_because: self.doubt,
            ..TestComparison::new(result, ran, String::new())
        };
        let failing = before.counts().failing().min(after.counts().failing());
        comparison.because = match self.unnamed_reason {
            Some(reason) if comparison.newly_failing.is_empty() && comparison.removed.is_empty() => reason,
            _ => describe(&comparison, failing, &self.notes),
        };
        comparison
    }
}

/// One sentence about a comparison.
pub(super) fn describe(comparison: &TestComparison, failing: u32, notes: &BTreeSet<String>) -> String {
    let ran = comparison.ran;
    let mut text = match (comparison.newly_failing.as_slice(), comparison.removed.as_slice()) {
        ([name], []) => format!("{name} fails with the fix and not without it"),
        ([name, ..], []) => {
            format!(
                "{} tests fail with the fix and not without it, {name} among them",
                comparison.newly_failing.len()
            )
        }
        ([], [name]) => format!("{name} ran without the fix and does not run with it"),
        ([], [name, ..]) => {
            format!(
                "{} tests ran without the fix and do not run with it, {name} among them",
                comparison.removed.len()
            )
        }
        ([name, ..], [gone, ..]) => format!(
            "{} tests fail with the fix and not without it, {name} among them, and {} no longer run, {gone} among them",
            comparison.newly_failing.len(),
            comparison.removed.len()
        ),
        ([], []) => match (&comparison.not_comparable_because, comparison.result) {
            (Some(doubt), TestsResult::NotComparable) => doubt.clone(),
            _ if failing > 0 => {
                format!(
                    "{ran} tests ran with the fix; those that fail also fail without it, and none is missing"
                )
            }
            _ => format!("{ran} tests ran with the fix; none of them newly fails, and none is missing"),
        },
    };
    if !comparison.flaky.is_empty() {
        text = format!("{text}; {} flaky tests are not counted against the fix", comparison.flaky.len());
    }
    if comparison.result == TestsResult::Pass {
        for note in notes.iter().take(3) {
            text = format!("{text} ({note})");
        }
    }
    text
}
