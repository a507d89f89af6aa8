/*!
Notes in the ticket that an incident came from: that it is being investigated, and what was found. The intent is stored
before a note is sent. When the outcome is unknown, the service looks for the note in the other system by its marker
before it writes again. So a note exists once, no matter how often the process dies.
*/

use std::sync::Arc;
use std::time::Instant;

use millwright_agent::lease_holder::LeaseHolder;
use millwright_integrations::chat::{ChatApi, NAME as CHAT};
use millwright_integrations::integration;
use millwright_integrations::note_text::NoteText;
use millwright_integrations::outbound_http::SendError;
use millwright_integrations::ticket_client::{NoteTarget, TicketApi, TicketClient};
use millwright_model::{Audience, NoteId};
use millwright_store::{Incident, IncidentState, Job, JobState, Note, NoteState, StoreError, is_transient};
use millwright_tools::CancelFlag;
use sha2::{Digest, Sha256};

use crate::app::{ServiceState, millis};
use crate::chat;
use crate::incident_note;
use crate::jobs::{persist, retry_backoff};
use crate::judge_links::JudgeLinks;

/// Failures after which a note is given up.
const MOST_FAILURES: i64 = 12;

#[derive(Debug, thiserror::Error)]
enum NoteError {
    // Not transparent: it stays in the chain, where `is_transient` looks for it.
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
}

pub(crate) async fn work(app: &Arc<ServiceState>, holder: &LeaseHolder, job: &Job, stop: &CancelFlag) {
    let begun = Instant::now();
    let (id, note) = (&job.id, &job.subject);
    let error = match due_note(app, job).await {
        // If there was news meanwhile, the store queues the note again.
        Ok(done) => {
            if let Some(done) = done {
                tracing::info!(event = "note.written", incident = %job.incident_id, job = %id, note = %note,
                    outcome = done, duration_ms = millis(begun), "note written");
            }
            persist(id, stop, || app.own_store.settle_job(id, holder.as_str(), JobState::Done, None, None))
                .await;
            return;
        }
        Err(error) => error,
    };
    let text = app.settings.redactor.for_run().redact(&error.to_string()).text;
    // An unavailable store does not count as a failure of the note.
    if is_transient(&error) {
        tracing::warn!(note = %note, error = %text, "a note waits for the store");
        persist(id, stop, || app.own_store.return_job(id, holder.as_str(), retry_backoff(0), None)).await;
        return;
    }
    app.metrics.note("failed");
    let (wait, is_last) = match &error {
        NoteError::Send(SendError::Later(wait)) => (*wait, false),
        NoteError::Send(SendError::Refused(_)) => (retry_backoff(job.failures), job.failures + 1 >= 3),
        _ => (retry_backoff(job.failures), job.failures + 1 >= MOST_FAILURES),
    };
    tracing::warn!(event = "note.failed", incident = %job.incident_id, job = %id, note = %note,
        failures = job.failures + 1, error = %text, "a note could not be written");
    match is_last {
        true => {
            let settle =
                || app.own_store.settle_job(id, holder.as_str(), JobState::Failed, Some(&text), None);
            persist(id, stop, settle).await;
        }
        false => {
            persist(id, stop, || app.own_store.return_job(id, holder.as_str(), wait, Some(&text))).await;
        }
    }
}

/// The content of a note.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NoteContent {
    Ticket(NoteText),
    Chat(chat::ChatMessage),
}

impl NoteContent {
    fn hash(&self) -> String {
        let told = match self {
            Self::Ticket(text) => text.plain(),
            Self::Chat(message) => format!("{}{}", message.text, message.blocks),
        };
        hex::encode(Sha256::digest(told))
    }
}

/// The text that the note should have and its hash, when the note has another text now.
async fn due(
    app: &ServiceState,
    note: &Note,
    incident: &Incident,
) -> Result<Option<(NoteContent, String)>, StoreError> {
    if !may_be_told(note.audience, incident.audience) {
        return Ok(None);
    }
    let content = match note.system.as_str() {
        CHAT => chat::content(app, note, incident).await?.map(NoteContent::Chat),
        _ => in_ticket(app, note, incident).await?,
    };
    let Some(content) = content else { return Ok(None) };
    let hash = content.hash();
    let same = note.state == NoteState::Sent && note.sent_sha256.as_deref() == Some(&hash);
    Ok((!same).then_some((content, hash)))
}

async fn in_ticket(
    app: &ServiceState,
    note: &Note,
    incident: &Incident,
) -> Result<Option<NoteContent>, StoreError> {
    let over = incident.state.is_over();
    // Where a note cannot be changed, only the final result is worth a note.
    let once = tickets_of(note).is_some_and(|api| !api.can_update());
    if once && (!over || note.state == NoteState::Sent) {
        return Ok(None);
    }
    let report = match app.own_store.list_reports(&incident.id).await?.into_iter().next() {
        Some(newest) => Some(app.own_store.get_report(&newest.id).await?),
        None => None,
    };
    let public_url = app.settings.public_url.as_deref();
    let inside = note.audience == Audience::Internal && incident.audience == Audience::Internal;
    let links = match public_url.filter(|_| over && inside && report.is_some()) {
        Some(url) => JudgeLinks::of(app, &incident.id, url).await?,
        None => None,
    };
    let fix_refuted = incident_note::fix_refuted(&app.own_store.resolutions(&incident.id).await?);
    let text = incident_note::note(incident, report.as_ref(), public_url, links.as_ref(), fix_refuted);
    Ok(Some(NoteContent::Ticket(text)))
}

