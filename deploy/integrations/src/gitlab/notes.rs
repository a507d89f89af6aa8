/*!
Internal notes on issues, which members of the project see; an existing one is found by reading pages of a hundred.
*/

use http::HeaderName;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{GitLabIntegration, format};
use crate::note_text::NoteText;
use crate::ticket_client::{ApiRequest, NotePage, NoteTarget, TicketApi, TicketConnection};

const PAGE: usize = 100;

impl TicketApi for GitLabIntegration {
    fn credentials(&self, connection: &TicketConnection) -> (HeaderName, String) {
        (HeaderName::from_static("private-token"), connection.token.expose_secret().to_owned())
    }

    fn try_token(&self) -> ApiRequest {
        ApiRequest::get("/api/v4/personal_access_tokens/self")
    }

    fn create(&self, _: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest {
        let body = json!({ "body": format::markdown(text, note.marker), "internal": true });
        ApiRequest::with(Method::POST, notes(note), body)
    }

    fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Option<ApiRequest> {
        let body = json!({ "body": format::markdown(text, note.marker) });
        Some(ApiRequest::with(Method::PUT, format!("{}/{remote}", notes(note)), body))
    }

    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest> {
        let number = match page {
            NotePage::First => 1,
            NotePage::After { number, answer } => {
                answer.as_array().filter(|list| list.len() == PAGE).map(|_: &Vec<Value>| number + 1)?
            }
        };
        // Oldest first, so that a page does not change while others write.
        let query = format!("per_page={PAGE}&page={number}&sort=asc&order_by=created_at");
        Some(ApiRequest::get(format!("{}?{query}", notes(note))))
    }
}

/// The path of the notes of an issue; its name is `PROJECT#NUMBER`.
fn notes(note: NoteTarget<'_>) -> String {
    format!("/api/v4/projects/{}/notes", note.ticket.replace('#', "/issues/"))
}
