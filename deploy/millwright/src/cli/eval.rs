/*!
The declaration of the command line of `eval`.
*/

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{DataDir, ListFormat, duration, key_value};

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    #[command(subcommand)]
    pub(crate) command: EvalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    /// Run a suite or your own cases; writes results.jsonl, summary.json and reports
    Run(Box<EvalRunArguments>),
    /// Compare two runs: is the second one better, worse, or not distinguishable?
    Compare(EvalCompareArguments),
    /// Rewrite the reports of a run
    Report(EvalReportArguments),
    /// Show the figures of suites over time, run by run
    History(EvalHistoryArguments),
    /// Make cases from past incidents
    Import(EvalImportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvalHistoryArguments {
    /// smoke, nightly, learning-curve, retold, safety, honesty or no-cause [default: all]
    pub(crate) suite: Option<String>,
    /// Number of runs to show, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    /// Configuration file, which says where the history is [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct EvalCompareArguments {
    /// Folder of the run to compare with
    pub(crate) before: PathBuf,
    /// Folder of the run to judge
    pub(crate) after: PathBuf,
    /// The only changes to allow: {"investigate": {"hit": {"max_drop": 0.02}, "replay_runs": {"max_rise": 1}}}
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct EvalReportArguments {
    /// Folder of a run
    pub(crate) dir: PathBuf,
    /// What to print: the files written, a comment for a pull request, or one line for a chat
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: EvalReportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalReportFormat {
    Text,
    Markdown,
    Line,
}

#[derive(Debug, Args)]
pub(crate) struct EvalImportArguments {
    #[command(subcommand)]
    pub(crate) from: EvalImportFrom,
    /// File to write the cases to
    #[arg(long, value_name = "FILE", global = true, default_value = "cases.jsonl")]
    pub(crate) out: PathBuf,
    /// Configuration file, which says where memory is [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalImportFrom {
    /// From proven and confirmed incidents in memory
    Memory {
        /// The clone of their repository
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
    },
    /// From JSON lines of {"ticket": "…", "fix": "<commit>", "culprit": "<commit>"}; culprit may be absent
    Lines {
        file: PathBuf,
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
    },
    /// From what the repository's own commit messages say: "fixes <commit>", "regression in <commit>", "Fixes: <commit>"
    History {
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
        /// Maximum number, newest first
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EvalRunArguments {
    /// smoke, nightly, learning-curve, retold, safety, honesty or no-cause: generated incidents
    #[arg(value_name = "SUITE", conflicts_with_all = ["cases", "task", "memory", "repo_map"], required_unless_present = "cases")]
    pub(crate) suite: Option<String>,
    /// Cases, one JSON object a line; for log-templates the folder of systems, for lineage
    /// also a folder of CodeTracker's oracle
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    /// What to evaluate
    #[arg(long, value_enum, required_unless_present = "suite")]
    pub(crate) task: Option<EvalTaskOption>,
    /// Where the repositories of the cases are: 'https://host/owner/name=PATH'
    #[arg(long, value_name = "URL=PATH", num_args = 1.., value_parser = url_path)]
    pub(crate) repo_map: Vec<(String, PathBuf)>,
    /// `playbook`, or the name of a model
    #[arg(long, value_name = "playbook|MODEL", default_value = "playbook")]
    pub(crate) planner: String,
    /// Run the cases a second time with a simpler baseline and show its figures beside the others: `bare` is the model
    /// of --planner with the same tools, without recall, ranking and verification
    #[arg(long, value_enum)]
    pub(crate) baseline: Option<EvalBaseline>,
    /// A model that judges how well reports are written (never whether they are right)
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// Whether and how cases use memory
    #[arg(long, value_enum, default_value = "off")]
    pub(crate) memory: EvalMemory,
    /// Limits that must hold: a JSON file of {"rank": {"mrr": 0.7, "calibration_error": {"at_most": 0.1}}}; a suite
    /// has its own
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    /// Environment variables for replays
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Additional folders that replays may read
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) allow_read: Vec<PathBuf>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Maximum sets of hunks to try when narrowing a proven culprit to its guilty lines; 0 skips this
    /// [default: depends on the number of hunks and the time of one replay]
    #[arg(long, value_name = "N")]
    pub(crate) minimise_runs: Option<u32>,
    /// Maximum inputs for the four-way check of a fix; 0 skips it [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=12))]
    pub(crate) four_way_inputs: Option<u32>,
    /// Cases to run in parallel
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = super::at_once)]
    pub(crate) jobs: usize,
    /// Times to run each case, for planners whose answers vary
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) repeat: u8,
    /// Time limit for each case; one that exceeds it is not judged
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30m")]
    pub(crate) time_limit: std::time::Duration,
    /// Time limit for the whole run; the same command continues with what is left
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<std::time::Duration>,
    /// Configuration file, which says where the model is [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Environment variable that holds the URL of an incoming webhook (Slack's or a compatible one), which is notified
    /// when a limit is missed or a figure fell since the run before
    #[arg(long, value_name = "NAME")]
    pub(crate) alert_env: Option<String>,
    /// Run only the first N cases
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalTaskOption {
    Rank,
    Investigate,
    LogTemplates,
    Lineage,
    Trace,
    Retrieval,
    Redaction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalBaseline {
    /// The model alone
    Bare,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalMemory {
    /// Neither read nor written
    Off,
    /// Every case starts with empty memory
    Fresh,
    /// Cases in their order; memory grows by the label (rank) or by what the run proved (investigate)
    Sequential,
    /// The same with false resolutions planted
    Poisoned,
    /// The same with outdated resolutions planted
    Stale,
}

fn url_path(text: &str) -> Result<(String, PathBuf), String> {
    // The URL may contain `=`; the path follows the last one.
    match text.rsplit_once('=') {
        Some((url, path)) if !url.is_empty() && !path.is_empty() => Ok((url.to_owned(), path.into())),
        _ => Err("give URL=PATH, as in https://host/owner/name=../clones/name".into()),
    }
}
