/*!
What an answer wants done. Native calls are taken as they came; a JSON object in the text is taken as an action where
the model was asked for one, or where it writes its calls as text, as small models do.
*/

use serde_json::{Deserializer, Value};

use crate::run::{Choice, ModelTurn};

use super::CONCLUDE;
use super::schema::without_nulls;

/// Longest name of a tool that is passed on.
const NAME_CHARS: usize = 80;
/// Places in a text where an object may begin.
const TRIES: usize = 20;

/// Calls with their arguments; empty when nothing could be used.
pub(super) fn actions(turn: &ModelTurn, choice: Choice) -> Vec<(String, Value)> {
    if !turn.calls.is_empty() {
        let call = |name: &str, arguments: &str| {
            let text = if arguments.trim().is_empty() { "{}" } else { arguments };
            // What is no JSON goes on as text: the tool's answer then says what it expects.
            let mut arguments = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            without_nulls(&mut arguments);
            (name.chars().take(NAME_CHARS).collect(), arguments)
        };
        return turn.calls.iter().map(|heard| call(&heard.name, &heard.arguments)).collect();
    }
    objects(&turn.text).find_map(|object| action(&object, choice)).into_iter().collect()
}

/// Why a text without a usable action could not be used; `None` when it is plain words.
pub fn why_unusable(text: &str, constrained: bool) -> Option<String> {
    let start = text.find('{')?;
    let problem = match objects(text).next() {
        Some(_) if constrained => "it holds no `action` with `tool` and `arguments`".to_owned(),
        Some(_) => "it is no call".to_owned(),
        None => match serde_json::from_str::<Value>(&text[start..]) {
            Err(error) => format!("it is no valid JSON: {error}"),
            Ok(_) => "it is no JSON object".to_owned(),
        },
    };
    Some(problem)
}

fn objects(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.match_indices('{').take(TRIES).filter_map(|(at, _)| {
        Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok().filter(Value::is_object)
    })
}

fn action(object: &Value, choice: Choice) -> Option<(String, Value)> {
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
    // Where only a conclusion was asked for, its arguments alone are one.
    let concludes = choice != Choice::Any && object.get("outcome").is_some();
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

    fn check(text: &str, choice: Choice, expected: &[(&str, Value)]) {
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
            Choice::Any,
            log,
        );
        check(r#"{"tool":"git_log","arguments":{"limit":5}}"#, Choice::Any, log);
        check("Sure!\n```json\n{\"name\":\"git_log\",\"parameters\":{\"limit\":5}}\n```", Choice::Any, log);
        check(
            "<tool_call>{\"name\":\"git_log\",\"arguments\":\"{\\\"limit\\\":5}\"}</tool_call>",
            Choice::Any,
            log,
        );
        check(
            r#"{"type":"function","function":{"name":"git_log","arguments":{"limit":5}}}"#,
            Choice::Any,
            log,
        );
        check("I would look at {the log} next.", Choice::Any, &[]);
        check(r#"{"outcome":"nothing_found"}"#, Choice::Any, &[]);
        let conclusion = &[(CONCLUDE, json!({ "outcome": "nothing_found" }))];
        check(r#"{"outcome":"nothing_found","commit":null}"#, Choice::NoTools, conclusion);
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
        assert_eq!(actions(&turn, Choice::Any), expected);
    }

    #[test]
    fn says_why_a_text_could_not_be_used() {
        assert_eq!(why_unusable("I think it is the parser.", true), None);
        assert!(why_unusable("{\"action\": {", true).unwrap().contains("no valid JSON"));
        assert!(why_unusable("{\"answer\": 42}", true).unwrap().contains("`action`"));
    }
}
