/*!
Messages of persons to an incident, stored until its run has read them, and the replies.
*/

use millwright_model::{IncidentId, JobId, MessageId};

use super::super::codec::{from_word, new_id, now, word};
use super::super::db::{Row, WriteTransaction, WriteTurn, query, query_scalar};
use super::super::{Store, StoreError};
use super::{IncidentMessage, MessageKind};
use crate::queue::{JobKind, jobs, notes};
use crate::scope::ScopedRow;

/// Most messages that are read at once.
pub const MESSAGES_AT_ONCE: usize = 200;

impl Store {
    /// Stores a message; a question is queued for an answer.
    pub async fn put_message(
        &self,
        incident: &IncidentId,
        author: &str,
        kind: MessageKind,
        body: &str,
    ) -> Result<IncidentMessage, StoreError> {
        self.require_incident(incident).await?;
        let mut tx = self.begin(WriteTurn::Incident(incident)).await?;
        super::super::incidents::must_exist(&mut tx, incident).await?;
        let message = insert(&mut tx, incident, author, kind, body).await?;
        tx.commit().await?;
        Ok(message)
    }

    /// Messages that a run has not stored yet, oldest first.
    pub async fn waiting_messages(&self, incident: &IncidentId) -> Result<Vec<IncidentMessage>, StoreError> {
        self.require_incident(incident).await?;
        let rows = query(
            "SELECT * FROM incident_messages WHERE incident_id = $1 AND taken_at IS NULL \
             AND kind IN ('remark', 'decision', 'stop') ORDER BY id LIMIT 200",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// Messages of an incident, oldest first, after the given message if there is one; at most [`MESSAGES_AT_ONCE`].
    pub async fn messages(
        &self,
        incident: &IncidentId,
        after: Option<&MessageId>,
    ) -> Result<Vec<IncidentMessage>, StoreError> {
        self.require_incident(incident).await?;
        let rows =
            query("SELECT * FROM incident_messages WHERE incident_id = $1 AND id > $2 ORDER BY id LIMIT $3")
                .bind(incident)
                .bind(after.map_or("", MessageId::as_str))
                .bind(i64::try_from(MESSAGES_AT_ONCE).unwrap_or(i64::MAX))
                .fetch_all(&self.read)
                .await?;
        rows.iter().map(from_row).collect()
    }

    /// Whether a question about an incident still waits for an answer.
    pub async fn awaits_answer(&self, incident: &IncidentId) -> Result<bool, StoreError> {
        self.require_incident(incident).await?;
        let open: i64 = query_scalar(
            "SELECT count(*) FROM jobs WHERE incident_id = $1 AND kind = 'answer' AND state IN ('queued', 'running')",
        )
        .bind(incident)
        .fetch_one(&self.read)
        .await?;
        Ok(open > 0)
    }

    pub async fn take_message(&self, id: &MessageId) -> Result<(), StoreError> {
        self.require(ScopedRow::Message, id.as_str()).await?;
        query("UPDATE incident_messages SET taken_at = $2 WHERE id = $1 AND taken_at IS NULL")
            .bind(id)
            .bind(now())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub async fn get_message(&self, id: &MessageId) -> Result<IncidentMessage, StoreError> {
        self.require(ScopedRow::Message, id.as_str()).await?;
        query("SELECT * FROM incident_messages WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .map(|row| from_row(&row))
            .unwrap_or_else(|| Err(StoreError::NotFound { what: "message", id: id.to_string() }))
    }

    /// Answers a question and ends its job, both or neither; `false` if another worker has the job by now.
    pub async fn answer_question(
        &self,
        job: &JobId,
        holder: &str,
        question: &IncidentMessage,
        answer: &str,
    ) -> Result<bool, StoreError> {
        self.require_installation()?;
        let mut tx = self.begin(WriteTurn::Incident(&question.incident_id)).await?;
        let done = query(
            "UPDATE jobs SET state = 'done', holder = NULL, lease_until = NULL, updated_at = $3 \
             WHERE id = $1 AND holder = $2",
        )
        .bind(job)
        .bind(holder)
        .bind(now())
        .execute(&mut tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        query("UPDATE incident_messages SET taken_at = $2 WHERE id = $1")
            .bind(&question.id)
            .bind(now())
            .execute(&mut tx)
            .await?;
        query(
            "INSERT INTO incident_messages (id, incident_id, at, author, kind, body, reply_to) \
             VALUES ($1, $2, $3, 'millwright', 'answer', $4, $5)",
        )
        .bind(new_id::<MessageId>())
        .bind(&question.incident_id)
        .bind(now())
        .bind(answer)
        .bind(&question.id)
        .execute(&mut tx)
        .await?;
        notes::wake_reply(&mut tx, &question.incident_id, &question.id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether somebody asked to stop this incident's run.
    pub async fn is_stopped(&self, incident: &IncidentId) -> Result<bool, StoreError> {
        self.require_incident(incident).await?;
        let count: i64 =
            query_scalar("SELECT count(*) FROM incident_messages WHERE incident_id = $1 AND kind = 'stop'")
                .bind(incident)
                .fetch_one(&self.read)
                .await?;
        Ok(count > 0)
    }
}

/// Stores a message; a question is queued for an answer.
pub(super) async fn insert(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    author: &str,
    kind: MessageKind,
    body: &str,
) -> Result<IncidentMessage, StoreError> {
    let message = IncidentMessage {
        id: new_id(),
        incident_id: incident.clone(),
        at: now(),
        author: author.to_owned(),
        kind,
        body: body.to_owned(),
        taken_at: None,
    };
    query(
        "INSERT INTO incident_messages (id, incident_id, at, author, kind, body) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&message.id)
    .bind(incident)
    .bind(message.at)
    .bind(author)
    .bind(word(&kind))
    .bind(body)
    .execute(&mut *tx)
    .await?;
    if kind == MessageKind::Question {
        jobs::insert(tx, JobKind::Answer, message.id.as_str(), incident).await?;
    }
    Ok(message)
}

pub(super) fn from_row(row: &Row) -> Result<IncidentMessage, StoreError> {
    let id: MessageId = row.try_get("id")?;
    let kind: String = row.try_get("kind")?;
    Ok(IncidentMessage {
        kind: from_word("message", &id, &kind)?,
        incident_id: row.try_get("incident_id")?,
        at: row.try_get("at")?,
        author: row.try_get("author")?,
        body: row.try_get("body")?,
        taken_at: row.try_get("taken_at")?,
        id,
    })
}
