/*!
`millwright serve`: the configuration becomes the settings of the service, and signals end it in order.
*/

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use millwright_agent::planner::PLAYBOOK;
use millwright_agent::planner::openai::Speaker;
use millwright_service::Service;
use millwright_service::settings::{Duty, Hook, Limits, Repository, Settings, Slack, TicketSystem};
use millwright_tools::git::Remote;
use millwright_tools::replay::TestRecipes;

use crate::cli::{ServeArguments, ServeRole};
use crate::config::{self, Config, Connectors, Tickets};
use crate::{dense, wiring};

pub(super) async fn run(arguments: ServeArguments) -> Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder cannot be told")?;
    let config = Arc::new(wiring::config(arguments.config.as_deref(), Some(&here))?);
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let settings = settings(&arguments, &config, data_dir)?;
    let store = dense::attach(wiring::open_store(&settings.data_dir, &config).await?, &config).await?;
    let role = format!("{:?}", arguments.role).to_lowercase();
    let service = Service::start(store.clone(), settings).await?;
    eprintln!("millwright: listening on http://{} (role {role})", service.address()?);
    service.run(told_to_stop()).await;
    store.close().await;
    eprintln!("millwright: stopped; what was under way goes on with the next start");
    Ok(ExitCode::SUCCESS)
}

/// The first interrupt or termination; a second one does not wait.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("millwright: stopping; running investigations are parked");
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
}

fn settings(
    arguments: &ServeArguments,
    config: &Arc<Config>,
    data_dir: std::path::PathBuf,
) -> Result<Settings> {
    let server = &config.options.server;
    // Wrong settings of the model are told now, not with the first incident.
    wiring::planner(None, config, wiring::Attendance::Attended)?;
    let (for_planner, for_speaker) = (config.clone(), config.clone());
    let mut repositories = Vec::new();
    for (name, entry) in &config.options.repositories {
        repositories.push(repository(name, entry, config, &data_dir)?);
    }
    let listen = match arguments.listen {
        Some(listen) => listen,
        None => server.listen.parse().context("server.listen")?,
    };
    Ok(Settings {
        listen,
        duty: match arguments.role {
            ServeRole::All => Duty::All,
            ServeRole::Api => Duty::Api,
            ServeRole::Worker => Duty::Worker,
        },
        anonymous: arguments.anonymous || config.options.auth.anonymous,
        data_dir,
        repositories,
        redactor: Arc::new(wiring::redactor(config)?),
        planner: Arc::new(move || {
            wiring::planner(None, &for_planner, wiring::Attendance::Attended).map_err(|e| format!("{e:#}"))
        }),
        speaker: Arc::new(move || speaker(&for_speaker).map_err(|error| format!("{error:#}"))),
        budget: wiring::budget(config),
        sandbox: wiring::sandbox(config),
        limits: Limits {
            body_bytes: server.body_mb << 20,
            header_patience: Duration::from_secs(server.header_timeout_s),
            body_patience: Duration::from_secs(server.body_timeout_s),
            requests_per_minute: server.requests_per_minute,
            connections: server.connections,
            investigations: server.investigations,
            join_within: Duration::from_secs(server.join_within_h.saturating_mul(3_600)),
            lease: Duration::from_secs(server.lease_s),
            grace: Duration::from_secs(server.grace_s),
            keep_unproven_days: config.options.store.keep_unproven_days,
            ..Limits::default()
        },
        public_url: server.public_url.clone(),
        hooks: hooks(&config.options.connectors)?,
        tickets: tickets(&config.options.connectors)?,
        slack: config.options.channels.slack.as_ref().map(slack).transpose()?,
    })
}

fn speaker(config: &Config) -> Result<Option<Speaker>> {
    match config.options.model.name.as_deref() {
        None | Some(PLAYBOOK) => Ok(None),
        Some(name) => Ok(Some(Speaker::new(wiring::model(name, config)?)?)),
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

fn repository(
    name: &str,
    entry: &config::Repository,
    config: &Config,
    data_dir: &Path,
) -> Result<Repository> {
    let remote = match &entry.url {
        None => None,
        Some(url) => {
            let section = format!("repositories.{name}");
            let token = entry.token_env.as_deref().map(|variable| read(&section, variable)).transpose()?;
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
    Ok(Repository {
        name: name.to_owned(),
        path,
        remote,
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
    })
}

fn hooks(connectors: &Connectors) -> Result<BTreeMap<String, Hook>> {
    let plain = [
        ("generic", &connectors.generic),
        ("alertmanager", &connectors.alertmanager),
        ("grafana", &connectors.grafana),
        ("pagerduty", &connectors.pagerduty),
        ("sentry", &connectors.sentry),
    ];
    let plain = plain.into_iter().filter_map(|(name, hook)| Some((name, hook.as_ref()?.secret_env.as_str())));
    let systems = ticket_systems(connectors).into_iter();
    let systems = systems.filter_map(|(name, system)| Some((name, system?.secret_env.as_deref()?)));
    let mut hooks = BTreeMap::new();
    for (name, variable) in plain.chain(systems) {
        let value = secret(name, variable)?;
        let secrets = value.split_whitespace().map(|secret| secret.to_owned().into()).collect();
        hooks.insert(name.to_owned(), Hook { secrets });
    }
    Ok(hooks)
}

fn tickets(connectors: &Connectors) -> Result<BTreeMap<String, TicketSystem>> {
    let mut systems = BTreeMap::new();
    for (name, system) in ticket_systems(connectors) {
        let Some(Tickets { base_url: Some(url), token_env: Some(variable), email, service_desk, .. }) =
            system
        else {
            continue;
        };
        let system = TicketSystem {
            base_url: url.trim_end_matches('/').to_owned(),
            email: email.clone(),
            token: secret(name, variable)?.trim().to_owned().into(),
            service_desk: *service_desk,
        };
        systems.insert(name.to_owned(), system);
    }
    Ok(systems)
}

fn ticket_systems(connectors: &Connectors) -> [(&'static str, Option<&Tickets>); 3] {
    [
        ("github", connectors.github.as_ref()),
        ("jira", connectors.jira.as_ref()),
        ("zendesk", connectors.zendesk.as_ref()),
    ]
}

fn slack(options: &config::Slack) -> Result<Slack> {
    let signing =
        options.signing_secret_env.as_deref().map(|variable| read("channels.slack", variable)).transpose()?;
    let signing_secrets = signing.iter().flat_map(|all| all.split_whitespace());
    let app_token =
        options.app_token_env.as_deref().map(|variable| read("channels.slack", variable)).transpose()?;
    Ok(Slack {
        signing_secrets: signing_secrets.map(|secret| secret.to_owned().into()).collect(),
        bot_token: read("channels.slack", &options.bot_token_env)?.trim().to_owned().into(),
        app_token: app_token.map(|token| token.trim().to_owned().into()),
        base_url: options.base_url.trim_end_matches('/').to_owned(),
        responders: options.responders.iter().cloned().collect(),
    })
}

fn secret(system: &str, variable: &str) -> Result<String> {
    read(&format!("connectors.{system}"), variable)
}

fn read(section: &str, variable: &str) -> Result<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    value.with_context(|| format!("{section} wants a secret in {variable}, which is not set"))
}
