/*!
Calibration of confidence: of the answers given with 80 %, about 80 % should be right. Measured by the expected calibration
error over bins of equal size, and by the Brier score, which also rewards telling right and wrong cases apart.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationPoint {
    /// Given to the named commit.
    pub confidence: f64,
    pub right: bool,
}

/// An answer that names nothing is no forecast.
pub fn grade(answer: &GradedAnswer<'_>) -> Option<CalibrationPoint> {
    let cause = answer.report.root_cause.as_ref()?;
    cause.commit.as_ref()?;
    Some(CalibrationPoint { confidence: cause.confidence, right: answer.is_right() })
}

/// Expected calibration error, in `bins` bins of equal size; zero for no forecasts.
pub fn expected_error(forecasts: &[CalibrationPoint], bins: usize) -> f64 {
    let mut pairs: Vec<(f64, f64)> =
        forecasts.iter().map(|one| (one.confidence, f64::from(u8::from(one.right)))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = pairs.len().div_ceil(bins.max(1)).max(1);
    let gap = |bin: &[(f64, f64)]| (bin.iter().map(|pair| pair.0 - pair.1).sum::<f64>()).abs();
    let total: f64 = pairs.chunks(size).map(gap).sum();
    total / pairs.len().max(1) as f64
}

/// Mean squared distance of the confidence from what was true.
pub fn brier(forecasts: &[CalibrationPoint]) -> f64 {
    let squared = |one: &CalibrationPoint| (one.confidence - f64::from(u8::from(one.right))).powi(2);
    forecasts.iter().map(squared).sum::<f64>() / forecasts.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecasts(of: &[(f64, bool)]) -> Vec<CalibrationPoint> {
        of.iter()
            .map(|(confidence, right)| CalibrationPoint { confidence: *confidence, right: *right })
            .collect()
    }

    #[test]
    fn a_coin_called_by_its_odds_is_calibrated_and_one_called_surely_is_not() {
        let honest = forecasts(&[(0.5, true), (0.5, false), (0.5, true), (0.5, false)]);
        let boastful = forecasts(&[(1.0, true), (1.0, false), (1.0, true), (1.0, false)]);
        assert_eq!((expected_error(&honest, 2), brier(&honest)), (0.0, 0.25));
        assert_eq!((expected_error(&boastful, 2), brier(&boastful)), (0.5, 0.5));
        assert_eq!((expected_error(&[], 5), brier(&[])), (0.0, 0.0));
    }
}
