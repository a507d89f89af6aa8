/*!
The evidence and results of this run by their ids, for tools that read them again or check a claim against them. The
driver adds everything that it records.
*/

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use millwright_model::{Evidence, EvidenceId};

use crate::journal::{Journal, JournalError};
use crate::run::{Run, ToolOutcome};

pub struct EvidenceCache {
    journal: Arc<dyn Journal>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    evidence: BTreeMap<String, Evidence>,
    results: BTreeMap<String, String>,
}

impl EvidenceCache {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, kept: Mutex::default() }
    }

    /// Adds everything that a resumed run has found already.
    pub fn fill(&self, run: &Run) {
        for (call, outcome) in run.finished() {
            self.put(&call.id, outcome);
        }
    }

    pub fn put(&self, call: &str, outcome: &ToolOutcome) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for evidence in &outcome.evidence {
            kept.evidence.insert(evidence.id.0.clone(), evidence.clone());
        }
        kept.results.insert(call.to_owned(), outcome.text.clone());
    }

    /// The whole text of a piece of evidence.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn evidence(&self, id: &str) -> Result<Option<String>, JournalError> {
        let sha256 = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.evidence.get(id).map(|evidence| evidence.sha256.clone())
        };
        match sha256 {
            Some(sha256) => self.journal.evidence_text(&sha256).await,
            None => Ok(None),
        }
    }

    /// The whole result of a call of this run.
    pub fn result(&self, call: &str) -> Option<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).results.get(call).cloned()
    }

    pub fn holds(&self, id: &EvidenceId) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).evidence.contains_key(&id.0)
    }

    /// The ids of all evidence, in order of their numbers.
    pub fn ids(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<String> = kept.evidence.keys().cloned().collect();
        ids.sort_by_key(|id| id.trim_start_matches('E').parse::<u64>().unwrap_or(u64::MAX));
        ids
    }
}

impl std::fmt::Debug for EvidenceCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
