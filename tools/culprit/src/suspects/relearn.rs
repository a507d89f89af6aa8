/*!
Re-learns the weights from verified outcomes: rankings whose culprit was later proven by a replay or confirmed by a
person.

The pull towards the shipped weights is as strong as many incidents, so that a few incidents change the ranking only a
little. New weights are tested on held-out incidents: each incident is ranked by weights learned without it and
without any other incident of the same culprit. Weights that do worse there than the shipped ones are returned as
rejected, with their figures.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};

use millwright_model::{IncidentId, LearnedWeights, LearningFigures, SettledSample, WeightMove};

use super::learn::{LabelledCase, WeightLearner};
use super::weights::SignalWeights;

/// Minimum number of incidents, and of different culprits among them, to learn anything.
pub const LEAST_INCIDENTS: usize = 8;
const LEAST_CULPRITS: usize = 5;

/// The shipped weights count as much as this number of incidents.
const PULL: f64 = 30.0;

const STEPS: usize = 200;
const FOLDS: usize = 5;

/// Smaller changes of a weight are not reported.
const WORTH_A_WORD: f64 = 0.01;

/// Number of incidents named for each change of a weight.
const NAMED: usize = 3;

/// The result of re-learning.
#[derive(Debug, Clone, PartialEq)]
pub enum RelearnResult {
    /// Too few usable incidents or different culprits.
    TooFew {
        incidents: usize,
        culprits: usize,
    },
    Learned {
        learned: LearnedWeights,
        adopted: bool,
    },
}

/// Learns from `samples`, always starting from the shipped weights, so that errors cannot add up over versions.
pub fn relearn(samples: &[SettledSample]) -> RelearnResult {
    let prior = SignalWeights::default();
    // An incident whose culprit was not among the kept candidates cannot teach.
    let usable: Vec<(&SettledSample, usize)> = samples
        .iter()
        .filter_map(|settled| {
            let at = settled.sample.candidates.iter().position(|c| c.commit == settled.culprit)?;
            Some((settled, at))
        })
        .collect();
    let culprits: BTreeSet<&str> = usable.iter().map(|(settled, _)| settled.culprit.as_str()).collect();
    if usable.len() < LEAST_INCIDENTS || culprits.len() < LEAST_CULPRITS {
        return RelearnResult::TooFew { incidents: usable.len(), culprits: culprits.len() };
    }
    let signals = learned_signals(&usable, &prior);
    let cases = labelled(&usable, &signals);
    let learner = WeightLearner { signals: signals.clone(), ridge: PULL / cases.len() as f64, steps: STEPS };
    let before: Vec<f64> = signals.iter().map(|name| prior.of(name)).collect();
    let fold: HashMap<&str, usize> = culprits.iter().copied().zip((0..FOLDS).cycle()).collect();
    let fold_of = |settled: &SettledSample| fold.get(settled.culprit.as_str()).copied().unwrap_or(0);
    let without: Vec<Vec<f64>> = (0..FOLDS)
        .map(|held_out| {
            let kept = cases.iter().zip(&usable).filter(|(_, (settled, _))| fold_of(settled) != held_out);
            learner.fit(&kept.map(|(case, _)| case).collect::<Vec<_>>(), &prior)
        })
        .collect();
    let ranks: Vec<(f64, f64)> = cases
        .iter()
        .zip(&usable)
        .map(|(case, (settled, _))| {
            let after = without.get(fold_of(settled)).unwrap_or(&before);
            (rank(&learner, case, &before), rank(&learner, case, after))
        })
        .collect();
    let weights = learner.fit(&cases.iter().collect::<Vec<_>>(), &prior);
    let figures = figures(&ranks, culprits.len());
    let moves = moves(&signals, &before, &weights, &cases, &usable);
    let adopted = figures.mrr_after >= figures.mrr_before && !moves.is_empty();
    let table = prior.iter().map(|(name, weight)| {
        let learned = signals.iter().position(|signal| *signal == name).and_then(|at| weights.get(at));
        (name.to_owned(), learned.copied().unwrap_or(weight))
    });
    let learned = LearnedWeights {
        weights: table.collect(),
        verdict: verdict(&figures, adopted, moves.is_empty()),
        moves,
        incidents: usable.iter().map(|(settled, _)| settled.incident_id.clone()).collect(),
        figures,
    };
    RelearnResult::Learned { learned, adopted }
}

/// Signals of the table that occur in a sample; signals of later versions are unknown here and are left alone.
fn learned_signals(usable: &[(&SettledSample, usize)], prior: &SignalWeights) -> Vec<&'static str> {
    let sampled: BTreeSet<&str> =
        usable.iter().flat_map(|(settled, _)| settled.sample.signals.iter().map(String::as_str)).collect();
    prior
        .iter()
        .map(|(name, _)| name)
        .filter(|name| sampled.contains(name) && prior.is_learned(name))
        .collect()
}

fn labelled(usable: &[(&SettledSample, usize)], signals: &[&'static str]) -> Vec<LabelledCase> {
    let mut of_culprit: HashMap<&str, f64> = HashMap::new();
    for (settled, _) in usable {
        *of_culprit.entry(&settled.culprit).or_default() += 1.0;
    }
    let case = |(settled, culprit): &(&SettledSample, usize)| {
        let sample = &settled.sample;
        let column = |signal: &&'static str| {
            let at = sample.signals.iter().position(|name| name == signal);
            let values = |at: usize| {
                sample.candidates.iter().map(|c| c.values.get(at).copied().unwrap_or(0.0)).collect()
            };
            at.map(values).unwrap_or_else(|| vec![0.0; sample.candidates.len()])
        };
        LabelledCase {
            columns: signals.iter().map(column).collect(),
            culprit: *culprit,
            // Incidents with the same culprit share one unit of weight.
            weight: of_culprit.get(settled.culprit.as_str()).map_or(1.0, |times| 1.0 / times.sqrt()),
        }
    };
    usable.iter().map(case).collect()
}

fn rank(learner: &WeightLearner, case: &LabelledCase, weights: &[f64]) -> f64 {
    let scores = learner.scores(case, weights);
    let own = scores.get(case.culprit).copied().unwrap_or(f64::NEG_INFINITY);
    1.0 + scores.iter().enumerate().filter(|(at, s)| **s > own || (**s == own && *at < case.culprit)).count()
        as f64
}

fn figures(ranks: &[(f64, f64)], culprits: usize) -> LearningFigures {
    let count = ranks.len().max(1) as f64;
    let mean = |value: &dyn Fn(&(f64, f64)) -> f64| ranks.iter().map(value).sum::<f64>() / count;
    let gain = |(before, after): &(f64, f64)| 1.0 / after - 1.0 / before;
    let mean_gain = mean(&gain);
    let variance = mean(&|pair| (gain(pair) - mean_gain).powi(2));
    LearningFigures {
        held_out: ranks.len() as u32,
        culprits: culprits as u32,
        mrr_before: mean(&|(before, _)| 1.0 / before),
        mrr_after: mean(&|(_, after)| 1.0 / after),
        first_before: mean(&|(before, _)| f64::from(u8::from(*before <= 1.0))),
        first_after: mean(&|(_, after)| f64::from(u8::from(*after <= 1.0))),
        noise: (variance / count).sqrt(),
    }
}

/// The changed weights, and the incidents that changed them most, by their slopes at the shipped weights.
fn moves(
    signals: &[&'static str],
    before: &[f64],
    after: &[f64],
    cases: &[LabelledCase],
    usable: &[(&SettledSample, usize)],
) -> Vec<WeightMove> {
    let slopes: Vec<Vec<f64>> = cases.iter().map(|case| super::learn::slopes(case, before)).collect();
    let mut found = Vec::new();
    for (at, signal) in signals.iter().enumerate() {
        let (Some(from), Some(to)) = (before.get(at).copied(), after.get(at).copied()) else { continue };
        if (to - from).abs() < WORTH_A_WORD {
            continue;
        }
        let pull =
            |of_case: &Vec<f64>| of_case.get(at).map_or(0.0, |slope| (slope * (to - from).signum()).max(0.0));
        let mut pulls: Vec<(IncidentId, f64)> = slopes
            .iter()
            .zip(usable)
            .map(|(s, (settled, _))| (settled.incident_id.clone(), pull(s)))
            .collect();
        let total: f64 = pulls.iter().map(|(_, pull)| pull).sum();
        pulls.retain(|(_, pull)| *pull > 0.0);
        pulls.sort_by(|a, b| b.1.total_cmp(&a.1));
        pulls.truncate(NAMED);
        pulls.iter_mut().for_each(|(_, pull)| *pull /= total.max(f64::MIN_POSITIVE));
        found.push(WeightMove { signal: (*signal).to_owned(), from, to, because: pulls });
    }
    found.sort_by(|a, b| (b.to - b.from).abs().total_cmp(&(a.to - a.from).abs()));
    found
}

fn verdict(figures: &LearningFigures, adopted: bool, unmoved: bool) -> String {
    let gain = figures.mrr_after - figures.mrr_before;
    let judged = format!(
        "on {} incidents held out, of {} culprits, the mean reciprocal rank went from {:.3} to {:.3} \
         (difference {gain:+.3}, standard error {:.3}) and the culprit was first in {:.0} % instead of {:.0} \
         %",
        figures.held_out,
        figures.culprits,
        figures.mrr_before,
        figures.mrr_after,
        figures.noise,
        100.0 * figures.first_after,
        100.0 * figures.first_before,
    );
    match (adopted, unmoved) {
        (true, _) => format!("adopted: {judged}"),
        (false, true) => format!("not adopted, no weight changed: {judged}"),
        (false, false) => format!("not adopted, worse than the weights that ship: {judged}"),
    }
}

/// The weights of a stored version; signals that it does not know keep the shipped weights.
pub fn weights_of(table: &BTreeMap<String, f64>) -> SignalWeights {
    let mut weights = SignalWeights::default();
    for (name, weight) in table {
        weights.set(name, *weight);
    }
    weights
}

#[cfg(test)]
#[path = "relearn_tests.rs"]
mod tests;
