/*!
How often a revision is executed until its outcome counts: to reproduce a failure at the failing revision, and to show that it
stays away.
*/

use millwright_git::checkout::CheckoutChange;
use millwright_model::{CommitId, ReplayOutcome};

use super::replayed::{ReplayResult, end_of};
use super::replayer::{ReplayError, Replayer, RunRecording};
use super::signature::FailureSignature;
use crate::exec_trace::ExecutionTrace;
use crate::flakiness::Flakiness;

/// Number of failures in a row after which a failure counts as steady although the traced execution did not show it.
const STEADY: u32 = 3;

/// The failure, seen at the failing revision.
#[derive(Debug, Clone, PartialEq)]
pub struct ReproducedFailure {
    /// The first execution that showed the failure.
    pub shown: ReplayResult,
    pub failure: FailureSignature,
    pub passes: u32,
    pub failures: u32,
    pub trace: Option<ExecutionTrace>,
}

impl ReproducedFailure {
    /// How often the failure showed at the failing revision.
    pub fn flakiness(&self) -> Flakiness {
        Flakiness::new(self.passes, self.failures)
    }
}

impl Replayer {
    /// Executes at `bad` until the failure shows, and records its signature. If the first run does not show the
    /// failure, repeats up to the recipe's `attempts` to learn how often it shows. With `traced`, one more execution
    /// records the code that it executes; its outcome decides nothing.
    pub fn reproduce(&self, bad: &CommitId, traced: bool) -> Result<ReproducedFailure, ReplayError> {
        self.reproduce_within(bad, traced, 0)
    }

    /// Like [`Replayer::reproduce`], for a failure that is reported as flaky: makes up to `patience` attempts until
    /// it has shown.
    pub fn reproduce_within(
        &self,
        bad: &CommitId,
        traced: bool,
        patience: u32,
    ) -> Result<ReproducedFailure, ReplayError> {
        let attempts = self.recipe().attempts.clamp(1, 100);
        let most = attempts.max(patience.min(100));
        let mut shown: Option<(ReplayResult, FailureSignature)> = None;
        let mut trace = None;
        let mut last = String::new();
        let (mut passes, mut failures, mut done) = (0, 0, 0);
        // Whether the traced execution did not show the failure: the tracer hid it, or the failure is flaky.
        let mut doubted = false;
        while done < attempts || (shown.is_none() && done < most) {
            let recording = if shown.is_none() { RunRecording::OpenedFiles } else { RunRecording::None };
            let replayed = self.run_once(bad, None, recording)?;
            done += 1;
            last = end_of(&replayed.tail);
            match replayed.outcome() {
                ReplayOutcome::Reproduces => {
                    failures += 1;
                    if shown.is_none()
                        && let Some(failure) = replayed.failure.clone()
                    {
                        self.expect_failure(failure.clone());
                        if traced {
                            (trace, doubted) = self.trace(bad, replayed.trace.clone())?;
                        }
                        shown = Some((replayed, failure));
                    }
                    if passes == 0 && (!doubted || failures >= STEADY) {
                        break;
                    }
                }
                ReplayOutcome::Passes => passes += 1,
                ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest if shown.is_some() => {}
                ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => {
                    let why = replayed.why.unwrap_or_default();
                    return Err(ReplayError::BadCannotTest { revision: bad.clone(), why, tail: last });
                }
            }
        }
        let Some((shown, failure)) = shown else {
            return Err(ReplayError::BadPasses { revision: bad.clone(), attempts: done, tail: last });
        };
        Ok(ReproducedFailure { shown, failure, passes, failures, trace })
    }

    /// What a traced execution of the failing revision shows, or else the files that the untraced one opened; and whether
    /// the traced execution passed.
    fn trace(
        &self,
        bad: &CommitId,
        opened: Option<ExecutionTrace>,
    ) -> Result<(Option<ExecutionTrace>, bool), ReplayError> {
        let traced = self.run_traced(bad)?;
        let shows = traced.outcome() == ReplayOutcome::Reproduces;
        let passed = traced.outcome() == ReplayOutcome::Passes;
        Ok((traced.trace.filter(|_| shows).or(opened), passed))
    }

    /// Whether the failure stays away from `commit` with `change`. Repeats as often as the observed flakiness
    /// requires for this `doubt` ([`Flakiness::passes_needed`]). Calls `each` for every execution and returns the one
    /// that decided.
    pub fn stays_away(
        &self,
        commit: &CommitId,
        change: Option<&CheckoutChange>,
        (seen, doubt): (Flakiness, f64),
        mut each: impl FnMut(&ReplayResult),
    ) -> Result<(bool, ReplayResult), ReplayError> {
        let mut left = seen.passes_needed(doubt);
        loop {
            let replayed = self.run(commit, change)?;
            each(&replayed);
            left -= 1;
            let passes = replayed.outcome() == ReplayOutcome::Passes;
            if !passes || left == 0 {
                return Ok((passes, replayed));
            }
        }
    }
}
