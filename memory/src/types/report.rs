/*!
`millwright.report/1`: what an investigation answers. This module is the schema; `millwright schema report`
prints it. Absent parts are `null` or `[]`, never left out, so no field here is skipped when serialising.
*/

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, EvidenceId};
use super::resolution::{Approval, Proof};

pub const REPORT_SCHEMA: &str = "millwright.report/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `millwright.report/1`.
    pub schema: String,
    pub id: String,
    pub incident_id: String,
    pub verdict: Verdict,
    pub summary: String,
    pub root_cause: Option<RootCause>,
    pub hypotheses: Vec<Hypothesis>,
    /// The first 20 at least, where the range has them, also when a replay has settled the cause.
    pub suspects: Vec<Suspect>,
    pub fix: Option<Fix>,
    /// Candidate fixes that were tried and did not hold.
    #[serde(default)]
    pub tried: Vec<TriedFix>,
    pub replay: Option<ReplaySummary>,
    pub similar: Vec<SimilarIncident>,
    /// Claims taken out because their evidence does not bear them.
    pub struck: Vec<Struck>,
    pub impact: Option<Impact>,
    pub evidence: Vec<Evidence>,
    pub usage: Usage,
    pub escalate: Option<Escalation>,
}

/// Declared best first; `rank` orders them for `--require`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A proven or confirmed resolution matched and was re-checked now.
    Known,
    /// Cause confirmed, the fix passes the replay, and something beyond the replay shows that the behaviour is right
    /// again: the project's tests, or the four-way check on neighbouring inputs.
    Verified,
    /// The replay fails at the culprit and passes at its parent, both really run.
    Confirmed,
    /// No replay; calibrated probability of the named cause at least .5.
    Probable,
    /// Says exactly what is missing and whom to ask.
    Inconclusive,
    NotAnIncident,
}

impl Verdict {
    /// Whether this verdict meets a `--require`d one. `not_an_incident` always does.
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
    /// 40 hex digits.
    pub commit: Option<String>,
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
    pub commit: String,
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
pub enum FixKind {
    Known,
    Revert,
    PartialRevert,
    Patch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    Pass,
    Fail,
    NotRun,
}

/// What comparing the project's tests with and without a fix showed. Only `pass` speaks for a fix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestsResult {
    /// Both sides ran to their end, at least one test ran, none newly fails and none is gone.
    Pass,
    /// A test fails with the fix that passes without it.
    Fail,
    /// Nothing names the single tests (exit statuses alone), or a test is gone.
    NotComparable,
    /// The tests did not run to their end on one side or both.
    CouldNotRun,
    #[default]
    NotRun,
}

impl TestsResult {
    pub fn as_str(self) -> &'static str {
        match self {
            TestsResult::Pass => "pass",
            TestsResult::Fail => "fail",
            TestsResult::NotComparable => "not_comparable",
            TestsResult::CouldNotRun => "could_not_run",
            TestsResult::NotRun => "not_run",
        }
    }
}

/// The comparison of the project's tests, test by test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TestsDetail {
    /// Tests that ran with the fix; skipped ones do not count.
    pub ran: u64,
    /// Tests that fail with the fix and pass without it, each repeated (bounded).
    pub newly_failing: Vec<String>,
    /// Tests that ran without the fix and do not run with it (bounded).
    pub removed: Vec<String>,
    /// Tests that came out differently when repeated, and so count for neither side (bounded).
    pub flaky: Vec<String>,
    /// The result, explained in one sentence.
    pub because: String,
}

/// What the four-way check showed: the parent of the culprit, the culprit, the failing revision and the fix, run on
/// inputs around the replay's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FourWay {
    /// Inputs that were run.
    pub inputs: u32,
    /// Inputs on which the history says what a right fix must do.
    pub deciding: u32,
    /// Deciding inputs on which the fix does something else.
    pub contradicted: u32,
    /// Inputs on which the fix keeps what the culprit changed in the way that the failure shows, which decides nothing.
    pub kept: u32,
    /// Deciding inputs besides the replay's own on which the fix restores what the culprit changed.
    pub restored: u32,
    /// The input that contradicts the fix, or one on which it held, with what was seen.
    pub example: Option<String>,
    /// What the fix changes besides the failure, because the culprit changed it on purpose (bounded).
    pub on_purpose: Vec<String>,
    /// Wall time of the check in milliseconds.
    pub wall_ms: u64,
}

