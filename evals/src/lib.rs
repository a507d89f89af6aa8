/*!
Evals of Millwright: cases, tasks, baselines, statistics and reports. They start the same run as every other channel.
*/

pub mod baselines;
pub mod cases;
pub mod compare;
mod curve;
mod grader_sandbox;
pub mod graders;
pub mod history;
pub mod import;
mod memory_condition;
pub mod options;
pub mod paired;
mod parallel;
mod random;
pub mod report;
pub mod repositories;
pub mod results;
pub mod scenarios;
pub mod stats;
pub mod suites;
pub mod summary;
pub mod tasks;

use std::path::{Path, PathBuf};

use results::CaseResult;

pub use grader_sandbox::ExecutionSettings;
pub use graders::prose::ProseJudge;
pub use options::{EvalOptions, EvalTask, MemoryMode, PlannerFactory, RepoMapping};
pub use suites::Suite;
pub use summary::EvalSummary;

/// An error that stops an eval. A case that cannot be judged is counted and does not stop the eval.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error(transparent)]
    Cases(#[from] cases::CasesError),
    #[error("{action} {path}: {source}; check that the folder exists, is writable and has room")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Options(String),
    #[error(transparent)]
    Scenario(#[from] scenarios::ScenarioError),
    #[error("the graders do not tell right from wrong, so their results cannot be trusted: {0}")]
    Graders(String),
    #[error("no case could be judged, the first because: {0}")]
    NothingJudged(String),
}

/// Runs one task over a file of cases and writes `results.jsonl`, `summary.json` and the reports to `options.out`.
/// Blocks the calling thread.
///
/// # Errors
/// When the cases cannot be read, the output cannot be written, or no case could be judged.
pub fn run(options: &EvalOptions) -> Result<EvalSummary, EvalError> {
    create(&options.out)?;
    let (summary, results) = run_task(options)?;
    write(&options.out, &summary, &results)?;
    Ok(summary)
}

/// Runs one task. Writes only the files that the task itself stores during its run.
fn run_task(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    match options.task {
        EvalTask::Rank => tasks::rank::run(options),
        EvalTask::Investigate => tasks::investigate::run(options),
        EvalTask::Lineage => tasks::lineage::run(options),
        EvalTask::Trace => tasks::trace::run(options),
        EvalTask::Retrieval => tasks::retrieval::run(options),
        EvalTask::Redaction => tasks::redaction::run(options),
        EvalTask::LogTemplates => {
            let judged = tasks::log_templates::run(&options.cases)
                .map_err(|error| EvalError::Options(error.to_string()))?;
            Ok((EvalSummary::of("log-templates", &judged)?, Vec::new()))
        }
    }
}

fn create(folder: &Path) -> Result<(), EvalError> {
    let io = |source| EvalError::Io { action: "creating", path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(io)
}

fn write(out: &Path, summary: &EvalSummary, results: &[CaseResult]) -> Result<(), EvalError> {
    if !results.is_empty() {
        results::write(&out.join("results.jsonl"), results)?;
        let none = results.iter().map(|result| result.not_judged.clone()).collect::<Option<Vec<_>>>();
        if let Some(why) = none {
            return Err(EvalError::NothingJudged(why.into_iter().next().unwrap_or_default()));
        }
    }
    summary.write(&out.join("summary.json"))?;
    report::write(out, summary, results)
}
