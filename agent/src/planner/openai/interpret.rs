/*!
Extracts the actions from an answer. Native calls are taken as they are. A JSON object in the text is an action if the
model was asked for one, or if the model writes its calls as text, as small models do.
*/

use serde_json::Value;

use crate::context::answer_text::objects;
use crate::run::{AllowedAnswer, ModelTurn};

use super::CONCLUDE;
use super::schema::without_nulls;

/// Maximum length of a tool's name that is passed on.
const NAME_CHARS: usize = 80;

/// Calls with their arguments; empty when nothing could be used.
pub(super) fn actions(turn: &ModelTurn, choice: AllowedAnswer) -> Vec<(String, Value)> {
    if !turn.calls.is_empty() {
        let call = |name: &str, arguments: &str| {
            let text = if arguments.trim().is_empty() { "{}" } else { arguments };
            // Arguments that are not JSON are passed on as text: the tool's answer then says what it expects.
            let mut arguments = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            without_nulls(&mut arguments);
            (name.chars().take(NAME_CHARS).collect(), arguments)
        };
        return turn.calls.iter().map(|heard| call(&heard.name, &heard.arguments)).collect();
    }
    objects(&turn.text).find_map(|object| action(&object, choice)).into_iter().collect()
}

fn action(object: &Value, choice: AllowedAnswer) -> Option<(String, Value)> {
    let action = object.get("action").filter(|action| action.is_object()).unwrap_or(object);
    let action = action.get("function").filter(|function| function.is_object()).unwrap_or(action);
    let name = ["tool", "name", "function"].iter().find_map(|key| action.get(key)?.as_str());
    if let Some(name) = name {
        let arguments = ["arguments", "parameters", "args"].iter().find_map(|key| action.get(key));
        let mut arguments = match arguments {
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
            }
            Some(arguments) => arguments.clone(),
            None => Value::Object(serde_json::Map::new()),
        };
        without_nulls(&mut arguments);
        return Some((name.chars().take(NAME_CHARS).collect(), arguments));
    }
    // If only a conclusion was asked for, its arguments alone are a conclusion.
    let concludes = choice != AllowedAnswer::Any && object.get("outcome").is_some();
    concludes.then(|| {
        let mut arguments = object.clone();
        without_nulls(&mut arguments);
        (CONCLUDE.to_owned(), arguments)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::HeardCall;

    fn check(text: &str, choice: AllowedAnswer, expected: &[(&str, Value)]) {
        let turn = ModelTurn { text: text.into(), ..ModelTurn::default() };
        let expected: Vec<(String, Value)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        assert_eq!(actions(&turn, choice), expected, "{text}");
    }

    #[test]
    fn actions_are_found_in_text_however_a_model_writes_them() {
        let log = &[("git_log", json!({ "limit": 5 }))];
        check(
            r#"{"thought":"t","action":{"tool":"git_log","arguments":{"limit":5,"path":null}}}"#,
            AllowedAnswer::Any,
            log,
        );
        check(r#"{"tool":"git_log","arguments":{"limit":5}}"#, AllowedAnswer::Any, log);
        check(
            "Sure!\n```json\n{\"name\":\"git_log\",\"parameters\":{\"limit\":5}}\n```",
            AllowedAnswer::Any,
            log,
        );
        check(
            "<tool_call>{\"name\":\"git_log\",\"arguments\":\"{\\\"limit\\\":5}\"}</tool_call>",
            AllowedAnswer::Any,
            log,
        );
        check(
            r#"{"type":"function","function":{"name":"git_log","arguments":{"limit":5}}}"#,
            AllowedAnswer::Any,
            log,
        );
        check("I would look at {the log} next.", AllowedAnswer::Any, &[]);
        check(r#"{"outcome":"nothing_found"}"#, AllowedAnswer::Any, &[]);
        let conclusion = &[(CONCLUDE, json!({ "outcome": "nothing_found" }))];
        check(r#"{"outcome":"nothing_found","commit":null}"#, AllowedAnswer::NoTools, conclusion);
    }

    #[test]
    fn native_calls_go_before_text_and_keep_what_is_no_json() {
        let heard =
            |name: &str, arguments: &str| HeardCall { name: name.into(), arguments: arguments.into() };
        let turn = ModelTurn {
            text: r#"{"tool":"other"}"#.into(),
            calls: vec![heard("git_log", ""), heard("git_show", "{\"commit\": tru")],
            ..ModelTurn::default()
        };
        let expected =
            vec![("git_log".to_owned(), json!({})), ("git_show".to_owned(), Value::from("{\"commit\": tru"))];
        assert_eq!(actions(&turn, AllowedAnswer::Any), expected);
    }
}
