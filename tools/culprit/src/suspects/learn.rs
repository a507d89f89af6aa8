/*!
Learns the weights of the signals from cases with a known culprit: a conditional logit (McFadden 1974), in which the
probability of a candidate being the culprit is the softmax of its score within its range. Weights keep their sign in
the table and are pulled towards the table's values, so that a few cases change the ranking a little and never reverse
it.
*/

use super::weights::SignalWeights;

/// One case: the columns of its candidates and which candidate is the culprit.
#[derive(Debug, Clone)]
pub struct LabelledCase {
    /// By signal, in the order of [`WeightLearner::signals`]; an empty column means that the signal was absent.
    pub columns: Vec<Vec<f32>>,
    pub culprit: usize,
    /// Weight of the case; cases that share a culprit should share a total weight of 1.
    pub weight: f64,
}

#[derive(Debug, Clone)]
pub struct WeightLearner {
    /// Names of the signals whose weights are learned.
    pub signals: Vec<&'static str>,
    /// Strength of the pull towards the prior weights.
    pub ridge: f64,
    pub steps: usize,
}

/// Step size and decay rates of Adam (Kingma and Ba 2015).
const RATE: f64 = 0.03;
const DECAY: (f64, f64) = (0.9, 0.999);

impl WeightLearner {
    /// Weights that fit `cases` best with a penalty for the distance to `prior`.
    pub fn fit(&self, cases: &[&LabelledCase], prior: &SignalWeights) -> Vec<f64> {
        let start: Vec<f64> = self.signals.iter().map(|name| prior.of(name)).collect();
        let mut weights = start.clone();
        let (mut first, mut second) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
        let total: f64 = cases.iter().map(|case| case.weight).sum::<f64>().max(1e-9);
        for step in 1..=self.steps {
            let mut gradient: Vec<f64> =
                weights.iter().zip(&start).map(|(weight, start)| self.ridge * (weight - start)).collect();
            for case in cases {
                add_gradient(case, &weights, 1.0 / total, &mut gradient);
            }
            let correct = |rate: f64| 1.0 - rate.powi(step as i32);
            for (at, slope) in gradient.iter().enumerate() {
                first[at] = DECAY.0 * first[at] + (1.0 - DECAY.0) * slope;
                second[at] = DECAY.1 * second[at] + (1.0 - DECAY.1) * slope * slope;
                let (mean, spread) = (first[at] / correct(DECAY.0), second[at] / correct(DECAY.1));
                weights[at] -= RATE * mean / (spread.sqrt() + 1e-8);
                // A signal for a candidate must not become a signal against it because of a few cases.
                weights[at] = if start[at] < 0.0 { weights[at].min(0.0) } else { weights[at].max(0.0) };
            }
        }
        weights
    }

    /// Scores of a case's candidates.
    pub fn scores(&self, case: &LabelledCase, weights: &[f64]) -> Vec<f64> {
        scores(case, weights)
    }
}

fn scores(case: &LabelledCase, weights: &[f64]) -> Vec<f64> {
    let candidates = case.columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut scores = vec![0.0; candidates];
    for (column, weight) in case.columns.iter().zip(weights) {
        if *weight != 0.0 {
            for (score, value) in scores.iter_mut().zip(column) {
                *score += weight * f64::from(*value);
            }
        }
    }
    scores
}

fn add_gradient(case: &LabelledCase, weights: &[f64], share: f64, gradient: &mut [f64]) {
    for (sum, slope) in gradient.iter_mut().zip(slopes(case, weights)) {
        *sum -= share * slope;
    }
}

/// The gradient of a case for each weight: the culprit's value of the signal minus the expected value.
pub(super) fn slopes(case: &LabelledCase, weights: &[f64]) -> Vec<f64> {
    let probabilities = super::probability::softmax(&scores(case, weights), 1.0, 0.0);
    let slope = |column: &Vec<f32>| {
        let expected: f64 = column.iter().zip(&probabilities).map(|(v, p)| f64::from(*v) * p).sum();
        case.weight * (column.get(case.culprit).copied().map_or(0.0, f64::from) - expected)
    };
    case.columns.iter().map(slope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_what_tells_the_culprit_and_keeps_signs() {
        let signals = vec!["literal", "frame_blame", "size"];
        let learner = WeightLearner { signals, ridge: 0.001, steps: 300 };
        // `literal` marks the culprit, `frame_blame` is noise, `size` points in the wrong direction.
        let case = |culprit: usize| {
            let mark = |is: bool| if is { 1.0f32 } else { 0.0 };
            let columns = vec![
                (0..10).map(|at| mark(at == culprit)).collect(),
                (0..10).map(|at| mark(at == (culprit * 7 + 3) % 10)).collect(),
                (0..10).map(|at| mark(at == culprit)).collect(),
            ];
            LabelledCase { columns, culprit, weight: 1.0 }
        };
        let cases: Vec<LabelledCase> = (0..10).map(case).collect();
        let prior = SignalWeights::default();
        let weights = learner.fit(&cases.iter().collect::<Vec<_>>(), &prior);
        assert!(weights[0] > prior.of("literal") + 1.0, "{weights:?}");
        assert!(weights[1] < prior.of("frame_blame"), "{weights:?}");
        assert_eq!(weights[2], 0.0);
        let scores = learner.scores(&cases[4], &weights);
        assert_eq!(scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0, 4);
    }

    #[test]
    fn without_cases_the_prior_stays() {
        let learner = WeightLearner { signals: vec!["literal"], ridge: 0.1, steps: 50 };
        assert_eq!(learner.fit(&[], &SignalWeights::default()), [SignalWeights::default().of("literal")]);
    }
}
