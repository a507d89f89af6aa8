/*!
Options of `millwright serve`: where it listens, its limits, who is let in, and the systems that call hooks or receive
notes. The file never contains secrets: an option names the variable that holds one.
*/

use std::borrow::Cow;
use std::collections::BTreeMap;

use millwright_integrations::{
    ChannelAudience, ConnectorConfig, ConnectorKeys, INTEGRATIONS, Integration, integration,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::logging::LogFormat;

/// The HTTP server and its workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// Address and port; `--listen` overrides it. `MILLWRIGHT__SERVER__LISTEN`
    pub(crate) listen: String,
    /// Where people reach it, for links in notes. `MILLWRIGHT__SERVER__PUBLIC_URL`
    pub(crate) public_url: Option<String>,
    /// Largest body of a request. `MILLWRIGHT__SERVER__BODY_MB`
    pub(crate) body_mb: usize,
    /// Seconds that a client has for the headers of a request. `MILLWRIGHT__SERVER__HEADER_TIMEOUT_S`
    pub(crate) header_timeout_s: u64,
    /// Seconds that a body has to arrive. `MILLWRIGHT__SERVER__BODY_TIMEOUT_S`
    pub(crate) body_timeout_s: u64,
    /// Requests of one token, or of one address without a token. `MILLWRIGHT__SERVER__REQUESTS_PER_MINUTE`
    pub(crate) requests_per_minute: u32,
    /// Open at once; near the limit, idle connections are closed. `MILLWRIGHT__SERVER__CONNECTIONS`
    pub(crate) connections: usize,
    /// Of these, from one address (of IPv6: one network of 64 bits). Behind a proxy all come from one: set it to as
    /// many as `connections` there, and limit addresses in the proxy. `MILLWRIGHT__SERVER__CONNECTIONS_PER_ADDRESS`
    pub(crate) connections_per_address: usize,
    /// Streams of events open at once, in pages and in programs; never more than half of `connections`.
    /// `MILLWRIGHT__SERVER__STREAMS`
    pub(crate) streams: usize,
    /// Of these, of one token. `MILLWRIGHT__SERVER__STREAMS_PER_TOKEN`
    pub(crate) streams_per_token: usize,
    /// At once in one process. `MILLWRIGHT__SERVER__INVESTIGATIONS`
    pub(crate) investigations: usize,
    /// A failure that is reported again within this many hours joins the existing incident.
    /// `MILLWRIGHT__SERVER__DEDUP_WINDOW_HOURS`
    pub(crate) dedup_window_hours: u64,
    /// Seconds after which another worker may take over the job of a dead worker. `MILLWRIGHT__SERVER__LEASE_S`
    pub(crate) lease_s: u64,
    /// Seconds that a shutdown waits for running work. `MILLWRIGHT__SERVER__GRACE_S`
    pub(crate) grace_s: u64,
    /// Days for which the links in notes that judge an answer are valid. `MILLWRIGHT__SERVER__JUDGE_LINK_DAYS`
    pub(crate) judge_link_days: u32,
}

/// The role whose confirmation alone makes an answer known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConfirmingRole {
    Support,
    #[default]
    Responder,
    Admin,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7070".into(),
            public_url: None,
            body_mb: 10,
            header_timeout_s: 10,
            body_timeout_s: 30,
            requests_per_minute: 600,
            connections: 1_024,
            connections_per_address: 512,
            streams: 256,
            streams_per_token: 64,
            investigations: 1,
            dedup_window_hours: 24,
            lease_s: 30,
            grace_s: 20,
            judge_link_days: 30,
        }
    }
}

