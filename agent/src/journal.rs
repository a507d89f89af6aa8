/*!
Stores the events and the evidence of a run. The driver writes here before it continues, so that a killed run can be
rebuilt. The in-memory journal serves runs that must leave no trace (evals without memory).
*/

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use millwright_model::{Evidence, EvidenceDraft, IncidentId, RunId};
use millwright_store::{EventPhase, NewEvent, Store, StoreError};

use crate::run::RunEvent;
use crate::run_folder::RunFolder;

/// The journal could not be written or read: the run stops, because it must not continue unrecorded.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the run's journal failed: {0}")]
    Store(#[from] StoreError),
    #[error("the run's journal failed: {0}")]
    Unreadable(String),
}

pub type JournalFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send + 'a>>;

/// Append-only, in order. An event is durable when `append` returns.
pub trait Journal: Send + Sync {
    fn append<'a>(&'a self, event: &'a RunEvent) -> JournalFuture<'a, ()>;

    /// Stores the whole (redacted) text of a piece of evidence; returns its hash.
    fn keep_evidence<'a>(&'a self, draft: &'a EvidenceDraft) -> JournalFuture<'a, String>;

    fn evidence_text<'a>(&'a self, sha256: &'a str) -> JournalFuture<'a, Option<String>>;
}

/// A journal in the store, which outlives this process.
#[derive(Debug)]
pub struct StoreJournal {
    store: Store,
    incident: IncidentId,
    run: RunId,
    /// Number of the next event. If another process has written it already, that process took the run over, and this
    /// one has lost it.
    next: AtomicI64,
    folder: Option<RunFolder>,
}

impl StoreJournal {
    /// Opens the journal of a run whose folder is in `runs`.
    pub async fn open(
        store: &Store,
        incident: &IncidentId,
        run: &RunId,
        runs: &Path,
    ) -> Result<Self, StoreError> {
        let folder = RunFolder::bring(store, run, &runs.join(run.as_str())).await?;
        let next = AtomicI64::new(store.get_run(run).await?.next_seq);
        Ok(Self { store: store.clone(), incident: incident.clone(), run: run.clone(), next, folder })
    }

    /// The events of the run so far. An event that this version cannot read is an error.
    pub async fn events(&self) -> Result<Vec<RunEvent>, JournalError> {
        let stored = self.store.events(&self.run, 1).await?;
        let read = |payload: serde_json::Value| {
            serde_json::from_value(payload).map_err(|error| {
                JournalError::Unreadable(format!(
                    "an event of run {} cannot be read by this version: {error}",
                    self.run
                ))
            })
        };
        stored.into_iter().map(|stored| read(stored.event.payload)).collect()
    }
}

impl Journal for StoreJournal {
    fn append<'a>(&'a self, event: &'a RunEvent) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            let (phase, effect) = match event {
                RunEvent::ToolStarted { call } => (EventPhase::Intent, Some(call.clone())),
                RunEvent::ToolFinished { call, .. } => (EventPhase::Outcome, Some(call.clone())),
                _ => (EventPhase::Fact, None),
            };
            if let (EventPhase::Outcome, Some(folder)) = (phase, &self.folder) {
                folder.keep().await?;
            }
            let payload =
                serde_json::to_value(event).map_err(|error| JournalError::Unreadable(error.to_string()))?;
            let event = NewEvent { kind: event.kind().to_owned(), phase, effect, payload };
            let next = self.next.load(Ordering::Relaxed);
            self.store.append_events_at(&self.run, next, &[event]).await?;
            self.next.store(next + 1, Ordering::Relaxed);
            Ok(())
        })
    }

    fn keep_evidence<'a>(&'a self, draft: &'a EvidenceDraft) -> JournalFuture<'a, String> {
        Box::pin(async move { Ok(self.store.put_evidence(&self.incident, draft).await?) })
    }

    fn evidence_text<'a>(&'a self, sha256: &'a str) -> JournalFuture<'a, Option<String>> {
        Box::pin(async move { Ok(self.store.get_evidence(sha256).await?) })
    }
}

/// A journal in memory.
#[derive(Debug, Default)]
pub struct InMemoryJournal {
    events: Mutex<Vec<RunEvent>>,
    evidence: Mutex<HashMap<String, String>>,
}

impl InMemoryJournal {
    pub fn events(&self) -> Vec<RunEvent> {
        lock(&self.events).clone()
    }
}

impl Journal for InMemoryJournal {
    fn append<'a>(&'a self, event: &'a RunEvent) -> JournalFuture<'a, ()> {
        lock(&self.events).push(event.clone());
        Box::pin(std::future::ready(Ok(())))
    }

    fn keep_evidence<'a>(&'a self, draft: &'a EvidenceDraft) -> JournalFuture<'a, String> {
        let sha256 = Evidence::hash(&draft.text);
        lock(&self.evidence).insert(sha256.clone(), draft.text.clone());
        Box::pin(std::future::ready(Ok(sha256)))
    }

    fn evidence_text<'a>(&'a self, sha256: &'a str) -> JournalFuture<'a, Option<String>> {
        Box::pin(std::future::ready(Ok(lock(&self.evidence).get(sha256).cloned())))
    }
}

/// A poisoned lock only means that another thread panicked between two complete writes.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
