/*!
What a thread is told, when there is something new to tell: the incident's one message, and replies to what people say.
*/

use millwright_agent::run::Event;
use millwright_memory::store::{IncidentState, MessageKind, Note, StoreError};

use super::api::Target;
use super::blocks::{self, Shown};
use crate::app::App;
use crate::notes::{Content, text};

const NOTED: &str = "Noted. The investigation takes it in after its current step.";

/// What this note should say now; `None` while there is nothing to say.
pub(crate) async fn content(app: &App, note: &Note) -> Result<Option<Content>, StoreError> {
    match Target::of(note).message {
        Some(message) => reply(app, message).await,
        None => incident(app, note).await.map(Some),
    }
}

async fn reply(app: &App, message: &str) -> Result<Option<Content>, StoreError> {
    let said = app.store.get_message(message).await?;
    let text = match said.kind {
        MessageKind::Question => match app.store.answer_to(message).await? {
            Some(answer) => answer.body,
            None => return Ok(None),
        },
        _ => NOTED.to_owned(),
    };
    Ok(Some(Content { blocks: Some(blocks::reply(&text)), text: blocks::fallback(&text) }))
}

async fn incident(app: &App, note: &Note) -> Result<Content, StoreError> {
    let store = &app.store;
    let incident = store.get_incident(&note.incident_id).await?;
    let report = match store.list_reports(&incident.id).await?.into_iter().next() {
        Some(newest) => Some(store.get_report(&newest.id).await?),
        None => None,
    };
    let step = match incident.state {
        IncidentState::Running => store.latest_plan(&incident.id).await?.and_then(|plan| told(&plan)),
        _ => None,
    };
    let asked = store.open_approvals(Some(&incident.id)).await?;
    let resolutions = store.resolutions(&incident.id).await?;
    let url = app.settings.public_url.as_deref().map(|url| text::address(url, &incident.id));
    let was_not_it = text::was_not_it(&resolutions);
    let told = text::note(&incident, report.as_ref(), app.settings.public_url.as_deref(), None, was_not_it);
    let shown = Shown {
        incident: &incident,
        report: report.as_ref(),
        note: &told,
        step: step.as_deref(),
        asked: &asked,
        resolution: resolutions.first(),
        url: url.as_deref(),
    };
    Ok(Content { blocks: Some(blocks::incident(&shown)), text: blocks::fallback(&told) })
}

/// A plan's own words, and the tools it calls.
fn told(plan: &serde_json::Value) -> Option<String> {
    let Ok(Event::Planned { note, calls, .. }) = serde_json::from_value(plan.clone()) else { return None };
    let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    let tools: Vec<&str> = calls.iter().take(5).map(|call| call.name.as_str()).collect();
    match (note.trim().is_empty(), tools.is_empty()) {
        (false, _) => Some(note),
        (true, false) => Some(tools.join(", ")),
        (true, true) => None,
    }
}
