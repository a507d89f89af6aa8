/*!
One incident: its state, the answer with its proof, what was done, and the conversation about it. While the incident is
open, events tell the page which part changed, and the page fetches it; without scripts a reload shows the same.
*/

pub(super) mod actions;
pub(super) mod evidence;
pub(super) mod live;
pub(super) mod talk;
pub(super) mod timeline;

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use millwright_agent::report::{RenderContext, answer, grounds, verdict_meaning};
use millwright_model::{Audience, IncidentId, Report, Resolution};
use millwright_store::{ApprovalRequest, Delivery, Incident, JobKind, Note, NoteState, Store};
use serde::Deserialize;

use super::format;
use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use crate::auth::TokenRole;
use crate::http::{CallerStore, IncidentPath};

/// Most characters shown of the ticket.
const TICKET: usize = 8_000;
const DELIVERIES: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IncidentPageQuery {
    said: Option<String>,
}

pub(super) async fn show(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    Query(asked): Query<IncidentPageQuery>,
) -> Result<Response, PageError> {
    let incident = store.get_incident(&id).await?;
    let open = !incident.state.is_over();
    let now = standing(&store, &visit, &incident).await?;
    let timeline = timeline::whole(&store, &id, open).await?;
    let talk = talk::section(&store, &visit, &incident).await?;
    let deliveries = store.deliveries(&id).await?;
    let notes = store.notes(&id).await?;
    let related = store.related_incidents(&id).await?;
    let title = format::short(&incident.ticket.title, 200);
    let body = html! {
        (shell::told(asked.said.as_deref()))
        div.incident hx-ext=[open.then_some("sse")] sse-connect=[open.then(|| format!("/incidents/{id}/live"))]
            sse-close=[open.then_some("over")] {
            header {
                h1 { (title) }
                p.dim { (facts(&incident)) }
                (readers(&incident, &related))
                nav.within aria-label="On this page" {
                    ul {
                        li { a href="#now" { "Answer" } }
                        li { a href="#timeline" { "Timeline" } }
                        li { a href="#talk" { "Talk" } }
                        li { a href="#ticket" { "Ticket" } }
                    }
                }
            }
            (now)
            (timeline)
            (talk)
        }
        (ticket(&incident, &deliveries, &notes))
    };
    Ok(shell::page(&visit, NavigationItem::Incidents, &title, &body))
}

fn facts(incident: &Incident) -> Markup {
    let known = [
        ("service", &incident.service),
        ("environment", &incident.environment),
        ("release", &incident.release),
        ("from", &incident.source),
        ("its id there", &incident.external_id),
    ];
    html! {
        "reported " (format::time(incident.created_at))
        @for (name, value) in known {
            @if let Some(value) = value { " · " (name) " " b { (format::short(value, 80)) } }
        }
    }
}

/// Who can read the ticket of the incident, unless only internal people can, and which incidents of the same failure are
/// kept separate for that reason.
fn readers(incident: &Incident, related: &[IncidentId]) -> Markup {
    html! {
        @match incident.audience {
            Audience::Internal => {}
            Audience::Public => {
                p.told { "Everybody can read its ticket: what you say here may appear there. Nothing from \
                          internal incidents appears there." }
            }
            Audience::Unknown => {
                p.told { "People outside your organisation may read its ticket: what you say here may appear \
                          there. Nothing from internal incidents appears there." }
            }
        }
        @if !related.is_empty() {
            p.dim {
                "The same failure, kept separate because other people read it:"
                @for other in related { " " a href=(format!("/incidents/{other}")) { (format::short(other.as_str(), 80)) } }
            }
        }
    }
}

/// The part that changes with the state: the page fetches it again after each change.
pub(super) async fn now(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
) -> Result<Response, PageError> {
    let incident = store.get_incident(&id).await?;
    Ok(shell::part(&standing(&store, &visit, &incident).await?))
}

async fn standing(store: &Store, visit: &PageSession, incident: &Incident) -> Result<Markup, PageError> {
    let id = &incident.id;
    let report = newest_report(store, id).await?;
    let approvals = store.open_approvals(Some(id)).await?;
    let resolution = store.resolutions(id).await?.into_iter().next();
    let job = store.get_job(JobKind::Investigate, id.as_str()).await?;
    let open = !incident.state.is_over();
    let error = job.as_ref().and_then(|job| job.error.as_deref()).filter(|_| report.is_none());
    let context = match &report {
        Some(report) => beside(store, report).await?,
        None => RenderContext::default(),
    };
    Ok(html! {
        div #now hx-get=[open.then(|| format!("/incidents/{id}/now"))] hx-trigger=[open.then_some("sse:state")]
            hx-swap="outerHTML" {
            div.standing role="status" {
                (format::state(incident.state))
                @match &report {
                    Some(_) if open => span.meaning { "The previous answer was wrong; investigating again." },
                    Some(report) => { (format::verdict(report.verdict)) span.meaning { (verdict_meaning(report)) } }
                    None => span.meaning { (waiting_words(incident)) },
                }
            }
            @if open { p.progress sse-swap="progress" aria-live="off" {} }
            @if let Some(error) = error { p.told.bad { "The last attempt failed: " (format::short(error, 500)) } }
            @for approval in approvals.iter().take(20) { (consent(visit, approval)) }
            @if open && job.is_some() { (stop_form(visit, id.as_str())) }
            @if let Some(report) = &report {
                div.report { (answer(report, &context)) }
            }
            @if let Some(known) = resolution.as_ref().filter(|_| !open) { (judge_form(visit, id.as_str(), known)) }
            @if let Some(report) = &report {
                (grounds(report, &context))
                (effort(report))
            }
        }
    })
}

