/*!
Repeated runs rule out flaky tests. A test counts against a fix only if it fails every time with the fix and passes
every time without it. A test that also fails without the fix, or also passes with it, is listed as flaky. A test
that sometimes passes without the fix and never with it is neither: while there is such a test, the two runs cannot
be compared.
*/

use std::collections::BTreeSet;

use millwright_model::TestsResult;

use super::compare::{TestComparison, compare, describe};
use super::report::TestReport;

/// Newly failing tests to run again, with and without the fix, before they count against the fix.
pub fn candidates_to_repeat(before: &TestReport, after: &TestReport) -> Vec<String> {
    let comparison = compare(before, after);
    if comparison.result == TestsResult::Fail { comparison.newly_failing } else { Vec::new() }
}

/// Tests that fail on both sides.
pub fn failing_on_both(before: &TestReport, after: &TestReport) -> Vec<String> {
    let before: BTreeSet<String> = before.failing().collect();
    after.failing().filter(|name| before.contains(name)).collect()
}

/// The tests of `names` that pass in at least one of the runs.
pub fn passing_in_one(names: &[String], repeats: &[TestReport]) -> Vec<String> {
    let passes = |name: &&String| repeats.iter().any(|repeat| fails(repeat, name) == Some(false));
    names.iter().filter(passes).cloned().collect()
}

/// Handles `unsteady` tests, which fail on both sides but sometimes pass without the fix. Those that also pass
/// with the fix are flaky; any other makes the runs incomparable.
#[must_use]
pub fn settle_unsteady(
    mut comparison: TestComparison,
    unsteady: Vec<String>,
    repeats_after: &[TestReport],
) -> TestComparison {
    let flaky = passing_in_one(&unsteady, repeats_after);
    let doubtful: Vec<&String> = unsteady.iter().filter(|name| !flaky.contains(name)).collect();
    if let Some(first) = doubtful.first() {
        let doubt = format!("{first} passes intermittently without the fix, and never with it");
        comparison.not_comparable_because.get_or_insert(doubt);
        if comparison.result == TestsResult::Pass {
            comparison.result = TestsResult::NotComparable;
        }
    }
    comparison.flaky.extend(flaky);
    comparison.because = describe(&comparison, 0, &BTreeSet::new());
    comparison
}

/// Revises a comparison after repeated runs. A repeat that did not finish, or that does not say how a test ended,
/// changes nothing.
#[must_use]
pub fn merge_repeat(
    mut comparison: TestComparison,
    repeats_before: &[TestReport],
    repeats_after: &[TestReport],
) -> TestComparison {
    if comparison.result != TestsResult::Fail {
        return comparison;
    }
    let is_flaky = |name: &String| {
        repeats_before.iter().any(|repeat| fails(repeat, name) == Some(true))
            || repeats_after.iter().any(|repeat| fails(repeat, name) == Some(false))
    };
    let (flaky, failing): (Vec<String>, Vec<String>) = comparison.newly_failing.drain(..).partition(is_flaky);
    comparison.newly_failing = failing;
    if let Some(first) =
        flaky.iter().find(|name| passing_in_one(std::slice::from_ref(*name), repeats_after).is_empty())
        && !repeats_after.is_empty()
    {
        let doubt = format!("{first} passes intermittently without the fix, and never with it");
        comparison.not_comparable_because.get_or_insert(doubt);
    }
    let known: BTreeSet<String> = comparison.flaky.drain(..).chain(flaky).collect();
    comparison.flaky = known.into_iter().collect();
    let is_clear =
        comparison.newly_failing.is_empty() && comparison.removed.is_empty() && comparison.unnamed == 0;
    if is_clear {
        comparison.result = if comparison.not_comparable_because.is_some() {
            TestsResult::NotComparable
        } else {
            TestsResult::Pass
        };
    }
    if comparison.unnamed == 0 {
        comparison.because = describe(&comparison, 0, &BTreeSet::new());
    }
    comparison
}

/// Whether the test fails in this repeat, if the repeat says so.
fn fails(repeat: &TestReport, name: &str) -> Option<bool> {
    if let Some(status) = repeat.status_of(name) {
        return status.is_run().then(|| status.is_failing());
    }
    // If all failures are named and the run finished, a test that is not among the failures passed.
    let is_whole = repeat.finished()
        && repeat.ran() > 0
        && !repeat.overflow
        && repeat.exit_status.is_some()
        && repeat.runs.iter().all(|run| {
            run.failures_named
                && !run.passes_named
                && !run.units_only
                && !run.contradictory
                && !run.stopped_early
        });
    is_whole.then_some(false)
}
