/*!
The tool contract: the form of every capability that a planner may call.

A tool is one file of this folder. Its argument struct is decoded from JSON, and a model reads the doc comments of
that struct's fields (through schemars), so they are written for that reader. Every tool declares its effect, and
policy depends on the effect only. Every call goes through the one pipeline of [`dispatch`]; nothing else runs a tool.
Tools do not know the planner: the playbook reads `ToolOutput::data`, a model reads `text`.
*/

mod candidates;
mod code_definition;
mod code_references;
mod code_symbols;
mod commit_evidence;
mod context;
mod culprit_ids;
mod dispatch;
mod error;
mod executed_code;
mod failed_fixes;
mod format;
mod git_blame;
mod git_diff;
mod git_file;
mod git_grep;
mod git_log;
mod git_pickaxe;
mod git_show;
mod guilty_code;
mod history;
mod lay_in;
mod log_search;
mod log_templates;
mod output;
mod policy;
mod registry;
mod run_resources;
mod staleness;
mod standing;

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
pub mod setup_check;
pub mod suspects;
pub mod ticket;
pub mod verify_fix;
pub mod write_fix;
pub mod write_reproduction;

#[cfg(test)]
pub(crate) mod testing;

// The tests replay in the real sandbox.
#[cfg(test)]
millwright_sandbox::sandbox_stage_before_main!();

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use millwright_code::CodeIndex;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use code_definition::CodeDefinition;
use code_references::CodeReferences;
use code_symbols::CodeSymbols;
use git_blame::GitBlame;
use git_diff::GitDiffTool;
use git_file::GitFile;
use git_grep::GitGrep;
use git_log::GitLog;
use git_pickaxe::GitPickaxe;
use git_show::GitShow;
use log_search::LogSearch;
use log_templates::LogTemplates;

pub use context::{NoProgress, ProgressEvent, ProgressSink, ToolContext};
pub use dispatch::{CallGrant, Dispatcher, ToolAnswer, ToolCall};
pub use error::{ToolError, ToolErrorKind};
pub use executed_code::executed_units;
pub use millwright_sandbox::CancelFlag;
pub use output::{MAX_TEXT_CHARS, NextPage, ToolOutput};
pub use policy::{Decision, Effect, Policy};
pub use registry::{ErasedTool, PreparedCall, ToolRegistry, ToolSpec};
pub use run_resources::{RunMemory, RunResources, WriteAttemptLimits};

/// Every tool of an investigation.
pub fn investigation_tools() -> ToolRegistry {
    // The tools share one index, so that no file is parsed twice.
    let index = Arc::<CodeIndex>::default();
    ToolRegistry::new()
        .with(bisect::BisectTool)
        .with(CodeDefinition(index.clone()))
        .with(CodeReferences(index.clone()))
        .with(CodeSymbols(index))
        .with(find_fix::FindFix)
        .with(GitBlame)
        .with(GitDiffTool)
        .with(GitFile)
        .with(GitGrep)
        .with(GitLog)
        .with(GitPickaxe)
        .with(GitShow)
        .with(history::HistoryTool)
        .with(log_changes::LogChanges)
        .with(LogSearch)
        .with(LogTemplates)
        .with(minimise::MinimiseTool)
        .with(owners::WhoOwns)
        .with(propose_fix::ProposeFix)
        .with(propose_patch::ProposePatch)
        .with(push_fix::PushFix)
        .with(recall::RecallTool)
        .with(recheck::RecheckTool)
        .with(replay::ReplayTool)
        .with(reproduce::ReproduceTool)
        .with(run_tests::RunTests)
        .with(suspects::SuspectsTool)
        .with(ticket::TicketTool)
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
