/*!
The list of incidents by state, service and age, with the tool calls that wait for consent on top. The list refreshes
itself where scripts run.
*/

use crate::http::CallerStore;
use millwright_model::{IncidentId, Timestamp};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::SignedDuration;
use maud::{Markup, html};
use millwright_store::{ApprovalRequest, IncidentFilter, IncidentLine, IncidentState, Store};
use serde::{Deserialize, Serialize};

use super::format;
use super::forms::filled;
use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use crate::app::ServiceState;
use crate::auth::{Principal, TokenRole};

const PAGE: u32 = 30;
/// Most calls waiting for consent that are listed here.
const WAITING: usize = 5;

/// The filters of the list. Unknown values filter nothing, because a link may be older than the page.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct InboxQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// Words in the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<String>,
    /// `day`, `week` or `month`.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing)]
    part: Option<String>,
    #[serde(skip_serializing)]
    said: Option<String>,
}

const AGES: [(&str, &str, i64); 3] =
    [("day", "last 24 hours", 24), ("week", "last 7 days", 168), ("month", "last 30 days", 720)];

impl InboxQuery {
    fn tidy(self) -> Self {
        Self {
            state: filled(self.state),
            service: filled(self.service),
            q: filled(self.q).map(|q| q.chars().take(200).collect()),
            age: filled(self.age),
            after: filled(self.after),
            ..self
        }
    }

    fn state(&self) -> Option<IncidentState> {
        let key = self.state.as_deref()?;
        format::STATES.into_iter().find(|state| format::state_key(*state) == key)
    }

    fn since(&self) -> Option<Timestamp> {
        let (.., hours) = AGES.into_iter().find(|(key, ..)| self.age.as_deref() == Some(*key))?;
        jiff::Timestamp::now().checked_sub(SignedDuration::from_hours(hours)).ok().map(Timestamp::from)
    }

    fn is_narrow(&self) -> bool {
        self.state.is_some() || self.service.is_some() || self.q.is_some() || self.age.is_some()
    }

    fn url(&self, part: bool) -> String {
        let query = serde_urlencoded::to_string(self).unwrap_or_default();
        match (query.is_empty(), part) {
            (true, false) => "/".to_owned(),
            (true, true) => "/?part=list".to_owned(),
            (false, false) => format!("/?{query}"),
            (false, true) => format!("/?{query}&part=list"),
        }
    }
}

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
    Query(asked): Query<InboxQuery>,
) -> Result<Response, PageError> {
    let asked = asked.tidy();
    let filter = IncidentFilter {
        state: asked.state(),
        service: asked.service.clone(),
        title: asked.q.clone(),
        after: asked.after.as_deref().and_then(|id| IncidentId::parse(id).ok()),
        limit: PAGE + 1,
        ..IncidentFilter::default()
    };
    let mut lines = store.list_incidents(&filter).await?;
    if let Some(since) = asked.since() {
        lines.retain(|line| line.created_at >= since);
    }
    let more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let list = list(&visit, &asked, &lines, more);
    if asked.part.is_some() {
        return Ok(shell::part(&list));
    }
    let counts = store.count_states().await?;
    let services = services(&app, &visit.principal, &store).await?;
    let waiting = store.open_approvals(None).await?;
    let body = html! {
        (shell::told(asked.said.as_deref()))
        div.title {
            h1 { "Incidents" }
            (shell::only(&visit, TokenRole::Support, html! { a.button href="/incidents/new" { "Report an incident" } }))
        }
        (consent(&waiting))
        (states(&asked, &counts))
        (narrow(&asked, &services))
        (list)
    };
    Ok(shell::page(&visit, NavigationItem::Incidents, "Incidents", &body))
}

/// Services that are configured or that a report named.
pub(super) async fn services(
    app: &ServiceState,
    principal: &Principal,
    store: &Store,
) -> Result<Vec<String>, PageError> {
    let mut services = store.known_services().await?;
    services
        .extend(app.settings.repositories_of(principal).flat_map(|repository| repository.services.clone()));
    services.sort();
    services.dedup();
    services.truncate(200);
    Ok(services)
}

