/*!
Payloads of ticket systems and of our own API: where the title and the body are in each.
*/

use crate::moment;
use base64::Engine as _;
use millwright_model::TicketFormat;
use serde_json::Value;

use super::{ReadablePayload, owned, scalar, text};

/// Maximum number of attachments that are read as text, and bytes read of each.
const MAX_ATTACHMENTS: usize = 20;
const MAX_ATTACHMENT_BYTES: usize = 512 * 1024;

/// `(field that only this system's payload has, title, body, id)`.
struct Shape {
    mark: &'static [&'static str],
    title: &'static [&'static str],
    body: &'static [&'static str],
    id: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    Shape {
        mark: &["event", "event_type"],
        title: &["event", "data", "title"],
        body: &["event", "data", "description"],
        id: &["event", "data", "id"],
    },
    Shape {
        mark: &["issue", "fields", "summary"],
        title: &["issue", "fields", "summary"],
        body: &["issue", "fields", "description"],
        id: &["issue", "key"],
    },
    Shape {
        mark: &["issue", "title"],
        title: &["issue", "title"],
        body: &["issue", "body"],
        id: &["issue", "html_url"],
    },
    Shape {
        mark: &["object_attributes", "title"],
        title: &["object_attributes", "title"],
        body: &["object_attributes", "description"],
        id: &["object_attributes", "url"],
    },
    Shape {
        mark: &["detail", "subject"],
        title: &["detail", "subject"],
        body: &["detail", "description"],
        id: &["detail", "id"],
    },
    Shape {
        mark: &["data", "identifier"],
        title: &["data", "title"],
        body: &["data", "description"],
        id: &["data", "identifier"],
    },
];

pub(super) fn read(value: &Value) -> Option<ReadablePayload> {
    incident(value).or_else(|| {
        let shape = SHAPES
            .iter()
            .find(|shape| at(value, shape.mark).is_some() && text(value, shape.title).is_some())?;
        let mut payload = ReadablePayload::new(TicketFormat::Incident, text(value, shape.title)?);
        payload.paragraph(&at(value, shape.body).map(body_text).unwrap_or_default());
        if let Some(comment) = text(value, &["comment", "body"]) {
            payload.paragraph(comment);
        }
        payload.context.external_id = at(value, shape.id).and_then(scalar);
        payload.context.service = owned(value, &["event", "data", "service", "summary"])
            .or_else(|| owned(value, &["repository", "name"]));
        payload.context.first_seen = [&["event", "occurred_at"][..], &["issue", "created_at"], &["time"]]
            .into_iter()
            .find_map(|path| moment(text(value, path)?));
        Some(payload)
    })
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key)).filter(|found| !found.is_null())
}

/// Jira Cloud sends rich text as a tree; its leaves contain the text.
fn body_text(value: &Value) -> String {
    if let Some(plain) = value.as_str() {
        return plain.to_owned();
    }
    let mut out = String::new();
    collect(value, &mut out);
    out
}

fn collect(value: &Value, out: &mut String) {
    if let Some(text) = value.get("text").and_then(Value::as_str) {
        out.push_str(text);
    }
    for child in value.get("content").and_then(Value::as_array).into_iter().flatten() {
        collect(child, out);
    }
    if matches!(
        text(value, &["type"]),
        Some("paragraph" | "codeBlock" | "heading" | "listItem" | "hardBreak")
    ) {
        out.push('\n');
    }
}

/// The body of `POST /v1/incidents`.
fn incident(value: &Value) -> Option<ReadablePayload> {
    let title = text(value, &["title"])?;
    let body = text(value, &["body"]).or_else(|| text(value, &["description"]));
    if body.is_none() && value.get("attachments").is_none() && value.get("service").is_none() {
        return None;
    }
    let mut payload = ReadablePayload::new(TicketFormat::Incident, title);
    payload.paragraph(body.unwrap_or(""));
    payload.context.service = owned(value, &["service"]);
    payload.context.environment = owned(value, &["environment"]);
    payload.context.release = owned(value, &["release"]);
    payload.context.external_id = value.get("external_id").and_then(scalar);
    payload.context.first_seen = text(value, &["first_seen"]).and_then(moment);
    payload.context.last_seen = text(value, &["last_seen"]).and_then(moment);
    if let Some(source) = text(value, &["source"]) {
        payload.label("source", source);
    }
    for (key, label) in value.get("labels").and_then(Value::as_object).into_iter().flatten() {
        if let Some(label) = scalar(label) {
            payload.label(key, &label);
        }
    }
    let attachments =
        value.get("attachments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for attachment in attachments.iter().take(MAX_ATTACHMENTS) {
        attach(attachment, &mut payload);
    }
    if attachments.len() > MAX_ATTACHMENTS {
        payload
            .notes
            .push(format!("Of {} attachments the first {MAX_ATTACHMENTS} were read.", attachments.len()));
    }
    Some(payload)
}

fn attach(attachment: &Value, payload: &mut ReadablePayload) {
    let name = text(attachment, &["name"]).unwrap_or("attachment").replace('\n', " ");
    let encoded = attachment
        .get("base64")
        .and_then(Value::as_str)
        .map(|data| base64::engine::general_purpose::STANDARD.decode(data));
    let bytes = match (attachment.get("text").and_then(Value::as_str), encoded) {
        (Some(plain), _) => plain.as_bytes().to_vec(),
        (None, Some(Ok(bytes))) => bytes,
        _ => {
            payload
                .notes
                .push(format!("Attachment {name} could not be read: neither text nor valid base64."));
            return;
        }
    };
    let media = text(attachment, &["media_type"]).unwrap_or("text/plain");
    let readable = media.starts_with("text/")
        || media.contains("json")
        || media.contains("log")
        || media.contains("xml");
    if !readable {
        payload.notes.push(format!("Attachment {name} ({media}) is not text and was left out."));
        return;
    }
    let kept = bytes.get(..bytes.len().min(MAX_ATTACHMENT_BYTES)).unwrap_or_default();
    if kept.len() < bytes.len() {
        payload.notes.push(format!("Attachment {name} was cut after {MAX_ATTACHMENT_BYTES} bytes."));
    }
    let decoded = crate::decode::decode(kept);
    payload.notes.extend(decoded.notes.into_iter().map(|note| format!("Attachment {name}: {note}")));
    payload.paragraph(&format!("Attachment {name}:\n{}", decoded.text));
}
