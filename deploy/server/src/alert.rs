/*!
One line to a chat, by an incoming webhook as chat systems give out: for commands that end before
anybody looks. Sent once and not again: the line is on standard error as well, and two of it would be worse than none.
*/

use millwright_integrations::chat::escape;
use millwright_integrations::outbound_http;

/// Posts `line` to the webhook. The address is a secret, so no error names it.
///
/// # Errors
/// When it cannot be reached or refuses, in words.
pub async fn alert(webhook: &str, line: &str) -> Result<(), String> {
    let client = outbound_http::client().map_err(|error| error.to_string())?;
    let request = client.post(webhook).json(&serde_json::json!({ "text": escape(line) }));
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answered {status}")),
    }
}