impl FourWay {
    /// Deciding inputs that it takes to speak for a fix.
    pub const DECIDING: u32 = 5;

    /// Whether the check speaks for the fix: held on enough deciding inputs and contradicted on none.
    pub fn held(&self) -> bool {
        // A fix that keeps more of the culprit than it restores may have missed some of the fault.
        self.contradicted == 0 && self.deciding >= Self::DECIDING && self.kept <= self.restored
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    pub kind: FixKind,
    /// Unified diff against the failing revision.
    pub diff: String,
    pub proof: Proof,
    pub replay: CheckResult,
    pub tests: TestsResult,
    #[serde(default)]
    pub tests_detail: Option<TestsDetail>,
    /// What goes when this fix is applied, besides the fault: features, tests, later commits that build on it; what
    /// speaks of security first.
    #[serde(default)]
    pub takes_away: Vec<String>,
    #[serde(default)]
    pub four_way: Option<FourWay>,
    /// Whether it takes a security change back: then it is a stopgap at most.
    #[serde(default)]
    pub is_stopgap: bool,
    /// Of a known fix: what was run beyond the replay when it was proven. Nothing of it was run again.
    #[serde(default)]
    pub proven_then: Option<ProvenThen>,
}

impl Fix {
    /// A fix of which nothing is known yet.
    pub fn untested(kind: FixKind, diff: impl Into<String>) -> Self {
        Self {
            kind,
            diff: diff.into(),
            proof: Proof::None,
            replay: CheckResult::NotRun,
            tests: TestsResult::NotRun,
            tests_detail: None,
            takes_away: Vec::new(),
            four_way: None,
            is_stopgap: false,
            proven_then: None,
        }
    }

    /// Whether something beyond the replay shows that the behaviour is right again, and nothing speaks against it.
    pub fn holds_beyond_replay(&self) -> bool {
        let four_way = self.four_way.as_ref();
        let contradicted = four_way.is_some_and(|check| check.contradicted > 0);
        let tests_speak = self.tests == TestsResult::Pass;
        !contradicted
            && !self.is_stopgap
            && self.tests != TestsResult::Fail
            && (tests_speak || four_way.is_some_and(FourWay::held))
    }
}

/// What an earlier investigation ran beyond the replay to prove a fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenThen {
    /// The day, as `2026-11-29`.
    pub on: String,
    pub tests: TestsResult,
    #[serde(default)]
    pub tests_detail: Option<TestsDetail>,
    #[serde(default)]
    pub four_way: Option<FourWay>,
}

/// What was run beyond the replay when a fix was verified, as memory keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FixChecks {
    pub tests: TestsResult,
    pub tests_detail: Option<TestsDetail>,
    pub four_way: Option<FourWay>,
    pub takes_away: Vec<String>,
}

impl From<&Fix> for FixChecks {
    fn from(fix: &Fix) -> Self {
        let takes_away = fix.takes_away.clone();
        match &fix.proven_then {
            Some(then) => Self {
                tests: then.tests,
                tests_detail: then.tests_detail.clone(),
                four_way: then.four_way.clone(),
                takes_away,
            },
            None => Self {
                tests: fix.tests,
                tests_detail: fix.tests_detail.clone(),
                four_way: fix.four_way.clone(),
                takes_away,
            },
        }
    }
}

/// A candidate fix that was tried and did not hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedFix {
    pub kind: FixKind,
    /// Unified diff against the failing revision.
    pub diff: String,
    pub because: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Namespaces, Landlock and seccomp.
    Full,
    /// Landlock and seccomp, no namespaces.
    Reduced,
    /// Unsandboxed, because it was asked for.
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
}

/// The failure that the ticket tells, against the one that the replay shows at the failing revision.
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
    /// They differ, and a person said that the replay is what is meant.
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayRun {
    pub commit: String,
    /// Whether something other than the commit's own files was tested (a candidate fix, a set of hunks).
    pub patched: bool,
    pub outcome: ReplayOutcome,
    pub duration_ms: u64,
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
    pub incident_id: String,
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
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
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
