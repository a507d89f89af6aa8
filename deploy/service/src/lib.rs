/*!
The doors that people and machines use, on one durable core: HTTP with events, hooks of ticket and alert systems, and
notes back to them. Whatever is acknowledged is on the disk; whatever takes longer than a moment is a job in the
store's queue, which any worker takes over when its holder dies.

This crate alone knows the HTTP server. It knows no SQL (`memory::store` does) and decides nothing about an
investigation (`agent` does).
*/

pub mod alert;
mod api;
mod app;
pub mod auth;
mod files;
mod hooks;
mod http;
mod intake;
mod metrics;
mod notes;
mod outward;
mod page;
pub mod reach;
mod seal;
pub mod settings;
mod slack;
mod worker;

use std::net::SocketAddr;

use millwright_memory::store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;

use settings::Settings;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "without tokens the service listens on the loopback address only, not on {0}; make a token \
         (`millwright token create`), or listen on 127.0.0.1"
    )]
    OpenToOthers(SocketAddr),
    #[error(
        "there is no token yet, so nobody could ask anything; make one: `millwright token create NAME --role admin` \
         (or, to try it on this machine only, start with --anonymous)"
    )]
    NoTokens,
    #[error("cannot listen on {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, std::io::Error),
    #[error(transparent)]
    Store(#[from] millwright_memory::store::StoreError),
}

/// A service that listens and is about to serve.
pub struct Service {
    app: std::sync::Arc<app::App>,
    listener: TcpListener,
    end: watch::Sender<bool>,
}

impl Service {
    /// Checks what must not be wrong, and listens.
    ///
    /// # Errors
    /// When the address is taken, or nobody or everybody could come in.
    pub async fn start(store: Store, settings: Settings) -> Result<Self, ServeError> {
        if settings.anonymous && !settings.listen.ip().is_loopback() {
            return Err(ServeError::OpenToOthers(settings.listen));
        }
        if settings.duty.answers() && !settings.anonymous && store.list_tokens().await?.is_empty() {
            return Err(ServeError::NoTokens);
        }
        let address = settings.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
        let (end, ending) = watch::channel(false);
        Ok(Self { app: app::App::new(store, settings, ending), listener, end })
    }

    /// Where it listens, once the system has chosen a port.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` returns; then answers end, and investigations are parked.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let worker = self.app.settings.duty.works().then(|| tokio::spawn(worker::run(self.app.clone())));
        let slack = self.app.settings.duty.answers().then(|| tokio::spawn(slack::listen(self.app.clone())));
        let server = tokio::spawn(http::serve(self.app.clone(), self.listener));
        stop.await;
        let _ = self.end.send(true);
        if let Some(worker) = worker {
            let _ = worker.await;
        }
        if let Some(slack) = slack {
            let _ = slack.await;
        }
        let _ = server.await;
    }
}

/// The OpenAPI document, as `/openapi.json` answers it.
pub fn openapi() -> serde_json::Value {
    http::openapi::document()
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
