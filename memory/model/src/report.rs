/*!
`millwright.report/1`: the result of an investigation. This module is the schema; `millwright schema report` prints
it. Absent parts are `null` or `[]` and never left out, so serialisation skips no field here.
*/

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, EvidenceId};
use super::fix::{CheckResult, Fix, TriedFix};
use super::proof::{Approval, Proof};
use crate::Timestamp;
use crate::timestamp::deserialize_stored;
use crate::{CommitId, IncidentId, ReportId};

pub const REPORT_SCHEMA: &str = "millwright.report/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `millwright.report/1`.
    pub schema: String,
    pub id: ReportId,
    pub incident_id: IncidentId,
    pub verdict: Verdict,
    pub summary: String,
    pub root_cause: Option<RootCause>,
    pub hypotheses: Vec<Hypothesis>,
    /// At least the first 20 if the range has that many, even if a replay has proven the cause.
    pub suspects: Vec<Suspect>,
    pub fix: Option<Fix>,
    /// Candidate fixes that were tried and failed.
    #[serde(default)]
    pub tried: Vec<TriedFix>,
    pub replay: Option<ReplaySummary>,
    pub similar: Vec<SimilarIncident>,
    /// Claims that were removed because their evidence does not support them.
    pub struck: Vec<Struck>,
    pub impact: Option<Impact>,
    pub evidence: Vec<Evidence>,
    pub usage: Usage,
    pub escalate: Option<Escalation>,
}

/// Declared best first; `rank` orders them for `--min-verdict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A proven or confirmed resolution matched and was re-checked now.
    Known,
    /// Cause confirmed, the fix passes the replay, and further evidence shows that the behaviour is correct
    /// again: the project's tests, or the four-way check on neighbouring inputs.
    Verified,
    /// The replay fails at the culprit and passes at its parent; both were run.
    Confirmed,
    /// No replay; calibrated probability of the named cause at least .5.
    Probable,
    /// Says exactly what is missing and whom to ask.
    Inconclusive,
    NotAnIncident,
}

impl Verdict {
    pub const ALL: [Self; 6] = [
        Self::Known,
        Self::Verified,
        Self::Confirmed,
        Self::Probable,
        Self::Inconclusive,
        Self::NotAnIncident,
    ];

