/*!
The queue: jobs, notes in other systems (each written by a job of its own), and turns at periodic work. Every change
of an incident makes its notes due in the same transaction, so the queue does not depend on who asks.
*/

pub(crate) mod jobs;
pub(crate) mod notes;
mod periodic;

use millwright_model::{Audience, IncidentId, JobId, MessageId, NoteId, TextId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::StoreError;

pub(crate) use jobs::set_state;
pub(crate) use notes::wake as wake_notes;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Investigate,
    Note,
    /// A question about an incident; the subject is the message.
    Answer,
}

impl JobKind {
    pub const ALL: [Self; 3] = [Self::Investigate, Self::Note, Self::Answer];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    /// Waits for a person's consent.
    Waiting,
    Done,
    Failed,
    Cancelled,
}

impl JobState {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Done, Self::Failed, Self::Cancelled];
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub subject: String,
    pub incident_id: IncidentId,
    pub state: JobState,
    pub due_at: Timestamp,
    pub attempts: i64,
    pub failures: i64,
    /// How often its worker died, or was not heard from, while it had the job.
    pub lost: i64,
    pub holder: Option<String>,
    pub lease_until: Option<Timestamp>,
    pub error: Option<String>,
    pub plan: Option<serde_json::Value>,
    /// When its incident was opened again: earlier reports do not end the job.
    pub reopened_at: Option<Timestamp>,
}

impl Job {
    /// The note that a job of kind `note` is to write.
    ///
    /// # Errors
    /// When the job is of another kind.
    pub fn note(&self) -> Result<NoteId, StoreError> {
        self.subject_as()
    }

    /// The question that a job of kind `answer` is to answer.
    ///
    /// # Errors
    /// When the job is of another kind.
    pub fn question(&self) -> Result<MessageId, StoreError> {
        self.subject_as()
    }

    fn subject_as<T: TextId>(&self) -> Result<T, StoreError> {
        T::try_from(self.subject.clone()).map_err(|error| StoreError::Unreadable {
            what: "the subject of a job",
            id: self.id.to_string(),
            detail: error.to_string(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    Wanted,
    /// The note was about to be sent; whether it arrived is not known.
    Sending,
    Sent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Also the marker in the other system.
    pub id: NoteId,
    pub incident_id: IncidentId,
    pub system: String,
    pub target: String,
    /// Who reads the note there.
    pub audience: Audience,
    pub state: NoteState,
    pub remote_id: Option<String>,
    pub sent_sha256: Option<String>,
}
