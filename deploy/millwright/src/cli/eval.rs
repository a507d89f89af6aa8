/*!
The command line of `eval`, declared.
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
    /// Run a suite or cases of your own; write results.jsonl, summary.json and reports
    Run(Box<EvalRunArguments>),
    /// Say whether the second of two runs is better, worse, or nobody can tell
    Compare(EvalCompareArguments),
    /// Write the reports of a run anew
    Report(EvalReportArguments),
    /// What suites came to, run by run
    History(EvalHistoryArguments),
    /// Make cases of past incidents
    Import(EvalImportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvalHistoryArguments {
    /// smoke, nightly, learning-curve, retold, safety, honesty or no-cause [default: all]
    pub(crate) suite: Option<String>,
    /// The newest so many runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    /// Configuration file, for where the history is [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct EvalCompareArguments {
    /// Folder of the run to compare with
    pub(crate) before: PathBuf,
    /// Folder of the run in question
    pub(crate) after: PathBuf,
    /// Changes that are allowed, and no others: {"investigate": {"hit": {"max_drop": 0.02}, "replay_runs": {"max_rise": 1}}}
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct EvalReportArguments {
    /// Folder of a run
    pub(crate) dir: PathBuf,
    /// Standard output: what was written, a note for a pull request, or one line for a chat
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
    /// File for the cases
    #[arg(long, value_name = "FILE", global = true, default_value = "cases.jsonl")]
    pub(crate) out: PathBuf,
    /// Configuration file, for where memory is [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalImportFrom {
    /// Proven and confirmed incidents of the memory
    Memory {
        /// The clone of the repository they are about
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
    },
    /// JSON lines of {"ticket": "…", "fix": "<commit>", "culprit": "<commit>"}; culprit may be absent
    Lines {
        file: PathBuf,
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
    },
    /// What the repository's own messages say: "fixes <commit>", "regression in <commit>", "Fixes: <commit>"
    History {
        #[arg(long, value_name = "PATH")]
        repo: PathBuf,
        /// The newest so many
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EvalRunArguments {
    /// smoke, nightly, learning-curve, retold, safety, honesty or no-cause: incidents made on the spot
    #[arg(value_name = "SUITE", conflicts_with_all = ["cases", "task", "memory", "repo_map"], required_unless_present = "cases")]
    pub(crate) suite: Option<String>,
    /// Cases, one JSON object a line; for log-templates the folder of systems
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    /// What is judged
    #[arg(long, value_enum, required_unless_present = "suite")]
    pub(crate) task: Option<EvalTaskOption>,
    /// Where the repositories of the cases are: 'https://host/owner/name=PATH'
    #[arg(long, value_name = "URL=PATH", num_args = 1.., value_parser = url_path)]
    pub(crate) repo_map: Vec<(String, PathBuf)>,
    /// `playbook`, or the name of a model
    #[arg(long, value_name = "playbook|MODEL", default_value = "playbook")]
    pub(crate) planner: String,
    /// Judge the cases a second time by something simpler, whose figures stand beside the others: `bare` is the model of
    /// --planner with the same tools, without recall, ranking and verification
    #[arg(long, value_enum)]
    pub(crate) baseline: Option<EvalBaseline>,
    /// A model that says how well reports are written; never whether they are right
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// Whether cases may use memory
    #[arg(long, value_enum, default_value = "off")]
    pub(crate) memory: EvalMemory,
    /// Limits that must hold: a JSON file of {"rank": {"mrr": 0.7, "calibration_error": {"at_most": 0.1}}}; a suite
    /// has its own
    #[arg(long, value_name = "FILE")]
    pub(crate) gate: Option<PathBuf>,
    /// Environment for replays
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Folders that replays may read
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) allow_read: Vec<PathBuf>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Sets of hunks to try at most when a proven culprit is narrowed to its guilty lines; 0 leaves it whole
    /// [default: as many as a smaller set is worth]
    #[arg(long, value_name = "N")]
    pub(crate) minimise_runs: Option<u32>,
    /// Inputs that the four-way check of a fix may run; 0 leaves it out [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=12))]
    pub(crate) four_way_inputs: Option<u32>,
    /// Cases at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = super::at_once)]
    pub(crate) jobs: usize,
    /// How often each case is judged, for planners that do not always say the same
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) repeat: u8,
    /// Time for one case; then it is not judged, and the others go on
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30m")]
    pub(crate) time_limit: std::time::Duration,
    /// Time for all of it; the same command goes on with what is left
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<std::time::Duration>,
    /// Configuration file, for the model [default: none]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// An environment variable that holds the address of an incoming webhook (Slack's or one like it), which is told in
    /// one line when the gate fails or a figure fell since the run before
    #[arg(long, value_name = "NAME")]
    pub(crate) alert_env: Option<String>,
    /// Only the first cases
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
    /// Every case gets an empty one
    Fresh,
    /// Cases in their order; memory grows by the label (rank) or by what the run proved (investigate)
    Sequential,
    /// The same with false resolutions planted
    Poisoned,
    /// The same with outdated resolutions planted
    Stale,
}

fn url_path(text: &str) -> Result<(String, PathBuf), String> {
    // The URL may hold `=`; the path is what follows the last one.
    match text.rsplit_once('=') {
        Some((url, path)) if !url.is_empty() && !path.is_empty() => Ok((url.to_owned(), path.into())),
        _ => Err("give URL=PATH, as in https://host/owner/name=../clones/name".into()),
    }
}
