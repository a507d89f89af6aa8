/*!
The bisect itself: which revision to test next, and what the outcomes so far show.

Probabilities are Bayesian ([`super::posterior`]): the culprit and the flakiness are judged together from all runs.
The next test is the one with the largest expected information about the culprit, times the probability that the
revision can be tested, which is low near revisions that could not be tested (a broken build spans a stretch of
history). Repeating a run is a test like any other and pays where a lucky pass would be the better explanation.

A culprit counts as proven only when it was run red, every parent of it was run green, *and* the remaining doubt is
small. Parents outside of the range are run as well, but only when the search ends there: only then does `good` cost a
run.
*/

use std::collections::{BTreeMap, BTreeSet};

use millwright_model::CommitId;
use millwright_replay::Flakiness;
use serde::{Deserialize, Serialize};

use super::graph::{CommitGraph, Parent};
use super::posterior::{AncestryMass, CulpritBelief, OutcomeTally, RunPlace, ancestry_mass};
use super::verdict::{BisectError, BisectOutcome, BisectPolicy, BisectStep, BisectVerdict, UnprovenReason};

/// Prior probability that the fault is older than the range although somebody said that `good` is good.
const OLDER: f64 = 0.005;
/// Candidates whose support is below this share of the best support count as ruled out.
const RULED_OUT: f64 = 0.05;
/// Minimum expected information of a run, in bits.
const LEAST_INFORMATION: f64 = 1e-4;
/// The same where the runs that would prove the most probable candidate are impossible: repetitions alone prove
/// nothing then.
const LEAST_WITHOUT_PROOF: f64 = 0.05;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    passes: u32,
    failures: u32,
    untestable: u32,
}

/// A bisect in progress. Its decisions depend on this data alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BisectState {
    graph: CommitGraph,
    /// Prior weight per candidate in units of 1e-15: integers survive JSON exactly.
    weights: Vec<u64>,
    policy: BisectPolicy,
    seen: BTreeMap<CommitId, Seen>,
    /// Runs of the failing revision with a candidate taken back.
    taken_back: BTreeMap<CommitId, Seen>,
    runs: u32,
}

impl BisectState {
    /// `prior` holds one probability (or any non-negative weight) per commit of `graph`, in its order; an empty prior
    /// is uniform. `bad` counts as run red already.
    pub fn new(graph: CommitGraph, prior: &[f64], policy: BisectPolicy) -> Result<Self, BisectError> {
        let count = graph.len();
        if !prior.is_empty() && prior.len() != count {
            return Err(BisectError::PriorLength { expected: count, got: prior.len() });
        }
        let cleaned = |weight: f64| if weight.is_finite() && weight > 0.0 { weight } else { 0.0 };
        let total: f64 = prior.iter().copied().map(cleaned).sum();
        let even = 1.0 / count.max(1) as f64;
        let mixed = policy.uniform_mass.clamp(1e-6, 1.0);
        let weight = |at: usize| match prior.get(at) {
            Some(weight) if total > 0.0 && total.is_finite() => {
                (1.0 - mixed) * cleaned(*weight) / total + mixed * even
            }
            _ => even,
        };
        let weights = (0..count).map(|at| ((weight(at) * 1e15) as u64).max(1)).collect();
        let bad = graph.commits().next_back().cloned();
        let seen = bad.into_iter().map(|bad| (bad, Seen { failures: 1, ..Seen::default() })).collect();
        Ok(Self { graph, weights, policy, seen, taken_back: BTreeMap::new(), runs: 0 })
    }

    /// Sets how often the failure showed at `bad` when it was reproduced. The default is one failure and no pass.
    pub fn with_reproduction(mut self, shown: Flakiness) -> Self {
        let failures = shown.failures.max(1);
        if let Some(bad) = self.graph.id(self.bad()).cloned() {
            self.seen.insert(bad, Seen { passes: shown.passes, failures, untestable: 0 });
        }
        self
    }

    /// Adds the outcomes of the failing revision with `commit` taken back.
    pub fn with_taken_back(mut self, commit: &CommitId, shown: Flakiness) -> Self {
        let Flakiness { passes, failures } = shown;
        self.taken_back.insert(commit.clone(), Seen { passes, failures, untestable: 0 });
        self
    }

    pub fn graph(&self) -> &CommitGraph {
        &self.graph
    }

    pub fn policy(&self) -> &BisectPolicy {
        &self.policy
    }

