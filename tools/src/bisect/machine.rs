/*!
The bisect itself: which revision to test next, and what the outcomes so far say.

Beliefs are Bayesian. A failure with the incident's signature rules out every commit that is not an ancestor of
the tested one. A pass rules out the tested commit and its ancestors when failures are steady; when a share `f` of
the runs of a faulty revision pass, each pass weakens them by the factor `f` only, and a revision counts as green
after so many passes that `f^passes` falls below `BisectPolicy::doubt`. The next test is the one with the largest
expected information per cost (for a flaky failure that of a Z-channel), times the chance that it can be tested at
all, which falls near revisions that could not be (a broken build spans a stretch of history). Nothing is called
proven unless the culprit was run red and every parent of it green; so parents outside of the range are run, too,
but only then: `good` costs a run only when the search ends there.
*/

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::graph::{CommitGraph, Parent};
use super::posterior::{ancestry_mass, binary_entropy};

/// The policy's and prior's errors.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BisectError {
    #[error(
        "the prior has {got} values for {expected} candidates; give one per commit, in the graph's order"
    )]
    PriorLength { expected: usize, got: usize },
    #[error("commit {0} is neither a candidate nor a parent of one; report only what `next` asked for")]
    UnknownCommit(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BisectPolicy {
    /// Share of the runs of a faulty revision that pass, 0 for a steady failure.
    pub flaky_rate: f64,
    /// A revision is green when a faulty one would pass as often with at most this probability.
    pub doubt: f64,
    /// Probability spread evenly over all candidates, so that an overconfident prior costs little.
    /// Measured flat up to .05 on Django's cases.
    pub uniform_mass: f64,
    /// Executions after which the search gives up and names what is left.
    pub max_runs: u32,
}

impl Default for BisectPolicy {
    fn default() -> Self {
        Self { flaky_rate: 0.0, doubt: 0.01, uniform_mass: 0.02, max_runs: 64 }
    }
}

impl BisectPolicy {
    /// Passes in a row that make a revision green.
    pub fn passes_needed(&self) -> u32 {
        if self.flaky_rate <= 0.0 {
            return 1;
        }
        let needed = self.doubt.clamp(1e-9, 0.5).ln() / self.flaky_rate.min(0.95).ln();
        (needed.ceil() as u32).clamp(1, 100)
    }
}

/// What one execution showed, as the bisect sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passes,
    /// Failed with the incident's signature.
    Reproduces,
    /// Failed otherwise, or could not be run.
    Untestable,
}

impl From<millwright_memory::types::ReplayOutcome> for Outcome {
    fn from(outcome: millwright_memory::types::ReplayOutcome) -> Self {
        use millwright_memory::types::ReplayOutcome;
        match outcome {
            ReplayOutcome::Passes => Outcome::Passes,
            ReplayOutcome::Reproduces => Outcome::Reproduces,
            ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => Outcome::Untestable,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Replay this revision once and report.
    Test(String),
    Done(Verdict),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Red at the culprit and green at each of its parents, all really run.
    Proven { culprit: String, parents: Vec<String> },
    /// The culprit is among these, most probable first, but no single one is proven.
    Narrowed { candidates: Vec<(String, f64)>, because: Narrowed },
    /// A commit outside of the range fails as well (`good` or an ancestor of it): the fault is older.
    OlderThanRange { commit: String },
}

/// Why no single commit is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Narrowed {
    /// These revisions would tell, but none of them can be tested.
    Untestable { revisions: Vec<String> },
    /// The first commit of the history: there is no parent that could pass.
    NoParent,
    /// `BisectPolicy::max_runs` was reached.
    OutOfRuns,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    passes: u32,
    failures: u32,
    untestable: u32,
    /// Position of the last report, to prefer what was seen later where outcomes contradict one another.
    at: u32,
}

/// A bisect in progress. Everything it decides follows from this data alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bisect {
    graph: CommitGraph,
    /// Prior weight per candidate in units of 1e-15: integers, so that JSON brings back exactly these.
    weights: Vec<u64>,
    /// Cost of a run per candidate, relative; empty when all cost the same.
    costs: Vec<u32>,
    policy: BisectPolicy,
    seen: BTreeMap<String, Seen>,
    runs: u32,
}

