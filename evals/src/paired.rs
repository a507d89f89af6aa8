/*!
Compares two runs over the same cases: what differs case by case, and whether chance alone explains it. Hits are compared by
McNemar's exact test, which uses only the cases whose result changed. Costs are compared by a paired bootstrap.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::SplitMix;
use crate::stats::{Figure, percentile};

const RESAMPLES: usize = 4000;

/// Two-sided p of McNemar's exact test: `lost` cases were hits before, `won` are hits now.
pub fn mcnemar(lost: usize, won: usize) -> f64 {
    let n = lost + won;
    if n == 0 {
        return 1.0;
    }
    // The binomial distribution with p = 1/2, summed in logarithms so that large counts do not overflow.
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=lost.min(won) {
        tail += term.exp();
        term += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// Mean difference (second less first) with its paired bootstrap interval.
pub fn difference(pairs: &[(f64, f64)]) -> Figure {
    if pairs.is_empty() {
        return Figure { value: 0.0, low: 0.0, high: 0.0 };
    }
    let differences: Vec<f64> = pairs.iter().map(|(before, after)| after - before).collect();
    let n = differences.len();
    let mut random = SplitMix::of("paired");
    let means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..n).map(|_| differences[random.below(n)]).sum::<f64>() / n as f64)
        .collect();
    let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
    Figure {
        value: round(differences.iter().sum::<f64>() / n as f64),
        low: round(percentile(&means, 0.025)),
        high: round(percentile(&means, 0.975)),
    }
}

/// The smallest change of a share that so many paired cases would show in four of five tries (5 %, two-sided), if as
/// many cases change sides as did here; at least two must.
pub fn detectable(cases: usize, changed: usize) -> f64 {
    if cases == 0 {
        return 1.0;
    }
    let n = cases as f64;
    let discordant = changed.max(2) as f64 / n;
    ((1.959_964 + 0.841_621) * (discordant / n).sqrt()).min(1.0)
}

/// What a comparison may conclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairedVerdict {
    Better,
    Worse,
    CannotTell,
}

impl PairedVerdict {
    pub fn in_words(self) -> &'static str {
        match self {
            PairedVerdict::Better => "better",
            PairedVerdict::Worse => "worse",
            PairedVerdict::CannotTell => "cannot tell",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_values() {
        // Binomial distribution with p = 1/2: 1 of 8 in one direction is 2 · 9/256.
        assert!((mcnemar(1, 7) - 0.070_312_5).abs() < 1e-9);
        assert!((mcnemar(0, 6) - 0.031_25).abs() < 1e-9);
        assert_eq!((mcnemar(0, 0), mcnemar(4, 4)), (1.0, 1.0));
        assert!(mcnemar(2000, 2200) < 0.01);
    }

    #[test]
    fn differences_are_paired_and_small_sets_say_how_little_they_see() {
        let pairs: Vec<(f64, f64)> = (0..40).map(|n| (f64::from(n), f64::from(n) + 1.0)).collect();
        assert_eq!(difference(&pairs), Figure { value: 1.0, low: 1.0, high: 1.0 });
        let noisy: Vec<(f64, f64)> = (0..40).map(|n| (0.0, if n % 2 == 0 { 1.0 } else { -1.0 })).collect();
        let of = difference(&noisy);
        assert!(of.low < 0.0 && of.high > 0.0);
        assert!(detectable(20, 2) > detectable(200, 20) && detectable(0, 0) == 1.0);
    }
}
