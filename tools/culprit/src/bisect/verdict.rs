/*!
Input and output of a bisect: its policy, the outcome of one execution, the next step, and the verdict.
*/

use millwright_model::CommitId;
use serde::{Deserialize, Serialize};

/// Errors of a bisect's input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BisectError {
    #[error(
        "the prior has {got} values for {expected} candidates; give one per commit, in the graph's order"
    )]
    PriorLength { expected: usize, got: usize },
    #[error("commit {0} is neither a candidate nor a parent of one; report only what `next` asked for")]
    UnknownCommit(CommitId),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BisectPolicy {
    /// Maximum probability of another culprit when one is called proven.
    pub doubt: f64,
    /// The same while every run of a faulty revision has failed and the culprit has not been taken back yet. Taking
    /// it back tells more than another run of its parent, so a steady failure does not cost as many runs as a flaky
    /// one.
    pub steady_doubt: f64,
    /// Probability spread evenly over all candidates, so that an overconfident prior costs little.
    /// Measured flat up to .05 on Django's cases.
    pub uniform_mass: f64,
    /// Executions after which the search stops and names the remaining candidates.
    pub max_runs: u32,
}

impl Default for BisectPolicy {
    fn default() -> Self {
        Self { doubt: 0.005, steady_doubt: 0.02, uniform_mass: 0.02, max_runs: 128 }
    }
}

/// The outcome of one execution in the terms of the bisect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BisectOutcome {
    Passes,
    /// Failed with the incident's signature.
    Reproduces,
    /// Failed in another way, or could not be run.
    Untestable,
}

impl From<millwright_model::ReplayOutcome> for BisectOutcome {
    fn from(outcome: millwright_model::ReplayOutcome) -> Self {
        use millwright_model::ReplayOutcome;
        match outcome {
            ReplayOutcome::Passes => BisectOutcome::Passes,
            ReplayOutcome::Reproduces => BisectOutcome::Reproduces,
            ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => BisectOutcome::Untestable,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BisectStep {
    /// Replay this revision once and report.
    Test(CommitId),
    Done(BisectVerdict),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BisectVerdict {
    /// Red at the culprit and green at each of its parents; all of them were really run.
    Proven { culprit: CommitId, parents: Vec<CommitId> },
    /// The culprit is among these, most probable first, but no single one is proven.
    Narrowed { candidates: Vec<(CommitId, f64)>, because: UnprovenReason },
    /// A commit outside of the range fails as well (`good` or an ancestor of it): the fault is older.
    OlderThanRange { commit: CommitId },
}

/// Why no single commit is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnprovenReason {
    /// These revisions would decide, but none of them can be tested.
    Untestable { revisions: Vec<CommitId> },
    /// The first commit of the history: there is no parent that could pass.
    NoParent,
    /// `BisectPolicy::max_runs` was reached.
    OutOfRuns,
}
