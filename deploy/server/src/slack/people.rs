/*!
Which rights a Slack user has, and who reads a channel. A workspace has guests, and channels that are shared with other
workspaces also have members of those. Such people may report and ask, but judge only if the configuration allows it. When
Slack does not answer in time, the answer counts as no.
*/

use std::time::Duration;

use millwright_integrations::outbound_http::SendError;
use millwright_integrations::slack::SlackSettings;
use millwright_integrations::slack::api::{SlackApi, SlackChannel};
use millwright_model::{Audience, ConversationId, JudgingAuthority};
use millwright_store::FeedbackRights;
use serde_json::Value;

use super::NAME;
use crate::app::ServiceState;
use crate::auth::TokenRole;

/// Slack waits three seconds for an answer to a button or a command.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rights with which a user judges an answer, or why the user may not judge.
pub(crate) async fn standing(app: &ServiceState, user: &str) -> Result<FeedbackRights, String> {
    let slack = app.settings.chat.as_ref().ok_or("Slack is not set up here.")?;
    let suffices = |role| role >= app.settings.confirming_role;
    if slack.responders.contains(user) {
        let suffices = suffices(TokenRole::Responder);
        return Ok(FeedbackRights { authority: JudgingAuthority::Responder, suffices });
    }
    let known = tokio::time::timeout(PATIENCE, ask(app, slack, user)).await;
    let (user, team) = match known {
        Ok(Ok(known)) => known,
        Ok(Err(error)) => return Err(not_told(&error.to_string())),
        Err(_) => return Err(not_told("it took too long")),
    };
    match may_judge(slack, &user, &team) {
        Ok(()) => Ok(FeedbackRights {
            authority: JudgingAuthority::Support,
            suffices: suffices(TokenRole::Support),
        }),
        Err(why) => Err(why.to_owned()),
    }
}

async fn ask(app: &ServiceState, slack: &SlackSettings, user: &str) -> Result<(Value, String), SendError> {
    let api = SlackApi::new(slack, app.http()?);
    let team = app.chat_team.get_or_try_init(|| api.team()).await?.clone();
    Ok((api.user(user).await?, team))
}

fn not_told(why: &str) -> String {
    format!(
        "Millwright cannot check whether you belong to this workspace ({why}), so your judgement is not \
         accepted. The app needs the scope users:read; or an administrator names you under [channels.slack] responders."
    )
}

/// Whether this user, as described by `users.info`, may judge.
fn may_judge(slack: &SlackSettings, user: &Value, own_team: &str) -> Result<(), &'static str> {
    let flag = |name: &str| user.get(name).and_then(Value::as_bool);
    let team = user.get("team_id").and_then(Value::as_str).unwrap_or_default();
    if flag("deleted") != Some(false) || flag("is_bot") != Some(false) {
        return Err("Only people with an active account may judge an answer.");
    }
    let own = team == own_team && flag("is_stranger") != Some(true);
    if !own && !slack.judging_teams.contains(team) {
        return Err(
            "You belong to another workspace, whose members may not judge answers here; an administrator names it under \
             [channels.slack] judging_teams.",
        );
    }
    let full = flag("is_restricted") == Some(false) && flag("is_ultra_restricted") == Some(false);
    if !full && !slack.guests_judge {
        return Err(
            "Guests may not judge answers here; an administrator allows it by [channels.slack] guests_judge.",
        );
    }
    Ok(())
}

/// Who reads the channel of an event.
pub(super) fn audience_of_event(app: &ServiceState, is_shared: bool) -> Audience {
    let configured = app.settings.chat.as_ref().and_then(|slack| slack.audience);
    configured.unwrap_or(if is_shared { Audience::Unknown } else { Audience::Internal })
}

/// Who reads a channel of which the event says nothing, and the closed conversation that it is: asks Slack once.
pub(super) async fn readers_of_channel(
    app: &ServiceState,
    channel: &str,
) -> (Audience, Option<ConversationId>) {
    let told = ask_readers(app, channel).await;
    let configured = app.settings.chat.as_ref().and_then(|slack| slack.audience);
    let audience = match configured {
        Some(configured) => configured,
        None if told.is_shared == Some(false) => Audience::Internal,
        None => Audience::Unknown,
    };
    (audience, conversation_of(app, channel, Some(told.is_closed != Some(false))).await)
}

/// The closed conversation that a channel is, if only its members read it. If Slack does not say, the channel counts as
/// closed: something hidden can be shown later, but something shown cannot be hidden again.
pub(super) async fn conversation_of(
    app: &ServiceState,
    channel: &str,
    is_closed: Option<bool>,
) -> Option<ConversationId> {
    let is_closed = is_closed_to_others(app, channel, is_closed).await != Some(false);
    is_closed.then(|| conversation(channel)).flatten()
}

/// Whether only a channel's members may see what is said there; `None` if Slack does not say.
pub(super) async fn is_closed_to_others(
    app: &ServiceState,
    channel: &str,
    told: Option<bool>,
) -> Option<bool> {
    if app.settings.chat.as_ref().is_some_and(|slack| slack.closed_channels_are_open) {
        return Some(false);
    }
    match told.or_else(|| app.chat_channels.known(channel)) {
        Some(is_closed) => Some(is_closed),
        None => ask_readers(app, channel).await.is_closed,
    }
}

/// A channel as a conversation.
pub(super) fn conversation(channel: &str) -> Option<ConversationId> {
    ConversationId::parse(&format!("{NAME}:{channel}")).ok()
}

/// Asks Slack who reads a channel now.
async fn ask_readers(app: &ServiceState, channel: &str) -> SlackChannel {
    let Some(slack) = &app.settings.chat else { return SlackChannel::default() };
    let asked = async { SlackApi::new(slack, app.http()?).channel(channel).await };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(told)) => {
            if let Some(is_closed) = told.is_closed {
                app.chat_channels.keep(channel, is_closed);
            }
            told
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "Slack does not say who reads a channel, so it is treated as private and \
                                    as shared with outsiders");
            SlackChannel::default()
        }
        Err(_) => SlackChannel::default(),
    }
}
