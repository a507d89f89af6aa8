/*!
The run: a serializable state machine without IO.

A run is nothing but its events. [`Run::apply`] takes an event in, [`Run::next_step`] says what has to happen
next, and the driver does it. Rebuilding a run after a crash is applying its stored events again; whatever was
intended and has no outcome is handed out once more, and the driver decides by the effect of the tool whether
it may simply be repeated.
*/

mod event;
mod model;
mod state;

/// The name of the planner that decides by rules; no model can bear it.
pub const PLAYBOOK: &str = "playbook";

pub use event::{Interruption, ReplayPlan, RunBudget, RunEvent, RunRequest, ToolFailure, ToolOutcome};
pub use model::{
    ActionMode, AllowedAnswer, AskPurpose, Compaction, FailureKind, HeardCall, ModelAsk, ModelFailure,
    ModelTurn, TokenCounts,
};
pub use state::{DialogueEntry, ModelSpending, PendingCall, Run, RunStep};
