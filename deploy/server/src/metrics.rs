/*!
Metrics for Prometheus: counted in this process, or read from the store at each scrape. They follow its conventions: base
units, `_total` on counters, and a series for every state, verdict and kind from the start, so that an alert on a rate
sees the first event. Labels come from fixed sets, so that callers cannot add series.
*/

use std::collections::BTreeMap;
use std::time::Duration;

use millwright_agent::investigation::tool_specs;
use millwright_agent::run::{FailureKind, TokenCounts};
use millwright_integrations::chat;
use millwright_model::{ReplayOutcome, Report, Verdict};
use millwright_store::{IncidentState, JobKind, JobState, Store, StoreError};
use millwright_usecases::ReportResult;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use serde::Serialize;

use crate::settings::ServiceSettings;

/// Upper bounds of histogram buckets, in seconds.
const REQUEST: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];
const MODEL_REQUEST: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
const STEP: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0];
const INVESTIGATION: &[f64] =
    &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0];

/// Longest wait for the store, so that a scrape still returns everything else.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

const DELIVERY_OUTCOMES: [&str; 6] = ["opened", "joined", "again", "resolved", "deployed", "ignored"];
/// The other outcomes of a message in a chat.
const CHAT_OUTCOMES: [&str; 2] = ["said", "stopped"];
const NOTE_OUTCOMES: [&str; 5] = ["created", "updated", "failed", "found", "lost"];
/// The label for calls of tools that do not exist, which a model made up.
const OTHER_STEP: &str = "other";

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalReason {
    /// More requests than one token or address may send.
    Rate,
    /// A caller that is not authenticated.
    Unauthenticated,
    Role,
    Signature,
    Form,
    Link,
    /// A body for which there was no room.
    BodyRoom,
    Connections,
    Streams,
}

impl RefusalReason {
    const ALL: [Self; 9] = [
        Self::Rate,
        Self::Unauthenticated,
        Self::Role,
        Self::Signature,
        Self::Form,
        Self::Link,
        Self::BodyRoom,
        Self::Connections,
        Self::Streams,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Unauthenticated => "stranger",
            Self::Role => "role",
            Self::Signature => "signature",
            Self::Form => "form",
            Self::Link => "link",
            Self::BodyRoom => "body_room",
            Self::Connections => "connections",
            Self::Streams => "streams",
        }
    }
}

pub(crate) struct ServiceMetrics {
    registry: Registry,
    store_up: IntGauge,
    degraded: IntGauge,
    incidents: IntGaugeVec,
    jobs: IntGaugeVec,
    queue_age: GaugeVec,
    requests: IntCounterVec,
    request_time: HistogramVec,
    deliveries: IntCounterVec,
    refused: IntCounterVec,
    notes: IntCounterVec,
    investigation_time: Histogram,
    failed: IntCounter,
    step_time: HistogramVec,
    steps: Vec<String>,
    reports: IntCounterVec,
    replays: IntCounterVec,
    tokens: IntCounterVec,
    model_errors: IntCounterVec,
    model_time: Histogram,
}

