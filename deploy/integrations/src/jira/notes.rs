/*!
Comments: as documents on issues, in the older notation on service desk requests, where they can be internal.
*/

use reqwest::Method;
use serde_json::{Value, json};

use super::{JiraIntegration, SERVICE_DESK, format};
use crate::note_text::NoteText;
use crate::ticket_client::{ApiRequest, NotePage, NoteTarget, TicketApi, TicketConnection};

const PAGE: u64 = 100;

impl TicketApi for JiraIntegration {
    fn try_token(&self) -> ApiRequest {
        // Both the cloud and self-hosted servers have this version.
        ApiRequest::get("/rest/api/2/myself")
    }

    fn create(&self, connection: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest {
        if connection.switches.contains(SERVICE_DESK) {
            let path = format!("/rest/servicedeskapi/request/{}/comment", note.ticket);
            let body = json!({ "body": format::wiki(text, note.marker), "public": false });
            return ApiRequest::with(Method::POST, path, body);
        }
        let path = format!("/rest/api/3/issue/{}/comment", note.ticket);
        ApiRequest::with(Method::POST, path, json!({ "body": format::document(text, note.marker) }))
    }

    fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Option<ApiRequest> {
        let path = format!("/rest/api/3/issue/{}/comment/{remote}", note.ticket);
        Some(ApiRequest::with(Method::PUT, path, json!({ "body": format::document(text, note.marker) })))
    }

    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest> {
        let start = match page {
            NotePage::First => 0,
            NotePage::After { number, answer } => {
                let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
                let start = number as u64 * PAGE;
                let is_empty = self.notes(answer).is_none_or(Vec::is_empty);
                Some(start).filter(|start| *start < total && !is_empty)?
            }
        };
        let ticket = note.ticket;
        Some(ApiRequest::get(format!("/rest/api/3/issue/{ticket}/comment?maxResults={PAGE}&startAt={start}")))
    }

    fn notes<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.get("comments")?.as_array()
    }
}
