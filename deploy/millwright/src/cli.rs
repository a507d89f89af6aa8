/*!
The declaration of the command line. Every documented option works; none is accepted and then ignored.
*/

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Span, SpanRelativeTo};
use millwright_agent::hand_over::FixDestination;
use millwright_model::Verdict;
use millwright_usecases::{MAX_HISTORY, MAX_HISTORY_OFFSET};

mod deployment;
mod eval;
mod memory;
mod renamed;
mod schema;

use crate::logging::LogFormat;
pub(crate) use deployment::{DeploymentAddArguments, DeploymentArguments, DeploymentCommand};
pub(crate) use eval::{
    EvalArguments, EvalBaseline, EvalCommand, EvalCompareArguments, EvalHistoryArguments,
    EvalImportArguments, EvalImportFrom, EvalMemory, EvalReportArguments, EvalReportFormat, EvalRunArguments,
    EvalTaskOption,
};

pub(crate) use memory::{ImportArguments, MemoryArguments, MemoryCommand, WeightsCommand};
pub(crate) use renamed::warnings_of_renamed_options;
pub(crate) use schema::SchemaOf;

const GUIDE: &str =
    "Guide: deploy/guide/index.md in the source, and /docs on a running service (no sign-in needed).";

/// Finds the commit, the lines and the fix behind a production failure, and proves it by replay.
#[derive(Debug, Parser)]
#[command(name = "millwright", version, max_term_width = 100, after_help = GUIDE)]
pub(crate) struct CliArguments {
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Build a small real repository with a failing ticket and investigate it (run it twice: the second time it is known)
    Demo(DemoArguments),
    /// Write a commented millwright.toml for a repository
    Init(InitArguments),
    /// Investigate a ticket in a repository: from the symptom to a proven cause and fix
    Investigate(Box<InvestigateArguments>),
    /// Ask about an incident or the code, and investigate, in a conversation
    Chat(Box<ChatArguments>),
    /// Run the service: it takes incidents over HTTP and webhooks and investigates them in the background
    Serve(ServeArguments),
    /// Create, list, rotate and revoke tokens for the service's API
    Token(TokenArguments),
    /// Index a repository's history ahead of time (`investigate` does it when needed)
    Index(IndexArguments),
    /// Show the commits that changed a function, a type, lines or a file, each with only its hunks there
    History(HistoryArguments),
    /// Record what was deployed where, so that incidents are investigated at the revision that ran
    Deployment(DeploymentArguments),
    /// Inspect and manage remembered incidents
    Memory(MemoryArguments),
    /// Evaluate the agent on cases with known causes
    Eval(EvalArguments),
    /// Check configuration, store, sandbox and model, and say how to fix what is wrong
    Doctor(DoctorArguments),
    /// Print a JSON Schema
    Schema {
        /// Which schema
        of: SchemaOf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
    Markdown,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

/// Where Millwright stores its data.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataDir {
    /// Folder for memory, indexes and checkouts [default: the user's data folder]
    #[arg(long, env = "MILLWRIGHT_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Write the report to a file instead
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The repository
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// Overwrite an existing millwright.toml
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) trial: TrialArguments,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

/// Whether and how long recipes are tried.
#[derive(Debug, Args)]
pub(crate) struct TrialArguments {
    /// Run no code of the repository
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Time limit for each command that is tried, as in 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) deadline: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct InvestigateArguments {
    /// A file, or - for standard input: text, stack trace, test output, Sentry event, alert payload
    #[arg(value_name = "TICKET", default_value = "-")]
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) what: WhatArguments,
    /// Exit with 2 unless the verdict is at least this good
    #[arg(long, alias = "require", value_name = "VERDICT", default_value = "probable", value_parser = verdict)]
    pub(crate) min_verdict: Verdict,
    /// Neither read nor write memory; such a run stores nothing, so it cannot resume after an interruption
    #[arg(long)]
    pub(crate) no_memory: bool,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Write the report to a file instead
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the verified fix, with a commit message that cites the incident: to a new patch file, or as a new branch
    /// of the repository (nothing is checked out)
    #[arg(long, value_name = "FILE|branch:NAME", conflicts_with = "no_replay")]
    pub(crate) write_fix: Option<FixDestination>,
}

