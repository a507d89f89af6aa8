/*!
Tells a page that something is new; the page then fetches that part.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use maud::html;
use millwright_model::ReplayOutcome;
use millwright_store::{IncidentMessage, StreamEvent};
use millwright_tools::ProgressEvent;

use crate::app::ServiceState;
use crate::events::stream::{StreamFormat, follow};
use crate::http::{IncidentPath, Problem};
use crate::page::format;
use crate::page::session::PageSession;

struct PageNews;

impl StreamFormat for PageNews {
    fn awaits_answers(&self) -> bool {
        // The page polls for answers by itself.
        false
    }

    fn run_event(&self, stored: &StreamEvent) -> Event {
        Event::default().event("step").data(&stored.kind)
    }

    fn message(&self, _: &IncidentMessage) -> Event {
        // In a browser, `message` matches every event without a name.
        Event::default().event("talk").data("new")
    }

    /// The progress of a step, as a part of the page.
    fn progress(&self, json: &str) -> String {
        let words = match serde_json::from_str::<ProgressEvent>(json) {
            Ok(ProgressEvent::Step { text }) => text,
            Ok(ProgressEvent::Count { what, done, total: Some(total) }) => {
                format!("{done} of {total} {what}")
            }
            Ok(ProgressEvent::Count { what, done, total: None }) => format!("{done} {what}"),
            Ok(ProgressEvent::Replay { commit, outcome, number, .. }) => {
                let seen = match outcome {
                    ReplayOutcome::Passes => "passes",
                    ReplayOutcome::Reproduces => "fails",
                    ReplayOutcome::OtherFailure => "fails differently",
                    ReplayOutcome::CannotTest => "cannot be tested",
                };
                format!("replay {number} {seen} at {}", format::short(&commit, 10))
            }
            Err(_) => "running".to_owned(),
        };
        html! { (format::short(&words, 200)) }.into_string()
    }

    fn over(&self) -> Option<Event> {
        Some(Event::default().event("over").data("over"))
    }
}

pub(in crate::page) async fn stream(
    State(app): State<Arc<ServiceState>>,
    Extension(visit): Extension<PageSession>,
    headers: HeaderMap,
    IncidentPath(id): IncidentPath,
) -> Result<Response, Problem> {
    follow(app, visit.subscriber(), &headers, id, &PageNews).await
}
