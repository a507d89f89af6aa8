/*!
What Slack sends: events, slash commands and pressed buttons, over HTTP and over its socket. Only this module parses them;
a delivery that does not concern us has no result.
*/

use millwright_model::RemoteFile;
use serde_json::Value;

use super::SlackIntegration;
use crate::attachments::files_in;

/// Longest text that is read from a message, in characters; Slack's own limit is 40,000.
const MOST_TEXT: usize = 40_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackEvent {
    /// Slack tests the URL.
    Challenge(String),
    Said(SlackMessage),
    /// A person edited a message.
    Edited(SlackMessage),
    /// The user stopped the run with Slack's own stop control.
    Stopped {
        channel: String,
        thread: String,
        user: String,
    },
    Nothing,
}

/// A message that is meant for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackMessage {
    /// Slack's id of the event: an event with the same id is the same message.
    pub event: String,
    pub channel: String,
    /// The timestamp of the message, which is its name within the channel.
    pub ts: String,
    /// The first message of its thread; its own timestamp if it begins one.
    pub thread: String,
    pub user: String,
    pub text: String,
    /// Files attached to the message.
    pub files: Vec<RemoteFile>,
    /// Whether people of other workspaces read the channel.
    pub is_shared: bool,
    /// Whether only its members read the channel, if the event says so; a mention does not.
    pub is_closed: Option<bool>,
}

/// A slash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackCommand {
    pub trigger: String,
    pub channel: String,
    pub user: String,
    pub text: String,
}

/// A pressed button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackButtonPress {
    pub user: String,
    pub channel: String,
    pub thread: Option<String>,
    pub action: String,
    pub value: String,
}

/// Parses an envelope of the Events API.
///
/// # Errors
/// Names the missing field.
pub fn told(envelope: &Value) -> Result<SlackEvent, String> {
    match text(envelope, "type") {
        Some("url_verification") => {
            let challenge = text(envelope, "challenge").ok_or("url_verification needs a challenge")?;
            return Ok(SlackEvent::Challenge(challenge.chars().take(500).collect()));
        }
        Some("event_callback") => {}
        Some(_) => return Ok(SlackEvent::Nothing),
        None => return Err("the envelope needs a type".into()),
    }
    let id = text(envelope, "event_id").ok_or("the envelope needs event_id")?;
    let event = envelope.get("event").ok_or("the envelope needs event")?;
    let kind = text(event, "type").ok_or("the event needs a type")?;
    if kind == "agent_session_stopped" {
        let (Some(channel), Some(thread)) = (name(event, "channel"), name(event, "thread_ts")) else {
            return Ok(SlackEvent::Nothing);
        };
        let user = name(event, "user").unwrap_or_else(|| "unknown".into());
        return Ok(SlackEvent::Stopped { channel, thread, user });
    }
    let subtype = text(event, "subtype");
    let direct = kind == "message" && text(event, "channel_type") == Some("im");
    let changed = kind == "message" && subtype == Some("message_changed");
    // Mentions inside direct messages arrive as messages only; mentions in channels arrive as both.
    if !changed && kind != "app_mention" && !direct {
        return Ok(SlackEvent::Nothing);
    }
    if !changed && !matches!(subtype, None | Some("file_share" | "thread_broadcast")) {
        return Ok(SlackEvent::Nothing);
    }
    let message = if changed { event.get("message").unwrap_or(&Value::Null) } else { event };
    if is_of_a_bot(envelope, message) {
        return Ok(SlackEvent::Nothing);
    }
    let is_shared = envelope.get("is_ext_shared_channel").and_then(Value::as_bool) == Some(true);
    let Some(said) = said(id, event, message, is_shared) else {
        return Err("the message needs channel, ts and user".into());
    };
    if !changed {
        return Ok(SlackEvent::Said(said));
    }
    // A preview that Slack adds to a link also counts as a change.
    let before = event.get("previous_message").and_then(|before| text(before, "text")).map(plain);
    Ok(if before.as_deref() == Some(said.text.as_str()) {
        SlackEvent::Nothing
    } else {
        SlackEvent::Edited(said)
    })
}

