/*!
Notes in other systems, and their delivery. The intent is stored before a note is sent and the outcome after it, so
that a note with an unknown outcome is looked up by its marker instead of being sent again.
*/

use millwright_model::{Audience, IncidentId, MessageId, NoteId};

use super::super::codec::{from_word, new_id, now, word};
use super::super::db::{Row, WriteTransaction, WriteTurn, query, query_scalar};
use super::super::{Store, StoreError};
use super::{JobKind, Note, NoteState, jobs};
use crate::scope::ScopedRow;

impl Store {
    pub async fn get_note(&self, id: &NoteId) -> Result<Note, StoreError> {
        self.require(ScopedRow::Note, id.as_str()).await?;
        query("SELECT * FROM notes WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "note", id: id.to_string() }))
    }

    /// The notes wanted for an incident.
    pub async fn notes(&self, incident: &IncidentId) -> Result<Vec<Note>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query("SELECT * FROM notes WHERE incident_id = $1 ORDER BY id LIMIT 200")
            .bind(incident)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// Stores the delivery state of a note.
    pub async fn set_note(
        &self,
        id: &NoteId,
        state: NoteState,
        remote_id: Option<&str>,
        sent_sha256: Option<&str>,
    ) -> Result<(), StoreError> {
        self.require_installation()?;
        query(
            "UPDATE notes SET state = $2, remote_id = coalesce($3, remote_id), \
             sent_sha256 = coalesce($4, sent_sha256), updated_at = $5 WHERE id = $1",
        )
        .bind(id)
        .bind(word(&state))
        .bind(remote_id)
        .bind(sent_sha256)
        .bind(now())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Makes the notes of an incident due, because there is news.
    pub async fn wake_notes(&self, incident: &IncidentId) -> Result<(), StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        wake(&mut tx, incident).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Like [`Store::wake_notes`], in the transaction of the news.
pub(crate) async fn wake(tx: &mut WriteTransaction, incident: &IncidentId) -> Result<(), StoreError> {
    let ids: Vec<NoteId> = query_scalar("SELECT id FROM notes WHERE incident_id = $1")
        .bind(incident)
        .fetch_all(&mut *tx)
        .await?;
    for id in ids {
        jobs::wake_idle(&mut *tx, JobKind::Note, id.as_str()).await?;
    }
    Ok(())
}

/// Requests a note about an incident; idempotent.
pub(crate) async fn want(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    (system, target): (&str, &str),
    audience: Audience,
) -> Result<(), StoreError> {
    // The current readers of the ticket also read the notes that other incidents have in it.
    query("UPDATE notes SET audience = $1 WHERE system = $2 AND target = $3 AND audience <> $1")
        .bind(audience.as_str())
        .bind(system)
        .bind(target)
        .execute(&mut *tx)
        .await?;
    let id: NoteId = new_id();
    let done = query(
        "INSERT INTO notes (id, incident_id, system, target, state, updated_at, audience) \
         VALUES ($1, $2, $3, $4, 'wanted', $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .bind(incident)
    .bind(system)
    .bind(target)
    .bind(now())
    .bind(audience.as_str())
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() > 0 {
        jobs::insert(tx, JobKind::Note, id.as_str(), incident).await?;
    }
    Ok(())
}

/// Makes the reply to a question due, if one is wanted elsewhere.
pub(crate) async fn wake_reply(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    question: &MessageId,
) -> Result<(), StoreError> {
    let ids: Vec<NoteId> =
        query_scalar("SELECT id FROM notes WHERE incident_id = $1 AND target LIKE '%/' || $2")
            .bind(incident)
            .bind(question)
            .fetch_all(&mut *tx)
            .await?;
    for id in ids {
        jobs::wake_idle(tx, JobKind::Note, id.as_str()).await?;
    }
    Ok(())
}

fn from_row(row: &Row) -> Result<Note, StoreError> {
    let id: NoteId = row.try_get("id")?;
    let (state, audience): (String, String) = (row.try_get("state")?, row.try_get("audience")?);
    Ok(Note {
        audience: from_word("note", &id, &audience)?,
        state: from_word("note", &id, &state)?,
        incident_id: row.try_get("incident_id")?,
        system: row.try_get("system")?,
        target: row.try_get("target")?,
        remote_id: row.try_get("remote_id")?,
        sent_sha256: row.try_get("sent_sha256")?,
        id,
    })
}
