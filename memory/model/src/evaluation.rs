/*!
The stored result of a run of an eval suite. It is enough to follow a figure over the versions of the program, the
model and the weights, and to tell a change from chance.
*/

use crate::EvaluationId;
use crate::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One run of an eval suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// `smoke`, `nightly` …
    pub suite: String,
    /// The version of the program and its build: the commit if the build knew it, otherwise a hash.
    pub program: String,
    /// `playbook`, or the name of the model.
    pub planner: String,
    /// The weights that ranking used: a hash of the table.
    pub weights: String,
    /// Figures that fell short of the gate, one line each; empty if the run passed.
    pub failures: Vec<String>,
    /// Duration of the whole run, in milliseconds.
    pub wall_ms: u64,
    /// Figures by task and by name, as in `summary.json`.
    pub figures: BTreeMap<String, BTreeMap<String, KeyFigure>>,
}

impl Evaluation {
    /// Whether every figure passed the gate.
    pub fn held(&self) -> bool {
        self.failures.is_empty()
    }

    pub fn figure(&self, task: &str, name: &str) -> Option<KeyFigure> {
        self.figures.get(task)?.get(name).copied()
    }
}

/// A figure with the ends of its 95 % interval, if it has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyFigure {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Formats as `0.96 (0.87–0.99)`, with the ends of the 95 % interval.
impl fmt::Display for KeyFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some(low), Some(high)) => write!(f, "{:.2} ({low:.2}–{high:.2})", self.value),
            _ => write!(f, "{:.2}", self.value),
        }
    }
}

/// A run of an eval suite as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptEvaluation {
    pub id: EvaluationId,
    /// When the run was recorded, which is when it ended.
    pub at: Timestamp,
    #[serde(flatten)]
    pub evaluation: Evaluation,
}
