/*!
Any other JSON object that is one error report: some field contains a stack trace or a message. The text fields are
joined one after the other and parsed like any ticket.
*/

use millwright_model::TicketFormat;
use serde_json::Value;

use super::{ReadablePayload, owned};

const MAX_FIELDS: usize = 200;
const MAX_DEPTH: usize = 6;
/// Fields that may contain an error, most likely first.
const TELLING: &[&str] = &[
    "stack_trace",
    "stacktrace",
    "stack",
    "stackTrace",
    "exception",
    "error",
    "traceback",
    "message",
    "msg",
    "description",
    "body",
    "text",
];

pub(super) fn read(value: &Value) -> Option<ReadablePayload> {
    let fields = value.as_object()?;
    if !TELLING.iter().any(|key| fields.contains_key(*key)) {
        return None;
    }
    let title = ["title", "summary", "subject", "message", "msg", "error"]
        .iter()
        .find_map(|key| owned(value, &[key]))
        .unwrap_or_default();
    let mut payload = ReadablePayload::new(TicketFormat::Text, &title);
    let mut left = MAX_FIELDS;
    render(value, "", 0, &mut left, &mut payload);
    payload.context.service =
        ["service", "service_name", "app", "logger"].iter().find_map(|key| owned(value, &[key]));
    payload.context.environment = ["environment", "env"].iter().find_map(|key| owned(value, &[key]));
    payload.context.release = ["release", "version"].iter().find_map(|key| owned(value, &[key]));
    Some(payload)
}

fn render(value: &Value, name: &str, depth: usize, left: &mut usize, payload: &mut ReadablePayload) {
    if *left == 0 || depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                render(field, key, depth + 1, left, payload);
            }
        }
        Value::Array(items) => {
            for item in items {
                render(item, name, depth + 1, left, payload);
            }
        }
        Value::String(text) => {
            *left -= 1;
            if text.trim() == payload.title {
                return;
            }
            let telling = TELLING.contains(&name) || text.contains('\n');
            payload.paragraph(&if telling { text.clone() } else { format!("{name}: {text}") });
        }
        Value::Number(_) | Value::Bool(_) => *left -= 1,
        Value::Null => {}
    }
}