impl Bisect {
    /// `prior` holds one probability (or any non-negative weight) per commit of `graph`, in its order; an empty
    /// one is uniform. `bad` counts as run red already.
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
        let policy = BisectPolicy {
            // Rounded, so that its JSON reads back as the same number.
            flaky_rate: (policy.flaky_rate.clamp(0.0, 0.95) * 1e4).round() / 1e4,
            ..policy
        };
        Ok(Self { graph, weights, costs: Vec::new(), policy, seen: BTreeMap::new(), runs: 0 })
    }

    /// Sets what a run costs per candidate, relative to one another (say: setup cached or not).
    pub fn with_costs(mut self, costs: Vec<u32>) -> Result<Self, BisectError> {
        if costs.len() != self.graph.len() {
            return Err(BisectError::PriorLength { expected: self.graph.len(), got: costs.len() });
        }
        self.costs = costs;
        Ok(self)
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

    /// Takes in the outcome of one execution at `commit`.
    pub fn report(&mut self, commit: &str, outcome: Outcome) -> Result<(), BisectError> {
        let known = self.graph.number(commit).is_some()
            || (0..self.count()).any(|number| {
                self.graph
                    .parents(number)
                    .iter()
                    .any(|parent| matches!(parent, Parent::Outside(id) if id == commit))
            });
        if !known {
            return Err(BisectError::UnknownCommit(commit.to_owned()));
        }
        self.runs += 1;
        let seen = self.seen.entry(commit.to_owned()).or_default();
        seen.at = self.runs;
        match outcome {
            Outcome::Passes => seen.passes += 1,
            Outcome::Reproduces => seen.failures += 1,
            Outcome::Untestable => seen.untestable += 1,
        }
        Ok(())
    }

    /// What to do next.
    pub fn next_step(&self) -> Step {
        match self.next_batch(1, &[]) {
            Ok(batch) => match batch.into_iter().next() {
                Some(commit) => Step::Test(commit),
                None => Step::Done(self.narrowed(Narrowed::Untestable { revisions: self.untestable() })),
            },
            Err(verdict) => Step::Done(verdict),
        }
    }

    /// Up to `jobs` revisions worth testing at the same time, given those still `pending`; the verdict instead
    /// when there is nothing left to test. Empty only while something is pending.
    pub fn next_batch(&self, jobs: usize, pending: &[String]) -> Result<Vec<String>, Verdict> {
        if let Some(commit) = self.older_than_range() {
            return Err(Verdict::OlderThanRange { commit });
        }
        let belief = self.belief();
        if let Some(verdict) = self.proven(&belief) {
            return Err(verdict);
        }
        if self.runs >= self.policy.max_runs {
            return Err(self.narrowed(Narrowed::OutOfRuns));
        }
        let mut chosen = pending.to_vec();
        let wanted = pending.len() + jobs.max(1);
        while chosen.len() < wanted
            && let Some(next) = self.most_informative(&belief, &chosen)
        {
            chosen.push(next);
        }
        if chosen.len() < wanted {
            match self.missing_proof(&belief) {
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
        }
        let batch = chosen.split_off(pending.len());
        if batch.is_empty() && pending.is_empty() {
            return Err(self.narrowed(Narrowed::Untestable { revisions: self.untestable() }));
        }
        Ok(batch)
    }

    /// Current probability of each candidate that is not ruled out, most probable first.
    pub fn posterior(&self) -> Vec<(String, f64)> {
        let belief = self.belief();
        let total: f64 = belief.iter().sum();
        let mut all: Vec<(String, f64)> = self
            .graph
            .commits()
            .zip(&belief)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(id, weight)| (id.to_owned(), weight / total))
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
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

    fn is_green(&self, commit: &str) -> bool {
        self.seen
            .get(commit)
            .is_some_and(|seen| seen.failures == 0 && seen.passes >= self.policy.passes_needed())
    }

    fn seen_at(&self, number: u32) -> Option<&Seen> {
        self.graph.id(number).and_then(|id| self.seen.get(id))
    }

    fn untestable(&self) -> Vec<String> {
        self.seen.iter().filter(|(_, seen)| seen.untestable > 0).map(|(id, _)| id.clone()).collect()
    }

    fn narrowed(&self, because: Narrowed) -> Verdict {
        Verdict::Narrowed { candidates: self.posterior(), because }
    }

    fn older_than_range(&self) -> Option<String> {
        let red = |(id, seen): (&String, &Seen)| {
            (seen.failures > 0 && self.graph.number(id).is_none()).then(|| id.clone())
        };
        self.seen.iter().find_map(red)
    }

    /// Unnormalised posterior weight of each candidate; 0 for those ruled out.
    fn belief(&self) -> Vec<f64> {
        let mut belief: Vec<f64> = self.weights.iter().map(|weight| *weight as f64 * 1e-15).collect();
        let numbered = |(id, seen): (&String, &Seen)| Some((self.graph.number(id)?, seen.clone()));
        let mut seen: Vec<(u32, Seen)> = self.seen.iter().filter_map(numbered).collect();
        seen.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.at));
        for (number, _) in seen.iter().filter(|(_, seen)| seen.failures == 0 && seen.passes > 0) {
            let passes = self.seen_at(*number).map_or(0, |seen| seen.passes);
            let green = self.graph.id(*number).is_some_and(|id| self.is_green(id));
            let factor = if green { 0.0 } else { self.policy.flaky_rate.powi(passes.min(100) as i32) };
            for (weight, inside) in belief.iter_mut().zip(self.graph.ancestors(*number)) {
                if inside {
                    *weight *= factor;
                }
            }
        }
        // A failure confines the culprit to its ancestry. Where histories are not monotone (broken, mended, broken
        // again; or parallel runs that contradict one another) the later report wins and the older is let go.
        for (number, _) in seen.iter().filter(|(_, seen)| seen.failures > 0) {
            let inside = self.graph.ancestors(*number);
            if belief.iter().zip(&inside).any(|(weight, inside)| *inside && *weight > 0.0) {
                for (weight, inside) in belief.iter_mut().zip(inside) {
                    if !inside {
                        *weight = 0.0;
                    }
                }
            }
        }
        belief
    }

    /// The candidate that is red and whose parents are all green, every one of them run.
    fn proven(&self, belief: &[f64]) -> Option<Verdict> {
        let candidates =
            (0..self.count()).filter(|number| weight(belief, *number) > 0.0 && self.is_red(*number));
        for number in candidates {
            let parents = self.parent_ids(number);
            if !parents.is_empty() && parents.iter().all(|parent| self.is_green(parent)) {
                let culprit = self.graph.id(number)?.to_owned();
                return Some(Verdict::Proven { culprit, parents });
            }
        }
        None
    }

    fn parent_ids(&self, number: u32) -> Vec<String> {
        let id = |parent: &Parent| match parent {
            Parent::Inside(number) => self.graph.id(*number).map(str::to_owned),
            Parent::Outside(id) => Some(id.clone()),
        };
        self.graph.parents(number).iter().filter_map(id).collect()
    }

    /// The untested candidate whose outcome tells most beside those already `chosen`.
    fn most_informative(&self, belief: &[f64], chosen: &[String]) -> Option<String> {
        let (labels, classes) = self.classes(chosen);
        let total: f64 = belief.iter().sum();
        let mass = ancestry_mass(&self.graph, belief, &labels, classes);
        let mut class_total = vec![0.0; classes];
        for (label, weight) in labels.iter().zip(belief) {
            if let Some(cell) = class_total.get_mut(*label) {
                *cell += weight;
            }
        }
        let flaky = self.policy.flaky_rate;
        let near = self.untestable_stretches();
        let mut best: Option<(f64, u32)> = None;
        for number in 0..self.count() {
            if weight(belief, number) <= 0.0 || !self.may_test(number, chosen) {
                continue;
            }
            let row = number as usize * classes;
            // Expected information about the culprit, summed over what the tests chosen before may show.
            let information: f64 = class_total
                .iter()
                .enumerate()
                .filter(|(_, class)| **class > 0.0)
                .map(|(at, class)| {
                    let inside = mass.get(row + at).copied().unwrap_or(0.0) / class;
                    let inside = inside.clamp(0.0, 1.0);
                    let gain = binary_entropy(inside * (1.0 - flaky)) - inside * binary_entropy(flaky);
                    class / total * gain
                })
                .sum();
            let cost = self.costs.get(number as usize).copied().unwrap_or(1).max(1);
            let score = information * (1.0 - skip_probability(number, &near)) / f64::from(cost);
            if score > 1e-12 && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, number));
            }
        }
        best.and_then(|(_, number)| self.graph.id(number)).map(str::to_owned)
    }

    /// Groups candidates by the outcomes they predict for the tests already chosen.
    fn classes(&self, chosen: &[String]) -> (Vec<usize>, usize) {
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

    /// A revision is tested until it is red, green or known not to be testable.
    fn may_test(&self, number: u32, chosen: &[String]) -> bool {
        let Some(id) = self.graph.id(number) else { return false };
        !self.is_red(number)
            && !self.is_green(id)
            && self.seen.get(id).is_none_or(|seen| seen.untestable == 0)
            && !chosen.iter().any(|other| other == id)
    }

    /// Positions that could not be tested, and how many there are between testable ones.
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
                // Each further failure to test doubles how far the broken stretch is thought to reach.
                let reach = 2.0_f64.powi(i32::try_from(run.len()).unwrap_or(30).min(30));
                stretches.extend(run.iter().map(|(number, _)| (*number, reach)));
            }
        }
        stretches
    }

    /// What is still to be run until the most probable candidate is proven.
    fn missing_proof(&self, belief: &[f64]) -> Proof {
        let alive = (0..self.count()).filter(|number| weight(belief, *number) > 0.0);
        let Some(top) = alive.max_by(|a, b| weight(belief, *a).total_cmp(&weight(belief, *b))) else {
            return Proof::Impossible(Narrowed::Untestable { revisions: self.untestable() });
        };
        let parents = self.parent_ids(top);
        if parents.is_empty() {
            return Proof::Impossible(Narrowed::NoParent);
        }
        let mut missing: Vec<String> = parents.into_iter().filter(|parent| !self.is_green(parent)).collect();
        if !self.is_red(top)
            && let Some(id) = self.graph.id(top)
        {
            missing.insert(0, id.to_owned());
        }
        let cannot =
            |id: &&String| self.seen.get(*id).is_some_and(|seen| seen.untestable > 0 || seen.failures > 0);
        let impossible: Vec<String> = missing.iter().filter(cannot).cloned().collect();
        if impossible.is_empty() {
            Proof::Runs(missing)
        } else {
            Proof::Impossible(Narrowed::Untestable { revisions: impossible })
        }
    }
}

enum Proof {
    Runs(Vec<String>),
    Impossible(Narrowed),
}

fn weight(belief: &[f64], number: u32) -> f64 {
    belief.get(number as usize).copied().unwrap_or(0.0)
}

/// How probable it is that a revision cannot be tested: high beside one that could not be, falling off with
/// the distance in the graph's order.
fn skip_probability(number: u32, untestable: &[(u32, f64)]) -> f64 {
    let beside = |(other, reach): &(u32, f64)| 0.9 * (-f64::from(number.abs_diff(*other)) / reach).exp();
    untestable.iter().map(beside).fold(0.0, f64::max)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
