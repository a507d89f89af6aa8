/*!
The data of the service: incoming reports and their results, messages and approvals, tokens and deployments. Plain
data here; the statements are in one file per table.
*/

mod approvals;

mod deployments;
mod files;
mod health;
mod ingest;
mod messages;
mod outcomes;
mod related;
mod reopening;
mod sessions;
mod stream;
mod threads;
mod tokens;
mod views;

#[cfg(test)]
#[path = "audience_tests.rs"]
mod audience_tests;
#[cfg(test)]
#[path = "loops_tests.rs"]
mod loops_tests;
#[cfg(test)]
#[path = "page_tests.rs"]
mod page_tests;
#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;

pub use approvals::ApprovalRequest;
pub use files::WantedFile;
pub use health::{ChannelHealth, TroubledNote};
pub use messages::MESSAGES_AT_ONCE;
pub use outcomes::Recurrence;
pub use sessions::StoredSession;
pub use stream::{StreamEvent, StreamPosition};
pub use threads::IncomingThreadMessage;
pub use views::AnsweredIncident;

use millwright_model::{
    IncidentId, IncomingReport, MessageId, RepositoryName, SHARED_KEY, Timestamp, Verdict, VisibleSet,
};
use serde::{Deserialize, Serialize};

use super::IncidentState;

/// The result of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestResult {
    Opened(IncidentId),
    /// A further report of this incident.
    Joined(IncidentId),
    /// Delivered before; the incident it belongs to, if any.
    Again(Option<IncidentId>),
    Resolved(IncidentId),
    /// Resolved before it was ever reported here.
    Ignored,
}

impl IngestResult {
    pub fn incident(&self) -> Option<&IncidentId> {
        match self {
            Self::Opened(id) | Self::Joined(id) | Self::Resolved(id) | Self::Again(Some(id)) => Some(id),
            Self::Again(None) | Self::Ignored => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: String,
    pub source: String,
    pub received_at: Timestamp,
    pub effect: String,
    pub title: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    Remark,
    Decision,
    Stop,
    Question,
    Answer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentMessage {
    pub id: MessageId,
    pub incident_id: IncidentId,
    pub at: Timestamp,
    pub author: String,
    pub kind: MessageKind,
    pub body: String,
    pub taken_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    pub id: String,
    pub name: String,
    pub role: String,
    /// The repositories whose incidents exist for the token.
    pub repositories: VisibleSet<RepositoryName>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Filters for a list of incidents.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    pub state: Option<IncidentState>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub source: Option<String>,
    pub external_id: Option<String>,
    /// Words in the title.
    pub title: Option<String>,
    /// Continue after this incident (exclusive), newest first.
    pub after: Option<IncidentId>,
    pub limit: u32,
}

/// One line of a list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentLine {
    pub id: IncidentId,
    pub title: String,
    pub state: IncidentState,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub release: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The verdict of the newest report.
    pub verdict: Option<Verdict>,
}
