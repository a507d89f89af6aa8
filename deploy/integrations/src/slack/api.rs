/*!
The part of Slack's Web API that we call. Errors come with status 200 and `ok: false`; this module knows which of them
certainly changed nothing, and how to fix them.
*/

use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::SlackSettings;
use crate::outbound_http::{self, SendError};
use crate::ticket_client::NoteTarget;

/// Pages searched for a message, of 200 messages each.
const MOST_PAGES: usize = 20;
/// The event type in the metadata of our messages, by which a message is found again.
const EVENT_TYPE: &str = "millwright_note";

/// Calls the Web API.
pub struct SlackApi<'a> {
    slack: &'a SlackSettings,
    http: reqwest::Client,
}

/// Who may read a channel; `None` if Slack does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlackChannel {
    /// Whether people of other workspaces may read it.
    pub is_shared: Option<bool>,
    /// Whether only its members may read it: a private channel, or a direct message.
    pub is_closed: Option<bool>,
}

/// The destination of a message: a channel, and a thread in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlackTarget<'t> {
    pub channel: &'t str,
    pub thread: Option<&'t str>,
    /// The message that this one replies to, if it is a reply.
    pub message: Option<&'t str>,
}

impl<'t> SlackTarget<'t> {
    /// Parses the target of a note: `CHANNEL[/THREAD[/MESSAGE]]`.
    pub fn of(target: &'t str) -> Self {
        let mut parts = target.split('/');
        Self {
            channel: parts.next().unwrap_or_default(),
            thread: parts.next().filter(|thread| !thread.is_empty()),
            message: parts.next(),
        }
    }
}

impl<'a> SlackApi<'a> {
    /// A client for the API with these settings.
    pub fn new(slack: &'a SlackSettings, http: reqwest::Client) -> Self {
        Self { slack, http }
    }

