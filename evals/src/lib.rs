/*!
How good it is: cases, tasks, baselines, statistics and reports of evals. It drives the same run as every other door.
*/

mod arm;
pub mod baselines;
pub mod cases;
mod curve;
pub mod options;
pub mod page;
mod parallel;
pub mod repositories;
pub mod results;
pub mod stats;
pub mod summary;
pub mod tasks;

use std::path::PathBuf;

pub use options::{MemoryMode, Options, Planners, RepoMapping, Task};
pub use summary::Summary;

/// What stops an eval before or while it runs. Cases that cannot be judged do not: they are counted.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error(transparent)]
    Cases(#[from] cases::CasesError),
    #[error("{action} {path}: {source}; check that the folder exists and may be written")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Options(String),
    #[error("no case could be judged, the first because: {0}")]
    NothingJudged(String),
}

/// Runs one task over a file of cases and writes `results.jsonl` and `summary.json` to `options.out`. Blocking.
///
/// # Errors
/// When the cases cannot be read, the output cannot be written, or not a single case could be judged.
pub fn run(options: &Options) -> Result<Summary, EvalError> {
    match options.task {
        Task::Rank => tasks::rank::run(options),
        Task::Investigate => tasks::investigate::run(options),
        Task::Retrieval => tasks::retrieval::run(options),
        Task::LogTemplates => {
            let judged = tasks::log_templates::run(&options.cases)
                .map_err(|error| EvalError::Options(error.to_string()))?;
            let summary = Summary::of("log-templates", &judged)?;
            std::fs::create_dir_all(&options.out).map_err(|source| EvalError::Io {
                action: "creating",
                path: options.out.clone(),
                source,
            })?;
            summary.write(&options.out.join("summary.json"))?;
            page::write(&options.out.join("report.html"), &summary, &[])?;
            Ok(summary)
        }
    }
}
