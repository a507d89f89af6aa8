/*!
The messages in a thread when there is news: the one message of the incident, and replies to what people say.
*/

use millwright_agent::run::RunEvent;
use millwright_integrations::slack::api::SlackTarget;
use millwright_integrations::slack::blocks::{self, ConsentRequest, IncidentCard};
use millwright_model::{MessageId, Report, Resolution};
use millwright_store::{ApprovalRequest, Incident, IncidentState, MessageKind, Note, StoreError};
use serde_json::Value;

use crate::app::ServiceState;
use crate::incident_note;

const NOTED: &str = "Noted. The investigation reads it after its current step.";

/// A message in a thread; the text is shown where blocks cannot be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChatMessage {
    pub(crate) text: String,
    pub(crate) blocks: Value,
}

/// The current content of this note; `None` while there is nothing to say.
pub(crate) async fn content(
    app: &ServiceState,
    note: &Note,
    about: &Incident,
) -> Result<Option<ChatMessage>, StoreError> {
    match SlackTarget::of(&note.target).message {
        Some(message) => reply(app, message).await,
        None => incident(app, about).await.map(Some),
    }
}

async fn reply(app: &ServiceState, message: &str) -> Result<Option<ChatMessage>, StoreError> {
    let Ok(message) = &MessageId::parse(message) else { return Ok(None) };
    let said = app.own_store.get_message(message).await?;
    let text = match said.kind {
        MessageKind::Question => match app.own_store.answer_to(message).await? {
            Some(answer) => answer.body,
            None => return Ok(None),
        },
        _ => NOTED.to_owned(),
    };
    Ok(Some(ChatMessage { blocks: blocks::reply(&text), text: blocks::fallback(&text) }))
}

async fn incident(app: &ServiceState, incident: &Incident) -> Result<ChatMessage, StoreError> {
    let store = &app.own_store;
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
    let url = app.settings.public_url.as_deref().map(|url| incident_note::address(url, &incident.id));
    let fix_refuted = incident_note::fix_refuted(&resolutions);
    let told =
        incident_note::note(incident, report.as_ref(), app.settings.public_url.as_deref(), None, fix_refuted)
            .plain();
    let shown = ShownIncident {
        incident,
        report: report.as_ref(),
        note: &told,
        step: step.as_deref(),
        asked: &asked,
        resolution: resolutions.first(),
        url: url.as_deref(),
    };
    Ok(ChatMessage { blocks: shown.blocks(), text: blocks::fallback(&told) })
}

/// The facts about an incident that its message may show.
#[derive(Clone, Copy)]
pub(super) struct ShownIncident<'a> {
    pub(super) incident: &'a Incident,
    pub(super) report: Option<&'a Report>,
    pub(super) note: &'a str,
    pub(super) step: Option<&'a str>,
    pub(super) asked: &'a [ApprovalRequest],
    pub(super) resolution: Option<&'a Resolution>,
    pub(super) url: Option<&'a str>,
}

impl ShownIncident<'_> {
    /// The message of the incident. It shows a step while the run is in progress, and the calls that need consent while the
    /// run waits.
    pub(super) fn blocks(&self) -> Value {
        let Incident { id, state, ticket, .. } = self.incident;
        let waits = *state == IncidentState::AwaitingApproval;
        let asked = self.asked.iter().filter(|_| waits);
        let asked: Vec<ConsentRequest<'_>> = asked
            .map(|asked| ConsentRequest {
                id: asked.id.as_str(),
                tool: &asked.tool,
                arguments: &asked.arguments,
            })
            .collect();
        blocks::incident(&IncidentCard {
            id: id.as_str(),
            title: &ticket.title,
            is_over: state.is_over(),
            report: self.report,
            note: self.note,
            step: self.step.filter(|_| *state == IncidentState::Running),
            asked: &asked,
            resolution: self.resolution,
            url: self.url,
        })
    }
}

/// The text of a plan, and the tools it calls.
fn told(plan: &Value) -> Option<String> {
    let Ok(RunEvent::Planned { note, calls, .. }) = serde_json::from_value(plan.clone()) else { return None };
    let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    let tools: Vec<&str> = calls.iter().take(5).map(|call| call.name.as_str()).collect();
    match (note.trim().is_empty(), tools.is_empty()) {
        (false, _) => Some(note),
        (true, false) => Some(tools.join(", ")),
        (true, true) => None,
    }
}
