/*!
Checks whether the systems that the service writes to can be reached and accept its tokens, without writing anything.
`millwright doctor` runs this, and the service itself does from time to time.
*/

use millwright_integrations::chat::{ChatApi, ChatSettings};
use millwright_integrations::integration;
use millwright_integrations::outbound_http::{self, SendError};
use millwright_integrations::ticket_client::{TicketClient, TicketConnection};

/// Asks a ticket system who we are.
///
/// # Errors
/// Why the system cannot be written to, and what to check.
pub async fn reach_ticket_system(name: &str, connection: &TicketConnection) -> Result<String, String> {
    let told = |error| {
        told(&connection.base_url, &error, "; check token_env, the permissions of its token, and email")
    };
    let http = outbound_http::client().map_err(told)?;
    try_token(name, connection, http).await.map_err(told)?;
    Ok(format!("{} accepts the token", connection.base_url))
}

/// Asks a ticket system who we are.
pub(crate) async fn try_token(
    name: &str,
    connection: &TicketConnection,
    http: reqwest::Client,
) -> Result<(), SendError> {
    let api = integration(name).and_then(|integration| integration.tickets());
    let api = api.ok_or_else(|| SendError::NotSetUp(format!("connectors.{name}")))?;
    TicketClient::new(api, connection, http).try_token().await
}

/// Asks the chat system who owns the token, and, if there is a token for the socket, for an address to connect to.
///
/// # Errors
/// Why the chat system cannot be used, and what to check.
pub async fn reach_chat(settings: &ChatSettings) -> Result<String, String> {
    // The client of the API says how to fix a refusal.
    let told = |error| told(&settings.base_url, &error, "");
    let http = outbound_http::client().map_err(told)?;
    try_chat(settings, http).await.map_err(told)
}

async fn try_chat(settings: &ChatSettings, http: reqwest::Client) -> Result<String, SendError> {
    let api = ChatApi::new(settings, http);
    let who = api.who_we_are().await?;
    let Some(app_token) = &settings.app_token else { return Ok(who) };
    api.open_socket(app_token).await?;
    Ok(format!("{who}, and a socket for it"))
}

fn told(base_url: &str, error: &SendError, refused: &str) -> String {
    let mend = match error {
        SendError::Refused(_) => refused,
        _ => "; check base_url and that it can be reached from here",
    };
    format!("{base_url}: {error}{mend}")
}
