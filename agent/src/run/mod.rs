/*!
The run: a serializable state machine without IO.

A run consists only of its events. [`Run::apply`] adds an event, [`Run::next_step`] returns the next step, and the
driver performs it. To rebuild a run after a crash, its stored events are applied again. Calls that have an intent and
no outcome are returned again, and the driver decides by the effect of the tool whether it may repeat them.
*/

mod event;
mod model;
mod state;

/// The name of the planner that decides by rules; no model can have it.
pub const PLAYBOOK: &str = "playbook";

pub use event::{Interruption, ReplayPlan, RunBudget, RunEvent, RunRequest, ToolFailure, ToolOutcome};
pub use model::{
    ActionMode, AllowedAnswer, AskPurpose, Compaction, FailureKind, HeardCall, ModelAsk, ModelFailure,
    ModelTurn, TokenCounts,
};
pub use state::{DialogueEntry, ModelSpending, PendingCall, Run, RunStep};
