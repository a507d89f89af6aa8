/*!
The channels that people and machines use, on one durable core: HTTP with events, hooks of ticket and alert systems, and
notes that are written back to them. Everything that is acknowledged is stored on disk. Work that takes longer than a
moment is a job in the store's queue, and another worker takes a job over when its holder dies.

Only this crate knows the HTTP server. It contains no SQL (`memory::store` does) and decides nothing about an
investigation (`agent` does).
*/

pub mod alert;
mod api;
mod app;
pub mod auth;
mod channel_cache;
mod code_questions;
mod degraded;
mod events;
mod files;
mod health_checks;
mod hooks;
mod http;
mod incident_note;
mod jobs;
mod judge_links;
mod limits;
mod metrics;
mod notes;
mod page;
pub mod reach;
mod router;
mod serve;
pub mod settings;
mod signing_key;
mod slack;
mod worker;

// The one chat system. The other modules use this alias, so that the system's name stays in its folder.
use slack as chat;

use std::net::SocketAddr;
use std::time::Duration;

use millwright_model::Scope;
use millwright_store::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;

use settings::ServiceSettings;

/// How long the start waits to learn which repositories are present.
const FIRST_CHECK: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "without tokens the service listens on the loopback address only, not on {0}; create a token \
         (`millwright token create`), or listen on 127.0.0.1"
    )]
    OpenToOthers(SocketAddr),
    #[error(
        "there is no token yet, so nobody could use the service; create one: `millwright token create NAME \
         --role admin` (or, to try it on this machine only, start with --anonymous)"
    )]
    NoTokens,
    #[error("cannot listen on {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("cannot listen on {0} for metrics: {1}; choose another address in telemetry.metrics_listen")]
    ListenForMetrics(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] millwright_store::StoreError),
}

/// A service that listens and is about to serve.
pub struct Service {
    app: std::sync::Arc<app::ServiceState>,
    listener: TcpListener,
    /// Serves metrics without a token.
    metrics: Option<TcpListener>,
    end: watch::Sender<bool>,
}

impl Service {
    /// Checks the settings, and listens.
    ///
    /// # Errors
    /// When the address is in use, or the settings would let in nobody or everybody.
    pub async fn start(database: Database, settings: ServiceSettings) -> Result<Self, ServeError> {
        if settings.anonymous && !settings.listen.ip().is_loopback() {
            return Err(ServeError::OpenToOthers(settings.listen));
        }
        let own_store = database.seen_by(Scope::installation("millwright"));
        if settings.duty.answers() && !settings.anonymous && own_store.list_tokens().await?.is_empty() {
            return Err(ServeError::NoTokens);
        }
        let address = settings.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
        let metrics = match settings.metrics_listen {
            None => None,
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .map_err(|error| ServeError::ListenForMetrics(address, error))?,
            ),
        };
        let (end, ending) = watch::channel(false);
        let app = app::ServiceState::new(database, settings, ending);
        // A disk that does not answer may block for long; then the next check reports it.
        let _ = tokio::time::timeout(FIRST_CHECK, health_checks::check_repositories(&app)).await;
        Ok(Self { app, listener, metrics, end })
    }

    /// The address that the service listens on, with the port that the operating system chose.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The address that serves metrics without a token, if there is one.
    pub fn metrics_address(&self) -> Option<std::io::Result<SocketAddr>> {
        self.metrics.as_ref().map(TcpListener::local_addr)
    }

    /// Serves until `stop` returns; then it finishes open responses and parks investigations.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let worker = self.app.settings.duty.works().then(|| tokio::spawn(worker::run(self.app.clone())));
        let chat = self.app.settings.duty.answers().then(|| tokio::spawn(chat::listen(self.app.clone())));
        tokio::spawn(health_checks::watch(self.app.clone()));
        let metrics = self.metrics.map(|listener| {
            tokio::spawn(serve::serve(self.app.clone(), router::metrics_only(&self.app), listener))
        });
        let server = tokio::spawn(serve::serve(self.app.clone(), router::service(&self.app), self.listener));
        stop.await;
        let _ = self.end.send(true);
        if let Some(worker) = worker {
            let _ = worker.await;
        }
        if let Some(chat) = chat {
            let _ = chat.await;
        }
        if let Some(metrics) = metrics {
            let _ = metrics.await;
        }
        let _ = server.await;
    }
}

/// The OpenAPI document, as `/openapi.json` serves it.
pub fn openapi() -> serde_json::Value {
    router::openapi::document()
}

#[cfg(test)]
mod code_questions_tests;
#[cfg(test)]
mod scope_tests;
#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
