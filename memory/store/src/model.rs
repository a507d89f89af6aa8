/*!
Input and output of the store, as plain data. The shared vocabulary (tickets, resolutions, reports) is in
`millwright_model`; this module holds what exists only because it is stored: identities, times, states and sequences.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use millwright_model::{
    Approval, Audience, AuditId, ConversationId, EvidenceSource, Hypothesis, IncidentId, Outcome,
    ParsedTicket, ProblemId, Proof, ReportId, RepositoryId, RepositoryName, Resolution, RunId, Timestamp,
    Verdict,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    Queued,
    Running,
    AwaitingApproval,
    Done,
    Failed,
    Cancelled,
}

impl IncidentState {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::AwaitingApproval, Self::Done, Self::Failed, Self::Cancelled];

    /// Nobody works on it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `inc_` and 26 letters; sorts by time of creation.
    pub id: IncidentId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub state: IncidentState,
    /// Identity of the repository that holds the failing code, which all clones share.
    pub repository: Option<RepositoryId>,
    /// What the configuration calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_name: Option<RepositoryName>,
    /// The closed conversation that it was reported in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Incidents of one problem are recurrences of each other.
    pub problem_id: Option<ProblemId>,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub release: Option<String>,
    /// Who reads what is told of it.
    #[serde(default)]
    pub audience: Audience,
    pub ticket: ParsedTicket,
}

impl Incident {
    /// Whether whoever reads what is told of this one may be told of the other.
    pub fn may_be_told_of(&self, other: &Incident) -> bool {
        self.audience.may_read(other.audience)
            && (other.conversation.is_none() || other.conversation == self.conversation)
            && (other.repository_name.is_none() || other.repository_name == self.repository_name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    /// Stopped on purpose, to be resumed.
    Parked,
    Done,
    Failed,
    Cancelled,
}

impl RunState {
    pub fn is_final(self) -> bool {
        matches!(self, RunState::Done | RunState::Failed | RunState::Cancelled)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRun {
    /// `run_` and 26 letters.
    pub id: RunId,
    pub incident_id: IncidentId,
    pub state: RunState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// The sequence number the next event will get, from 1.
    pub next_seq: i64,
    /// Who drives it now, until `lease_until`.
    pub holder: Option<String>,
    pub lease_until: Option<Timestamp>,
}

/// Whether an event tells a fact, announces an effect or says what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventPhase {
    Fact,
    Intent,
    Outcome,
}

/// An event to append. `kind` and `payload` belong to `agent`; the store only keeps them in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    pub kind: String,
    pub phase: EventPhase,
    /// Ties an outcome to its intent; unique within the run.
    pub effect: Option<String>,
    pub payload: serde_json::Value,
}

impl NewEvent {
    pub fn fact(kind: impl Into<String>, payload: serde_json::Value) -> Self {
        Self { kind: kind.into(), phase: EventPhase::Fact, effect: None, payload }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// From 1, without gaps within a run.
    pub seq: i64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: NewEvent,
}

/// A hypothesis as memory keeps it, refuted ones included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredHypothesis {
    pub run_id: RunId,
    pub created_at: Timestamp,
    #[serde(flatten)]
    pub hypothesis: Hypothesis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvidence {
    pub sha256: String,
    pub source: EvidenceSource,
    pub locator: String,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportRef {
    pub id: ReportId,
    pub incident_id: IncidentId,
    pub created_at: Timestamp,
    pub verdict: Verdict,
}

/// Who acts, and why: every change of what memory holds to be true needs both.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// A person (`anna@example.org`), a token's name or `millwright` itself.
    pub who: &'a str,
    pub why: &'a str,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    pub actor: String,
    /// `remember`, `approval`, `remark` (a word that a higher right stands against), `outcome`, `proof`, `link`, `forget`,
    /// `import`.
    pub action: String,
    /// The id acted upon.
    pub subject: String,
    pub incident_id: Option<IncidentId>,
    pub before: Option<String>,
    pub after: Option<String>,
    /// Gone once the incident is forgotten.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProblem {
    pub id: ProblemId,
    pub created_at: Timestamp,
    pub repository: Option<RepositoryId>,
    pub title: String,
}

/// One line of `memory list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryItem {
    pub incident_id: IncidentId,
    pub created_at: Timestamp,
    pub state: IncidentState,
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub problem_id: Option<ProblemId>,
    pub title: String,
    /// Most trusted first.
    pub resolutions: Vec<Resolution>,
    pub refuted: u32,
    /// Set by a search: 0 to 1.
    pub score: Option<f64>,
}

/// What `memory list` is narrowed to; everything is shown by default, newest first.
#[derive(Debug, Clone, Default)]
pub struct MemoryFilter {
    pub repository: Option<RepositoryId>,
    pub service: Option<String>,
    pub state: Option<IncidentState>,
    /// Only incidents with a resolution at least that well proven.
    pub proof_at_least: Option<Proof>,
    pub approval: Option<Approval>,
    pub outcome: Option<Outcome>,
    /// Continue after this incident id (exclusive), as given by the last item of the page before.
    pub after: Option<IncidentId>,
    /// 0 stands for 50; at most 1,000.
    pub limit: u32,
}

/// Everything `memory show` can say about one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryEntry {
    pub incident: Incident,
    pub problem: Option<StoredProblem>,
    /// Other incidents of the same problem.
    pub recurrences: Vec<IncidentId>,
    pub resolutions: Vec<Resolution>,
    pub hypotheses: Vec<StoredHypothesis>,
    pub evidence: Vec<StoredEvidence>,
    pub reports: Vec<ReportRef>,
    pub runs: Vec<StoredRun>,
    pub audit: Vec<AuditEntry>,
}
