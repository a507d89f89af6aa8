/*!
What persons say about an incident: remarks and questions, to stop, and whether the answer was right.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use millwright_memory::store::{Actor, IncidentState, JobKind, MessageKind, StoreError};
use millwright_memory::types::Approval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incidents::json_of;
use crate::app::App;
use crate::auth::Principal;
use crate::http::{Id, Json, Problem};

/// Longest text of a message, in characters; runs take in half of it.
const MAX_TEXT_CHARS: usize = 8_000;

/// Longest note about a decision or a judgement, in characters.
const MAX_NOTE_CHARS: usize = 4_000;

/// A note that fits the audit log.
pub(super) fn fits(note: &str) -> Result<(), Problem> {
    match note.chars().count() <= MAX_NOTE_CHARS {
        true => Ok(()),
        false => Err(Problem::unprocessable("note must be at most 4000 characters")),
    }
}

/// A remark while the investigation runs, a question once it has ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewMessage")]
pub(crate) struct Said {
    #[schemars(length(min = 1, max = 8000), regex(pattern = r"[^\s\x85]"))]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MessageKept")]
pub(crate) struct Kept {
    id: String,
    /// `remark`: the run takes it in after its current step. `question`: the answer comes as a message.
    kind: &'static str,
}

pub(crate) async fn say(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    Json(said): Json<Said>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, json_of(&say_by(&app, &principal, id, &said.text).await?)))
}

/// Keeps what was said, whichever door it came by.
pub(crate) async fn say_by(
    app: &App,
    principal: &Principal,
    id: String,
    text: &str,
) -> Result<Kept, Problem> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS {
        return Err(Problem::unprocessable("text must be 1 to 8000 characters"));
    }
    let incident = app.store.get_incident(&id).await?;
    let (kind, name) = match incident.state {
        IncidentState::Queued | IncidentState::Running | IncidentState::AwaitingApproval => {
            (MessageKind::Remark, "remark")
        }
        IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled => {
            (MessageKind::Question, "question")
        }
    };
    let text = app.settings.redactor.for_run().redact(text).text;
    let message = app.store.put_message(&id, &principal.name, kind, &text).await?;
    app.stored(&id);
    app.work.notify_one();
    Ok(Kept { id: message.id, kind: name })
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cancelled")]
pub(crate) struct Stopped {
    id: String,
    /// `cancelled`: it had not begun. `stopping`: it reports what is known, then it is cancelled.
    state: &'static str,
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, json_of(&stop_by(&app, &principal, id).await?)))
}

/// Stops an investigation, whichever door that came by.
pub(crate) async fn stop_by(app: &App, principal: &Principal, id: String) -> Result<Stopped, Problem> {
    let incident = app.store.get_incident(&id).await?;
    let ended =
        matches!(incident.state, IncidentState::Done | IncidentState::Failed | IncidentState::Cancelled);
    if ended {
        return Err(Problem::conflict("the incident has ended already; there is nothing to stop"));
    }
    if app.store.get_job(JobKind::Investigate, &id).await?.is_none() {
        return Err(Problem::conflict(
            "this incident is investigated by another command, not by the service",
        ));
    }
    let state = match app.store.cancel_idle_job(&id).await? {
        true => "cancelled",
        false => {
            app.store.put_message(&id, &principal.name, MessageKind::Stop, "").await?;
            // A parked run has to be driven once more to report what it knows.
            app.store.wake_job(JobKind::Investigate, &id).await?;
            "stopping"
        }
    };
    app.store.put_on_record(principal.because(""), "cancel", &id, Some(&id), Some(state)).await?;
    app.stored(&id);
    app.work.notify_one();
    Ok(Stopped { id, state })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    verdict: Word,
    /// Why; kept in the audit log. `it was 1c1ed3b` names the commit that it was instead.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FeedbackVerdict")]
enum Word {
    Confirm,
    Reject,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FeedbackTaken")]
pub(crate) struct Judged {
    incident_id: String,
    resolution_id: String,
    /// `confirmed` or `rejected`.
    approval: &'static str,
    /// The commit that the note named as the cause instead (`it was 1c1ed3b`).
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<String>,
}

pub(crate) async fn judge(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    Json(feedback): Json<Feedback>,
) -> Result<impl IntoResponse, Problem> {
    fits(&feedback.note)?;
    let confirm = feedback.verdict == Word::Confirm;
    Ok(json_of(&judge_by(&app, &principal.name, id, None, confirm, &feedback.note).await?))
}

/// Confirms or rejects an answer, whichever door that came by: the most trusted one, or the one named.
pub(crate) async fn judge_by(
    app: &App,
    who: &str,
    id: String,
    resolution: Option<&str>,
    confirm: bool,
    note: &str,
) -> Result<Judged, Problem> {
    app.store.get_incident(&id).await?;
    let (approval, word) = match confirm {
        true => (Approval::Confirmed, "confirmed"),
        false => (Approval::Rejected, "rejected"),
    };
    let note = app.settings.redactor.for_run().redact(note).text;
    let judged = app.store.record_feedback(&id, resolution, approval, Actor { who, why: &note }).await;
    let judged = judged.map_err(|error| match error {
        StoreError::NotFound { .. } => Problem::conflict(
            "there is no resolution to confirm or reject: the investigation has not found a cause; a note such as \
             `it was 1c1ed3b` tells it",
        ),
        other => other.into(),
    })?;
    app.work.notify_one();
    app.stored(&id);
    let correction = judged.corrected_to().map(str::to_owned);
    let resolution_id = judged.resolution.or(judged.correction).map(|known| known.id).unwrap_or_default();
    Ok(Judged { incident_id: id, resolution_id, approval: word, correction })
}