    /// Executions reported so far.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// Revisions that could not be tested.
    pub fn skipped(&self) -> u32 {
        u32::try_from(self.seen.values().filter(|seen| seen.untestable > 0).count()).unwrap_or(u32::MAX)
    }

    /// Adds the outcome of one execution at `commit`.
    pub fn report(&mut self, commit: &CommitId, outcome: BisectOutcome) -> Result<(), BisectError> {
        let known = self.graph.number(commit).is_some() || self.graph.is_outside_parent(commit);
        if !known {
            return Err(BisectError::UnknownCommit(commit.clone()));
        }
        self.runs += 1;
        let seen = self.seen.entry(commit.clone()).or_default();
        match outcome {
            BisectOutcome::Passes => seen.passes += 1,
            BisectOutcome::Reproduces => seen.failures += 1,
            BisectOutcome::Untestable => seen.untestable += 1,
        }
        Ok(())
    }

    /// Outcomes at the revisions that contain `commit`.
    pub fn flakiness(&self, commit: &CommitId) -> Flakiness {
        let mut out = Flakiness::default();
        let Some(commit) = self.graph.number(commit) else { return out };
        for (id, seen) in &self.seen {
            let Some(number) = self.graph.number(id) else { continue };
            if self.graph.ancestors(number).get(commit as usize).copied().unwrap_or(false) {
                out.passes += seen.passes;
                out.failures += seen.failures;
            }
        }
        out
    }

    /// What to do next.
    pub fn next_step(&self) -> BisectStep {
        match self.next_batch(1, &[]) {
            Ok(batch) => match batch.into_iter().next() {
                Some(commit) => BisectStep::Test(commit),
                None => BisectStep::Done(
                    self.narrowed(UnprovenReason::Untestable { revisions: self.untestable() }),
                ),
            },
            Err(verdict) => BisectStep::Done(verdict),
        }
    }

    /// Up to `jobs` revisions to test at the same time, given those still `pending`; the verdict when nothing is left
    /// to test. Empty only while something is pending.
    pub(super) fn next_batch(
        &self,
        jobs: usize,
        pending: &[CommitId],
    ) -> Result<Vec<CommitId>, BisectVerdict> {
        if let Some(commit) = self.older_than_range() {
            return Err(BisectVerdict::OlderThanRange { commit });
        }
        let belief = self.belief();
        let Some(top) = belief.top() else {
            return Err(self.narrowed(UnprovenReason::Untestable { revisions: self.untestable() }));
        };
        let proof = self.missing_proof(top);
        let is_sure = belief.p(top) >= 1.0 - self.doubt(top);
        match (&proof, self.graph.id(top)) {
            (Proof::Runs(missing), Some(culprit)) if missing.is_empty() && is_sure => {
                return Err(BisectVerdict::Proven {
                    culprit: culprit.clone(),
                    parents: self.parent_ids(top),
                });
            }
            _ => {}
        }
        if self.runs >= self.policy.max_runs {
            return Err(self.narrowed(UnprovenReason::OutOfRuns));
        }
        let mut chosen = pending.to_vec();
        let wanted = pending.len() + jobs.max(1);
        let least = match proof {
            Proof::Runs(_) => LEAST_INFORMATION,
            Proof::Impossible(_) => LEAST_WITHOUT_PROOF,
        };
        while !is_sure
            && chosen.len() < wanted
            && let Some(next) = self.most_informative(&belief, &chosen, least)
        {
            chosen.push(next);
        }
        match proof {
            Proof::Runs(missing) => {
                for commit in missing {
                    if chosen.len() < wanted && !chosen.contains(&commit) {
                        chosen.push(commit);
                    }
                }
            }
            Proof::Impossible(because) if chosen.is_empty() => return Err(self.narrowed(because)),
            Proof::Impossible(_) => {}
        }
        let batch = chosen.split_off(pending.len());
        if batch.is_empty() && pending.is_empty() {
            return Err(self.narrowed(UnprovenReason::Untestable { revisions: self.untestable() }));
        }
        Ok(batch)
    }

