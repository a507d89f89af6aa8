/*!
What every part of the service shares: the store, the settings, and the means to tell each other that something
happened. Nothing of value lives here only: whatever was accepted is in the store.
*/

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use millwright_agent::sink::Sink;
use millwright_memory::store::{Store, StoreError};
use tokio::sync::{Notify, OnceCell, Semaphore, broadcast, watch};

use crate::auth::Sessions;
use crate::http::Limiter;
use crate::metrics::Metrics;
use crate::outward::{self, SendError};
use crate::seal::Seal;
use crate::settings::Settings;

/// How often progress is told outside, at most.
const TELL_EVERY: Duration = Duration::from_secs(4);

/// What readers and workers of this process are woken by; those of other processes look every second.
#[derive(Debug, Clone)]
pub(crate) enum Signal {
    /// Something was stored about this incident.
    Stored(Arc<str>),
    /// How far a step is; shown while it lasts, never kept.
    Progress(Arc<str>, Arc<str>),
}

pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions,
    pub(crate) limiter: Limiter,
    pub(crate) metrics: Metrics,
    pub(crate) signals: broadcast::Sender<Signal>,
    /// There is work.
    pub(crate) work: Notify,
    /// Turns true when the process is to end.
    pub(crate) ending: watch::Receiver<bool>,
    pub(crate) intake: crate::intake::Intake,
    /// Room for bodies that arrive, in KiB.
    pub(crate) bodies: Semaphore,
    seal: OnceCell<Seal>,
    http: OnceLock<reqwest::Client>,
}

impl App {
    pub(crate) fn new(store: Store, settings: Settings, ending: watch::Receiver<bool>) -> Arc<Self> {
        let (signals, _) = broadcast::channel(1_024);
        let intake = crate::intake::Intake::start(store.clone(), settings.limits.join_within);
        Arc::new(Self {
            sessions: Sessions::default(),
            limiter: Limiter::new(settings.limits.requests_per_minute),
            metrics: Metrics::default(),
            signals,
            work: Notify::new(),
            ending,
            intake,
            bodies: crate::http::room(settings.limits.body_bytes),
            seal: OnceCell::new(),
            http: OnceLock::new(),
            store,
            settings,
        })
    }

    /// Tells readers that something was stored about an incident. Nobody listening is no error.
    pub(crate) fn stored(&self, incident: &str) {
        let _ = self.signals.send(Signal::Stored(incident.into()));
    }

    /// What this installation signs with.
    pub(crate) async fn seal(&self) -> Result<&Seal, StoreError> {
        self.seal.get_or_try_init(|| Seal::open(&self.store)).await
    }

    /// What other systems are asked by. One for the process: making it reads every certificate of the machine.
    pub(crate) fn http(&self) -> Result<reqwest::Client, SendError> {
        if let Some(made) = self.http.get() {
            return Ok(made.clone());
        }
        let made = outward::client()?;
        Ok(self.http.get_or_init(|| made).clone())
    }

    pub(crate) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Returns once the process is to end.
    pub(crate) async fn ended(&self) {
        let mut ending = self.ending.clone();
        // The sender lives as long as the process; without it there is nothing to wait for either.
        let _ = ending.wait_for(|ending| *ending).await;
    }
}

/// Tells readers what an investigation does.
pub(crate) struct Teller {
    pub(crate) app: Arc<App>,
    pub(crate) incident: Arc<str>,
    /// When progress was told outside last.
    told: Mutex<Option<Instant>>,
}

impl Sink for Teller {
    fn event(&self, event: &millwright_agent::run::Event) {
        let _ = self.app.signals.send(Signal::Stored(self.incident.clone()));
        if matches!(event, millwright_agent::run::Event::Planned { .. }) && self.may_tell() {
            let (app, incident) = (self.app.clone(), self.incident.clone());
            tokio::spawn(async move {
                // What is lost here is told with the next step.
                if app.store.wake_notes(&incident).await.is_ok() {
                    app.work.notify_one();
                }
            });
        }
    }
}

impl Teller {
    pub(crate) fn new(app: Arc<App>, incident: &str) -> Self {
        Self { app, incident: incident.into(), told: Mutex::new(None) }
    }

    /// Whether progress may be told outside: chat systems take an edit every few seconds, and only they show progress.
    fn may_tell(&self) -> bool {
        if self.app.settings.slack.is_none() {
            return false;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|at| at.elapsed() >= TELL_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}

impl millwright_tools::tool::Progress for Teller {
    fn note(&self, event: millwright_tools::tool::ProgressEvent) {
        if self.app.signals.receiver_count() > 0
            && let Ok(text) = serde_json::to_string(&event)
        {
            let _ = self.app.signals.send(Signal::Progress(self.incident.clone(), text.into()));
        }
    }
}
