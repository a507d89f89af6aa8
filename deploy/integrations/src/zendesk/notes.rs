/*!
Internal comments on tickets. The name of the account says whether the secret is a token or a password.
*/

use http::HeaderName;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::ZendeskIntegration;
use crate::note_text::NoteText;
use crate::ticket_client::{
    ApiRequest, NotePage, NoteTarget, TicketApi, TicketConnection, authorization, basic,
};

impl TicketApi for ZendeskIntegration {
    fn credentials(&self, connection: &TicketConnection) -> (HeaderName, String) {
        match &connection.email {
            Some(email) => {
                let value = basic(&format!("{email}/token"), connection.token.expose_secret());
                (http::header::AUTHORIZATION, value)
            }
            None => authorization(connection),
        }
    }

    fn try_token(&self) -> ApiRequest {
        ApiRequest::get("/api/v2/users/me.json")
    }

    fn create(&self, _: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest {
        let comment = json!({ "html_body": text.html(note.marker), "public": false });
        let path = format!("/api/v2/tickets/{}.json", note.ticket);
        ApiRequest::with(Method::PUT, path, json!({ "ticket": { "comment": comment } }))
    }

    fn update(&self, _: NoteTarget<'_>, _: &str, _: &NoteText) -> Option<ApiRequest> {
        None
    }

    fn can_update(&self) -> bool {
        false
    }

    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest> {
        let path = format!("/api/v2/tickets/{}/comments.json?page[size]=100", note.ticket);
        let NotePage::After { answer, .. } = page else { return Some(ApiRequest::get(path)) };
        let more = answer.pointer("/meta/has_more").and_then(Value::as_bool) == Some(true);
        let cursor = answer.pointer("/meta/after_cursor").and_then(Value::as_str).filter(|_| more)?;
        let clean = |c: &char| c.is_ascii_alphanumeric() || "-_=.".contains(*c);
        let cursor: String = cursor.chars().filter(clean).collect();
        Some(ApiRequest::get(format!("{path}&page[after]={cursor}")))
    }

    fn notes<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.get("comments")?.as_array()
    }

    /// The response is the ticket; the id of the note is not needed.
    fn created(&self, note: NoteTarget<'_>, _: &Value) -> Option<String> {
        Some(note.marker.to_owned())
    }
}
