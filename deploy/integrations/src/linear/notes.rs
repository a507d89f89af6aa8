/*!
Comments on issues, by GraphQL. The body of an error says its kind, regardless of the status. An existing comment is found
by reading pages with a cursor.
*/

use std::time::Duration;

use http::HeaderName;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::LinearIntegration;
use crate::note_text::NoteText;
use crate::outbound_http::SendError;
use crate::ticket_client::{ApiRequest, NotePage, NoteTarget, TicketApi, TicketConnection, id_of};

/// How long to wait after too many requests; only headers say which limit was reached.
const REST: Duration = Duration::from_secs(60);
/// The prefix of keys that a person made; these are sent without `Bearer`.
const PERSONAL_KEY: &str = "lin_api_";

const VIEWER: &str = "query { viewer { id } }";
const CREATE: &str = "mutation($issue: String!, $body: String!) { \
    commentCreate(input: { issueId: $issue, body: $body }) { success comment { id } } }";
const UPDATE: &str = "mutation($id: String!, $body: String!) { \
    commentUpdate(id: $id, input: { body: $body }) { success comment { id } } }";
const LIST: &str = "query($issue: String!, $after: String) { issue(id: $issue) { \
    comments(first: 100, after: $after) { nodes { id body } pageInfo { hasNextPage endCursor } } } }";

impl TicketApi for LinearIntegration {
    fn credentials(&self, connection: &TicketConnection) -> (HeaderName, String) {
        let token = connection.token.expose_secret();
        let value =
            if token.starts_with(PERSONAL_KEY) { token.to_owned() } else { format!("Bearer {token}") };
        (http::header::AUTHORIZATION, value)
    }

    fn try_token(&self) -> ApiRequest {
        ask(VIEWER, json!({}))
    }

    fn create(&self, _: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest {
        ask(CREATE, json!({ "issue": note.ticket, "body": text.markdown(note.marker) }))
    }

    fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Option<ApiRequest> {
        Some(ask(UPDATE, json!({ "id": remote, "body": text.markdown(note.marker) })))
    }

    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest> {
        let after = match page {
            NotePage::First => Value::Null,
            NotePage::After { answer, .. } => {
                let info = answer.pointer("/data/issue/comments/pageInfo")?;
                let more = info.get("hasNextPage").and_then(Value::as_bool) == Some(true);
                info.get("endCursor").filter(|cursor| more && cursor.is_string())?.clone()
            }
        };
        Some(ask(LIST, json!({ "issue": note.ticket, "after": after })))
    }

    fn notes<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.pointer("/data/issue/comments/nodes")?.as_array()
    }

    fn created(&self, _: NoteTarget<'_>, answer: &Value) -> Option<String> {
        id_of(answer.pointer("/data/commentCreate/comment")?)
    }

    /// A success status means that the request was understood, not that it was carried out.
    fn accept(&self, answer: Value) -> Result<Value, SendError> {
        let errors = answer.get("errors").and_then(Value::as_array).filter(|errors| !errors.is_empty());
        if let Some(error) = errors.and_then(|errors| errors.first()) {
            return Err(judged(error));
        }
        let undone =
            |name: &str| answer.pointer(&format!("/data/{name}/success")) == Some(&Value::Bool(false));
        match ["commentCreate", "commentUpdate"].into_iter().find(|name| undone(name)) {
            Some(name) => Err(SendError::Refused(format!("{name} failed"))),
            None => Ok(answer),
        }
    }

    /// The response to too many requests has the status of a bad request.
    fn refusal(&self, why: String) -> SendError {
        let lower = why.to_ascii_lowercase();
        match lower.contains("ratelimited") || lower.contains("rate limit") {
            true => SendError::Later(REST),
            false => SendError::Refused(why),
        }
    }
}

fn ask(query: &str, variables: Value) -> ApiRequest {
    ApiRequest::with(Method::POST, "/graphql", json!({ "query": query, "variables": variables }))
}

/// What a GraphQL error means for the request.
fn judged(error: &Value) -> SendError {
    let code = error.pointer("/extensions/code").and_then(Value::as_str).unwrap_or_default();
    let message: String = error
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or("no reason given")
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    match code {
        "RATELIMITED" => SendError::Later(REST),
        // The server failed, perhaps after it carried out the request.
        "" | "INTERNAL_SERVER_ERROR" => SendError::Unknown(message),
        _ => SendError::Refused(message),
    }
}