    /// Current probability of each candidate that is not ruled out, most probable first.
    pub fn posterior(&self) -> Vec<(CommitId, f64)> {
        let belief = self.belief();
        let best = belief.commits.iter().map(|odds| odds.support).fold(0.0, f64::max);
        let mut all: Vec<(CommitId, f64)> = self
            .graph
            .commits()
            .zip(&belief.commits)
            .filter(|(_, odds)| odds.p > 0.0 && odds.support >= RULED_OUT * best)
            .map(|(id, odds)| (id.clone(), odds.p))
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    /// The doubt that may remain when `top` is called proven.
    fn doubt(&self, top: u32) -> f64 {
        let is_steady = self
            .graph
            .id(top)
            .is_some_and(|id| self.flakiness(id).passes == 0 && !self.taken_back.contains_key(id));
        if is_steady { self.policy.steady_doubt.max(self.policy.doubt) } else { self.policy.doubt }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.graph.len()).unwrap_or(u32::MAX)
    }

    fn bad(&self) -> u32 {
        self.count().saturating_sub(1)
    }

    fn is_red(&self, number: u32) -> bool {
        number == self.bad() || self.seen_at(number).is_some_and(|seen| seen.failures > 0)
    }

    fn is_green(&self, commit: &CommitId) -> bool {
        self.seen.get(commit).is_some_and(|seen| seen.failures == 0 && seen.passes > 0)
    }

    fn seen_at(&self, number: u32) -> Option<&Seen> {
        self.graph.id(number).and_then(|id| self.seen.get(id))
    }

    fn untestable(&self) -> Vec<CommitId> {
        self.seen.iter().filter(|(_, seen)| seen.untestable > 0).map(|(id, _)| id.clone()).collect()
    }

    fn narrowed(&self, because: UnprovenReason) -> BisectVerdict {
        BisectVerdict::Narrowed { candidates: self.posterior(), because }
    }

    fn older_than_range(&self) -> Option<CommitId> {
        let red = |(id, seen): (&CommitId, &Seen)| {
            (seen.failures > 0 && self.graph.number(id).is_none()).then(|| id.clone())
        };
        self.seen.iter().find_map(red)
    }

    fn belief(&self) -> CulpritBelief {
        let prior: Vec<f64> = self.weights.iter().map(|weight| *weight as f64 * 1e-15).collect();
        let tally = |seen: &Seen| OutcomeTally { passes: seen.passes, failures: seen.failures };
        let at = |id: &CommitId| self.graph.number(id).map_or(RunPlace::Outside, RunPlace::Inside);
        let mut seen: Vec<(RunPlace, OutcomeTally)> =
            self.seen.iter().map(|(id, seen)| (at(id), tally(seen))).collect();
        let taken_back = self.taken_back.iter();
        seen.extend(
            taken_back
                .filter_map(|(id, seen)| Some((RunPlace::TakenBack(self.graph.number(id)?), tally(seen)))),
        );
        let older = if self.outside().is_empty() { 0.0 } else { OLDER };
        CulpritBelief::new(&self.graph, &prior, older, &seen)
    }

    /// Parents outside of the range.
    fn outside(&self) -> BTreeSet<&CommitId> {
        let parents = (0..self.count()).flat_map(|number| self.graph.parents(number));
        parents
            .filter_map(|parent| match parent {
                Parent::Outside(id) => Some(id),
                Parent::Inside(_) => None,
            })
            .collect()
    }

    fn parent_ids(&self, number: u32) -> Vec<CommitId> {
        let id = |parent: &Parent| match parent {
            Parent::Inside(number) => self.graph.id(*number).cloned(),
            Parent::Outside(id) => Some(id.clone()),
        };
        self.graph.parents(number).iter().filter_map(id).collect()
    }

