/*!
The part of Slack that needs no state of the service: only `wire` knows what Slack sends, only `blocks` what it shows, and
only `api` how to call its Web API. The service handles what Slack delivers.
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

/// The name in sources of incidents, deliveries, notes and metrics.
pub const NAME: &str = "slack";

/// Slack as one of the integrations: its attachments are fetched like those of other systems, everything else is a channel
/// of its own.
pub(crate) struct SlackIntegration;

/// The settings of the channel.
#[derive(Debug, Clone)]
pub struct SlackSettings {
    /// Several while one is being replaced; none if only the socket is used.
    pub signing_secrets: Vec<SecretString>,
    pub bot_token: SecretString,
    /// The app token for Socket Mode.
    pub app_token: Option<SecretString>,
    /// The base URL of its Web API, without a trailing slash.
    pub base_url: String,
    /// The ids of users who may stop runs and consent to calls.
    pub responders: BTreeSet<String>,
    /// Who reads the channels that mention it; `None`: people of the workspace, except in channels shared with other
    /// workspaces.
    pub audience: Option<Audience>,
    /// Whether everyone with a token may read what is said in private channels and direct messages.
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

    /// `None`, because Slack is configured under `[channels.slack]`.
    fn connector(&self) -> Option<ConnectorKeys> {
        None
    }

    fn attachments(&self) -> Option<&dyn AttachmentSource> {
        Some(self)
    }
}

/// Verifies a signature in hex over `v0:TIME:BODY`, the same for events, commands and interactions.
///
/// # Errors
/// When the headers alone show that the delivery is not from Slack, or not recent.
pub fn verify(delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
    const NAME: &str = "x-slack-signature";
    const TIME: &str = "x-slack-request-timestamp";
    let at = delivery.header(TIME)?;
    let given = delivery.header(NAME)?.strip_prefix("v0=").ok_or(SignatureError::Malformed(NAME))?;
    let given = from_hex(NAME, given)?;
    delivery.is_fresh(at.parse().map_err(|_| SignatureError::Malformed(TIME))?)?;
    Ok(delivery.awaits(&[b"v0:", at.as_bytes(), b":"], vec![given]))
}

/// The schema of every envelope of the Events API.
pub fn event_schema() -> Schema {
    json_schema!({
        "type": "object", "required": ["type"], "properties": { "type": { "type": "string", "minLength": 1 } },
    })
}

/// The schema of every slash command.
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

/// The schema of every interaction.
pub fn interaction_schema() -> Schema {
    json_schema!({
        "type": "object", "required": ["payload"],
        "properties": { "payload": { "type": "string", "contentMediaType": "application/json" } },
    })
}
