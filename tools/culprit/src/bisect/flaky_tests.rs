/*!
Bisects of flaky failures: seeded simulations of the state machine alone, a thousand each. They follow a real
investigation: reproduce, bisect, take the culprit back, continue when that contradicts the verdict.
*/

use super::tests::{Hunt, bisect_of, linear};
use super::*;

/// Probabilities that the ranking gives its first suspect, as measured on Django's cases: mostly right, and
/// calibrated.
const SURE: [f64; 7] = [0.95, 0.9, 0.8, 0.6, 0.4, 0.25, 0.15];

/// A prior and a culprit drawn from it.
fn plant(count: usize, is_ranked: bool, dice: &mut fastrand::Rng) -> (Vec<f64>, u32) {
    let mut prior = vec![1.0 / count as f64; count];
    if is_ranked {
        let sure = SURE[(dice.f64() * 7.0) as usize];
        prior.fill((0.02 + 0.2 * (1.0 - sure)) / count as f64);
        let mut weight = sure;
        for rank in 0..25 {
            prior[(dice.f64() * count as f64) as usize] += weight;
            weight = if rank == 0 { (1.0 - sure) * 0.24 } else { weight * 0.7 };
        }
    }
    let mut at = dice.f64() * prior.iter().sum::<f64>();
    let culprit = prior.iter().position(|weight| {
        at -= weight;
        at < 0.0
    });
    (prior, culprit.unwrap_or(count - 1) as u32)
}

#[derive(Debug, Default)]
struct Tallied {
    right: u32,
    wrong: u32,
    /// Runs that ended without a proof, or in which the failure never showed.
    open: u32,
    runs: u32,
    most: u32,
}

/// Simulates `trials` bisects of faults that pass in a share `flaky` of their runs.
fn simulate(trials: u32, count: usize, flaky: f64, is_ranked: bool, takes_back: bool) -> Tallied {
    let mut dice = fastrand::Rng::with_seed(7);
    let mut tallied = Tallied::default();
    for _ in 0..trials {
        let (prior, culprit) = plant(count, is_ranked, &mut dice);
        let hunt = Hunt { graph: linear(count), culprit };
        // Like `Replayer::reproduce`: stop if the first run is red, else repeat to learn how often the failure shows.
        let mut shown = Flakiness::default();
        while shown.runs() < 5 && !(shown.failures > 0 && shown.passes == 0) {
            if dice.f64() >= flaky { shown.failures += 1 } else { shown.passes += 1 }
        }
        if shown.failures == 0 {
            tallied.open += 1;
            continue;
        }
        let mut bisect = bisect_of(&hunt, &prior, BisectPolicy::default()).with_reproduction(shown);
        for reopened in 0..3 {
            let verdict = hunt.run(&mut bisect, |_, outcome| match outcome {
                BisectOutcome::Reproduces if dice.f64() < flaky => BisectOutcome::Passes,
                _ => outcome,
            });
            let BisectVerdict::Proven { culprit, .. } = verdict else {
                tallied.open += 1;
                break;
            };
            let is_right = culprit == hunt.culprit_id();
            let mut without = Flakiness::default();
            let needed = bisect.flakiness(&culprit).passes_needed(0.0003);
            while takes_back && without.passes < needed && without.failures == 0 {
                if is_right || dice.f64() < flaky { without.passes += 1 } else { without.failures += 1 }
            }
            if without.failures > 0 && reopened < 2 {
                bisect = bisect.with_taken_back(&culprit, without);
                continue;
            }
            if is_right {
                tallied.right += 1
            } else {
                tallied.wrong += 1
            }
            break;
        }
        tallied.runs += bisect.runs();
        tallied.most = tallied.most.max(bisect.runs());
    }
    println!(
        "flaky {flaky:.2} ranked {is_ranked} taken back {takes_back}: {tallied:?}, {:.2} runs",
        f64::from(tallied.runs) / f64::from(trials)
    );
    tallied
}

const TRIALS: u32 = 1000;

#[test]
fn a_steady_failure_pays_little_for_flaky_ones() {
    // `bare` is the number of runs that a bisect takes when it believes every pass, measured on the same simulations.
    for (is_ranked, bare, more) in [(true, 3.57, 0.35), (false, 7.76, 0.8)] {
        let steady = simulate(TRIALS, 200, 0.0, is_ranked, true);
        assert_eq!((steady.right, steady.wrong, steady.open), (TRIALS, 0, 0));
        let mean = f64::from(steady.runs) / f64::from(TRIALS);
        assert!(mean <= bare + more, "{mean} runs");
    }
}

#[test]
fn a_flaky_failure_seldom_proves_the_wrong_commit() {
    for flaky in [0.1, 0.5, 2.0 / 3.0] {
        for is_ranked in [true, false] {
            let hunted = simulate(TRIALS, 200, flaky, is_ranked, true);
            // Without suspects, a path of lucky passes looks like a steady failure that began late; only more runs of
            // every steady failure could tell them apart.
            let most = if is_ranked { TRIALS / 50 } else { TRIALS / 20 };
            assert!(hunted.wrong <= most, "{flaky}: {hunted:?}");
            assert!(hunted.right * 10 >= TRIALS * 7, "{flaky}: {hunted:?}");
        }
    }
}

/// Measures the share of wrong answers without the last check, and that the check is worth its runs.
#[test]
fn taking_the_culprit_back_catches_what_a_lucky_pass_has_let_through() {
    let wrong = |takes_back| -> u32 {
        [0.1, 0.5, 2.0 / 3.0].map(|flaky| simulate(TRIALS, 200, flaky, true, takes_back).wrong).iter().sum()
    };
    let (without, with) = (wrong(false), wrong(true));
    assert!(with < without, "{with} {without}");
}