    /// The revision whose next run gives the most information beside those already `chosen`, if that is more than
    /// `least` bits.
    fn most_informative(&self, belief: &CulpritBelief, chosen: &[CommitId], least: f64) -> Option<CommitId> {
        /// Where two runs give the same information, prefer the repetition: it makes the proof easier to read.
        const REPEATS: f64 = 1.0 + 1e-6;
        let (labels, classes) = self.classes(chosen);
        let weights: Vec<AncestryMass> = belief.commits.iter().map(AncestryMass::of).collect();
        let mass = ancestry_mass(&self.graph, &weights, &labels, classes);
        let mut class_total = vec![0.0; classes];
        for (label, odds) in labels.iter().zip(&belief.commits) {
            if let Some(cell) = class_total.get_mut(*label) {
                *cell += odds.p;
            }
        }
        // A fault older than the range is in every revision, so it is added to each class.
        let older = AncestryMass::of(&belief.older);
        let near = self.untestable_stretches();
        let mut best: Option<(f64, &CommitId)> = None;
        let mut consider = |score: f64, id| {
            if score > least && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, id));
            }
        };
        for (number, id) in (0..self.count()).zip(self.graph.commits()) {
            if !self.may_test(id, chosen) {
                continue;
            }
            let row = number as usize * classes;
            // Expected information about the culprit, summed over what the tests chosen before may show.
            let information: f64 = class_total
                .iter()
                .zip(mass.get(row..row + classes).unwrap_or_default())
                .filter(|(class, _)| **class > 0.0)
                .map(|(class, inside)| {
                    let mut inside = *inside;
                    inside.add(older);
                    let total = class + belief.older.p;
                    class * inside.information(total)
                })
                .sum();
            let repeats = if self.seen.contains_key(id) { REPEATS } else { 1.0 };
            consider(information * (1.0 - skip_probability(number, &near)) * repeats, id);
        }
        for id in self.outside().into_iter().filter(|id| self.may_test(id, chosen)) {
            consider(older.information(1.0), id);
        }
        best.map(|(_, id)| id.clone())
    }

    /// Groups candidates by the outcomes they predict for the tests already chosen.
    fn classes(&self, chosen: &[CommitId]) -> (Vec<usize>, usize) {
        let mut labels = vec![0; self.graph.len()];
        let mut classes = 1;
        for number in chosen.iter().filter_map(|id| self.graph.number(id)) {
            let inside = self.graph.ancestors(number);
            let mut renamed: BTreeMap<(usize, bool), usize> = BTreeMap::new();
            for (label, inside) in labels.iter_mut().zip(inside) {
                let next = renamed.len();
                *label = *renamed.entry((*label, inside)).or_insert(next);
            }
            classes = renamed.len();
        }
        (labels, classes)
    }

    fn may_test(&self, id: &CommitId, chosen: &[CommitId]) -> bool {
        self.seen.get(id).is_none_or(|seen| seen.untestable == 0) && !chosen.iter().any(|other| other == id)
    }

    /// Positions that could not be tested, and the expected length of the broken stretch around each.
    fn untestable_stretches(&self) -> Vec<(u32, f64)> {
        let mut seen: Vec<(u32, bool)> = self
            .seen
            .iter()
            .filter_map(|(id, seen)| Some((self.graph.number(id)?, seen.untestable > 0)))
            .collect();
        seen.sort_unstable();
        let mut stretches: Vec<(u32, f64)> = Vec::new();
        for run in seen.chunk_by(|a, b| a.1 == b.1) {
            if run.first().is_some_and(|(_, untestable)| *untestable) {
                // Each further untestable revision doubles the expected length of the broken stretch.
                let reach = 2.0_f64.powi(i32::try_from(run.len()).unwrap_or(30).min(30));
                stretches.extend(run.iter().map(|(number, _)| (*number, reach)));
            }
        }
        stretches
    }

    /// The runs that are still missing before `top` can be called proven.
    fn missing_proof(&self, top: u32) -> Proof {
        let parents = self.parent_ids(top);
        if parents.is_empty() {
            return Proof::Impossible(UnprovenReason::NoParent);
        }
        let mut missing: Vec<CommitId> =
            parents.into_iter().filter(|parent| !self.is_green(parent)).collect();
        if !self.is_red(top)
            && let Some(id) = self.graph.id(top)
        {
            missing.insert(0, id.clone());
        }
        let cannot =
            |id: &&CommitId| self.seen.get(*id).is_some_and(|seen| seen.untestable > 0 || seen.failures > 0);
        let impossible: Vec<CommitId> = missing.iter().filter(cannot).cloned().collect();
        if impossible.is_empty() {
            Proof::Runs(missing)
        } else {
            Proof::Impossible(UnprovenReason::Untestable { revisions: impossible })
        }
    }
}

enum Proof {
    Runs(Vec<CommitId>),
    Impossible(UnprovenReason),
}

/// Probability that a revision cannot be tested: high next to an untestable one, and falling with the distance in the
/// graph's order.
fn skip_probability(number: u32, untestable: &[(u32, f64)]) -> f64 {
    let beside = |(other, reach): &(u32, f64)| 0.9 * (-f64::from(number.abs_diff(*other)) / reach).exp();
    untestable.iter().map(beside).fold(0.0, f64::max)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "flaky_tests.rs"]
mod flaky_tests;
