/*!
What the service keeps: arrivals and what became of them, the queue, messages and approvals, tokens, deployments
and notes in other systems. Plain data here, the statements in one file per table.
*/

mod approvals;
mod arrivals;
mod deployments;
mod files;
mod health;
mod jobs;
mod messages;
mod notes;
mod outcomes;
mod reopening;
mod sessions;
mod stream;
mod threads;
mod tokens;
mod views;

#[cfg(test)]
#[path = "loops_tests.rs"]
mod loops_tests;
#[cfg(test)]
#[path = "page_tests.rs"]
mod page_tests;
#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;

pub use approvals::Approving;
pub use files::{RemoteFile, WantedFile};
pub use health::{DoorHealth, TroubledNote};
pub(super) use jobs::set_state;
pub(super) use notes::wake as wake_notes;
pub use outcomes::CameBack;
pub use sessions::PageSession;
pub use stream::{Position, StreamEvent};
pub use threads::SaidThere;
pub use views::Answered;

use serde::{Deserialize, Serialize};

use super::{IncidentState, NewIncident};
use crate::types::Verdict;

/// Something that came in by a door and may become an incident.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub incident: NewIncident,
    /// Its own id in the system it came from, with the system before it: a second one with it changes nothing.
    pub delivery: Option<String>,
    /// What makes two arrivals one incident: any of these in common. None joins nothing.
    pub correlation: Vec<String>,
    /// The other side says that it is over: annotates, never opens.
    pub resolved: bool,
    /// Where a note about the outcome is wanted: system and its own name of the ticket.
    pub note: Option<(String, String)>,
    /// Files that hang on it in its system.
    pub files: Vec<RemoteFile>,
    /// Who brought it, for the audit.
    pub by: String,
}

/// What became of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    Opened(String),
    /// One incident more than once reported.
    Joined(String),
    /// Delivered before; the incident it belongs to, if any.
    Again(Option<String>),
    Resolved(String),
    /// Over before it was ever reported here.
    Ignored,
}

impl Arrived {
    pub fn incident(&self) -> Option<&str> {
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
    pub received_at: String,
    pub effect: String,
    pub title: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Investigate,
    Note,
    /// A question about an incident; the subject is the message.
    Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    /// For a person's consent.
    Waiting,
    Done,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    pub kind: JobKind,
    pub subject: String,
    pub incident_id: String,
    pub state: JobState,
    pub due_at: String,
    pub attempts: i64,
    pub failures: i64,
    /// How often its worker died, or was not heard of, while it had the job.
    pub lost: i64,
    pub holder: Option<String>,
    pub lease_until: Option<String>,
    pub error: Option<String>,
    pub plan: Option<serde_json::Value>,
    /// When its incident was opened again: reports from before do not end it.
    pub reopened_at: Option<String>,
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
pub struct Message {
    pub id: String,
    pub incident_id: String,
    pub at: String,
    pub author: String,
    pub kind: MessageKind,
    pub body: String,
    pub taken_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub service: String,
    pub environment: String,
    pub revision: String,
    pub at: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: String,
    pub name: String,
    pub role: String,
    pub created_at: String,
    pub created_by: String,
    pub expires_at: Option<String>,
    pub revoked_at: Option<String>,
    pub last_used_at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    Wanted,
    /// It was about to be sent; whether it arrived is not known.
    Sending,
    Sent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Also the marker in the other system.
    pub id: String,
    pub incident_id: String,
    pub system: String,
    pub target: String,
    pub state: NoteState,
    pub remote_id: Option<String>,
    pub sent_sha256: Option<String>,
}

/// What a list of incidents is narrowed to.
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
    pub after: Option<String>,
    pub limit: u32,
}

/// One line of a list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentLine {
    pub id: String,
    pub title: String,
    pub state: IncidentState,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub release: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    /// Of the newest report.
    pub verdict: Option<Verdict>,
}
