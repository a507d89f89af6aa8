/*!
Slack as a channel: mentions, direct messages, a slash command and buttons come in, over HTTP or over a socket that the
service opens itself. One thread is one incident. The thread shows one message that is edited while the run is in
progress, and questions in the thread are answered there. As with every channel, a delivery is stored on disk before it is
acknowledged, and the intent of a message before it is sent.

The Slack integration knows what Slack sends, shows and answers. This module handles it: `people` says who may judge and
who reads a channel. The rest of the service knows this module as the chat.
*/

mod handlers;
mod note;
mod people;
pub(crate) mod routes;
mod socket;
mod thread;

use axum::http::{HeaderName, header};
use millwright_integrations::outbound_http::SendError;
use millwright_integrations::slack::api::SlackApi;
use millwright_integrations::slack::{NAME, SlackSettings};
use secrecy::ExposeSecret;

use crate::app::ServiceState;

pub(crate) use note::{ChatMessage, content};
pub(crate) use people::standing;
pub(crate) use socket::listen;
pub(crate) use thread::{ThreadError, complete};

/// The user who is named as the author, if it is a Slack user.
pub(crate) fn user_of(author: &str) -> Option<&str> {
    author.strip_prefix(NAME)?.strip_prefix(':')
}

/// The client for Slack's Web API.
pub(crate) fn api(app: &ServiceState) -> Result<SlackApi<'_>, SendError> {
    Ok(SlackApi::new(settings(app)?, app.http()?))
}

/// The address of Slack, and the header that authenticates us.
pub(crate) fn access(app: &ServiceState) -> Result<(&str, (HeaderName, String)), SendError> {
    let settings = settings(app)?;
    let token = format!("Bearer {}", settings.bot_token.expose_secret());
    Ok((&settings.base_url, (header::AUTHORIZATION, token)))
}

fn settings(app: &ServiceState) -> Result<&SlackSettings, SendError> {
    app.settings.chat.as_ref().ok_or_else(|| SendError::NotSetUp(format!("channels.{NAME}")))
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
pub(crate) mod kinds;
#[cfg(test)]
#[path = "slack_tests.rs"]
mod tests;
