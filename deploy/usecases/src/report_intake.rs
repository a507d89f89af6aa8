/*!
From a report to an incident that is on the disk. The ticket is masked and taken apart first, then arrivals that
come at the same moment share one transaction: each waits for the disk only once, so bursts of alerts are
acknowledged as quickly as one.
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

/// Arrivals in one transaction.
const AT_ONCE: usize = 64;
/// Arrivals that wait for the disk; more wait before they are taken from their connections.
const WAITING: usize = 256;

/// Payloads beyond this are worked on one by one.
const LARGE: usize = 256 << 10;
/// Of these, as many as may wait for their turn; each is held in memory meanwhile.
const MAX_LARGE_WAITING: usize = 8;

type QueuedReport = (Box<IncomingReport>, oneshot::Sender<Result<IngestResult, StoreError>>);

/// Where payloads are read, and arrivals queue up for the store.
pub struct ReportIntake {
    queue: mpsc::Sender<QueuedReport>,
    reader: PayloadReader,
    pub(crate) notifier: Arc<dyn IncidentNotifier>,
    pub(crate) locations: Arc<CodeLocations>,
    /// All of it: a report may be one that is known already.
    pub(crate) store: Store,
}

impl ReportIntake {
    /// Begins to take reports in. One joins an incident of its correlation that came in within `window`.
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

    /// Masks a payload and takes it apart, see [`PayloadReader::read`].
    pub(crate) async fn read(&self, payload: Value) -> Result<ParsedTicket, UseCaseError> {
        self.reader.read(payload).await
    }

    /// The same of what was acknowledged already, which waits however long it takes.
    pub async fn read_accepted(&self, payload: Value) -> ParsedTicket {
        self.reader.read_accepted(payload).await
    }

    /// Answers once the arrival is on the disk.
    ///
    /// # Errors
    /// When the store cannot take it.
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

/// What became of an arrival, in a word.
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
            // One that cannot be kept must not take the others with it. Of a store that is away each would wait for itself.
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

/// Masks payloads and takes them apart, so many at once.
struct PayloadReader {
    redactor: Arc<Redactor>,
    /// As many as there are processors. More would only share them, and each keeps working memory for every pattern it has met.
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

    /// What a JSON string spells with escapes is masked as what it says. Large payloads take turns among themselves, so that
    /// small ones pass them by.
    async fn read(&self, payload: Value) -> Result<ParsedTicket, UseCaseError> {
        let is_large = weight(&payload) > LARGE;
        let _waits = match is_large {
            true => Some(self.large_waiting.try_acquire().map_err(|_| UseCaseError::Busy {
                why: "too many large reports are being read; repeat in a moment, or send less".to_owned(),
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
        // Never closed, so there is always a turn to wait for.
        let _turn = turns.acquire().await;
        let work = move || millwright_ingest::parse_payload(redactor.redact_json(&payload));
        match tokio::task::spawn_blocking(work).await {
            Ok(ticket) => ticket,
            // Parsers are not meant to break down; should one, the incident still stands, without its details.
            Err(_) => millwright_ingest::parse(b"An incident whose text could not be read"),
        }
    }
}

/// About how many bytes of JSON a payload has.
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

    /// By what is held while it lasts, not by the clock: large ones that wait for their turn take none of the small ones'.
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
