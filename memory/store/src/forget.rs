/*!
Permanent deletion. The rows are deleted, the word index drops its terms (FTS5's `secure-delete`), freed pages are
overwritten (`secure_delete`), and the write-ahead log is emptied, so that the text is in none of the store's files
any more. Only the fact stays in the audit log: who forgot which id, and when.
*/

use std::time::{Duration, Instant};

use millwright_model::{Approval, IncidentId, ProblemId, Proof, Timestamp};

use super::audit::{AuditedChange, record};
use super::codec::word;
use super::db::{WriteTurn, query, query_scalar};
use super::{Actor, Store, StoreError, index, vectors};

/// How long to wait for other connections to release old pages.
const PATIENCE: Duration = Duration::from_secs(20);
/// Incidents that are deleted between two scrubs.
const SCRUBBED: usize = 500;

impl Store {
    /// Deletes an incident with everything that belongs to it; evidence that other incidents cite stays. `Busy` means
    /// that the incident is gone from every result, but a long reader kept old pages; repeat `scrub` later.
    pub async fn forget(&self, incident: &IncidentId, by: Actor<'_>) -> Result<(), StoreError> {
        self.require_incident(incident).await?;
        self.take_out(incident, by).await?;
        self.scrub_files().await
    }

    /// Applies the retention of unproven incidents: forgets incidents that were last changed before `before`, unless
    /// a cause was proven, a person confirmed or rejected one, or a run is still active. Returns their ids. Each
    /// incident is deleted as a whole, so after an interruption the next call continues.
    pub async fn expire(&self, before: Timestamp, by: Actor<'_>) -> Result<Vec<IncidentId>, StoreError> {
        self.require_everything()?;
        let due = self.due(before).await?;
        for (at, incident) in due.iter().enumerate() {
            match self.take_out(incident, by).await {
                // Another process forgot it meanwhile.
                Ok(()) | Err(StoreError::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
            // Otherwise the write-ahead log would grow by all deleted incidents.
            if at % SCRUBBED == SCRUBBED - 1 {
                self.scrub_files().await?;
            }
        }
        if !due.is_empty() {
            self.scrub_files().await?;
        }
        Ok(due)
    }

    /// What [`Store::expire`] would forget, oldest first.
    pub async fn due(&self, before: Timestamp) -> Result<Vec<IncidentId>, StoreError> {
        self.require_everything()?;
        query_scalar(
            "SELECT id FROM incidents i WHERE updated_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM resolutions r WHERE r.incident_id = i.id \
                 AND (r.approval <> $2 OR r.proof IN ($3, $4))) \
             AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.incident_id = i.id AND finished_at IS NULL) \
             ORDER BY id",
        )
        .bind(before)
        .bind(word(&Approval::None))
        .bind(word(&Proof::CauseConfirmed))
        .bind(word(&Proof::FixVerified))
        .fetch_all(&self.read)
        .await
    }

    async fn take_out(&self, incident: &IncidentId, by: Actor<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin(WriteTurn::Whole).await?;
        let doc = index::doc_of(&mut tx, incident).await?;
        index::remove(&mut tx, doc).await?;
        vectors::rows::note_removal(&mut tx, doc, incident).await?;
        query("DELETE FROM audit_notes WHERE audit_id IN (SELECT id FROM audit WHERE incident_id = $1)")
            .bind(incident)
            .execute(&mut tx)
            .await?;
        let hashes: Vec<String> = query_scalar("SELECT sha256 FROM incident_evidence WHERE incident_id = $1")
            .bind(incident)
            .fetch_all(&mut tx)
            .await?;
        let problem: Option<ProblemId> = query_scalar("SELECT problem_id FROM incidents WHERE id = $1")
            .bind(incident)
            .fetch_one(&mut tx)
            .await?;
        query("DELETE FROM incidents WHERE id = $1").bind(incident).execute(&mut tx).await?;
        for hash in hashes {
            query(
                "DELETE FROM evidence WHERE sha256 = $1 \
                 AND NOT EXISTS (SELECT 1 FROM incident_evidence WHERE sha256 = $1)",
            )
            .bind(hash)
            .execute(&mut tx)
            .await?;
        }
        if let Some(problem) = problem {
            // The problem carries the title of its first incident, which may be the deleted one.
            query(
                "UPDATE problems SET title = coalesce((SELECT title FROM incidents WHERE problem_id = $1 \
                 ORDER BY id LIMIT 1), '') WHERE id = $1",
            )
            .bind(&problem)
            .execute(&mut tx)
            .await?;
            query(
                "DELETE FROM problems WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM incidents WHERE problem_id = $1)",
            )
            .bind(&problem)
            .execute(&mut tx)
            .await?;
        }
        let change = AuditedChange {
            action: "forget",
            subject: incident.as_str(),
            incident: Some(incident),
            before: None,
            after: None,
        };
        // The reason might quote the deleted text, so only the fact is kept.
        record(&mut tx, Actor { who: by.who, why: "" }, change).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes deleted data from the files: merges the word index, then copies and empties the write-ahead log.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        self.require_installation()?;
        self.scrub_files().await
    }

    async fn scrub_files(&self) -> Result<(), StoreError> {
        let started = Instant::now();
        loop {
            if self.write.let_go_of_deleted().await? {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