impl ServiceMetrics {
    pub(crate) fn new(settings: &ServiceSettings) -> Self {
        let registry = Registry::new();
        let r = &registry;
        let build = IntGaugeVec::new(
            Opts::new("millwright_build_info", "The build that runs; always 1."),
            &["version", "os", "arch"],
        );
        let labels = [env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH];
        registered(r, build).with_label_values(&labels).set(1);
        let _ = r.register(Box::new(ProcessCollector::for_self()));
        let metrics = Self {
            store_up: gauge(r, "millwright_store_up", "Whether the store answers."),
            degraded: gauge(r, "millwright_degraded_parts", "Parts that do not work; /readyz names them."),
            incidents: gauges(r, "millwright_incidents", "Incidents by state.", &["state"]),
            jobs: gauges(r, "millwright_jobs", "Jobs by kind and state.", &["kind", "state"]),
            queue_age: registered(
                r,
                GaugeVec::new(
                    Opts::new(
                        "millwright_queue_oldest_age_seconds",
                        "How long the oldest job that is due has waited.",
                    ),
                    &["kind"],
                ),
            ),
            requests: counters(
                r,
                "millwright_http_requests_total",
                "Answered requests.",
                &["route", "method", "status"],
            ),
            request_time: times(
                r,
                "millwright_http_request_duration_seconds",
                "Time to the first byte of an answer.",
                REQUEST,
                &["route"],
            ),
            deliveries: counters(
                r,
                "millwright_deliveries_total",
                "Deliveries received, by system and result.",
                &["system", "outcome"],
            ),
            refused: counters(
                r,
                "millwright_requests_refused_total",
                "Requests refused before any work was done.",
                &["reason"],
            ),
            notes: counters(r, "millwright_notes_total", "Attempts to write a note.", &["outcome"]),
            investigation_time: time(
                r,
                "millwright_investigation_duration_seconds",
                "Time this process worked on a run that ended.",
                INVESTIGATION,
            ),
            failed: registered(
                r,
                IntCounter::new(
                    "millwright_investigation_failures_total",
                    "Attempts of an investigation that ended without a report.",
                ),
            ),
            step_time: times(
                r,
                "millwright_step_duration_seconds",
                "Time of steps, by tool.",
                STEP,
                &["step"],
            ),
            steps: tool_specs(true).into_iter().map(|spec| spec.name).collect(),
            reports: counters(r, "millwright_reports_total", "Reports by verdict.", &["verdict"]),
            replays: counters(r, "millwright_replays_total", "Replays of ended runs.", &["outcome"]),
            tokens: counters(
                r,
                "millwright_model_tokens_total",
                "Tokens; cached ones also count as input.",
                &["kind"],
            ),
            model_errors: counters(
                r,
                "millwright_model_errors_total",
                "Requests to the model without an answer.",
                &["kind"],
            ),
            model_time: time(
                r,
                "millwright_model_request_duration_seconds",
                "Time of a model's answer.",
                MODEL_REQUEST,
            ),
            registry,
        };
        metrics.begin_at_zero(settings);
        metrics
    }

    fn begin_at_zero(&self, settings: &ServiceSettings) {
        let systems = ["api"].into_iter().chain(settings.hooks.keys().map(String::as_str));
        let chat = settings.chat.as_ref().map(|_| chat::NAME);
        for system in systems.chain(chat) {
            for outcome in DELIVERY_OUTCOMES {
                self.deliveries.with_label_values(&[system, outcome]);
            }
        }
        for outcome in CHAT_OUTCOMES.iter().filter(|_| chat.is_some()) {
            self.deliveries.with_label_values(&[chat::NAME, outcome]);
        }
        RefusalReason::ALL.iter().for_each(|reason| drop(self.refused.with_label_values(&[reason.as_str()])));
        NOTE_OUTCOMES.iter().for_each(|outcome| drop(self.notes.with_label_values(&[outcome])));
        for step in self.steps.iter().map(String::as_str).chain([OTHER_STEP]) {
            self.step_time.with_label_values(&[step]);
        }
        Verdict::ALL.iter().for_each(|verdict| drop(self.reports.with_label_values(&[verdict.as_str()])));
        ReplayOutcome::ALL.iter().for_each(|outcome| drop(self.replays.with_label_values(&[&word(outcome)])));
        ["input", "cached", "output"].iter().for_each(|kind| drop(self.tokens.with_label_values(&[kind])));
        FailureKind::ALL.iter().for_each(|kind| drop(self.model_errors.with_label_values(&[&word(kind)])));
    }

