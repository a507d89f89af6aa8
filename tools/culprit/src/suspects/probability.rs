/*!
Turns scores into probabilities: a softmax at a fixed temperature, with a small probability mass spread evenly,
because a culprit that shares no word with its ticket must not count as impossible.

The temperatures maximise the likelihood of the culprits in the development cases, each case judged by weights learned
without its culprit. The optimum is flat and the same (.9) for full tickets, tickets as seen from outside, prose, and
137 regressions of five other repositories.
*/

use super::context::SignalContext;
use super::suspect_evidence::SuspectEvidence;

const TEMPERATURE: f64 = 0.9;

/// Temperature without a good revision: every ancestor is a candidate, many of them contributed to the fault, and
/// score differences mean less.
const TEMPERATURE_UNBOUNDED: f64 = 1.1;

/// Mass spread evenly over all candidates.
const UNIFORM: f64 = 0.02;

pub(super) fn calibrated(scores: &[f64], context: &SignalContext<'_>) -> Vec<f64> {
    let bounded = context.request.good.is_some();
    softmax(scores, if bounded { TEMPERATURE } else { TEMPERATURE_UNBOUNDED }, UNIFORM)
}

/// Slope and offset of the log odds (Platt scaling), so that the softmax is calibrated across repositories.
const SLOPE: f64 = 0.65;
const OFFSET: f64 = 0.2;

/// Evidence at which half of the probability remains, as the sum of the inverse document frequencies of shared words.
const HALF: f64 = 5.0;

/// Evidence of a place in a stack trace, a failing test or a phrase of the error message, in the same unit.
const ANCHOR: f64 = 30.0;

/// The probability that the first suspect is the culprit. `p` is its share of the softmax over all compared commits. The
/// score says which commit it is if it is one of them; the evidence says whether the match is more than chance.
///
/// The constants were fitted by hand on 379 rankings with a known culprit (Django in three views, two Java libraries,
/// strangers' tickets of 14 projects) and 1,199 rankings of alerts and letters without a cause in code (17 projects; ranges
/// of 10, 25 and 200 commits and whole histories), so that almost none of the latter reaches .5.
pub(super) fn of_first(p: f64, evidence: &SuspectEvidence) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    let odds = (SLOPE * (p / (1.0 - p)).ln() + OFFSET).exp();
    let anchors = [evidence.places > 1.0, evidence.test > 1.0, evidence.literal > 0.3];
    let weight = evidence.words + ANCHOR * anchors.iter().filter(|anchor| **anchor).count() as f64;
    let belief = weight.powi(2) / (weight.powi(2) + HALF.powi(2));
    odds / (1.0 + odds) * belief
}

/// Calibrates the first of `probabilities` (best first) by its evidence; the others keep their proportions.
pub(super) fn rescale(probabilities: &mut [f64], evidence: &SuspectEvidence) {
    let Some((first, others)) = probabilities.split_first_mut() else { return };
    let own = of_first(*first, evidence);
    let factor = if own <= *first { own / first.max(1e-9) } else { (1.0 - own) / (1.0 - *first).max(1e-9) };
    *first = own;
    others.iter_mut().for_each(|other| *other *= factor.min(1.0));
}

pub(super) fn softmax(scores: &[f64], temperature: f64, uniform: f64) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let masses: Vec<f64> = scores.iter().map(|score| ((score - top) / temperature).exp()).collect();
    let total: f64 = masses.iter().sum();
    let even = 1.0 / scores.len().max(1) as f64;
    masses.iter().map(|mass| (1.0 - uniform) * mass / total + uniform * even).collect()
}
