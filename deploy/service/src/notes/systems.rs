/*!
The ticket systems' wire formats, as far as notes need them: create one that only staff sees, change it, find it by its
marker.
*/

use millwright_memory::store::Note;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::App;
use crate::outward::{self, SendError, credentials};
use crate::settings::TicketSystem;

/// Pages looked through for a marker.
const MOST_PAGES: usize = 50;

pub(super) struct Client<'a> {
    name: &'a str,
    system: &'a TicketSystem,
    http: reqwest::Client,
}

impl<'a> Client<'a> {
    pub(super) fn of(app: &'a App, note: &Note) -> Result<Self, SendError> {
        let (name, system) = app
            .settings
            .tickets
            .get_key_value(&note.system)
            .ok_or_else(|| SendError::NotSetUp(format!("connectors.{}", note.system)))?;
        Ok(Self { name, system, http: app.http()? })
    }

    /// Writes a new note; answers its id there.
    pub(super) async fn create(&self, note: &Note, text: &str) -> Result<String, SendError> {
        let target = &note.target;
        let answer = match note.system.as_str() {
            "github" => {
                let path = format!("/repos/{}/comments", issue(target));
                self.ask(Method::POST, &path, Some(json!({ "body": text }))).await?
            }
            "jira" if self.system.service_desk => {
                let path = format!("/rest/servicedeskapi/request/{target}/comment");
                self.ask(Method::POST, &path, Some(json!({ "body": text, "public": false }))).await?
            }
            "jira" => {
                let path = format!("/rest/api/3/issue/{target}/comment");
                self.ask(Method::POST, &path, Some(json!({ "body": document(text) }))).await?
            }
            _ => {
                let path = format!("/api/v2/tickets/{target}.json");
                let comment = json!({ "ticket": { "comment": { "body": text, "public": false } } });
                self.ask(Method::PUT, &path, Some(comment)).await?;
                // Zendesk answers with the ticket; the note's own id is nowhere needed.
                return Ok(note.id.clone());
            }
        };
        id_of(&answer).ok_or_else(|| SendError::Unknown("the answer holds no id".into()))
    }

    /// Replaces the text of a note.
    pub(super) async fn update(&self, note: &Note, remote: &str, text: &str) -> Result<(), SendError> {
        let (method, path, body) = match note.system.as_str() {
            "github" => {
                let repository = note.target.split('#').next().unwrap_or_default();
                let path = format!("/repos/{repository}/issues/comments/{remote}");
                (Method::PATCH, path, json!({ "body": text }))
            }
            "jira" => {
                let path = format!("/rest/api/3/issue/{}/comment/{remote}", note.target);
                (Method::PUT, path, json!({ "body": document(text) }))
            }
            // Comments of Zendesk cannot be changed.
            _ => return Ok(()),
        };
        self.ask(method, &path, Some(body)).await.map(|_| ())
    }

    /// The id of the note with this marker, if it arrived.
    pub(super) async fn find(&self, note: &Note) -> Result<Option<String>, SendError> {
        let target = &note.target;
        let mut next = match note.system.as_str() {
            "github" => Some(format!("/repos/{}/comments?per_page=100&page=1", issue(target))),
            "jira" => Some(format!("/rest/api/3/issue/{target}/comment?maxResults=100&startAt=0")),
            _ => Some(format!("/api/v2/tickets/{target}/comments.json?page[size]=100")),
        };
        for page in 1..=MOST_PAGES {
            let Some(path) = next.take() else { return Ok(None) };
            let answer = self.ask(Method::GET, &path, None).await?;
            let list = answer.as_array().or_else(|| answer.get("comments")?.as_array());
            let list =
                list.ok_or_else(|| SendError::Unknown("the answer holds no list of comments".into()))?;
            if let Some(found) = list.iter().find(|one| one.to_string().contains(&note.id)) {
                let id = id_of(found);
                return id.map(Some).ok_or_else(|| SendError::Unknown("a comment without an id".into()));
            }
            next = match note.system.as_str() {
                "github" if list.len() == 100 => {
                    Some(format!("/repos/{}/comments?per_page=100&page={}", issue(target), page + 1))
                }
                "jira" => {
                    let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
                    let start = page as u64 * 100;
                    (start < total && !list.is_empty())
                        .then(|| format!("/rest/api/3/issue/{target}/comment?maxResults=100&startAt={start}"))
                }
                "zendesk" => {
                    let more = answer.pointer("/meta/has_more").and_then(Value::as_bool) == Some(true);
                    let cursor = answer.pointer("/meta/after_cursor").and_then(Value::as_str);
                    cursor.filter(|_| more).map(|cursor| {
                        let cursor: String = cursor
                            .chars()
                            .filter(|c| c.is_ascii_alphanumeric() || "-_=.".contains(*c))
                            .collect();
                        format!("/api/v2/tickets/{target}/comments.json?page[size]=100&page[after]={cursor}")
                    })
                }
                _ => None,
            };
        }
        Err(SendError::Unknown("the ticket has too many comments to look through".into()))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, SendError> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.system.base_url))
            .header("authorization", credentials(self.name, self.system))
            .header("accept", "application/json");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        outward::send(request).await
    }
}

/// `owner/name#7` as the API's path has it.
fn issue(target: &str) -> String {
    target.replace('#', "/issues/")
}

fn id_of(answer: &Value) -> Option<String> {
    let clean = |id: &String| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match answer.get("id")? {
        Value::String(id) => Some(id.clone()).filter(clean),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Jira's document format, a paragraph for each of ours.
fn document(text: &str) -> Value {
    let paragraph =
        |text: &str| json!({ "type": "paragraph", "content": [{ "type": "text", "text": text }] });
    let content: Vec<Value> = text.split("\n\n").filter(|part| !part.is_empty()).map(paragraph).collect();
    json!({ "type": "doc", "version": 1, "content": content })
}
