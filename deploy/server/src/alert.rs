/*!
Posts one line to an incoming webhook of a chat system, for commands that end before anyone looks at them. The line is
sent once and not retried, because it is on standard error as well and a duplicate would be worse than a lost line.
*/

use millwright_integrations::chat::escape;
use millwright_integrations::outbound_http;

/// Posts `line` to the webhook. The address is a secret, so no error names it.
///
/// # Errors
/// When the webhook cannot be reached or refuses the line; the text says why.
pub async fn alert(webhook: &str, line: &str) -> Result<(), String> {
    let client = outbound_http::client().map_err(|error| error.to_string())?;
    let request = client.post(webhook).json(&serde_json::json!({ "text": escape(line) }));
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answered {status}")),
    }
}
