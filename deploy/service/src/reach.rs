/*!
Whether the systems that the service writes to can be reached and take its tokens, without writing anything. Asked by
`millwright doctor`.
*/

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::outward::{self, SendError, credentials};
use crate::settings::{Slack, TicketSystem};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a ticket system who we are.
///
/// # Errors
/// Why it cannot be written to, and what to look at.
pub async fn reach_ticket_system(name: &str, set_up: &TicketSystem) -> Result<String, String> {
    let path = match name {
        // Answered to every kind of token that GitHub takes.
        "github" => "/rate_limit",
        "jira" => "/rest/api/2/myself",
        "zendesk" => "/api/v2/users/me.json",
        other => return Err(format!("there is no ticket system {other}")),
    };
    let client = outward::client().map_err(|error| error.to_string())?;
    let request = client
        .get(format!("{}{path}", set_up.base_url))
        .timeout(TIMEOUT)
        .header("authorization", credentials(name, set_up))
        .header("accept", "application/json");
    match outward::send(request).await {
        Ok(_) => Ok(format!("{} takes the token", set_up.base_url)),
        Err(error) => Err(told(&set_up.base_url, &error)),
    }
}

/// Asks Slack whose token it is.
///
/// # Errors
/// Why it cannot be used, and what to look at.
pub async fn reach_slack(set_up: &Slack) -> Result<String, String> {
    let client = outward::client().map_err(|error| error.to_string())?;
    let request = client
        .post(format!("{}/auth.test", set_up.base_url))
        .timeout(TIMEOUT)
        .bearer_auth(set_up.bot_token.expose_secret());
    let answer = outward::send(request).await.map_err(|error| told(&set_up.base_url, &error))?;
    if answer["ok"] == true {
        let text = |key: &str| answer[key].as_str().unwrap_or("?").chars().take(80).collect::<String>();
        return Ok(format!("{} of {}", text("user"), text("team")));
    }
    let why: String = answer["error"].as_str().unwrap_or("no reason given").chars().take(80).collect();
    Err(format!("Slack refuses the bot's token ({why}); see bot_token_env"))
}

fn told(base_url: &str, error: &SendError) -> String {
    let mend = match error {
        SendError::Refused(_) => "see token_env, the rights of its token, and email",
        _ => "see base_url, and whether it can be reached from here",
    };
    format!("{base_url}: {error}; {mend}")
}
