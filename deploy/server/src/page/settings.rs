/*!
How the installation is set up and how its channels work: what comes in, what could not be written back, where the code
is; and for administrators the audit log. Nothing can be changed here: settings come from the configuration.
*/

use millwright_model::AuditId;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use millwright_store::{ChannelHealth, JobState, TroubledNote};
use serde::Deserialize;

use super::format;
use super::forms::filled;
use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use crate::app::ServiceState;
use crate::auth::TokenRole;
use crate::hooks;
use crate::settings::RepositorySettings;

const NOTES: u32 = 20;
const AUDIT: usize = 50;

pub(super) async fn show(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
) -> Result<Response, PageError> {
    let store = app.store_of(&visit.principal);
    let doors = match store.scope().sees_installation() {
        true => Some(store.channel_health().await?),
        false => None,
    };
    let notes = store.troubled_notes(NOTES).await?;
    let repositories: Vec<&RepositorySettings> = app.settings.repositories_of(&visit.principal).collect();
    let body = html! {
        h1 { "Settings" }
        (places(&visit, "/settings"))
        (connectors(&app, doors.as_deref()))
        (outgoing(&app, &notes))
        (code(&repositories))
    };
    Ok(shell::page(&visit, NavigationItem::Settings, "Settings", &body))
}

pub(super) fn places(visit: &PageSession, here: &str) -> Markup {
    let all =
        [("/settings", "Connections"), ("/settings/tokens", "Tokens"), ("/settings/audit", "Audit log")];
    shell::only(
        visit,
        TokenRole::Admin,
        html! {
            nav.filter aria-label="Settings" {
                ul {
                    @for (path, name) in all {
                        li { a href=(path) aria-current=[(path == here).then_some("page")] { (name) } }
                    }
                }
            }
        },
    )
}

/// Deliveries belong to the whole installation, so people who see only some repositories do not see them.
fn connectors(app: &ServiceState, doors: Option<&[ChannelHealth]>) -> Markup {
    let names = hooks::ROUTES.iter().map(|route| (route.path.as_str(), route.name()));
    let (set, unset): (Vec<_>, Vec<_>) = names.partition(|(_, name)| app.settings.hooks.contains_key(*name));
    let example = unset.first().map_or("NAME", |(_, name)| name);
    let of = |name: &str| doors.map(|doors| doors.iter().find(|door| door.source == name));
    html! {
        section {
            h2 { "Incoming reports" }
            @if set.is_empty() {
                p { "No system is connected yet. A section such as " code { "[connectors." (example) "]" }
                    " with its secret in the configuration enables its hook." }
            } @else {
                ul.rows {
                    @for (path, name) in set {
                        li {
                            b { (name) } " " code { (path) }
                            p.dim {
                                @match of(name) {
                                    Some(Some(door)) => { (door.deliveries) " deliveries, the last " (format::time(door.last_at)) }
                                    Some(None) => "connected; nothing received yet",
                                    None => "connected",
                                }
                            }
                        }
                    }
                }
            }
            @if !unset.is_empty() {
                p.dim { "Not connected: " @for (at, (_, name)) in unset.iter().enumerate() { @if at > 0 { ", " } (name) } "." }
            }
        }
    }
}

fn outgoing(app: &ServiceState, notes: &[TroubledNote]) -> Markup {
    html! {
        section {
            h2 { "Notes in tickets" }
            @if app.settings.tickets.is_empty() {
                p { "No ticket system is configured to receive notes." }
            } @else {
                p { "Written to: " @for (at, name) in app.settings.tickets.keys().enumerate() { @if at > 0 { ", " } (name) } "." }
            }
            @if notes.is_empty() { p.dim { "No note has failed attempts." } }
            @else {
                h3 { "With failed attempts" }
                ul.rows {
                    @for note in notes {
                        li {
                            p.marks { @if note.job == JobState::Failed { span.badge.failed { "given up" } } @else { span.badge.queued { "tried again" } } }
                            a.name href=(format!("/incidents/{}", note.incident_id)) { (format::short(&note.system, 40)) " " (format::short(&note.target, 120)) }
                            p { (format::short(note.error.as_deref().unwrap_or("the reason is not known"), 400)) }
                            p.dim {
                                (note.failures) " failed attempts"
                                @if note.job != JobState::Failed { ", next " (format::time(note.due_at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn code(repositories: &[&RepositorySettings]) -> Markup {
    html! {
        section {
            h2 { "Code" }
            @if repositories.is_empty() {
                p { "No repository is configured, so nothing can be investigated: add " code { "[repositories.NAME]" } " with its " code { "path" } "." }
            }
            ul.rows {
                @for one in repositories.iter().take(100) {
                    li {
                        b { (format::short(one.name.as_str(), 80)) }
                        p.dim {
                            @if one.services.is_empty() { "no services named" } @else { "services " (format::short(&one.services.join(", "), 300)) }
                            @if let Some(branch) = &one.branch { " · branch " (format::short(branch, 80)) }
                        }
                        p {
                            @if one.recipes.test_one.is_some() { "Failing tests can be replayed." }
                            @else { span.open { "Nothing can be proven here" } ": " code { "test_one" } " says how to run one test." }
                        }
                    }
                }
            }
            @if repositories.len() > 100 { p.dim { "and " (repositories.len() - 100) " more" } }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SettingsPage {
    before: Option<String>,
}

pub(super) async fn audit(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    Query(page): Query<SettingsPage>,
) -> Result<Response, PageError> {
    let before = filled(page.before).and_then(|id| AuditId::parse(&id).ok());
    let mut entries = app.store_of(&visit.principal).audit_page(None, before.as_ref(), AUDIT + 1).await?;
    let more = entries.len() > AUDIT;
    entries.truncate(AUDIT);
    let body = html! {
        h1 { "Audit log" }
        (places(&visit, "/settings/audit"))
        p.dim { "Who asked for, approved, confirmed and removed what. Entries cannot be changed." }
        @if entries.is_empty() { p.empty { "No entries yet." } }
        ol.rows {
            @for entry in &entries {
                li {
                    p { b { (format::short(&entry.action, 40)) } " by " (format::short(&entry.actor, 80)) ", " (format::time(entry.at)) }
                    p.dim {
                        @match &entry.incident_id {
                            Some(id) => a href=(format!("/incidents/{id}")) { (format::short(id.as_str(), 60)) },
                            None => (format::short(&entry.subject, 80)),
                        }
                        @match (&entry.before, &entry.after) {
                            (Some(before), Some(after)) => { " · " (format::short(before, 80)) " → " (format::short(after, 80)) }
                            (None, Some(after)) => { " · " (format::short(after, 80)) }
                            _ => {}
                        }
                    }
                    @if let Some(note) = &entry.note { p { "“" (format::short(note, 400)) "”" } }
                }
            }
        }
        @if more || before.is_some() {
            nav.pages aria-label="Pages" {
                @if before.is_some() { a href="/settings/audit" { "Newest" } }
                @if let Some(last) = entries.last().filter(|_| more) {
                    a rel="next" href=(format!("/settings/audit?before={}", last.id)) { "Older" }
                }
            }
        }
    };
    Ok(shell::page(&visit, NavigationItem::Settings, "Audit log", &body))
}
