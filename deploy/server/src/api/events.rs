/*!
The events of an incident for programs: complete, in JSON.
*/

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use millwright_store::{IncidentMessage, StreamEvent};
use serde_json::json;

use super::incidents::message;
use crate::app::ServiceState;
use crate::auth::Principal;
use crate::events::stream::{EventSubscriber, StreamFormat, follow};
use crate::events::view::view;
use crate::http::{IncidentPath, Problem};

struct JsonEvents;

impl StreamFormat for JsonEvents {
    fn awaits_answers(&self) -> bool {
        true
    }

    fn run_event(&self, stored: &StreamEvent) -> Event {
        let (kind, told) = view(stored);
        Event::default().event(kind).data(told.to_string())
    }

    fn message(&self, said: &IncidentMessage) -> Event {
        Event::default().event("message").data(json!(message(said)).to_string())
    }

    fn progress(&self, json: &str) -> String {
        json.to_owned()
    }

    fn over(&self) -> Option<Event> {
        None
    }
}

pub(crate) async fn stream(
    State(app): State<Arc<ServiceState>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    IncidentPath(id): IncidentPath,
) -> Result<Response, Problem> {
    follow(app, EventSubscriber { principal, session: None }, &headers, id, &JsonEvents).await
}
