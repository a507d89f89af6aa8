/*!
From scores to probabilities: a softmax at a fixed temperature, with a little mass spread evenly, because a
culprit that shares no word with its ticket must not count as impossible.

The temperatures are those that made the culprits of the development cases most likely, each case judged by weights
learned without its culprit; the optimum is flat and the same (.9) for full tickets, tickets as seen from outside and
prose, and for 137 regressions of five other repositories.
*/

use super::context::Context;

const TEMPERATURE: f64 = 0.9;

/// Without a good revision every ancestor is a candidate, many of them took part in the fault, and scores that tell
/// them apart mean less.
const TEMPERATURE_UNBOUNDED: f64 = 1.1;

/// Mass spread evenly over all candidates.
const UNIFORM: f64 = 0.02;

pub(super) fn calibrated(scores: &[f64], context: &Context<'_>) -> Vec<f64> {
    let bounded = context.request.good.is_some();
    softmax(scores, if bounded { TEMPERATURE } else { TEMPERATURE_UNBOUNDED }, UNIFORM)
}

pub(super) fn softmax(scores: &[f64], temperature: f64, uniform: f64) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let masses: Vec<f64> = scores.iter().map(|score| ((score - top) / temperature).exp()).collect();
    let total: f64 = masses.iter().sum();
    let even = 1.0 / scores.len().max(1) as f64;
    masses.iter().map(|mass| (1.0 - uniform) * mass / total + uniform * even).collect()
}
