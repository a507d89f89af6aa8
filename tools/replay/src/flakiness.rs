/*!
Estimates how often a revision that contains the fault passes, from the observed runs.

Most failures are steady, so part of the prior lies on "never passes". The rest is spread evenly over all pass rates,
which makes every sum a Beta function. A failure that was observed once may still be flaky; each further red run makes
that less likely, and the first green run proves it.
*/

use serde::{Deserialize, Serialize};

/// Prior probability that a failure is steady. Chosen together with the bisect's permitted doubt, in simulations of
/// flaky failures: a lower value makes steady failures cost more runs, a higher value lets lucky passes prove the
/// wrong commit.
const STEADY: f64 = 0.9;

/// Outcomes of runs at revisions that contain the fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flakiness {
    pub passes: u32,
    pub failures: u32,
}

impl Flakiness {
    pub fn new(passes: u32, failures: u32) -> Self {
        Self { passes, failures }
    }

    pub fn runs(self) -> u32 {
        self.passes + self.failures
    }

    /// Share of the runs that passed; 0 for a steady failure.
    pub fn rate(self) -> f64 {
        f64::from(self.passes) / f64::from(self.runs().max(1))
    }

    /// Probability of exactly these outcomes in this order.
    pub fn likelihood(self) -> f64 {
        let steady = if self.passes == 0 { STEADY } else { 0.0 };
        // passes! failures! / (passes + failures + 1)!, without the factorials.
        let mut spread = 1.0 / f64::from(self.runs() + 1);
        for at in 1..=self.passes.min(self.failures) {
            spread *= f64::from(at) / f64::from(self.runs() + 1 - at);
        }
        steady + (1.0 - STEADY) * spread
    }

    /// Probability that the next run of a faulty revision fails.
    pub fn fails_next(self) -> f64 {
        let likelihood = self.likelihood();
        let next = Self { failures: self.failures + 1, ..self };
        if likelihood > 0.0 { next.likelihood() / likelihood } else { 0.5 }
    }

    /// Probability that a faulty revision passes `times` times in a row.
    fn passes_in_a_row(self, times: u32) -> f64 {
        let likelihood = self.likelihood();
        let next = Self { passes: self.passes + times, ..self };
        if likelihood > 0.0 { next.likelihood() / likelihood } else { 1.0 }
    }

    /// Number of consecutive passes after which the fault counts as gone: a faulty revision passes that often with a
    /// probability of at most `doubt`.
    pub fn passes_needed(self, doubt: f64) -> u32 {
        /// A failure that needs more passes is so rare that no reasonable number of runs can tell it from a fixed
        /// one.
        const MOST: u32 = 100;
        /// The same limit for a failure that has never passed so far: it is most likely steady.
        const MOST_UNSEEN: u32 = 5;
        let most = if self.passes == 0 { MOST_UNSEEN } else { MOST };
        (1..most).find(|times| self.passes_in_a_row(*times) <= doubt).unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_decides_how_often_to_ask() {
        let check = |passes, failures, expected| {
            assert_eq!(Flakiness::new(passes, failures).passes_needed(0.02), expected, "{passes} {failures}");
        };
        check(0, 1, 1);
        check(0, 30, 1);
        check(1, 10, 3);
        check(1, 1, 15);
        check(4, 1, 34);
        check(0, 0, 4);
    }

    #[test]
    fn likelihoods_sum_to_one_and_stay_finite() {
        let pair = |seen: Flakiness| {
            let more = [(1, 0), (0, 1)]
                .map(|(p, f)| Flakiness::new(seen.passes + p, seen.failures + f).likelihood());
            (more[0] + more[1] - seen.likelihood()).abs() / seen.likelihood()
        };
        for (passes, failures) in [(0, 0), (0, 5), (3, 0), (7, 2), (200, 150)] {
            let seen = Flakiness::new(passes, failures);
            assert!(seen.likelihood() > 0.0 && pair(seen) < 1e-9, "{seen:?}");
            assert!((seen.fails_next() + seen.passes_in_a_row(1) - 1.0).abs() < 1e-9);
        }
    }
}