pub(super) async fn newest_report(store: &Store, incident: &IncidentId) -> Result<Option<Report>, PageError> {
    Ok(match store.list_reports(incident).await?.into_iter().next() {
        Some(newest) => Some(store.get_report(&newest.id).await?),
        None => None,
    })
}

/// The data that was stored beside a report; a report without it is shown shorter.
pub(super) async fn beside(store: &Store, report: &Report) -> Result<RenderContext, PageError> {
    let view = store.view(&report.id).await?;
    let context = view.and_then(|view| serde_json::from_value(view).ok()).unwrap_or_default();
    // The path of the code on this machine is private, and useless to the reader.
    Ok(RenderContext { in_service: true, repository: None, ..context })
}

fn waiting_words(incident: &Incident) -> &'static str {
    use millwright_store::IncidentState::{AwaitingApproval, Cancelled, Done, Failed, Queued, Running};
    match incident.state {
        Queued => "The investigation starts as soon as a worker is free.",
        Running => "The investigation is running; this page updates itself.",
        AwaitingApproval => "The investigation continues once somebody has decided.",
        Done => "The investigation ended without a report.",
        Failed => "The incident could not be investigated. Fix the reason below, then report it again.",
        Cancelled => "The investigation was stopped before it began.",
    }
}

fn effort(report: &Report) -> Markup {
    let usage = &report.usage;
    html! {
        p.dim {
            "Found in " (millwright_agent::report::duration(usage.wall_ms)) " by " (format::short(&usage.planner, 80)) ", "
            (usage.tool_calls) " tool calls"
            @if usage.cost_usd > 0.0 { ", " (format!("{:.4}", usage.cost_usd)) " USD" }
            ". Report " code { (format::short(report.id.as_str(), 80)) } "."
        }
    }
}

fn consent(visit: &PageSession, approval: &ApprovalRequest) -> Markup {
    let (arguments, whole) = format::excerpt(&pretty(&approval.arguments), 4_000);
    html! {
        section.attention {
            h2 { "Consent: " (format::short(&approval.tool.replace('_', " "), 80)) }
            p { "The investigation wants to do this and has been waiting since " (format::time(approval.asked_at)) "." }
            pre tabindex="0" { (arguments) }
            @if !whole { p.dim { "Shortened; the rest is in the API’s answer." } }
            @if visit.may(TokenRole::Responder) {
                form.acts method="post" action=(format!("/approvals/{}", approval.id)) {
                    (visit.csrf_field())
                    button name="decision" value="approve" type="submit" { "Approve" }
                    button.danger name="decision" value="deny" type="submit" { "Deny" }
                }
            } @else { p.dim { "A responder decides." } }
        }
    }
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn stop_form(visit: &PageSession, id: &str) -> Markup {
    shell::only(
        visit,
        TokenRole::Responder,
        html! {
            form.acts method="post" action=(format!("/incidents/{id}/cancel")) {
                (visit.csrf_field())
                button.danger type="submit" { "Stop the investigation" }
            }
        },
    )
}

fn judge_form(visit: &PageSession, id: &str, known: &Resolution) -> Markup {
    html! {
        section.judge aria-labelledby="judge" {
            h2 #judge { "Was this the cause?" }
            (format::standing(known))
            @if visit.may(TokenRole::Support) {
                form.acts method="post" action=(format!("/incidents/{id}/feedback")) {
                    (visit.csrf_field())
                    input type="hidden" name="resolution" value=(known.id);
                    label for="why" { "Why you think so " span.dim { "(kept in the audit log; “it was 1c1ed3b” names another commit)" } }
                    input #why name="note" maxlength="1000" autocomplete="off";
                    button name="verdict" value="confirm" type="submit" { "Confirm" }
                    button.danger name="verdict" value="reject" type="submit" { "Not it" }
                }
            }
        }
    }
}

fn ticket(incident: &Incident, deliveries: &[Delivery], notes: &[Note]) -> Markup {
    let (text, whole) = format::excerpt(&incident.ticket.text, TICKET);
    html! {
        section #ticket {
            h2 { "Ticket" }
            @if text.trim().is_empty() { p.dim { "Only the title was given." } }
            @else { pre.text tabindex="0" { (text) } }
            @if !whole { p.dim { "Shortened after " (TICKET) " characters; the API has the rest." } }
            @if !deliveries.is_empty() {
                h3 { "How it was reported" }
                ul {
                    @for one in deliveries.iter().take(DELIVERIES) {
                        li { (format::short(&one.effect, 20)) " by " (format::short(&one.source, 60)) " " (format::time(one.received_at)) }
                    }
                }
                @if deliveries.len() > DELIVERIES { p.dim { "and " (deliveries.len() - DELIVERIES) " more times" } }
            }
            @if !notes.is_empty() {
                h3 { "Notes" }
                ul {
                    @for note in notes.iter().take(DELIVERIES) {
                        li {
                            (format::short(&note.system, 40)) " " (format::short(&note.target, 120)) ": "
                            @match note.state {
                                NoteState::Wanted => "to be written",
                                NoteState::Sending => "on its way",
                                NoteState::Sent => "written",
                            }
                        }
                    }
                }
            }
            p.dim { "Incident " code { (incident.id) } }
        }
    }
}
