/*!
From a report to an incident that is stored on disk. First the ticket is masked and parsed. Then reports that arrive at
the same moment share one transaction, so that each waits for the disk only once and bursts of alerts are acknowledged as
quickly as one alert.
*/

use std::sync::Arc;
use std::time::{Duration, Instant};

use millwright_model::{IncomingReport, ParsedTicket};
use millwright_redaction::Redactor;
use millwright_store::{IngestResult, Store, StoreError};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::error::UseCaseError;
use crate::notifier::IncidentNotifier;
use crate::placement::CodeLocations;

/// Reports in one transaction.
const AT_ONCE: usize = 64;
/// Reports that wait for the disk; further ones wait before they are read from their connections.
const WAITING: usize = 256;

/// Payloads larger than this are processed one at a time, in bytes.
const LARGE: usize = 256 << 10;
/// Most large payloads that may wait for their turn; each stays in memory meanwhile.
const MAX_LARGE_WAITING: usize = 8;

type QueuedReport = (Box<IncomingReport>, oneshot::Sender<Result<IngestResult, StoreError>>);

/// Reads payloads, and queues reports for the store.
pub struct ReportIntake {
    queue: mpsc::Sender<QueuedReport>,
    reader: PayloadReader,
    pub(crate) notifier: Arc<dyn IncidentNotifier>,
    pub(crate) locations: Arc<CodeLocations>,
    /// The whole store, without a scope: a report may be one that is already known.
    pub(crate) store: Store,
}

impl ReportIntake {
    /// Starts the intake. A report joins an incident with the same correlation that came in within `window`.
    pub fn start(
        store: Store,
        window: Duration,
        redactor: Arc<Redactor>,
        notifier: Arc<dyn IncidentNotifier>,
        locations: Arc<CodeLocations>,
    ) -> Self {
        let (queue, receiver) = mpsc::channel(WAITING);
        tokio::spawn(serve(store.clone(), window, receiver));
        Self { queue, reader: PayloadReader::new(redactor), notifier, locations, store }
    }

    /// Masks and parses a payload, see [`PayloadReader::read`].
    pub(crate) async fn read(&self, payload: Value) -> Result<ParsedTicket, UseCaseError> {
        self.reader.read(payload).await
    }

    /// Masks and parses a payload that was already acknowledged; it waits for its turn without a limit.
    pub async fn read_accepted(&self, payload: Value) -> ParsedTicket {
        self.reader.read_accepted(payload).await
    }

    /// Returns when the report is stored on disk.
    ///
    /// # Errors
    /// When the store cannot save it.
    pub async fn ingest(&self, arrival: IncomingReport) -> Result<IngestResult, StoreError> {
        let (begun, delivery, caller) = (Instant::now(), arrival.delivery.clone(), arrival.by.clone());
        let (answer, answered) = oneshot::channel();
        if self.queue.send((Box::new(arrival), answer)).await.is_err() {
            return Err(StoreError::Busy);
        }
        let arrived = answered.await.unwrap_or(Err(StoreError::Busy))?;
        tracing::info!(
            event = "report.received",
            incident = arrived.incident().map(tracing::field::display),
            delivery,
            caller,
            outcome = ingest_effect(&arrived),
            duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "report received"
        );
        Ok(arrived)
    }
}

/// The outcome of a report, in one word.
pub fn ingest_effect(arrived: &IngestResult) -> &'static str {
    match arrived {
        IngestResult::Opened(_) => "opened",
        IngestResult::Joined(_) => "joined",
        IngestResult::Again(_) => "again",
        IngestResult::Resolved(_) => "resolved",
        IngestResult::Ignored => "ignored",
    }
}

