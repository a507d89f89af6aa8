/*!
Notes in the ticket that an incident came from: that it is looked into, and what was found. The intent is stored
before one is sent; when the outcome is unknown, the note is looked for by its marker in the other system before
anything is written again. So a note exists once, however often we die.
*/

mod systems;
pub(crate) mod text;

use std::sync::Arc;

use millwright_memory::store::{IncidentState, Job, JobState, Note, NoteState, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::outward::SendError;
use crate::page::Links;
use crate::slack;
use crate::worker::{Holder, rest};

use systems::Client;

/// A note that failed so often is given up.
const MOST_FAILURES: i64 = 12;

#[derive(Debug, thiserror::Error)]
enum NoteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
}

pub(crate) async fn work(app: &Arc<App>, holder: &Holder, job: &Job) {
    let settled = match write(app, &job.subject).await {
        // Where there was news meanwhile, the store queues it again.
        Ok(()) => {
            app.store.settle_job(&job.id, holder.as_str(), JobState::Done, None, None).await.map(|_| ())
        }
        Err(error) => {
            app.metrics.note("failed");
            let (wait, final_) = match &error {
                NoteError::Send(SendError::Later(wait)) => (*wait, false),
                NoteError::Send(SendError::Refused(_)) => (rest(job.failures), job.failures + 1 >= 3),
                _ => (rest(job.failures), job.failures + 1 >= MOST_FAILURES),
            };
            let text = app.settings.redactor.for_run().redact(&error.to_string()).text;
            tracing::warn!(note = %job.subject, error = %text, "a note could not be written");
            match final_ {
                true => {
                    let failed = JobState::Failed;
                    app.store
                        .settle_job(&job.id, holder.as_str(), failed, Some(&text), None)
                        .await
                        .map(|_| ())
                }
                false => app.store.return_job(&job.id, holder.as_str(), wait, Some(&text)).await.map(|_| ()),
            }
        }
    };
    if let Err(error) = settled {
        tracing::error!(note = %job.subject, %error, "how a note ended could not be stored");
    }
}

/// What a note says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    pub(crate) text: String,
    /// As Slack shows it.
    pub(crate) blocks: Option<Value>,
}

impl Content {
    fn hash(&self) -> String {
        let blocks = self.blocks.as_ref().map_or(String::new(), Value::to_string);
        hex::encode(Sha256::digest(format!("{}{blocks}", self.text)))
    }
}

/// What the note should say and its hash, when that is not what it says already.
async fn due(app: &App, note: &Note) -> Result<Option<(Content, String)>, StoreError> {
    let content = match note.system.as_str() {
        slack::NAME => slack::content(app, note).await?,
        _ => in_ticket(app, note).await?,
    };
    let Some(content) = content else { return Ok(None) };
    let hash = content.hash();
    let same = note.state == NoteState::Sent && note.sent_sha256.as_deref() == Some(&hash);
    Ok((!same).then_some((content, hash)))
}

async fn in_ticket(app: &App, note: &Note) -> Result<Option<Content>, StoreError> {
    let incident = app.store.get_incident(&note.incident_id).await?;
    let over =
        matches!(incident.state, IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled);
    // Where a note cannot be changed, only the last word is worth one.
    let once = note.system == "zendesk";
    if once && (!over || note.state == NoteState::Sent) {
        return Ok(None);
    }
    let report = match app.store.list_reports(&incident.id).await?.into_iter().next() {
        Some(newest) => Some(app.store.get_report(&newest.id).await?),
        None => None,
    };
    let public_url = app.settings.public_url.as_deref();
    let links = match public_url.filter(|_| over && report.is_some()) {
        Some(url) => Links::of(app, &incident.id, url).await?,
        None => None,
    };
    let was_not_it = text::was_not_it(&app.store.resolutions(&incident.id).await?);
    let text = text::note(&incident, report.as_ref(), public_url, links.as_ref(), was_not_it);
    Ok(Some(Content { text, blocks: None }))
}

/// Whoever keeps the note.
enum System<'a> {
    Ticket(Client<'a>),
    Slack(slack::api::Api<'a>),
}

impl<'a> System<'a> {
    fn of(app: &'a App, note: &Note) -> Result<Self, SendError> {
        if note.system != slack::NAME {
            return Client::of(app, note).map(Self::Ticket);
        }
        let set_up = app.settings.slack.as_ref();
        let set_up = set_up.ok_or_else(|| SendError::NotSetUp("channels.slack".to_owned()))?;
        Ok(Self::Slack(slack::api::Api::new(set_up, app.http()?)))
    }

    async fn find(&self, note: &Note) -> Result<Option<String>, SendError> {
        match self {
            Self::Ticket(client) => client.find(note).await,
            Self::Slack(api) => api.find(note).await,
        }
    }

    async fn create(&self, note: &Note, content: &Content) -> Result<String, SendError> {
        match self {
            Self::Ticket(client) => client.create(note, &text::marked(&content.text, &note.id)).await,
            Self::Slack(api) => {
                api.create(note, &content.text, content.blocks.as_ref().unwrap_or(&Value::Null)).await
            }
        }
    }

    async fn update(&self, note: &Note, remote: &str, content: &Content) -> Result<(), SendError> {
        match self {
            Self::Ticket(client) => client.update(note, remote, &text::marked(&content.text, &note.id)).await,
            Self::Slack(api) => {
                api.update(note, remote, &content.text, content.blocks.as_ref().unwrap_or(&Value::Null)).await
            }
        }
    }
}

async fn write(app: &Arc<App>, id: &str) -> Result<(), NoteError> {
    let note = app.store.get_note(id).await?;
    let Some((content, hash)) = due(app, &note).await? else { return Ok(()) };
    let system = System::of(app, &note)?;
    let mut remote = note.remote_id.clone();
    if remote.is_none() && note.state == NoteState::Sending {
        // It may have arrived. Until that is known, nothing is sent.
        remote = system.find(&note).await?;
        app.metrics.note(if remote.is_some() { "found" } else { "lost" });
        if let Some(found) = &remote {
            app.store.set_note(&note.id, NoteState::Sending, Some(found), None).await?;
            if note.system == "zendesk" {
                app.store.set_note(&note.id, NoteState::Sent, Some(found), Some(&hash)).await?;
                return Ok(());
            }
        }
    }
    app.store.set_note(&note.id, NoteState::Sending, None, None).await?;
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
                    app.store.set_note(&note.id, NoteState::Wanted, None, None).await?;
                }
                return Err(error.into());
            }
        },
    };
    app.store.set_note(&note.id, NoteState::Sent, Some(&remote), Some(&hash)).await?;
    Ok(())
}