    /// Whether this verdict meets the one of `--min-verdict`. `not_an_incident` always does.
    pub fn meets(self, required: Verdict) -> bool {
        self == Verdict::NotAnIncident || self.rank() >= required.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Verdict::Known => 5,
            Verdict::Verified => 4,
            Verdict::Confirmed => 3,
            Verdict::Probable => 2,
            Verdict::Inconclusive | Verdict::NotAnIncident => 1,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Known => "known",
            Verdict::Verified => "verified",
            Verdict::Confirmed => "confirmed",
            Verdict::Probable => "probable",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NotAnIncident => "not_an_incident",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    CodeChange,
    Configuration,
    Dependency,
    Data,
    Infrastructure,
    External,
    NotABug,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootCause {
    pub statement: String,
    pub kind: CauseKind,
    pub commit: Option<CommitId>,
    /// At the failing revision.
    pub locations: Vec<Location>,
    /// Calibrated probability that the named cause is the cause, 0 to 1.
    pub confidence: f64,
    pub evidence: Vec<EvidenceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    pub path: String,
    pub start_line: u32,
    pub end_line: u32,
    /// `path::Qualified.name`
    pub symbol: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HypothesisStatus {
    Supported,
    Refuted,
    Open,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    pub id: String,
    pub statement: String,
    pub status: HypothesisStatus,
    pub evidence: Vec<EvidenceId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// 1-based.
    pub rank: u32,
    pub commit: CommitId,
    pub subject: String,
    pub score: f64,
    /// Largest contribution first.
    pub reasons: Vec<Reason>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub signal: String,
    pub contribution: f64,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Namespaces, Landlock and seccomp.
    Full,
    /// Landlock and seccomp, no namespaces.
    Reduced,
    /// Unsandboxed, because the user requested it.
    None,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplaySummary {
    pub reproduced: bool,
    pub sandbox: SandboxLevel,
    /// Share of the runs with the fault (at the failing revision, and after a bisect at every one that holds the
    /// culprit) that did not reproduce; 0 for a steady failure.
    pub flaky_rate: f64,
    /// Every execution, in order; `replay:<n>` cites the n-th, from 1.
    pub runs: Vec<ReplayRun>,
    pub bisect: Option<BisectSummary>,
    /// The end of the replay's output at the failing revision, with how it ended.
    #[serde(default)]
    pub output_end: Option<String>,
    /// Whether what the replay shows is what the ticket says.
    #[serde(default)]
    pub agreement: Option<FailureAgreement>,
    /// Files laid over every checkout before the replay (bounded).
    #[serde(default)]
    pub laid_in: Vec<String>,
    /// What the failing run executed, beside what the culprit changed; absent when nothing was traced.
    #[serde(default)]
    pub executed: Option<ExecutedCode>,
}

/// The code that the failing run executed, as far as its trace shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutedCode {
    pub precision: TracePrecision,
    /// Files that were executed, or opened when only that is known.
    pub files: u32,
    /// Functions and methods; 0 when only files are known.
    pub units: u32,
    /// Their names (`path::Type.method`) at the failing revision, those in files of the culprit first (bounded).
    pub named: Vec<String>,
    /// The units that the culprit changed, those that ran first (bounded).
    pub changed: Vec<ChangedUnit>,
    /// How many units the culprit changed.
    #[serde(default)]
    pub changed_total: u32,
}

/// How finely a run was traced. Coarser traces are weaker evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TracePrecision {
    /// Files that were opened.
    Files,
    /// Files and functions that were executed.
    Functions,
    /// Files, functions and lines that were executed.
    Lines,
}

/// A unit that the culprit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedUnit {
    /// `path::Type.method`, as it is called at the culprit; `path` for code outside of functions and types.
    pub unit: String,
    /// Whether the failing run executed it; absent when the trace cannot tell.
    pub executed: Option<bool>,
}

/// The failure that the ticket reports, compared with the one that the replay shows at the failing revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum FailureAgreement {
    /// The replay shows what the ticket says.
    Agrees { why: String },
    /// The ticket names no error, so there is nothing to compare.
    NotNamed,
    /// The replay prints nothing that could be compared.
    CannotTell { why: String },
    /// The ticket names one error and the replay shows another.
    Differs { ticket: String, replay: String },
    /// They differ, and a person accepted the failure of the replay.
    Accepted { ticket: String, replay: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    Passes,
    /// Failed with the signature seen at the failing revision.
    Reproduces,
    /// Failed with another signature: skipped in bisect.
    OtherFailure,
    /// Status 125, a time-out (unless the incident is a hang) or a sandbox error.
    CannotTest,
}

impl ReplayOutcome {
    pub const ALL: [Self; 4] = [Self::Passes, Self::Reproduces, Self::OtherFailure, Self::CannotTest];
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayRun {
    pub commit: CommitId,
    /// Whether something other than the commit's own files was tested (a candidate fix, a set of hunks).
    pub patched: bool,
    /// Whether tracers ran inside of it. Such a run shows what was executed and proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traced: bool,
    pub outcome: ReplayOutcome,
    pub duration_ms: u64,
}

impl ReplayRun {
    /// Whether the commit was executed as it is and without tracers: only then the outcome says something about it.
    pub fn is_plain(&self) -> bool {
        !self.patched && !self.traced
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BisectSummary {
    /// Candidate commits.
    pub range: u32,
    /// Executions spent after the first reproduction, repeats and checks included.
    pub runs: u32,
    pub skipped: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SimilarIncident {
    pub incident_id: IncidentId,
    pub score: f64,
    pub why: Vec<String>,
    pub proof: Proof,
    pub approval: Approval,
    pub recheck: CheckResult,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Struck {
    pub claim: String,
    pub because: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    pub sessions: u64,
    pub users: u64,
    pub routes: Vec<String>,
    #[serde(default, deserialize_with = "deserialize_stored")]
    pub first_seen: Option<Timestamp>,
    #[serde(default, deserialize_with = "deserialize_stored")]
    pub last_seen: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// `playbook` or the model's name.
    pub planner: String,
    /// Why the playbook took over, when it did.
    pub fell_back: Option<String>,
    /// Template id to content hash.
    pub prompts: BTreeMap<String, String>,
    pub input_tokens: u64,
    pub cached_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd: f64,
    pub tool_calls: u32,
    pub steps: u32,
    pub wall_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Escalation {
    /// Whom to ask, from CODEOWNERS and blame.
    pub to: String,
    pub because: String,
    /// What would make the answer better, most useful first.
    pub missing: Vec<String>,
}
