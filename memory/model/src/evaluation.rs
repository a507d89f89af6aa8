/*!
What a run of a suite of evals came to, as it is kept: enough to see a figure rise and fall over the versions of the
program, the model and the weights, and to tell a change from chance.
*/

use crate::EvaluationId;
use crate::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One run of a suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// `smoke`, `nightly` …
    pub suite: String,
    /// Version of the program and what tells one build from another: its commit where the build was told, else a hash.
    pub program: String,
    /// `playbook`, or the name of the model.
    pub planner: String,
    /// Which weights ranked: a hash of the table.
    pub weights: String,
    /// What fell short of the gate, one line each; empty when it held.
    pub failures: Vec<String>,
    /// What all of it took, in milliseconds.
    pub wall_ms: u64,
    /// By task and by name, as in `summary.json`.
    pub figures: BTreeMap<String, BTreeMap<String, KeyFigure>>,
}

impl Evaluation {
    /// Whether every figure held to the gate.
    pub fn held(&self) -> bool {
        self.failures.is_empty()
    }

    pub fn figure(&self, task: &str, name: &str) -> Option<KeyFigure> {
        self.figures.get(task)?.get(name).copied()
    }
}

/// A figure with the ends of its 95 % interval, where it has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyFigure {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// `0.96 (0.87–0.99)`: the ends are where the figure may be by chance, 19 times of 20.
impl fmt::Display for KeyFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some(low), Some(high)) => write!(f, "{:.2} ({low:.2}–{high:.2})", self.value),
            _ => write!(f, "{:.2}", self.value),
        }
    }
}

/// A run of a suite as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptEvaluation {
    pub id: EvaluationId,
    /// When it was recorded, which is when it ended.
    pub at: Timestamp,
    #[serde(flatten)]
    pub evaluation: Evaluation,
}
