/*!
Slack, as far as it needs no state of the service: `wire` alone knows what it sends, `blocks` what it shows, `api` how its Web
API is called. What becomes of what is told is the service's.
*/

pub mod api;
pub mod blocks;
mod files;
pub mod wire;

use std::collections::BTreeSet;

use millwright_model::Audience;
use schemars::{Schema, json_schema};
use secrecy::SecretString;

use crate::attachments::AttachmentSource;
use crate::configuration::ConnectorKeys;
use crate::integration::Integration;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError, from_hex};

/// Of incidents' sources, deliveries, notes and metrics.
pub const NAME: &str = "slack";

/// Slack as one of the integrations: its files are fetched like those of others, the rest is a channel of its own.
pub(crate) struct SlackIntegration;

/// What the channel is set up with.
#[derive(Debug, Clone)]
pub struct SlackSettings {
    /// Several while one is replaced; none where only the socket is used.
    pub signing_secrets: Vec<SecretString>,
    pub bot_token: SecretString,
    /// For Socket Mode.
    pub app_token: Option<SecretString>,
    /// Of its Web API, without a trailing slash.
    pub base_url: String,
    /// Users, by their ids, who may stop and consent.
    pub responders: BTreeSet<String>,
    /// Who reads the channels it is asked in; `None`: people of the workspace, except in channels shared with others.
    pub audience: Option<Audience>,
    /// Whether what is said in private channels and direct messages may be read by everybody who has a token.
    pub closed_channels_are_open: bool,
    /// Whether guests of the workspace may judge answers.
    pub guests_judge: bool,
    /// Ids of other workspaces whose members may judge answers.
    pub judging_teams: BTreeSet<String>,
}

impl Integration for SlackIntegration {
    fn name(&self) -> &'static str {
        NAME
    }

    /// It is set up under `[channels.slack]`.
    fn connector(&self) -> Option<ConnectorKeys> {
        None
    }

    fn attachments(&self) -> Option<&dyn AttachmentSource> {
        Some(self)
    }
}

/// Hex over `v0:TIME:BODY`; events, commands and interactions alike.
///
/// # Errors
/// When the headers alone show that it is not Slack, or not now.
pub fn verify(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    const NAME: &str = "x-slack-signature";
    const TIME: &str = "x-slack-request-timestamp";
    let at = delivery.header(TIME)?;
    let given = delivery.header(NAME)?.strip_prefix("v0=").ok_or(SignatureError::Malformed(NAME))?;
    let given = from_hex(NAME, given)?;
    delivery.is_fresh(at.parse().map_err(|_| SignatureError::Malformed(TIME))?)?;
    Ok(delivery.awaits(&[b"v0:", at.as_bytes(), b":"], vec![given]))
}

/// What every envelope of the events API has.
pub fn event_schema() -> Schema {
    json_schema!({
        "type": "object", "required": ["type"], "properties": { "type": { "type": "string", "minLength": 1 } },
    })
}

/// What every slash command has.
pub fn command_schema() -> Schema {
    let name = serde_json::json!({ "type": "string", "pattern": "^[A-Za-z0-9.]{1,64}$" });
    json_schema!({
        "type": "object", "required": ["trigger_id", "channel_id", "user_id"],
        "properties": {
            "trigger_id": { "type": "string", "minLength": 1 },
            "channel_id": name, "user_id": name, "text": { "type": "string" },
        },
    })
}

/// What every interaction has.
pub fn interaction_schema() -> Schema {
    json_schema!({
        "type": "object", "required": ["payload"],
        "properties": { "payload": { "type": "string", "contentMediaType": "application/json" } },
    })
}
