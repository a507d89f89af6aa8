/*!
The result of one run of a project's tests, per runner. Counts and names are separate, because many runners count
the passing tests and name only the failing ones; a comparison must know which of the two it has.
*/

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How one test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    Skipped,
    Passed,
    /// The test failed, and the project expects it to fail.
    ExpectedFailure,
    Failed,
    /// The test failed outside of its assertions: in its setup, by a crash, or by an exception.
    Errored,
}

impl TestStatus {
    pub fn is_failing(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }

    /// Whether the test's code ran at all.
    pub fn is_run(self) -> bool {
        self != Self::Skipped
    }
}

/// How a package, a test binary or a test file as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitStatus {
    Passed,
    Failed,
    /// The unit could not be built or loaded, or it crashed: its tests did not all run.
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    Pytest,
    Unittest,
    GoTest,
    CargoTest,
    Nextest,
    Jest,
    Mocha,
    Vitest,
    NodeTest,
    Tap,
    Prove,
    Bats,
    Rspec,
    Minitest,
    TestUnit,
    Phpunit,
    Surefire,
    Gradle,
    Ctest,
    JunitXml,
}

impl RunnerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
            Self::GoTest => "go test",
            Self::CargoTest => "cargo test",
            Self::Nextest => "cargo nextest",
            Self::Jest => "jest",
            Self::Mocha => "mocha",
            Self::Vitest => "vitest",
            Self::NodeTest => "node --test",
            Self::Tap => "TAP",
            Self::Prove => "prove",
            Self::Bats => "bats",
            Self::Rspec => "RSpec",
            Self::Minitest => "minitest",
            Self::TestUnit => "test-unit",
            Self::Phpunit => "PHPUnit",
            Self::Surefire => "Maven Surefire",
            Self::Gradle => "Gradle",
            Self::Ctest => "ctest",
            Self::JunitXml => "JUnit XML",
        }
    }
}

/// Numbers of tests, summed over the runner's closing summaries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests whose code ran. Not always the sum of the others: a test with two failing subtests is one test.
    pub ran: u32,
    pub passed: u32,
    pub failed: u32,
    pub errored: u32,
    pub skipped: u32,
    pub expected_failures: u32,
}

impl TestCounts {
    pub fn failing(&self) -> u32 {
        self.failed.saturating_add(self.errored)
    }

    /// Sets `ran` for runners that count every test exactly once.
    pub(super) fn sum_ran(mut self) -> Self {
        self.ran = [self.passed, self.failed, self.errored, self.expected_failures]
            .into_iter()
            .fold(0, u32::saturating_add);
        self
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.ran = self.ran.saturating_add(other.ran);
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.errored = self.errored.saturating_add(other.errored);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.expected_failures = self.expected_failures.saturating_add(other.expected_failures);
    }

    pub(super) fn count(&mut self, status: TestStatus) {
        let field = match status {
            TestStatus::Passed => &mut self.passed,
            TestStatus::Failed => &mut self.failed,
            TestStatus::Errored => &mut self.errored,
            TestStatus::Skipped => &mut self.skipped,
            TestStatus::ExpectedFailure => &mut self.expected_failures,
        };
        *field = field.saturating_add(1);
        if status.is_run() {
            self.ran = self.ran.saturating_add(1);
        }
    }
}

/// All suites of one kind of runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerReport {
    pub runner: RunnerKind,
    /// Number of suites that reached their closing summary: one per test binary, package or invocation.
    pub suites: u32,
    pub counts: TestCounts,
    /// Outcomes by name; names are qualified by the file, class, package or binary that the runner prints.
    pub outcomes: BTreeMap<String, TestStatus>,
    /// Packages, test binaries and test files, if the runner reports them as a whole.
    pub units: BTreeMap<String, UnitStatus>,
    /// Names in `outcomes` that exist only while they fail: subtests, the setup of a class, hooks.
    pub fragments: BTreeSet<String>,
    /// Whether passing tests are only known by their units, without even a count.
    pub units_only: bool,
    /// Whether every passing test is in `outcomes`, so that a test that is missing later can be named.
    pub passes_named: bool,
    /// Whether every failing test is in `outcomes` or `units`.
    pub failures_named: bool,
    /// Whether a suite began without a closing summary.
    pub unfinished: bool,
    /// Whether the runner said that it stopped at a failure and left tests out.
    pub stopped_early: bool,
    /// Whether two closing summaries contradict each other, and it is unknown which one is the runner's.
    pub contradictory: bool,
}

impl RunnerReport {
    /// Names of failing tests and broken units.
    pub fn failing(&self) -> impl Iterator<Item = String> + '_ {
        let tests =
            self.outcomes.iter().filter(|(_, status)| status.is_failing()).map(|(name, _)| name.clone());
        tests.chain(
            self.units
                .iter()
                .filter(|(_, status)| **status == UnitStatus::Broken)
                .map(|(name, _)| name.clone()),
        )
    }

    /// Number of tests that ran. If the runner does not count passing tests, each passing unit counts as one.
    pub fn ran(&self) -> u32 {
        if !self.units_only {
            return self.counts.ran;
        }
        let units = self.units.values().filter(|status| **status == UnitStatus::Passed).count();
        self.counts.ran.saturating_add(u32::try_from(units).unwrap_or(u32::MAX))
    }
}

