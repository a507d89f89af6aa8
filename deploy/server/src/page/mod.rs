/*!
The page at `/`: what a person sees and does in a browser. The server renders it completely, so that it works without
scripts; two small libraries update parts of it live. There is one file per page. Each calls the same functions as the
API, so that both channels have the same result. An action that a role may not do is neither shown nor done.

Pages load nothing from outside this server and contain no inline script or style, and the policy sent with every page
forbids both.
*/

mod assets;
mod charts;
mod docs;
mod evaluations;
mod format;
mod forms;
mod history;
mod inbox;
mod incident;
mod learning;
mod links;
mod memory;
mod page_error;
mod report_form;
mod rewording;
mod session;
mod settings;
mod shell;
mod tokens;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};

use crate::app::ServiceState;
use crate::auth::TokenRole::{Admin, Responder, Support, Viewer};
use crate::http::RouteAccess::{self, Page, Visitor};

pub(crate) use page_error::lost;
pub(crate) use session::{admit, admit_visitor};

type Row = (&'static str, &'static str, RouteAccess, fn() -> MethodRouter<Arc<ServiceState>>);

/// Every page and every form of a page, for the table of routes.
pub(crate) const ROUTES: &[Row] = &[
    ("get", "/", Page(Viewer), || get(inbox::show)),
    ("get", "/incidents/new", Page(Support), || get(report_form::show)),
    ("post", "/incidents", Page(Support), || post(report_form::send)),
    ("get", "/incidents/{id}", Page(Viewer), || get(incident::show)),
    ("get", "/incidents/{id}/now", Page(Viewer), || get(incident::now)),
    ("get", "/incidents/{id}/timeline", Page(Viewer), || get(incident::timeline::more)),
    ("get", "/incidents/{id}/talk", Page(Viewer), || get(incident::talk::show)),
    ("get", "/incidents/{id}/live", Page(Viewer), || get(incident::live::stream)),
    ("get", "/incidents/{id}/evidence/{evidence}", Page(Viewer), || get(incident::evidence::show)),
    ("post", "/incidents/{id}/messages", Page(Support), || post(incident::talk::say)),
    ("post", "/incidents/{id}/feedback", Page(Support), || post(incident::actions::judge)),
    ("post", "/incidents/{id}/cancel", Page(Responder), || post(incident::actions::cancel)),
    ("post", "/approvals/{id}", Page(Responder), || post(incident::actions::decide)),
    ("get", "/memory", Page(Viewer), || get(memory::list)),
    ("get", "/memory/{id}", Page(Viewer), || get(memory::show)),
    ("post", "/memory/{id}/judge", Page(Support), || post(memory::judge)),
    ("post", "/memory/{id}/text", Page(Responder), || post(rewording::send)),
    ("post", "/memory/{id}/forget", Page(Admin), || post(memory::forget)),
    ("get", "/history", Page(Viewer), || get(history::show)),
    ("get", "/learning", Page(Viewer), || get(learning::show)),
    ("get", "/settings", Page(Viewer), || get(settings::show)),
    ("get", "/settings/audit", Page(Admin), || get(settings::audit)),
    ("get", "/settings/tokens", Page(Admin), || get(tokens::show)),
    ("post", "/settings/tokens", Page(Admin), || post(tokens::create)),
    ("post", "/settings/tokens/{id}/revoke", Page(Admin), || post(tokens::revoke)),
    ("post", "/settings/sessions/{id}/end", Page(Admin), || post(tokens::end_session)),
    ("post", "/sign-out", Page(Viewer), || post(session::sign_out)),
    ("get", "/sign-in", Visitor, || get(session::show)),
    ("post", "/sign-in", Visitor, || post(session::sign_in)),
    ("get", "/links/{id}", Visitor, || get(links::show)),
    ("post", "/links/{id}", Visitor, || post(links::judge)),
    ("get", "/docs", Visitor, || get(docs::index)),
    ("get", "/docs/{page}", Visitor, || get(docs::show)),
    ("get", "/assets/{name}", Visitor, || get(assets::serve)),
];

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