fn said(event_id: &str, event: &Value, message: &Value, is_shared: bool) -> Option<SlackMessage> {
    let ts = name(message, "ts")?;
    Some(SlackMessage {
        event: event_id.chars().take(200).collect(),
        channel: name(event, "channel")?,
        thread: name(message, "thread_ts").unwrap_or_else(|| ts.clone()),
        ts,
        user: name(message, "user")?,
        text: plain(text(message, "text").unwrap_or_default()),
        files: files_in(&SlackIntegration, message),
        is_shared,
        is_closed: is_closed(event),
    })
}

/// Whether only its members read the channel of an event.
fn is_closed(event: &Value) -> Option<bool> {
    match text(event, "channel_type")? {
        "im" | "mpim" | "group" => Some(true),
        "channel" => Some(false),
        _ => None,
    }
}

/// Whether a bot wrote the message; bots that answer bots would never end.
fn is_of_a_bot(envelope: &Value, message: &Value) -> bool {
    let user = text(message, "user");
    let ourselves = envelope.get("authorizations").and_then(Value::as_array).is_some_and(|all| {
        all.iter().any(|one| {
            one.get("is_bot").and_then(Value::as_bool) == Some(true) && text(one, "user_id") == user
        })
    });
    ourselves || text(message, "bot_id").is_some() || text(message, "subtype") == Some("bot_message")
}

/// Parses the fields of a slash command; `field` looks one up.
///
/// # Errors
/// Names the missing field.
pub fn command(field: impl Fn(&str) -> Option<String>) -> Result<SlackCommand, String> {
    let wanted = |name: &str| {
        field(name).filter(|value| is_name(value)).ok_or_else(|| format!("the command needs {name}"))
    };
    Ok(SlackCommand {
        trigger: field("trigger_id").filter(|id| !id.is_empty()).ok_or("the command needs trigger_id")?,
        channel: wanted("channel_id")?,
        user: wanted("user_id")?,
        text: plain(&field("text").unwrap_or_default()),
    })
}

/// Parses a payload of interactivity; `None` if none of our buttons was pressed.
///
/// # Errors
/// Names the missing field.
pub fn pressed(payload: &Value) -> Result<Option<SlackButtonPress>, String> {
    match text(payload, "type") {
        Some("block_actions") => {}
        Some(_) => return Ok(None),
        None => return Err("the payload needs a type".into()),
    }
    let Some(action) = payload.get("actions").and_then(|actions| actions.get(0)) else { return Ok(None) };
    let container = payload.get("container").unwrap_or(&Value::Null);
    let of = |field: &str| payload.get(field).and_then(|object| name(object, "id"));
    let (Some(user), Some(channel)) = (of("user"), of("channel").or_else(|| name(container, "channel_id")))
    else {
        return Err("the payload needs user.id and channel.id".into());
    };
    let short = |field: &str| text(action, field).unwrap_or_default().chars().take(255).collect();
    Ok(Some(SlackButtonPress {
        user,
        channel,
        thread: name(container, "thread_ts").or_else(|| name(container, "message_ts")),
        action: short("action_id"),
        value: short("value"),
    }))
}

/// The text of a message without Slack's own notation. `<@U1>` at its beginning is the bot itself, and is removed.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = inside.split_once('>') else {
            out.push('<');
            rest = inside;
            continue;
        };
        let (target, label) =
            inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
        match target.chars().next() {
            Some('@') if label.is_none() && out.trim().is_empty() => {}
            Some('@' | '#') => {
                out.push(target.chars().next().unwrap_or('@'));
                out.push_str(label.unwrap_or(target.get(1..).unwrap_or_default()));
            }
            Some('!') => out.push_str(label.unwrap_or(target.get(1..).unwrap_or_default())),
            _ => match label.filter(|label| !target.ends_with(label)) {
                Some(label) => out.push_str(&format!("{label} ({target})")),
                None => out.push_str(target),
            },
        }
        rest = after;
    }
    out.push_str(rest);
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    out.trim().chars().take(MOST_TEXT).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Ids and timestamps are put into requests again, so other characters are refused.
fn name(value: &Value, key: &str) -> Option<String> {
    text(value, key).filter(|name| is_name(name)).map(str::to_owned)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