async fn serve(store: Store, window: Duration, mut receiver: mpsc::Receiver<QueuedReport>) {
    let mut asked: Vec<QueuedReport> = Vec::with_capacity(AT_ONCE);
    while receiver.recv_many(&mut asked, AT_ONCE).await > 0 {
        let (arrivals, answers): (Vec<IncomingReport>, Vec<_>) =
            asked.drain(..).map(|(arrival, answer)| (*arrival, answer)).unzip();
        match store.ingest(&arrivals, window).await {
            Ok(arrived) => {
                for (arrived, answer) in arrived.into_iter().zip(answers) {
                    let _ = answer.send(Ok(arrived));
                }
            }
            // One report that cannot be stored must not make the others fail. If the store is unavailable, each would wait
            // by itself.
            Err(error) => {
                let mut away = error.shared();
                for (arrival, answer) in arrivals.iter().zip(answers) {
                    let one = match away.as_ref().and_then(StoreError::shared) {
                        Some(error) => Err(error),
                        None => store.ingest(std::slice::from_ref(arrival), window).await,
                    };
                    away = away.or_else(|| one.as_ref().err().and_then(StoreError::shared));
                    let _ = answer.send(one.and_then(|mut one| one.pop().ok_or(StoreError::Busy)));
                }
            }
        }
    }
}

/// Masks and parses payloads, a limited number at once.
struct PayloadReader {
    redactor: Arc<Redactor>,
    /// One permit per processor. More would only share the processors, and each keeps working memory for every pattern it
    /// has used.
    at_work: Semaphore,
    large_at_work: Semaphore,
    large_waiting: Semaphore,
}

impl PayloadReader {
    fn new(redactor: Arc<Redactor>) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, |many| many.get());
        Self {
            redactor,
            at_work: Semaphore::new(processors),
            large_at_work: Semaphore::new(1),
            large_waiting: Semaphore::new(MAX_LARGE_WAITING),
        }
    }

    /// Masks the decoded text of JSON strings, so that an escape cannot hide a secret. Large payloads wait for each other,
    /// so that small ones can overtake them.
    async fn read(&self, payload: Value) -> Result<ParsedTicket, UseCaseError> {
        let is_large = weight(&payload) > LARGE;
        let _waits = match is_large {
            true => Some(self.large_waiting.try_acquire().map_err(|_| UseCaseError::Busy {
                why: "too many large reports are being read; try again in a moment, or send less".to_owned(),
            })?),
            false => None,
        };
        Ok(self.read_in_turn(payload, is_large).await)
    }

    async fn read_accepted(&self, payload: Value) -> ParsedTicket {
        let is_large = weight(&payload) > LARGE;
        self.read_in_turn(payload, is_large).await
    }

    async fn read_in_turn(&self, payload: Value, is_large: bool) -> ParsedTicket {
        let redactor = self.redactor.for_run();
        let turns = if is_large { &self.large_at_work } else { &self.at_work };
        // The semaphore is never closed, so the permit always comes.
        let _turn = turns.acquire().await;
        let work = move || millwright_ingest::parse_payload(redactor.redact_json(&payload));
        match tokio::task::spawn_blocking(work).await {
            Ok(ticket) => ticket,
            // Parsers should not panic; if one does, the incident still exists, without its details.
            Err(_) => millwright_ingest::parse(b"An incident whose text could not be read"),
        }
    }
}

/// The approximate size of a payload in bytes of JSON.
fn weight(payload: &Value) -> usize {
    match payload {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum(),
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() + weight(field) + 4).sum(),
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Checks the permits that are held, not the clock: large payloads that wait for their turn take no permit of the small
    /// ones.
    #[tokio::test]
    async fn small_reports_pass_large_ones_by_and_large_ones_are_bounded() {
        let reader = Arc::new(PayloadReader::new(Arc::default()));
        let large = || json!({ "title": "t", "body": "x".repeat(LARGE + 1) });
        let small = || json!({ "title": "t", "body": "x" });
        let held = reader.large_at_work.acquire().await.unwrap();
        let waiting: Vec<_> = (0..MAX_LARGE_WAITING)
            .map(|_| {
                let reader = reader.clone();
                tokio::spawn(async move { reader.read(large()).await.map(|ticket| ticket.title) })
            })
            .collect();
        while reader.large_waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(reader.read(small()).await.unwrap().title, "t");
        assert!(matches!(reader.read(large()).await, Err(UseCaseError::Busy { .. })));
        let another = PayloadReader::new(Arc::default());
        assert_eq!(another.read(large()).await.unwrap().title, "t", "another service has turns of its own");
        drop(held);
        for one in waiting {
            assert_eq!(one.await.unwrap().unwrap(), "t");
        }
    }
}
