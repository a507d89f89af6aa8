/*!
From a request to an incident that is on the disk. The ticket is masked and taken apart first, then arrivals that
come at the same moment share one transaction: each waits for the disk only once, so bursts of alerts are
acknowledged as quickly as one.
*/

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use millwright_memory::redaction::Redactor;
use millwright_memory::store::{Arrival, Arrived, Store, StoreError};
use millwright_memory::types::ParsedTicket;
use millwright_tools::intake;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Arrivals in one transaction.
const AT_ONCE: usize = 64;
/// Arrivals that wait for the disk; more wait before they are taken from their connections.
const WAITING: usize = 256;

/// Payloads that are masked and taken apart at once: as many as there are processors. More would only share them, and each
/// keeps working memory for every pattern it has met.
static AT_WORK: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, |many| many.get())));

type Asked = (Box<Arrival>, oneshot::Sender<Result<Arrived, StoreError>>);

/// Where arrivals queue up for the store.
pub(crate) struct Intake(mpsc::Sender<Asked>);

impl Intake {
    pub(crate) fn start(store: Store, window: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(serve(store, window, receiver));
        Self(sender)
    }

    /// Answers once the arrival is on the disk.
    pub(crate) async fn arrive(&self, arrival: Arrival) -> Result<Arrived, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.0.send((Box::new(arrival), answer)).await.is_err() {
            return Err(StoreError::Busy);
        }
        answered.await.unwrap_or(Err(StoreError::Busy))
    }
}

async fn serve(store: Store, window: Duration, mut receiver: mpsc::Receiver<Asked>) {
    let mut asked: Vec<Asked> = Vec::with_capacity(AT_ONCE);
    while receiver.recv_many(&mut asked, AT_ONCE).await > 0 {
        let (arrivals, answers): (Vec<Arrival>, Vec<_>) =
            asked.drain(..).map(|(arrival, answer)| (*arrival, answer)).unzip();
        match store.arrive(&arrivals, window).await {
            Ok(arrived) => {
                for (arrived, answer) in arrived.into_iter().zip(answers) {
                    let _ = answer.send(Ok(arrived));
                }
            }
            // One that cannot be kept must not take the others with it.
            Err(_) => {
                for (arrival, answer) in arrivals.iter().zip(answers) {
                    let one = store.arrive(std::slice::from_ref(arrival), window).await;
                    let _ = answer.send(one.and_then(|mut one| one.pop().ok_or(StoreError::Busy)));
                }
            }
        }
    }
}

/// Masks a payload and takes it apart. What a JSON string spells with escapes is masked as what it says.
pub(crate) async fn read(redactor: &Arc<Redactor>, payload: Value) -> ParsedTicket {
    let redactor = redactor.for_run();
    // Never closed, so there is always a turn to wait for.
    let _turn = AT_WORK.acquire().await;
    let work = move || {
        let masked = redactor.redact_json(&payload);
        intake::parse_named(masked.to_string().as_bytes(), Some("payload.json"))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(ticket) => ticket,
        // Parsers are not meant to break down; should one, the incident still stands, without its details.
        Err(_) => intake::parse(b"An incident whose text could not be read"),
    }
}
