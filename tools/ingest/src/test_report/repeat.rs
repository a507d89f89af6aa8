/*!
Repeats rule out flaky tests. A test is held against a fix only if it fails every time with the fix and passes every
time without it; one that also fails without the fix, or passes with it, is listed as flaky. One that passes now and
then without the fix and never with it is neither: as long as there is such a test, two runs cannot be compared.
*/

use std::collections::BTreeSet;

use millwright_model::TestsResult;

use super::compare::{TestComparison, compare, describe};
use super::report::TestReport;

/// Newly failing tests that should be run again, with the fix and without it, before they are held against the fix.
pub fn candidates_to_repeat(before: &TestReport, after: &TestReport) -> Vec<String> {
    let comparison = compare(before, after);
    if comparison.result == TestsResult::Fail { comparison.newly_failing } else { Vec::new() }
}

/// Tests that fail on both sides.
pub fn failing_on_both(before: &TestReport, after: &TestReport) -> Vec<String> {
    let before: BTreeSet<String> = before.failing().collect();
    after.failing().filter(|name| before.contains(name)).collect()
}

/// Those of `names` that pass in one of the runs.
pub fn passing_in_one(names: &[String], repeats: &[TestReport]) -> Vec<String> {
    let passes = |name: &&String| repeats.iter().any(|repeat| fails(repeat, name) == Some(false));
    names.iter().filter(passes).cloned().collect()
}

/// What failing on both sides is worth for `unsteady` tests, which pass now and then without the fix: those that pass
/// with it, too, are flaky.
#[must_use]
pub fn settle_unsteady(
    mut comparison: TestComparison,
    unsteady: Vec<String>,
    repeats_after: &[TestReport],
) -> TestComparison {
    let flaky = passing_in_one(&unsteady, repeats_after);
    let doubtful: Vec<&String> = unsteady.iter().filter(|name| !flaky.contains(name)).collect();
    if let Some(first) = doubtful.first() {
        let doubt = format!("{first} passes now and then without the fix, and never with it");
        comparison.not_comparable_because.get_or_insert(doubt);
        if comparison.result == TestsResult::Pass {
            comparison.result = TestsResult::NotComparable;
        }
    }
    comparison.flaky.extend(flaky);
    comparison.because = describe(&comparison, 0, &BTreeSet::new());
    comparison
}

/// Judges a comparison again in the light of repeats. A repeat that did not end, or that does not say how a test
/// ended, clears nothing.
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
        let doubt = format!("{first} passes now and then without the fix, and never with it");
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

/// Whether the test fails in this repeat, if it says.
fn fails(repeat: &TestReport, name: &str) -> Option<bool> {
    if let Some(status) = repeat.status_of(name) {
        return status.is_run().then(|| status.is_failing());
    }
    // A test that is not among the failures passed, if all failures are named and the run ended.
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