/// Logs and metrics of the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetrySection {
    /// `text` or `json`; `--log-format` overrides it. Default: text on a terminal, JSON elsewhere.
    /// `MILLWRIGHT__TELEMETRY__LOG_FORMAT`
    pub(crate) log_format: Option<LogFormat>,
    /// Address and port that serves `/metrics` without a token, as in `127.0.0.1:9464`; anyone who reaches it can read
    /// the metrics. Default: nowhere. `MILLWRIGHT__TELEMETRY__METRICS_LISTEN`
    pub(crate) metrics_listen: Option<String>,
}

impl TelemetrySection {
    pub(super) fn settle(&self) -> Result<(), String> {
        match &self.metrics_listen {
            Some(listen) if listen.parse::<std::net::SocketAddr>().is_err() => Err(format!(
                "telemetry.metrics_listen {listen:?} must be an address and a port, as in \"127.0.0.1:9464\""
            )),
            _ => Ok(()),
        }
    }
}

/// Who has access.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuthSection {
    /// Programs on this machine are administrators without a token; refused unless the service listens on the
    /// loopback address only. `MILLWRIGHT__AUTH__ANONYMOUS`
    pub(crate) anonymous: bool,
    /// The lowest role whose confirmation alone lets an answer that no replay proved be presented as known; with
    /// lower roles, two persons must confirm. `MILLWRIGHT__AUTH__CONFIRMING_ROLE`
    pub(crate) confirming_role: ConfirmingRole,
}

/// Systems that call in by hooks, and ticket systems that notes are written to: a section each, by their names. What a section
/// holds is known by the system's integration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ConnectorsSection(pub(crate) BTreeMap<String, ConnectorConfig>);

impl JsonSchema for ConnectorsSection {
    fn schema_name() -> Cow<'static, str> {
        "ConnectorsSection".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut sections = serde_json::Map::new();
        for (integration, keys) in connectors() {
            sections.insert(integration.name().to_owned(), keys.schema(generator).to_value());
        }
        json_schema!({
            "description": "Systems that send reports to hooks, and ticket systems that receive notes.",
            "type": "object", "properties": sections, "additionalProperties": false,
        })
    }
}

/// The systems that have a section, with its keys.
pub(crate) fn connectors() -> impl Iterator<Item = (&'static dyn Integration, ConnectorKeys)> {
    INTEGRATIONS.iter().filter_map(|integration| Some((*integration, integration.connector()?)))
}

/// Chats in which people talk to the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChannelsSection {
    pub(crate) slack: Option<SlackSection>,
}

/// Slack: mentions, direct messages, a slash command and buttons. Over HTTP with `signing_secret_env`, over an
/// outgoing connection (Socket Mode, no public address needed) with `app_token_env`, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SlackSection {
    /// The variable that holds the bot's token (`xoxb-…`).
    pub(crate) bot_token_env: String,
    /// The variable that holds the app's signing secret; several, separated by spaces, while you replace one.
    pub(crate) signing_secret_env: Option<String>,
    /// The variable that holds an app-level token (`xapp-…`, scope `connections:write`).
    pub(crate) app_token_env: Option<String>,
    /// Ids of the users (`U…`) who may stop investigations and consent to what they want to do.
    pub(crate) responders: Vec<String>,
    /// Who reads the channels where it is used. Without it they are `internal`, except those shared with other workspaces.
    pub(crate) audience: Option<ChannelAudience>,
    /// Guests of the workspace may confirm and reject answers.
    pub(crate) guests_judge: bool,
    /// Ids of other workspaces (`T…`) whose members may confirm and reject answers.
    pub(crate) judging_teams: Vec<String>,
    /// Who sees what is said in private channels and direct messages.
    pub(crate) private_channels: PrivateChannels,
    /// Address of the Web API; a different one is for tests and relays.
    pub(crate) base_url: String,
}

impl Default for SlackSection {
    fn default() -> Self {
        Self {
            bot_token_env: String::new(),
            signing_secret_env: None,
            app_token_env: None,
            responders: Vec::new(),
            audience: None,
            guests_judge: false,
            judging_teams: Vec::new(),
            private_channels: PrivateChannels::Members,
            base_url: "https://slack.com/api".into(),
        }
    }
}

