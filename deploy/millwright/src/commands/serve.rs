/*!
`millwright serve`: turns the configuration into the settings of the service, and shuts the service down on a signal.
*/

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use millwright_agent::planner::PLAYBOOK;
use millwright_agent::planner::openai::ModelSpeaker;
use millwright_integrations::ticket_client::TicketConnection;
use millwright_server::Service;
use millwright_server::settings::{
    ChatSettings, HookSettings, ProcessRole, RepositorySettings, ServiceLimits, ServiceSettings,
};

use super::service_settings;
use crate::cli::{ServeArguments, ServeRole};
use crate::config::Config;
use crate::{dense, logging, wiring};

pub(super) async fn run(arguments: ServeArguments) -> Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder cannot be determined")?;
    let config = Arc::new(wiring::config(arguments.config.as_deref(), Some(&here))?);
    logging::start_for_service(arguments.log_format.or(config.options.telemetry.log_format));
    let data_dir = wiring::data_dir(&arguments.data, &config)?;
    let settings = settings(&arguments, &config, data_dir)?;
    let database =
        dense::attach_to(wiring::open_database(&settings.data_dir, &config).await?, &config).await?;
    let role = format!("{:?}", arguments.role).to_lowercase();
    let service = Service::start(database.clone(), settings).await?;
    logging::say(&format!("listening on http://{} (role {role})", service.address()?));
    if let Some(address) = service.metrics_address() {
        logging::say(&format!("metrics for Prometheus on http://{}/metrics, without a token", address?));
    }
    service.run(told_to_stop()).await;
    database.close().await;
    logging::say("stopped; running work continues at the next start");
    Ok(ExitCode::SUCCESS)
}

/// Returns at the first interrupt or termination signal; a second one ends the process at once.
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
    logging::say("stopping; running investigations are parked");
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
) -> Result<ServiceSettings> {
    let server = &config.options.server;
    // Reports wrong settings of the model now, not at the first incident.
    wiring::planner(None, config, wiring::ConsentAvailability::Attended)?;
    let (for_planner, for_speaker) = (config.clone(), config.clone());
    let connected = Connected::of(config, &data_dir)?;
    let listen = match arguments.listen {
        Some(listen) => listen,
        None => server.listen.parse().context("server.listen")?,
    };
    let metrics_listen = config.options.telemetry.metrics_listen.as_deref();
    Ok(ServiceSettings {
        listen,
        metrics_listen: metrics_listen.map(str::parse).transpose().context("telemetry.metrics_listen")?,
        duty: match arguments.role {
            ServeRole::All => ProcessRole::All,
            ServeRole::Api => ProcessRole::Api,
            ServeRole::Worker => ProcessRole::Worker,
        },
        anonymous: arguments.anonymous || config.options.auth.anonymous,
        data_dir,
        repositories: connected.repositories,
        redactor: Arc::new(wiring::redactor(config)?),
        planner: Arc::new(move || {
            wiring::planner(None, &for_planner, wiring::ConsentAvailability::Attended)
                .map_err(|e| format!("{e:#}"))
        }),
        speaker: Arc::new(move || speaker(&for_speaker).map_err(|error| format!("{error:#}"))),
        budget: wiring::budget(config),
        sandbox: wiring::sandbox(config),
        limits: ServiceLimits {
            body_bytes: server.body_mb << 20,
            header_patience: Duration::from_secs(server.header_timeout_s),
            body_patience: Duration::from_secs(server.body_timeout_s),
            requests_per_minute: server.requests_per_minute,
            connections: server.connections,
            connections_per_address: server.connections_per_address,
            streams: server.streams,
            streams_per_token: server.streams_per_token,
            investigations: server.investigations,
            join_within: Duration::from_secs(server.dedup_window_hours.saturating_mul(3_600)),
            lease: Duration::from_secs(server.lease_s),
            grace: Duration::from_secs(server.grace_s),
            unproven_retention_days: config.options.store.unproven_retention_days,
            judge_links: Duration::from_secs(u64::from(server.judge_link_days) * 24 * 3_600),
            ..ServiceLimits::default()
        },
        public_url: server.public_url.clone(),
        hooks: connected.hooks,
        tickets: connected.tickets,
        chat: connected.chat,
        confirming_role: service_settings::confirming_role(config),
    })
}

fn speaker(config: &Config) -> Result<Option<ModelSpeaker>> {
    match config.options.model.name.as_deref() {
        None | Some(PLAYBOOK) => Ok(None),
        Some(name) => Ok(Some(ModelSpeaker::new(wiring::model(name, config)?)?)),
    }
}

/// The repositories and systems of the service, with their secrets.
struct Connected {
    repositories: Vec<RepositorySettings>,
    hooks: BTreeMap<String, HookSettings>,
    tickets: BTreeMap<String, TicketConnection>,
    chat: Option<ChatSettings>,
}

impl Connected {
    /// Reads everything or fails: the error names every fault at once, so that the user does not have to start once for
    /// each.
    fn of(config: &Config, data_dir: &Path) -> Result<Self> {
        let mut faults = Vec::new();
        let connectors = &config.options.connectors;
        let repositories = config.options.repositories.iter();
        let repositories = repositories
            .filter_map(|(name, entry)| {
                noted(&mut faults, service_settings::repository(name, entry, config, data_dir))
            })
            .collect();
        let hooks = service_settings::hook_entries(connectors).into_iter();
        let hooks = hooks
            .filter_map(|entry| {
                Some((entry.name.to_owned(), noted(&mut faults, service_settings::hook(entry))?))
            })
            .collect();
        let tickets = service_settings::ticket_entries(connectors).into_iter();
        let tickets = tickets
            .filter_map(|entry| {
                let connection = noted(&mut faults, service_settings::ticket_connection(entry))??;
                Some((entry.name.to_owned(), connection))
            })
            .collect();
        let chat = config.options.channels.slack.as_ref();
        let chat = chat.and_then(|slack| noted(&mut faults, service_settings::slack(slack)));
        anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
        Ok(Self { repositories, hooks, tickets, chat })
    }
}

fn noted<T>(faults: &mut Vec<String>, read: Result<T>) -> Option<T> {
    read.map_err(|error| faults.push(format!("{error:#}"))).ok()
}
