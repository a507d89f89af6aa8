/*!
Whether two counts over two lengths of time have the same rate: the likelihood-ratio test for Poisson rates.
*/

/// The probability of a difference at least this large if both rates were the same: G statistic against chi-squared with
/// one degree of freedom (Wilks). Exposures are positive.
pub(crate) fn rate_change_p(before: u64, exposure_before: f64, after: u64, exposure_after: f64) -> f64 {
    let total = (before + after) as f64;
    let share = exposure_after / (exposure_before + exposure_after);
    let term = |count: u64, expected: f64| {
        if count == 0 { 0.0 } else { count as f64 * (count as f64 / expected).ln() }
    };
    let g = 2.0 * (term(after, total * share) + term(before, total * (1.0 - share)));
    erfc((g.max(0.0) / 2.0).sqrt())
}

/// Complementary error function, fractional error below 1.2e-7 (Numerical Recipes, 6.2).
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let polynomial = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ]
    .iter()
    .fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = t * (-x * x + polynomial).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (x, expected) in
            [(0.0, 1.0), (0.5, 0.479_500_1), (1.0, 0.157_299_2), (2.0, 0.004_677_7), (-1.0, 1.842_700_8)]
        {
            assert!((erfc(x) - expected).abs() < 1e-6, "{x}: {}", erfc(x));
        }
        assert!(rate_change_p(10, 10.0, 10, 10.0) > 0.99);
        assert!(rate_change_p(10, 10.0, 40, 10.0) < 1e-4);
        assert!(rate_change_p(100, 100.0, 12, 10.0) > 0.3);
        assert!(rate_change_p(0, 10.0, 1, 10.0) > 0.1);
    }
}