/// Whether the readers of a note may see its incident. An earlier version let a report join an incident that its own readers
/// may not see.
fn may_be_told(of_note: Audience, of_incident: Audience) -> bool {
    of_note == of_incident || of_note.may_read(of_incident)
}

/// The API for the tickets of a note's system.
fn tickets_of(note: &Note) -> Option<&'static dyn TicketApi> {
    integration(&note.system).and_then(|integration| integration.tickets())
}

/// A note as its system knows it.
pub(crate) fn target(note: &Note) -> NoteTarget<'_> {
    NoteTarget { ticket: &note.target, marker: note.id.as_str() }
}

/// The system that holds the note.
enum System<'a> {
    Ticket(TicketClient<'a>),
    Chat(ChatApi<'a>),
}

impl<'a> System<'a> {
    fn of(app: &'a ServiceState, note: &Note) -> Result<Self, SendError> {
        if note.system == CHAT {
            return chat::api(app).map(Self::Chat);
        }
        let connection = app.settings.tickets.get(&note.system);
        let (api, connection) = tickets_of(note)
            .zip(connection)
            .ok_or_else(|| SendError::NotSetUp(format!("connectors.{}", note.system)))?;
        Ok(Self::Ticket(TicketClient::new(api, connection, app.http()?)))
    }

    async fn find(&self, note: &Note) -> Result<Option<String>, SendError> {
        match self {
            Self::Ticket(client) => client.find(target(note)).await,
            Self::Chat(api) => api.find(target(note)).await,
        }
    }

    async fn create(&self, note: &Note, content: &NoteContent) -> Result<String, SendError> {
        match (self, content) {
            (Self::Ticket(client), NoteContent::Ticket(text)) => client.create(target(note), text).await,
            (Self::Chat(api), NoteContent::Chat(message)) => {
                api.create(target(note), &message.text, &message.blocks).await
            }
            _ => Err(SendError::NotSetUp(note.system.clone())),
        }
    }

    async fn update(&self, note: &Note, remote: &str, content: &NoteContent) -> Result<(), SendError> {
        match (self, content) {
            (Self::Ticket(client), NoteContent::Ticket(text)) => {
                client.update(target(note), remote, text).await
            }
            (Self::Chat(api), NoteContent::Chat(message)) => {
                api.update(target(note), remote, &message.text, &message.blocks).await
            }
            _ => Err(SendError::NotSetUp(note.system.clone())),
        }
    }

    /// Whether a note can be changed after it was written.
    fn can_update(&self) -> bool {
        match self {
            Self::Ticket(client) => client.can_update(),
            Self::Chat(_) => true,
        }
    }
}

async fn due_note(app: &Arc<ServiceState>, job: &Job) -> Result<Option<&'static str>, NoteError> {
    write(app, &job.note()?).await
}

/// Writes the note if it is due and returns what was done, for the log; `None` for the progress of a run, which changes
/// every few seconds.
async fn write(app: &Arc<ServiceState>, id: &NoteId) -> Result<Option<&'static str>, NoteError> {
    let note = app.own_store.get_note(id).await?;
    // Read once for the whole note, so that its parts show the same moment; later changes make the note due again.
    let incident = app.own_store.get_incident(&note.incident_id).await?;
    let Some((content, hash)) = due(app, &note, &incident).await? else { return Ok(None) };
    let system = System::of(app, &note)?;
    let mut remote = note.remote_id.clone();
    if remote.is_none() && note.state == NoteState::Sending {
        // The note may have arrived. Until that is known, nothing is sent.
        remote = system.find(&note).await?;
        app.metrics.note(if remote.is_some() { "found" } else { "lost" });
        if let Some(found) = &remote {
            app.own_store.set_note(&note.id, NoteState::Sending, Some(found), None).await?;
            if !system.can_update() {
                app.own_store.set_note(&note.id, NoteState::Sent, Some(found), Some(&hash)).await?;
                return Ok(Some("found"));
            }
        }
    }
    app.own_store.set_note(&note.id, NoteState::Sending, None, None).await?;
    let is_first = remote.is_none();
    let remote = match remote {
        Some(remote) => {
            system.update(&note, &remote, &content).await?;
            app.metrics.note("updated");
            remote
        }
        None => match system.create(&note, &content).await {
            Ok(remote) => {
                app.metrics.note("created");
                remote
            }
            Err(error) => {
                if error.certainly_not_done() {
                    app.own_store.set_note(&note.id, NoteState::Wanted, None, None).await?;
                }
                return Err(error.into());
            }
        },
    };
    app.own_store.set_note(&note.id, NoteState::Sent, Some(&remote), Some(&hash)).await?;
    if is_first {
        return Ok(Some("created"));
    }
    let under_way = matches!(incident.state, IncidentState::Queued | IncidentState::Running);
    Ok((!under_way).then_some("updated"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_others_read_is_not_told_what_is_internal() {
        use Audience::{Internal, Public, Unknown};
        for (of_note, told) in [
            (Internal, [true, true, true]),
            // Its own incident, and what everyone may read.
            (Unknown, [false, true, true]),
            (Public, [false, false, true]),
        ] {
            assert_eq!(
                Audience::ALL.map(|of_incident| may_be_told(of_note, of_incident)),
                told,
                "{of_note:?}"
            );
        }
    }
}