/// What an investigation is about, and what it may use.
#[derive(Debug, Args)]
pub(crate) struct WhatArguments {
    /// The repository (work tree or bare); it is never changed
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// The failing revision
    #[arg(long, alias = "at", value_name = "REV", default_value = "HEAD")]
    pub(crate) bad: String,
    /// An older revision that worked [default: every ancestor is a candidate]
    #[arg(long, value_name = "REV")]
    pub(crate) good: Option<String>,
    /// Log files or folders (plain, JSON lines, logfmt, gzip)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) logs: Vec<PathBuf>,
    /// Shell command that exits with an error where the failure is present; run in the sandbox at each revision
    #[arg(long, value_name = "CMD", conflicts_with_all = ["replay_file", "no_replay"])]
    pub(crate) replay: Option<String>,
    /// The same as --replay, from a script file
    #[arg(long, value_name = "FILE", conflicts_with = "no_replay")]
    pub(crate) replay_file: Option<PathBuf>,
    /// File or folder to copy over every checkout before the replay: from the working tree, or from a revision as
    /// REV:PATH; TARGET is its place in the checkout, if different
    #[arg(long, value_name = "PATH[=TARGET]", num_args = 1.., conflicts_with = "no_replay")]
    pub(crate) overlay: Vec<String>,
    /// Accept the failure that the replay shows, even though the ticket names another error
    #[arg(long, conflicts_with = "no_replay")]
    pub(crate) accept_failure: bool,
    /// Command that runs the project's tests, to check that a fix breaks nothing
    #[arg(long, value_name = "CMD")]
    pub(crate) tests: Option<String>,
    /// Environment variables for the replay and the tests
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Additional folders that the replay may read (an interpreter, a virtual environment)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) allow_read: Vec<PathBuf>,
    /// What plans the investigation: `playbook` (rules, no network) or the name of a model, served at
    /// OPENAI_BASE_URL or model.base_url [default: the model of the configuration, else playbook]
    #[arg(long, value_name = "playbook|MODEL")]
    pub(crate) planner: Option<String>,
    /// Maximum tokens for the model, input and output together
    #[arg(long, value_name = "N")]
    pub(crate) budget_tokens: Option<u64>,
    /// Maximum model cost in US dollars, by the configured prices (section model)
    #[arg(long, value_name = "USD")]
    pub(crate) budget_usd: Option<f64>,
    /// Maximum sets of hunks to try when narrowing a proven culprit to its guilty lines; 0 skips this
    /// [default: depends on the number of hunks and the time of one replay]
    #[arg(long, value_name = "N")]
    pub(crate) minimise_runs: Option<u32>,
    /// Variations of the replay's input on which a fix is compared with the history (the four-way check); 0 skips it
    /// [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=12))]
    pub(crate) four_way_inputs: Option<u32>,
    /// Replays to run in parallel
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_once)]
    pub(crate) jobs: usize,
    /// Time limit (30s, 10m, 1h); what is known by then is reported
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
    /// Only rank suspects; run no code of the repository
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Configuration file [default: millwright.toml in the repository or above]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// The file of a ticket, or the id of a remembered incident (inc_…), to talk about
    #[arg(value_name = "TICKET|INCIDENT")]
    pub(crate) ticket: Option<String>,
    #[command(flatten)]
    pub(crate) what: WhatArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// What this process does: answer requests, work off the queue, or both
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) role: ServeRole,
    /// Address and port [default: server.listen, else 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Accept requests from this machine without a token, as administrator; loopback addresses only
    #[arg(long)]
    pub(crate) anonymous: bool,
    /// Format of the log on standard error [default: telemetry.log_format, else text on a terminal and json elsewhere]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Configuration file [default: millwright.toml in this folder or above]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeRole {
    All,
    Api,
    Worker,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
    /// Configuration file, which says where the store is [default: none, the environment alone]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token; its secret is shown once
    Create {
        /// Who or what it is for
        name: String,
        /// Role: viewer, support, responder or admin
        #[arg(long)]
        role: millwright_server::auth::TokenRole,
        /// Bind it to the incidents of this configured repository; repeatable [default: all repositories]
        #[arg(long = "repository", value_name = "NAME")]
        repositories: Vec<millwright_model::RepositoryName>,
        /// How long it is valid (90d, 12h) [default: until it is revoked]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
    },
    /// List tokens and their last use, newest first
    List,
    /// Replace a token by a new one; the old one stays valid for a while
    Rotate {
        /// Its id in `token list`, or the beginning of it
        id: String,
        /// How long the old one stays valid
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
        overlap: Duration,
    },
    /// Revoke a token now
    Revoke {
        /// Its id in `token list`, or the beginning of it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// The repository
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// Also read what each commit changed of functions and types, so that no `history` has to
    #[arg(long)]
    pub(crate) units: bool,
    // Kept until the next release: `deployment add` replaces it.
    #[arg(long, value_name = "SERVICE=REV", hide = true)]
    pub(crate) deployed: Vec<String>,
    #[arg(long, value_name = "NAME", default_value = "production", requires = "deployed", hide = true)]
    pub(crate) environment: String,
    #[arg(long, value_name = "TIME", requires = "deployed", hide = true)]
    pub(crate) at: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// PATH::NAME (a function, method or type), PATH:10-20 (lines) or PATH
    pub(crate) of: String,
    /// The repository
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The revision that the history leads to
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) at: String,
    /// Most commits to show, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_HISTORY)))]
    pub(crate) limit: u32,
    /// Commits to leave out at the newest end
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_HISTORY_OFFSET)))]
    pub(crate) offset: u32,
    /// Name the commits only, without their hunks (text; JSON has them always)
    #[arg(long)]
    pub(crate) no_patch: bool,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    /// Configuration file, which says what is masked [default: millwright.toml of the repository, when there is one]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// A repository to check instead of those in the configuration
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
    /// A model to try in each action mode [default: the model of the configuration]
    #[arg(long, value_name = "MODEL")]
    pub(crate) planner: Option<String>,
    #[command(flatten)]
    pub(crate) trial: TrialArguments,
    /// Environment variables for the recipes
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Additional folders that the recipes may read (an interpreter, a virtual environment)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) allow_read: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("give KEY=VALUE".into()),
    }
}

/// How many things are done at once.
fn at_once(text: &str) -> Result<usize, String> {
    const MOST: usize = 256;
    text.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or_else(|| format!("give 1 to {MOST}"))
}

fn verdict(text: &str) -> Result<Verdict, String> {
    serde_json::from_value(text.replace('-', "_").into())
        .map_err(|_| "give one of known, verified, confirmed, probable, inconclusive".into())
}

/// Days have 24 hours here, and a bare number is one of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
    let span = if is_bare { format!("{text}s").parse::<Span>() } else { text.parse() };
    span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .filter(|time| *time >= Duration::from_secs(1))
        .ok_or_else(|| "give a time of a second or more, such as 90s, 10m, 1h 30m or 7d".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            (" 24h ", 86_400),
            ("7d", 604_800),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("1.5h", 5_400),
            ("5 minutes", 300),
            ("PT5M", 300),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "0", "0s", "-5m", "5m ago", "500ms", "soon", "m", "1mo", "1y", "99999999999999999999", "1e9"]
        {
            assert!(duration(text).unwrap_err().contains("90s, 10m, 1h 30m or 7d"), "{text}");
        }
    }
}