/// Who sees incidents that were reported in a private conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrivateChannels {
    /// Members of that conversation, and administrators.
    #[default]
    Members,
    /// Everybody who has a token, as for public channels.
    Everyone,
}

impl ChannelsSection {
    pub(super) fn settle(&self) -> Result<(), String> {
        let Some(slack) = &self.slack else { return Ok(()) };
        if slack.bot_token_env.is_empty() {
            return Err("channels.slack needs bot_token_env, the variable that holds the bot's token".into());
        }
        if slack.signing_secret_env.is_none() && slack.app_token_env.is_none() {
            return Err(
                "channels.slack needs signing_secret_env (Slack calls the service over HTTP) or app_token_env \
                 (Socket Mode)"
                    .into(),
            );
        }
        if !is_url(&slack.base_url) {
            return Err("channels.slack.base_url must begin with https:// (or http://)".into());
        }
        let is_team = |id: &String| {
            id.starts_with(['T', 'E']) && id.len() > 1 && id.chars().all(|c| c.is_ascii_alphanumeric())
        };
        if let Some(id) = slack.judging_teams.iter().find(|id| !is_team(id)) {
            return Err(format!(
                "channels.slack.judging_teams: {id:?} is not a workspace id; ids look like T024BE7LD"
            ));
        }
        let odd = slack
            .responders
            .iter()
            .find(|id| !id.starts_with(['U', 'W']) || id.contains(char::is_whitespace));
        match odd {
            Some(id) => {
                Err(format!("channels.slack.responders: {id:?} is not a user id; ids look like U024BE7LH"))
            }
            None => Ok(()),
        }
    }
}

impl ServerSection {
    pub(super) fn settle(&self) -> Result<(), String> {
        if self.listen.parse::<std::net::SocketAddr>().is_err() {
            return Err(format!(
                "server.listen {:?} must be an address and a port, as in \"127.0.0.1:7070\"",
                self.listen
            ));
        }
        let bounds = [
            ("body_mb", self.body_mb as u64),
            ("requests_per_minute", u64::from(self.requests_per_minute)),
            ("connections", self.connections as u64),
            ("connections_per_address", self.connections_per_address as u64),
            ("streams", self.streams as u64),
            ("streams_per_token", self.streams_per_token as u64),
            ("investigations", self.investigations as u64),
            ("lease_s", self.lease_s),
            ("header_timeout_s", self.header_timeout_s),
            ("body_timeout_s", self.body_timeout_s),
        ];
        if let Some((key, _)) = bounds.iter().find(|(_, value)| *value == 0 || *value > u64::from(u32::MAX)) {
            return Err(format!("server.{key} must be between 1 and 4294967295"));
        }
        if !(1..=3_650).contains(&self.judge_link_days) {
            return Err("server.judge_link_days must be between 1 and 3650".into());
        }
        if self.body_mb > 1_024 {
            return Err("server.body_mb must be at most 1024".into());
        }
        if self.public_url.as_ref().is_some_and(|url| !is_url(url)) {
            return Err("server.public_url must begin with http:// or https://".into());
        }
        Ok(())
    }
}

impl ConnectorsSection {
    pub(super) fn settle(&self) -> Result<(), String> {
        for (name, config) in &self.0 {
            let keys = integration(name).and_then(|integration| integration.connector());
            let keys = keys.ok_or_else(|| format!("connectors.{name} is not a supported system"))?;
            keys.check(name, config)?;
        }
        Ok(())
    }

    /// The sections that are there, in the order of the registry.
    pub(crate) fn configured(
        &self,
    ) -> impl Iterator<Item = (&'static dyn Integration, ConnectorKeys, &ConnectorConfig)> {
        connectors()
            .filter_map(|(integration, keys)| Some((integration, keys, self.0.get(integration.name())?)))
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
