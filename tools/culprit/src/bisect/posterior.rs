/*!
The posterior probability of each commit given the runs so far, and the sums over ancestries that show which test
splits the probability mass best.

Each candidate explains the runs by itself: runs at revisions that contain it are runs of a faulty revision and share
one unknown [`Flakiness`]; runs at all other revisions must pass. A candidate's posterior is its prior times the
likelihood of that flakiness. A green run therefore counts only as much as the flakiness allows: it weighs heavily
against a commit whose other runs were all red, and not at all against one that has passed before.
*/

use millwright_replay::Flakiness;

use super::graph::CommitGraph;

/// Probability that a revision without the fault shows the incident's failure: that takes a history that was broken,
/// fixed and broken again.
const STRAY: f64 = 1e-9;
/// Probability that a failure stays although its culprit was taken back (something later causes it as well).
const STAYS: f64 = 0.05;

/// Outcomes at one revision that the posterior uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutcomeTally {
    pub(super) passes: u32,
    pub(super) failures: u32,
}

/// Where a run took place: at a candidate (`Inside`), at a parent out of the range (`Outside`), or at the failing
/// revision with a candidate `TakenBack`.
#[derive(Debug, Clone, Copy)]
pub(super) enum RunPlace {
    Inside(u32),
    Outside,
    TakenBack(u32),
}

/// Posterior of each candidate, and of the fault being older than all of them.
#[derive(Debug, Clone)]
pub(super) struct CulpritBelief {
    pub(super) commits: Vec<CandidateOdds>,
    pub(super) older: CandidateOdds,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CandidateOdds {
    /// Probability that the candidate is the culprit.
    pub(super) p: f64,
    /// Likelihood of the runs under this candidate, without its prior.
    pub(super) support: f64,
    /// Probability that the next run of a revision that contains the candidate fails, if it is the culprit.
    pub(super) fails: f64,
}

impl CulpritBelief {
    pub(super) fn new(
        graph: &CommitGraph,
        prior: &[f64],
        older: f64,
        seen: &[(RunPlace, OutcomeTally)],
    ) -> Self {
        let mut runs = vec![Flakiness::default(); graph.len()];
        let mut strays = vec![0_u32; graph.len()];
        let mut stays = vec![false; graph.len()];
        let mut all = Flakiness::default();
        let add = |to: &mut Flakiness, tally: &OutcomeTally| {
            to.passes += tally.passes;
            to.failures += tally.failures;
        };
        for (at, tally) in seen {
            add(&mut all, tally);
            match at {
                RunPlace::Outside => {}
                RunPlace::Inside(number) => {
                    let each = runs.iter_mut().zip(&mut strays).zip(graph.ancestors(*number));
                    for ((runs, strays), holds) in each {
                        if holds {
                            add(runs, tally);
                        } else if tally.failures > 0 {
                            *strays += 1;
                        }
                    }
                }
                RunPlace::TakenBack(number) => {
                    for (other, runs) in runs.iter_mut().enumerate() {
                        if other != *number as usize {
                            add(runs, tally);
                        }
                    }
                    if let Some(stays) = stays.get_mut(*number as usize) {
                        *stays |= tally.failures > 0;
                    }
                }
            }
        }
        let odds = |prior: f64, runs: Flakiness, factor: f64| {
            let support = runs.likelihood() * factor;
            CandidateOdds { p: prior * support, support, fails: runs.fails_next() }
        };
        let mut commits: Vec<CandidateOdds> = prior
            .iter()
            .zip(runs)
            .zip(strays.iter().zip(stays))
            .map(|((prior, runs), (strays, stays))| {
                let strays = STRAY.powi(i32::try_from(*strays).unwrap_or(30).min(30));
                odds(*prior, runs, strays * if stays { STAYS } else { 1.0 })
            })
            .collect();
        let mut older = odds(older, all, 1.0);
        let total: f64 = commits.iter().map(|odds| odds.p).sum::<f64>() + older.p;
        if total > 0.0 {
            commits.iter_mut().chain([&mut older]).for_each(|odds| odds.p /= total);
        }
        Self { commits, older }
    }

    pub(super) fn p(&self, number: u32) -> f64 {
        self.commits.get(number as usize).map_or(0.0, |odds| odds.p)
    }

    /// The most probable candidate.
    pub(super) fn top(&self) -> Option<u32> {
        let best = self.commits.iter().enumerate().max_by(|(_, a), (_, b)| a.p.total_cmp(&b.p))?;
        u32::try_from(best.0).ok()
    }
}

/// Sums over the ancestry of a revision that tell how informative a run of it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AncestryMass {
    p: f64,
    red: f64,
    noise: f64,
}

impl AncestryMass {
    pub(super) fn of(odds: &CandidateOdds) -> Self {
        Self { p: odds.p, red: odds.p * odds.fails, noise: odds.p * binary_entropy(odds.fails) }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.p += other.p;
        self.red += other.red;
        self.noise += other.noise;
    }

    /// Expected information, in bits, that one run gives about the culprit, where these candidates contain the fault
    /// among candidates with a total probability of `total`.
    pub(super) fn information(self, total: f64) -> f64 {
        binary_entropy((self.red / total).clamp(0.0, 1.0)) - self.noise / total
    }
}

/// The [`AncestryMass`] of each commit's ancestry (itself included), per label.
///
/// `labels` splits the candidates into classes `0..classes`; row `x` of the answer holds one sum per class. For a
/// commit with one parent it is its parent's plus its own; only at merges is the ancestry walked, so that what two
/// branches share is counted once (as `git bisect` does with counts).
pub(super) fn ancestry_mass(
    graph: &CommitGraph,
    weights: &[AncestryMass],
    labels: &[usize],
    classes: usize,
) -> Vec<AncestryMass> {
    let count = graph.len();
    let mut mass = vec![AncestryMass::default(); count * classes];
    let mut seen = vec![u32::MAX; count];
    let mut stack = Vec::new();
    for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        let row = number as usize * classes;
        let parents: Vec<u32> = graph.inside_parents(number).collect();
        match parents.as_slice() {
            [] => {}
            [parent] => {
                let from = *parent as usize * classes;
                mass.copy_within(from..from + classes, row);
            }
            several => {
                stack.extend_from_slice(several);
                while let Some(ancestor) = stack.pop() {
                    let Some(mark) = seen.get_mut(ancestor as usize) else { continue };
                    if std::mem::replace(mark, number) == number {
                        continue;
                    }
                    add(&mut mass, row, labels, weights, ancestor);
                    stack.extend(graph.inside_parents(ancestor));
                }
            }
        }
        add(&mut mass, row, labels, weights, number);
    }
    mass
}

fn add(mass: &mut [AncestryMass], row: usize, labels: &[usize], weights: &[AncestryMass], number: u32) {
    let at = number as usize;
    if let (Some(label), Some(weight)) = (labels.get(at), weights.get(at))
        && let Some(cell) = mass.get_mut(row + label)
    {
        cell.add(*weight);
    }
}

/// Entropy of a yes-or-no question in bits.
fn binary_entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(p) + term(1.0 - p)
}
