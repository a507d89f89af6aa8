/*!
Structured payloads, recognised by their shape and not by their origin: a Sentry event pasted into a terminal is
treated like one that a webhook delivers. An unrecognised payload stays text.
*/

mod alerts;
mod generic;
mod hooks;
mod sentry;

use millwright_model::{ErrorMessage, StackTrace, TicketContext, TicketFormat};
use serde_json::Value;

/// Longest text read from one field.
const MAX_FIELD_BYTES: usize = 256 * 1024;
/// Maximum number of notes about fields that were cut.
const MAX_CUT_NOTES: usize = 5;
/// Longest text generated from a payload.
const MAX_TEXT_BYTES: usize = 2 * 1024 * 1024;

/// A payload as readable text. `text` is parsed like any other ticket; `traces` were given in structured form.
pub(crate) struct ReadablePayload {
    pub format: TicketFormat,
    pub title: String,
    pub text: String,
    pub traces: Vec<StackTrace>,
    pub errors: Vec<ErrorMessage>,
    pub context: TicketContext,
    pub notes: Vec<String>,
}

impl ReadablePayload {
    fn new(format: TicketFormat, title: &str) -> Self {
        let title = title.lines().next().unwrap_or("").trim();
        let text = if title.is_empty() { String::new() } else { format!("{title}\n") };
        Self {
            format,
            title: super::text::clip(title, 200).to_owned(),
            text,
            traces: Vec::new(),
            errors: Vec::new(),
            context: TicketContext::default(),
            notes: Vec::new(),
        }
    }

    /// Adds a paragraph to the text.
    fn paragraph(&mut self, text: &str) {
        let text = super::text::clip(text.trim_end(), MAX_FIELD_BYTES);
        if !text.trim().is_empty() && self.text.len() < MAX_TEXT_BYTES {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(text);
            self.text.push('\n');
        }
    }

    fn label(&mut self, name: &str, value: &str) {
        if self.context.labels.len() < 200 && !value.is_empty() {
            self.context.labels.insert(name.to_owned(), super::text::clip(value, 1000).to_owned());
        }
    }
}

/// `None` when the text is not JSON or has no known shape.
pub(crate) fn recognise(text: &str) -> Option<ReadablePayload> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    // The parser's own depth limit turns a nesting bomb into an error, so it stays plain text.
    read(&serde_json::from_str(trimmed).ok()?)
}

/// `None` when the value has no known shape.
pub(crate) fn read(value: &Value) -> Option<ReadablePayload> {
    sentry::read(value)
        .or_else(|| alerts::read(value))
        .or_else(|| hooks::read(value))
        .or_else(|| generic::read(value))
}

/// Removes the middle of texts that exceed the limit for one field: reports begin with the problem, and logs end
/// with it.
pub(crate) fn shorten_fields(value: &mut Value, notes: &mut Vec<String>) {
    const CUT: &str = "\n[... cut ...]\n";
    match value {
        Value::String(text) if text.len() > MAX_FIELD_BYTES => {
            let half = (MAX_FIELD_BYTES - CUT.len()) / 2;
            let (head, tail) = (text.floor_char_boundary(half), text.ceil_char_boundary(text.len() - half));
            if notes.len() < MAX_CUT_NOTES {
                notes.push(format!(
                    "A text of the payload has {} bytes; its first {head} and last {} were read, the middle was left out.",
                    text.len(),
                    text.len() - tail
                ));
            }
            text.replace_range(head..tail, CUT);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten_fields(item, notes)),
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten_fields(field, notes)),
        _ => {}
    }
}

/// The string at a path of keys.
fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    let found = path.iter().try_fold(value, |value, key| value.get(key))?;
    found.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A string or a number as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn owned(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path).map(str::to_owned)
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
