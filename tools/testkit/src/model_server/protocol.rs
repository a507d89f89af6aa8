/*!
ProtocolRules that every request to a chat endpoint must follow.
*/

use std::collections::BTreeSet;

use serde_json::Value;

use super::ModelRequest;

/// Rules that a test adds to the protocol.
#[derive(Debug, Clone, Default)]
pub struct ProtocolRules {
    /// Tokens all requests and answers may use together.
    pub budget: Option<u64>,
    /// Texts that no request may contain.
    pub secrets: Vec<String>,
    /// Whether the conversation may begin again (a compaction, a change of mode).
    pub new_prefixes: bool,
}

/// The rules that a request violates, in words.
pub(super) fn judge(
    head: &str,
    seen: &ModelRequest,
    before: &[ModelRequest],
    rules: &ProtocolRules,
    used: u64,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let body = &seen.body;
    if !head.starts_with("POST /v1/chat/completions HTTP/1.1") {
        wrong.push(format!("not a chat completion: {}", head.lines().next().unwrap_or_default()));
    }
    if !body.is_object() {
        wrong.push("the body is no JSON object".to_owned());
        return wrong;
    }
    if body["stream"] != true || body["stream_options"]["include_usage"] != true {
        wrong.push("it does not stream with usage".to_owned());
    }
    messages(seen.messages(), &mut wrong);
    tools(body, &mut wrong);
    if body["max_tokens"].as_u64().is_none_or(|most| most == 0) {
        wrong.push("its answer has no bound".to_owned());
    }
    for secret in rules.secrets.iter().filter(|secret| seen.raw.contains(*secret)) {
        wrong.push(format!("it holds the secret {secret:?}"));
    }
    if let Some(budget) = rules.budget {
        let most = used + (seen.raw.len() / 4) as u64 + body["max_tokens"].as_u64().unwrap_or(0);
        if most > budget {
            wrong.push(format!("it may use {most} tokens, over the budget of {budget}"));
        }
    }
    let last = before.iter().rev().find(|other| other.is_review() == seen.is_review());
    if let Some(last) = last.filter(|_| !rules.new_prefixes)
        && !extends(last, seen)
    {
        wrong.push("its prefix does not extend the one before".to_owned());
    }
    wrong
}

/// Whether the messages of `next` begin with those of `last`, byte for byte, with everything before them the same.
pub(super) fn extends(last: &ModelRequest, next: &ModelRequest) -> bool {
    let until = |seen: &ModelRequest| {
        let start = seen.raw.find("\"messages\":[").map(|at| at + "\"messages\":[".len())?;
        let messages = serde_json::to_string(seen.messages()).ok()?;
        let inner = messages.trim_start_matches('[').trim_end_matches(']');
        seen.raw.get(..start + inner.len()).map(str::to_owned)
    };
    match (until(last), until(next)) {
        (Some(last), Some(next)) => next.starts_with(&last),
        _ => false,
    }
}

fn messages(messages: &[Value], wrong: &mut Vec<String>) {
    if messages.first().is_none_or(|first| first["role"] != "system") {
        wrong.push("the first message is no system prompt".to_owned());
    }
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut ever: BTreeSet<String> = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !open.remove(id) {
                wrong.push(format!("message {at} is the result of no open call ({id})"));
            }
            continue;
        }
        if !open.is_empty() {
            wrong.push(format!("message {at} comes before the results of {open:?}"));
            open.clear();
        }
        let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
        if message["content"].as_str().is_none_or(|text| text.trim().is_empty()) && calls.is_empty() {
            wrong.push(format!("message {at} ({role}) says nothing"));
        }
        match role {
            "system" if at == 0 => {}
            "user" => {}
            "assistant" => {
                for call in calls {
                    let id = call["id"].as_str().unwrap_or_default().to_owned();
                    if id.len() != 9 || !id.chars().all(|char| char.is_ascii_alphanumeric()) {
                        wrong.push(format!("the call id {id:?} is not one that every server takes"));
                    }
                    let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
                    if !serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()) {
                        wrong.push(format!("the arguments of {id} are no JSON object"));
                    }
                    if !ever.insert(id.clone()) || !open.insert(id.clone()) {
                        wrong.push(format!("the call id {id} is used twice"));
                    }
                }
            }
            other => wrong.push(format!("message {at} has the role {other:?}")),
        }
    }
    if !open.is_empty() {
        wrong.push(format!("the calls {open:?} have no result"));
    }
}

fn tools(body: &Value, wrong: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap_or_default();
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
        if tool["type"] != "function" || name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            wrong.push(format!("the tool {name:?} has no name that servers take"));
        }
        if !names.insert(name.to_owned()) {
            wrong.push(format!("the tool {name} is offered twice"));
        }
        if function["description"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("the tool {name} says not what it does"));
        }
        if function["parameters"]["type"] != "object" {
            wrong.push(format!("the arguments of {name} are no object"));
        }
        known_words(&function["parameters"], name, wrong);
    }
    let chosen = &body["tool_choice"];
    if let Some(name) = chosen["function"]["name"].as_str()
        && !names.contains(name)
    {
        wrong.push(format!("the chosen tool {name} is not offered"));
    }
    if !chosen.is_null() && names.is_empty() {
        wrong.push("a choice among no tools".to_owned());
    }
    let format = &body["response_format"];
    if !format.is_null() {
        if format["type"] != "json_schema" || format["json_schema"]["name"].as_str().is_none() {
            wrong.push("the response format is no named schema".to_owned());
        }
        strict(&format["json_schema"]["schema"], "answer", wrong);
    }
}

/// Checks that a schema has no reference that a server would have to resolve.
fn known_words(schema: &Value, name: &str, wrong: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "$ref" || key == "$defs" {
                    wrong.push(format!("the schema of {name} refers to elsewhere"));
                }
                known_words(value, name, wrong);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| known_words(item, name, wrong)),
        _ => {}
    }
}

/// Checks the rules of the strictest servers: every property required, nothing else allowed.
fn strict(schema: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(variants) = schema["anyOf"].as_array() {
        variants.iter().for_each(|variant| strict(variant, at, wrong));
        return;
    }
    if schema["type"].is_null() {
        wrong.push(format!("the schema at {at} has no type"));
    }
    if schema["type"] == "object" {
        let properties = schema["properties"].as_object();
        let names: BTreeSet<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names != required || schema["additionalProperties"] != false {
            wrong.push(format!("the schema at {at} is not strict"));
        }
        for (name, property) in properties.into_iter().flatten() {
            strict(property, &format!("{at}.{name}"), wrong);
        }
    }
    if !schema["items"].is_null() {
        strict(&schema["items"], &format!("{at}[]"), wrong);
    }
}
