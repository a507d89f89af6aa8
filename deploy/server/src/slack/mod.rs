/*!
Slack as a channel: mentions, direct messages, a slash command and buttons come in, over HTTP or over a socket that the
service opens itself. One thread is one incident; the thread shows one message that is edited as the run goes on, and
what is asked there is answered there. As with any channel, what is acknowledged is on the disk, and what goes out has its
intent on the disk before.

What Slack sends, shows and answers is known by its integration; here is what becomes of it, `people` says who may judge and
who reads along. To the rest of the service this is the chat.
*/

mod handlers;
mod note;
mod people;
pub(crate) mod routes;
mod socket;
mod thread;

use axum::http::{HeaderName, header};
use millwright_integrations::outbound_http::SendError;
pub(crate) use millwright_integrations::slack::NAME;
pub use millwright_integrations::slack::SlackSettings as ChatSettings;
pub(crate) use millwright_integrations::slack::api::SlackApi as ChatApi;
pub(crate) use millwright_integrations::slack::blocks::escape;
use secrecy::ExposeSecret;

use crate::app::ServiceState;

pub(crate) use note::content;
pub(crate) use people::{ChannelCache, standing};
pub(crate) use socket::listen;
pub(crate) use thread::{ThreadError, complete};

/// The user who is named as the author of something, where it is one of Slack's.
pub(crate) fn user_of(author: &str) -> Option<&str> {
    author.strip_prefix(NAME)?.strip_prefix(':')
}

/// What Slack is called by.
pub(crate) fn api(app: &ServiceState) -> Result<ChatApi<'_>, SendError> {
    Ok(ChatApi::new(settings(app)?, app.http()?))
}

/// Where Slack is, and the header that shows who we are.
pub(crate) fn access(app: &ServiceState) -> Result<(&str, (HeaderName, String)), SendError> {
    let settings = settings(app)?;
    let token = format!("Bearer {}", settings.bot_token.expose_secret());
    Ok((&settings.base_url, (header::AUTHORIZATION, token)))
}

fn settings(app: &ServiceState) -> Result<&ChatSettings, SendError> {
    app.settings.chat.as_ref().ok_or_else(|| SendError::NotSetUp(format!("channels.{NAME}")))
}

/// Whether Slack takes our tokens, without writing anything.
pub(crate) async fn reach(settings: &ChatSettings, http: reqwest::Client) -> Result<String, SendError> {
    let api = ChatApi::new(settings, http);
    let who = api.who_we_are().await?;
    let Some(app_token) = &settings.app_token else { return Ok(who) };
    api.open_socket(app_token).await?;
    Ok(format!("{who}, and a socket for it"))
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
pub(crate) mod kinds;
#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;
