/*!
What is remembered from earlier incidents and why it is trusted, with forms to confirm, reject and forget it.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use millwright_agent::report::remembered_fix_sentences;
use millwright_model::{Approval, HypothesisStatus, IncidentId, Proof, Resolution};
use millwright_recall::Trust;
use millwright_store::{MemoryEntry, MemoryFilter, MemoryItem};
use serde::Deserialize;

use super::format;
use super::forms::{FormFields, filled};
use super::incident::actions::FeedbackForm;
use super::page_error::PageError;
use super::rewording;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use crate::app::ServiceState;
use crate::auth::TokenRole;
use crate::http::{CallerStore, CallerUseCases, IncidentPath, PathId, Problem};

const PAGE: u32 = 25;
/// Most lines of each kind on the page of one incident.
const MOST: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MemoryQuery {
    q: Option<String>,
    /// `trusted` or `unjudged`.
    only: Option<String>,
    after: Option<String>,
    said: Option<String>,
}

pub(super) async fn list(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    Query(asked): Query<MemoryQuery>,
) -> Result<Response, PageError> {
    let q = filled(asked.q).map(|q| q.chars().take(500).collect::<String>());
    let only = filled(asked.only);
    let mut items = match &q {
        Some(q) => store.search_memory(q, PAGE).await?,
        None => {
            let filter = MemoryFilter {
                proof_at_least: (only.as_deref() == Some("proven")).then_some(Proof::CauseConfirmed),
                approval: (only.as_deref() == Some("unjudged")).then_some(Approval::None),
                after: filled(asked.after.clone()).and_then(|id| IncidentId::parse(&id).ok()),
                limit: PAGE + 1,
                ..MemoryFilter::default()
            };
            store.list_memory(&filter).await?
        }
    };
    let more = q.is_none() && items.len() > PAGE as usize;
    items.truncate(PAGE as usize);
    let chosen = |key: &str| (only.as_deref() == Some(key) && q.is_none()).then_some("true");
    let next = items.last().filter(|_| more).map(|last| {
        let only = only.as_deref().map(|only| ("only", only));
        let pairs: Vec<(&str, &str)> =
            only.into_iter().chain([("after", last.incident_id.as_str())]).collect();
        format!("/memory?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    });
    let body = html! {
        (shell::told(asked.said.as_deref()))
        h1 { "Memory" }
        p.dim { "What was learned from earlier incidents. Only what was proven by a replay, or confirmed by a person, is offered as known." }
        form.filters method="get" action="/memory" role="search" aria-label="Search memory" {
            div {
                label for="q" { "Words, names, error messages" }
                input #q name="q" type="search" value=[q.as_deref()];
            }
            button.quiet type="submit" { "Search" }
        }
        nav.filter aria-label="Which" {
            ul {
                li { a href="/memory" aria-current=[(only.is_none() && q.is_none()).then_some("true")] { "all" } }
                li { a href="/memory?only=proven" aria-current=[chosen("proven")] { "proven" } }
                li { a href="/memory?only=unjudged" aria-current=[chosen("unjudged")] { "not judged yet" } }
            }
        }
        @if items.is_empty() { (nothing(q.is_some() || only.is_some() || asked.after.is_some())) }
        ol.rows { @for item in &items { (row(item)) } }
        @if next.is_some() || asked.after.is_some() {
            nav.pages aria-label="Pages" {
                @if asked.after.is_some() { a href="/memory" { "Newest" } }
                @if let Some(next) = next { a rel="next" href=(next) { "Older" } }
            }
        }
    };
    Ok(shell::page(&visit, NavigationItem::Memory, "Memory", &body))
}

fn nothing(narrow: bool) -> Markup {
    html! {
        div.empty {
            @if narrow { p { "No remembered incident matches." } p { a href="/memory" { "Show all" } } }
            @else {
                p { "Nothing is remembered yet: memory grows with every incident that is answered." }
                p { "Import earlier incidents with " code { "millwright memory import" } "." }
            }
        }
    }
}

fn row(item: &MemoryItem) -> Markup {
    html! {
        li {
            a.name href=(format!("/memory/{}", item.incident_id)) { (format::short(&item.title, 160)) }
            @match item.resolutions.first() {
                Some(best) => { p { (format::short(&best.statement, 240)) } (format::standing(best)) }
                None => p.dim { "no answer" },
            }
            p.dim {
                (format::time(item.created_at))
                @if let Some(service) = &item.service { " · " (format::short(service, 60)) }
                @if item.refuted > 0 { " · " (item.refuted) " refuted " (if item.refuted == 1 { "idea" } else { "ideas" }) }
                @if let Some(score) = item.score { " · match " (format!("{:.0} %", score * 100.0)) }
            }
        }
    }
}

pub(super) async fn show(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    PathId(id): PathId,
    Query(asked): Query<MemoryQuery>,
) -> Result<Response, PageError> {
    let entry = store.show_memory(&id).await?;
    let title = format::short(&entry.incident.ticket.title, 200);
    let body = html! {
        (shell::told(asked.said.as_deref()))
        p { a href="/memory" { "Back to memory" } }
        h1 { (title) }
        p.dim {
            "reported " (format::time(entry.incident.created_at))
            @if let Some(service) = &entry.incident.service { " · " (format::short(service, 60)) }
            " · " a href=(format!("/incidents/{}", entry.incident.id)) { "the incident" }
        }
        @if entry.resolutions.is_empty() { p.empty { "No answer to it is known." } }
        @for known in entry.resolutions.iter().take(MOST) { (resolution(&visit, &entry.incident.id, known)) }
        (ideas(&entry))
        (again(&entry))
        (history(&entry))
        (shell::only(&visit, TokenRole::Admin, forget_form(&visit, entry.incident.id.as_str())))
    };
    Ok(shell::page(&visit, NavigationItem::Memory, &title, &body))
}

fn resolution(visit: &PageSession, incident: &IncidentId, known: &Resolution) -> Markup {
    let trust = Trust::of(std::slice::from_ref(known), millwright_store::now());
    let (fix, whole) = format::excerpt(&known.fix_diff, 8_000);
    html! {
        section {
            h2 { "What is known" }
            p.lead { (format::short(&known.statement, 1_000)) }
            (format::standing(known))
            p {
                b { @if known.is_trusted() { "It is offered as known" } @else { "It is not offered as known" } }
                ", after a check in the new incident. Trust " (format!("{:.0} %", trust.score * 100.0)) ", because:"
            }
            ul { @for why in trust.why.iter().take(10) { li { (format::short(why, 200)) } } }
            dl {
                @if let Some(culprit) = &known.culprit { dt { "Commit" } dd { code { (format::short(culprit, 40)) } } }
                dt { "Failing at" } dd { code { (format::short(&known.failing_revision, 40)) } }
                @if !known.units.is_empty() {
                    dt { "Code" }
                    dd { @for unit in known.units.iter().take(10) { div { code { (format::short(unit, 200)) } } } }
                }
            }
            @if !fix.is_empty() {
                ul { @for sentence in remembered_fix_sentences(known) { li { (format::short(&sentence, 500)) } } }
                details { summary { "The fix" } pre tabindex="0" { (fix) } @if !whole { p.dim { "Shortened." } } }
            }
            @if visit.may(TokenRole::Support) {
                form.acts method="post" action=(format!("/memory/{incident}/judge")) {
                    (visit.csrf_field())
                    input type="hidden" name="resolution" value=(known.id);
                    label for=(format!("why-{}", known.id)) { "Why you think so " span.dim { "(kept in the audit log; “it was 1c1ed3b” names another commit)" } }
                    input id=(format!("why-{}", known.id)) name="note" maxlength="1000" autocomplete="off";
                    button name="verdict" value="confirm" type="submit" { "Confirm" }
                    button.danger name="verdict" value="reject" type="submit" { "Not it" }
                }
            }
            (shell::only(visit, TokenRole::Responder, rewording::form(visit, incident, known)))
        }
    }
}

fn ideas(entry: &MemoryEntry) -> Markup {
    html! {
        @if !entry.hypotheses.is_empty() {
            section {
                h2 { "Hypotheses and their outcome" }
                ul.checks {
                    @for one in entry.hypotheses.iter().take(MOST) {
                        @let (class, word) = match one.hypothesis.status {
                            HypothesisStatus::Supported => ("good", "supported"),
                            HypothesisStatus::Refuted => ("bad", "refuted"),
                            HypothesisStatus::Open => ("open", "open"),
                        };
                        li { span.mark.(class) { (word) } " " (format::short(&one.hypothesis.statement, 400)) }
                    }
                }
            }
        }
    }
}

fn again(entry: &MemoryEntry) -> Markup {
    html! {
        @if !entry.recurrences.is_empty() {
            section {
                h2 { "The same problem again" }
                ul {
                    @for other in entry.recurrences.iter().take(MOST) {
                        li { a href=(format!("/incidents/{other}")) { code { (other) } } }
                    }
                }
            }
        }
    }
}

fn history(entry: &MemoryEntry) -> Markup {
    html! {
        @if !entry.audit.is_empty() {
            section {
                h2 { "Who did what" }
                ul {
                    @for one in entry.audit.iter().rev().take(MOST) {
                        li {
                            (format::time(one.at)) ": " (format::short(&one.action, 40)) " by " (format::short(&one.actor, 80))
                            @if let Some(after) = &one.after { " → " (format::short(after, 80)) }
                            @if let Some(note) = &one.note { ": “" (format::short(note, 300)) "”" }
                        }
                    }
                }
                @if entry.audit.len() > MOST { p.dim { "Older entries are left out." } }
            }
        }
    }
}

fn forget_form(visit: &PageSession, id: &str) -> Markup {
    html! {
        section {
            h2 { "Forget" }
            p { "Permanently removes the ticket, its evidence, its answers and its vectors. This cannot be undone." }
            form.acts method="post" action=(format!("/memory/{id}/forget")) {
                (visit.csrf_field())
                label.check { input type="checkbox" name="sure" value="yes" required; " I am sure" }
                button.danger type="submit" { "Forget it" }
            }
        }
    }
}

pub(super) async fn judge(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    FormFields(judging): FormFields<FeedbackForm>,
) -> Result<Redirect, PageError> {
    let said = judging.carry_out(&app, &visit, &id).await?;
    Ok(Redirect::to(&format!("/memory/{id}?said={said}")))
}

#[derive(Debug, Deserialize)]
pub(super) struct ForgetConfirmation {
    sure: Option<String>,
}

pub(super) async fn forget(
    CallerUseCases(use_cases): CallerUseCases,
    Extension(visit): Extension<PageSession>,
    IncidentPath(id): IncidentPath,
    FormFields(ForgetConfirmation { sure }): FormFields<ForgetConfirmation>,
) -> Result<Redirect, PageError> {
    if sure.as_deref() != Some("yes") {
        return Err(Problem::unprocessable("tick the box to confirm that you are sure").into());
    }
    use_cases.forget(&visit.principal, &id).await?;
    Ok(Redirect::to("/memory?said=forgotten"))
}
