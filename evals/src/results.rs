/*!
One line of `results.jsonl`: the result of a case. Every task writes `wall_ms` and `report`; fields that a task does not have
are `null`.
*/

use std::io::Write;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EvalError;
use crate::graders::Grades;

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
    /// Of the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the graders said, for `investigate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grades: Option<Grades>,
}

impl CaseResult {
    /// A case that could not be judged, and why.
    pub fn not(id: &str, task: &str, why: String) -> Self {
        Self {
            id: id.to_owned(),
            task: task.to_owned(),
            hit: false,
            rank: None,
            verdict: None,
            commit: None,
            replay_runs: None,
            wall_ms: 0,
            not_judged: Some(why),
            report: None,
            tags: Vec::new(),
            grades: None,
        }
    }
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

/// Reads the lines an eval left in its folder.
///
/// # Errors
/// When there are none, with the number of the first line that is none.
pub fn read(folder: &Path) -> Result<Vec<CaseResult>, EvalError> {
    let path = folder.join("results.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|source| EvalError::Io {
        action: "reading",
        path: path.clone(),
        source,
    })?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                EvalError::Options(format!(
                    "{}, line {number}: {error}; it should be written by `eval run`",
                    path.display()
                ))
            })
        })
        .collect()
}
