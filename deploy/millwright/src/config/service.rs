/*!
Options of `millwright serve`: where it listens, how much it takes, who is let in, and the systems that call in and are
written to. Secrets are never written here: an option names the variable that holds them.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The HTTP server and its workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port; `--listen` goes before it. `MILLWRIGHT__SERVER__LISTEN`
    pub(crate) listen: String,
    /// Where people reach it, for links in notes. `MILLWRIGHT__SERVER__PUBLIC_URL`
    pub(crate) public_url: Option<String>,
    /// Largest body of a request. `MILLWRIGHT__SERVER__BODY_MB`
    pub(crate) body_mb: usize,
    /// Seconds that a client has for the headers of a request. `MILLWRIGHT__SERVER__HEADER_TIMEOUT_S`
    pub(crate) header_timeout_s: u64,
    /// Seconds that a body has to arrive. `MILLWRIGHT__SERVER__BODY_TIMEOUT_S`
    pub(crate) body_timeout_s: u64,
    /// Of one token, or of one stranger's address. `MILLWRIGHT__SERVER__REQUESTS_PER_MINUTE`
    pub(crate) requests_per_minute: u32,
    /// Open at once. `MILLWRIGHT__SERVER__CONNECTIONS`
    pub(crate) connections: usize,
    /// At once in one process. `MILLWRIGHT__SERVER__INVESTIGATIONS`
    pub(crate) investigations: usize,
    /// A failure that comes back within so many hours joins the incident that is known already.
    /// `MILLWRIGHT__SERVER__JOIN_WITHIN_H`
    pub(crate) join_within_h: u64,
    /// Seconds that a worker which died may hold a job. `MILLWRIGHT__SERVER__LEASE_S`
    pub(crate) lease_s: u64,
    /// Seconds that a shutdown waits for what is under way. `MILLWRIGHT__SERVER__GRACE_S`
    pub(crate) grace_s: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7070".into(),
            public_url: None,
            body_mb: 10,
            header_timeout_s: 10,
            body_timeout_s: 30,
            requests_per_minute: 600,
            connections: 1_024,
            investigations: 1,
            join_within_h: 24,
            lease_s: 30,
            grace_s: 20,
        }
    }
}

/// Who is let in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Auth {
    /// Programs on this machine are administrators without a token; refused unless the service listens on the
    /// loopback address only. `MILLWRIGHT__AUTH__ANONYMOUS`
    pub(crate) anonymous: bool,
}

/// Systems that call in by hooks, and ticket systems that notes are written to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Connectors {
    pub(crate) generic: Option<Hook>,
    pub(crate) alertmanager: Option<Hook>,
    pub(crate) grafana: Option<Hook>,
    pub(crate) pagerduty: Option<Hook>,
    pub(crate) sentry: Option<Hook>,
    pub(crate) github: Option<Tickets>,
    pub(crate) jira: Option<Tickets>,
    pub(crate) zendesk: Option<Tickets>,
}

/// A system that calls in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    /// The variable that holds the secret it signs with; several, divided by spaces, while one is replaced.
    pub(crate) secret_env: String,
}

/// A ticket system: it calls in, and notes are written to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tickets {
    /// The variable that holds the secret it signs with; several, divided by spaces, while one is replaced.
    pub(crate) secret_env: Option<String>,
    /// Where its API is, as in `https://acme.zendesk.com`; without it no notes are written.
    pub(crate) base_url: Option<String>,
    /// The account of the token (Zendesk and Jira).
    pub(crate) email: Option<String>,
    /// The variable that holds the API token.
    pub(crate) token_env: Option<String>,
    /// Jira only: its issues are requests of a service desk, so notes are internal comments.
    pub(crate) service_desk: bool,
}

/// Where people talk to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Channels {
    pub(crate) slack: Option<Slack>,
}

/// Slack: mentions, direct messages, a slash command and buttons. Over HTTP with `signing_secret_env`, over a connection
/// of our own (Socket Mode, no public address needed) with `app_token_env`, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Slack {
    /// The variable that holds the bot's token (`xoxb-…`).
    pub(crate) bot_token_env: String,
    /// The variable that holds the app's signing secret; several, divided by spaces, while one is replaced.
    pub(crate) signing_secret_env: Option<String>,
    /// The variable that holds an app-level token (`xapp-…`, scope `connections:write`).
    pub(crate) app_token_env: Option<String>,
    /// Ids of the users (`U…`) who may stop investigations and consent to what they want to do.
    pub(crate) responders: Vec<String>,
    /// Of the Web API; another one is for tests and relays.
    pub(crate) base_url: String,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            bot_token_env: String::new(),
            signing_secret_env: None,
            app_token_env: None,
            responders: Vec::new(),
            base_url: "https://slack.com/api".into(),
        }
    }
}

impl Channels {
    pub(super) fn settle(&self) -> Result<(), String> {
        let Some(slack) = &self.slack else { return Ok(()) };
        if slack.bot_token_env.is_empty() {
            return Err("channels.slack needs bot_token_env, the variable that holds the bot's token".into());
        }
        if slack.signing_secret_env.is_none() && slack.app_token_env.is_none() {
            return Err(
                "channels.slack needs signing_secret_env (Slack calls in over HTTP) or app_token_env (Socket Mode)"
                    .into(),
            );
        }
        if !is_url(&slack.base_url) {
            return Err("channels.slack.base_url must begin with https:// (or http://)".into());
        }
        let odd = slack
            .responders
            .iter()
            .find(|id| !id.starts_with(['U', 'W']) || id.contains(char::is_whitespace));
        match odd {
            Some(id) => {
                Err(format!("channels.slack.responders: {id:?} is no user's id; ids look like U024BE7LH"))
            }
            None => Ok(()),
        }
    }
}

impl Server {
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
            ("investigations", self.investigations as u64),
            ("lease_s", self.lease_s),
            ("header_timeout_s", self.header_timeout_s),
            ("body_timeout_s", self.body_timeout_s),
        ];
        if let Some((key, _)) = bounds.iter().find(|(_, value)| *value == 0 || *value > u64::from(u32::MAX)) {
            return Err(format!("server.{key} must be at least 1, and not beyond all bounds"));
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

impl Connectors {
    pub(super) fn settle(&self) -> Result<(), String> {
        for (name, tickets) in [("github", &self.github), ("jira", &self.jira), ("zendesk", &self.zendesk)] {
            let Some(tickets) = tickets else { continue };
            let key = |key: &str| format!("connectors.{name}.{key}");
            match (&tickets.base_url, &tickets.token_env) {
                (Some(url), Some(_)) if !is_url(url) => {
                    return Err(format!("{} must begin with https:// (or http://)", key("base_url")));
                }
                (Some(_), None) => return Err(format!("{} needs {}", key("base_url"), key("token_env"))),
                (None, Some(_)) => return Err(format!("{} needs {}", key("token_env"), key("base_url"))),
                _ => {}
            }
            if tickets.base_url.is_some() && tickets.email.is_none() && name != "github" {
                return Err(format!("{} must name the account of the token", key("email")));
            }
            if tickets.service_desk && name != "jira" {
                return Err(format!("{} is for jira only", key("service_desk")));
            }
            if tickets.secret_env.is_none() && tickets.base_url.is_none() {
                return Err(format!(
                    "connectors.{name} needs secret_env for its hook, or base_url for notes"
                ));
            }
        }
        Ok(())
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
