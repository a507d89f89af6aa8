/*!
`millwright serve`: the configuration becomes the settings of the service, and signals end it in order.
*/

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use millwright_agent::planner::PLAYBOOK;
use millwright_agent::planner::openai::Speaker;
use millwright_service::Service;
use millwright_service::settings::{Duty, Hook, Limits, Settings, TicketSystem};

use super::service_settings;
use crate::cli::{ServeArguments, ServeRole};
use crate::config::{Config, Connectors};
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
        repositories.push(service_settings::repository(name, entry, config, &data_dir)?);
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
        slack: config.options.channels.slack.as_ref().map(service_settings::slack).transpose()?,
    })
}

fn speaker(config: &Config) -> Result<Option<Speaker>> {
    match config.options.model.name.as_deref() {
        None | Some(PLAYBOOK) => Ok(None),
        Some(name) => Ok(Some(Speaker::new(wiring::model(name, config)?)?)),
    }
}

fn hooks(connectors: &Connectors) -> Result<BTreeMap<String, Hook>> {
    let secrets = service_settings::hook_secrets(connectors).into_iter();
    secrets.map(|(name, variable)| Ok((name.to_owned(), service_settings::hook(name, variable)?))).collect()
}

fn tickets(connectors: &Connectors) -> Result<BTreeMap<String, TicketSystem>> {
    let mut systems = BTreeMap::new();
    for (name, system) in service_settings::ticket_systems(connectors) {
        if let Some(system) = service_settings::ticket_system(name, system)? {
            systems.insert(name.to_owned(), system);
        }
    }
    Ok(systems)
}
