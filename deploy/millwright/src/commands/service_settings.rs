/*!
What the configuration says of repositories, hooks, ticket systems and Slack, as settings of the service, with the secrets
that it names. `serve` takes all of it and stops at the first fault; `doctor` names each.
*/

use std::path::Path;

use anyhow::{Context, Result};
use millwright_service::settings::{Hook, Repository, Slack, TicketSystem};
use millwright_tools::git::Remote;
use millwright_tools::replay::TestRecipes;

use crate::config::{self, Config, Connectors, Tickets};
use crate::wiring;

/// A repository of the configuration; one with a url is cloned below `data_dir`.
///
/// # Errors
/// When it says not where it lies, or its token is not set.
pub(super) fn repository(
    name: &str,
    entry: &config::Repository,
    config: &Config,
    data_dir: &Path,
) -> Result<Repository> {
    let remote = match &entry.url {
        None => None,
        Some(url) => {
            let section = format!("repositories.{name}");
            let token = entry.token_env.as_deref().map(|variable| secret(&section, variable)).transpose()?;
            let user = entry.username.clone().unwrap_or_else(|| "x-access-token".to_owned());
            let credentials = token.map(|token| (user, token.trim().to_owned().into()));
            Some(Remote { url: url.clone(), credentials })
        }
    };
    let path = match &remote {
        // A folder's name: whatever else a name may hold.
        Some(_) => Some(data_dir.join("clones").join(format!("{}.git", folder_name(name)))),
        None => entry.path.clone().or_else(|| config.folder()),
    };
    let path = path.with_context(|| format!("repositories.{name} needs a url, or a path to its clone"))?;
    Ok(Repository { remote, ..local(name, &path, entry, config) })
}

/// The repository at a path, with what the configuration says of it.
pub(super) fn repository_at(path: &Path, config: &Config) -> Repository {
    let nothing = config::Repository::default();
    let (name, entry) = config.repository(path).unwrap_or(("", &nothing));
    local(name, path, entry, config)
}

fn local(name: &str, path: &Path, entry: &config::Repository, config: &Config) -> Repository {
    Repository {
        name: name.to_owned(),
        path: path.to_owned(),
        remote: None,
        branch: entry.branch.clone(),
        services: entry.services.clone(),
        path_prefixes: entry.path_prefixes.clone(),
        recipes: TestRecipes {
            setup: entry.setup.clone(),
            test_one: entry.test_one.clone(),
            env: entry.env.clone(),
            allow_read: entry.allow_read.clone(),
            timeout_s: entry.timeout_s,
            loopback: wiring::loopback(config),
            overlay: entry.overlay.clone(),
            test_report: entry.test_report.clone(),
            accept_failure: false,
        },
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

/// The systems that may call in, with the variables of their secrets.
pub(super) fn hook_secrets(connectors: &Connectors) -> Vec<(&'static str, &str)> {
    let plain = [
        ("generic", &connectors.generic),
        ("alertmanager", &connectors.alertmanager),
        ("grafana", &connectors.grafana),
        ("pagerduty", &connectors.pagerduty),
        ("sentry", &connectors.sentry),
    ];
    let plain = plain.into_iter().filter_map(|(name, hook)| Some((name, hook.as_ref()?.secret_env.as_str())));
    let systems = ticket_systems(connectors);
    let systems =
        systems.into_iter().filter_map(|(name, system)| Some((name, system.secret_env.as_deref()?)));
    plain.chain(systems).collect()
}

/// What a system that calls in signs with.
pub(super) fn hook(name: &str, variable: &str) -> Result<Hook> {
    let value = secret(&format!("connectors.{name}"), variable)?;
    Ok(Hook { secrets: value.split_whitespace().map(|secret| secret.to_owned().into()).collect() })
}

pub(super) fn ticket_systems(connectors: &Connectors) -> Vec<(&'static str, &Tickets)> {
    let systems =
        [("github", &connectors.github), ("jira", &connectors.jira), ("zendesk", &connectors.zendesk)];
    systems.into_iter().filter_map(|(name, system)| Some((name, system.as_ref()?))).collect()
}

/// How a ticket system is written to; `None` where no notes are.
pub(super) fn ticket_system(name: &str, system: &Tickets) -> Result<Option<TicketSystem>> {
    let Tickets { base_url: Some(url), token_env: Some(variable), email, service_desk, .. } = system else {
        return Ok(None);
    };
    Ok(Some(TicketSystem {
        base_url: url.trim_end_matches('/').to_owned(),
        email: email.clone(),
        token: secret(&format!("connectors.{name}"), variable)?.trim().to_owned().into(),
        service_desk: *service_desk,
    }))
}

pub(super) fn slack(options: &config::Slack) -> Result<Slack> {
    let read = |variable: &str| secret("channels.slack", variable);
    let signing = options.signing_secret_env.as_deref().map(read).transpose()?;
    let signing_secrets = signing.iter().flat_map(|all| all.split_whitespace());
    let app_token = options.app_token_env.as_deref().map(read).transpose()?;
    Ok(Slack {
        signing_secrets: signing_secrets.map(|secret| secret.to_owned().into()).collect(),
        bot_token: read(&options.bot_token_env)?.trim().to_owned().into(),
        app_token: app_token.map(|token| token.trim().to_owned().into()),
        base_url: options.base_url.trim_end_matches('/').to_owned(),
        responders: options.responders.iter().cloned().collect(),
    })
}

fn secret(section: &str, variable: &str) -> Result<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    value.with_context(|| format!("{section} wants a secret in {variable}, which is not set"))
}
