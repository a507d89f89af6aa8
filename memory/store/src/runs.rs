/*!
Runs and their events. Events are appended in sequence and never changed: the events define the run, and after a crash
it is rebuilt from them. Appending is atomic per call and durable when the call returns.

A lease says which process drives a run, so that two processes on one folder do not both resume it; the lease of a
dead process runs out.
*/

use millwright_model::{IncidentId, RunId, Timestamp};
use std::time::Duration;

use super::codec::{from_word, json, new_id, now, word};
use super::db::{Row, WriteTransaction, WriteTurn, clock, query, query_scalar};
use super::{EventPhase, NewEvent, RunState, Store, StoreError, StoredEvent, StoredRun, payloads};
use crate::scope::ScopedRow;

impl Store {
    pub async fn create_run(&self, incident: &IncidentId) -> Result<StoredRun, StoreError> {
        self.require_incident(incident).await?;
        let at = now();
        let run = StoredRun {
            id: new_id(),
            incident_id: incident.clone(),
            state: RunState::Running,
            created_at: at,
            updated_at: at,
            finished_at: None,
            next_seq: 1,
            holder: None,
            lease_until: None,
        };
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        super::incidents::must_exist(&mut tx, incident).await?;
        insert(&mut tx, &run).await?;
        tx.commit().await?;
        Ok(run)
    }

    pub async fn get_run(&self, id: &RunId) -> Result<StoredRun, StoreError> {
        self.require(ScopedRow::Run, id.as_str()).await?;
        query("SELECT * FROM runs WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "run", id: id.to_string() }))
    }

    /// Runs of an incident, oldest first.
    pub async fn list_runs(&self, incident: &IncidentId) -> Result<Vec<StoredRun>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query("SELECT * FROM runs WHERE incident_id = $1 ORDER BY id")
            .bind(incident)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// The run to resume for an incident, if its last run did not end.
    pub async fn latest_unfinished_run(
        &self,
        incident: &IncidentId,
    ) -> Result<Option<StoredRun>, StoreError> {
        self.require_incident(incident).await?;
        query("SELECT * FROM runs WHERE incident_id = $1 AND finished_at IS NULL ORDER BY id DESC LIMIT 1")
            .bind(incident)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .transpose()
    }

    /// All runs that did not end, oldest first.
    #[cfg(test)]
    pub(crate) async fn unfinished_runs(&self) -> Result<Vec<StoredRun>, StoreError> {
        let rows = query("SELECT * FROM runs WHERE finished_at IS NULL ORDER BY id LIMIT 10000")
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// Takes or renews the right to drive a run. False if another holder's lease is still valid.
    pub async fn claim_run(&self, run: &RunId, holder: &str, lease: Duration) -> Result<bool, StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        let at = clock(&self.write).await?;
        let done = query(
            "UPDATE runs SET holder = $2, lease_until = $3, updated_at = $4 WHERE id = $1 AND finished_at IS NULL \
             AND (holder IS NULL OR holder = $2 OR lease_until < $4)",
        )
        .bind(run)
        .bind(holder)
        .bind(at.later_by(lease))
        .bind(at)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Releases the lease, if it belongs to this holder.
    pub async fn release_run(&self, run: &RunId, holder: &str) -> Result<(), StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        query("UPDATE runs SET holder = NULL, lease_until = NULL WHERE id = $1 AND holder = $2")
            .bind(run)
            .bind(holder)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub async fn set_run_state(&self, run: &RunId, state: RunState) -> Result<(), StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        let at = now();
        let mut tx = self.begin(WriteTurn::Run(run)).await?;
        let done = query("UPDATE runs SET state = $2, updated_at = $3, finished_at = $4 WHERE id = $1")
            .bind(run)
            .bind(word(&state))
            .bind(at)
            .bind(Some(at).filter(|_| state.is_final()))
            .execute(&mut tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "run", id: run.to_string() });
        }
        if state.is_final() {
            query("DELETE FROM run_files WHERE run_id = $1").bind(run).execute(&mut tx).await?;
        }
        tx.commit().await
    }

    /// Appends after the last event. Only for tests: a writer that does not say what it has seen may have lost the
    /// run.
    #[cfg(test)]
    pub(crate) async fn append_events(&self, run: &RunId, events: &[NewEvent]) -> Result<i64, StoreError> {
        self.append(run, None, events).await
    }

    /// Appends all of the events or none, and only if nobody else has appended: `next_seq` is the sequence number
    /// that the caller expects. Returns the sequence number of the first.
    pub async fn append_events_at(
        &self,
        run: &RunId,
        next_seq: i64,
        events: &[NewEvent],
    ) -> Result<i64, StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        self.append(run, Some(next_seq), events).await
    }

    async fn append(
        &self,
        run: &RunId,
        expected: Option<i64>,
        events: &[NewEvent],
    ) -> Result<i64, StoreError> {
        let at = now();
        let payloads = events.iter().map(payload).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.write.begin_aside().await?;
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let next: Option<i64> = query_scalar(
            "UPDATE runs SET next_seq = next_seq + $2, updated_at = $3 WHERE id = $1 RETURNING next_seq",
        )
        .bind(run)
        .bind(count)
        .bind(at)
        .fetch_optional(&mut tx)
        .await?;
        let Some(next) = next else {
            return Err(StoreError::NotFound { what: "run", id: run.to_string() });
        };
        let first = next - count;
        if let Some(expected) = expected.filter(|e| *e != first) {
            return Err(StoreError::Conflict { run: run.to_string(), expected, found: first });
        }
        for (seq, (event, payload)) in (first..).zip(events.iter().zip(&payloads)) {
            insert_event(&mut tx, run, seq, at, event, payload).await?;
        }
        tx.commit().await?;
        Ok(first)
    }

    /// The events from `from_seq` on (1 is the first), in order.
    pub async fn events(&self, run: &RunId, from_seq: i64) -> Result<Vec<StoredEvent>, StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        let rows = query(
            "SELECT seq, at, phase, effect, kind, payload FROM run_events WHERE run_id = $1 AND seq >= $2 ORDER BY seq",
        )
        .bind(run)
        .bind(from_seq)
        .fetch_all(&self.read)
        .await?;
        self.events_of(run, &rows).await
    }

    async fn events_of(&self, run: &RunId, rows: &[Row]) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let (seq, payload): (i64, String) = (row.try_get("seq")?, row.try_get("payload")?);
            let payload = payloads::whole(&self.read, run, seq, &payload).await?;
            events.push(event_from_row(run, row, payload)?);
        }
        Ok(events)
    }
}

