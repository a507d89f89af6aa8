/*!
The options of `millwright memory`.
*/

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DataDir, ListFormat};

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
    /// List incidents and what is known of them, newest first
    List {
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Search incidents by words
    Search {
        query: String,
        #[arg(long, default_value_t = 10)]
        limit: u32,
    },
    /// Show everything about an incident, and why it is trusted
    Show {
        /// Its id, the beginning or end of it, or the id of a resolution
        incident: String,
    },
    /// Confirm the resolution of an incident
    Confirm {
        incident: String,
        /// Reason, for the audit log
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Reject the resolution of an incident
    Reject {
        incident: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Permanently remove an incident and everything derived from it
    Forget { incident: String },
    /// Inspect, learn and roll back the ranking weights that verified outcomes taught
    Weights {
        #[command(subcommand)]
        command: WeightsCommand,
    },
    /// Copy the vectors to another engine and verify the copy
    Migrate {
        /// "embedded", or the address of a Qdrant server: http://qdrant:6334
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Export everything as JSON lines
    Export {
        /// [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Import an export, closed tickets of another system (JSON lines), or postmortems (Markdown files)
    Import(ImportArguments),
    /// Permanently remove what was neither proven nor judged by a person
    Expire {
        /// Days since it was last touched [default: store.unproven_retention_days]
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// Show what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Show what would be done, without doing it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Map a field to its place in the record, as in title=fields.summary; fields are id, title, body, created,
    /// service, environment, release, resolution, culprit, units and confirmed_by
    #[arg(long, value_name = "FIELD=KEY")]
    pub(crate) map: Vec<String>,
    /// Public key of an installation whose exported proofs are trusted, in addition to store.trusted_keys
    #[arg(long, value_name = "KEY")]
    pub(crate) trust: Vec<String>,
    /// Name of the system that the tickets come from
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// The clone of the repository that all of them concern
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    /// List every learned version, rejected ones included, newest first
    List,
    /// Show which weights a version moved, by how much and because of which incidents
    Show {
        /// [default: the version in force]
        version: Option<i64>,
    },
    /// Learn from verified and confirmed incidents; adopted only if no worse on held-out incidents
    Learn,
    /// Activate a version; 0 is the weights that ship
    Rollback {
        version: i64,
        /// Reason, for the audit log
        #[arg(long, default_value = "")]
        note: String,
    },
}
