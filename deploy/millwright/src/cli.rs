/*!
The command line, declared. What is documented here works; nothing is accepted and ignored.
*/

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use millwright_agent::hand_over::Destination;
use millwright_memory::types::Verdict;

mod eval;

pub(crate) use crate::commands::SchemaOf;
pub(crate) use eval::{
    EvalArguments, EvalBaseline, EvalCommand, EvalCompareArguments, EvalHistoryArguments,
    EvalImportArguments, EvalImportFrom, EvalMemory, EvalReportArguments, EvalReportFormat, EvalRunArguments,
    EvalTask,
};

/// Finds the commit, the lines and the fix behind a production failure, and proves it by replay.
#[derive(Debug, Parser)]
#[command(name = "millwright", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a small real repository with a failing ticket and investigate it; run it twice
    Demo(DemoArguments),
    /// Write a commented millwright.toml for a repository
    Init(InitArguments),
    /// The main job: from a ticket and a repository to a proven cause and fix
    Investigate(Box<InvestigateArguments>),
    /// Ask about an incident or the code, and investigate, in conversation
    Chat(Box<ChatArguments>),
    /// The service: incidents by HTTP and hooks, investigated in the background
    Serve(ServeArguments),
    /// Tokens for the service's API
    Token(TokenArguments),
    /// Read a repository's history into the index (investigate does it by itself when needed)
    Index(IndexArguments),
    /// What is remembered, why it is trusted, and the hand on it
    Memory(MemoryArguments),
    /// Judge the agent on cases with known truth
    Eval(EvalArguments),
    /// Check configuration, store, sandbox and model, and say how to mend what is wrong
    Doctor(DoctorArguments),
    /// Print a JSON Schema
    Schema {
        /// Which schema
        of: SchemaOf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
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

/// Where Millwright keeps what it knows.
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
    pub(crate) format: Format,
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
    /// Do not run what was guessed
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Longest time for one command that is tried, as in 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) deadline: std::time::Duration,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct InvestigateArguments {
    /// A file, or - for standard input: text, stack trace, test output, Sentry event, alert payload
    #[arg(value_name = "TICKET", default_value = "-")]
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) what: WhatArguments,
    /// Exit with 2 unless the verdict is at least this good
    #[arg(long, value_name = "VERDICT", default_value = "probable", value_parser = verdict)]
    pub(crate) require: Verdict,
    /// Neither recall nor remember; such a run keeps nothing, so it cannot go on after an interruption
    #[arg(long)]
    pub(crate) no_memory: bool,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
    /// Write the report to a file instead
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the verified fix, with a commit message that cites the incident: to a new patch file, or as a new branch
    /// of the repository (nothing is checked out)
    #[arg(long, value_name = "FILE|branch:NAME", conflicts_with = "no_replay")]
    pub(crate) write_fix: Option<Destination>,
}

/// What an investigation is about, and what it may use.
#[derive(Debug, Args)]
pub(crate) struct WhatArguments {
    /// The repository (work tree or bare); nothing in it is changed
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// The failing revision
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) at: String,
    /// An older revision that worked [default: every ancestor is a candidate]
    #[arg(long, value_name = "REV")]
    pub(crate) good: Option<String>,
    /// Log files or folders (plain, JSON lines, logfmt, gzip)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) logs: Vec<PathBuf>,
    /// Shell command that fails where the failure is, run in the sandbox at each revision
    #[arg(long, value_name = "CMD", conflicts_with_all = ["replay_file", "no_replay"])]
    pub(crate) replay: Option<String>,
    /// The same, as a script in a file
    #[arg(long, value_name = "FILE", conflicts_with = "no_replay")]
    pub(crate) replay_file: Option<PathBuf>,
    /// File or folder laid over every checkout before the replay: of the working tree as it is now, or of a revision as
    /// REV:PATH; TARGET says where it belongs when that is elsewhere
    #[arg(long, value_name = "PATH[=TARGET]", num_args = 1.., conflicts_with = "no_replay")]
    pub(crate) overlay: Vec<String>,
    /// Take what the replay shows for what is meant, although the ticket names another error
    #[arg(long, conflicts_with = "no_replay")]
    pub(crate) accept_failure: bool,
    /// Command that runs the project's tests, to see that a fix breaks nothing
    #[arg(long, value_name = "CMD")]
    pub(crate) tests: Option<String>,
    /// Environment for the replay and the tests
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Folders that the replay may read besides the checkout (an interpreter, a virtual environment)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) allow_read: Vec<PathBuf>,
    /// Who decides what to do next: `playbook` (rules, no network) or the name of a model, asked at
    /// OPENAI_BASE_URL or [model] base_url [default: the model of the configuration, else playbook]
    #[arg(long, value_name = "playbook|MODEL")]
    pub(crate) planner: Option<String>,
    /// Tokens the model may use, input and output together
    #[arg(long, value_name = "N")]
    pub(crate) budget_tokens: Option<u64>,
    /// US dollars the model may cost, by the prices in [model]
    #[arg(long, value_name = "USD")]
    pub(crate) budget_usd: Option<f64>,
    /// Sets of hunks to try at most when a proven culprit is narrowed to its guilty lines; 0 leaves it whole
    /// [default: as many as a smaller set is worth]
    #[arg(long, value_name = "N")]
    pub(crate) minimise_runs: Option<u32>,
    /// Inputs around the replay's own on which a fix is compared with the history (the four-way check); 0 leaves it out
    /// [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=12))]
    pub(crate) four_way_inputs: Option<u32>,
    /// Replays at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_once)]
    pub(crate) jobs: usize,
    /// Report what is known by then (30s, 10m, 1h)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<std::time::Duration>,
    /// Rank only: run nothing of the repository's
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
    /// A ticket's file, or the id of a remembered incident (inc_…), to talk about
    #[arg(value_name = "TICKET|INCIDENT")]
    pub(crate) ticket: Option<String>,
    #[command(flatten)]
    pub(crate) what: WhatArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// What this process does: answer requests, work on the queue, or both
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) role: ServeRole,
    /// Address and port [default: server.listen, else 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Let programs on this machine in without a token, as administrators; only on the loopback address
    #[arg(long)]
    pub(crate) anonymous: bool,
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
    /// Make a token; its secret is shown once
    Create {
        /// Whose, or what for
        name: String,
        /// viewer, support, responder or admin
        #[arg(long)]
        role: millwright_service::auth::Role,
        /// How long it is valid (90d, 12h); without it, until it is revoked
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<std::time::Duration>,
    },
    /// Tokens and their last use, newest first
    List,
    /// Make a token in place of another, which stays valid for a while
    Rotate {
        id: String,
        /// How long the old one stays valid
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
        overlap: std::time::Duration,
    },
    /// End a token now
    Revoke { id: String },
}