fn payload(event: &NewEvent) -> Result<String, StoreError> {
    let text = json(&event.payload)?;
    match text.len() {
        found if found > payloads::MAX_PAYLOAD_BYTES => Err(StoreError::TooLarge {
            what: "an event's payload",
            found,
            limit: payloads::MAX_PAYLOAD_BYTES,
        }),
        _ => Ok(text),
    }
}

/// Returns whether the run was new.
pub(crate) async fn insert(tx: &mut WriteTransaction, run: &StoredRun) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO runs (id, incident_id, state, created_at, updated_at, finished_at, next_seq) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&run.id)
    .bind(&run.incident_id)
    .bind(word(&run.state))
    .bind(run.created_at)
    .bind(run.updated_at)
    .bind(run.finished_at)
    .bind(run.next_seq)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn insert_event(
    tx: &mut WriteTransaction,
    run: &RunId,
    seq: i64,
    at: Timestamp,
    event: &NewEvent,
    payload: &str,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO run_events (run_id, seq, at, phase, effect, kind, payload) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT DO NOTHING",
    )
    .bind(run)
    .bind(seq)
    .bind(at)
    .bind(word(&event.phase))
    .bind(&event.effect)
    .bind(&event.kind)
    .bind(payloads::in_row(payload))
    .execute(&mut *tx)
    .await?;
    payloads::keep(tx, run, seq, payload).await
}

fn from_row(row: &Row) -> Result<StoredRun, StoreError> {
    let id: RunId = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    Ok(StoredRun {
        state: from_word("run", &id, &state)?,
        incident_id: row.try_get("incident_id")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        finished_at: row.try_get("finished_at")?,
        next_seq: row.try_get("next_seq")?,
        holder: row.try_get("holder")?,
        lease_until: row.try_get("lease_until")?,
        id,
    })
}

fn event_from_row(run: &RunId, row: &Row, payload: serde_json::Value) -> Result<StoredEvent, StoreError> {
    let phase: String = row.try_get("phase")?;
    let phase: EventPhase = from_word("event", run, &phase)?;
    Ok(StoredEvent {
        seq: row.try_get("seq")?,
        at: row.try_get("at")?,
        event: NewEvent { kind: row.try_get("kind")?, effect: row.try_get("effect")?, payload, phase },
    })
}
