/*!
How good it is: cases, tasks, baselines, statistics and reports of evals. It drives the same run as every other door.
*/

mod arm;
pub mod baselines;
mod bench;
pub mod cases;
pub mod compare;
mod curve;
pub mod graders;
pub mod history;
pub mod import;
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

pub use options::{MemoryMode, Options, Planners, ProseJudge, RepoMapping, Task};
pub use suites::Suite;
pub use summary::Summary;

/// What stops an eval before or while it runs. Cases that cannot be judged do not: they are counted.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error(transparent)]
    Cases(#[from] cases::CasesError),
    #[error("{action} {path}: {source}; check that the folder exists, may be written and has room")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Options(String),
    #[error(transparent)]
    Scenario(#[from] scenarios::ScenarioError),
    #[error("the graders do not tell right from wrong, so nothing they say can be believed: {0}")]
    Graders(String),
    #[error("no case could be judged, the first because: {0}")]
    NothingJudged(String),
}

/// Runs one task over a file of cases and writes `results.jsonl`, `summary.json` and the reports to `options.out`.
/// Blocking.
///
/// # Errors
/// When the cases cannot be read, the output cannot be written, or not a single case could be judged.
pub fn run(options: &Options) -> Result<Summary, EvalError> {
    create(&options.out)?;
    let (summary, results) = run_task(options)?;
    write(&options.out, &summary, &results)?;
    Ok(summary)
}

/// One task, nothing written but what it keeps on the way.
fn run_task(options: &Options) -> Result<(Summary, Vec<CaseResult>), EvalError> {
    match options.task {
        Task::Rank => tasks::rank::run(options),
        Task::Investigate => tasks::investigate::run(options),
        Task::Retrieval => tasks::retrieval::run(options),
        Task::LogTemplates => {
            let judged = tasks::log_templates::run(&options.cases)
                .map_err(|error| EvalError::Options(error.to_string()))?;
            Ok((Summary::of("log-templates", &judged)?, Vec::new()))
        }
    }
}

fn create(folder: &Path) -> Result<(), EvalError> {
    let io = |source| EvalError::Io { action: "creating", path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(io)
}

fn write(out: &Path, summary: &Summary, results: &[CaseResult]) -> Result<(), EvalError> {
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
