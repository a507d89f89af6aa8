/*!
Channel health: what came in by which channel and when, which notes wait or fail, and the audit log by pages.
*/

use millwright_model::{IncidentId, NoteId, Timestamp};

use super::super::codec::from_word;
use super::super::db::{AssertSqlSafe, query, query_as, query_scalar};
use super::super::{Store, StoreError};
use crate::queue::{JobState, NoteState};

/// What came in from one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelHealth {
    pub source: String,
    pub deliveries: i64,
    pub last_at: Timestamp,
}

/// A note that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubledNote {
    pub incident_id: IncidentId,
    pub system: String,
    pub target: String,
    pub note: NoteState,
    pub job: JobState,
    pub failures: i64,
    /// When it is tried again, unless it was given up.
    pub due_at: Timestamp,
    pub error: Option<String>,
}

impl Store {
    /// Every system that ever delivered anything, by name.
    pub async fn channel_health(&self) -> Result<Vec<ChannelHealth>, StoreError> {
        self.require_installation()?;
        let rows: Vec<(String, i64, Timestamp)> = query_as(
            "SELECT source, count(*), max(received_at) FROM deliveries GROUP BY source ORDER BY source LIMIT 100",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(source, deliveries, last_at)| ChannelHealth { source, deliveries, last_at })
            .collect())
    }

    /// Notes whose last attempt failed, newest first, at most `most`.
    pub async fn troubled_notes(&self, most: u32) -> Result<Vec<TroubledNote>, StoreError> {
        let sql = format!(
            "SELECT n.id, n.incident_id, n.system, n.target, n.state AS note, j.state AS job, j.failures, j.due_at, \
             j.error FROM jobs j JOIN notes n ON n.id = j.subject WHERE j.kind = 'note' \
             AND (j.state = 'failed' OR (j.state = 'queued' AND j.failures > 0)){} ORDER BY j.updated_at DESC LIMIT $1",
            self.visible_by("n.incident_id")
        );
        let rows = query(AssertSqlSafe(sql)).bind(i64::from(most)).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| {
                let id: NoteId = row.try_get("id")?;
                let (note, job): (String, String) = (row.try_get("note")?, row.try_get("job")?);
                Ok(TroubledNote {
                    incident_id: row.try_get("incident_id")?,
                    system: row.try_get("system")?,
                    target: row.try_get("target")?,
                    note: from_word("note", &id, &note)?,
                    job: from_word("job", &id, &job)?,
                    failures: row.try_get("failures")?,
                    due_at: row.try_get("due_at")?,
                    error: row.try_get("error")?,
                })
            })
            .collect()
    }

    /// Services of reported incidents, by name.
    pub async fn known_services(&self) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT i.service FROM incidents i WHERE i.service IS NOT NULL{} ORDER BY i.service LIMIT 200",
            self.visible()
        );
        query_scalar(AssertSqlSafe(sql)).fetch_all(&self.read).await
    }
}