    /// Posts a note; returns its timestamp, which is its name.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn create(
        &self,
        note: NoteTarget<'_>,
        text: &str,
        blocks: &Value,
    ) -> Result<String, SendError> {
        let target = SlackTarget::of(note.ticket);
        let mut body = message(note, text, blocks);
        body["channel"] = target.channel.into();
        body["unfurl_links"] = false.into();
        body["unfurl_media"] = false.into();
        if let Some(thread) = target.thread {
            body["thread_ts"] = thread.into();
        }
        let answer = self.ask("chat.postMessage", &body).await?;
        let ts = answer.get("ts").and_then(Value::as_str);
        ts.map(str::to_owned).ok_or_else(|| SendError::Unknown("the answer has no ts".into()))
    }

    /// Edits a note. A note that a person deleted stays deleted.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn update(
        &self,
        note: NoteTarget<'_>,
        ts: &str,
        text: &str,
        blocks: &Value,
    ) -> Result<(), SendError> {
        let mut body = message(note, text, blocks);
        body["channel"] = SlackTarget::of(note.ticket).channel.into();
        body["ts"] = ts.into();
        match self.ask("chat.update", &body).await {
            Err(SendError::Refused(why)) if why.contains("message_not_found") => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// The timestamp of the message with this note's id in its metadata, if it arrived.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn find(&self, note: NoteTarget<'_>) -> Result<Option<String>, SendError> {
        let target = SlackTarget::of(note.ticket);
        let is_it =
            |message: &Value| message.pointer("/metadata/event_payload/note") == Some(&json!(note.marker));
        let found = self.search(target.channel, target.thread, is_it).await?;
        let ts = found.as_ref().and_then(|message| message.get("ts")).and_then(Value::as_str);
        Ok(ts.map(str::to_owned))
    }

    /// The messages of a thread that were written before `ts`, oldest first: author, whether the author is a program, and
    /// text.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn earlier(
        &self,
        target: SlackTarget<'_>,
        ts: &str,
    ) -> Result<Vec<(String, bool, String)>, SendError> {
        let Some(thread) = target.thread else { return Ok(Vec::new()) };
        let fields = [("channel", target.channel), ("ts", thread), ("latest", ts), ("limit", "200")];
        let answer = self.read("conversations.replies", &fields).await?;
        let messages = answer.get("messages").and_then(Value::as_array);
        let text = |message: &Value, key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(messages
            .into_iter()
            .flatten()
            .filter(|message| message.get("ts").and_then(Value::as_str).is_some_and(|at| at < ts))
            .map(|message| {
                let bot = message.get("bot_id").is_some_and(|id| !id.is_null());
                let author = text(message, "user").or_else(|| text(message, "username")).unwrap_or_default();
                (author, bot, text(message, "text").unwrap_or_default())
            })
            .collect())
    }

    /// The first match among the messages of a thread, or among the latest ones of a channel.
    async fn search(
        &self,
        channel: &str,
        thread: Option<&str>,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, SendError> {
        let mut cursor = String::new();
        for _ in 0..MOST_PAGES {
            let mut fields = vec![("channel", channel), ("limit", "200"), ("include_all_metadata", "true")];
            fields.extend(thread.map(|thread| ("ts", thread)));
            if !cursor.is_empty() {
                fields.push(("cursor", &cursor));
            }
            let method = if thread.is_some() { "conversations.replies" } else { "conversations.history" };
            let answer = self.read(method, &fields).await?;
            let messages = answer.get("messages").and_then(Value::as_array);
            let messages = messages.ok_or_else(|| SendError::Unknown("the answer has no messages".into()))?;
            if let Some(found) = messages.iter().find(|message| is_it(message)) {
                return Ok(Some(found.clone()));
            }
            match answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str) {
                Some(next) if !next.is_empty() => cursor = next.to_owned(),
                _ => return Ok(None),
            }
        }
        Err(SendError::Unknown("there are too many messages to look through".into()))
    }

    /// Sends a message that only one person sees; nothing depends on its arrival.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn whisper(
        &self,
        channel: &str,
        thread: Option<&str>,
        user: &str,
        text: &str,
    ) -> Result<(), SendError> {
        let mut body = json!({ "channel": channel, "user": user, "text": text });
        if let Some(thread) = thread {
            body["thread_ts"] = thread.into();
        }
        self.ask("chat.postEphemeral", &body).await.map(|_| ())
    }

    /// The address to connect to for Socket Mode.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn open_socket(&self, app_token: &SecretString) -> Result<String, SendError> {
        let answer =
            self.call("apps.connections.open", app_token, "application/x-www-form-urlencoded", String::new());
        let answer = answer.await?;
        let url = answer.get("url").and_then(Value::as_str);
        url.map(str::to_owned).ok_or_else(|| SendError::Unknown("the answer has no url".into()))
    }

    /// The owner of the token, and the workspace.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn who_we_are(&self) -> Result<String, SendError> {
        let answer = self.read("auth.test", &[]).await?;
        let text = |key: &str| -> String {
            answer.get(key).and_then(Value::as_str).unwrap_or("?").chars().take(80).collect()
        };
        Ok(format!("{} of {}", text("user"), text("team")))
    }

    /// The id of the workspace that the token belongs to.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn team(&self) -> Result<String, SendError> {
        let answer = self.read("auth.test", &[]).await?;
        let team = answer.get("team_id").and_then(Value::as_str).filter(|team| !team.is_empty());
        team.map(str::to_owned).ok_or_else(|| SendError::Unknown("the answer has no team_id".into()))
    }

    /// The description of a user by Slack.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn user(&self, id: &str) -> Result<Value, SendError> {
        let answer = self.read("users.info", &[("user", id)]).await?;
        let user = answer.get("user").filter(|user| user.get("id").and_then(Value::as_str) == Some(id));
        user.cloned().ok_or_else(|| SendError::Unknown("the answer is not about that user".into()))
    }

    /// Who may read a channel.
    ///
    /// # Errors
    /// When the API reports an error, or cannot be reached.
    pub async fn channel(&self, channel: &str) -> Result<SlackChannel, SendError> {
        let answer = self.read("conversations.info", &[("channel", channel)]).await?;
        let flag = |name: &str| answer.pointer(&format!("/channel/{name}")).and_then(Value::as_bool);
        let pending = flag("is_pending_ext_shared").unwrap_or(false);
        // Direct messages between two people of the workspace have neither flag.
        let shared = flag("is_ext_shared").or_else(|| flag("is_im").filter(|im| *im).map(|_| false));
        let is_closed = match ["is_private", "is_im", "is_mpim"].map(flag) {
            flags if flags.contains(&Some(true)) => Some(true),
            [Some(false), ..] => Some(false),
            _ => None,
        };
        Ok(SlackChannel { is_shared: shared.map(|shared| shared || pending), is_closed })
    }

    async fn ask(&self, method: &str, body: &Value) -> Result<Value, SendError> {
        let token = &self.slack.bot_token;
        self.call(method, token, "application/json; charset=utf-8", body.to_string()).await
    }

    /// Calls a method that reads; these do not accept JSON.
    async fn read(&self, method: &str, fields: &[(&str, &str)]) -> Result<Value, SendError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.call(method, &self.slack.bot_token, "application/x-www-form-urlencoded", body).await
    }

    async fn call(
        &self,
        method: &str,
        token: &SecretString,
        media: &str,
        body: String,
    ) -> Result<Value, SendError> {
        let request = self
            .http
            .request(Method::POST, format!("{}/{method}", self.slack.base_url))
            .header("authorization", format!("Bearer {}", token.expose_secret()))
            .header("content-type", media)
            .body(body);
        let answer = outbound_http::send(request).await?;
        if answer.get("ok").and_then(Value::as_bool) == Some(true) {
            return Ok(answer);
        }
        let error = answer.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        Err(match error {
            "ratelimited" | "rate_limited" => SendError::Later(Duration::from_secs(30)),
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
                SendError::Unknown(error.to_owned())
            }
            _ => SendError::Refused(format!(
                "{method}: {}{}",
                error.chars().take(120).collect::<String>(),
                mend(error)
            )),
        })
    }
}

fn message(note: NoteTarget<'_>, text: &str, blocks: &Value) -> Value {
    json!({
        "text": text,
        "blocks": blocks,
        "metadata": { "event_type": EVENT_TYPE, "event_payload": { "note": note.marker } },
    })
}

/// How to fix an error that people cause and can fix.
fn mend(error: &str) -> &'static str {
    match error {
        "not_in_channel" | "channel_not_found" => "; invite the bot: /invite @its-name in that channel",
        "is_archived" => "; the channel is archived",
        "invalid_auth" | "not_authed" | "token_revoked" | "account_inactive" | "token_expired" => {
            "; check the token in the variable that channels.slack.bot_token_env names (app_token_env for the socket)"
        }
        "missing_scope" => {
            "; give the app the scopes app_mentions:read, chat:write, commands, users:read, im:history, channels:history, \
             groups:history, channels:read, groups:read and im:read"
        }
        _ => "",
    }
}
