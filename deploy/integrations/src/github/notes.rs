/*!
Comments on issues; an existing one is found by reading pages of a hundred.
*/

use reqwest::Method;
use serde_json::{Value, json};

use super::GitHubIntegration;
use crate::note_text::NoteText;
use crate::ticket_client::{ApiRequest, NotePage, NoteTarget, TicketApi, TicketConnection};

const PAGE: usize = 100;

impl TicketApi for GitHubIntegration {
    fn try_token(&self) -> ApiRequest {
        // This endpoint works with every kind of token.
        ApiRequest::get("/rate_limit")
    }

    fn create(&self, _: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest {
        let path = format!("/repos/{}/comments", issue(note.ticket));
        ApiRequest::with(Method::POST, path, json!({ "body": text.markdown(note.marker) }))
    }

    fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Option<ApiRequest> {
        let repository = note.ticket.split('#').next().unwrap_or_default();
        let path = format!("/repos/{repository}/issues/comments/{remote}");
        Some(ApiRequest::with(Method::PATCH, path, json!({ "body": text.markdown(note.marker) })))
    }

    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest> {
        let number = match page {
            NotePage::First => 1,
            NotePage::After { number, answer } => {
                answer.as_array().filter(|list| list.len() == PAGE).map(|_: &Vec<Value>| number + 1)?
            }
        };
        Some(ApiRequest::get(format!("/repos/{}/comments?per_page={PAGE}&page={number}", issue(note.ticket))))
    }
}

/// `owner/name#7` as a path of the API.
fn issue(ticket: &str) -> String {
    ticket.replace('#', "/issues/")
}
