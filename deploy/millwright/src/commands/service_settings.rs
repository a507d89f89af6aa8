/*!
Turns the repositories, hooks, ticket systems and the chat of the configuration into settings of the service, with the
secrets that it names. `serve` takes everything or nothing and names every fault; `doctor` checks each part.
*/

use std::path::Path;

use anyhow::{Context, Result};
use millwright_git::MirrorRemote;
use millwright_integrations::ticket_client::TicketConnection;
use millwright_integrations::{ChannelAudience, ConnectorConfig, ConnectorKeys};
use millwright_model::{Audience, RepositoryName};
use millwright_server::auth::TokenRole;
use millwright_server::settings::{ChatSettings, HookSettings, RepositorySettings};

use crate::config::{self, Config, ConfirmingRole, ConnectorsSection, PrivateChannels};
use crate::wiring;

/// A repository of the configuration; one with a url is cloned below `data_dir`.
///
/// # Errors
/// When the entry does not say where the repository is, or its token is not set.
pub(super) fn repository(
    name: &str,
    entry: &config::RepositorySection,
    config: &Config,
    data_dir: &Path,
) -> Result<RepositorySettings> {
    let remote = match &entry.url {
        None => None,
        Some(url) => {
            let section = format!("repositories.{name}");
            let token = entry.token_env.as_deref().map(|variable| secret(&section, variable)).transpose()?;
            let user = entry.username.clone().unwrap_or_else(|| "x-access-token".to_owned());
            let credentials = token.map(|token| (user, token.trim().to_owned().into()));
            Some(MirrorRemote { url: url.clone(), credentials })
        }
    };
    let path = match &remote {
        // Turns the name into a safe folder name, because it may contain any character.
        Some(_) => Some(data_dir.join("clones").join(format!("{}.git", folder_name(name)))),
        None => entry.path.clone().or_else(|| config.folder()),
    };
    let path = path.with_context(|| format!("repositories.{name} needs a url, or a path to its clone"))?;
    let name = RepositoryName::parse(name)?;
    Ok(RepositorySettings { remote, ..local(name, &path, entry, config) })
}

/// The repository at a path, with its settings from the configuration.
pub(super) fn repository_at(path: &Path, config: &Config) -> Result<RepositorySettings> {
    let nothing = config::RepositorySection::default();
    let (name, entry) = config.repository(path).unwrap_or(("repository", &nothing));
    let name = RepositoryName::parse(name)?;
    Ok(local(name, path, entry, config))
}

fn local(
    name: RepositoryName,
    path: &Path,
    entry: &config::RepositorySection,
    config: &Config,
) -> RepositorySettings {
    RepositorySettings {
        name,
        path: path.to_owned(),
        remote: None,
        branch: entry.branch.clone(),
        services: entry.services.clone(),
        path_prefixes: entry.path_prefixes.clone(),
        recipes: wiring::recipes(entry, config),
        tests: entry.test.clone(),
        remotes: entry.remotes.clone(),
    }
}

fn folder_name(name: &str) -> String {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(60).collect();
    match plain == name {
        true => plain,
        false => format!(
            "{plain}-{:08x}",
            name.bytes().fold(0u32, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()))
        ),
    }
}

/// The configuration of a system that calls a hook.
#[derive(Debug, Clone, Copy)]
pub(super) struct HookEntry<'a> {
    pub(super) name: &'static str,
    /// The variable that holds its signing secret.
    pub(super) secret_env: &'a str,
    audience: Option<ChannelAudience>,
}

/// The systems that may call a hook.
pub(super) fn hook_entries(connectors: &ConnectorsSection) -> Vec<HookEntry<'_>> {
    let hooks = connectors.configured().filter(|(integration, ..)| integration.hook().is_some());
    hooks
        .filter_map(|(integration, _, config)| {
            let secret_env = config.secret_env.as_deref()?;
            Some(HookEntry { name: integration.name(), secret_env, audience: config.audience })
        })
        .collect()
}

