/*!
The state that every part of the service shares: the store, the settings, and the signals by which parts tell each other
that something happened. Nothing here needs to survive the process, because everything that was accepted is in the store.
This module knows none of the parts that use it.
*/

use millwright_model::{IncidentId, Scope};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use millwright_integrations::outbound_http::{self, SendError};
use millwright_store::{Database, Store, StoreError};
use millwright_usecases::{IncidentNotifier, ReportIntake, UseCases};
use tokio::sync::{Notify, OnceCell, broadcast, watch};

use crate::auth::{Principal, TokenUseLog};
use crate::channel_cache::ChannelCache;
use crate::degraded::DegradedParts;
use crate::limits::{BodyBudget, CodeQuestionLimit, EventStreamLimits, RateLimiter};
use crate::metrics::ServiceMetrics;
use crate::settings::ServiceSettings;
use crate::signing_key::SigningKey;

/// Wakes the readers and workers of this process. Other processes see a change when they next look, within a second.
#[derive(Debug, Clone)]
pub(crate) enum WakeSignal {
    /// The store has something new about this incident.
    Stored(IncidentId),
    /// How far a step is. Shown while the step runs, never stored.
    Progress(IncidentId, Arc<str>),
}

/// Wakes the readers and workers of this process after a use case.
struct SignalNotifier {
    signals: broadcast::Sender<WakeSignal>,
    work: Arc<Notify>,
}

impl IncidentNotifier for SignalNotifier {
    fn incident_changed(&self, incident: &IncidentId) {
        // It is not an error when nobody listens.
        let _ = self.signals.send(WakeSignal::Stored(incident.clone()));
    }

    fn work_added(&self) {
        self.work.notify_one();
    }
}

pub(crate) struct ServiceState {
    /// Callers see only their part of it, see [`ServiceState::store_of`].
    database: Database,
    /// The whole store, for the service's own work: to authenticate callers, to take reports in, to investigate, to write
    /// notes. Requests of callers are never answered from here.
    pub(crate) own_store: Store,
    pub(crate) settings: ServiceSettings,
    pub(crate) sessions: TokenUseLog,
    pub(crate) limiter: RateLimiter,
    pub(crate) metrics: ServiceMetrics,
    pub(crate) degraded: DegradedParts,
    pub(crate) signals: broadcast::Sender<WakeSignal>,
    /// Wakes workers when there is work.
    pub(crate) work: Arc<Notify>,
    /// Becomes true when the process has to end.
    pub(crate) ending: watch::Receiver<bool>,
    notifier: Arc<SignalNotifier>,
    /// Takes reports in.
    pub(crate) intake: ReportIntake,
    pub(crate) bodies: BodyBudget,
    pub(crate) code_questions: CodeQuestionLimit,
    pub(crate) streams: Arc<EventStreamLimits>,
    /// The workspace of the chat system that the service belongs to.
    pub(crate) chat_team: OnceCell<String>,
    pub(crate) chat_channels: ChannelCache,
    seal: OnceCell<SigningKey>,
    http: OnceLock<reqwest::Client>,
}

impl ServiceState {
    pub(crate) fn new(
        database: Database,
        settings: ServiceSettings,
        ending: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let (signals, _) = broadcast::channel(1_024);
        let limits = &settings.limits;
        let work = Arc::new(Notify::new());
        let notifier = Arc::new(SignalNotifier { signals: signals.clone(), work: work.clone() });
        let redactor = &settings.redactor;
        let own_store = database.seen_by(Scope::installation("millwright"));
        let intake = ReportIntake::start(
            own_store.clone(),
            limits.join_within,
            redactor.clone(),
            notifier.clone(),
            Arc::new(settings.locations()),
        );
        Arc::new(Self {
            sessions: TokenUseLog::default(),
            limiter: RateLimiter::new(limits.requests_per_minute),
            metrics: ServiceMetrics::new(&settings),
            degraded: DegradedParts::default(),
            signals,
            work,
            ending,
            notifier,
            intake,
            bodies: BodyBudget::new(limits.body_bytes),
            code_questions: CodeQuestionLimit::default(),
            streams: EventStreamLimits::new(
                limits.streams.min(limits.connections / 2).max(1),
                limits.streams_per_token,
            ),
            chat_team: OnceCell::new(),
            chat_channels: ChannelCache::default(),
            seal: OnceCell::new(),
            http: OnceLock::new(),
            database,
            own_store,
            settings,
        })
    }

    /// The store as `principal` may see it.
    pub(crate) fn store_of(&self, principal: &Principal) -> Store {
        self.database.seen_by(principal.scope())
    }

    /// The use cases on the incidents that `principal` may see, for every channel.
    pub(crate) fn use_cases_of(&self, principal: &Principal) -> UseCases {
        self.use_cases_on(self.store_of(principal))
    }

    /// The use cases for a person whom a signed link or a thread leads to one incident.
    pub(crate) fn use_cases_on(&self, store: Store) -> UseCases {
        UseCases::new(store, self.settings.redactor.clone(), self.notifier.clone())
    }

    /// Tells readers that something was stored about an incident. It is not an error when nobody listens.
    pub(crate) fn stored(&self, incident: &IncidentId) {
        let _ = self.signals.send(WakeSignal::Stored(incident.clone()));
    }

    /// The key that this installation signs with.
    pub(crate) async fn seal(&self) -> Result<&SigningKey, StoreError> {
        self.seal.get_or_try_init(|| SigningKey::open(&self.own_store)).await
    }

    /// The client for requests to other systems. One per process, because building one reads every certificate of the
    /// machine.
    pub(crate) fn http(&self) -> Result<reqwest::Client, SendError> {
        if let Some(made) = self.http.get() {
            return Ok(made.clone());
        }
        let made = outbound_http::client()?;
        Ok(self.http.get_or_init(|| made).clone())
    }

    pub(crate) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Returns when the process has to end.
    pub(crate) async fn ended(&self) {
        let mut ending = self.ending.clone();
        // The sender lives as long as the process; without it there is nothing to wait for either.
        let _ = ending.wait_for(|ending| *ending).await;
    }
}

/// Milliseconds since `begun`, for a log line.
pub(crate) fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
