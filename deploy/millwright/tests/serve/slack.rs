/*!
A simulated Slack. It stores the messages of channels and threads as its Web API shows them, can lose an answer after it has
done the work, and can ask clients to wait. It also implements the server side of Socket Mode.
*/

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, accept};

use super::http::{Heard, answer, heard};

#[derive(Default)]
struct Kept {
    messages: Vec<Value>,
    whispers: Vec<Value>,
    updates: usize,
    next: u64,
    /// How many answers to posts are lost after the work was done.
    lose: usize,
    /// How many requests are asked to wait a second.
    limit: usize,
    /// The address that clients get for their socket.
    socket: Option<SocketAddr>,
    /// Files by path.
    files: BTreeMap<String, String>,
    /// The credentials in the headers of file requests.
    asked_with: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Slack {
    at: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Slack {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slack = Self { at: listener.local_addr().unwrap(), kept: Arc::default() };
        let serving = slack.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(Heard { path, authorization, body, .. }) = heard(&stream) else { continue };
                let mut kept = serving.kept.lock().unwrap();
                if let Some(text) = kept.files.get(&path).cloned() {
                    kept.asked_with.push(authorization);
                    drop(kept);
                    answer(&stream, "200 OK", &text);
                    continue;
                }
                if kept.limit > 0 {
                    kept.limit -= 1;
                    drop(kept);
                    answer(
                        &stream,
                        "429 Too Many Requests\r\nretry-after: 1",
                        "{\"ok\":false,\"error\":\"ratelimited\"}",
                    );
                    continue;
                }
                let said = kept.handle(path.trim_start_matches('/'), &body);
                if path.ends_with("chat.postMessage") && kept.lose > 0 {
                    kept.lose -= 1;
                    continue; // the stream is dropped unanswered
                }
                drop(kept);
                answer(&stream, "200 OK", &said.to_string());
            }
        });
        slack
    }

    pub(crate) fn config(&self, more: &str) -> String {
        format!(
            "[channels.slack]\nbot_token_env = \"API_TOKEN\"\nbase_url = \"http://{}\"\nresponders = [\"U0RESP\"]\n{more}\n",
            self.at
        )
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Stores a file at a path.
    pub(crate) fn keep(&self, path: &str, text: &str) {
        self.kept.lock().unwrap().files.insert(path.to_owned(), text.to_owned());
    }

    /// Whether a file was asked for with these credentials.
    pub(crate) fn was_asked_with(&self, authorization: &str) -> bool {
        self.kept.lock().unwrap().asked_with.iter().any(|one| one == authorization)
    }

    pub(crate) fn lose(&self, answers: usize) {
        self.kept.lock().unwrap().lose = answers;
    }

    pub(crate) fn limit(&self, requests: usize) {
        self.kept.lock().unwrap().limit = requests;
    }

    pub(crate) fn updates(&self) -> usize {
        self.kept.lock().unwrap().updates
    }

    /// Adds a message that a person writes.
    pub(crate) fn write(&self, channel: &str, thread: Option<&str>, text: &str) -> String {
        let mut kept = self.kept.lock().unwrap();
        let mut message = json!({ "channel": channel, "user": "U1", "text": text });
        if let Some(thread) = thread {
            message["thread_ts"] = thread.into();
        }
        kept.add(message)
    }

    /// Our messages in a thread, oldest first.
    pub(crate) fn ours(&self, channel: &str, thread: &str) -> Vec<Value> {
        let kept = self.kept.lock().unwrap();
        let is_there =
            |m: &&Value| m["channel"] == channel && m["thread_ts"] == thread && m["bot_id"] == "B1";
        kept.messages.iter().filter(is_there).cloned().collect()
    }

    /// Starts Socket Mode. What the test sends here goes to the connected client, and the client's acknowledgements come
    /// back. `None` closes the connection.
    pub(crate) fn socket(&self) -> (Sender<Option<Value>>, Receiver<Value>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.kept.lock().unwrap().socket = Some(listener.local_addr().unwrap());
        let (to, orders) = channel::<Option<Value>>();
        let (acks, from) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(mut socket) = accept(stream) else { continue };
                let send = |socket: &mut tokio_tungstenite::tungstenite::WebSocket<_>, value: &Value| {
                    socket.send(Message::text(value.to_string()))
                };
                if send(&mut socket, &json!({ "type": "hello" })).is_err() {
                    continue;
                }
                loop {
                    let Ok(order) = orders.recv_timeout(Duration::from_secs(120)) else { return };
                    let Some(envelope) = order else {
                        let _ = send(
                            &mut socket,
                            &json!({ "type": "disconnect", "reason": "refresh_requested" }),
                        );
                        let _ = socket.close(None);
                        let _ = socket.flush();
                        break;
                    };
                    if send(&mut socket, &envelope).is_err() {
                        break;
                    }
                    match socket.read() {
                        Ok(Message::Text(text)) => {
                            let _ = acks.send(serde_json::from_str(&text).unwrap());
                        }
                        _ => break,
                    }
                }
            }
        });
        (to, from)
    }
}