#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// The repository
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// Note that this revision of a service was deployed; the service then knows what ran when something failed
    #[arg(long, value_name = "SERVICE=REV")]
    pub(crate) deployed: Vec<String>,
    /// Where it was deployed
    #[arg(long, value_name = "NAME", default_value = "production", requires = "deployed")]
    pub(crate) environment: String,
    /// When, as in 2026-11-24T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "deployed")]
    pub(crate) at: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

#[derive(Debug, Args)]
pub(crate) struct MemoryArguments {
    #[command(subcommand)]
    pub(crate) command: MemoryCommand,
    /// Configuration file, which says where the store is [default: none, the environment alone]
    #[arg(long, env = "MILLWRIGHT_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemoryCommand {
    /// Incidents and what is known of them, newest first
    List {
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Incidents like these words
    Search {
        query: String,
        #[arg(long, default_value_t = 10)]
        limit: u32,
    },
    /// Everything about one incident, and why it is trusted
    Show { incident: String },
    /// Say that the resolution of an incident is right
    Confirm {
        incident: String,
        /// Why, for the audit
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that the resolution of an incident is wrong
    Reject {
        incident: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Remove an incident and all that came from it, for good
    Forget { incident: String },
    /// What ranking learned from verified outcomes, and the hand on it
    Weights {
        #[command(subcommand)]
        command: WeightsCommand,
    },
    /// Copy the vectors to another engine and check that they arrived
    Migrate {
        /// "embedded", or the address of a Qdrant server: http://qdrant:6334
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Write everything as JSON lines
    Export {
        /// [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Read an export, closed tickets of another system (JSON lines), or postmortems (Markdown files)
    Import(ImportArguments),
    /// Forget for good what was never proven nor judged by a person
    Expire {
        /// Days since it was last touched [default: store.keep_unproven_days]
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// Say what would be done, change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Say what would be done, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where a ticket's field stands in its record, as in title=fields.summary; fields are id, title, body, created,
    /// service, environment, release, resolution, culprit, units and confirmed_by
    #[arg(long, value_name = "FIELD=KEY")]
    pub(crate) map: Vec<String>,
    /// The public key of an installation whose export is trusted with what it says of proof, besides store.trusted_keys
    #[arg(long, value_name = "KEY")]
    pub(crate) trust: Vec<String>,
    /// The system the tickets come from
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// The clone of the repository that all of them are about
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    /// Every version that was learned, the rejected ones too, newest first
    List,
    /// Which weights moved in a version, by how much and for which incidents
    Show {
        /// [default: the version in force]
        version: Option<i64>,
    },
    /// Learn from the verified and confirmed incidents; adopted only if no worse on incidents held out
    Learn,
    /// Go back to a version; 0 stands for the weights that ship
    Rollback {
        version: i64,
        /// Why, for the audit
        #[arg(long, default_value = "")]
        note: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// A repository to check, in place of those of the configuration
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
    /// A model to ask a question in each action mode [default: the model of the configuration]
    #[arg(long, value_name = "MODEL")]
    pub(crate) planner: Option<String>,
    /// Do not run the recipes of repositories
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Longest time for one command of a recipe, as in 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) deadline: std::time::Duration,
    /// Environment for the recipes
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    pub(crate) env: Vec<(String, String)>,
    /// Folders that the recipes may read besides the checkout (an interpreter, a virtual environment)
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

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(seconds) if seconds > 0 => Ok(std::time::Duration::from_secs(seconds)),
        _ => Err("give a time such as 90s, 10m or 1h".into()),
    }
}
