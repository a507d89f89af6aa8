/*!
Verifies a candidate: the replay has to pass with it, as often as a flaky failure demands, and the project's tests
must not be worse. A candidate whose replay fails is not taken to the tests.
*/

use millwright_memory::types::{CheckResult, ReplayOutcome};

use super::{Candidate, TestOutcome, compare};
use crate::bisect::Flakiness;
use crate::checkout::Change;
use crate::replay::{ReplayError, ReplayRecipe, Replayed, Replayer};

/// What verifying a candidate showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    pub replay: CheckResult,
    pub tests: CheckResult,
    /// In words, for the report.
    pub detail: String,
    /// How often the replay passed and failed with the candidate applied.
    pub outcomes: Flakiness,
    /// The last replay with the candidate applied.
    pub shown: Option<Replayed>,
    /// The tests with the candidate applied.
    pub tested: Option<Replayed>,
}

/// The recipe that runs the project's tests: like the replay, without what it lays over the checkout.
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

/// The project's tests at `bad` as it is.
pub fn baseline(tests: &Replayer, bad: &str) -> Result<TestOutcome, ReplayError> {
    Ok(TestOutcome::of(&tests.run(bad, None)?))
}

/// Verifies `candidate` at `bad`. `tests` is a replayer of the project's tests with their baseline.
pub fn verify(
    replayer: &Replayer,
    tests: Option<(&Replayer, &TestOutcome)>,
    candidate: &Candidate,
    bad: &str,
    (seen, doubt): (Flakiness, f64),
) -> Result<Verification, ReplayError> {
    let change = Change::Patch(candidate.diff.clone());
    let (mut passes, mut failures) = (0, 0);
    let (stays_away, last) =
        replayer.stays_away(bad, Some(&change), (seen, doubt), |replayed| match replayed.outcome() {
            ReplayOutcome::Passes => passes += 1,
            ReplayOutcome::Reproduces => failures += 1,
            ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => {}
        })?;
    let (why, shown, outcomes) = (last.why.clone(), Some(last), Flakiness::new(passes, failures));
    if !stays_away {
        let why = why.unwrap_or_else(|| "the failure still shows".into());
        let after = if passes > 0 { format!(", after {passes} passes") } else { String::new() };
        return Ok(Verification {
            replay: CheckResult::Fail,
            tests: CheckResult::NotRun,
            detail: format!(
                "the {} does not make the replay pass: {why}{after}",
                super::kind_in_words(candidate.kind)
            ),
            outcomes,
            shown,
            tested: None,
        });
    }
    let (result, detail, tested) = match tests {
        None => (CheckResult::NotRun, "no test command is known".to_owned(), None),
        Some((tests, before)) => {
            let after = tests.run(bad, Some(&change))?;
            let (result, detail) = compare(before, &TestOutcome::of(&after));
            (result, detail, Some(after))
        }
    };
    Ok(Verification { replay: CheckResult::Pass, tests: result, detail, outcomes, shown, tested })
}