/// The result of one run of the project's tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    pub runs: Vec<RunnerReport>,
    /// `None` when the run was killed.
    pub exit_status: Option<i32>,
    /// Why the tests could not run, as the output puts it; only meaningful when no test ran.
    pub obstacle: Option<String>,
    /// Whether names or lines were left out because the output was too large.
    pub overflow: bool,
    /// The last lines of the output.
    pub ending: String,
}

impl TestReport {
    /// Whether every runner that began also printed its closing summary.
    pub fn finished(&self) -> bool {
        !self.runs.is_empty() && self.runs.iter().all(|run| !run.unfinished)
    }

    /// Number of tests that ran; skipped ones do not count.
    pub fn ran(&self) -> u32 {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.ran()))
    }

    pub fn counts(&self) -> TestCounts {
        let mut counts = TestCounts::default();
        self.runs.iter().for_each(|run| counts.add(&run.counts));
        counts
    }

    pub(crate) fn run_of(&self, runner: RunnerKind) -> Option<&RunnerReport> {
        self.runs.iter().find(|run| run.runner == runner)
    }

    /// Names of all failing tests and broken units.
    pub fn failing(&self) -> impl Iterator<Item = String> + '_ {
        self.runs.iter().flat_map(RunnerReport::failing)
    }

    /// How a test ended, if the output names it.
    pub(crate) fn status_of(&self, name: &str) -> Option<TestStatus> {
        self.runs.iter().find_map(|run| {
            run.outcomes.get(name).copied().or_else(|| match run.units.get(name)? {
                UnitStatus::Broken => Some(TestStatus::Errored),
                UnitStatus::Failed => Some(TestStatus::Failed),
                UnitStatus::Passed => Some(TestStatus::Passed),
            })
        })
    }

    /// Replaces the console's test results with those of the same run's report files, because files name every
    /// test. Whether the run finished, and its exit status, still come from the console.
    #[must_use]
    pub fn with_report_files(mut self, files: impl IntoIterator<Item = TestReport>) -> Self {
        let mut merged: Vec<RunnerReport> = Vec::new();
        for file in files {
            self.overflow |= file.overflow;
            for run in file.runs {
                match merged.iter_mut().find(|known| known.runner == run.runner) {
                    Some(known) => known.absorb(run),
                    None => merged.push(run),
                }
            }
        }
        if merged.is_empty() {
            return self;
        }
        let mut files = TestCounts::default();
        merged.iter().for_each(|run| files.add(&run.counts));
        let unfinished = self.runs.iter().any(|run| run.unfinished);
        let stopped_early = self.runs.iter().any(|run| run.stopped_early);
        // Files from an earlier run, or incomplete ones, do not match the console's counts. Tests that failed in
        // their setup count as run in some places and not in others.
        let contradictory = self.all_counts().is_some_and(|console| {
            let most = |counts: &TestCounts| {
                counts.ran.saturating_add(counts.skipped).saturating_add(counts.errored)
            };
            most(&files) < console.ran || files.ran > most(&console)
        });
        for run in &mut merged {
            run.unfinished |= unfinished;
            run.stopped_early |= stopped_early;
            run.contradictory |= contradictory;
        }
        if let Some(first) = merged.first_mut() {
            for (name, status) in self.runs.iter().flat_map(|run| &run.units) {
                if *status == UnitStatus::Broken {
                    first.units.insert(name.clone(), *status);
                }
            }
        }
        self.runs = merged;
        self
    }

    /// The counts, when every runner counted its own tests.
    fn all_counts(&self) -> Option<TestCounts> {
        let is_counted =
            !self.runs.is_empty() && self.runs.iter().all(|run| !run.units_only && run.counts.ran > 0);
        is_counted.then(|| self.counts())
    }
}

impl RunnerReport {
    fn absorb(&mut self, other: Self) {
        self.suites = self.suites.saturating_add(other.suites);
        self.counts.add(&other.counts);
        for (name, status) in other.outcomes {
            let mut key = name.clone();
            let mut number = 2;
            while self.outcomes.contains_key(&key) {
                key = format!("{name} [run {number}]");
                number += 1;
            }
            self.outcomes.insert(key, status);
        }
        self.units.extend(other.units);
        self.fragments.extend(other.fragments);
        self.units_only |= other.units_only;
        self.passes_named &= other.passes_named;
        self.failures_named &= other.failures_named;
        self.unfinished |= other.unfinished;
        self.stopped_early |= other.stopped_early;
        self.contradictory |= other.contradictory;
    }
}