fn consent(waiting: &[ApprovalRequest]) -> Markup {
    html! {
        @if !waiting.is_empty() {
            section.attention aria-labelledby="consent" {
                h2 #consent { "Waits for your consent" }
                ul {
                    @for one in waiting.iter().take(WAITING) {
                        li {
                            a href=(format!("/incidents/{}", one.incident_id)) { (format::short(&one.tool.replace('_', " "), 60)) }
                            ", asked " (format::time(one.asked_at))
                        }
                    }
                }
                @if waiting.len() > WAITING {
                    p { a href="/?state=awaiting_approval" { "All " (waiting.len()) } }
                }
            }
        }
    }
}

fn states(asked: &InboxQuery, counts: &[(IncidentState, i64)]) -> Markup {
    let count = |state| counts.iter().find(|(other, _)| *other == state).map_or(0, |(_, count)| *count);
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    let chosen = asked.state();
    html! {
        nav.filter aria-label="By state" {
            ul {
                li { a href="/" aria-current=[chosen.is_none().then_some("true")] { "all " b { (all) } } }
                @for state in format::STATES {
                    @if count(state) > 0 || chosen == Some(state) {
                        li {
                            a href=(format!("/?state={}", format::state_key(state))) aria-current=[(chosen == Some(state)).then_some("true")] {
                                (format::state_word(state)) " " b { (count(state)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn narrow(asked: &InboxQuery, services: &[String]) -> Markup {
    html! {
        form.filters method="get" action="/" role="search" aria-label="Filter the list" {
            @if let Some(state) = &asked.state { input type="hidden" name="state" value=(state); }
            div {
                label for="q" { "Words in the title" }
                input #q name="q" type="search" value=[asked.q.as_deref()];
            }
            div {
                label for="service" { "Service" }
                select #service name="service" {
                    option value="" { "any" }
                    @for service in services {
                        option value=(service) selected[asked.service.as_ref() == Some(service)] { (format::short(service, 60)) }
                    }
                }
            }
            div {
                label for="age" { "Age" }
                select #age name="age" {
                    option value="" { "any" }
                    @for (key, name, _) in AGES {
                        option value=(key) selected[asked.age.as_deref() == Some(key)] { (name) }
                    }
                }
            }
            button.quiet type="submit" { "Show" }
        }
    }
}

fn list(visit: &PageSession, asked: &InboxQuery, lines: &[IncidentLine], more: bool) -> Markup {
    // Only the first page of the list refreshes itself.
    let live = asked.after.is_none();
    html! {
        div #list hx-get=[live.then(|| asked.url(true))] hx-trigger=[live.then_some("every 15s")] hx-swap="outerHTML" {
            @if lines.is_empty() {
                (nothing(visit, asked))
            } @else {
                ol.rows {
                    @for line in lines { (row(line)) }
                }
            }
            @if more || !live {
                nav.pages aria-label="Pages" {
                    @if !live { a href=(InboxQuery { after: None, ..asked.clone() }.url(false)) { "Newest" } }
                    @if let Some(last) = lines.last().filter(|_| more) {
                        a rel="next" href=(InboxQuery { after: Some(last.id.clone().into()), ..asked.clone() }.url(false)) { "Older" }
                    }
                }
            }
        }
    }
}

fn row(incident: &IncidentLine) -> Markup {
    let of: Vec<String> = [&incident.service, &incident.environment, &incident.release, &incident.source]
        .into_iter()
        .flatten()
        .map(|text| format::short(text, 60))
        .collect();
    html! {
        li {
            p.marks {
                (format::state(incident.state))
                @if let Some(verdict) = incident.verdict { (format::verdict(verdict)) }
            }
            a.name href=(format!("/incidents/{}", incident.id)) { (format::short(&incident.title, 160)) }
            p.dim { (format::time(incident.created_at)) @for one in of { " · " (one) } }
        }
    }
}

fn nothing(visit: &PageSession, asked: &InboxQuery) -> Markup {
    html! {
        div.empty {
            @if asked.is_narrow() || asked.after.is_some() {
                p { "No incident matches." }
                p { a href="/" { "Show all" } }
            } @else {
                p { "No incident was reported yet." }
                p {
                    @if visit.may(TokenRole::Support) {
                        a href="/incidents/new" { "Report an incident" } ", or let other systems do it: "
                    } @else { "Incidents come from people and from other systems: " }
                    a href="/settings" { "connect alerts and tickets" } "."
                }
            }
        }
    }
}
