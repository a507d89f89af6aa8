/*!
The tool contract: what every capability a planner may call looks like.

A tool is one file of this folder. Its argument struct is decoded from JSON, and the doc comments of that
struct's fields *are* what a model reads (through schemars), so they are written for that reader. Its effect
is mandatory, and policy looks at the effect only. Every call takes the one pipeline of [`dispatch`];
nothing else runs a tool. Tools know no planner: the playbook reads `ToolOutput::data`, a model reads `text`.
*/

mod candidates;
mod code_definition;
mod code_references;
mod code_symbols;
mod context;
mod dispatch;
mod error;
mod failed_fixes;
mod format;
mod git_blame;
mod git_diff;
mod git_file;
mod git_grep;
mod git_log;
mod git_pickaxe;
mod git_show;
mod lay_in;
mod log_search;
mod log_templates;
mod output;
mod policy;
mod registry;
mod staleness;
mod standing;
mod workbench;

pub mod bisect;
pub mod earlier_culprits;
pub mod find_fix;
pub mod log_changes;
pub mod minimise;
pub mod owners;
pub mod propose_fix;
pub mod propose_patch;
pub mod push_fix;
pub mod recall;
pub mod recheck;
pub mod rejected_causes;
pub mod replay;
pub mod reproduce;
pub mod run_tests;
pub mod suspects;
pub mod ticket;
pub mod verify_fix;
pub mod write_fix;
pub mod write_reproduction;

#[cfg(test)]
pub(crate) mod testing;

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use crate::process::CancelFlag;
pub use code_definition::CodeDefinition;
pub use code_references::CodeReferences;
pub use code_symbols::CodeSymbols;
pub use context::{NoProgress, Progress, ProgressEvent, ToolContext};
pub use dispatch::{Answer, Dispatcher, Grant, ToolCall};
pub use error::{ToolError, ToolErrorKind};
pub use git_blame::GitBlame;
pub use git_diff::GitDiff;
pub use git_file::GitFile;
pub use git_grep::GitGrep;
pub use git_log::GitLog;
pub use git_pickaxe::GitPickaxe;
pub use git_show::GitShow;
pub use log_search::LogSearch;
pub use log_templates::LogTemplates;
pub use output::{Continuation, MAX_TEXT_CHARS, ToolOutput};
pub use policy::{Decision, Effect, Policy};
pub use registry::{ErasedTool, PreparedCall, Registry, ToolSpec};
pub use workbench::{Attempts, Workbench};

/// Every tool of an investigation.
pub fn investigation_tools() -> Registry {
    Registry::new()
        .with(bisect::Bisect)
        .with(CodeDefinition::default())
        .with(CodeReferences::default())
        .with(CodeSymbols::default())
        .with(find_fix::FindFix)
        .with(GitBlame)
        .with(GitDiff)
        .with(GitFile)
        .with(GitGrep)
        .with(GitLog)
        .with(GitPickaxe)
        .with(GitShow)
        .with(log_changes::LogChanges)
        .with(LogSearch)
        .with(LogTemplates)
        .with(minimise::Minimise)
        .with(owners::WhoOwns)
        .with(propose_fix::ProposeFix)
        .with(propose_patch::ProposePatch)
        .with(push_fix::PushFix)
        .with(recall::Recall)
        .with(recheck::Recheck)
        .with(replay::Replay)
        .with(reproduce::Reproduce)
        .with(run_tests::RunTests)
        .with(suspects::Suspects)
        .with(ticket::Ticket)
        .with(verify_fix::VerifyFix)
        .with(write_fix::WriteFix)
        .with(write_reproduction::WriteReproduction)
}

/// Something a planner may call.
///
/// Implementations do blocking work (git2, parsing) inside [`ToolContext::blocking`].
pub trait Tool: Send + Sync + 'static {
    /// Decoded from the call's JSON. Derive `Deserialize` and `JsonSchema`, put
    /// `#[serde(deny_unknown_fields)]` on it, and document every field for a model.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Snake case, unique in a registry.
    const NAME: &'static str;

    /// The worst thing a call can do. Policy is derived from this and from nothing else.
    const EFFECT: Effect;

    /// How long a call may take before it is cut off.
    const TIMEOUT: Duration = Duration::from_secs(60);

    /// What it answers and when to use it, in one to three sentences for a model.
    fn description(&self) -> String;

    fn run(
        &self,
        ctx: &ToolContext,
        args: Self::Args,
    ) -> impl Future<Output = Result<ToolOutput, ToolError>> + Send;
}
