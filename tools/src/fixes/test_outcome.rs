/*!
Whether the project's tests are worse with a fix than without it. Sets of failing tests are compared, not exit
codes: a suite with one old failure must not hide a new one, nor blame the fix for the old one.
*/

use std::collections::BTreeSet;

use millwright_memory::types::{CheckResult, ReplayOutcome};
use serde::{Deserialize, Serialize};

use crate::intake;
use crate::replay::Replayed;

/// What one run of the project's tests showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOutcome {
    pub passed: bool,
    /// `None` when it could be run: otherwise why not.
    pub not_run: Option<String>,
    /// Names of the failing tests, as far as the output tells.
    pub failing: BTreeSet<String>,
    /// How it ended, for suites whose output names no test.
    pub ending: String,
}

impl TestOutcome {
    pub(super) fn of(replayed: &Replayed) -> Self {
        let not_run = (replayed.outcome() == ReplayOutcome::CannotTest)
            .then(|| replayed.why.clone().unwrap_or_else(|| "it could not be run".into()));
        let failing = intake::parse(replayed.tail.as_bytes()).failing_tests.into_iter().map(|test| test.id);
        Self {
            passed: replayed.outcome() == ReplayOutcome::Passes,
            not_run,
            failing: failing.collect(),
            ending: replayed.tail.lines().last().unwrap_or_default().to_owned(),
        }
    }
}

/// Judges the tests with the fix against those without it, and says why.
pub fn compare(before: &TestOutcome, after: &TestOutcome) -> (CheckResult, String) {
    if let Some(why) = &after.not_run {
        return (CheckResult::NotRun, format!("the project's tests could not be run with the fix: {why}"));
    }
    if after.passed {
        return (CheckResult::Pass, "the project's tests pass".into());
    }
    if let Some(why) = &before.not_run {
        return (CheckResult::NotRun, format!("the project's tests could not be run without the fix: {why}"));
    }
    let new: Vec<&String> = after.failing.difference(&before.failing).collect();
    match new.as_slice() {
        [first, ..] => {
            (CheckResult::Fail, format!("{} tests fail with the fix that did not before, {first} among them", new.len()))
        }
        [] if before.passed => (CheckResult::Fail, "the project's tests pass without the fix and fail with it".into()),
        [] if !after.failing.is_empty() => (
            CheckResult::Pass,
            format!("{} of the project's tests fail, all of which failed before", after.failing.len()),
        ),
        [] if after.ending == before.ending => (
            CheckResult::Pass,
            "the project's tests end as they did before; their output names no test, so only that was compared".into(),
        ),
        [] => (
            CheckResult::Fail,
            format!("the project's tests end otherwise than before ({} instead of {})", after.ending, before.ending),
        ),
    }
}
