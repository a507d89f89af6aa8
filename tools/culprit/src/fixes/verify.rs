/*!
Verifies a candidate: the replay must pass with it, as often as a flaky failure requires, and something beyond the
replay must show that the behaviour is right again: the project's tests, or the four-way check on inputs around the
replay's own. If the replay fails, verification stops.
*/

use millwright_git::checkout::CheckoutChange;
use millwright_model::{CheckResult, CommitId, FourWay, ReplayOutcome, TestsDetail, TestsResult};
use millwright_replay::Flakiness;
use millwright_replay::{ReplayError, ReplayResult, Replayer};

use super::FixCandidate;
use super::four_way_check::FourWayCheck;
use super::project_tests::{ProjectTests, ProjectTestsRun};

/// The result of verifying a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct FixVerification {
    pub replay: CheckResult,
    pub tests: TestsResult,
    pub tests_detail: Option<TestsDetail>,
    pub four_way: Option<FourWay>,
    /// The tests fail with the candidate, and it is unknown whether they failed before. Such a candidate is not verified.
    pub tests_fail_untold: bool,
    /// Explanation for the report.
    pub detail: String,
    /// How often the replay passed and failed with the candidate applied.
    pub outcomes: Flakiness,
    /// The last replay of the failing revision with the candidate applied.
    pub shown: Option<ReplayResult>,
    /// The end of the output of a failed run. Empty when the candidate held.
    pub output_end: String,
}

/// The checks that run beyond the replay.
#[derive(Default)]
pub struct BeyondReplay<'a> {
    /// The project's tests, with what they showed without the fix.
    pub tests: Option<(&'a ProjectTests, &'a ProjectTestsRun)>,
    pub four_way: Option<FourWayCheck<'a>>,
}

/// Verifies `candidate` at `bad`.
///
/// # Errors
/// Fails when something cannot run at all; a failing replay or test is a result, not an error.
pub fn verify(
    replayer: &Replayer,
    beyond: BeyondReplay<'_>,
    candidate: &FixCandidate,
    bad: &CommitId,
    (seen, doubt): (Flakiness, f64),
) -> Result<FixVerification, ReplayError> {
    let change = CheckoutChange::Patch(candidate.diff.clone());
    let (mut passes, mut failures) = (0, 0);
    let (stays_away, last) =
        replayer.stays_away(bad, Some(&change), (seen, doubt), |replayed| match replayed.outcome() {
            ReplayOutcome::Passes => passes += 1,
            ReplayOutcome::Reproduces => failures += 1,
            ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => {}
        })?;
    let (why, tail, shown) = (last.why.clone(), last.tail.clone(), Some(last));
    let mut out = FixVerification {
        replay: CheckResult::Pass,
        tests: TestsResult::NotRun,
        tests_detail: None,
        four_way: None,
        tests_fail_untold: false,
        detail: String::new(),
        outcomes: Flakiness::new(passes, failures),
        shown,
        output_end: String::new(),
    };
    if !stays_away {
        let why = why.unwrap_or_else(|| "the failure still shows".into());
        let after = if passes > 0 { format!(", after {passes} passes") } else { String::new() };
        out.replay = CheckResult::Fail;
        out.detail = format!(
            "the {} does not make the replay pass: {why}{after}",
            super::kind_in_words(candidate.kind)
        );
        out.output_end = tail;
        return Ok(out);
    }
    match beyond.tests {
        None => out.detail = "no test command is known".to_owned(),
        Some((tests, before)) => {
            let found = tests.compare(before, candidate, bad)?;
            out.tests = found.result;
            out.tests_fail_untold = found.fails_untold;
            out.detail.clone_from(&found.detail.because);
            out.output_end = found.output_end;
            out.tests_detail = Some(found.detail);
        }
    }
    // If the tests fail, the four-way check is not needed.
    if out.tests != TestsResult::Fail
        && let Some(check) = beyond.four_way
    {
        let found = check.run(candidate)?;
        if let Some(example) = found.example.as_deref().filter(|_| found.contradicted > 0) {
            out.detail = format!("the four-way check contradicts it: {example}");
        }
        out.four_way = Some(found);
    }
    Ok(out)
}
