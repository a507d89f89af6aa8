/*!
The use cases of every channel, independent of transport and vendor: report an incident, comment on it, judge its answer,
decide about a call that waits for consent, stop, reword, forget, record a deployment; ask for the history
of a code unit. HTTP, pages, the chat and the
command line call these functions, so that the same rules hold in every channel.

Nothing here knows a status, a header or a form: a failure is a [`UseCaseError`], which each channel presents in its own
way.
*/

mod audit_note;
mod caller;
mod decide;
mod delivery_key;
mod error;
mod forget;
mod history;
mod judge;
mod notifier;
mod placement;
mod record_deployment;
mod report;
mod report_intake;
mod reword;
mod say;
mod stop;
#[cfg(test)]
mod testing;
mod use_cases;
#[cfg(test)]
mod use_cases_tests;

pub use audit_note::MAX_NOTE_CHARS;
pub use caller::{Principal, TokenRole};
pub use delivery_key::DeliveryKey;
pub use error::UseCaseError;
pub use history::{
    CodeHistory, HistoryCommit, HistoryRequest, MAX_HISTORY, MAX_HISTORY_OFFSET, code_history,
};
pub use judge::{AnswerJudgement, JudgementEffect, JudgementResult};
pub use notifier::{IncidentNotifier, SilentNotifier};
pub use placement::{CodeLocation, CodeLocations, UnplacedReason};
pub use report::{ChannelReport, IncidentReport, ReportAttachment, ReportResult};
pub use report_intake::{ReportIntake, ingest_effect};
pub use reword::{MAX_STATEMENT_CHARS, StatementChange, statement_version};
pub use say::{MessageResult, ThreadMessage};
pub use stop::StopResult;
pub use use_cases::UseCases;
