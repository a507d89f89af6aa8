/*!
From scores to probabilities: a softmax at a fixed temperature, with a little mass spread evenly, because a
culprit that shares no word with its ticket must not count as impossible.
*/

use super::context::Context;

const TEMPERATURE: f64 = 0.7;
const UNIFORM: f64 = 0.02;

pub(super) fn calibrated(scores: &[f64], _context: &Context<'_>) -> Vec<f64> {
    softmax(scores, TEMPERATURE, UNIFORM)
}

pub(super) fn softmax(scores: &[f64], temperature: f64, uniform: f64) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let masses: Vec<f64> = scores.iter().map(|score| ((score - top) / temperature).exp()).collect();
    let total: f64 = masses.iter().sum();
    let even = 1.0 / scores.len().max(1) as f64;
    masses.iter().map(|mass| (1.0 - uniform) * mass / total + uniform * even).collect()
}