    pub(crate) fn request(&self, route: &'static str, method: &'static str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.request_time.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    pub(crate) fn arrival(&self, system: &'static str, outcome: &'static str) {
        self.deliveries.with_label_values(&[system, outcome]).inc();
    }

    /// Counts a report by a person with an account.
    pub(crate) fn reported(&self, report: &ReportResult) {
        self.arrival("api", if report.is_known { "again" } else { "opened" });
    }

    pub(crate) fn refused(&self, why: RefusalReason) {
        self.refused.with_label_values(&[why.as_str()]).inc();
    }

    pub(crate) fn note(&self, outcome: &'static str) {
        self.notes.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn step(&self, tool: &str, took: Duration) {
        let step = self.steps.iter().find(|known| *known == tool).map_or(OTHER_STEP, String::as_str);
        self.step_time.with_label_values(&[step]).observe(took.as_secs_f64());
    }

    pub(crate) fn model_answered(&self, tokens: TokenCounts, took: Duration) {
        for (kind, count) in [("input", tokens.input), ("cached", tokens.cached), ("output", tokens.output)] {
            self.tokens.with_label_values(&[kind]).inc_by(count);
        }
        self.model_time.observe(took.as_secs_f64());
    }

    pub(crate) fn model_failed(&self, kind: FailureKind) {
        self.model_errors.with_label_values(&[&word(kind)]).inc();
    }

    /// Counts a report without a run, written because no repository is known.
    pub(crate) fn report(&self, verdict: Verdict) {
        self.reports.with_label_values(&[verdict.as_str()]).inc();
    }

    pub(crate) fn run_ended(&self, report: &Report, took: Duration) {
        self.report(report.verdict);
        self.investigation_time.observe(took.as_secs_f64());
        for run in report.replay.iter().flat_map(|replay| &replay.runs) {
            self.replays.with_label_values(&[&word(run.outcome)]).inc();
        }
    }

    pub(crate) fn investigation_failed(&self) {
        self.failed.inc();
    }

    /// The metrics in text format, version 0.0.4. If the store cannot be read, its metrics are missing.
    pub(crate) async fn render(&self, store: &Store, degraded: usize) -> String {
        let read = tokio::time::timeout(STORE_PATIENCE, self.read_store(store)).await;
        self.store_up.set(i64::from(matches!(read, Ok(Ok(())))));
        match read {
            Ok(Ok(())) => {}
            // Old figures would look current.
            Ok(Err(_)) | Err(_) => {
                self.incidents.reset();
                self.jobs.reset();
                self.queue_age.reset();
            }
        }
        self.degraded.set(i64::try_from(degraded).unwrap_or(i64::MAX));
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    async fn read_store(&self, store: &Store) -> Result<(), StoreError> {
        let incidents: BTreeMap<String, i64> =
            store.count_states().await?.into_iter().map(|(state, count)| (word(state), count)).collect();
        let jobs: BTreeMap<(String, String), i64> = store
            .count_jobs()
            .await?
            .into_iter()
            .map(|(kind, state, count)| ((word(kind), word(state)), count))
            .collect();
        let ages: BTreeMap<String, Duration> =
            store.queue_ages().await?.into_iter().map(|(kind, age)| (word(kind), age)).collect();
        for state in IncidentState::ALL.map(word) {
            self.incidents.with_label_values(&[&state]).set(incidents.get(&state).copied().unwrap_or(0));
        }
        for kind in JobKind::ALL.map(word) {
            let age = ages.get(&kind).map_or(0.0, Duration::as_secs_f64);
            self.queue_age.with_label_values(&[&kind]).set(age);
            for state in JobState::ALL.map(word) {
                let count = jobs.get(&(kind.clone(), state.clone())).copied().unwrap_or(0);
                self.jobs.with_label_values(&[&kind, &state]).set(count);
            }
        }
        Ok(())
    }
}

fn registered<T: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<T>) -> T {
    // The names are written above, and every test that starts a service checks them.
    let made = made.expect("the name and labels of a metric are valid");
    registry.register(Box::new(made.clone())).expect("every metric has its own name");
    made
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn time(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Histogram {
    registered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
}

fn times(registry: &Registry, name: &str, help: &str, bounds: &[f64], labels: &[&str]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    registered(registry, HistogramVec::new(options, labels))
}

fn word<T: Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