impl Kept {
    fn handle(&mut self, method: &str, body: &str) -> Value {
        let json: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let form: Vec<(String, String)> = body
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.replace("%2F", "/")))
            .collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        match method {
            "chat.postMessage" => {
                assert!(json["text"].as_str().is_some_and(|text| !text.is_empty() && text.len() < 4_000));
                let mut message = json.clone();
                message["bot_id"] = "B1".into();
                json!({ "ok": true, "channel": json["channel"], "ts": self.add(message) })
            }
            "chat.update" => {
                let same = |m: &&mut Value| m["ts"] == json["ts"] && m["channel"] == json["channel"];
                let Some(message) = self.messages.iter_mut().find(same) else {
                    return json!({ "ok": false, "error": "message_not_found" });
                };
                for part in ["text", "blocks", "metadata"] {
                    message[part] = json[part].clone();
                }
                self.updates += 1;
                json!({ "ok": true, "ts": json["ts"] })
            }
            "conversations.replies" | "conversations.history" => {
                let (channel, thread) = (field("channel"), field("ts"));
                let is_there = |m: &&Value| {
                    let of = |key: &str| m[key].as_str().map(str::to_owned);
                    of("channel") == channel
                        && thread
                            .as_ref()
                            .is_none_or(|ts| m["ts"] == ts.as_str() || m["thread_ts"] == ts.as_str())
                };
                let messages: Vec<&Value> = self.messages.iter().filter(is_there).collect();
                json!({ "ok": true, "messages": messages, "response_metadata": { "next_cursor": "" } })
            }
            "chat.postEphemeral" => {
                self.whispers.push(json);
                json!({ "ok": true })
            }
            // Every user that a client looks up is a full member.
            "auth.test" => json!({ "ok": true, "team_id": "T1", "team": "acme", "user": "millwright" }),
            "users.info" => {
                json!({ "ok": true, "user": { "id": field("user"), "team_id": "T1", "deleted": false,
                "is_bot": false, "is_stranger": false, "is_restricted": false, "is_ultra_restricted": false } })
            }
            "conversations.info" => {
                json!({ "ok": true, "channel": { "is_ext_shared": false, "is_private": false } })
            }
            "apps.connections.open" => match self.socket {
                Some(at) => json!({ "ok": true, "url": format!("ws://{at}/link?ticket=1") }),
                None => json!({ "ok": false, "error": "not_allowed_token_type" }),
            },
            _ => json!({ "ok": false, "error": "unknown_method" }),
        }
    }

    fn add(&mut self, mut message: Value) -> String {
        self.next += 1;
        let ts = format!("1700000{:03}.000100", self.next);
        message["ts"] = ts.clone().into();
        self.messages.push(message);
        ts
    }
}
