/*!
JSON Schemas that define the shape of an answer: an action, or a review. The strictest servers require every property
and forbid others, and the simplest know little more than `type`, `enum` and `anyOf`; the schemas of tools are reduced
to that. Optional properties become nullable, and nulls are removed before a call is made.
*/

use millwright_tools::ToolSpec;
use serde_json::{Map, Value, json};

use crate::run::{ActionMode, AllowedAnswer, AskPurpose, ModelAsk};

/// Name and schema of the answer to a question, if the server enforces its shape.
pub(super) fn of_answer(ask: &ModelAsk, tools: &[ToolSpec]) -> Option<(&'static str, Value)> {
    match (ask.purpose, ask.mode) {
        (AskPurpose::Review, _) => Some(("review", strict(&super::review::schema()))),
        (AskPurpose::Plan, ActionMode::Constrained) => Some(("action", action(tools, ask.choice))),
        (AskPurpose::Plan, ActionMode::Tools) => None,
    }
}

/// `{"thought": …, "action": {"tool": …, "arguments": …}}`
fn action(tools: &[ToolSpec], choice: AllowedAnswer) -> Value {
    let offered = tools.iter().filter(|tool| choice == AllowedAnswer::Any || tool.name == super::CONCLUDE);
    let variants: Vec<Value> = offered
        .map(|tool| {
            object([
                ("tool", json!({ "type": "string", "enum": [tool.name] })),
                ("arguments", strict(&tool.schema)),
            ])
        })
        .collect();
    object([("thought", json!({ "type": "string" })), ("action", json!({ "anyOf": variants }))])
}

fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Reduces a schema to the keywords that every server understands.
pub(super) fn strict(schema: &Value) -> Value {
    let variants = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    if let Some(variants) = variants {
        let variants: Vec<Value> = variants.iter().map(strict).collect();
        let words: Option<Vec<&Value>> =
            variants.iter().map(|variant| variant.get("enum")?.as_array()?.first()).collect();
        return match words {
            Some(words)
                if variants
                    .iter()
                    .all(|variant| variant["enum"].as_array().is_some_and(|w| w.len() == 1)) =>
            {
                json!({ "type": "string", "enum": words })
            }
            _ => json!({ "anyOf": variants }),
        };
    }
    if let Some(word) = schema.get("const") {
        return json!({ "type": "string", "enum": [word] });
    }
    let kind = schema.get("type").cloned().unwrap_or_else(|| json!("object"));
    let mut out = Map::new();
    out.insert("type".into(), kind.clone());
    if let Some(words) = schema.get("enum") {
        out.insert("enum".into(), words.clone());
    }
    if let Some(items) = schema.get("items") {
        out.insert("items".into(), strict(items));
    }
    let is_object = kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("object")));
    if is_object {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut properties = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let property = strict(property);
            let property = if required.contains(&name.as_str()) { property } else { nullable(property) };
            properties.insert(name.clone(), property);
        }
        let all: Vec<String> = properties.keys().cloned().collect();
        out.insert("properties".into(), Value::Object(properties));
        out.insert("required".into(), json!(all));
        out.insert("additionalProperties".into(), false.into());
    }
    Value::Object(out)
}

fn nullable(mut schema: Value) -> Value {
    let null = json!("null");
    match schema.get("type").cloned() {
        Some(Value::String(kind)) if schema.get("enum").is_none() && kind != "object" && kind != "array" => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        Some(Value::Array(kinds)) if kinds.contains(&null) => schema,
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// The arguments in words, for models that read them from the system prompt.
pub(super) fn in_words(schema: &Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let optional = if required.contains(&name.as_str()) { "" } else { "?" };
            let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
            let about = if about.is_empty() { about } else { format!(" ({})", about.trim_end_matches('.')) };
            format!("\"{name}\"{optional}: {}{about}", kind_in_words(property))
        })
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn kind_in_words(schema: &Value) -> String {
    let strict = strict(schema);
    if let Some(words) = strict.get("enum").and_then(Value::as_array) {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join("|");
    }
    if let Some(variants) = schema.get("anyOf").and_then(Value::as_array) {
        let kinds: Vec<String> =
            variants.iter().filter(|variant| variant["type"] != "null").map(kind_in_words).collect();
        return kinds.join("|");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("[{}]", kind_in_words(&schema["items"])),
        Value::String(kind) if kind == "object" => in_words(schema),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
            match kind {
                Some("array") => format!("[{}]", kind_in_words(&schema["items"])),
                kind => kind.unwrap_or("value").to_owned(),
            }
        }
        _ => "value".to_owned(),
    }
}

/// Removes nulls: in a strict schema they mean an omitted property.
pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brings_a_schema_down_to_what_every_server_understands() {
        let schema = json!({
            "type": "object",
            "description": "d",
            "properties": {
                "path": { "type": "string", "description": "The file." },
                "offset": { "type": "integer", "format": "uint32", "minimum": 0, "default": 0 },
                "kind": { "oneOf": [{ "const": "a", "description": "x" }, { "const": "b" }] },
                "many": { "type": "array", "items": { "type": ["string", "null"] } },
            },
            "required": ["path"],
        });
        assert_eq!(
            strict(&schema),
            json!({
                "type": "object",
                "properties": {
                    "path": { "type": "string" },
                    "offset": { "type": ["integer", "null"] },
                    "kind": { "anyOf": [{ "type": "string", "enum": ["a", "b"] }, { "type": "null" }] },
                    "many": { "anyOf": [
                        { "type": "array", "items": { "type": ["string", "null"] } }, { "type": "null" },
                    ] },
                },
                "required": ["path", "offset", "kind", "many"],
                "additionalProperties": false,
            })
        );
        assert_eq!(
            in_words(&schema),
            r#"{"path": string (The file), "offset"?: integer, "kind"?: "a"|"b", "many"?: [string]}"#
        );
    }

    #[test]
    fn nulls_stand_for_what_is_left_out() {
        let mut value = json!({ "a": null, "b": [{ "c": null, "d": 1 }] });
        without_nulls(&mut value);
        assert_eq!(value, json!({ "b": [{ "d": 1 }] }));
    }
}
