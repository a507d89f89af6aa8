/*!
One line of `results.jsonl`: what became of a case. `wall_ms` and `report` are told for every task; what a task does
not have is `null`.
*/

use std::io::Write;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EvalError;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    pub id: String,
    pub task: String,
    /// Whether the answer is right: the named commit is the culprit.
    pub hit: bool,
    /// Of the truth, 1-based; `null` when it is not among the answers.
    pub rank: Option<u32>,
    pub verdict: Option<String>,
    /// The commit named.
    pub commit: Option<String>,
    pub replay_runs: Option<u32>,
    pub wall_ms: u64,
    /// Why the case could not be judged; it counts as a miss.
    pub not_judged: Option<String>,
    /// Path of the report, relative to the output folder.
    pub report: Option<String>,
}

/// Writes the lines in the order of the cases, whole or not at all.
pub fn write(path: &Path, results: &[CaseResult]) -> Result<(), EvalError> {
    let io = |action| {
        let path = path.to_owned();
        move |source| EvalError::Io { action, path, source }
    };
    let beside = path.with_extension("jsonl.part");
    let mut out = Vec::new();
    for result in results {
        serde_json::to_writer(&mut out, result).map_err(std::io::Error::other).map_err(io("encoding"))?;
        out.push(b'\n');
    }
    let mut file = std::fs::File::create(&beside).map_err(io("creating"))?;
    file.write_all(&out).and_then(|()| file.sync_data()).map_err(io("writing"))?;
    std::fs::rename(&beside, path).map_err(io("renaming"))
}
