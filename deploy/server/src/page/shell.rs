/*!
The frame of every page: the head with its policy, the skip link to the content, the navigation, and the message about
what was just done.
*/

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::session::PageSession;
use super::{assets, format};
use crate::auth::TokenRole;

/// Only content from this server, nothing inline; forms submit only to this server; nobody can frame a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// No evaluation of text, no styles of its own, no other hosts, no copies of pages in the browser.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"selfRequestsOnly":true,"allowScriptTags":false,"historyCacheSize":0,"historyEnabled":false}"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NavigationItem {
    Incidents,
    Memory,
    History,
    Learning,
    Settings,
}

const PLACES: [(NavigationItem, &str, &str); 5] = [
    (NavigationItem::Incidents, "/", "Incidents"),
    (NavigationItem::Memory, "/memory", "Memory"),
    (NavigationItem::History, "/history", "Code history"),
    (NavigationItem::Learning, "/learning", "Learning"),
    (NavigationItem::Settings, "/settings", "Settings"),
];

/// A page for a signed-in person.
pub(super) fn page(visit: &PageSession, here: NavigationItem, title: &str, body: &Markup) -> Response {
    let top = html! {
        nav aria-label="Main" {
            ul {
                @for (place, path, name) in PLACES {
                    li { a href=(path) aria-current=[(place == here).then_some("page")] { (name) } }
                }
            }
        }
        div.who {
            span title=(visit.principal.name) { (format::person(&visit.principal.name)) ", " (visit.principal.role) }
            @if visit.is_signed_in() {
                form method="post" action="/sign-out" { (visit.csrf_field()) button.quiet type="submit" { "Sign out" } }
            }
        }
    };
    respond(StatusCode::OK, title, &top, body)
}

/// A page for anyone.
pub(super) fn bare(title: &str, body: &Markup) -> Response {
    respond(StatusCode::OK, title, &html! {}, body)
}

/// A part of a page, which replaces an older one.
pub(super) fn part(body: &Markup) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, body.clone().into_string()).into_response()
}

fn respond(status: StatusCode, title: &str, top: &Markup, body: &Markup) -> Response {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " – Millwright" }
                link rel="icon" href=(assets::MARK.url());
                link rel="stylesheet" href=(assets::STYLE.url());
                @for script in &*assets::SCRIPTS { script defer src=(script.url()) {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "Millwright" }
                    (top)
                }
                main #main tabindex="-1" { (body) }
                footer.foot { a href="/docs" { "Guide" } }
            }
        }
    };
    (status, part(&whole)).into_response()
}

/// The message about what a form did, on the page it led to. Only these fixed texts can be shown.
pub(super) fn told(said: Option<&str>) -> Markup {
    let text = match said {
        Some("confirmed") => "Confirmed. Memory trusts this answer now.",
        Some("noted") => {
            "Confirmed. Memory trusts this answer once a second person confirms it, or somebody whose \
             confirmation alone is enough."
        }
        Some("remark") => {
            "Kept as a remark: somebody with more rights has judged this answer differently, and their \
             judgement stays in force until they withdraw it."
        }
        Some("rejected") => "Marked as wrong. Memory will not offer this answer again.",
        Some("reworded") => "The text is changed. Proof, approval and outcome have not changed.",
        Some("stopping") => "The investigation stops; it reports what it knows by then.",
        Some("approved") => "Approved. The investigation continues.",
        Some("denied") => "Denied. The investigation continues without it.",
        Some("forgotten") => {
            "Forgotten: text, evidence and answers are removed. The audit log records the removal."
        }
        Some("revoked") => "Revoked. Anyone who used it is signed out.",
        Some("ended") => "That session has ended.",
        _ => return html! {},
    };
    html! { p.told role="status" { (text) } }
}

/// Shows `body`, such as a button, only to readers with at least this role.
pub(super) fn only(visit: &PageSession, least: TokenRole, body: Markup) -> Markup {
    if visit.may(least) {
        body
    } else {
        html! {}
    }
}
