/*!
The wire format of chat completions: a question as JSON, and an answer assembled from the chunks of a stream. Parsing
is lenient, because servers omit different fields. In the body, `messages` comes after `tools` and before the fields
that may change from step to step, so that each request's bytes extend those of the one before.
*/

use std::collections::BTreeMap;

use millwright_tools::ToolSpec;
use serde_json::{Map, Value, json};

use crate::context::{ModelMessage, ModelRequest};
use crate::run::{ActionMode, AllowedAnswer, FailureKind, HeardCall, ModelFailure, TokenCounts};

use super::schema;
use super::settings::ModelConnection;

/// Maximum length of an answer, in bytes; a longer answer is cut off.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Maximum number of calls in one answer.
const MAX_CALLS: usize = 16;

/// The body of a request.
pub(super) fn body(connection: &ModelConnection, tools: &[ToolSpec], request: &ModelRequest) -> Value {
    let ask = &request.ask;
    let native = ask.mode == ActionMode::Tools && ask.purpose == crate::run::AskPurpose::Plan;
    let mut body = Map::new();
    body.insert("model".into(), connection.model.clone().into());
    body.insert("stream".into(), true.into());
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    if let Some(temperature) = connection.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    // Some servers refuse an empty list of tools, and a tool choice without tools.
    let offers = native && !tools.is_empty();
    if offers {
        let tools = tools.iter().map(|tool| {
            json!({
                "type": "function",
                "function": { "name": tool.name, "description": tool.description, "parameters": tool.schema },
            })
        });
        body.insert("tools".into(), Value::Array(tools.collect()));
    }
    body.insert("messages".into(), Value::Array(request.messages.iter().map(message).collect()));
    if offers {
        let choice = match ask.choice {
            AllowedAnswer::Any => json!("auto"),
            AllowedAnswer::NoTools => json!("none"),
            AllowedAnswer::Conclude => json!({ "type": "function", "function": { "name": super::CONCLUDE } }),
        };
        body.insert("tool_choice".into(), choice);
    } else if !native && let Some((name, schema)) = schema::of_answer(ask, tools) {
        let schema = json!({ "name": name, "strict": true, "schema": schema });
        body.insert("response_format".into(), json!({ "type": "json_schema", "json_schema": schema }));
    }
    // OpenAI's newest models accept only the new name, many other servers only the old one.
    let limit = match connection.base_url.contains("api.openai.com") {
        true => "max_completion_tokens",
        false => "max_tokens",
    };
    body.insert(limit.into(), ask.max_output.into());
    Value::Object(body)
}

fn message(message: &ModelMessage) -> Value {
    match message {
        ModelMessage::System(text) => json!({ "role": "system", "content": text }),
        ModelMessage::User(text) => json!({ "role": "user", "content": text }),
        ModelMessage::Tool { call, text } => json!({ "role": "tool", "tool_call_id": call, "content": text }),
        ModelMessage::Assistant { text, calls } if calls.is_empty() => {
            json!({ "role": "assistant", "content": text })
        }
        ModelMessage::Assistant { text, calls } => {
            let calls = calls.iter().map(|call| {
                json!({
                    "id": call.id,
                    "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments },
                })
            });
            json!({ "role": "assistant", "content": text, "tool_calls": calls.collect::<Vec<_>>() })
        }
    }
}

/// An answer while it is streamed.
#[derive(Debug, Default)]
pub(super) struct StreamedAnswer {
    pub(super) text: String,
    calls: BTreeMap<u64, HeardCall>,
    pub(super) finish: Option<String>,
    pub(super) tokens: Option<TokenCounts>,
    chunks: usize,
}

impl StreamedAnswer {
    /// Adds a chunk; returns the words in it.
    pub(super) fn take(&mut self, chunk: &Value) -> Result<String, ModelFailure> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            let said = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(super::failures::of_message(said));
        }
        if !chunk.is_object() {
            return Err(ModelFailure::new(FailureKind::Garbled, "a chunk of the answer is not an object"));
        }
        self.chunks += 1;
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
            if let Some(input) = count("/prompt_tokens") {
                let cached = count("/prompt_tokens_details/cached_tokens").unwrap_or(0).min(input);
                self.tokens =
                    Some(TokenCounts { input, cached, output: count("/completion_tokens").unwrap_or(0) });
            }
        }
        let Some(choice) = chunk.pointer("/choices/0") else { return Ok(String::new()) };
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(finish.chars().take(40).collect());
        }
        let words = choice.pointer("/delta/content").and_then(Value::as_str).unwrap_or_default();
        self.text.push_str(words);
        for (at, call) in
            choice.pointer("/delta/tool_calls").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            let index = call.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
            let heard = self.calls.entry(index).or_default();
            if let Some(name) = call.pointer("/function/name").and_then(Value::as_str) {
                heard.name.push_str(name);
            }
            match call.pointer("/function/arguments") {
                Some(Value::String(part)) => heard.arguments.push_str(part),
                // Some servers send the object itself.
                Some(object @ Value::Object(_)) => heard.arguments.push_str(&object.to_string()),
                _ => {}
            }
        }
        let size = self.text.len()
            + self.calls.values().map(|call| call.name.len() + call.arguments.len()).sum::<usize>();
        if size > MAX_ANSWER_BYTES || self.calls.len() > MAX_CALLS * 4 {
            return Err(ModelFailure::new(
                FailureKind::Garbled,
                "the answer is longer than any answer can be",
            ));
        }
        Ok(words.to_owned())
    }

    /// The calls in order, once the stream has ended well.
    pub(super) fn calls(&mut self) -> Vec<HeardCall> {
        std::mem::take(&mut self.calls).into_values().take(MAX_CALLS).collect()
    }

    /// Whether the stream ended in the middle or brought nothing.
    pub(super) fn judge(&self) -> Result<(), ModelFailure> {
        if self.chunks == 0 {
            return Err(ModelFailure::new(
                FailureKind::Garbled,
                "the answer contained no chunk of a chat completion",
            ));
        }
        if self.finish.is_none() {
            return Err(ModelFailure::new(FailureKind::Cut, "the answer broke off in the middle"));
        }
        if self.text.trim().is_empty() && self.calls.is_empty() {
            return Err(ModelFailure::new(FailureKind::Empty, "the answer was empty"));
        }
        Ok(())
    }
}
