/*!
The events of a run. They are the stored format of every investigation, so fields are only added, with defaults.
External effects come in pairs: the intent (`ToolStarted`) is stored before the effect, the outcome after it.
*/

use std::collections::BTreeMap;
use std::path::PathBuf;

use millwright_model::{
    CommitId, Evidence, IncidentId, ParsedTicket, Report, RepositoryId, RunId, Timestamp, Verdict,
};
use millwright_replay::ReplayRecipe;
use millwright_tools::ToolCall;
use serde::{Deserialize, Serialize};

use super::model::{Compaction, ModelAsk, ModelFailure, ModelTurn};
use crate::findings::PlannerFinding;

/// The resolved request of a run: revisions are commits, the ticket is parsed and redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    pub run_id: RunId,
    pub incident_id: IncidentId,
    pub ticket: ParsedTicket,
    pub repo: PathBuf,
    /// `Repo::identity`, so that memory does not mix code bases.
    pub repository: RepositoryId,
    pub bad: CommitId,
    pub good: Option<CommitId>,
    pub logs: Vec<PathBuf>,
    pub replay: ReplayPlan,
    /// Command that runs the project's tests.
    pub tests: Option<String>,
    pub planner: String,
    /// No person can be asked in this run, so a planner does not get tools that need consent.
    #[serde(default)]
    pub unattended: bool,
    /// No code of the repository may run (`--no-replay`), so a planner does not get tools that would run it.
    #[serde(default)]
    pub runs_nothing: bool,
    pub budget: RunBudget,
    pub use_memory: bool,
    pub jobs: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayPlan {
    Recipe(Box<ReplayRecipe>),
    /// No replay, with the reason: `--no-replay`, or none given and none derivable.
    None(String),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunBudget {
    pub tokens: Option<u64>,
    pub usd: Option<f64>,
    pub deadline_ms: Option<u64>,
    pub steps: Option<u32>,
    /// Maximum number of replays to narrow a proven culprit to its guilty lines; 0 skips minimising.
    #[serde(default)]
    pub minimise_runs: Option<u32>,
    /// Maximum number of inputs of the four-way check; 0 skips the check.
    #[serde(default)]
    pub four_way_inputs: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolOutcome {
    pub text: String,
    pub data: serde_json::Value,
    /// The evidence as the report shows it; the whole text is in the journal under `sha256`.
    pub evidence: Vec<Evidence>,
    pub failure: Option<ToolFailure>,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolFailure {
    pub kind: String,
    pub message: String,
}

impl ToolFailure {
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// A person asked to stop; the run reports what is known.
    Cancelled,
    Deadline,
    Budget,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    Started {
        request: Box<RunRequest>,
        at: Timestamp,
    },
    /// A model is about to be asked.
    ModelAsked {
        ask: Box<ModelAsk>,
    },
    ModelAnswered {
        turn: Box<ModelTurn>,
    },
    ModelFailed {
        failure: ModelFailure,
    },
    /// The conversation begins again without its older steps.
    Compacted {
        compaction: Compaction,
    },
    /// The planner's plan: calls, or a finding (never both empty).
    Planned {
        planner: String,
        note: String,
        calls: Vec<ToolCall>,
        finding: Option<Box<PlannerFinding>>,
    },
    ToolStarted {
        call: String,
    },
    ToolFinished {
        call: String,
        outcome: Box<ToolOutcome>,
    },
    ApprovalDecided {
        call: String,
        approved: bool,
        by: String,
    },
    /// A message from a person, taken in between two steps.
    Steered {
        text: String,
        by: String,
    },
    /// The planner gave up; the playbook continues.
    FellBack {
        because: String,
    },
    Interrupted {
        kind: Interruption,
    },
    /// The report is complete and its citations are checked; no event follows.
    Finished {
        report: Box<Report>,
        verdict: Verdict,
        metrics: BTreeMap<String, u64>,
    },
}

impl RunEvent {
    pub fn kind(&self) -> &'static str {
        match self {
            RunEvent::Started { .. } => "started",
            RunEvent::ModelAsked { .. } => "model_asked",
            RunEvent::ModelAnswered { .. } => "model_answered",
            RunEvent::ModelFailed { .. } => "model_failed",
            RunEvent::Compacted { .. } => "compacted",
            RunEvent::Planned { .. } => "planned",
            RunEvent::ToolStarted { .. } => "tool_started",
            RunEvent::ToolFinished { .. } => "tool_finished",
            RunEvent::ApprovalDecided { .. } => "approval_decided",
            RunEvent::Steered { .. } => "steered",
            RunEvent::FellBack { .. } => "fell_back",
            RunEvent::Interrupted { .. } => "interrupted",
            RunEvent::Finished { .. } => "finished",
        }
    }
}
