/*!
Classifies failures of a model by the possible reaction. Servers have no common error format, so status, code and
message are examined together; the message is passed on bounded and in one line.
*/

use crate::run::{FailureKind, ModelFailure};

/// Maximum length of a server's message that is passed on, in characters.
const MESSAGE_CHARS: usize = 300;

/// Classifies a refusal by its status and the server's message.
pub(super) fn of_status(status: u16, code: &str, message: &str) -> ModelFailure {
    let said = format!("{code} {message}").to_lowercase();
    let kind = match status {
        401 | 403 => FailureKind::Refused,
        429 => FailureKind::RateLimited,
        _ if too_long(&said) => FailureKind::ContextLength,
        413 => FailureKind::ContextLength,
        400 | 404 | 422 | 500 | 501 if about_mode(&said) => FailureKind::UnsupportedMode,
        500.. => FailureKind::Unavailable,
        _ => FailureKind::Refused,
    };
    ModelFailure::new(kind, format!("the model's server answered {status}: {}", one_line(message)))
}

/// Classifies an error in the middle of a stream.
pub(super) fn of_message(message: &str) -> ModelFailure {
    let kind = match message.to_lowercase() {
        said if too_long(&said) => FailureKind::ContextLength,
        said if about_mode(&said) => FailureKind::UnsupportedMode,
        _ => FailureKind::Cut,
    };
    ModelFailure::new(kind, format!("the model's server broke off: {}", one_line(message)))
}

fn too_long(said: &str) -> bool {
    const WORDS: &[&str] = &[
        "context_length",
        "context length",
        "context size",
        "context window",
        "maximum context",
        "exceed_context",
        "prompt is too long",
        "too many tokens",
    ];
    WORDS.iter().any(|word| said.contains(word))
}

/// Whether the server refused a feature that the action mode needs.
fn about_mode(said: &str) -> bool {
    const MEANS: &[&str] =
        &["tool", "function call", "response_format", "json_schema", "json schema", "grammar"];
    MEANS.iter().any(|word| said.contains(word))
}

pub(super) fn one_line(message: &str) -> String {
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().filter(|char| !char.is_control()).collect();
    if words.is_empty() {
        return "it gave no reason".to_owned();
    }
    match words.char_indices().nth(MESSAGE_CHARS) {
        Some((at, _)) => format!("{} …", &words[..at]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_classified_by_what_can_be_done() {
        use FailureKind::*;
        let check = |status: u16, code: &str, message: &str, kind: FailureKind| {
            assert_eq!(of_status(status, code, message).kind, kind, "{status} {code} {message}");
        };
        check(401, "invalid_api_key", "Incorrect API key", Refused);
        check(404, "model_not_found", "The model `x` does not exist", Refused);
        check(429, "", "Rate limit reached", RateLimited);
        check(
            400,
            "context_length_exceeded",
            "This model's maximum context length is 8192 tokens",
            ContextLength,
        );
        check(400, "", "the request exceeds the available context size, try increasing it", ContextLength);
        check(500, "", "tools param requires --jinja flag", UnsupportedMode);
        check(400, "", "'response_format' of type 'json_schema' is not supported", UnsupportedMode);
        check(503, "", "Loading model", Unavailable);
        check(400, "", "temperature must be 1", Refused);
    }

    #[test]
    fn a_servers_words_are_bounded_and_on_one_line() {
        let said = of_status(400, "", &format!("a\nb\u{1b}[31m {}", "x".repeat(9_000)));
        assert!(said.message.chars().count() < 400 && !said.message.contains(['\n', '\u{1b}']));
    }
}
