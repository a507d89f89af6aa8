/*!
Finds JSON in the text of an answer, and explains why an answer without a usable action is unusable.
*/

use serde_json::{Deserializer, Value};

/// Maximum number of places in a text where an object may begin.
const TRIES: usize = 20;

/// Why a text without a usable action is unusable; `None` when it is plain words.
pub(super) fn why_unusable(text: &str, constrained: bool) -> Option<String> {
    let start = text.find('{')?;
    let problem = match objects(text).next() {
        Some(_) if constrained => "it has no `action` with `tool` and `arguments`".to_owned(),
        Some(_) => "it is not a call".to_owned(),
        None => match serde_json::from_str::<Value>(&text[start..]) {
            Err(error) => format!("it is not valid JSON: {error}"),
            Ok(_) => "it is not a JSON object".to_owned(),
        },
    };
    Some(problem)
}

/// The JSON objects in a text.
pub(crate) fn objects(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.match_indices('{').take(TRIES).filter_map(|(at, _)| {
        Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok().filter(Value::is_object)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_text_could_not_be_used() {
        assert_eq!(why_unusable("I think it is the parser.", true), None);
        assert!(why_unusable("{\"action\": {", true).unwrap().contains("not valid JSON"));
        assert!(why_unusable("{\"answer\": 42}", true).unwrap().contains("`action`"));
    }
}
