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
use millwright_integrations::slack::api::SlackApi;
use millwright_integrations::slack::{NAME, SlackSettings};
use secrecy::ExposeSecret;

use crate::app::ServiceState;

pub(crate) use note::{ChatMessage, content};
pub(crate) use people::standing;
pub(crate) use socket::listen;
pub(crate) use thread::{ThreadError, complete};

/// The user who is named as the author of something, where it is one of Slack's.
pub(crate) fn user_of(author: &str) -> Option<&str> {
    author.strip_prefix(NAME)?.strip_prefix(':')
}

/// What Slack is called by.
pub(crate) fn api(app: &ServiceState) -> Result<SlackApi<'_>, SendError> {
    Ok(SlackApi::new(settings(app)?, app.http()?))
}

/// Where Slack is, and the header that shows who we are.
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
