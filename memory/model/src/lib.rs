/*!
The vocabulary that all crates share. Plain data: no IO, and no behaviour beyond what the data itself implies.
*/

mod audience;
mod deployment;
mod digest;
mod evaluation;
mod evidence;
mod fix;
mod ids;
mod incident;
mod incoming_report;
mod learning;
mod proof;
mod remote_file;
mod report;
mod resolution;
mod scope;
pub mod terminal_code;
mod ticket;
mod timestamp;
mod trace;

pub use audience::Audience;
pub use deployment::Deployment;
pub use digest::digest;
pub use evaluation::{Evaluation, KeptEvaluation, KeyFigure};
pub use evidence::{Evidence, EvidenceDraft, EvidenceId, EvidenceSource, Locator};
pub use fix::{
    CheckResult, FailedFix, Fix, FixChecks, FixKind, FourWay, ProvenThen, TestsDetail, TestsResult, TriedFix,
};
pub use ids::{
    AuditId, CommitId, DeliveryId, DeploymentId, EvaluationId, FileId, IncidentId, InvalidId, JobId,
    MessageId, NoteId, ProblemId, ReportId, RepositoryId, ResolutionId, RunId, TextId, id_or_blank,
};
pub use incident::{NewIncident, PastIncident, PastResolution};
pub use incoming_report::{IncomingReport, SHARED_KEY};
pub use learning::{
    LearnedWeights, LearningFigures, Precedent, RankingSample, SampledCandidate, SettledSample, WeightMove,
    WeightVersion,
};
pub use proof::{Approval, JudgingAuthority, Outcome, Proof};
pub use remote_file::RemoteFile;
pub use report::{
    BisectSummary, CauseKind, ChangedUnit, Escalation, ExecutedCode, FailureAgreement, Hypothesis,
    HypothesisStatus, Impact, Location, REPORT_SCHEMA, Reason, ReplayOutcome, ReplayRun, ReplaySummary,
    Report, RootCause, SandboxLevel, SimilarIncident, Struck, Suspect, TracePrecision, Usage, Verdict,
};
pub use resolution::{NewResolution, Resolution};
pub use scope::{ConversationId, InvalidName, RepositoryName, Scope, VisibleSet};
pub use ticket::{
    ErrorMessage, FailingTest, Fingerprint, ParsedTicket, TestFramework, TicketContext, TicketFormat,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use trace::{ExceptionInfo, Frame, Language, LineSpan, MappedFrame, StackTrace};
