/*!
The conversation about an incident: remarks during the investigation, questions after it. The page polls for a pending
answer until it is there.
*/

use axum::Extension;
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use millwright_store::{Incident, IncidentMessage, JobKind, JobState, MessageKind, Store};
use serde::Deserialize;

use crate::auth::TokenRole;
use crate::http::{CallerStore, CallerUseCases, IncidentPath};
use crate::page::forms::FormFields;
use crate::page::page_error::PageError;
use crate::page::session::PageSession;
use crate::page::{format, shell};

/// Most messages that are read and shown; the newest ones.
const SHOWN: usize = 60;
const READ: usize = 2_000;
const CHARS: usize = 6_000;

pub(crate) async fn section(
    store: &Store,
    visit: &PageSession,
    incident: &Incident,
) -> Result<Markup, PageError> {
    let id = &incident.id;
    let mut messages: Vec<IncidentMessage> = Vec::new();
    loop {
        let after = messages.last().map(|last| last.id.clone());
        let some = store.messages(id, after.as_ref()).await?;
        let done = some.is_empty() || messages.len() >= READ;
        messages.extend(some);
        if done {
            break;
        }
    }
    let mut waits = false;
    if let Some(last) = messages.last().filter(|last| last.kind == MessageKind::Question) {
        let job = store.get_job(JobKind::Answer, last.id.as_str()).await?;
        waits = job.is_some_and(|job| matches!(job.state, JobState::Queued | JobState::Running));
    }
    let open = !incident.state.is_over();
    let earlier = messages.len().saturating_sub(SHOWN);
    let trigger = match (waits, open) {
        (true, _) => Some("every 2s"),
        (false, true) => Some("sse:talk, sse:over"),
        (false, false) => None,
    };
    let ask = if open { "Tell it where to look" } else { "Ask about this incident" };
    Ok(html! {
        section #talk {
            h2 { "Talk" }
            div #said aria-live="polite" hx-get=[trigger.map(|_| format!("/incidents/{id}/talk"))] hx-trigger=[trigger]
                hx-select="#said" hx-swap="outerHTML" {
                @if earlier > 0 { p.dim { (earlier) " earlier messages are left out." } }
                @if messages.is_empty() {
                    p.dim {
                        @if open { "No messages yet. The investigation reads your message after its current step." }
                        @else { "No messages yet. Ask what changed, who owns a file, or whether this was seen \
                                 before." }
                    }
                }
                ol.talk { @for message in messages.iter().skip(earlier) { (said(message)) } }
                @if waits { p.dim role="status" { "Looking for an answer …" } }
            }
            @if visit.may(TokenRole::Support) {
                form.stack method="post" action=(format!("/incidents/{id}/messages")) {
                    (visit.csrf_field())
                    label for="text" { (ask) }
                    textarea #text name="text" rows="2" required maxlength="8000" {}
                    button.quiet type="submit" { @if open { "Say" } @else { "Ask" } }
                }
            }
        }
    })
}

fn said(message: &IncidentMessage) -> Markup {
    let (text, whole) = format::excerpt(&message.body, CHARS);
    html! {
        li.answer[message.kind == MessageKind::Answer] {
            p.dim { b { (format::person(&message.author)) } " · " (format::time(message.at)) }
            @match message.kind {
                MessageKind::Stop => p { "Stop." },
                MessageKind::Decision => p { (decision(&message.body)) },
                MessageKind::Remark | MessageKind::Question => p.text { (text) },
                // Answers have a fixed-width layout: lines of code, lists.
                MessageKind::Answer => pre tabindex="0" { (text) },
            }
            @if !whole { p.dim { "Shortened." } }
        }
    }
}

fn decision(body: &str) -> &'static str {
    let approved = serde_json::from_str::<serde_json::Value>(body).ok().map(|body| body["approved"] == true);
    if approved == Some(true) { "Approved the request." } else { "Denied the request." }
}

pub(crate) async fn show(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
) -> Result<Response, PageError> {
    let incident = store.get_incident(&id).await?;
    Ok(shell::part(&section(&store, &visit, &incident).await?))
}

#[derive(Debug, Deserialize)]
pub(crate) struct MessageForm {
    text: String,
}

pub(crate) async fn say(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    FormFields(MessageForm { text }): FormFields<MessageForm>,
) -> Result<Redirect, PageError> {
    use_cases.say(&visit.principal, &id, &text).await?;
    Ok(Redirect::to(&format!("/incidents/{id}#talk")))
}
