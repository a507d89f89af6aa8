/*!
A simulated ticket system. It stores the comments of issues as GitHub, GitLab, Jira, Linear and Zendesk show them, and can
lose an answer after it has done the work, as a broken connection does.
*/

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Heard, answer, heard};

#[derive(Default)]
struct Kept {
    /// Comments by ticket: id and text.
    comments: BTreeMap<String, Vec<(u64, String)>>,
    next: u64,
    updates: usize,
    /// How many of the next answers are lost after the work was done.
    lose: usize,
    /// How many of the next requests are refused.
    refuse: usize,
    /// How many of the next requests are asked to wait a second.
    limit: usize,
    /// The credentials in request headers.
    keys: BTreeSet<String>,
    /// Files by path: status with headers, and text.
    files: BTreeMap<String, (String, String)>,
    /// The paths of requested files, in order.
    fetched: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Tickets {
    at: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Tickets {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tickets = Self { at: listener.local_addr().unwrap(), kept: Arc::default() };
        let serving = tickets.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(Heard { method, path, authorization, body }) = heard(&stream) else { continue };
                let mut kept = serving.kept.lock().unwrap();
                kept.keys.insert(authorization);
                if kept.limit > 0 {
                    kept.limit -= 1;
                    drop(kept);
                    answer(&stream, "429 Too Many Requests\r\nretry-after: 1", "{}");
                    continue;
                }
                if kept.refuse > 0 {
                    kept.refuse -= 1;
                    drop(kept);
                    answer(&stream, "503 Service Unavailable", "{}");
                    continue;
                }
                if let Some((status, text)) = kept.file(&path) {
                    drop(kept);
                    answer(&stream, &status, &text);
                    continue;
                }
                let said = kept.handle(&method, &path, &body);
                if method != "GET" && kept.lose > 0 {
                    kept.lose -= 1;
                    continue; // the stream is dropped unanswered
                }
                drop(kept);
                match said {
                    Some(said) => answer(&stream, "200 OK", &said.to_string()),
                    None => answer(&stream, "404 Not Found", "{}"),
                }
            }
        });
        tickets
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    pub(crate) fn lose(&self, answers: usize) {
        self.kept.lock().unwrap().lose = answers;
    }

    pub(crate) fn refuse(&self, requests: usize) {
        self.kept.lock().unwrap().refuse = requests;
    }

    pub(crate) fn limit(&self, requests: usize) {
        self.kept.lock().unwrap().limit = requests;
    }

    /// How many requests are still to be asked to wait.
    pub(crate) fn limits_left(&self) -> usize {
        self.kept.lock().unwrap().limit
    }

    /// Stores a file at a path, with the status and headers of its answer.
    pub(crate) fn keep(&self, path: &str, status: &str, text: &str) {
        self.kept.lock().unwrap().files.insert(path.to_owned(), (status.to_owned(), text.to_owned()));
    }

    /// The paths of requested files.
    pub(crate) fn fetched(&self) -> Vec<String> {
        self.kept.lock().unwrap().fetched.clone()
    }

    /// Every `authorization` header received.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.kept.lock().unwrap().keys.iter().cloned().collect()
    }

    /// The comments of a ticket.
    pub(crate) fn of(&self, ticket: &str) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.comments.get(ticket).into_iter().flatten().map(|(_, text)| text.clone()).collect()
    }

    pub(crate) fn updates(&self) -> usize {
        self.kept.lock().unwrap().updates
    }
}

impl Kept {
    fn handle(&mut self, method: &str, path: &str, body: &str) -> Option<Value> {
        let path = path.split('?').next()?;
        let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        // Jira's text is a tree; only its words matter here.
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["repos", owner, name, "issues", number, "comments"]) => {
                Some(self.add(&format!("{owner}/{name}#{number}"), text(&body["body"])))
            }
            ("GET", ["repos", owner, name, "issues", number, "comments"]) => {
                Some(self.list(&format!("{owner}/{name}#{number}")))
            }
            ("PATCH", ["repos", _, _, "issues", "comments", id]) => self.change(id, text(&body["body"])),
            ("POST", ["rest", "api", "3", "issue", key, "comment"]) => {
                Some(self.add(key, text(&body["body"])))
            }
            ("GET", ["rest", "api", "3", "issue", key, "comment"]) => {
                let comments = self.list(key);
                Some(json!({ "total": comments.as_array()?.len(), "comments": comments }))
            }
            ("PUT", ["rest", "api", "3", "issue", _, "comment", id]) => self.change(id, text(&body["body"])),
            ("POST", ["api", "v4", "projects", project, "issues", number, "notes"]) => {
                assert_eq!(body["internal"], true, "a note is internal");
                Some(self.add(&format!("{project}#{number}"), text(&body["body"])))
            }
            ("GET", ["api", "v4", "projects", project, "issues", number, "notes"]) => {
                Some(self.list(&format!("{project}#{number}")))
            }
            ("PUT", ["api", "v4", "projects", _, "issues", _, "notes", id]) => {
                self.change(id, text(&body["body"]))
            }
            ("POST", ["graphql"]) => Some(self.graphql(&body)),
            ("PUT", ["api", "v2", "tickets", file]) => {
                assert_eq!(body["ticket"]["comment"]["public"], false, "a note is internal");
                let ticket = file.trim_end_matches(".json").to_owned();
                self.add(&ticket, text(&body["ticket"]["comment"]["html_body"]));
                Some(json!({ "ticket": { "id": ticket } }))
            }
            ("GET", ["api", "v2", "tickets", ticket, "comments.json"]) => {
                Some(json!({ "comments": self.list(ticket), "meta": { "has_more": false } }))
            }
            _ => None,
        }
    }

    fn graphql(&mut self, body: &Value) -> Value {
        let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
        let field = |name: &str| variables[name].as_str().unwrap_or_default().to_owned();
        let done = |id: &Value| json!({ "success": true, "comment": { "id": id } });
        if query.contains("commentCreate") {
            let added = self.add(&field("issue"), field("body"));
            return json!({ "data": { "commentCreate": done(&added["id"]) } });
        }
        if query.contains("commentUpdate") {
            return match self.change(&field("id"), field("body")) {
                Some(changed) => json!({ "data": { "commentUpdate": done(&changed["id"]) } }),
                None => {
                    json!({ "errors": [{ "message": "no such comment", "extensions": { "code": "INPUT_ERROR" } }] })
                }
            };
        }
        let page = json!({ "nodes": self.list(&field("issue")), "pageInfo": { "hasNextPage": false, "endCursor": null } });
        json!({ "data": { "issue": { "comments": page }, "viewer": { "id": "v" } } })
    }

    fn file(&mut self, path: &str) -> Option<(String, String)> {
        let found = self.files.get(path).cloned();
        if found.is_some() {
            self.fetched.push(path.to_owned());
        }
        found
    }

    fn add(&mut self, ticket: &str, text: String) -> Value {
        self.next += 1;
        self.comments.entry(ticket.to_owned()).or_default().push((self.next, text.clone()));
        json!({ "id": self.next, "body": text })
    }

    fn list(&self, ticket: &str) -> Value {
        let comments = self.comments.get(ticket).into_iter().flatten();
        comments.map(|(id, text)| json!({ "id": id, "body": text })).collect()
    }

    fn change(&mut self, id: &str, text: String) -> Option<Value> {
        let id: u64 = id.parse().ok()?;
        let comment = self.comments.values_mut().flatten().find(|(other, _)| *other == id)?;
        comment.1.clone_from(&text);
        self.updates += 1;
        Some(json!({ "id": id, "body": text }))
    }
}
