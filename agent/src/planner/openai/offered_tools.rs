/*!
Selects the tools that a model gets in a run, and describes them.
*/

use millwright_prompts::{Prompt, SystemPrompt, ToolLine};
use millwright_tools::{Effect, ToolSpec};

use super::{CONCLUDE, PlanError, broken, schema};
use crate::context::ContextBudget;
use crate::run::{ActionMode, ReplayPlan, RunRequest};

/// A context below this is small, in tokens.
const SMALL_CONTEXT: u64 = 16_000;

/// The tools that are useful in this run. The list depends on the request alone, so it is the same in every step. A
/// small model gets only the essential tools, because every further description takes room from the evidence.
pub(super) fn offered(tools: &[ToolSpec], request: &RunRequest, room: ContextBudget) -> Vec<ToolSpec> {
    const ESSENTIAL: &[&str] = &[
        CONCLUDE,
        "bisect",
        "git_file",
        "git_grep",
        "git_log",
        "git_show",
        "log_search",
        "propose_fix",
        "read_evidence",
        "replay",
        "reproduce",
        "verify_fix",
    ];
    const REPLAYING: &[&str] =
        &["bisect", "minimise", "propose_fix", "propose_patch", "replay", "reproduce", "verify_fix"];
    const RUNNING: &[&str] = &["run_tests", "write_reproduction"];
    const LOGS: &[&str] = &["log_changes", "log_search", "log_templates"];
    let small = room.context_tokens < SMALL_CONTEXT;
    const MEMORY: &[&str] = &["recall", "recheck"];
    let can_write =
        !small && !request.runs_nothing && tools.iter().any(|tool| tool.name == "write_reproduction");
    let useless = |name: &str| {
        // A reproduction that the model writes is a replay like any other.
        REPLAYING.contains(&name) && matches!(request.replay, ReplayPlan::None(_)) && !can_write
            || RUNNING.contains(&name) && request.runs_nothing
            || LOGS.contains(&name) && request.logs.is_empty()
            || MEMORY.contains(&name) && !request.use_memory
            || small && !ESSENTIAL.contains(&name)
    };
    let denied = |effect| request.unattended && matches!(effect, Effect::WriteLocal | Effect::WriteExternal);
    tools.iter().filter(|tool| !useless(&tool.name) && !denied(tool.effect)).cloned().collect()
}

/// The system prompt; it describes the tools if the model cannot call them natively.
pub(super) fn system(mode: ActionMode, tools: &[ToolSpec]) -> Result<String, PlanError> {
    let line = |tool: &ToolSpec| ToolLine {
        name: tool.name.clone(),
        description: tool.description.clone(),
        arguments: schema::in_words(&tool.schema),
    };
    let tools = match mode {
        ActionMode::Tools => None,
        ActionMode::Constrained => Some(tools.iter().map(line).collect()),
    };
    SystemPrompt { tools }.render().map_err(broken)
}

/// Bytes of a request beside its messages.
pub(super) fn beside(mode: ActionMode, tools: &[ToolSpec]) -> usize {
    let size = |tool: &ToolSpec| tool.description.len() + tool.schema.to_string().len();
    match mode {
        ActionMode::Tools => tools.iter().map(size).sum(),
        // The model does not read the schema of the answer, which is short anyway.
        ActionMode::Constrained => 0,
    }
}
