/*!
Reports of an eval for people: a page with plots, a note for a pull request, and a line for a chat.
*/

pub mod note;
pub mod page;
mod plots;
mod timeline;

use std::path::Path;

use crate::EvalError;
use crate::results::{self, CaseResult};
use crate::summary::EvalSummary;

/// Writes every report into `out`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(out: &Path, summary: &EvalSummary, results: &[CaseResult]) -> Result<(), EvalError> {
    let path = out.join("summary.md");
    std::fs::write(&path, note::markdown(summary, results)).map_err(|source| EvalError::Io {
        action: "writing",
        path,
        source,
    })?;
    page::write(&out.join("report.html"), summary, results)
}

/// Reads the results of an eval from its folder.
///
/// # Errors
/// When there is no summary, or a line of the results is invalid.
pub fn read(out: &Path) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let path = out.join("summary.json");
    let io = |source| EvalError::Io { action: "reading", path: path.clone(), source };
    let text = std::fs::read(&path).map_err(io)?;
    let summary = serde_json::from_slice(&text).map_err(|error| {
        EvalError::Options(format!("{}: {error}; it should be written by `eval run`", path.display()))
    })?;
    // `log-templates` has figures and no cases.
    let results = if out.join("results.jsonl").exists() { results::read(out)? } else { Vec::new() };
    Ok((EvalSummary(summary), results))
}
