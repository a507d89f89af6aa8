/*!
The vocabulary shared by all crates. Plain data: no IO, no behaviour beyond what the data itself implies.
*/

mod evaluation;
mod evidence;
mod learning;
mod report;
mod resolution;
mod ticket;
mod trace;

pub use evaluation::{Evaluation, KeptEvaluation, KeyFigure};
pub use evidence::{Evidence, EvidenceDraft, EvidenceId, EvidenceSource, Locator};
pub use learning::{
    LearnedWeights, LearningFigures, Precedent, RankingSample, SampledCandidate, WeightMove, WeightVersion,
};
pub use report::*;
pub use resolution::{Approval, FailedFix, Outcome, Proof, Resolution};
pub use ticket::{
    ErrorMessage, FailingTest, Fingerprint, ParsedTicket, TestFramework, TicketContext, TicketFormat,
};
pub use trace::{ExceptionInfo, Frame, Language, LineSpan, MappedFrame, StackTrace};
