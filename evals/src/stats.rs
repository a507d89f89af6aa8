/*!
Figures with their uncertainty. A difference that a few other cases would remove is not a difference, so every figure has a
95 % interval: Wilson's (1927) for a share of cases, otherwise the percentile bootstrap over cases (Efron 1979). The seed is
fixed, so the same results always give the same report.
*/

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::random::SplitMix;

/// Resamples; the ends of the interval vary by less than .005 from seed to seed.
const RESAMPLES: usize = 2000;

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Mean of `samples` with a percentile bootstrap interval; zero for no samples.
pub fn mean(samples: &[f64]) -> Figure {
    if samples.is_empty() {
        return Figure { value: 0.0, low: 0.0, high: 0.0 };
    }
    let average = |total: f64| total / samples.len() as f64;
    let mut random = SplitMix::new(0x4d69_6c6c_7772_6967);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| average((0..samples.len()).map(|_| samples[random.below(samples.len())]).sum()))
        .collect();
    means.sort_by(f64::total_cmp);
    Figure {
        value: round(average(samples.iter().sum())),
        low: round(percentile_of_sorted(&means, 0.025)),
        high: round(percentile_of_sorted(&means, 0.975)),
    }
}

/// Wilson's interval (95 %) of a share: unlike the bootstrap it is honest about 20 of 20.
pub fn wilson(hits: usize, of: usize) -> Figure {
    if of == 0 {
        return Figure { value: 0.0, low: 0.0, high: 1.0 };
    }
    let (n, z) = (of as f64, 1.959_964);
    let share = hits as f64 / n;
    let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    Figure {
        value: round(share),
        low: round((middle - half).max(0.0)),
        high: round((middle + half).min(1.0)),
    }
}

/// The share of cases in which something holds, one value from 0 to 1 a case: Wilson's interval where every case says
/// yes or no, the bootstrap's where repeats of one case do not agree.
pub fn share(samples: &[f64]) -> Figure {
    if samples.is_empty() || samples.iter().any(|value| *value != 0.0 && *value != 1.0) {
        return mean(samples);
    }
    wilson(samples.iter().filter(|value| **value == 1.0).count(), samples.len())
}

/// The `share` quantile (nearest rank) of any numbers; zero for none.
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile_of_sorted(&sorted, share)
}

fn percentile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Four digits: more would be noise that looks like knowledge.
fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Ranks (1-based, `None` for absent) as the figures of retrieval: `(ac@k, reciprocal rank)` samples.
pub fn hits_within(ranks: &[Option<u32>], k: u32) -> Vec<f64> {
    ranks.iter().map(|rank| f64::from(u8::from(rank.is_some_and(|rank| rank <= k)))).collect()
}

pub fn reciprocal_ranks(ranks: &[Option<u32>]) -> Vec<f64> {
    ranks.iter().map(|rank| rank.map_or(0.0, |rank| 1.0 / f64::from(rank.max(1)))).collect()
}

/// What an answer named, held against what was expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SetCounts {
    right: usize,
    named: usize,
    expected: usize,
}

impl SetCounts {
    pub(crate) fn of<T: Ord>(named: &BTreeSet<T>, expected: &BTreeSet<T>) -> Self {
        Self { right: named.intersection(expected).count(), named: named.len(), expected: expected.len() }
    }

    pub(crate) fn is_exact(self) -> bool {
        self.right == self.named && self.right == self.expected
    }

    pub(crate) fn precision(self) -> f64 {
        self.right as f64 / self.named.max(1) as f64
    }

    pub(crate) fn recall(self) -> f64 {
        self.right as f64 / self.expected.max(1) as f64
    }

    pub(crate) fn figures(self) -> Value {
        let f1 = 2.0 * self.right as f64 / (self.named + self.expected).max(1) as f64;
        json!({ "precision": self.precision(), "recall": self.recall(), "f1": f1 })
    }
}

impl std::iter::Sum for SetCounts {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        each.fold(Self::default(), |sum, one| Self {
            right: sum.right + one.right,
            named: sum.named + one.named,
            expected: sum.expected + one.expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_mean_and_narrow_with_cases() {
        let samples = |n: usize| (0..n).map(|i| f64::from(u8::from(i % 4 == 0))).collect::<Vec<_>>();
        let (few, many) = (mean(&samples(20)), mean(&samples(2000)));
        assert_eq!(few.value, 0.25);
        assert!(few.low < 0.25 && 0.25 < few.high);
        assert!(many.high - many.low < (few.high - few.low) / 5.0);
        // The normal approximation for 2000 draws at .25 is ± .019.
        assert!((many.high - many.low - 0.038).abs() < 0.006, "{many:?}");
        assert_eq!(mean(&samples(20)), few);
        assert_eq!(mean(&[]), Figure { value: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn shares_are_honest_about_all_of_a_few() {
        // Agresti: 10 of 10 gives .722 to 1; 1 of 10 gives .018 to .404.
        assert_eq!(share(&[1.0; 10]), Figure { value: 1.0, low: 0.7225, high: 1.0 });
        assert_eq!(wilson(1, 10), Figure { value: 0.1, low: 0.0179, high: 0.4042 });
        assert_eq!(share(&[0.5, 1.0]), mean(&[0.5, 1.0]));
        assert_eq!(share(&[]), mean(&[]));
    }

    #[test]
    fn percentiles_are_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((percentile(&samples, 0.5), percentile(&samples, 0.95)), (3.0, 5.0));
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn ranks_become_figures() {
        let ranks = [Some(1), Some(4), None];
        assert_eq!(hits_within(&ranks, 3), [1.0, 0.0, 0.0]);
        assert_eq!(reciprocal_ranks(&ranks), [1.0, 0.25, 0.0]);
    }
}
