/*!
Notes in tickets, for all systems: create a note, change it, find it by its marker. A system says which requests do that
([`TicketApi`]) and does no IO itself; this module sends them and judges the responses in the same way for all.
*/

use std::collections::BTreeSet;

use base64::Engine as _;
use http::HeaderName;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::note_text::NoteText;
use crate::outbound_http::{self, SendError};

/// Pages searched for a marker.
const MOST_PAGES: usize = 50;

/// The connection to a system that receives notes.
#[derive(Debug, Clone)]
pub struct TicketConnection {
    /// Includes scheme and host, without a trailing slash.
    pub base_url: String,
    /// The account of the token, if the system requires one.
    pub email: Option<String>,
    pub token: SecretString,
    /// The enabled switches among the keys that only this system has.
    pub switches: BTreeSet<String>,
}

#[cfg(test)]
impl TicketConnection {
    pub(crate) fn for_test(base_url: &str, token: &str) -> Self {
        let token = token.to_owned().into();
        Self { base_url: base_url.to_owned(), email: None, token, switches: BTreeSet::new() }
    }
}

/// A note as its system knows it.
#[derive(Debug, Clone, Copy)]
pub struct NoteTarget<'n> {
    /// The ticket's name in the API of the system.
    pub ticket: &'n str,
    /// The marker in the note's text by which it is found.
    pub marker: &'n str,
}

/// A request to an API.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiRequest {
    pub method: Method,
    /// Relative to the base URL.
    pub path: String,
    pub body: Option<Value>,
}

impl ApiRequest {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub(crate) fn with(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body: Some(body) }
    }
}

/// The requested page of a ticket's notes.
#[derive(Debug, Clone, Copy)]
pub enum NotePage<'a> {
    First,
    /// The page after the one with this number (from 1), which had this response.
    After {
        number: usize,
        answer: &'a Value,
    },
}

/// The requests by which notes are written to a system.
pub trait TicketApi: Send + Sync {
    /// The header that authenticates us.
    fn credentials(&self, connection: &TicketConnection) -> (HeaderName, String) {
        authorization(connection)
    }

    /// A request for the identity of the token; it writes nothing.
    fn try_token(&self) -> ApiRequest;

    /// The request that creates a note, which only staff can see if the system supports that.
    fn create(&self, connection: &TicketConnection, note: NoteTarget<'_>, text: &NoteText) -> ApiRequest;

    /// The request that replaces the text of a note; `None` if notes cannot be changed.
    fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Option<ApiRequest>;

    /// Whether notes can be changed. If not, only the final result is worth a note.
    fn can_update(&self) -> bool {
        true
    }

    /// The request for a page of a ticket's notes; `None` after the last page.
    fn list(&self, note: NoteTarget<'_>, page: NotePage<'_>) -> Option<ApiRequest>;

    /// The notes in the response with a page.
    fn notes<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.as_array()
    }

    /// The id of the created note, from the response.
    fn created(&self, _note: NoteTarget<'_>, answer: &Value) -> Option<String> {
        id_of(answer)
    }

    /// Checks a response with a success status.
    ///
    /// # Errors
    /// The error that the response describes.
    fn accept(&self, answer: Value) -> Result<Value, SendError> {
        Ok(answer)
    }

    /// The error for a refusal, by its status and text.
    fn refusal(&self, why: String) -> SendError {
        SendError::Refused(why)
    }
}

/// Basic credentials if there is an account, otherwise a bearer token.
pub(crate) fn authorization(connection: &TicketConnection) -> (HeaderName, String) {
    let value = match &connection.email {
        Some(email) => basic(email, connection.token.expose_secret()),
        None => format!("Bearer {}", connection.token.expose_secret()),
    };
    (http::header::AUTHORIZATION, value)
}

/// Basic credentials.
pub(crate) fn basic(account: &str, secret: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{account}:{secret}")))
}

/// The id of an object, if it is safe in a path.
pub(crate) fn id_of(answer: &Value) -> Option<String> {
    let clean = |id: &String| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match answer.get("id")? {
        Value::String(id) => Some(id.clone()).filter(clean),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Writes notes to one system.
pub struct TicketClient<'a> {
    api: &'a dyn TicketApi,
    connection: &'a TicketConnection,
    http: reqwest::Client,
}

impl<'a> TicketClient<'a> {
    pub fn new(api: &'a dyn TicketApi, connection: &'a TicketConnection, http: reqwest::Client) -> Self {
        Self { api, connection, http }
    }

    /// Whether notes can be changed after they were written.
    pub fn can_update(&self) -> bool {
        self.api.can_update()
    }

    /// Checks that the system can be reached and accepts our token; writes nothing.
    ///
    /// # Errors
    /// When the system cannot be reached, or does not accept the token.
    pub async fn try_token(&self) -> Result<(), SendError> {
        self.ask(self.api.try_token()).await.map(|_| ())
    }

    /// Writes a new note; returns its id in the system.
    ///
    /// # Errors
    /// What happened to the note, as far as that is known.
    pub async fn create(&self, note: NoteTarget<'_>, text: &NoteText) -> Result<String, SendError> {
        let answer = self.ask(self.api.create(self.connection, note, text)).await?;
        let id = self.api.created(note, &answer);
        id.ok_or_else(|| SendError::Unknown("the answer has no id".into()))
    }

    /// Replaces the text of a note; does nothing if notes cannot be changed.
    ///
    /// # Errors
    /// What happened to the note, as far as that is known.
    pub async fn update(&self, note: NoteTarget<'_>, remote: &str, text: &NoteText) -> Result<(), SendError> {
        match self.api.update(note, remote, text) {
            Some(request) => self.ask(request).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// The id of the note with this marker, if it arrived.
    ///
    /// # Errors
    /// When the notes of the ticket could not be searched completely.
    pub async fn find(&self, note: NoteTarget<'_>) -> Result<Option<String>, SendError> {
        let mut next = self.api.list(note, NotePage::First);
        for number in 1..=MOST_PAGES {
            let Some(request) = next.take() else { return Ok(None) };
            let answer = self.ask(request).await?;
            let notes = self.api.notes(&answer);
            let notes =
                notes.ok_or_else(|| SendError::Unknown("the answer has no list of comments".into()))?;
            if let Some(found) = notes.iter().find(|one| one.to_string().contains(note.marker)) {
                let id = id_of(found);
                return id.map(Some).ok_or_else(|| SendError::Unknown("a comment without an id".into()));
            }
            next = self.api.list(note, NotePage::After { number, answer: &answer });
        }
        Err(SendError::Unknown("the ticket has too many comments to look through".into()))
    }

    async fn ask(&self, request: ApiRequest) -> Result<Value, SendError> {
        let (name, value) = self.api.credentials(self.connection);
        let mut sent = self
            .http
            .request(request.method, format!("{}{}", self.connection.base_url, request.path))
            .header(name, value)
            .header("accept", "application/json");
        if let Some(body) = request.body {
            sent = sent.header("content-type", "application/json").body(body.to_string());
        }
        match outbound_http::send(sent).await {
            Ok(answer) => self.api.accept(answer),
            Err(SendError::Refused(why)) => Err(self.api.refusal(why)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[path = "ticket_client_tests.rs"]
mod tests;
