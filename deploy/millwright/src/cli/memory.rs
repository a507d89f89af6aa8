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
    Show {
        /// Its id, how that begins or ends, or the id of a resolution
        incident: String,
    },
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
        /// Days since it was last touched [default: store.unproven_retention_days]
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