/// The settings of a hook, with the secrets that its system signs with.
pub(super) fn hook(entry: HookEntry<'_>) -> Result<HookSettings> {
    let value = secret(&format!("connectors.{}", entry.name), entry.secret_env)?;
    Ok(HookSettings {
        secrets: value.split_whitespace().map(|secret| secret.to_owned().into()).collect(),
        audience: entry.audience.map(audience),
    })
}

fn audience(readers: ChannelAudience) -> Audience {
    match readers {
        ChannelAudience::Internal => Audience::Internal,
        ChannelAudience::Public => Audience::Public,
    }
}

pub(super) fn confirming_role(config: &Config) -> TokenRole {
    match config.options.auth.confirming_role {
        ConfirmingRole::Support => TokenRole::Support,
        ConfirmingRole::Responder => TokenRole::Responder,
        ConfirmingRole::Admin => TokenRole::Admin,
    }
}

/// The configuration of a system that may receive notes.
#[derive(Debug, Clone, Copy)]
pub(super) struct TicketEntry<'a> {
    pub(super) name: &'static str,
    keys: ConnectorKeys,
    config: &'a ConnectorConfig,
}

/// The systems that may receive notes.
pub(super) fn ticket_entries(connectors: &ConnectorsSection) -> Vec<TicketEntry<'_>> {
    let systems = connectors.configured().filter(|(integration, ..)| integration.tickets().is_some());
    systems
        .map(|(integration, keys, config)| TicketEntry { name: integration.name(), keys, config })
        .collect()
}

/// The connection to a ticket system; `None` if it gets no notes.
pub(super) fn ticket_connection(entry: TicketEntry<'_>) -> Result<Option<TicketConnection>> {
    let TicketEntry { name, keys, config } = entry;
    let (Some(url), Some(variable)) = (keys.base_url(config), &config.token_env) else { return Ok(None) };
    let on = config.switches.iter().filter(|(_, on)| **on);
    Ok(Some(TicketConnection {
        base_url: url.trim_end_matches('/').to_owned(),
        email: config.email.clone(),
        token: secret(&format!("connectors.{name}"), variable)?.trim().to_owned().into(),
        switches: on.map(|(name, _)| name.clone()).collect(),
    }))
}

pub(super) fn slack(options: &config::SlackSection) -> Result<ChatSettings> {
    let read = |variable: &str| secret("channels.slack", variable);
    let bot = read(&options.bot_token_env);
    let signing = options.signing_secret_env.as_deref().map(read).transpose();
    let app = options.app_token_env.as_deref().map(read).transpose();
    let unset: Vec<&str> = [
        bot.is_err().then_some(options.bot_token_env.as_str()),
        signing.is_err().then_some(options.signing_secret_env.as_deref()).flatten(),
        app.is_err().then_some(options.app_token_env.as_deref()).flatten(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if unset.len() > 1 {
        anyhow::bail!("channels.slack needs secrets in {}, which are not set", unset.join(" and "));
    }
    let (bot, signing, app) = (bot?, signing?, app?);
    let signing_secrets = signing.iter().flat_map(|all| all.split_whitespace());
    Ok(ChatSettings {
        signing_secrets: signing_secrets.map(|secret| secret.to_owned().into()).collect(),
        bot_token: bot.trim().to_owned().into(),
        app_token: app.map(|token| token.trim().to_owned().into()),
        base_url: options.base_url.trim_end_matches('/').to_owned(),
        responders: options.responders.iter().cloned().collect(),
        audience: options.audience.map(audience),
        closed_channels_are_open: options.private_channels == PrivateChannels::Everyone,
        guests_judge: options.guests_judge,
        judging_teams: options.judging_teams.iter().cloned().collect(),
    })
}

fn secret(section: &str, variable: &str) -> Result<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    value.with_context(|| format!("{section} needs a secret in {variable}, which is not set"))
}
